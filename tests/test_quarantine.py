"""What was quarantined is listed, and read again once it is whole: what is known of it counts once."""

import os
import random
import struct
import zlib

import inputs
import lake
from inputs import ACCOUNT

WRITTEN_AT = 1_767_608_700
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
)
BROKEN = f"2 {ACCOUNT} eni-0 BROKEN\n"


def flow_lines(count, chance):
    """Records of flow logs."""
    return "".join(
        f"2 {ACCOUNT} eni-0a 10.0.1.{chance.randrange(256)} 10.1.2.9 {chance.randrange(65536)} 443 6 1 40"
        " 1767608400 1767608460 ACCEPT OK\n"
        for _ in range(count)
    )


def halves(first, second):
    """A gzip file in two blocks, and the same with its second block broken: `(whole, broken)`."""
    first, second = first.encode(), second.encode()
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    begin = deflate.compress(first) + deflate.flush(zlib.Z_FULL_FLUSH)
    end = deflate.compress(second) + deflate.flush()
    both = first + second
    ending = struct.pack("<II", zlib.crc32(both), len(both) & 0xFFFFFFFF)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + begin
    # No block of deflate has this type.
    return head + end + ending, head + b"\xff" + end[1:] + ending


def put(folder, objects):
    """Write objects whose size and time do not tell them apart: to a directory they are the same version."""
    inputs.write_objects(folder, objects)
    for key in objects:
        os.utime(folder / key, (WRITTEN_AT, WRITTEN_AT))


def sums(target):
    """Rows and rejected records by the name of their object, as `ingest_log` has them."""
    select = "regexp_extract(key, 'fl-([a-z]+)', 1), sum(rows)::BIGINT, sum(rejected)::BIGINT, count(*) FROM _ GROUP BY 1"
    return {name: (rows, rejected, readings) for name, rows, rejected, readings in
            lake.duckdb_rows(target, "ingest_log", select)}


def test_a_replay_counts_every_row_and_every_rejected_record_once(trailflow, tmp_path):
    """Rows go on in batches and rejected records at once: neither tells where the other was cut off."""
    chance = random.Random(5)
    print("seed 5")
    parts = {
        # Rejected behind the damage, in the same batch as known rows; before it; and nothing but rejected before it.
        "behind": (HEADER + flow_lines(10_000, chance), flow_lines(2_000, chance) + BROKEN + flow_lines(8_000, chance)),
        "before": (HEADER + BROKEN * 2 + flow_lines(9_000, chance) + BROKEN, flow_lines(50, chance) + BROKEN * 3),
        "only": (HEADER + BROKEN * 5_000, BROKEN + flow_lines(5, chance)),
    }
    made = {name: halves(*both) for name, both in parts.items()}
    folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/01/05/{ACCOUNT}_vpcflowlogs_eu-west-1_fl-"
    def keyed(place):
        return {f"{folder}{name}_20260105T1025Z_aaaa.log.gz": both[place] for name, both in made.items()}

    put(tmp_path / "source", keyed(1))
    target = tmp_path / "lake"
    first = trailflow.backfill(tmp_path / "source", target)
    assert first["quarantined"] == 3
    cut = sums(target)
    assert all(0 < rows + rejected for rows, rejected, _ in cut.values()), cut

    put(tmp_path / "source", keyed(0))
    for readings in (2, 2):
        trailflow.output("quarantine", "replay", "--all", "--source", tmp_path / "source", "--lake", target)
        assert sums(target) == {
            "behind": (20_000, 1, readings), "before": (9_050, 6, readings), "only": (5, 5_001, readings),
        }
        assert lake.count(target, "flow_logs") == 29_055
    listed = trailflow.output("quarantine", "list", "--format", "csv", "--lake", target)
    assert len(listed.splitlines()) == 1, listed


def test_a_replay_leaves_out_what_the_log_no_longer_tells_all_of(trailflow, tmp_path):
    """Old files of ingest_log may be deleted: what an earlier reading gave is unknown then, and would count twice."""
    key = f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/01/05/{ACCOUNT}_vpcflowlogs_eu-west-1_fl-a_20260105T1025Z_a.log.gz"
    _, broken = halves(HEADER + flow_lines(10_000, random.Random(6)), flow_lines(9, random.Random(7)))
    put(tmp_path / "source", {key: broken})
    target = tmp_path / "lake"
    replay = ("quarantine", "replay", "--all", "--source", tmp_path / "source", "--lake", target)
    assert trailflow.backfill(tmp_path / "source", target)["quarantined"] == 1
    rows = lake.count(target, "flow_logs")
    assert rows > 0
    oldest = min((target / "ingest_log").rglob("*.parquet"), key=lambda file: file.name)
    trailflow.output(*replay)
    assert lake.count(target, "flow_logs") == rows
    oldest.unlink()
    again = trailflow.run(*replay)
    assert again.returncode == 1
    assert key.encode() in again.stderr
    assert lake.count(target, "flow_logs") == rows


def test_the_lake_may_be_named_by_the_configuration(trailflow, tmp_path):
    objects, expected = inputs.all_signals()
    inputs.write_objects(tmp_path / "source", objects)
    config = tmp_path / "trailflow.toml"
    config.write_text(f'[lake]\nurl = "{tmp_path / "lake"}"\n')
    trailflow.output("backfill", tmp_path / "source", "--config", config)
    rows = trailflow.output("query", "--config", config, "--format", "csv", "SELECT count(*) AS n FROM flow_logs")
    assert rows.split() == [b"n", str(expected.rows["flow_logs"]).encode()]
    unnamed = trailflow.run("query", "SELECT 1")
    assert unnamed.returncode == 2
    assert b"--lake" in unnamed.stderr and b"TRAILFLOW_LAKE" in unnamed.stderr
