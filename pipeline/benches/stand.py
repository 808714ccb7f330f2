"""A stand for `trailflow run`: a queue (ministack), an S3 (SeaweedFS), and counters before both.

In: objects. Out: workers that ingest them, and how many requests of each operation they sent. Must hold:
only the workers' requests are counted, the stand's own go past the counters; every process listens on
loopback and is ended, by its id, by the stand that started it.

The announcements are written by the stand in the words of S3, so that a bench decides when one is sent; a
real bucket would send them itself. Source and lake are prefixes of one bucket, with a counter for each.
"""

import asyncio
import hashlib
import json
import os
import pathlib
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote_plus

from emulator import Emulator
from faults import Fault, Rule, Rules
from proxy import Proxy
from seaweedfs import BUCKET, SeaweedFS
from service import Binary, aws_environment
from wiring import make_queue

UPLOADS_AT_ONCE = 8
MESSAGES_A_CALL = 10
DRAIN_SECONDS = 1800
LOOK_SECONDS = 0.2
SCRAPE_SECONDS = 1
LEASE_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")
LAKE_OPERATIONS = ("PutObject", "CreateObject", "CopyObject", "GetObject", "HeadObject", "ListObjects", "DeleteObjects")


class Delay(Fault):
    """The request is carried out, a while later: what a network and a busier store add."""

    def __init__(self, seconds):
        self.seconds = seconds

    async def perform(self, exchange):
        """Do it."""
        await asyncio.sleep(self.seconds)
        await exchange.answer((await exchange.forward()).bytes)


class Counting(Rules):
    """Rules that also count every request, by what it is for."""

    def __init__(self, part):
        super().__init__()
        self.part = part
        self.counts = Counter()

    def choose(self, request):
        """The fault that this request meets, if any."""
        path = "/".join([request.path, *request.query.get("prefix", [])])
        purpose = re.search(r"/_trailflow/(\w+)", path)
        reads = request.operation in ("ListObjects", "GetObject", "HeadObject")
        of = f" of {purpose[1]}" if purpose else ""
        if self.part == "lake" and reads and "/rollups/" in path:
            of = " of rollups"
        self.counts[(self.part, request.operation, of)] += 1
        return super().choose(request)


class Stand:
    """Servers, counters, and the workers that were started on them."""

    def __init__(self, folder, delay_seconds=0.0):
        self.folder = pathlib.Path(folder) / "stand"
        self.bucket = BUCKET
        self.lake = f"s3://{BUCKET}/lake"
        self._delay_seconds = delay_seconds
        self._open = ExitStack()
        self.workers = []

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self.queue = self._server(Emulator("ministack", self._below("queue")))
            self.storage = self._server(SeaweedFS(self._below("storage")))
            self.queue_url, _, _ = make_queue(self.queue, "bench", LEASE_SECONDS, receives_max=5)
            self.sqs = self.queue.client("sqs")
            self.proxies = {
                part: self._open.enter_context(Proxy(server, Counting(part)))
                for part, server in (("queue", self.queue), ("source", self.storage), ("lake", self.storage))
            }
            if self._delay_seconds:
                slow = Rule("delay", Delay(self._delay_seconds), frozenset(LAKE_OPERATIONS))
                self.proxies["lake"].rules.add(slow)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_):
        self._open.close()

    def _below(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _server(self, server):
        self._open.callback(server.stop)
        return server

    def upload(self, objects):
        """Put `{key: bytes}` into the source, past the counters."""
        clients = [self.storage.client("s3") for _ in range(UPLOADS_AT_ONCE)]
        items = list(objects.items())

        def some(place):
            for key, body in items[place::UPLOADS_AT_ONCE]:
                clients[place].put_object(Bucket=self.bucket, Key=key, Body=body)

        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            list(pool.map(some, range(UPLOADS_AT_ONCE)))

    def announce(self, objects):
        """Put a message for each of `{key: bytes}` into the queue, ten a call."""
        bodies = [announcement(self.bucket, key, body) for key, body in objects.items()]
        for at in range(0, len(bodies), MESSAGES_A_CALL):
            some = bodies[at : at + MESSAGES_A_CALL]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(some)]
            sent = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            assert not sent.get("Failed"), f"messages were not taken: {sent['Failed']}"

    def worker(self, binary, config=""):
        """Start `trailflow run`; it is ready when this returns."""
        folder = self._below(f"worker-{len(self.workers)}")
        environment = aws_environment(self.proxies["queue"]) | {
            "AWS_ENDPOINT_URL_S3": self.proxies["source"].endpoint,
            "TRAILFLOW_LAKE_ENDPOINT_URL": self.proxies["lake"].endpoint,
        }
        settings = {
            "TRAILFLOW_QUEUE_URL": self.queue_url.replace(self.queue.endpoint, self.proxies["queue"].endpoint),
            "TRAILFLOW_BUCKETS": self.bucket, "TRAILFLOW_LAKE": self.lake, "TRAILFLOW_LOG_LEVEL": "info",
        }
        service = Binary(binary).start(folder, settings, environment, config)
        self._open.callback(service.kill)
        self.workers.append(Worker(service))
        return self.workers[-1]

    def until_drained(self):
        """Wait until no message waits and none is held."""
        deadline = time.monotonic() + DRAIN_SECONDS
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while True:
            found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
            if all(int(found[name]) == 0 for name in names):
                return
            for worker in self.workers:
                worker.service.alive()
            assert time.monotonic() < deadline, f"after {DRAIN_SECONDS} s the queue still holds {found}"
            time.sleep(LOOK_SECONDS)

    def requests(self):
        """How many requests were sent so far: `{(part, operation, purpose): count}`."""
        total = Counter()
        for proxy in self.proxies.values():
            total += proxy.rules.counts
        return total

    def batches(self):
        """How many batches were committed."""
        return sum(worker.metrics().total("trailflow_commits_total", result="created") for worker in self.workers)


class Worker:
    """A running `trailflow run`."""

    def __init__(self, service):
        self.service = service

    def metrics(self):
        """One scrape."""
        return self.service.metrics()

    def cpu_seconds(self):
        """User and system time so far."""
        stat = pathlib.Path(f"/proc/{self.service.pid()}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mib(self):
        """The most resident memory so far."""
        status = pathlib.Path(f"/proc/{self.service.pid()}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def until_read(self, objects):
        """Wait until it has opened so many objects; it asks seldom, for a scrape costs the service too."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.metrics().total("trailflow_step_duration_seconds_count", step="fetch") < objects:
            self.service.alive()
            assert time.monotonic() < deadline, f"after {DRAIN_SECONDS} s {objects} objects are not read"
            time.sleep(SCRAPE_SECONDS)


def announcement(bucket, key, body):
    """A message as S3 writes it; its ETag is the object's, which both S3 and SeaweedFS make of the bytes."""
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    entity = {
        "s3SchemaVersion": "1.0",
        "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
        "object": {"key": quote_plus(key, safe="/"), "size": len(body), "eTag": etag, "sequencer": "00"},
    }
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": now,
        "eventName": "ObjectCreated:Put", "s3": entity,
    }
    return json.dumps({"Records": [record]})
