"""Memory is bounded by limits, not by the size of an object."""

import gzip
import json
import pathlib
import subprocess
import sys

import inputs
import lake
from service import clean_environment

MIB = 1024 * 1024
INFLATED_BYTES = 1024 * MIB
PEAK_BYTES_MAX = 512 * MIB
SECONDS = 900


def test_one_line_of_a_gibibyte(trailflow, tmp_path):
    path = tmp_path / "source" / inputs.cloudtrail_key("gibibyte")
    path.parent.mkdir(parents=True)
    records, size = write_one_line(path, INFLATED_BYTES)

    report = tmp_path / "peak.json"
    done = subprocess.run(
        [
            sys.executable, str(pathlib.Path(__file__).with_name("peak.py")), str(report), str(trailflow.path),
            "backfill", str(tmp_path / "source"), "--lake", str(tmp_path / "lake"), "--format", "json",
        ],
        env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
    )
    measured = json.loads(report.read_text())
    print(
        f"peak {measured['peak_bytes'] / MIB:.0f} MiB resident, for {size / MIB:.0f} MiB inflated in one line "
        f"({path.stat().st_size / MIB:.0f} MiB compressed, {records} records)"
    )
    assert measured["code"] == 0, done.stderr[-3000:].decode(errors="replace")
    counts = json.loads(done.stdout.decode().splitlines()[-1])
    assert counts["ingested"] == 1 and counts["records"]["cloudtrail"] == records, counts
    assert lake.count(tmp_path / "lake", "cloudtrail") == records
    assert measured["peak_bytes"] < PEAK_BYTES_MAX


def write_one_line(path, inflated_bytes):
    """Stream one CloudTrail object without a line break: `(records, inflated bytes)`.

    A few records over and over; only the event id differs, so that none is another's duplicate.
    """
    sample = inputs.CloudTrailFile(inputs.Expected(), "gibibyte")
    sample.assumed(inputs.role("deployer"), 1)
    sample.assume_denied(inputs.role("admin"), 1)
    sample.web_identity(inputs.role("cart"), "shop", "cart", 1)
    sample.kms_throttled("node", "Decrypt", 1)
    pieces = [
        tuple(part.encode() for part in json.dumps(record, separators=(",", ":")).split(record["eventID"]))
        for record in sample.records
    ]
    count, size = 0, 0
    with gzip.open(path, "wb", compresslevel=1) as output:
        def write(text):
            output.write(text)
            return len(text)

        size += write(b'{"Records":[')
        while size < inflated_bytes:
            chunk = bytearray()
            for _ in range(1000):
                before, after = pieces[count % len(pieces)]
                chunk += b"," if count else b""
                chunk += before + b"%08x-0000-4000-8000-000000000000" % count + after
                count += 1
            size += write(bytes(chunk))
        size += write(b"]}")
    return count, size
