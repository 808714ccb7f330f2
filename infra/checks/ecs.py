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


def mistakes(request: dict, operation: str) -> list[str]:
    shape = botocore.session.get_session().get_service_model("ecs").operation_model(operation).input_shape
    found = ParamValidator().validate(request, shape)
    return [found.generate_report()] if found.has_errors() else enum_mistakes(request, shape, operation)


def accepted(name: str, operation: str) -> None:
    found = mistakes(load(name), operation)
    expect(not found, "; ".join(found))


def wrong_ones_are_refused() -> None:
    """The proof that `mistakes` sees anything."""
    task = load("task-definition.json")
    expect(mistakes(task | {"cpu": 1024}, "RegisterTaskDefinition"), "a number for a text passed")
    expect(mistakes(task | {"networkMode": "vpc"}, "RegisterTaskDefinition"), "a value outside its enum passed")
    expect(mistakes(task | {"memoryMb": "1"}, "RegisterTaskDefinition"), "an unknown key passed")


def size() -> None:
    task = load("task-definition.json")
    cpu, memory = int(task["cpu"]), int(task["memory"])
    expect(memory in FARGATE_MEMORY.get(cpu, []), f"Fargate has no {cpu} CPU units with {memory} MiB")


def container() -> None:
    (one,) = load("task-definition.json")["containerDefinitions"]
    expect(one["readonlyRootFilesystem"], "the root file system is writable")
    equal(one["user"], "65532:65532", "the user")
    variables = {v["name"]: v["value"] for v in one["environment"]}
    expect({"TRAILFLOW_QUEUE_URL", "TRAILFLOW_BUCKETS", "TRAILFLOW_LAKE"} <= variables.keys(), "`trailflow run` without a file needs queue, buckets and lake")
    port = one["portMappings"][0]["containerPort"]
    equal(variables.get("TRAILFLOW_LISTEN"), f"0.0.0.0:{port}", "TRAILFLOW_LISTEN: on loopback nobody in awsvpc reaches the metrics; it")
    expect(one["stopTimeout"] <= FARGATE_STOP_SECONDS_MAX, "Fargate stops a task after 120 s at the latest")
    expect(contract.stop_seconds() < one["stopTimeout"] < contract.lease_seconds(), "stopTimeout is not between an orderly stop and the lease")
    expect(not any(word in name for name in variables for word in ("SECRET", "TOKEN", "PASSWORD")), "a secret stands in the environment")


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


def run(report: Report, trailflow: str | None) -> None:
    report.check("ecs: task definition, by botocore's model", lambda: accepted("task-definition.json", "RegisterTaskDefinition"))
    report.check("ecs: service, by botocore's model", lambda: accepted("service.json", "CreateService"))
    report.check("ecs: wrong task definitions are refused", wrong_ones_are_refused)
    report.check("ecs: Fargate sells this size", size)
    report.check("ecs: container is read-only, not root, reachable and stops in time", container)
    report.check("ecs: the image with signals of one's own, as infra/README.md makes it", own_signals)
    name = "ecs: the service accepts this environment with the file of that image"
    if trailflow:
        report.check(name, lambda: binary_accepts(trailflow))
    else:
        report.skip(name, "no binary: --trailflow PATH or TRAILFLOW_BIN names one")
