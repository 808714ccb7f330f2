#!/usr/bin/env python3
"""How long after its announcement an event is a series on /metrics, while the service has work to do.

    live.py [--binary BINARY] [--interval S]... [--per-second N] [--events N] [--seconds S] [--lake-delay-ms N]

`trailflow run` with a commit interval of S seconds (`batch.age_seconds_max`), against a queue emulator and an
S3 server. Objects are uploaded beforehand and announced at a steady pace; each assumes a role of its own, so
that its events are told apart on /metrics, which is read 20 times a second. The clock of an object starts
before its message is sent and stops when a scrape has its role: so the table includes the queue, the waiting
in the batch, the commit, and up to 50 ms of looking.

An object that comes right after a batch has closed waits for that batch's commit, then for its own batch's
interval, then for its commit: hence the goal, interval + 2 s, at the 99th percentile. On loopback an S3
request takes a few milliseconds; --lake-delay-ms adds to each that the lake gets, to be like a region's S3.
What a scrape costs, with the roles of all objects on it, is in the last columns.

Exit code: 0, or 2 when something could not be measured. Needs Python with tests/requirements.txt; the servers
are started here, on loopback.
"""

import argparse
import re
import threading
import time
from datetime import timedelta

import measure
from events import START, Events

SEED = 5
MARGIN_SECONDS = 2
LOOK_SECONDS = 0.05
SCRAPES = 50
WARM_SHARE = 0.1
"""The first objects meet an empty service: they are sent and not counted."""
MARKED = re.compile(r'bench-probe-(\d+)"')
ROLES_MAX = 4000
"""Below the 5,000 series that the signal may have, with room for the roles of other events."""


class Marked(Events):
    """Objects whose first event assumes a role that no other object names."""

    def __init__(self, seed):
        super().__init__(seed, copied=0)
        self._fresh = False

    def object(self, count, at):
        """The next object, marked with its number."""
        self._fresh = True
        return super().object(count, at)

    def _record(self, account, region, at):
        record = super()._record(account, region, at)
        if self._fresh:
            self._fresh = False
            arn = f"arn:aws:iam::{account}:role/bench-probe-{self.objects}"
            record |= {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "responseElements": None}
            record["requestParameters"] = {"roleArn": arn, "roleSessionName": "probe"}
            record["resources"] = [{"accountId": account, "type": "AWS::IAM::Role", "ARN": arn}]
            # Allowed, whatever was drawn.
            record.pop("errorCode", None)
            record.pop("errorMessage", None)
        return record


class Watcher(threading.Thread):
    """Reads /metrics again and again, and notes when each marked role was there first."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.seen = {}
        self._service = service
        self._over = threading.Event()
        self.failure = None

    def run(self):
        """Until told to stop."""
        while not self._over.wait(LOOK_SECONDS):
            status, text = self._service.get("/metrics")
            now = time.monotonic()
            if status != 200:
                self.failure = f"/metrics answered {status}"
                return
            for number in set(map(int, MARKED.findall(text))) - self.seen.keys():
                self.seen[number] = now

    def stop(self):
        """End it."""
        self._over.set()
        self.join()


def send(stand, objects, per_second):
    """Announce at the pace that is asked for: `{number: when its message began to be sent}`."""
    sent = {}
    began = time.monotonic()
    for number, (key, body) in enumerate(objects.items()):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        sent[number] = time.monotonic()
        stand.announce({key: body})
    return sent


def measured(chosen, binary, interval, folder):
    """One interval: a row of the table."""
    from polling import until
    from stand import Stand

    events = Marked(f"{SEED} {interval}")
    count = round(chosen.per_second * chosen.seconds)
    at = START + timedelta(hours=1)
    objects = dict(events.object(chosen.events, at)[:2] for _ in range(count))
    config = f"[batch]\nage_seconds_max = {interval}\n[pipeline]\nlease_seconds = {max(120, 3 * interval)}\n"
    with Stand(folder, chosen.lake_delay_ms / 1000) as stand:
        stand.upload(objects)
        worker = stand.worker(binary, config)
        watcher = Watcher(worker.service)
        watcher.start()
        sent = send(stand, objects, chosen.per_second)
        until(
            f"{count} roles are on /metrics",
            lambda: watcher.failure or len(watcher.seen) >= count,
            10 * interval + 120,
            worker.service.alive,
        )
        watcher.stop()
        assert watcher.failure is None, watcher.failure
        scrape, size = scrape_cost(worker)
        batches, steps = stand.batches(), worker.metrics()
    counted = [watcher.seen[number] - sent[number] for number in sent if number >= WARM_SHARE * count]
    commit = sum(seconds_of(steps, step) for step in ("commit", "publish"))
    p50, p99 = measure.percentile(counted, 0.5), measure.percentile(counted, 0.99)
    goal = interval + MARGIN_SECONDS
    verdict = "reached" if p99 <= goal else "not reached"
    return [
        interval, len(counted), f"{batches:.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{max(counted):.2f}",
        f"{goal}, {verdict}", f"{commit:.2f}", f"{1000 * scrape:.1f}", f"{size / 1000:,.0f}",
    ]


def scrape_cost(worker):
    """CPU seconds and bytes of a scrape when the service has nothing else to do, with the series of the end."""
    began = worker.cpu_seconds()
    for _ in range(SCRAPES):
        _, text = worker.service.get("/metrics")
    return (worker.cpu_seconds() - began) / SCRAPES, len(text)


def seconds_of(metrics, step):
    """The mean time of a step."""
    name = "trailflow_step_duration_seconds"
    times = metrics.total(f"{name}_count", step=step)
    return metrics.total(f"{name}_sum", step=step) / times if times else 0.0


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_binary(parser)
    measure.add_work(parser)
    parser.add_argument("--interval", type=int, action="append", help="seconds; 5 and 30 by default")
    parser.add_argument("--per-second", type=float, default=5.0, help="objects announced in a second")
    parser.add_argument("--events", type=int, default=200, help="in each object")
    parser.add_argument("--seconds", type=int, default=120, help="how long objects are announced")
    parser.add_argument("--lake-delay-ms", type=int, default=0, help="added to each request to the lake")
    chosen = parser.parse_args()
    binary = measure.binary_of(chosen)
    if chosen.per_second * chosen.seconds > ROLES_MAX:
        measure.fail(f"more than {ROLES_MAX} objects would need more series than the signal may have")
    measure.instruments()
    print(measure.machine())
    rows = []
    for interval in chosen.interval or (5, 30):
        with measure.scratch(chosen.work) as folder:
            rows.append(measure.guarded(measured, chosen, binary, interval, folder))
    print(
        f"{chosen.per_second:g} objects a second of {chosen.events} events for {chosen.seconds} s, "
        f"{chosen.lake_delay_ms} ms added to each request to the lake; times in seconds"
    )
    measure.table(
        [
            "interval", "objects", "batches", "p50", "p99", "longest", "goal for p99", "commit and publish",
            "CPU ms a scrape", "kB a scrape",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
