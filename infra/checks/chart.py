"""The Helm chart: lint, render, the schemas of what comes out, and what must be refused."""

from __future__ import annotations

import copy
import json
import pathlib
import re
import subprocess
import tempfile
import tomllib

import helm_python
import kubernetes_validate
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, ServiceMonitor

import contract
from report import INFRA, Report, equal, expect

CHART = INFRA / "helm/trailflow"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
CUSTOM_KINDS = {"ScaledObject": ScaledObject, "PodMonitor": PodMonitor, "ServiceMonitor": ServiceMonitor}
# The oldest that Chart.yaml admits and the newest whose schema is here.
KUBERNETES = ("1.27.0", "1.37.0")
MIB = {"Mi": 1, "Gi": 1024}
# Keys of the service that a pod has no use for: its directories are the image's.
NOT_IN_A_POD = {"source.directory", "signals.directory"}
# What a template could break.
AWKWARD = ['quoted "twice"', "back\\slash", "{{ braces }}", "a: b # c", "<&>", "ümläut"]


def values(file: pathlib.Path) -> dict:
    return yaml.safe_load(file.read_text())


def changed(start: dict, path: str, value: object) -> dict:
    """A copy of `start` with the value at the dotted path replaced."""
    result = copy.deepcopy(start)
    *parents, last = path.split(".")
    table = result
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = value
    return result


def render(given: dict) -> dict[str, dict]:
    """The objects by kind; the chart makes one of each."""
    with helm_python.Chart.load(str(CHART)) as chart:
        texts = chart.render(given, name="trailflow", namespace="observability").values()
    objects = [o for text in texts for o in yaml.safe_load_all(text) if o]
    by_kind = {o["kind"]: o for o in objects}
    equal(len(by_kind), len(objects), "the number of kinds")
    return by_kind


def lint(file: pathlib.Path | None) -> None:
    found = helm_python.lint(str(CHART), values(file) if file else {}, strict=True)
    # Severity 1 is advice ("icon is recommended").
    worse = [m["error"] for m in found["messages"] if m["severity"] > 1] + list(found["errors"])
    expect(not worse, "; ".join(map(str, worse)))


def without_values() -> None:
    try:
        render({})
    except helm_python.HelmError as error:
        for key in ("config.source.queue_url", "config.source.buckets", "config.lake.url"):
            expect(key in str(error), f"the refusal does not name {key}: {error}")
        return
    raise AssertionError("the chart renders without a queue, buckets and a lake")


def objects_fit(given: dict) -> None:
    for kind, one in render(given).items():
        if kind in CUSTOM_KINDS:
            # The models ignore what they do not know, so compare what they read with what was written.
            read = CUSTOM_KINDS[kind].model_validate(one).model_dump(by_alias=True, exclude_unset=True, mode="json")
            equal(read, one, f"{kind} as its CRD reads it")
        else:
            for release in KUBERNETES:
                kubernetes_validate.validate(one, release, strict=True)


def configuration(given: dict) -> dict:
    return tomllib.loads(render(given)["ConfigMap"]["data"]["trailflow.toml"])


def merged(start: dict, over: dict) -> dict:
    return start | {k: merged(start.get(k, {}), v) if isinstance(v, dict) else v for k, v in over.items()}


def configuration_is_the_values(given: dict) -> None:
    due = merged(values(CHART / "values.yaml"), given)["config"]
    equal(configuration(given), {k: v for k, v in due.items() if v}, "trailflow.toml")


def keys_are_the_services() -> None:
    tables = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]["properties"]
    found = {f"{table}.{key}" for table, inner in tables.items() for key in inner["properties"]}
    equal(sorted(found), sorted(contract.configuration_keys() - NOT_IN_A_POD), "the schema's list of configuration keys")


def awkward_text() -> None:
    given = changed(values(CHART / "ci/irsa-values.yaml"), "config.reference.expected_audiences", AWKWARD)
    equal(configuration(given)["reference"]["expected_audiences"], AWKWARD, "awkward text")


def memory_mib(text: str) -> int:
    number, unit = re.fullmatch(r"([0-9]+)(Mi|Gi)", text).groups()
    return int(number) * MIB[unit]


def pod(given: dict) -> None:
    deployment = render(given)["Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    equal(spec["securityContext"], {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}, "the pod's security context")
    equal(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, "the container's security context")
    equal(container["livenessProbe"]["httpGet"]["path"], "/healthz", "the liveness probe")
    equal(container["readinessProbe"]["httpGet"]["path"], "/readyz", "the readiness probe")
    expect(spec["terminationGracePeriodSeconds"] < contract.lease_seconds(), "the grace period is not shorter than the lease")
    expect(memory_mib(container["resources"]["limits"]["memory"]) >= 2 * contract.memory_budget_mib(), "the memory limit is below twice the default budget")
    equal("replicas" in deployment["spec"], not given.get("keda", {}).get("enabled", False), "a fixed number of replicas")


def refused() -> None:
    start = values(CHART / "ci/irsa-values.yaml")
    render(start)
    for case in yaml.safe_load((INFRA / "checks/refused_values.yaml").read_text()):
        try:
            render(changed(start, case["path"], case["value"]))
        except helm_python.HelmError:
            continue
        raise AssertionError(f"{case['path']} = {case['value']!r} was accepted, though {case['because']}")


def service_monitor() -> None:
    given = changed(values(CHART / "ci/irsa-values.yaml"), "monitor.kind", "ServiceMonitor")
    expect("ServiceMonitor" in render(given), "no ServiceMonitor")
    objects_fit(given)


def binary_accepts(trailflow: str, given: dict) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(render(given)["ConfigMap"]["data"]["trailflow.toml"])
        file.flush()
        done = subprocess.run([trailflow, "check", "--config", file.name], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)


def run(report: Report, trailflow: str | None) -> None:
    report.check("chart: lint, default values", lambda: lint(None))
    report.check("chart: refuses to render without queue, buckets and lake, naming all three", without_values)
    for file in CI:
        given = values(file)
        report.check(f"chart: lint, {file.name}", lambda file=file: lint(file))
        report.check(f"chart: objects fit Kubernetes {' and '.join(KUBERNETES)} and their CRDs, {file.name}", lambda given=given: objects_fit(given))
        report.check(f"chart: trailflow.toml says what the values say, {file.name}", lambda given=given: configuration_is_the_values(given))
        report.check(f"chart: the pod is restricted, probed and stops in time, {file.name}", lambda given=given: pod(given))
        name = f"chart: the service accepts trailflow.toml, {file.name}"
        if trailflow:
            report.check(name, lambda given=given: binary_accepts(trailflow, given))
        else:
            report.skip(name, "no binary: --trailflow PATH or TRAILFLOW_BIN names one")
    report.check("chart: config has the service's keys", keys_are_the_services)
    report.check("chart: awkward text survives into trailflow.toml", awkward_text)
    report.check("chart: a ServiceMonitor instead of a PodMonitor", service_monitor)
    report.check("chart: the schema refuses wrong values", refused)
