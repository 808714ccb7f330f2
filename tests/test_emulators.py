"""The stand-ins for AWS behave as the tests of trailflow presume: a fake that lies proves nothing."""

import pytest

import inputs
from announcements import read
from polling import until_equal
from wiring import ROUTES, wire

SHAPES = {"direct": "s3", "sns": "sns(s3)", "sns_raw": "s3", "eventbridge": "eventbridge"}
TEST_EVENTS = {"direct": ["test_event"], "sns": ["sns(test_event)"], "sns_raw": ["test_event"], "eventbridge": []}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ["ministack", "moto"])
def test_every_upload_is_announced_once_in_the_shape_of_its_route(name, route, request):
    wiring = wire(request.getfixturevalue(name), route)
    objects, _ = inputs.all_signals()
    wiring.put(objects)

    waiting = len(objects) + len(TEST_EVENTS[route])
    until_equal("all announcements wait", (waiting, 0), wiring.depth, 30)
    announced = [read(body) for body in wiring.receive_bodies()]

    tests = [shape for shape, keys in announced if not keys]
    assert tests == TEST_EVENTS[route]
    assert {shape for shape, keys in announced if keys} == {SHAPES[route]}
    assert sorted(key for _, keys in announced for key in keys) == sorted(objects)


@pytest.mark.parametrize("name", ["ministack", "moto"])
def test_a_message_nobody_deletes_ends_in_the_dead_letter_queue(name, request):
    wiring = wire(request.getfixturevalue(name), "eventbridge", visibility_seconds=0, receives_max=2)
    wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody="nobody wants this")

    def receive_and_count():
        wiring.sqs.receive_message(QueueUrl=wiring.queue_url, VisibilityTimeout=0)
        return wiring.depth(), wiring.dead_letters()

    until_equal("the message has moved", ((0, 0), 1), receive_and_count, 30)
