"""Real logs, where a collection of them lies at hand; they are not part of the repository.

A capture of two trails, in which a quarter of the events stand twice, also goes through a queue: to
three workers at once, and to one that is killed midway. pytest's `-s` shows what they printed.
TRAILFLOW_SAMPLES names the folder; without it, `../shared/samples` beside the repository.
"""

import gzip
import json
import os
import pathlib
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

import lake
from polling import until
from rig import CONFIG, LEASE_SECONDS, RECEIVES_MAX
from service import aws_environment, queue_settings
from wiring import wire

SECONDS = 900
ACCOUNT = "342082656213"
WORKERS = 3
DRAIN_SECONDS = 300
COMMITTED_BEFORE_KILL = 0.3
"""The part of the objects after which the worker is killed."""


@pytest.fixture(scope="module")
def samples(repository):
    folder = pathlib.Path(os.environ.get("TRAILFLOW_SAMPLES", repository.parent / "shared" / "samples"))
    if not folder.is_dir():
        pytest.skip("no real logs at hand; TRAILFLOW_SAMPLES can name a folder of them")
    return folder


def backfill(trailflow, source, target):
    """Backfill that must succeed without a panic: the counts of its last line."""
    done = trailflow.run("backfill", source, "--lake", target, "--format", "json", seconds=SECONDS)
    assert b"panicked" not in done.stderr, done.stderr[-3000:]
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.decode().splitlines()[-1])
    print(json.dumps(report))
    return report


def assert_every_object_has_one_outcome(report, files):
    assert report["objects"] == files
    assert report["objects"] == report["ingested"] + report["ignored"] + report["quarantined"]
    assert sum(report["ignored_by_reason"].values()) == report["ignored"]
    assert sum(report["quarantined_by_reason"].values()) == report["quarantined"]


def test_every_sample_has_one_outcome(trailflow, samples, tmp_path):
    report = backfill(trailflow, samples, tmp_path / "lake")
    assert_every_object_has_one_outcome(report, sum(1 for path in samples.rglob("*") if path.is_file()))
    assert report["ingested"] > 0
    assert lake.count(tmp_path / "lake", "ingest_log") == report["objects"]


@pytest.fixture(scope="module")
def capture(samples):
    folder = next(samples.glob("*/SANS-504-S3-ransomware-lab"), None)
    if folder is None:
        pytest.skip("the samples hold no SANS-504-S3-ransomware-lab")
    return folder


def test_a_real_capture_is_complete(trailflow, capture, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(capture, source / "AWSLogs" / ACCOUNT / "CloudTrail")
    files, records, ids = count_records(source)
    report = backfill(trailflow, source, tmp_path / "lake")

    assert_every_object_has_one_outcome(report, files)
    assert report["ingested"] == files
    assert sum(report["rejected"].values()) == 0
    target = tmp_path / "lake"
    assert records > ids, "the capture holds each event of several trails more than once"
    assert trailflow.value(target, "SELECT count(*) AS n FROM cloudtrail") == ids
    assert trailflow.value(target, "SELECT count(DISTINCT event_id) AS n FROM cloudtrail") == ids
    assert lake.count(target, "cloudtrail") == ids
    assert report["duplicate_events"] == records - ids


def count_records(folder):
    """Files, records and distinct event ids, counted with nothing but gzip and JSON."""
    files, records, ids = 0, 0, set()
    for path in folder.rglob("*.json.gz"):
        files += 1
        with gzip.open(path) as stream:
            found = json.load(stream)["Records"]
        records += len(found)
        ids.update(record["eventID"] for record in found)
    return files, records, len(ids)


class Queued:
    """The capture behind a queue: uploaded in the order in which AWS wrote it, in which copies meet."""

    def __init__(self, trailflow, emulator, capture, folder):
        self.lake = folder / "lake"
        self.wiring = wire(emulator, "direct", visibility_seconds=LEASE_SECONDS, receives_max=RECEIVES_MAX)
        self._trailflow = trailflow
        self._folder = folder
        self._aws = aws_environment(emulator)
        self.ids = {}
        """`{key: event ids}`, as often as the object holds them."""
        for path in sorted(capture.rglob("*.json.gz"), key=written):
            key = f"AWSLogs/{ACCOUNT}/CloudTrail/{path.relative_to(capture)}"
            body = path.read_bytes()
            self.wiring.put({key: body})
            self.ids[key] = [record["eventID"] for record in json.loads(gzip.decompress(body))["Records"]]
        self.copies = Counter(event for ids in self.ids.values() for event in ids)
        self.records = self.copies.total()
        assert self.records > len(self.copies), "the capture holds each event of several trails more than once"

    def worker(self, name):
        """One more service on this queue and this lake."""
        folder = self._folder / name
        folder.mkdir()
        return self._trailflow.start(folder, queue_settings(self.wiring, self.lake), self._aws, CONFIG)

    def finish(self, workers):
        """Wait until nothing waits and nothing is held; end the workers in order."""
        def alive():
            for worker in workers:
                worker.alive()

        until("the queue is empty", lambda: self.wiring.depth() == (0, 0), DRAIN_SECONDS, alive)
        counted = [worker.metrics() for worker in workers]
        for worker in workers:
            assert worker.terminate() == 0
            assert "panicked" not in worker.logged()
        return counted

    def committed(self):
        """The keys in the lake's `ingest_log`, as often as they stand there."""
        if not lake.files(self.lake, "ingest_log"):
            return []
        return [key for (key,) in lake.duckdb_rows(self.lake, "ingest_log", "key FROM _")]

    def across(self, keys):
        """How many records of the other objects are copies of events of these."""
        known = {event for key in keys for event in self.ids[key]}
        return sum(event in known for key in self.ids.keys() - set(keys) for event in self.ids[key])

    def assert_nothing_is_lost(self):
        """Every object acknowledged, every id in the lake, every record accounted for; returns the rows."""
        assert self.wiring.depth() == (0, 0)
        assert self.wiring.dead_letters() == 0
        assert Counter(self.committed()) == Counter(self.ids.keys())
        ids = {event for (event,) in lake.duckdb_rows(self.lake, "cloudtrail", "DISTINCT event_id FROM _")}
        assert ids == set(self.copies)
        rows = lake.count(self.lake, "cloudtrail")
        sums = "outcome, sum(rows), sum(suppressed), sum(rejected) FROM _ GROUP BY 1"
        assert lake.duckdb_rows(self.lake, "ingest_log", sums) == [("ingested", rows, self.records - rows, 0)]
        return rows


def written(path):
    """When AWS wrote an object, as its name says; the rest of the name where that is the same."""
    return path.name.split("_")[3:]


def test_three_workers_lose_nothing_of_a_real_capture(trailflow, ministack, capture, tmp_path):
    began = time.monotonic()
    queued = Queued(trailflow, ministack, capture, tmp_path)
    uploaded = time.monotonic()
    with ExitStack() as running, ThreadPoolExecutor(WORKERS) as pool:
        # All at once, or the first has begun long before the last.
        names = [f"worker{number}" for number in range(WORKERS)]
        workers = list(pool.map(lambda name: running.enter_context(queued.worker(name)), names))
        counted = queued.finish(workers)
    rows, ids = queued.assert_nothing_is_lost(), len(queued.copies)
    shares = [metrics.total("trailflow_records_total", table="cloudtrail") for metrics in counted]
    doubled, repeated = rows - ids, queued.records - ids
    print(
        f"{WORKERS} workers, {len(queued.ids)} objects, {queued.records} records, {ids} events: {rows} rows of "
        f"{shares}, {doubled} more than events ({100 * doubled / ids:.2f} %) of {repeated} repeated; "
        f"{uploaded - began:.1f} s to upload, {time.monotonic() - uploaded:.1f} s to ingest"
    )
    assert min(shares) > 0, "one of the workers got nothing"
    assert sum(shares) == rows
    # Copies that two workers had open at the same moment; the lake's distinct ids are exact in any case.
    assert 0 <= doubled <= repeated


def test_a_worker_that_is_killed_doubles_nothing_of_a_real_capture(trailflow, ministack, capture, tmp_path):
    queued = Queued(trailflow, ministack, capture, tmp_path)
    objects, began = len(queued.ids), time.monotonic()
    with queued.worker("killed") as worker:
        def midway():
            done = queued.committed()
            return len(done) >= objects * COMMITTED_BEFORE_KILL and queued.across(done) > 0

        until("part of the objects is committed, and part of some copies", midway, DRAIN_SECONDS, worker.alive)
        worker.kill()
    before = queued.committed()
    across = queued.across(before)
    assert len(before) < objects, "the worker was killed too late"
    with queued.worker("successor") as worker:
        queued.finish([worker])
    rows, ids = queued.assert_nothing_is_lost(), len(queued.copies)
    print(
        f"killed after {len(before)} of {objects} objects: {rows} rows of {ids} events, {queued.records} records, "
        f"{across} of them copies of events from before; {time.monotonic() - began:.1f} s"
    )
    assert rows == ids
