"""A bucket that denies us holds up no other: neither the version of its objects, nor their bytes."""

import json

import pytest

import inputs
from faults import Refuse, Rule, Rules
from polling import until, until_equal
from proxy import Proxy
from service import aws_environment, queue_settings
from test_faults import SECONDS
from test_flows import until_committed
from wiring import make_bucket, wire

DENIED = 30
"""Messages of the bucket that denies us; they lie in the queue before the others come."""
HIDDEN_SECONDS = 15
"""What denies us keeps a service from being ready: it begins without."""
CONFIG = "[batch]\nage_seconds_max = 2\n"


def announced(wiring, bucket, key, etag):
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
    denies = f"{wiring.bucket}-denies"
    make_bucket(ministack, denies)
    for number in range(DENIED):
        key = inputs.cloudtrail_key(f"denied-{number}")
        etag = None if asked == "version" else f"{number:032x}"
        body = announced(wiring, denies, key, etag)
        wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=body)
    # By its count alone each of them asks for a batch of its own now.
    received(wiring, 2)
    objects, expected = inputs.all_signals()
    rules = Rules(1)
    whatever = frozenset({"HeadObject", "GetObject"})
    deny = Refuse(403, "AccessDenied", "Access Denied")
    rules.add(Rule("denied", deny, whatever, where=lambda request: request.path.startswith(f"/{denies}/")))
    settings = queue_settings(wiring, tmp_path / "lake")
    settings["TRAILFLOW_BUCKETS"] = f"{wiring.bucket},{denies}"
    first = inputs.CloudTrailFile(expected, "first")
    first.assumed(inputs.role("deployer"), 1)
    wiring.put({inputs.cloudtrail_key("first"): first.object()})
    with Proxy(ministack, rules) as proxy:
        with trailflow.start(tmp_path, settings, aws_environment(proxy), config=CONFIG) as service:

            def ingested():
                return service.metrics().total("trailflow_objects_total", outcome="ingested")

            until("the first is denied", lambda: rules.total("denied"), SECONDS, service.alive)
            wiring.put(objects)
            until_equal("the objects of the other bucket", 4, ingested, SECONDS, service.alive)
            until("all are denied", lambda: rules.total("denied") >= DENIED, SECONDS, service.alive)
            metrics = service.metrics()
            assert metrics.total("trailflow_bucket_denied", bucket=denies) == 1
            assert metrics.total("trailflow_bucket_denied", bucket=wiring.bucket) == 0
            # One when it is ready; the first that is denied may end a batch, as it has one of its own.
            assert metrics.total("trailflow_commits_total", result="created") <= 4
            assert service.terminate() == 0
