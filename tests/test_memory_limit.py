"""Everything that is large at once, under a limit that the kernel enforces.

Eight large objects, a gzip bomb and a million role names go through the service together. By hand
with TRAILFLOW_TEST_LARGE_MIB=1024 for eight objects of a gibibyte each; less by default.
"""

import gzip
import json
import os
import pathlib
from concurrent.futures import ProcessPoolExecutor

import pytest

import inputs
from cgroup import MemoryLimit, is_available
from polling import until
from service import Binary

MIB = 1024 * 1024
LARGE_MIB = int(os.environ.get("TRAILFLOW_TEST_LARGE_MIB", "48"))
ROLES = int(os.environ.get("TRAILFLOW_TEST_ROLES", "200000"))
LARGE_OBJECTS = 8
ROLE_OBJECTS = 4
BOMB_MIB = 5 * 1024
LIMIT_BYTES = 512 * MIB
SECONDS = 1800


@pytest.mark.skipif(not is_available(), reason="needs root and cgroup v1 to set a memory limit")
def test_the_budget_holds_under_a_limit_of_the_kernel(trailflow, tmp_path):
    source = tmp_path / "source"
    with ProcessPoolExecutor(max_workers=2) as pool:
        large = pool.map(write_large, [source] * LARGE_OBJECTS, range(LARGE_OBJECTS))
        roles = pool.map(write_roles, [source] * ROLE_OBJECTS, range(ROLE_OBJECTS))
        events = sum(large) + sum(roles)
    write_bomb(source)
    objects = LARGE_OBJECTS + ROLE_OBJECTS + 1
    lake = tmp_path / "lake"
    settings = {"TRAILFLOW_DIRECTORY": str(source), "TRAILFLOW_LAKE": str(lake), "TRAILFLOW_LOG_LEVEL": "warn"}

    with MemoryLimit(LIMIT_BYTES) as limit:
        limited = Binary(limit.wrapping(trailflow.path, tmp_path))
        with limited.start(tmp_path, settings, config="") as service:
            def done():
                metrics = service.metrics()
                ended = ("ingested", "quarantined")
                return sum(metrics.total("trailflow_objects_total", outcome=outcome) for outcome in ended) >= objects

            until("every object is committed", done, SECONDS, service.alive)
            peak = peak_bytes(service.process.pid)
            metrics = service.metrics()
            overflow = metrics.total("trailflow_series_overflow_total", signal="sts_assume_role")
            calls = metrics.total("trailflow_sts_assume_role_total")
            assert service.terminate() == 0
    print(
        f"peak {peak / MIB:.0f} MiB resident under a limit of {LIMIT_BYTES // MIB} MiB: {LARGE_OBJECTS} objects of "
        f"{LARGE_MIB} MiB, a bomb of {BOMB_MIB} MiB, {ROLES} role names, {events} events"
    )
    assert peak < LIMIT_BYTES
    assert overflow > 0
    counted = trailflow.query(lake, "SELECT count(*) AS n, count(DISTINCT target_role_arn) AS roles FROM cloudtrail")
    assert counted == [{"n": events, "roles": ROLES + 1}]
    # What left memory before its batch was full counts too, in the series and in the rollup.
    assert calls == events
    rolled_up = trailflow.query(lake, "SELECT sum(calls) AS calls, count(DISTINCT role_arn) AS roles FROM sts_assume_role")
    assert rolled_up == [{"calls": events, "roles": ROLES + 1}]
    reasons = trailflow.query(lake, "SELECT reason FROM ingest_log WHERE outcome = 'quarantined'")
    assert reasons == [{"reason": "too_large"}], reasons


def peak_bytes(pid):
    """The largest resident memory that the process has had."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def template():
    """A record of AssumeRole, cut at its event id and its role's name."""
    sample = inputs.CloudTrailFile(inputs.Expected(), "large")
    sample.assumed(inputs.role("EVERYBODY"), 1)
    record = sample.records[0]
    text = json.dumps(record, separators=(",", ":"))
    return text.replace(record["eventID"], "\0").replace(inputs.role("EVERYBODY"), "\1")


def write_large(source, number):
    """One object of LARGE_MIB in one line; returns its events."""
    text = template().replace("\1", inputs.role("one-for-all"))
    before, after = text.split("\0")
    return write(source, f"large-{number}", lambda count: f"{before}{number:08x}-{event(count)}{after}", size=LARGE_MIB * MIB)


def write_roles(source, number):
    """One object of events that each have a role of their own; returns its events."""
    text = template()

    def record(count):
        name = inputs.role(f"role-{number}-{count}")
        return text.replace("\0", f"{number + 256:08x}-{event(count)}").replace("\1", name)

    return write(source, f"roles-{number}", record, events=ROLES // ROLE_OBJECTS)


def event(count):
    """The rest of an event id."""
    return f"0000-4000-8000-{count:012x}"


def write(source, name, record, size=None, events=None):
    """Stream an object until it has so many bytes or events."""
    path = source / inputs.cloudtrail_key(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    count, written = 0, 0
    with gzip.open(path, "wb", compresslevel=1) as output:
        output.write(b'{"Records":[')
        while (written < size) if size else (count < events):
            chunk = ",".join(record(count + place) for place in range(1000 if size else min(1000, events - count)))
            count += chunk.count('"eventID"')
            chunk = chunk.encode()
            output.write((b"," if written else b"") + chunk)
            written += len(chunk)
        output.write(b"]}")
    return count


def write_bomb(source):
    """Five gibibytes of zeros behind a CloudTrail key: one gzip member, over and over."""
    member = gzip.compress(b"0" * (64 * MIB), compresslevel=9)
    path = source / inputs.cloudtrail_key("bomb")
    start = gzip.compress(b'{"Records":[')
    path.write_bytes(start + member * (BOMB_MIB // 64))
