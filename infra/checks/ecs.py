"""The ECS files, through botocore's model of the API and Fargate's table of sizes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

import contract
from report import INFRA, ROOT, Report, equal, expect

# CPU units to MiB of memory, as Fargate sells them on Linux.
FARGATE_MEMORY = {
    256: [512, 1024, 2048],
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
FARGATE_STOP_SECONDS_MAX = 120


def load(name: str) -> dict:
    return json.loads((INFRA / "ecs" / name).read_text())


def enum_mistakes(value: object, shape: Shape, where: str) -> list[str]:
    """Values outside their enum: ParamValidator does not look."""
    if isinstance(shape, StructureShape):
        return [m for key, inner in value.items() for m in enum_mistakes(inner, shape.members[key], f"{where}.{key}")]
    if isinstance(shape, ListShape):
        return [m for i, inner in enumerate(value) for m in enum_mistakes(inner, shape.member, f"{where}[{i}]")]
    if isinstance(shape, MapShape):
        return [m for key, inner in value.items() for m in enum_mistakes(inner, shape.value, f"{where}.{key}")]
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        return [f"{where} is {value!r}, not one of {shape.enum}"]
    return []


def mistakes(request: dict, operation: str, service: str = "ecs") -> list[str]:
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    found = ParamValidator().validate(request, shape)
    return [found.generate_report()] if found.has_errors() else enum_mistakes(request, shape, operation)


def accepted(name: str, operation: str, service: str = "ecs") -> None:
    found = mistakes(load(name), operation, service)
    expect(not found, "; ".join(found))


def wrong_ones_are_refused() -> None:
    """The proof that `mistakes` sees anything."""
    task = load("task-definition.json")
    expect(mistakes(task | {"cpu": 1024}, "RegisterTaskDefinition"), "a number for a text passed")
    expect(mistakes(task | {"networkMode": "vpc"}, "RegisterTaskDefinition"), "a value outside its enum passed")
    expect(mistakes(task | {"memoryMb": "1"}, "RegisterTaskDefinition"), "an unknown key passed")
    schedule = load("compact-schedule.json")
    expect(mistakes(schedule | {"FlexibleTimeWindow": {"Mode": "ON"}}, "CreateSchedule", "scheduler"), "a value outside its enum passed in a schedule")


def size(name: str) -> None:
    task = load(name)
    cpu, memory = int(task["cpu"]), int(task["memory"])
    expect(memory in FARGATE_MEMORY.get(cpu, []), f"Fargate has no {cpu} CPU units with {memory} MiB")


def restricted(name: str) -> tuple[dict, dict[str, str]]:
    """The container and its variables."""
    (one,) = load(name)["containerDefinitions"]
    expect(one["readonlyRootFilesystem"], "the root file system is writable")
    equal(one["user"], "65532:65532", "the user")
    equal(one["linuxParameters"], {"capabilities": {"drop": ["ALL"]}}, "the capabilities")
    variables = {v["name"]: v["value"] for v in one["environment"]}
    expect(not any(word in key for key in variables for word in ("SECRET", "TOKEN", "PASSWORD")), "a secret stands in the environment")
    return one, variables


def container() -> None:
    one, variables = restricted("task-definition.json")
    expect({"TRAILFLOW_QUEUE_URL", "TRAILFLOW_BUCKETS", "TRAILFLOW_LAKE"} <= variables.keys(), "`trailflow run` without a file needs queue, buckets and lake")
    port = one["portMappings"][0]["containerPort"]
    equal(variables.get("TRAILFLOW_LISTEN"), f"0.0.0.0:{port}", "TRAILFLOW_LISTEN: on loopback nobody in awsvpc reaches the metrics; it")
    expect(one["stopTimeout"] <= FARGATE_STOP_SECONDS_MAX, "Fargate stops a task after 120 s at the latest")
    expect(contract.stop_seconds() < one["stopTimeout"] < contract.lease_seconds(), "stopTimeout is not between an orderly stop and the lease")


def compaction() -> None:
    """The service's image and lake, a role of its own, and a volume to spill into that its user may write."""
    task, services = load("compact-task-definition.json"), load("task-definition.json")
    one, variables = restricted("compact-task-definition.json")
    (service,) = services["containerDefinitions"]
    equal(one["command"][0], "compact", "the command")
    equal(one["image"], service["image"], "the image")
    equal(task["executionRoleArn"], services["executionRoleArn"], "the execution role")
    expect(task["taskRoleArn"] != services["taskRoleArn"], "it has the service's role, or the service has its")
    due = {v["name"]: v["value"] for v in service["environment"] if v["name"] in ("AWS_REGION", "TRAILFLOW_LAKE", "TRAILFLOW_LOG_FORMAT")}
    place = variables.pop("TMPDIR")
    equal(variables, due, "the variables beside TMPDIR")
    (volume,), (mount,) = task["volumes"], one["mountPoints"]
    equal(mount, {"sourceVolume": volume["name"], "containerPath": place, "readOnly": False}, "where it spills")
    declared = re.search(r'^VOLUME \["(.+)"\]$', (INFRA / "image/Dockerfile").read_text(), re.M)[1]
    equal(declared, place, "the image's volume, whose owner Fargate takes over,")
    expect("portMappings" not in one, "it serves nothing, and has a port")


def schedule() -> None:
    """It starts that task where the service runs, and its role may do that and nothing else."""
    found, service, task = load("compact-schedule.json"), load("service.json"), load("compact-task-definition.json")
    target = found["Target"]
    ecs = target["EcsParameters"]
    account = re.search(r"^arn:aws:iam::(\d+):role/", target["RoleArn"])[1]
    definition = ecs["TaskDefinitionArn"]
    expect(definition.endswith(f":{account}:task-definition/{task['family']}"), f"it starts {definition}")
    expect(target["Arn"].endswith(f":cluster/{service['cluster']}"), f"it starts in {target['Arn']}")
    network = {key[0].upper() + key[1:]: value for key, value in service["networkConfiguration"]["awsvpcConfiguration"].items()}
    equal(ecs["NetworkConfiguration"]["awsvpcConfiguration"], network, "the network")
    equal((ecs["TaskCount"], ecs["LaunchType"], ecs["PlatformVersion"]), (1, service["launchType"], service["platformVersion"]), "count, launch type and platform")
    statements = {s["Sid"]: s for s in load("scheduler-policy.json")["Statement"]}
    start, tag, roles = (statements.pop(sid) for sid in ("StartCompaction", "TagIt", "HandItItsRoles"))
    equal(statements, {}, "what else the scheduler's role may do")
    equal((start["Action"], start["Resource"]), ("ecs:RunTask", [definition, f"{definition}:*"]), "what it may start")
    equal(start["Condition"], {"ArnEquals": {"ecs:cluster": target["Arn"]}}, "where it may start it")
    equal((tag["Action"], tag["Condition"]), ("ecs:TagResource", {"StringEquals": {"ecs:CreateAction": "RunTask"}}), "what it may tag")
    equal(tag["Resource"], target["Arn"].replace(":cluster/", ":task/") + "/*", "the tasks that it may tag")
    equal((roles["Action"], roles["Resource"]), ("iam:PassRole", [task["taskRoleArn"], task["executionRoleArn"]]), "the roles that it may hand on")
    equal(roles["Condition"], {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}, "whom it may hand them to")
    (trusted,) = load("scheduler-trust.json")["Statement"]
    equal((trusted["Principal"], trusted["Action"]), ({"Service": "scheduler.amazonaws.com"}, "sts:AssumeRole"), "who may take it")
    equal(trusted["Condition"]["StringEquals"], {"aws:SourceAccount": account}, "whose scheduler may take it")
    group = found.get("GroupName", "default")
    expect(trusted["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(f":{account}:schedule-group/{group}"), "another group of schedules may take it")


def block(language: str) -> str:
    """The one block of this language in infra/README.md."""
    (text,) = re.findall(rf"^```{language}\n(.+?)^```$", (INFRA / "README.md").read_text(), re.M | re.S)
    return text


def own_signals() -> None:
    copies = dict(re.findall(r"^COPY (\S+) (\S+)$", block("dockerfile"), re.M))
    settings = tomllib.loads(block("toml"))
    keys = {f"{table}.{key}" for table, inner in settings.items() for key in inner}
    expect(keys <= contract.configuration_keys(), f"the service has no {sorted(keys - contract.configuration_keys())}")
    equal(settings["signals"]["directory"], copies["sql"], "signals.directory")
    expect(f'"value": "{copies["trailflow.toml"]}"' in (INFRA / "README.md").read_text(), "TRAILFLOW_CONFIG does not name the file of the image")
    tag = re.search(r"^FROM \S+:(\S+)$", block("dockerfile"), re.M)[1]
    equal(tag, contract.version(), "the tag in infra/README.md")
    changed = load("task-definition.json")
    changed["containerDefinitions"][0]["environment"].append({"name": "TRAILFLOW_CONFIG", "value": copies["trailflow.toml"]})
    equal(mistakes(changed, "RegisterTaskDefinition"), [], "the mistakes in the task definition with TRAILFLOW_CONFIG")


def binary_accepts(trailflow: str) -> None:
    (one,) = load("task-definition.json")["containerDefinitions"]
    settings = tomllib.loads(block("toml"))
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        shutil.copytree(ROOT / "sql/flow_logs", here / "sql/flow_logs")
        text = block("toml").replace(settings["signals"]["directory"], str(here / "sql"))
        (here / "trailflow.toml").write_text(text)
        variables = {v["name"]: v["value"] for v in one["environment"]} | {"TRAILFLOW_CONFIG": "trailflow.toml"}
        command = [trailflow, "check", "--testdata", str(ROOT / "testdata")]
        done = subprocess.run(command, cwd=here, env=variables, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)
    count = len(list((ROOT / "sql/flow_logs").glob("*.sql")))
    expect(f"{count} signals, " in done.stderr, f"{count} signals were given: {done.stderr}")


def binary_compacts(trailflow: str) -> None:
    """On a lake without days; the real one is a bucket."""
    one, variables = restricted("compact-task-definition.json")
    with tempfile.TemporaryDirectory() as name:
        lake = Path(name) / "lake"
        (lake / "_trailflow").mkdir(parents=True)
        given = variables | {"TRAILFLOW_LAKE": str(lake), "TMPDIR": name}
        done = subprocess.run([trailflow, *one["command"]], cwd=name, env=given, capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"the exit code ({done.stderr})")
    equal(json.loads(done.stdout)["unsealed"], [], "what stays as it is")


def run(report: Report, trailflow: str | None) -> None:
    report.check("ecs: task definition, by botocore's model", lambda: accepted("task-definition.json", "RegisterTaskDefinition"))
    report.check("ecs: service, by botocore's model", lambda: accepted("service.json", "CreateService"))
    report.check("ecs: compaction's task definition, by botocore's model", lambda: accepted("compact-task-definition.json", "RegisterTaskDefinition"))
    report.check("ecs: compaction's schedule, by botocore's model", lambda: accepted("compact-schedule.json", "CreateSchedule", "scheduler"))
    report.check("ecs: wrong task definitions and schedules are refused", wrong_ones_are_refused)
    for name in ("task-definition.json", "compact-task-definition.json"):
        report.check(f"ecs: Fargate sells this size, {name}", lambda name=name: size(name))
    report.check("ecs: container is read-only, not root, reachable and stops in time", container)
    report.check("ecs: compaction is read-only, not root, has a role of its own and a volume that it may write", compaction)
    report.check("ecs: the schedule starts compaction, and its role may do nothing else", schedule)
    report.check("ecs: the image with signals of one's own, as infra/README.md makes it", own_signals)
    for name, body in {
        "ecs: the service accepts this environment with the file of that image": binary_accepts,
        "ecs: compaction accepts its command and environment": binary_compacts,
    }.items():
        if trailflow:
            report.check(name, lambda body=body: body(trailflow))
        else:
            report.skip(name, "no binary: --trailflow PATH or TRAILFLOW_BIN names one")
