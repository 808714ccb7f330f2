"""Backfill sends a directory or a prefix down the same path: safe twice, and it tells its counts."""

import http.server
import subprocess
import threading

import pyarrow.parquet
import pytest

import inputs
import lake
from service import aws_environment, clean_environment, describe
from test_flows import assert_lake, assert_queries
from wiring import make_bucket

KEYS = {
    "objects", "ingested", "ignored", "quarantined", "duplicates", "records", "rejected",
    "ignored_by_reason", "quarantined_by_reason", "duplicate_events", "seconds",
}


def outcomes(report):
    """The counts of objects in backfill's last line."""
    return {name: report[name] for name in ("objects", "ingested", "ignored", "quarantined", "duplicates")}


def test_the_second_backfill_finds_only_duplicates(trailflow, tmp_path):
    objects, expected = inputs.all_signals(scale=3)
    inputs.write_objects(tmp_path / "source", objects)
    target = tmp_path / "lake"

    first = trailflow.backfill(tmp_path / "source", target)
    assert set(first) >= KEYS
    assert outcomes(first) == {"objects": 4, "ingested": 3, "ignored": 1, "quarantined": 0, "duplicates": 0}
    assert first["records"]["cloudtrail"] == expected.rows["cloudtrail"]
    assert first["records"]["flow_logs"] == expected.rows["flow_logs"]
    assert sum(first["rejected"].values()) == 0
    assert sum(first["ignored_by_reason"].values()) == 1
    assert_lake(target, expected)
    assert_queries(trailflow, target, None, target, expected)

    second = trailflow.backfill(tmp_path / "source", target)
    assert second["objects"] == 4
    assert second["ingested"] == 0
    assert second["duplicates"] + second["ignored"] == 4
    assert second["duplicates"] >= 3
    assert sum(second["records"].values()) == 0
    assert_lake(target, expected)
    assert_queries(trailflow, target, None, target, expected)


def test_other_engines_read_every_column_of_every_file(trailflow, tmp_path):
    """pyarrow takes the Arrow schema in a file at its word, and fails where the pages are of another kind."""
    trailflow.output("demo", "--once", "--dir", tmp_path / "demo")
    files = sorted((tmp_path / "demo" / "lake").rglob("event_date=*/**/*.parquet"))
    assert any("rollups" in file.parts for file in files)
    assert any("cloudtrail" in file.parts for file in files)
    for file in files:
        table = pyarrow.parquet.ParquetFile(file).read()
        assert table.num_rows > 0, file


def test_a_new_object_is_all_that_the_next_backfill_adds(trailflow, tmp_path):
    objects, expected = inputs.all_signals()
    inputs.write_objects(tmp_path / "source", objects)
    trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    later = inputs.CloudTrailFile(expected, "later")
    later.assumed(inputs.role("deployer"), 4)
    inputs.write_objects(tmp_path / "source", {inputs.cloudtrail_key("later"): later.object()})
    report = trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    assert report["ingested"] == 1
    assert report["records"]["cloudtrail"] == 4
    assert_lake(tmp_path / "lake", expected)


@pytest.mark.parametrize("listed_max", [1, 2, 7])
def test_passes_over_a_long_listing_are_one_backfill(trailflow, tmp_path, listed_max):
    """What does not fit into memory is listed again; an event and its copy meet, though passes lie between."""
    objects, expected = inputs.all_signals()
    file = inputs.CloudTrailFile(expected, "twice")
    file.assumed(inputs.role("deployer"), 4)
    body = file.object()
    objects |= {inputs.cloudtrail_key("a"): body, inputs.cloudtrail_key("z"): body}
    expected.outcomes["ingested"] += 1
    inputs.write_objects(tmp_path / "source", objects)
    arguments = ("--listed-max", listed_max)
    report = trailflow.backfill(tmp_path / "source", tmp_path / "lake", *arguments)
    assert outcomes(report) == {"objects": 6, "ingested": 5, "ignored": 1, "quarantined": 0, "duplicates": 0}
    assert report["records"]["cloudtrail"] == expected.rows["cloudtrail"]
    assert report["duplicate_events"] == 4
    assert_lake(tmp_path / "lake", expected)
    again = trailflow.backfill(tmp_path / "source", tmp_path / "lake", *arguments)
    assert again["objects"] == 6
    assert again["ingested"] == 0


def test_a_decision_that_cannot_be_read_keeps_nobody_from_working(trailflow, tmp_path):
    objects, expected = inputs.all_signals()
    inputs.write_objects(tmp_path / "source", objects)
    trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    decisions = tmp_path / "lake" / "_trailflow" / "batches"
    known = next(decisions.iterdir()).name
    # One of a batch beside it, whose bytes went with the power.
    (decisions / (known[:-1] + ("1" if known[-1] == "0" else "0"))).write_bytes(b"")
    later = inputs.CloudTrailFile(expected, "later")
    later.assumed(inputs.role("deployer"), 4)
    inputs.write_objects(tmp_path / "source", {inputs.cloudtrail_key("later"): later.object()})
    report = trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    assert report["ingested"] == 1
    assert_lake(tmp_path / "lake", expected)


def test_a_question_about_a_day_opens_the_files_of_that_day(trailflow, tmp_path):
    both = inputs.CloudTrailFile(inputs.Expected(), "two-days")
    both.assumed(inputs.role("deployer"), 3)
    both.assumed(inputs.role("deployer"), 5, minute=24 * 60)
    inputs.write_objects(tmp_path / "source", {inputs.cloudtrail_key("two-days"): both.object()})
    trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    for table, time, what in (
        ("cloudtrail", "event_time", "count(*)"),
        ("sts_assume_role_partial", "window_start", "sum(calls)"),
        ("sts_assume_role", "window_start", "sum(calls)"),
    ):
        for condition, day, calls in ((">=", "2026-01-06", 5), ("<", "2026-01-05", 3)):
            question = f"SELECT {what} AS n FROM {table} WHERE {time} {condition} '2026-01-06T00:00:00Z'"
            assert trailflow.query(tmp_path / "lake", question) == [{"n": calls}], question
            plan = str(trailflow.query(tmp_path / "lake", f"EXPLAIN {question}"))
            opened = {one for one in ("2026-01-05", "2026-01-06") if f"event_date={one}" in plan}
            # The end of a range is taken with its day.
            assert opened == {day} if condition == ">=" else day in opened, plan


@pytest.mark.parametrize("name", ["ministack", "moto"])
def test_a_prefix_in_s3(trailflow, tmp_path, request, name):
    emulator = request.getfixturevalue(name)
    bucket = f"backfill-{name}"
    make_bucket(emulator, bucket)
    objects, expected = inputs.all_signals()
    s3 = emulator.client("s3")
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=f"company/{key}", Body=body)
    s3.put_object(Bucket=bucket, Key="elsewhere/AWSLogs/other.json.gz", Body=b"not below the prefix")

    aws = aws_environment(emulator)
    report = trailflow.backfill(f"s3://{bucket}/company", tmp_path / "lake", env=aws)
    assert outcomes(report) == {"objects": 4, "ingested": 3, "ignored": 1, "quarantined": 0, "duplicates": 0}
    assert_lake(tmp_path / "lake", expected)


class EndlessListing(http.server.BaseHTTPRequestHandler):
    """An S3 whose listing never ends."""

    def do_GET(self):
        self.server.asked.set()
        body = (
            b'<?xml version="1.0"?><ListBucketResult><Name>logs</Name><IsTruncated>true</IsTruncated>'
            b"<NextContinuationToken>on</NextContinuationToken></ListBucketResult>"
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


def test_an_order_to_stop_ends_a_listing(trailflow, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EndlessListing)
    server.asked = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    config = tmp_path / "trailflow.toml"
    config.write_text(f'[aws]\nregion = "eu-west-1"\nendpoint_url = "{url}"\nforce_path_style = true\n')
    environment = clean_environment() | {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    command = [trailflow.path, "backfill", "s3://logs/", "--lake", tmp_path / "lake", "--config", config]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert server.asked.wait(30)
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        server.shutdown()
    assert process.returncode == 1, said
    assert b"stopped while the source was listed" in said


def test_a_damaged_object_is_quarantined_and_the_backfill_succeeds(trailflow, tmp_path):
    objects, expected = inputs.all_signals()
    whole = next(iter(objects.values()))
    objects[inputs.cloudtrail_key("cut")] = whole[: len(whole) // 2]
    inputs.write_objects(tmp_path / "source", objects)
    report = trailflow.backfill(tmp_path / "source", tmp_path / "lake")
    assert report["quarantined"] == 1
    assert sum(report["quarantined_by_reason"].values()) == 1
    assert report["objects"] == 5 == report["ingested"] + report["ignored"] + report["quarantined"]
    assert lake.count(tmp_path / "lake", "flow_logs") == expected.rows["flow_logs"]


def test_a_missing_directory_fails_and_says_which(trailflow, tmp_path):
    done = trailflow.run("backfill", tmp_path / "nothing-here", "--lake", tmp_path / "lake")
    assert done.returncode not in (0, 101)
    assert b"nothing-here" in done.stderr


@pytest.mark.parametrize("mistake", ["unknown_column", "cannot_be_run"])
def test_signals_of_a_directory_are_refused_before_anything_is_read(trailflow, repository, tmp_path, mistake):
    """What only shows when a query is made ready would spoil batches, and set their objects aside."""
    objects, _ = inputs.all_signals()
    inputs.write_objects(tmp_path / "source", objects)
    signals = repository / "testdata" / "bad_input" / "signals" / mistake
    config = tmp_path / "trailflow.toml"
    config.write_text(f'[signals]\ndirectory = "{signals}"\n')
    done = trailflow.run("backfill", tmp_path / "source", "--lake", tmp_path / "lake", "--config", config)
    assert done.returncode == 2, describe(done)
    assert done.stderr.count(b"key_deletions.sql:39: ") == 1, describe(done)
    assert not (tmp_path / "lake").exists()
