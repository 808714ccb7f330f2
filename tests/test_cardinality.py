"""A load with far more names than any metric may have series: the metrics keep their limits, the lake keeps all.

100,000 roles, 100,000 pods and 100,000 interfaces with addresses of their own go through the running
service, under a limit of memory that the kernel enforces where one can be set. TRAILFLOW_TEST_NAMES is
another number than 100,000: a multiple of four, and at least 20,000, or some limits are not reached.
TRAILFLOW_TEST_NAMES_AT_ONCE is how many share an object: the peak of memory grows with it.
"""

import gzip
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

import inputs
import lake
from cgroup import MemoryLimit, is_available
from polling import until, until_equal
from service import Binary
from test_memory_limit import LIMIT_BYTES, MIB, peak_bytes

NAMES = int(os.environ.get("TRAILFLOW_TEST_NAMES", "100000"))
NAMES_AT_ONCE = int(os.environ.get("TRAILFLOW_TEST_NAMES_AT_ONCE", "1000"))
"""How many roles, pods or interfaces share an object: a thousand pods make three thousand records."""
COMMIT_SECONDS = 300
EACH = "NUMBER"
"""Stands where each role, pod or interface has its own number."""
PARTNER = "444455556666"
PACKETS, BYTES = 5, 300
PORTS = 64000
"""More than these there are not, once the well-known ones are left out."""

CONFIG = """
[batch]
age_seconds_max = 2
# A cluster must be named, or irsa_unknown_provider is silent.
[[reference.clusters]]
oidc_id = "ANOTHER"
name = "another"
"""

HALF, QUARTER = NAMES // 2, NAMES // 4
TRUTH = {
    # Each role is assumed once. Each pod has a role of its own and begins one session; half of the
    # pods, those of IRSA, are refused twice beside it.
    "trailflow_sts_assume_role_total": NAMES + NAMES + 2 * HALF,
    "trailflow_sts_cross_account_total": NAMES,
    "trailflow_sts_global_endpoint_total": NAMES,
    "trailflow_pod_sessions_total": NAMES,
    "trailflow_irsa_audience_mismatch_total": HALF,
    "trailflow_irsa_trust_mismatch_total": HALF,
    "trailflow_irsa_unknown_provider_total": 3 * HALF,
    # Each pod is denied one call, by KMS or by ECR; those that STS refuses are denied too.
    "trailflow_pod_access_denied_total": NAMES,
    "trailflow_denies_total": NAMES + 2 * HALF,
    "trailflow_kms_denies_total": HALF,
    "trailflow_ecr_denies_total": HALF,
    "trailflow_ecr_pulls_total": HALF,
    # Each interface has one rejected flow, half of them from own networks, half of these to port 443.
    "trailflow_flow_rejects_total": NAMES,
    "trailflow_flow_reject_packets_total": NAMES * PACKETS,
    "trailflow_flow_reject_bytes_total": NAMES * BYTES,
    "trailflow_internal_rejects_total": HALF,
    "trailflow_internal_reject_attempts_total": HALF,
    "trailflow_endpoint_rejects_total": QUARTER,
}
"""What each metric that must overflow counts, its series `other` included.

No other metric can: the labels of the rest are accounts, regions, APIs, clusters, zones and well-known
ports (internet_rejects, flow_log_gaps, flow_bytes, both freshness signals), of which this load has one
or a few, or the signal finds nothing in it. Those over rollups find nothing, as its events are old.
"""

DISTINCT = {
    ("cloudtrail", "target_role_arn"): 2 * NAMES,
    ("cloudtrail", "k8s_sa"): NAMES,
    # A web identity does not name its pod; the session tags of Pod Identity do.
    ("cloudtrail", "k8s_pod"): HALF,
    ("flow_logs", "interface_id"): NAMES,
    ("flow_logs", "src"): NAMES,
    ("flow_logs", "dst"): NAMES,
    ("flow_logs", "srcport"): min(NAMES, PORTS),
    ("rollups/sts_assume_role", "role_arn"): 2 * NAMES,
    ("rollups/pod_sessions", "service_account"): NAMES,
    ("rollups/pod_access_denied", "service_account"): NAMES,
    ("rollups/irsa_audience_mismatch", "service_account"): HALF,
    ("rollups/irsa_trust_mismatch", "service_account"): HALF,
    ("rollups/irsa_unknown_provider", "service_account"): HALF,
    ("rollups/flow_rejects", "interface_id"): NAMES,
}
"""How many values each of these columns must have in the lake."""


def test_no_metric_has_more_series_than_its_header_grants(trailflow, tmp_path):
    began = time.monotonic()
    source, target = tmp_path / "source", tmp_path / "lake"
    objects = write_load(source)
    settings = {"TRAILFLOW_DIRECTORY": str(source), "TRAILFLOW_LAKE": str(target), "TRAILFLOW_LOG_LEVEL": "warn"}
    signals = [json.loads(line) for line in trailflow.output("signals", "--format", "json").splitlines()]
    written = time.monotonic()

    with ExitStack() as open_things:
        program, limit = trailflow, None
        if is_available():
            limit = open_things.enter_context(MemoryLimit(LIMIT_BYTES))
            program = Binary(limit.wrapping(trailflow.path, tmp_path))
        service = open_things.enter_context(program.start(tmp_path, settings, config=CONFIG))
        # The lake is asked, and /metrics with its thousands of lines only then: a batch is counted after its commit.
        until(
            "every object is in the lake", lambda: lake.count(target, "ingest_log") == objects, COMMIT_SECONDS,
            service.alive,
        )

        def totals():
            metrics = service.metrics()
            return {name: metrics.total(name) for name in TRUTH}

        until_equal("every metric tells the truth", TRUTH, totals, COMMIT_SECONDS, service.alive)
        metrics = service.metrics()
        peak = peak_bytes(service.process.pid)
        limited = "without a limit, none can be set here"
        if limit is not None:
            limited = f"under {LIMIT_BYTES // MIB} MiB, which it came up against {limit.failures()} times"
        assert service.terminate() == 0
    print(
        f"peak {peak / MIB:.0f} MiB resident ({limited}): {NAMES} roles, {NAMES} pods and {NAMES} interfaces in "
        f"{objects} objects; {written - began:.1f} s to write, {time.monotonic() - written:.1f} s to ingest"
    )
    assert_series(signals, metrics)
    assert_lake(target)
    assert peak < LIMIT_BYTES


def assert_series(signals, metrics):
    """No metric beyond its limit; those of TRUTH at it, with the rest in `other`."""
    known = {metric["name"] for signal in signals for metric in signal["metrics"]}
    assert known >= set(TRUTH)
    for signal in signals:
        overflow = metrics.total("trailflow_series_overflow_total", signal=signal["name"])
        must = [metric["name"] for metric in signal["metrics"] if metric["name"] in TRUTH]
        assert (overflow > 0) == bool(must), f"{signal['name']}: {overflow} rows went to other"
        for metric in signal["metrics"]:
            name, most = metric["name"], metric["series_max"]
            labels = [having for found, having, _ in metrics.samples if found == name]
            others = [having for having in labels if set(having.values()) == {"other"}]
            named = len(labels) - len(others)
            print(f"{name}: {named} of {most} series and {len(others)} other, {metrics.total(name):.0f} in all")
            assert named <= most, name
            assert len(others) == (name in TRUTH), name
            assert named == most or name not in TRUTH, name


def assert_lake(target):
    """Every name is in the lake, whatever the metrics show, and its sums are those of the load."""
    for (table, column), count in DISTINCT.items():
        seen = lake.duckdb_rows(target, table, f"count(DISTINCT {column}) FROM _")[0][0]
        assert seen == count, f"{table}.{column}: {seen} instead of {count}"
    rejects = lake.duckdb_rows(target, "rollups/flow_rejects", "sum(records), sum(packets), sum(bytes) FROM _")
    assert rejects == [(NAMES, NAMES * PACKETS, NAMES * BYTES)]


def write_load(source):
    """All objects of the load; returns how many."""
    spans = [range(start, min(start + NAMES_AT_ONCE, NAMES)) for start in range(0, NAMES, NAMES_AT_ONCE)]
    kinds = (write_roles, write_pods, write_interfaces)
    with ProcessPoolExecutor(max_workers=2) as pool:
        written = [pool.submit(kind, source, span) for span in spans for kind in kinds]
        for each in written:
            each.result()
    return len(written)


def write_roles(source, numbers):
    """A role of another account for each number, assumed by a role of its own at the global endpoint."""
    file = inputs.CloudTrailFile(inputs.Expected(), "role")
    file.assumed(f"arn:aws:iam::{PARTNER}:role/role-{EACH}", 1)
    file.records[0]["userIdentity"] = inputs.role_session(f"caller-{EACH}")
    file.records[0]["tlsDetails"] = {"clientProvidedHostHeader": "sts.amazonaws.com"}
    write_cloudtrail(source, f"roles{numbers.start}", numbers, [numbered(1, file.records)])


def write_pods(source, numbers):
    """A pod for each number, in turn one of IRSA and one of Pod Identity, with what it calls."""
    stories = [numbered(2, web_identity_pod()), numbered(3, pod_identity_pod())]
    write_cloudtrail(source, f"pods{numbers.start}", numbers, stories)


def web_identity_pod():
    """A session of IRSA, a call in it that is denied, and two refusals: the audience, the trust policy."""
    file = inputs.CloudTrailFile(inputs.Expected(), "irsa")
    who = inputs.role(f"pod-{EACH}"), "shop", f"account-{EACH}"
    file.web_identity(*who, 1)
    file.kms_throttled(f"pod-{EACH}", "Decrypt", 1)
    file.audience_refused(*who, "vault.example.com", 1)
    file.audience_refused(*who, "sts.amazonaws.com", 1)
    return with_key(file.records)


def pod_identity_pod():
    """A session of Pod Identity, and a call in it that is denied."""
    file = inputs.CloudTrailFile(inputs.Expected(), "pod-identity")
    file.assumed_by_service(inputs.role(f"pod-{EACH}"), "pods.eks.amazonaws.com", 1)
    file.kms_throttled(f"pod-{EACH}", "BatchGetImage", 1)
    session, denied = file.records
    session["sharedEventID"] = f"00000004-0000-4000-8000-00000{EACH}"
    session["requestParameters"]["tags"] = [
        {"key": "eks-cluster-name", "value": "blue"},
        {"key": "kubernetes-namespace", "value": "shop"},
        {"key": "kubernetes-service-account", "value": f"account-{EACH}"},
        {"key": "kubernetes-pod-name", "value": f"pod-{EACH}"},
    ]
    denied["eventSource"] = "ecr.amazonaws.com"
    return with_key(file.records)


def with_key(records):
    """The session's key is the pod's own, and the call that was made with it is denied instead of throttled."""
    session, denied, *_ = records
    key = f"ASIAEXAMPLE{EACH}"
    session["responseElements"]["credentials"]["accessKeyId"] = key
    denied["userIdentity"]["accessKeyId"] = key
    denied["errorCode"], denied["errorMessage"] = "AccessDenied", "Access Denied"
    return records


def numbered(kind, records):
    """The records as text in which each event's id has its place in the story and a place for its number."""
    for place, record in enumerate(records):
        record["eventID"] = f"{kind:08x}-{place:04x}-4000-8000-00000{EACH}"
    return json.dumps(records, separators=(",", ":"))[1:-1]


def write_cloudtrail(source, name, numbers, stories):
    """One object, in which each number has one of the stories."""
    texts = (stories[number % len(stories)].replace(EACH, f"{number:07}") for number in numbers)
    write(source / inputs.cloudtrail_key(name), '{"Records":[' + ",".join(texts) + "]}")


def write_interfaces(source, numbers):
    """An interface for each number, with one rejected flow between addresses that no other flow has."""
    end = int(inputs.START.timestamp())
    lines = [f"{inputs.FlowLogFile.HEADER} subnet-id"]
    for number in numbers:
        high, low = number >> 16, f"{number >> 8 & 255}.{number & 255}"
        client = f"10.{high}.{low}" if number % 2 == 0 else f"52.{high}.{low}"
        ports = f"{1024 + number % PORTS} {443 if number % 4 == 0 else 1024 + number % PORTS}"
        lines.append(
            f"5 {inputs.ACCOUNT} eni-{number:017x} {client} 172.{16 + high}.{low} {ports} 6 {PACKETS} {BYTES} "
            f"{end - 55} {end} REJECT OK vpc-0a1b2c3d 2 ingress subnet-0a1b2c3d"
        )
    write(source / inputs.hive_flow_log_key(f"interfaces{numbers.start}"), "\n".join([*lines, ""]))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=1))
