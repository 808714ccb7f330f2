#!/usr/bin/env python3
"""What tiny objects cost: five events each, so that the protocol around an object is the work, not its rows.

    tiny.py [--binary BINARY] [--objects N] [--again N] [--queued N] [--events N] [--work FOLDER]

Three parts, each with a table:

1. `backfill` over a directory of N objects into a new lake, with everything that makes it exact: a claim, a
   hash and a row of the ingest log for each object, the window of events, one decision a batch. The lake is
   then read by DuckDB: every event must be there once, and every object in the ingest log.
2. `backfill` over the same objects once more, the first --again of them: what recognising an object costs.
3. `trailflow run` over --queued objects that lie in an S3 server and are announced in a queue, beside what
   the same number of the protocol's own requests costs when a plain client sends them to the same servers:
   those servers, and not trailflow, may be what is slow here.

Goal: 1,500 objects a second in the first part. Exit code: 0, or 2 when something could not be measured or
was not exact. Needs Python with tests/requirements.txt; the servers are started here, on loopback.
"""

import argparse
import shutil
import threading
import time
from queue import Empty, SimpleQueue

import measure
from events import START, Events

GOAL_OBJECTS_PER_SECOND = 1500
SEED = 4
CLIENTS = 8
"""Requests at a time of the plain client: as many as `objects_in_flight_max`."""


def exact(duckdb, lake, events):
    """Hold the lake against what was made; any difference ends the bench."""

    def ask(select, folder):
        pattern = str(lake / folder / "**" / "*.parquet").replace("'", "''")
        with duckdb.connect() as connection:
            return connection.execute(f"SELECT {select} FROM read_parquet('{pattern}')").fetchone()

    rows, distinct = ask("count(*), count(DISTINCT event_id)", "cloudtrail")
    logged, sources = ask("count(*), count(DISTINCT source)", "ingest_log")
    if not rows == distinct == events.distinct or not logged == sources == events.objects:
        measure.fail(
            f"not exact: {rows} rows with {distinct} ids of {events.distinct} events; "
            f"{logged} entries for {sources} sources of {events.objects} objects"
        )


def row(name, cost, objects):
    """Of a table of backfills."""
    rate = objects / cost.wall_seconds
    cpu = 1000 * cost.cpu_seconds / objects
    return [
        name, objects, f"{rate:,.0f}", f"{cost.cpu_seconds:.1f}", f"{cpu:.2f}", f"{cost.wall_seconds:.1f}",
        f"{cost.peak_mib:.0f}",
    ]


def directory(chosen, binary, folder):
    """Parts 1 and 2."""
    # First of all, so that it is not missed after minutes.
    import duckdb

    source, lake = folder / "tiny", folder / "lake"
    events = Events(SEED)
    compressed, inflated = events.write(source, chosen.objects, chosen.events)
    print(
        f"{chosen.objects:,} objects of {chosen.events} events, {compressed / chosen.objects:,.0f} bytes each "
        f"compressed, {inflated / chosen.objects:,.0f} inflated; {events.distinct:,} distinct events"
    )
    cost, counts = measure.backfill(binary, source, lake)
    if counts["ingested"] != chosen.objects or counts["records"]["cloudtrail"] != events.distinct:
        measure.fail(f"not everything was ingested: {counts}")
    exact(duckdb, lake, events)
    rows = [row("new", cost, chosen.objects)]
    if chosen.again:
        some = folder / "again" / "tiny"
        for path in sorted(source.rglob("*.gz"))[: chosen.again]:
            # A copy keeps name, size and time of change, and so is the same object.
            copy = some / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        again, counts = measure.backfill(binary, some, lake)
        if counts["duplicates"] != chosen.again:
            measure.fail(f"not everything was recognised: {counts}")
        rows.append(row("known already", again, chosen.again))
    measure.table(["directory", "objects", "objects/s", "CPU s", "CPU ms/object", "wall s", "peak MiB"], rows)
    reached = chosen.objects / cost.wall_seconds >= GOAL_OBJECTS_PER_SECOND
    print(f"goal: {GOAL_OBJECTS_PER_SECOND:,} objects/s, {'reached' if reached else 'not reached'}")


def plain_client(stand, objects):
    """Sends for each object what the protocol must at least: a claim and a reading; returns the seconds."""
    from botocore.exceptions import ClientError

    todo, failed = SimpleQueue(), []
    for key in objects:
        todo.put(key)

    def work():
        s3 = stand.storage.client("s3")
        while True:
            try:
                key = todo.get_nowait()
            except Empty:
                return
            try:
                s3.put_object(Bucket=stand.bucket, Key=f"plain/{key}", Body=b"x" * 200, IfNoneMatch="*")
                s3.get_object(Bucket=stand.bucket, Key=key)["Body"].read()
            except ClientError as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        measure.fail(f"the plain client failed: {failed[0]}")
    return time.monotonic() - began


def queued(chosen, binary, folder):
    """Part 3."""
    from stand import Stand

    events = Events(SEED + 1)
    objects = dict(events.object(chosen.events, START)[:2] for _ in range(chosen.queued))
    with Stand(folder) as stand:
        stand.upload(objects)
        plain = plain_client(stand, objects)
        stand.announce(objects)
        worker = stand.worker(binary)
        began = time.monotonic()
        worker.until_read(chosen.queued)
        read = time.monotonic() - began
        stand.until_drained()
        wall, cpu = time.monotonic() - began, worker.cpu_seconds()
        found = worker.metrics().total("trailflow_records_total", table="cloudtrail")
        if found != events.distinct:
            measure.fail(f"{found:.0f} rows of {events.distinct} events")
        batches, peak, counts = stand.batches(), worker.peak_mib(), stand.requests()

    def rate(seconds):
        return f"{chosen.queued / seconds:,.0f}"

    print(
        f"{chosen.queued:,} objects of {chosen.events} events, SeaweedFS for S3, ministack for SQS. The last "
        "batch is committed at its age. The plain client sends a claim and a reading for each object and no more."
    )
    measure.table(
        ["queue", "objects read/s", "all read, s", "all committed, s", "batches", "CPU s", "peak MiB"],
        [
            ["trailflow run", rate(read), f"{read:.1f}", f"{wall:.1f}", f"{batches:.0f}", f"{cpu:.1f}", f"{peak:.0f}"],
            ["plain client", rate(plain), f"{plain:.1f}", "", "", "", ""],
        ],
    )
    measure.table(
        ["request", "sent", "an object"],
        [
            [f"{part} {operation}{of}", count, f"{count / chosen.queued:.3f}"]
            for (part, operation, of), count in sorted(counts.items())
        ],
    )


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_binary(parser)
    measure.add_work(parser)
    parser.add_argument("--objects", type=int, default=100_000, help="in the directory; 0 leaves parts 1 and 2 out")
    parser.add_argument("--again", type=int, default=2_000, help="of these, offered once more; 0 leaves part 2 out")
    parser.add_argument("--queued", type=int, default=5_000, help="announced in the queue; 0 leaves part 3 out")
    parser.add_argument("--events", type=int, default=5, help="in each object")
    chosen = parser.parse_args()
    binary = measure.binary_of(chosen)
    measure.instruments()
    print(measure.machine())
    with measure.scratch(chosen.work) as folder:
        if chosen.objects:
            measure.guarded(directory, chosen, binary, folder)
        if chosen.queued:
            measure.guarded(queued, chosen, binary, folder)


if __name__ == "__main__":
    main()
