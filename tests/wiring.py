"""A bucket, a queue with its dead-letter queue, and one of the four routes between them."""

import itertools
import json
import uuid
from dataclasses import dataclass

from emulator import REGION
from polling import until

ROUTES = ("direct", "sns", "sns_raw", "eventbridge")
"""How an object's announcement reaches the queue."""

NUMBERS = itertools.count(1)


@dataclass
class Wiring:
    """The AWS side of one test."""

    emulator: object
    bucket: str
    queue_url: str
    dead_letter_url: str

    def __post_init__(self):
        self.s3 = self.emulator.client("s3")
        self.sqs = self.emulator.client("sqs")

    def put(self, objects):
        """Upload `{key: bytes}`."""
        for key, body in objects.items():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def depth(self, queue_url=None):
        """Messages that wait, and messages that somebody holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=queue_url or self.queue_url, AttributeNames=names
        )["Attributes"]
        return tuple(int(attributes[name]) for name in names)

    def dead_letters(self):
        """How many messages lie in the dead-letter queue, held or not."""
        return sum(self.depth(self.dead_letter_url))

    def receive_bodies(self, queue_url=None):
        """Take and delete every message that waits now."""
        queue_url = queue_url or self.queue_url
        bodies = []
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            ).get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def wire(emulator, route, visibility_seconds=30, receives_max=3):
    """Make bucket, queue, dead-letter queue and the route; the objects come afterwards."""
    name = f"trailflow-{route.replace('_', '-')}-{next(NUMBERS)}-{uuid.uuid4().hex[:6]}"
    queue_url, queue_arn, dead_letter_url = make_queue(emulator, name, visibility_seconds, receives_max)
    bucket = f"{name}-logs"
    make_bucket(emulator, bucket)
    connect(emulator, bucket, route, queue_url, queue_arn)
    return Wiring(emulator, bucket, queue_url, dead_letter_url)


def make_queue(emulator, name, visibility_seconds, receives_max):
    """A queue whose messages move to `<name>-dead` after `receives_max` receives."""
    sqs = emulator.client("sqs")
    dead_letter_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": queue_arn_of(sqs, dead_letter_url), "maxReceiveCount": receives_max}
    queue_url = sqs.create_queue(
        QueueName=name,
        Attributes={
            "VisibilityTimeout": str(visibility_seconds),
            "RedrivePolicy": json.dumps(redrive),
            "Policy": json.dumps(allow_services_to_send(name)),
        },
    )["QueueUrl"]
    return queue_url, queue_arn_of(sqs, queue_url), dead_letter_url


def allow_services_to_send(name):
    """The queue policy that S3, SNS and EventBridge need on AWS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"]},
                "Action": "sqs:SendMessage",
                "Resource": f"arn:aws:sqs:{REGION}:*:{name}",
            }
        ],
    }


def queue_arn_of(sqs, queue_url):
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    return attributes["QueueArn"]


def make_bucket(emulator, bucket):
    emulator.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )


def connect(emulator, bucket, route, queue_url, queue_arn):
    """Send the announcements of the bucket's new objects to the queue by one of the routes."""
    s3 = emulator.client("s3")
    created = ["s3:ObjectCreated:*"]
    if route == "direct":
        configuration = {"QueueConfigurations": [{"Id": "logs", "QueueArn": queue_arn, "Events": created}]}
    elif route in ("sns", "sns_raw"):
        sns = emulator.client("sns")
        topic = sns.create_topic(Name=f"{bucket}-topic")["TopicArn"]
        raw = {"RawMessageDelivery": "true"} if route == "sns_raw" else {}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
        configuration = {"TopicConfigurations": [{"Id": "logs", "TopicArn": topic, "Events": created}]}
    elif route == "eventbridge":
        events = emulator.client("events")
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}},
        }
        rule = f"{bucket}-rule"
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern), State="ENABLED")
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue_arn}])
        configuration = {"EventBridgeConfiguration": {}}
    else:
        raise ValueError(f"no such route: {route}")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    if "EventBridgeConfiguration" not in configuration:
        wait_for_test_event(emulator, queue_url)


def wait_for_test_event(emulator, queue_url):
    """S3 announces a new configuration with `s3:TestEvent`; it must lie in the queue beforehand."""
    sqs = emulator.client("sqs")

    def waiting():
        name = "ApproximateNumberOfMessages"
        found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])["Attributes"]
        return int(found[name]) >= 1

    until("s3:TestEvent lies in the queue", waiting, 20)
