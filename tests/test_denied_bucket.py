"""A bucket that denies us holds up no other: neither the version of its objects, nor their bytes."""

import json

import pytest

import inputs
from faults import Refuse, Rule, Rules
from polling import until, until_equal
from proxy import Proxy
from service import aws_environment, queue_settings
from test_faults import SECONDS
from wiring import make_bucket, wire

DENIED = 30
"""Messages of the bucket that denies us; they lie in the queue before the others come."""
HIDDEN_SECONDS = 15
"""What denies us keeps a service from being ready: it begins without."""
CONFIG = "[batch]\nage_seconds_max = 2\n"


def announced(bucket, key, etag):
    """An announcement: S3's own, or CloudTrail's, which names no version."""
    if etag is None:
        return json.dumps({"s3Bucket": bucket, "s3ObjectKey": [key]})
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": inputs.REGION,
        "eventTime": "2026-01-05T10:30:00Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "eTag": etag}},
    }
    return json.dumps({"Records": [record]})


def received(wiring, times):
    """Every message has been received so often, and comes again once the service is ready."""
    for left in reversed(range(times)):
        seen = set()
        while len(seen) < DENIED:
            answer = wiring.sqs.receive_message(
                QueueUrl=wiring.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS
            )
            seen |= {message["ReceiptHandle"] for message in answer.get("Messages", [])}
        for handle in seen if left else ():
            wiring.sqs.change_message_visibility(QueueUrl=wiring.queue_url, ReceiptHandle=handle, VisibilityTimeout=0)


@pytest.mark.parametrize("asked", ["version", "bytes"])
def test_a_bucket_that_denies_us_holds_up_no_other(trailflow, ministack, tmp_path, asked):
    wiring = wire(ministack, "direct", receives_max=5)
    denies, reads = f"{wiring.bucket}-denies", f"{wiring.bucket}-reads"
    make_bucket(ministack, denies)
    make_bucket(ministack, reads)
    expected = inputs.Expected()
    for number in range(DENIED):
        key = inputs.cloudtrail_key(f"denied-{number}")
        etag = None if asked == "version" else f"{number:032x}"
        body = announced(denies, key, etag)
        wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=body)
        # Between two of them lies one that can be read.
        file = inputs.CloudTrailFile(expected, f"reads-{number}")
        file.assumed(inputs.role("deployer"), 1)
        key = inputs.cloudtrail_key(f"reads-{number}")
        etag = wiring.s3.put_object(Bucket=reads, Key=key, Body=file.object())["ETag"].strip('"')
        body = announced(reads, key, etag)
        wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=body, DelaySeconds=HIDDEN_SECONDS)
    # By its count alone each that is denied asks for a batch of its own now.
    received(wiring, 2)
    first = inputs.CloudTrailFile(expected, "first")
    first.assumed(inputs.role("deployer"), 1)
    wiring.put({inputs.cloudtrail_key("first"): first.object()})
    rules = Rules(1)
    whatever = frozenset({"HeadObject", "GetObject"})
    deny = Refuse(403, "AccessDenied", "Access Denied")
    rules.add(Rule("denied", deny, whatever, where=lambda request: request.path.startswith(f"/{denies}/")))
    settings = queue_settings(wiring, tmp_path / "lake", [wiring.bucket, denies, reads])
    with (
        Proxy(ministack, rules) as proxy,
        trailflow.start(tmp_path, settings, aws_environment(proxy), config=CONFIG) as service,
    ):

        def ingested():
            return service.metrics().total("trailflow_objects_total", outcome="ingested")

        until_equal("the objects of the other buckets", DENIED + 1, ingested, SECONDS, service.alive)
        until("all are denied", lambda: rules.total("denied") >= DENIED, SECONDS, service.alive)
        metrics = service.metrics()
        assert metrics.total("trailflow_bucket_denied", bucket=denies) == 1
        assert metrics.total("trailflow_bucket_denied", bucket=reads) == 0
        # One when it is ready; a few, because the first that is denied has a batch of its own, and by age.
        assert metrics.total("trailflow_commits_total", result="created") <= DENIED / 3
        assert service.terminate() == 0
