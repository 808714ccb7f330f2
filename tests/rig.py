"""A queue with its bucket, a lake, and a proxy before each: what a service is tried on.

In: the stand-ins for AWS; without one for the lake it is a directory. Out: settings for a service;
objects uploaded; the lake held against the ledger. The proxies break nothing until they are given rules.
"""

import json
import pathlib
import time
import uuid
from contextlib import ExitStack

from faults import Rules
from ledger import Ledger
from proxy import Proxy
from seaweedfs import BUCKET
from service import aws_environment, lake_environment, queue_settings
from wiring import wire

AGE_SECONDS = 1
LEASE_SECONDS = 3
"""The shortest lease that a batch of one second allows."""
RECEIVES_MAX = 5
"""What infra/ sets: a message that is received more often goes to the dead-letter queue."""
DRAIN_SECONDS = 90
LOOK_SECONDS = 0.4

CONFIG = f"[batch]\nage_seconds_max = {AGE_SECONDS}\n[pipeline]\nlease_seconds = {LEASE_SECONDS}\n"


class Rig:
    """One queue, one lake, one ledger."""

    def __init__(self, source, lake_server, folder, seed, receives_max=RECEIVES_MAX, made_of=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source = source
        self.lake_server = lake_server
        self.ledger = Ledger(seed, made_of)
        self.wiring = wire(source, "direct", visibility_seconds=LEASE_SECONDS, receives_max=receives_max)
        self.prefix = f"rig-{uuid.uuid4()}"
        self.url = f"s3://{BUCKET}/{self.prefix}" if lake_server else str(self.folder / "lake")
        self.settings = queue_settings(self.wiring, self.url)
        self._open = ExitStack()
        self.source_proxy = self.proxy(source, f"source {seed}")
        self.lake_proxy = self.proxy(lake_server, f"lake {seed}") if lake_server else None

    def proxy(self, server, seed):
        """One more proxy, closed with the rig."""
        return self._open.enter_context(Proxy(server, Rules(seed)))

    def aws(self):
        """What leads a service through the proxies."""
        if self.lake_proxy is None:
            return aws_environment(self.source_proxy)
        return lake_environment(self.lake_proxy, self.source_proxy)

    def upload(self, count):
        """Upload the next objects; returns their keys."""
        objects = self.ledger.objects(count)
        self.wiring.put(objects)
        return list(objects)

    def announce(self, key):
        """Announce an object once more, as CloudTrail itself does: without size and ETag."""
        body = json.dumps({"s3Bucket": self.wiring.bucket, "s3ObjectKey": [key]})
        self.wiring.sqs.send_message(QueueUrl=self.wiring.queue_url, MessageBody=body)

    def until_drained(self, alive=lambda: None, seconds=DRAIN_SECONDS):
        """Wait until no message waits and none is held; the dead-letter queue must have stayed empty.

        It asks seldom: many rigs may wait at the same emulator.
        """
        deadline = time.monotonic() + seconds
        while (depth := self.wiring.depth()) != (0, 0):
            alive()
            if time.monotonic() >= deadline:
                raise AssertionError(f"after {seconds} s still not: the queue is empty; (waiting, held): {depth}")
            time.sleep(LOOK_SECONDS)
        dead = self.wiring.dead_letters()
        assert dead == 0, f"{dead} messages lie in the dead-letter queue"

    def mirror(self):
        """What readers of the lake see, in a folder; files that are there already do not change."""
        if not self.lake_server:
            return pathlib.Path(self.url)
        folder, s3 = self.folder / "mirror", self.lake_server.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        found = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        for key in found:
            name = key.removeprefix(f"{self.prefix}/")
            path = folder / name
            if name.startswith("_trailflow/") or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        return folder

    def verdict(self):
        """The lake against the ledger."""
        return self.ledger.verdict(self.mirror())

    def close(self):
        """Stop the proxies."""
        self._open.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
