"""Runs of the real service over bad messages, failing reads and objects that end the process.

The queue is an emulator's; the objects come from an S3 of our own, which fails as it is told. Every
run has good neighbours, and reads its results only when the queue has settled what it was given.
"""

import gzip
import json
from dataclasses import dataclass, field

import bad_objects
import inputs
from bad_input_runs import SECONDS, Neighbours, came_of, logged_keys, the_one
from faulty_s3 import FaultyS3
from polling import until, until_equal
from service import aws_environment
from wiring import Wiring, make_queue

ALLOWED = ("audit-logs", "flow-logs")
"""The buckets that the bodies in testdata/notifications name."""
OURS = "audit-logs"
VISIBILITY_SECONDS = 30
GONE = "_Gone1."
"""In the key of an announced object that is not there."""


@dataclass
class Queue:
    """A queue with a dead-letter queue, the S3 beside it, and a service over both."""

    wiring: Wiring
    s3: FaultyS3
    folder: object
    aws: dict
    config: str = "[batch]\nage_seconds_max = 1\n"
    logs: list = field(default_factory=list)

    @classmethod
    def of(cls, emulator, folder, name, receives_max, objects):
        url, _, dead = make_queue(emulator, f"bad-input-{name}", VISIBILITY_SECONDS, receives_max)
        s3 = FaultyS3(objects)
        aws = aws_environment(emulator) | {"AWS_ENDPOINT_URL_S3": s3.endpoint}
        return cls(Wiring(emulator, OURS, url, dead), s3, folder, aws)

    @property
    def lake(self):
        return self.folder / "lake"

    def send(self, body):
        """Send a message; returns its id."""
        return self.wiring.sqs.send_message(QueueUrl=self.wiring.queue_url, MessageBody=body)["MessageId"]

    def start(self, trailflow):
        """Start the service, in a folder of its own, so that every process keeps its log."""
        place = self.folder / f"process-{len(self.logs)}"
        place.mkdir()
        settings = {
            "TRAILFLOW_QUEUE_URL": self.wiring.queue_url,
            "TRAILFLOW_BUCKETS": ",".join(ALLOWED),
            "TRAILFLOW_LAKE": str(self.lake),
        }
        service = trailflow.start(place, settings, self.aws, config=self.config)
        self.logs.append(service)
        return service

    def logged(self):
        """Every log line of every process, as dictionaries."""
        lines = [line for service in self.logs for line in service.logged().splitlines(keepends=True)]
        # The last line may be half written.
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]

    def empty(self):
        """Nothing waits and nothing is held."""
        return self.wiring.depth() == (0, 0)


def created(key, etag, bucket=OURS):
    """The message that announces one object, as S3 writes it."""
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-05T10:31:02.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key.replace("+", "%2B").replace(" ", "+"), "eTag": etag}},
    }
    return json.dumps({"Records": [record]})


def small_object(seed, records=1):
    """A good CloudTrail object with events of its own."""
    file = inputs.CloudTrailFile(inputs.Expected(), seed)
    file.kms_decrypted("node", records)
    return file.object()


def announce(queue, objects):
    """Put good objects into the S3 and announce each by a message."""
    for key, body in objects.items():
        queue.s3.store(OURS, key, body)
        queue.send(created(key, queue.s3.etag(OURS, key)))


# --- messages --------------------------------------------------------------------------------------


@dataclass
class Messages:
    """What became of the rows' messages."""

    dead: list
    """Bodies in the dead-letter queue."""
    log: list
    ids: dict
    """`{message id: row id}`."""
    came: dict
    metrics: object
    neighbours: Neighbours


def announced_by(row):
    """`[(bucket, key)]` of the objects that a body announces, by the expectation beside it."""
    path = (bad_objects.TESTDATA / row.name).with_suffix(".expected.json")
    if not path.is_file():
        return []
    expected = json.loads(path.read_text(encoding="utf-8"))
    return [(one["bucket"], one["key"]) for one in expected.get("objects", [])]


def body_of_message(row):
    return (bad_objects.TESTDATA / row.name).read_text(encoding="utf-8")


def messages(trailflow, emulator, folder, rows):
    """Every row's body in one queue that gives up after the first receive."""
    objects = {}
    for row in rows:
        for bucket, key in announced_by(row):
            body = b"" if key.endswith("/") else small_object(f"{bucket}/{key}")
            objects[bucket, key] = (body, "gone" if GONE in key else None)
    queue = Queue.of(emulator, folder, "messages", 1, objects)
    neighbours = Neighbours("messages")
    again = [row for row in rows if row.form == "again"]
    try:
        ids = {queue.send(body_of_message(row)): row.id for row in rows if row not in again}
        announce(queue, neighbours.objects)
        with queue.start(trailflow) as service:
            until("every message is settled", queue.empty, SECONDS, service.alive)
            ids |= {queue.send(body_of_message(row)): row.id for row in again}
            until("those sent again are settled", queue.empty, SECONDS, service.alive)
            metrics = service.metrics()
            assert service.terminate() == 0
    finally:
        queue.s3.stop()
    dead = queue.wiring.receive_bodies(queue.wiring.dead_letter_url)
    return Messages(dead, queue.logged(), ids, came_of(queue.lake), metrics, neighbours)


# --- reads that fail -------------------------------------------------------------------------------


@dataclass
class Faults:
    """What became of objects that could not be read as announced."""

    by_row: dict
    came: dict
    told: dict
    """`{row id: log lines about a read that failed}`."""
    asked: dict
    """`{row id: how often S3 was asked for the object}`."""
    metrics: object
    left: int
    """Messages that are not deleted, in the queue or its dead-letter queue."""
    neighbours: Neighbours


def fault_key(row):
    return bad_objects.FORMS["cloudtrail"] % row.id


def faults(trailflow, emulator, folder, rows):
    """Every row's object in one queue; ends when each is in the lake, or its read has failed."""
    objects = {}
    for row in rows:
        body = small_object(row.id, records=3)
        objects[OURS, fault_key(row)] = (gzip.decompress(body) if row.form == "plain" else body, row.name)
    # So many receives that none of these is the last.
    queue = Queue.of(emulator, folder, "faults", 5, objects)
    neighbours = Neighbours("faults")
    try:
        # Ready first: what is denied keeps it from being ready.
        with queue.start(trailflow) as service:
            for row in rows:
                key = fault_key(row)
                named = json.dumps({"s3Bucket": OURS, "s3ObjectKey": [key]})
                queue.send(named if row.form == "unversioned" else created(key, queue.s3.etag(OURS, key)))
            announce(queue, neighbours.objects)

            def unsettled():
                lines = queue.logged()
                there = logged_keys(queue.lake)
                waiting = [row.id for row in rows if fault_key(row) not in there and not told(lines, row)]
                return waiting + [key for key in neighbours.objects if key not in there]

            until_equal("everything is in the lake or has failed", [], unsettled, SECONDS, service.alive)
            metrics = service.metrics()
            assert service.terminate() == 0
    finally:
        queue.s3.stop()
    came, lines = came_of(queue.lake), queue.logged()
    return Faults(
        by_row={row.id: the_one(came, (OURS, fault_key(row))) for row in rows},
        came=came,
        told={row.id: told(lines, row) for row in rows},
        asked={row.id: queue.s3.objects[OURS, fault_key(row)].asked for row in rows},
        metrics=metrics,
        left=sum(queue.wiring.depth()) + queue.wiring.dead_letters(),
        neighbours=neighbours,
    )


def told(lines, row):
    """The warnings about a row's object. What has no version may fail before it is named."""
    names = [row.id, "cannot be named"] if row.form == "unversioned" else [row.id]
    texts = [json.dumps(line) for line in lines if line["level"] in ("WARN", "ERROR")]
    return [text for text in texts if any(name in text for name in names)]


# --- what fails every time -------------------------------------------------------------------------


def last_try(trailflow, emulator, folder, rows, signals):
    """Objects that fail at every receive, in a queue that gives up after the second: `(keys, came)`.

    `signals` is a directory with a signal that cannot evaluate one of them. Beside each, in the same message,
    is one that is whole.
    """
    objects, beside = {}, {row.id: fault_key(row).replace(row.id, f"{row.id}-beside") for row in rows}
    for row in rows:
        objects[OURS, beside[row.id]] = (small_object(f"{row.id}-beside"), None)
        if row.source == "fault":
            objects[OURS, fault_key(row)] = (small_object(row.id), row.name)
        else:
            objects[OURS, fault_key(row)] = (bad_objects.body_of(row), None)
    queue = Queue.of(emulator, folder, "last-try", 2, objects)
    queue.config += f'[signals]\ndirectory = "{signals}"\n'
    neighbours = Neighbours("last-try")
    try:
        for row in rows:
            both = [json.loads(created(key, queue.s3.etag(OURS, key))) for key in (beside[row.id], fault_key(row))]
            queue.send(json.dumps({"Records": [record for one in both for record in one["Records"]]}))
        announce(queue, neighbours.objects)
        with queue.start(trailflow) as service:
            until("every message is settled", queue.empty, SECONDS, service.alive)
            assert service.terminate() == 0
    finally:
        queue.s3.stop()
    came = came_of(queue.lake)
    neighbours.assert_whole(came, OURS)
    for key in beside.values():
        one = the_one(came, (OURS, key))
        assert (one.outcome, one.rows) == ("ingested", 1), f"{key}: {one}"
    return {row.id: the_one(came, (OURS, fault_key(row))) for row in rows}


def kills(trailflow, emulator, folder, rows):
    """An object whose reading ends the process, twice, in a queue that gives up after three receives."""
    (row,) = rows
    key = fault_key(row)
    queue = Queue.of(emulator, folder, "kills", 3, {(OURS, key): (small_object(row.id), "silent")})
    # Short, so that a killed process does not hold the message for long; but longer than its last
    # receive, which the emulator goes on answering: a message given to the dead is one receive less.
    queue.config += "[pipeline]\nlease_seconds = 12\n"
    neighbours = Neighbours("kills")
    stored = queue.s3.objects[OURS, key]
    try:
        queue.send(created(key, stored.etag))
        for times in (1, 2):
            with queue.start(trailflow) as service:
                until("the object is being read", lambda: stored.gets == times, SECONDS, service.alive)
                service.kill()
        stored.fault = None
        announce(queue, neighbours.objects)
        with queue.start(trailflow) as service:
            until("every message is settled", queue.empty, SECONDS, service.alive)
            assert service.terminate() == 0
    finally:
        queue.s3.stop()
    came = came_of(queue.lake)
    neighbours.assert_whole(came, OURS)
    return {row.id: the_one(came, (OURS, key))}
