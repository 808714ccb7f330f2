"""A long run at full speed under every fault: `python soak.py --minutes 30 --binary target/release/trailflow`.

Objects are uploaded as fast as the service takes them, through proxies that break a small share of
all requests. A line every 30 s says what the service holds and has done. At the end the queue is
drained and the lake held against what was uploaded. Exit code 1: a row is lost or doubled, the
service did not end in order, or its memory grew by more than a tenth from the first third of the
samples to the last. Samples count once the window of events is full: until then it grows to its
limit, as it should. A run too short for that counts from its warm-up on, and says so.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

sys.dont_write_bytecode = True

from emulator import Emulator  # noqa: E402
from faults import Rule  # noqa: E402
from ledger import templates  # noqa: E402
from named_faults import (  # noqa: E402
    BROKEN,
    CONFLICT,
    ENDLESS,
    LAKE_OPERATIONS,
    S3_REFUSALS,
    SOURCE_OPERATIONS,
    SQS_OPERATIONS,
    SQS_REFUSALS,
)
from rig import Rig  # noqa: E402
from seaweedfs import SeaweedFS  # noqa: E402
from service import Binary  # noqa: E402

SAMPLE_SECONDS = 2
LINE_SECONDS = 30
UPLOADERS = 4
DEPTH_MIN, DEPTH_MAX = 200, 600
"""Uploads pause above the one and go on below the other: there is always work, and never a pile."""
RARE = 0.02
"""What costs a timeout is this much rarer than the rest."""
WARM_UP_SHARE, WARM_UP_SECONDS_MAX = 0.2, 300
MINUTES_FULL_MIN = 5
GROWTH_MAX = 0.10
WINDOW_EVENTS = 2 * 917_504
"""Events after which the window is full: `WINDOW_EVENTS_MAX` of the service."""
DRAIN_SECONDS = 600
STOP_SECONDS = 30
CONFIG = "[batch]\nage_seconds_max = 5\n[pipeline]\nlease_seconds = 15\n"


@dataclass
class Sample:
    """What the process holds at a moment."""

    second: float
    resident_bytes: int
    files: int
    threads: int
    events: float


def sample(pid, began, events):
    """Read it from /proc."""
    process = pathlib.Path(f"/proc/{pid}")
    resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS:"))
    return Sample(
        time.monotonic() - began,
        int(resident.split()[1]) * 1024,
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        events,
    )


def break_things(rig, rate, without):
    """Every fault, at this rate, at every operation of both sides."""
    sides = [(rig.source_proxy, SQS_OPERATIONS, SQS_REFUSALS), (rig.source_proxy, SOURCE_OPERATIONS, S3_REFUSALS)]
    if rig.lake_proxy is not None:
        sides.append((rig.lake_proxy, LAKE_OPERATIONS, S3_REFUSALS))
        sides.append((rig.lake_proxy, frozenset({"CreateObject"}), CONFLICT))
    for proxy, operations, refusals in sides:
        broken = {} if refusals is CONFLICT else BROKEN | ENDLESS
        for name, fault in (refusals | broken).items():
            if name not in without:
                share = rate * RARE if name in ENDLESS else rate
                proxy.rules.add(Rule(name, fault, operations, rate=share))


class Uploads:
    """Uploads that keep the queue filled, from threads of their own."""

    def __init__(self, rig):
        self._rig = rig
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._pool = ThreadPoolExecutor(UPLOADERS)
        self._threads = [self._pool.submit(self._upload) for _ in range(UPLOADERS)]

    def _upload(self):
        while not self._stop.is_set():
            if not self._go.wait(1):
                continue
            with self._lock:
                key, body = self._rig.ledger.make()
            self._rig.wiring.put({key: body})

    def adapt(self, waiting):
        """Pause above the most that may wait, go on below the least."""
        if waiting > DEPTH_MAX:
            self._go.clear()
        elif waiting < DEPTH_MIN:
            self._go.set()

    def finish(self):
        """No more; raises what went wrong in a thread."""
        self._stop.set()
        self._pool.shutdown()
        for thread in self._threads:
            thread.result()


def settled(samples, seconds):
    """The samples that count, and since when."""
    full = [sample for sample in samples if sample.events >= WINDOW_EVENTS]
    if len(full) >= MINUTES_FULL_MIN * 60 / SAMPLE_SECONDS:
        return full, f"since the window of events was full, at {full[0].second:.0f} s"
    warm_up = min(seconds * WARM_UP_SHARE, WARM_UP_SECONDS_MAX)
    warm = [sample for sample in samples if sample.second >= warm_up]
    return warm, f"since {warm_up:.0f} s; the window of events was not full for {MINUTES_FULL_MIN} minutes"


def thirds(samples):
    """The means of the first and the last third, by what was measured."""
    size = max(1, len(samples) // 3)

    def mean(part, name):
        return sum(getattr(sample, name) for sample in part) / len(part)

    names = ("resident_bytes", "files", "threads")
    return {name: (mean(samples[:size], name), mean(samples[-size:], name)) for name in names}


def observe(rig, service, uploads, seconds):
    """Upload, look, and print, for this long; returns the samples."""
    began, samples, line_at, events = time.monotonic(), [], 0.0, 0
    while (now := time.monotonic() - began) < seconds:
        service.alive()
        waiting, held = rig.wiring.depth()
        uploads.adapt(waiting)
        samples.append(sample(service.pid(), began, events))
        if now >= line_at:
            line_at += LINE_SECONDS
            events = service.metrics().total("trailflow_records_total")
            print(line(rig, service, samples[-1], waiting, held), flush=True)
        time.sleep(SAMPLE_SECONDS)
    return samples


def line(rig, service, last, waiting, held):
    """One line of the report."""
    metrics = service.metrics()
    proxies = [proxy for proxy in (rig.source_proxy, rig.lake_proxy) if proxy is not None]
    return (
        f"{last.second:6.0f} s  RSS {last.resident_bytes / 2**20:6.1f} MiB  {last.files:4d} files  "
        f"{last.threads:3d} threads  queue {waiting} waiting, {held} held, {rig.wiring.dead_letters()} dead  "
        f"{metrics.total('trailflow_objects_total', outcome='ingested'):.0f} objects and "
        f"{metrics.total('trailflow_records_total'):.0f} events committed, of {rig.ledger.count} uploaded  "
        f"{sum(sum(proxy.rules.done.values()) for proxy in proxies)} faults"
    )


def judge(rig, samples, seconds, code):
    """Print what the run showed; whether it is good."""
    verdict = rig.verdict()
    print(f"{rig.ledger.count} objects: {verdict}")
    grown = []
    counting, since = settled(samples, seconds)
    print(f"samples {since}:")
    for name, (first, last) in thirds(counting).items():
        growth = last / first - 1
        unit = (2**20, " MiB") if name == "resident_bytes" else (1, "")
        print(
            f"{name}: {first / unit[0]:.1f}{unit[1]} in the first third, "
            f"{last / unit[0]:.1f}{unit[1]} in the last, {growth:+.1%}"
        )
        if name == "resident_bytes" and growth > GROWTH_MAX:
            grown.append(name)
    for proxy in filter(None, (rig.source_proxy, rig.lake_proxy)):
        for (name, operation), count in sorted(proxy.rules.done.items()):
            print(f"  {count:6d} {name} at {operation}")
    print(f"exit code after SIGTERM: {code}")
    return verdict.is_exact() and not grown and code == 0


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--lake", choices=["seaweedfs", "directory"], default="seaweedfs")
    parser.add_argument("--rate", type=float, default=0.001, help="share of the requests that meet each fault")
    parser.add_argument("--without", action="append", default=[], metavar="FAULT", help="leave a fault out")
    parser.add_argument("--scale", type=int, default=10, help="rows of an object, in tens")
    parser.add_argument("--receives-max", type=int, default=10, help="receives before the dead-letter queue")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}, {chosen.minutes:g} minutes, {chosen.lake}, each fault at {chosen.rate:g}", flush=True)
    with ExitStack() as open_things:
        folder = pathlib.Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="trailflow-soak-")))
        source = Emulator("ministack", folder)
        open_things.callback(source.stop)
        lake_server = None
        if chosen.lake == "seaweedfs":
            lake_server = SeaweedFS(folder)
            open_things.callback(lake_server.stop)
        rig = open_things.enter_context(
            Rig(source, lake_server, folder / "rig", chosen.seed, chosen.receives_max, templates(chosen.scale))
        )
        binary = Binary(chosen.binary.resolve())
        service = open_things.enter_context(binary.start(rig.folder, rig.settings, rig.aws(), CONFIG))
        good = soak(rig, service, chosen)
    sys.exit(0 if good else 1)


def soak(rig, service, chosen):
    """Work, drain, end, judge."""
    break_things(rig, chosen.rate, chosen.without)
    uploads = Uploads(rig)
    try:
        samples = observe(rig, service, uploads, chosen.minutes * 60)
    finally:
        uploads.finish()
    for proxy in filter(None, (rig.source_proxy, rig.lake_proxy)):
        proxy.rules.clear()
    rig.until_drained(service.alive, DRAIN_SECONDS)
    print(line(rig, service, samples[-1], 0, 0), flush=True)
    code = service.terminate(STOP_SECONDS)
    return judge(rig, samples, chosen.minutes * 60, code)


if __name__ == "__main__":
    main()
