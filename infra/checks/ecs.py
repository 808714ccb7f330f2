"""The ECS files, through botocore's model of the API and Fargate's table of sizes."""

from __future__ import annotations

import json

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

import contract
from report import INFRA, Report, equal, expect

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
    expect(one["stopTimeout"] < contract.lease_seconds(), "stopTimeout is not shorter than the lease")
    expect(not any(word in name for name in variables for word in ("SECRET", "TOKEN", "PASSWORD")), "a secret stands in the environment")


def run(report: Report) -> None:
    report.check("ecs: task definition, by botocore's model", lambda: accepted("task-definition.json", "RegisterTaskDefinition"))
    report.check("ecs: service, by botocore's model", lambda: accepted("service.json", "CreateService"))
    report.check("ecs: wrong task definitions are refused", wrong_ones_are_refused)
    report.check("ecs: Fargate sells this size", size)
    report.check("ecs: container is read-only, not root, reachable and stops in time", container)
