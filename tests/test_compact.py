"""`trailflow compact`: few files, and what readers see stays as it is: before, after, and when replaced files are gone."""

import gzip
import json
import pathlib
import random
import shutil
import subprocess
import time
import uuid
from datetime import datetime, timedelta

import duckdb
import pytest

import past
from seaweedfs import BUCKET
from service import describe, free_port, lake_environment

TABLES = ("cloudtrail", "flow_logs", "ingest_log", "quarantine")
SMALL_BATCHES = "[batch]\nrows_max = 400\n"
"""A batch of the demo's logs has some objects; a day then has more files than `compact` leaves alone."""
KILLS = 12
TOGETHER = 3
WIDE_OBJECTS, WIDE_EVENTS = 4, 1000


@pytest.fixture(scope="module")
def logs(trailflow, tmp_path_factory):
    """Logs with rows of nearly every signal, of days that are over."""
    folder = tmp_path_factory.mktemp("compact")
    done = trailflow.run("demo", "--once", "--seed", "11", "--dir", folder / "demo", "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 0, describe(done)
    assert past.move(folder / "demo" / "bucket", folder / "logs") > 50
    return folder / "logs"


@pytest.fixture(scope="module")
def views(trailflow):
    """The names of the signals that have a view."""
    rows = map(json.loads, trailflow.output("signals", "--format", "json").splitlines())
    return [row["name"] for row in rows if row["grain"]]


def ingest(trailflow, logs, lake, folder, more="", env=None):
    """Backfill in small batches; returns the configuration file."""
    config = folder / "small.toml"
    config.write_text(SMALL_BATCHES + more)
    trailflow.backfill(logs, lake, "--config", config, env=env)
    return config


def seen(trailflow, lake, names, env=None, config=None):
    """The rows of tables and views, sorted; all asked of one process, with a line before each."""
    more = ("--config", config) if config else ()
    sql = ";".join(f"SELECT '{name}' AS shown; SELECT * FROM {name}" for name in names)
    text = trailflow.output("query", "--lake", lake, "--format", "csv", sql, *more, env=env).decode()
    parts = [part.partition("\n") for part in text.split("shown\n")[1:]]
    assert [name for name, _, _ in parts] == list(names)
    return {name: sorted(rows.splitlines()) for name, _, rows in parts}


def compact(trailflow, lake, *arguments, env=None, code=0):
    """Run it; returns its report."""
    done = trailflow.run("compact", "--lake", lake, "--format", "json", *arguments, env=env)
    assert done.returncode == code, describe(done)
    return json.loads(done.stdout.decode().splitlines()[-1])


def files(lake, *folders):
    """Parquet files that readers may see, below these folders of the lake."""
    folders = folders or (*TABLES, "rollups", "sealed")
    return [path for folder in folders for path in sorted((pathlib.Path(lake) / folder).rglob("*.parquet"))]


def older(text, days=3):
    """A seal that was made days before."""
    seal = json.loads(text)
    at = datetime.fromisoformat(seal["sealed_at"].replace("Z", "+00:00"))
    seal["sealed_at"] = (at - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    return json.dumps(seal)


def age(lake):
    """Let three days pass, as far as seals are concerned."""
    for path in pathlib.Path(lake).glob("seals/*/*.json"):
        path.write_text(older(path.read_text()))


def by_duckdb(trailflow, lake, names):
    """How many rows DuckDB sees with the definitions of `ddl`."""
    with duckdb.connect() as connection:
        connection.execute(trailflow.output("ddl", "duckdb", "--lake", lake).decode())
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def counts(rows):
    """Without the line of names, which a table without rows has too."""
    return {name: max(len(lines) - 1, 0) for name, lines in rows.items()}


def test_readers_see_the_same_rows_while_many_files_become_few_and_old_ones_go(trailflow, logs, views, tmp_path):
    lake, names = tmp_path / "lake", [*TABLES, *views]
    ingest(trailflow, logs, lake, tmp_path)
    before, published = seen(trailflow, lake, names), files(lake)
    assert sum(count > 0 for count in counts(before).values()) > len(views) // 2

    report = compact(trailflow, lake)
    assert report["unsealed"] == [] and report["copies"] == 0 and report["deleted"] == 0
    assert report["days_sealed"] > 0 and report["files_after"] * 4 < report["files_before"] <= len(published)
    assert len(files(lake, "sealed")) == report["files_after"]
    assert seen(trailflow, lake, names) == before
    # A seal of this minute does not count for other engines yet.
    assert by_duckdb(trailflow, lake, names) == counts(before)

    again = compact(trailflow, lake)
    assert (again["days_sealed"], again["files_before"], again["deleted"]) == (0, 0, 0), again

    age(lake)
    assert by_duckdb(trailflow, lake, names) == counts(before)
    swept = compact(trailflow, lake)
    replaced = report["files_before"]
    assert (swept["days_sealed"], swept["deleted"]) == (0, replaced), swept
    assert len(files(lake)) == len(published) - replaced + report["files_after"]
    assert seen(trailflow, lake, names) == before
    assert by_duckdb(trailflow, lake, names) == counts(before)
    assert compact(trailflow, lake)["deleted"] == 0


def test_sealed_files_are_sorted_and_an_old_source_stays_known(trailflow, logs, tmp_path):
    lake = tmp_path / "lake"
    config = ingest(trailflow, logs, lake, tmp_path)
    compact(trailflow, lake)
    age(lake)
    assert compact(trailflow, lake)["deleted"] > 0
    for table, order in (("cloudtrail", "event_time"), ("flow_logs", "ts_end"), ("rollups/denies", "window_start")):
        for path in files(lake, f"sealed/{table}"):
            with duckdb.connect() as connection:
                rows = connection.execute(f"SELECT epoch_ms({order}) FROM read_parquet('{path}')").fetchall()
                times = [row[0] for row in rows]
            assert times == sorted(times) and times, path
    # Its files are gone from the tables; its claim says that it is there.
    report = trailflow.backfill(logs, lake, "--config", config)
    assert report["ingested"] == 0 and report["duplicates"] == report["objects"], report


def test_what_comes_late_is_read_beside_what_is_sealed_and_sealed_with_it(trailflow, logs, views, tmp_path):
    lake, names = tmp_path / "lake", [*TABLES, *views]
    all_logs = sorted(path for path in logs.rglob("*.gz"))
    for part in (0, 1):
        for path in all_logs[part::2]:
            target = tmp_path / "part" / path.relative_to(logs)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        ingest(trailflow, tmp_path / "part", lake, tmp_path)
        if part == 0:
            compact(trailflow, lake)
    before = seen(trailflow, lake, names)
    report = compact(trailflow, lake)
    assert report["days_sealed"] > 0 and report["unsealed"] == []
    assert seen(trailflow, lake, names) == before
    generations = [path.name for path in lake.glob("seals/*/*.json")]
    assert "00000002.json" in generations
    age(lake)
    compact(trailflow, lake)
    assert seen(trailflow, lake, names) == before
    # Of each folder one sealed file is left.
    folders = [path.parent for path in files(lake, "sealed")]
    assert len(folders) == len(set(folders))
    # What a seal of the end says is short: nothing that it replaced is left.
    for day in lake.glob("seals/*"):
        last = json.loads(max(day.glob("*.json")).read_text())
        assert last["files"] and not last["batches"] and not last["unsealed"], day
    age(lake)
    assert compact(trailflow, lake)["deleted"] == 0
    assert [len(list(day.glob("*.json"))) for day in lake.glob("seals/*")] == [1] * len(list(lake.glob("seals/*")))
    assert seen(trailflow, lake, names) == before


def test_a_sweep_that_ended_half_way_is_ended_by_a_later_one(trailflow, logs, views, tmp_path):
    """A store without folders has no day left when its published files are gone."""
    lake, names = tmp_path / "lake", ["cloudtrail", "flow_logs", *views]
    for part in (0, 1):
        for path in sorted(logs.rglob("*.gz"))[part::2]:
            target = tmp_path / "part" / path.relative_to(logs)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        ingest(trailflow, tmp_path / "part", lake, tmp_path)
        assert compact(trailflow, lake)["days_sealed"] > 0
    before, sealed_twice = seen(trailflow, lake, names), files(lake, "sealed")
    age(lake)
    for table in ("cloudtrail", "flow_logs", "rollups"):
        shutil.rmtree(lake / table)
    assert compact(trailflow, lake)["deleted"] > 0
    folders = [path.parent for path in files(lake, "sealed")]
    assert len(folders) == len(set(folders)) < len(sealed_twice)
    assert seen(trailflow, lake, names) == before


def test_events_of_any_width_are_merged(trailflow, tmp_path):
    """Some kilobytes of Parquet that are half a gigabyte of rows: no file tells."""
    source, lake = tmp_path / "source", tmp_path / "lake"
    day = source / "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/05"
    day.mkdir(parents=True)
    for number in range(WIDE_OBJECTS):
        records = [
            {
                "eventVersion": "1.08", "eventID": str(uuid.UUID(int=1 + number * WIDE_EVENTS + event)),
                "eventTime": f"2026-01-05T10:{event % 60:02d}:07Z", "eventSource": "ec2.amazonaws.com",
                "eventName": "RunInstances", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
                "userIdentity": {"type": "AWSService"}, "requestParameters": {"tags": ["x" * 100] * 560},
            }
            for event in range(WIDE_EVENTS)
        ]
        name = f"111122223333_CloudTrail_eu-west-1_20260105T1025Z_{number:016d}.json.gz"
        (day / name).write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), mtime=0))
    config = tmp_path / "small.toml"
    config.write_text(f"[batch]\nrows_max = {WIDE_EVENTS}\n")
    trailflow.backfill(source, lake, "--config", config)
    config.write_text('[pipeline]\nmemory_bytes_max = "192 MiB"\n')
    report = compact(trailflow, lake, "--config", config)
    assert report["unsealed"] == [] and report["rows"] >= WIDE_OBJECTS * WIDE_EVENTS
    events = trailflow.value(lake, "SELECT count(DISTINCT event_id) FROM cloudtrail")
    assert (events, trailflow.value(lake, "SELECT count(*) FROM cloudtrail")) == (WIDE_OBJECTS * WIDE_EVENTS,) * 2


def test_in_s3_too(trailflow, seaweedfs, logs, tmp_path):
    prefix = f"compact-{uuid.uuid4()}"
    url, aws = f"s3://{BUCKET}/{prefix}", lake_environment(seaweedfs)
    names = [*TABLES, "denies", "sts_assume_role", "flow_rejects"]
    ingest(trailflow, logs, url, tmp_path, env=aws)
    before = seen(trailflow, url, names, env=aws)
    report = compact(trailflow, url, env=aws)
    assert report["days_sealed"] > 0 and report["unsealed"] == []
    assert seen(trailflow, url, names, env=aws) == before

    s3 = seaweedfs.client("s3")
    for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/seals/")["Contents"]:
        seal = s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
        s3.put_object(Bucket=BUCKET, Key=found["Key"], Body=older(seal).encode())
    assert compact(trailflow, url, env=aws)["deleted"] == report["files_before"]
    assert seen(trailflow, url, names, env=aws) == before


def test_a_kill_at_any_moment_changes_nothing(trailflow, logs, views, tmp_path):
    lake, names = tmp_path / "lake", [*TABLES, *views]
    ingest(trailflow, logs, lake, tmp_path)
    before = seen(trailflow, lake, names)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    began = time.monotonic()
    copied = tmp_path / "copy"
    subprocess.run(["cp", "-r", lake, copied], check=True)
    compact(trailflow, copied)
    takes = time.monotonic() - began
    for _ in range(KILLS):
        process = subprocess.Popen(
            [trailflow.path, "compact", "--lake", lake], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(dice.uniform(0, takes))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    few = ("cloudtrail", "ingest_log", "denies")
    assert seen(trailflow, lake, few) == {name: before[name] for name in few}
    compact(trailflow, lake)
    assert seen(trailflow, lake, names) == before


def test_several_at_once_seal_each_day_once(trailflow, logs, views, tmp_path):
    lake, names = tmp_path / "lake", [*TABLES, *views]
    ingest(trailflow, logs, lake, tmp_path)
    before = seen(trailflow, lake, names)
    command = [trailflow.path, "compact", "--lake", lake, "--format", "json"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(TOGETHER)
    ]
    ended = [(*process.communicate(), process.returncode) for process in running]
    assert [code for _, _, code in ended] == [0] * TOGETHER, ended
    reports = [json.loads(stdout) for stdout, _, _ in ended]
    days = {path.parent.name for path in lake.glob("seals/*/*.json")}
    assert sum(report["days_sealed"] for report in reports) == len(days) > 0
    assert sum(report["files_after"] for report in reports) == len(files(lake, "sealed"))
    for report, (_, stderr, _) in zip(reports, ended):
        assert report["unsealed"] == []
        assert ("by another process" in stderr.decode()) == (report["days_of_others"] > 0)
    assert seen(trailflow, lake, names) == before


def test_a_batch_that_may_still_be_published_is_left_alone(trailflow, logs, tmp_path):
    lake = tmp_path / "lake"
    ingest(trailflow, logs, lake, tmp_path)
    unmarked = sorted((lake / "_trailflow" / "published").iterdir())[0]
    unmarked.unlink()
    compact(trailflow, lake)
    for seal in lake.glob("seals/*/*.json"):
        assert unmarked.name not in json.loads(seal.read_text())["batches"]
    # Its mark and its decision went together: a lifecycle rule took them.
    (lake / "_trailflow" / "batches" / unmarked.name).unlink()
    late = compact(trailflow, lake)
    sealed = [json.loads(seal.read_text())["batches"] for seal in lake.glob("seals/*/*.json")]
    assert any(unmarked.name in batches for batches in sealed), late


def test_what_cannot_be_merged_stays_and_is_told(trailflow, logs, repository, tmp_path):
    lake = tmp_path / "lake"
    own = repository / "testdata/selection/one_more"
    config = ingest(trailflow, logs, lake, tmp_path, f'[signals]\ndirectory = "{own}"\n')
    names = ("cloudtrail", "denies", "console_failures")
    before = seen(trailflow, lake, names, config=config)
    # A file whose rows have a column that this version does not know.
    stranger = files(lake, "rollups/denies")[0]
    whole = stranger.read_bytes()
    sql = "SELECT * EXCEPT (event_date), 1 AS of_another_version FROM denies_partial LIMIT 1"
    stranger.write_bytes(trailflow.output("query", "--lake", lake, "--format", "parquet", sql))
    report = compact(trailflow, lake, code=1)
    told = {one["place"]: one["why"] for one in report["unsealed"]}
    assert "of_another_version" in told.pop(str(stranger.relative_to(lake)))
    assert "no signal of this name" in told.pop("rollups/console_failures") and not told
    stranger.write_bytes(whole)
    assert seen(trailflow, lake, names, config=config) == before
    assert compact(trailflow, lake, "--config", config)["unsealed"] == []
    assert seen(trailflow, lake, names, config=config) == before


def test_only_the_days_that_are_asked_for(trailflow, logs, tmp_path):
    lake = tmp_path / "lake"
    ingest(trailflow, logs, lake, tmp_path)
    days = sorted({path.name.partition("=")[2] for path in lake.glob("*/*_date=*")})
    first = days[0]
    assert compact(trailflow, lake, "--to", "1999-12-31")["days"] == 0
    assert compact(trailflow, lake, "--from", first, "--to", first)["days"] == 1
    done = trailflow.run("compact", "--lake", lake, "--from", "2026-03-05", "--to", "2026-03-01")
    assert done.returncode == 2 and "no day can be in between" in done.stderr.decode()
    done = trailflow.run("compact", "--lake", lake, "--from", "tomorrow")
    assert done.returncode == 2 and "tomorrow" in done.stderr.decode()


def test_where_there_is_no_lake_it_says_so(trailflow, tmp_path):
    done = trailflow.run("compact", "--lake", tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, b"") and "there is no lake at" in done.stderr.decode()
