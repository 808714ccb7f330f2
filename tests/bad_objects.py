"""Bad log objects: from a row of docs/bad-input.md to a key and bytes.

Most are files below testdata. What is too large to keep in a repository is made here, by name; made
objects depend on nothing but their name. Parquet is written from a description of its columns.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import zlib
from datetime import UTC, datetime, timedelta

import pyarrow
import pyarrow.parquet

TESTDATA = pathlib.Path(__file__).resolve().parent.parent / "testdata"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
DAY = "2026/01/05"
MIB = 1024 * 1024

FLOW_LOG = f"{ACCOUNT}_vpcflowlogs_{REGION}_fl-0a1b2c3d_20260105T1020Z_%s"
FORMS = {
    "cloudtrail": (
        f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{DAY}/{ACCOUNT}_CloudTrail_{REGION}_20260105T1030Z_%s.json.gz"
    ),
    "digest": f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{DAY}/{ACCOUNT}_CloudTrail-Digest_{REGION}_%s.json.gz",
    "insight": f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/{REGION}/{DAY}/{ACCOUNT}_CloudTrail-Insight_{REGION}_%s.json.gz",
    "network_activity": (
        f"AWSLogs/{ACCOUNT}/CloudTrail-NetworkActivity/{REGION}/{DAY}/{ACCOUNT}_CloudTrail-NetworkActivity_{REGION}_%s.json.gz"
    ),
    "aggregated": (
        f"AWSLogs/{ACCOUNT}/CloudTrail-Aggregated/{REGION}/{DAY}/{ACCOUNT}_CloudTrail-Aggregated_{REGION}_%s.json.gz"
    ),
    "flow_log": f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{DAY}/{FLOW_LOG}.log.gz",
    "parquet": f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{DAY}/{FLOW_LOG}.log.parquet",
    "hive": (
        f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}"
        f"/year=2026/month=01/day=05/hour=10/{FLOW_LOG}.log.gz"
    ),
    "aws_config": f"AWSLogs/{ACCOUNT}/Config/{REGION}/2026/1/5/ConfigSnapshot/{ACCOUNT}_Config_{REGION}_%s.json.gz",
    "load_balancer": f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/{DAY}/{ACCOUNT}_load_balancer_%s.log.gz",
    "lake_table": "lake/cloudtrail/event_date=2026-01-05/event_hour=10/%s.parquet",
    "lake_claim": "lake/_trailflow/claims/%s/0",
    "plain": "copied/by/hand/%s",
    "half_written": "copied/by/hand/%s.tmp",
    "hidden": "copied/by/hand/.%s",
}
"""The key of an object, by what the key says that it is; `%s` is the row's id."""

UNFINISHED = ("half_written", "hidden")
"""Forms that say that somebody is still writing."""

NAME_NOT_UTF8 = b"copied/by/hand/%s-\xff.json"


def key_of(row):
    """The key of a row's object; bytes where it is not UTF-8."""
    if row.form == "name_not_utf8":
        return NAME_NOT_UTF8.replace(b"%s", row.id.encode())
    return FORMS[row.form if row.form in FORMS else form_of(row)] % row.id


def form_of(row):
    """What the folder or the ending says, for rows that say nothing themselves."""
    if row.source == "made":
        return MADE[row.name][0]
    path = pathlib.PurePosixPath(row.name)
    if path.name.endswith((".columns.json", ".parquet")) and "objects" not in path.parts:
        return "parquet"
    if "cloudtrail" in path.parts or path.name.endswith(".json.gz"):
        return "cloudtrail"
    if "flow_logs" in path.parts or path.name.endswith(".log.gz"):
        return "flow_log"
    return "plain"


def body_of(row):
    """The bytes of a row's object."""
    if row.source == "made":
        return MADE[row.name][1]()
    path = TESTDATA / row.name
    if path.name.endswith(".columns.json"):
        return parquet_of(path)
    body = path.read_bytes()
    if path.parent == TESTDATA / "cloudtrail":
        # These files share event ids, and an event counts once: each object gets its own.
        mine = hashlib.sha256(row.id.encode()).hexdigest()[:8].encode()
        body = body.replace(b"00000000-0000-4000-8000-", mine + b"-0000-4000-8000-")
    return body


def lay_out(folder, rows):
    """Write the rows' objects below a folder: `{row id: key as trailflow names it}`."""
    keys = {}
    for row in rows:
        key = key_of(row)
        keys[row.id] = key.decode(errors="replace") if isinstance(key, bytes) else key
        path = os.path.join(os.fsencode(folder), os.fsencode(key))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(body_of(row))
    return keys


def parquet_of(path):
    """The Parquet file that a `.columns.json` describes."""
    columns = json.loads(path.read_text(encoding="utf-8"))["columns"]
    table = pyarrow.table({column["name"]: array_of(column["type"], column["values"]) for column in columns})
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


TYPES = {
    "int32": pyarrow.int32(),
    "int64": pyarrow.int64(),
    "uint64": pyarrow.uint64(),
    "timestamp_us": pyarrow.timestamp("us"),
    "text": pyarrow.string(),
    "large_text": pyarrow.large_string(),
    "dictionary": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
}


def array_of(kind, values):
    if kind == "bytes":
        # Each character stands for the byte of its number, so that a byte need not be UTF-8.
        encoded = [None if text is None else text.encode("latin-1") for text in values]
        return pyarrow.array(encoded, pyarrow.binary())
    if kind == "float64":
        numbers = [float("nan") if isinstance(value, str) else value for value in values]
        return pyarrow.array(numbers, pyarrow.float64())
    return pyarrow.array(values, TYPES[kind])


def event(number, **fields):
    """A CloudTrail record with what every record has."""
    return {
        "eventVersion": "1.08",
        "eventID": f"00000000-0000-4000-9000-{number:012d}",
        "eventTime": "2026-01-05T10:20:00Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": "Decrypt",
        "awsRegion": REGION,
    } | fields


FLOW_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
    "action log-status\n"
)
FLOW_LINE = (
    f"2 {ACCOUNT} eni-0a1b2c3d4e5f60718 10.0.1.15 10.0.2.31 50122 443 6 9 1260 1767608400 1767608455 ACCEPT OK\n"
)


def gzip_bomb():
    """4 GiB and 1 MiB of the letter x, in 4 MiB of gzip: the same deflated block over and over."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflater.compress(b"x" * MIB) + deflater.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + block * 4097


def record_over_4_mib():
    records = [event(1), event(2, userAgent="x" * (4 * MIB)), event(3)]
    return gzip.compress(json.dumps({"Records": records}).encode(), mtime=0)


def document_that_never_begins():
    """A member longer than a record may be, before `Records`."""
    return gzip.compress(b'{"comment":"' + b"x" * (5 * MIB) + b'","Records":[]}', mtime=0)


def line_over_64_kib():
    long = FLOW_LINE.replace("OK\n", "x" * (64 * 1024) + "\n")
    return gzip.compress((FLOW_HEADER + FLOW_LINE + long + FLOW_LINE).encode(), mtime=0)


def parquet_over_256_mib():
    return gzip.compress(b"PAR1" + bytes(257 * MIB), compresslevel=1, mtime=0)


def parquet_row_over_8_mib():
    columns = {"end": [1767608455] * 3, "log_status": ["OK"] * 3, "vpc_id": ["vpc-1", "x" * (9 * MIB), "vpc-2"]}
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file, compression="gzip")
    return file.getvalue()


def more_rejects_than_are_kept():
    records = [event(1000 + number, eventTime="yesterday") for number in range(150)]
    return gzip.compress(json.dumps({"Records": records}).encode(), mtime=0)


def events_of_1001_days():
    first = datetime(2020, 1, 1, tzinfo=UTC)
    days = [(first + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ") for number in range(1001)]
    records = [event(2000 + number, eventTime=day) for number, day in enumerate(days)]
    return gzip.compress(json.dumps({"Records": records}).encode(), mtime=0)


MADE = {
    "gzip_bomb": ("flow_log", gzip_bomb),
    "record_over_4_mib": ("cloudtrail", record_over_4_mib),
    "document_that_never_begins": ("cloudtrail", document_that_never_begins),
    "line_over_64_kib": ("flow_log", line_over_64_kib),
    "parquet_over_256_mib": ("parquet", parquet_over_256_mib),
    "parquet_row_over_8_mib": ("parquet", parquet_row_over_8_mib),
    "more_rejects_than_are_kept": ("cloudtrail", more_rejects_than_are_kept),
    "events_of_1001_days": ("cloudtrail", events_of_1001_days),
}
"""What is made, by name: the form of its key, and its bytes."""
