"""Real logs, where a collection of them lies at hand; they are not part of the repository.

TRAILFLOW_SAMPLES names the folder; without it, `../shared/samples` beside the repository.
"""

import gzip
import json
import os
import pathlib
import shutil

import pytest

import lake

SECONDS = 900
ACCOUNT = "342082656213"


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


def test_a_real_capture_is_complete(trailflow, samples, tmp_path):
    capture = next(samples.glob("*/SANS-504-S3-ransomware-lab"), None)
    if capture is None:
        pytest.skip("the samples hold no SANS-504-S3-ransomware-lab")
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
