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
# Keys of the service that a pod has no use for.
NOT_IN_A_POD = {"source.directory"}
SIGNALS_DIRECTORY = "/etc/trailflow-signals"
OWN_CONFIG_MAP = "trailflow-signals"
SIGNALS = "ConfigMap of signals"
COMPACTION = "compaction's "
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


def of_compaction(one: dict) -> str:
    return COMPACTION if one["metadata"]["labels"]["app.kubernetes.io/name"] == "trailflow-compact" else ""


def render(given: dict) -> dict[str, dict]:
    """The objects by kind; the chart makes one of each, one more ConfigMap for signals, and compaction's."""
    with helm_python.Chart.load(str(CHART)) as chart:
        texts = chart.render(given, name="trailflow", namespace="observability").values()
    objects = [o for text in texts for o in yaml.safe_load_all(text) if o]
    by_kind = {SIGNALS if o["metadata"]["name"] == OWN_CONFIG_MAP else of_compaction(o) + o["kind"]: o for o in objects}
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
    if any(given.get("signals", {}).values()):
        due["signals"] |= {"directory": SIGNALS_DIRECTORY}
    equal(configuration(given), {k: v for k, v in due.items() if v}, "trailflow.toml")


def keys_are_the_services() -> None:
    tables = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]["properties"]
    found = {f"{table}.{key}" for table, inner in tables.items() for key in inner["properties"]}
    equal(sorted(found), sorted(contract.configuration_keys() - NOT_IN_A_POD), "the schema's list of configuration keys")


def tables_are_the_services() -> None:
    due = contract.signal_tables()
    equal({name for name in due if (contract.ROOT / "sql" / name).is_dir()}, {folder.name for folder in (contract.ROOT / "sql").iterdir()}, "the known folders of sql/")
    (files,), (maps,) = (json.loads((CHART / "values.schema.json").read_text())["properties"]["signals"]["properties"][key]["patternProperties"] for key in ("files", "configMaps"))
    for pattern in (files, maps):
        equal(set(re.search(r"\(([a-z_|]+)\)", pattern)[1].split("|")), due, f"the tables in {pattern}")


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
    grace = spec["terminationGracePeriodSeconds"]
    expect(contract.stop_seconds() < grace < contract.lease_seconds(), "the grace period is not between an orderly stop and the lease")
    expect(memory_mib(container["resources"]["limits"]["memory"]) >= 2 * contract.memory_budget_mib(), "the memory limit is below twice the default budget")
    equal("replicas" in deployment["spec"], not given.get("keda", {}).get("enabled", False), "a fixed number of replicas")


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def compaction(given: dict) -> None:
    """The pod is a worker's but for its account, its command and a folder to spill into, and is nobody's worker."""
    found = render(given)
    if not given.get("compaction", {}).get("enabled", False):
        equal([kind for kind in found if kind.startswith(COMPACTION)], [], "what there is of compaction, which is off")
        return
    cron = found[f"{COMPACTION}CronJob"]["spec"]
    equal((cron["concurrencyPolicy"], cron["timeZone"]), ("Forbid", "Etc/UTC"), "concurrency and time zone")
    job = cron["jobTemplate"]["spec"]
    equal(job["backoffLimit"], 0, "how often a run is tried again at once")
    expect(job["activeDeadlineSeconds"] > 0, "a run that hangs holds up all others")
    template, workers = job["template"], found["Deployment"]["spec"]["template"]
    spec, worker = template["spec"], workers["spec"]
    (container,), (service,) = spec["containers"], worker["containers"]
    for key in ("securityContext", "automountServiceAccountToken", "enableServiceLinks", "imagePullSecrets", "nodeSelector", "tolerations"):
        equal(spec.get(key), worker.get(key), f"the pod's {key}")
    for key in ("image", "imagePullPolicy", "securityContext"):
        equal(container[key], service[key], f"the container's {key}")
    equal(container["args"][0], "compact", "the command")
    account = found[f"{COMPACTION}ServiceAccount"]["metadata"]
    equal(spec["serviceAccountName"], account["name"], "the account")
    expect(spec["serviceAccountName"] != worker["serviceAccountName"], "the workers have the account that may delete rows")
    roles = [one["metadata"].get("annotations", {}).get("eks.amazonaws.com/role-arn") for one in (found[f"{COMPACTION}ServiceAccount"], found["ServiceAccount"])]
    expect(roles == [None, None] or roles[0] != roles[1], "compaction and workers have one role")
    variables = {v["name"]: v["value"] for v in container["env"]}
    place = variables.pop("TMPDIR")
    equal(variables, {v["name"]: v["value"] for v in service["env"]}, "the variables beside TMPDIR")
    mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
    spill = mounts.pop(place)
    equal(list(mounts.values()), service["volumeMounts"], "the mounts beside TMPDIR")
    volumes = {v["name"]: v for v in spec["volumes"]}
    expect(memory_mib(volumes.pop(spill["name"])["emptyDir"]["sizeLimit"]) > 0, "the folder to spill into has no limit")
    equal(list(volumes.values()), worker["volumes"], "the volumes beside TMPDIR")
    expect(memory_mib(container["resources"]["limits"]["memory"]) >= 2 * contract.memory_budget_mib(), "the memory limit is below twice the default budget")
    labels = template["metadata"]["labels"]
    theirs = {kind: one["spec"] for kind, one in found.items() if kind in ("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor")}
    for kind, its in theirs.items():
        selector = its.get("podSelector") or its["selector"]
        selector = selector.get("matchLabels", selector)
        expect(selects(selector, workers["metadata"]["labels"]), f"the {kind} does not select the workers")
        expect(not selects(selector, labels), f"the {kind} of the workers selects compaction")
    equal(f"{COMPACTION}NetworkPolicy" in found, "NetworkPolicy" in found, "whether there is a network policy")
    if "NetworkPolicy" in found:
        policy = found[f"{COMPACTION}NetworkPolicy"]["spec"]
        expect(selects(policy["podSelector"]["matchLabels"], labels), "its network policy does not select it")
        equal((policy["policyTypes"], policy.get("ingress")), (["Ingress", "Egress"], None), "whom its network policy admits")


def one_account_for_both() -> None:
    start = changed(values(CHART / "ci/compaction-values.yaml"), "compaction.serviceAccount.name", "trailflow")
    try:
        render(start)
    except helm_python.HelmError as error:
        expect("must be another" in str(error), f"the refusal does not say why: {error}")
        return
    raise AssertionError("workers and compaction were given one account")


def drains(given: dict) -> None:
    """No worker holds up a drain, ready or not: see the comments in poddisruptionbudget.yaml."""
    found = render(given)
    spec = found["PodDisruptionBudget"]["spec"]
    equal(spec.pop("selector"), found["Deployment"]["spec"]["selector"], "the budget's selector")
    equal(spec, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}, "the budget")


def refused() -> None:
    start = values(CHART / "ci/irsa-values.yaml")
    render(start)
    for case in yaml.safe_load((INFRA / "checks/refused_values.yaml").read_text()):
        try:
            render(changed(start, case["path"], case["value"]))
        except helm_python.HelmError:
            continue
        raise AssertionError(f"{case['path']} = {case['value']!r} was accepted, though {case['because']}")


def signals_of_two_places() -> None:
    start = changed(values(CHART / "ci/irsa-values.yaml"), "config.signals", {"directory": "/usr/share/trailflow/sql"})
    try:
        render(changed(start, "signals.configMaps", {"cloudtrail": "one"}))
    except helm_python.HelmError as error:
        expect("not both" in str(error), f"the refusal does not say why: {error}")
        return
    raise AssertionError("signals of the image and mounted ones were accepted together")


def monitor(kind: str) -> None:
    given = changed(values(CHART / "ci/irsa-values.yaml"), "monitor.kind", kind)
    found = render(given)
    expect(kind in found, f"no {kind}")
    endpoints = found[kind]["spec"]["podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"]
    # docs/metrics.md, "Scraping": series have a `namespace` of their own.
    equal([endpoint.get("honorLabels") for endpoint in endpoints], [True], "honorLabels")
    objects_fit(given)


def mounted(objects: dict[str, dict], contents: dict[str, dict[str, str]], root: pathlib.Path) -> None:
    """Lays the volumes below SIGNALS_DIRECTORY out in `root` as the kubelet does: files are links to a
    folder that is exchanged as a whole. `contents` has the ConfigMaps that the chart does not make."""
    contents = contents | ({OWN_CONFIG_MAP: objects[SIGNALS]["data"]} if SIGNALS in objects else {})
    spec = objects["Deployment"]["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for mount in spec["containers"][0]["volumeMounts"]:
        if not mount["mountPath"].startswith(f"{SIGNALS_DIRECTORY}/"):
            continue
        expect(mount["readOnly"] is True, f"{mount['name']} is mounted writable")
        folder = root / pathlib.PurePosixPath(mount["mountPath"]).relative_to(SIGNALS_DIRECTORY)
        texts: dict[str, str] = {}
        for source in volumes[mount["name"]]["projected"]["sources"]:
            held = contents[source["configMap"]["name"]]
            items = source["configMap"].get("items", [{"key": key, "path": key} for key in held])
            texts |= {item["path"]: held[item["key"]] for item in items}
        version = folder / "..2026_01_05_10_20_30.1"
        version.mkdir(parents=True)
        (folder / "..data").symlink_to(version.name)
        for name, text in texts.items():
            (version / name).write_text(text)
            (folder / name).symlink_to(f"..data/{name}")


def in_the_repository(given: dict) -> dict[str, dict[str, str]]:
    """What `kubectl create configmap NAME --from-file=sql/TABLE` makes of each named ConfigMap."""
    named = given.get("signals", {}).get("configMaps", {})
    return {name: {file.name: file.read_text() for file in (contract.ROOT / "sql" / table).glob("*.sql")} for table, name in named.items()}


def signals_are_mounted() -> None:
    texts = {"cloudtrail/one.sql": "-- ---\n-- a: 'b' # \"c\"\n", "cloudtrail/two.sql": "-- ---\nthe chart's\n", "rollups/one.sql": "-- ---\n"}
    given = values(CHART / "ci/irsa-values.yaml") | {"signals": {"files": texts, "configMaps": {"cloudtrail": "a", "flow_logs": "b"}}}
    elsewhere = {"a": {"two.sql": "another", "three.sql": "3"}, "b": {"four.sql": "4"}}
    due = texts | {"cloudtrail/three.sql": "3", "flow_logs/four.sql": "4"}
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        mounted(render(given), elsewhere, root)
        equal({str(path.relative_to(root)): path.read_text() for path in root.glob("*/*.sql")}, due, "what the pod sees")
    objects_fit(given)
    equal(configuration(given)["signals"], {"directory": SIGNALS_DIRECTORY}, "[signals]")


def without_signals() -> None:
    """Nothing is mounted, and those built in run."""
    found = render(values(CHART / "ci/irsa-values.yaml"))
    spec = found["Deployment"]["spec"]["template"]["spec"]
    equal((SIGNALS in found, len(spec["volumes"]), len(spec["containers"][0]["volumeMounts"])), (False, 1, 1), "a ConfigMap of signals, volumes, mounts")
    expect("signals" not in tomllib.loads(found["ConfigMap"]["data"]["trailflow.toml"]), "trailflow.toml has [signals]")
    image = changed(values(CHART / "ci/irsa-values.yaml"), "config.signals", {"directory": "/usr/share/trailflow/sql"})
    configuration_is_the_values(image)


def changes_roll_the_pods() -> None:
    def annotations(given: dict) -> dict:
        return render(given)["Deployment"]["spec"]["template"]["metadata"]["annotations"]

    start = values(CHART / "ci/irsa-values.yaml")
    signals = [annotations(changed(start, "signals.files", {"cloudtrail/one.sql": text}))["checksum/signals"] for text in ("-- ---\n1", "-- ---\n2", "-- ---\n1")]
    expect(signals[0] != signals[1] and signals[0] == signals[2], "checksum/signals does not follow the text")
    levels = [annotations(changed(start, "config.telemetry.log_level", level))["checksum/config"] for level in ("info", "debug")]
    expect(levels[0] != levels[1], "checksum/config does not follow trailflow.toml")


def binary_accepts(trailflow: str, given: dict) -> None:
    objects = render(given)
    with tempfile.TemporaryDirectory() as name:
        # Not in the repository, whose sql/ `check` would read: a pod has what is built in.
        here = pathlib.Path(name)
        mounted(objects, in_the_repository(given), here / "signals")
        text = objects["ConfigMap"]["data"]["trailflow.toml"].replace(SIGNALS_DIRECTORY, str(here / "signals"))
        (here / "trailflow.toml").write_text(text)
        command = [trailflow, "check", "--config", "trailflow.toml", "--testdata", str(contract.ROOT / "testdata")]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)
    if given.get("signals"):
        files = [*given["signals"]["files"], *(file for held in in_the_repository(given).values() for file in held)]
        expect(f"{len(files)} signals, " in done.stderr, f"{len(files)} signals were mounted: {done.stderr}")


def binary_compacts(trailflow: str, given: dict) -> None:
    """With the rendered file and the mounted signals, on a lake without days; the real one is a bucket."""
    objects = render(given)
    (container,) = objects[f"{COMPACTION}CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    with tempfile.TemporaryDirectory() as name:
        here = pathlib.Path(name)
        mounted(objects, in_the_repository(given), here / "signals")
        (here / "lake/_trailflow").mkdir(parents=True)
        text = objects["ConfigMap"]["data"]["trailflow.toml"].replace(SIGNALS_DIRECTORY, str(here / "signals"))
        (here / "trailflow.toml").write_text(text.replace(given["config"]["lake"]["url"], str(here / "lake")))
        variables = {"TRAILFLOW_CONFIG": "trailflow.toml", "TMPDIR": name}
        done = subprocess.run([trailflow, *container["args"]], cwd=here, env=variables, capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"the exit code ({done.stderr})")
    equal(json.loads(done.stdout)["unsealed"], [], "what stays as it is")


def run(report: Report, trailflow: str | None) -> None:
    report.check("chart: lint, default values", lambda: lint(None))
    report.check("chart: refuses to render without queue, buckets and lake, naming all three", without_values)
    for file in CI:
        given = values(file)
        report.check(f"chart: lint, {file.name}", lambda file=file: lint(file))
        report.check(f"chart: objects fit Kubernetes {' and '.join(KUBERNETES)} and their CRDs, {file.name}", lambda given=given: objects_fit(given))
        report.check(f"chart: trailflow.toml says what the values say, {file.name}", lambda given=given: configuration_is_the_values(given))
        report.check(f"chart: the pod is restricted, probed and stops in time, {file.name}", lambda given=given: pod(given))
        report.check(f"chart: no worker holds up a drain, {file.name}", lambda given=given: drains(given))
        report.check(f"chart: compaction has an account, a pod and a network of its own, {file.name}", lambda given=given: compaction(given))
        tried = {f"chart: the service accepts trailflow.toml, {file.name}": binary_accepts}
        if given.get("compaction", {}).get("enabled", False):
            tried |= {f"chart: compaction accepts its command and trailflow.toml, {file.name}": binary_compacts}
        for name, body in tried.items():
            if trailflow:
                report.check(name, lambda given=given, body=body: body(trailflow, given))
            else:
                report.skip(name, "no binary: --trailflow PATH or TRAILFLOW_BIN names one")
    report.check("chart: config has the service's keys", keys_are_the_services)
    report.check("chart: awkward text survives into trailflow.toml", awkward_text)
    for kind in ("PodMonitor", "ServiceMonitor"):
        report.check(f"chart: a {kind} honours the labels of the series", lambda kind=kind: monitor(kind))
    report.check("chart: signals may stand in the service's tables", tables_are_the_services)
    report.check("chart: signals of values and of ConfigMaps are mounted by table", signals_are_mounted)
    report.check("chart: without signals nothing is mounted; those of an image are named", without_signals)
    report.check("chart: refuses signals of the image beside mounted ones", signals_of_two_places)
    report.check("chart: a changed signal or setting is a new pod", changes_roll_the_pods)
    report.check("chart: refuses one account for workers and compaction", one_account_for_both)
    report.check("chart: the schema refuses wrong values", refused)
