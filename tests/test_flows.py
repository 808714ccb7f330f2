"""Objects uploaded to a real bucket, announced by a real configuration, read by the real binary.

Over both emulators and all four routes; what comes out is compared with what the objects owe:
counters, Parquet read by another engine, and trailflow's own queries.
"""

from dataclasses import dataclass

import pytest

import inputs
import lake
from polling import until_equal
from service import aws_environment, queue_settings
from wiring import ROUTES, make_bucket, wire

COMMIT_SECONDS = 120


@dataclass
class Case:
    """One way from the upload to the lake."""

    emulator: str
    route: str
    lake: str

    def __str__(self):
        return f"{self.emulator}-{self.route}-{self.lake}"


CASES = [
    *(Case("ministack", route, "directory") for route in ROUTES),
    Case("ministack", "direct", "s3"),
    *(Case("moto", route, "directory") for route in ROUTES),
]
SCALES = {"ministack": 20, "moto": 1}
SHAPES = {
    "direct": {"s3_event", "s3_test_event"},
    "sns": {"sns_s3_event", "sns_s3_test_event"},
    "sns_raw": {"s3_event", "s3_test_event"},
    "eventbridge": {"eventbridge"},
}
"""What must have come out of the queue: the objects' announcements, and S3's test event where it sends one."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_object_is_in_the_lake_and_in_the_counters_once(case, trailflow, tmp_path, request):
    emulator = request.getfixturevalue(case.emulator)
    wiring = wire(emulator, case.route)
    aws = aws_environment(emulator)
    url, local = lake_of(case, wiring, tmp_path)
    objects, expected = inputs.all_signals(SCALES[case.emulator])

    with trailflow.start(tmp_path, queue_settings(wiring, url), aws) as service:
        wiring.put(objects)
        until_committed(service, wiring, expected)
        metrics = service.metrics()
        assert_metrics(metrics, expected)
        shapes = metrics.by("trailflow_notifications_total", ["shape"])
        assert {shape for (shape,) in shapes} == SHAPES[case.route]
        assert service.status("/healthz") == 200
        assert service.terminate() == 0
        assert "panicked" not in service.logged()
        assert inputs.SESSION_TOKEN not in service.logged()

    assert wiring.depth() == (0, 0)
    assert wiring.dead_letters() == 0
    if local is None:
        bucket, prefix = url.removeprefix("s3://").split("/", 1)
        local = lake.mirror(wiring.s3, bucket, prefix, tmp_path / "mirror")
    assert_lake(local, expected)
    assert_queries(trailflow, url, aws, local, expected)


def lake_of(case, wiring, folder):
    """The lake's URL, and its folder when it is one."""
    if case.lake == "directory":
        return folder / "lake", folder / "lake"
    bucket = f"{wiring.bucket}-lake"
    make_bucket(wiring.emulator, bucket)
    return f"s3://{bucket}/trailflow/lake", None


def until_committed(service, wiring, expected):
    """Wait until every object has its outcome and the queue is empty."""
    until_outcomes(service, expected)
    until_equal("the queue is empty", (0, 0), wiring.depth, COMMIT_SECONDS, service.alive)


def until_outcomes(service, expected):
    """Wait until the objects' outcomes are those expected.

    A queue delivers at least once, so a repeated delivery may add `duplicate` and `retried` at any time;
    what they must not do is add rows, which the other assertions show.
    """

    def outcomes():
        by_outcome = service.metrics().by("trailflow_objects_total", ["outcome"])
        return {
            outcome: total for (outcome,), total in by_outcome.items() if outcome not in ("duplicate", "retried")
        }

    until_equal("every object has its outcome", dict(expected.outcomes), outcomes, COMMIT_SECONDS, service.alive)


def assert_metrics(metrics, expected):
    """The signals' counters, and the service's own counts of the same objects."""
    assert_signal_metrics(metrics, expected)
    for table, rows in expected.rows.items():
        assert metrics.total("trailflow_records_total", table=table) == rows, table
    assert metrics.total("trailflow_records_rejected_total") == 0
    assert metrics.total("trailflow_quarantined_total") == 0
    assert metrics.total("trailflow_ready") == 1
    received = metrics.total("trailflow_sqs_messages_received_total")
    assert received >= sum(expected.outcomes.values())
    assert metrics.total("trailflow_sqs_messages_deleted_total") <= received
    assert inputs.SESSION_TOKEN not in metrics.text


def assert_signal_metrics(metrics, expected):
    """Every counter of every signal, label by label, and no series besides."""
    for name, (_, _, labels) in inputs.METRICS.items():
        assert metrics.by(name, labels) == expected.metric(name), name


def assert_lake(folder, expected):
    """What DuckDB, which knows nothing of trailflow, reads in the published Parquet files."""
    for table, rows in expected.rows.items():
        assert lake.count(folder, table) == rows, table
    outcomes = dict(lake.duckdb_rows(folder, "ingest_log", "outcome, count(*) FROM _ GROUP BY outcome"))
    assert outcomes == dict(expected.outcomes)
    for signal in inputs.GRAINS:
        assert lake.rollup(folder, signal) == expected.view(signal), signal
    assert lake.bytes_anywhere(folder, inputs.SESSION_TOKEN.encode()) == []


def assert_queries(trailflow, url, aws, folder, expected):
    """`trailflow query` agrees with DuckDB and with the input, table by table and view by view."""
    for table in lake.TABLES:
        rows = trailflow.value(url, f"SELECT count(*) AS n FROM {table}", aws)
        assert rows == lake.count(folder, table), table
    for signal in inputs.GRAINS:
        assert lake.view(trailflow, url, signal, aws) == expected.view(signal), signal
