#!/usr/bin/env python3
"""How many requests trailflow sends to S3 and SQS, for which of its steps, and what AWS charges for them.

    requests.py [--binary BINARY] [--only LOAD]... [--workers N]... [--linger S] [--work FOLDER]

`trailflow run` ingests each load from a queue, with an S3 server for source and lake; a proxy before each
server counts what the workers send until the queue is empty. The loads:

- tiny     5 events an object, all announced at once: what an object costs by itself.
- large    2,000 events an object, all at once: batches close full.
- trickle  200 events an object, 2 objects a second and a batch every 5 s: batches close by age, so this is
           the service on an ordinary day. The cost of a batch does not depend on its age; with the default
           of 30 s there are a sixth as many.
- demo     what `trailflow demo` makes: every signal finds something, so a batch has all its files.

The tables: requests for each source object, for each batch, and those of the signals over rollups, which
come with time and grow with the files of a day; then dollars at list prices, without the last kind. Workers
share one queue and one lake. Idle workers are not counted: a receive that waits 20 s is 130,000 a month, 5
cents.

Exit code: 0, or 2 when something could not be measured. Needs Python with tests/requirements.txt; the
servers are started here, on loopback.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import measure
from events import START, Events
from measure import TERA

# List prices of us-east-1 in dollars a request: aws.amazon.com/s3/pricing (S3 Standard, "PUT, COPY, POST, LIST"
# and "GET, SELECT, and all other"; DELETE is free) and aws.amazon.com/sqs/pricing (standard queue, the first
# tier behind the free million; a request of up to 64 KB is one).
S3_WRITE = 0.005 / 1000
S3_READ = 0.0004 / 1000
S3_DELETE = 0.0
SQS_REQUEST = 0.40 / 1_000_000
S3_PRICES = {
    "PutObject": S3_WRITE, "CreateObject": S3_WRITE, "CopyObject": S3_WRITE, "ListObjects": S3_WRITE,
    "MultipartUpload": S3_WRITE, "GetObject": S3_READ, "HeadObject": S3_READ,
    "DeleteObject": S3_DELETE, "DeleteObjects": S3_DELETE,
}
SEED = 6
SECONDS_A_MONTH = 30 * 24 * 3600
AGE_DEFAULT_SECONDS = 30
COME_WITH_OBJECTS = ("claims", "source", "queue", "batches")


@dataclass(frozen=True)
class Load:
    """What is announced, and how fast."""

    objects: int
    events: int
    per_second: float | None = None
    """All at once without it."""
    config: str = ""


LOADS = {
    "tiny": Load(3000, 5),
    "large": Load(150, 2000),
    "trickle": Load(120, 200, 2.0, "[batch]\nage_seconds_max = 5\n"),
    "demo": Load(0, 0),
}


@dataclass
class Result:
    """What one load cost with so many workers."""

    name: str
    workers: int
    objects: int
    compressed: int
    inflated: float
    batches: float
    counts: Counter = field(default_factory=Counter)

    def title(self):
        """For a column."""
        return f"{self.name}, {self.workers} worker{'s' if self.workers > 1 else ''}"

    def dollars(self, *places):
        """Of the requests of these kinds; of all that come with objects, without any."""
        return sum(
            price(part, operation) * count
            for (part, operation, of), count in self.counts.items()
            if place(part, of) in (places or COME_WITH_OBJECTS)
        )


def price(part, operation):
    """Of one request; one that has no price yet must not go unnoticed."""
    if part == "queue":
        return SQS_REQUEST
    if operation not in S3_PRICES:
        measure.fail(f"no price is known for {operation} of the {part}")
    return S3_PRICES[operation]


def place(part, of):
    """What a request belongs to."""
    if part != "lake":
        return part
    return {" of claims": "claims", " of rollups": "rollups"}.get(of, "batches")


def made(binary, name, load, folder):
    """The objects of a load: `{key: bytes}`."""
    if name != "demo":
        events = Events(f"{SEED} {name}")
        return dict(events.object(load.events, START)[:2] for _ in range(load.objects))
    made_in = folder / "demo"
    measure.run([binary, "demo", "--once", "--dir", made_in, "--listen", "127.0.0.1:0"])
    bucket = made_in / "bucket"
    files = sorted(path for path in bucket.rglob("*") if path.is_file())
    return {str(path.relative_to(bucket)): path.read_bytes() for path in files}


def announce(stand, objects, per_second):
    """Announce everything, at the pace that is asked for."""
    if per_second is None:
        stand.announce(objects)
        return
    began = time.monotonic()
    for number, (key, body) in enumerate(objects.items()):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        stand.announce({key: body})


def measured(binary, name, workers, linger, folder):
    """One load with so many workers, on servers of its own."""
    from stand import Stand

    load, began = LOADS[name], time.monotonic()
    objects = made(binary, name, load, folder)
    with Stand(folder) as stand:
        stand.upload(objects)
        if load.per_second is None:
            # There before the workers are, so that each finds enough to do.
            announce(stand, objects, None)
        running = [stand.worker(binary, load.config) for _ in range(workers)]
        if load.per_second is not None:
            announce(stand, objects, load.per_second)
        stand.until_drained()
        inflated = sum(
            worker.metrics().total("trailflow_object_bytes_total", form="inflated") for worker in running
        )
        compressed = sum(map(len, objects.values()))
        batches, counts = stand.batches(), stand.requests()
        time.sleep(linger)
        later = stand.requests()
        counts += Counter({kind: later[kind] - counts[kind] for kind in later if place(kind[0], kind[2]) == "rollups"})
        print(f"{name}, workers: {workers}, {time.monotonic() - began:.0f} s", file=sys.stderr)
        return Result(name, workers, len(objects), compressed, inflated, batches, counts)


def report(results):
    """Three tables."""
    titles = [result.title() for result in results]
    shapes = [
        ["objects"] + [str(result.objects) for result in results],
        ["bytes an object, compressed"] + [f"{result.compressed / result.objects:,.0f}" for result in results],
        ["bytes an object, inflated"] + [f"{result.inflated / result.objects:,.0f}" for result in results],
        ["batches"] + [f"{result.batches:.0f}" for result in results],
    ]
    measure.table(["load", *titles], shapes)
    per_object, per_batch, per_run = [], [], []
    for kind in sorted({kind for result in results for kind in result.counts}):
        part, operation, of = kind
        name, belongs_to = f"{part} {operation}{of}", place(part, of)
        counts = [(result, result.counts[kind]) for result in results]
        if belongs_to == "rollups":
            per_run.append([name] + [str(count) for _, count in counts])
        elif belongs_to == "batches":
            per_batch.append([name] + [f"{count / result.batches:.1f}" for result, count in counts])
        else:
            per_object.append([name] + [f"{count / result.objects:.3f}" for result, count in counts])
    measure.table(["requests an object", *titles], per_object)
    measure.table(["requests a batch", *titles], per_batch)
    measure.table(["requests of signals over rollups, in all", *titles], per_run)
    measure.table(["dollars at list prices", *titles], dollars(results))


def dollars(results):
    """The rows of the last table."""

    def a_million(*places):
        return lambda result: 1e6 / result.objects * result.dollars(*places)

    def batch(result):
        return result.dollars("batches") / result.batches

    parts = {
        "a million objects": a_million(),
        "… of these for claims": a_million("claims"),
        "… for reading the objects": a_million("source"),
        "… for the queue": a_million("queue"),
        "… for batches": a_million("batches"),
        "a TB compressed": lambda result: TERA / result.compressed * result.dollars(),
        "a TB inflated": lambda result: TERA / result.inflated * result.dollars(),
        "a thousand batches": lambda result: 1000 * batch(result),
        "a month of a batch every 30 s": lambda result: batch(result) * SECONDS_A_MONTH / AGE_DEFAULT_SECONDS,
    }
    return [[name, *(f"{of(result):,.2f}" for result in results)] for name, of in parts.items()]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_binary(parser)
    measure.add_work(parser)
    parser.add_argument("--only", choices=LOADS, action="append", help="this load; may be given several times")
    rollups = "seconds that the workers go on, for the signals over rollups: 330 for a run"
    parser.add_argument("--linger", type=int, default=0, help=rollups)
    parser.add_argument("--workers", type=int, action="append", help="how many; 1 and 3 by default")
    chosen = parser.parse_args()
    binary = measure.binary_of(chosen)
    measure.instruments()
    print(measure.machine())
    results = []
    for name in chosen.only or LOADS:
        for workers in chosen.workers or (1, 3):
            with measure.scratch(chosen.work) as folder:
                results.append(measure.guarded(measured, binary, name, workers, chosen.linger, folder))
    report(results)


if __name__ == "__main__":
    main()
