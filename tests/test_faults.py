"""What the queue may bring that is not one new log object in an allowed bucket."""

import json

import inputs
import lake
from polling import until, until_equal
from service import aws_environment, queue_settings
from test_flows import assert_lake, assert_metrics, assert_signal_metrics, until_committed, until_outcomes
from wiring import connect, make_bucket, queue_arn_of, wire

SECONDS = 120


def test_a_message_of_unknown_shape_ends_in_the_dead_letter_queue(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct", visibility_seconds=3, receives_max=3)
    unknown = ["this is not JSON", json.dumps({"hello": "world"})]
    objects, expected = inputs.all_signals()

    with trailflow.start(tmp_path, queue_settings(wiring, tmp_path / "lake"), aws_environment(ministack)) as service:
        for body in unknown:
            wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=body)
        wiring.put(objects)
        until_equal("both lie in the dead-letter queue", 2, wiring.dead_letters, SECONDS, service.alive)
        until_committed(service, wiring, expected)
        metrics = service.metrics()
        assert metrics.total("trailflow_notifications_total", shape="unknown") >= len(unknown)
        assert metrics.total("trailflow_sqs_messages_returned_total") >= len(unknown)
        assert service.terminate() == 0

    assert sorted(wiring.receive_bodies(wiring.dead_letter_url)) == sorted(unknown)


def test_an_object_in_a_bucket_that_is_not_allowed_is_not_fetched(trailflow, moto, tmp_path):
    wiring = wire(moto, "direct")
    outside = f"{wiring.bucket}-outside"
    make_bucket(moto, outside)
    connect(moto, outside, "direct", wiring.queue_url, queue_arn_of(wiring.sqs, wiring.queue_url))
    objects, _ = inputs.all_signals(seed="inside")
    foreign = inputs.CloudTrailFile(inputs.Expected(), "outside")
    foreign.assumed(inputs.role("stranger"), 1)
    key = inputs.cloudtrail_key("outside")

    with trailflow.start(tmp_path, queue_settings(wiring, tmp_path / "lake"), aws_environment(moto)) as service:
        wiring.s3.put_object(Bucket=outside, Key=key, Body=foreign.object())
        wiring.put(objects)

        def ingested():
            return service.metrics().total("trailflow_objects_total", outcome="ingested")

        until_equal("the allowed objects are ingested", 3, ingested, SECONDS, service.alive)
        until("the object outside is counted", lambda: counted_as_outside(service.metrics()), SECONDS, service.alive)
        assert service.terminate() == 0

    requests = moto.requests()
    assert f"GET /{wiring.bucket}/" in requests, "the emulator's log does not show the reads"
    assert f"GET /{outside}/" not in requests
    assert f"HEAD /{outside}/" not in requests
    strangers = f"SELECT count(*) AS n FROM cloudtrail WHERE src_bucket = '{outside}'"
    assert trailflow.value(tmp_path / "lake", strangers) == 0


def counted_as_outside(metrics):
    """Announced, counted, and left for the dead-letter queue."""
    return metrics.total("trailflow_notifications_foreign_bucket_total") >= 1


def test_an_object_that_is_announced_again_is_counted_once(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct")
    objects, expected = inputs.all_signals()

    with trailflow.start(tmp_path, queue_settings(wiring, tmp_path / "lake"), aws_environment(ministack)) as service:
        wiring.put(objects)
        until_committed(service, wiring, expected)
        for key in objects:
            wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=cloudtrail_announcement(wiring, [key]))
        until(
            "the repeated announcements are taken off the queue",
            lambda: service.metrics().total("trailflow_notifications_total") >= 2 * len(objects)
            and wiring.depth() == (0, 0),
            SECONDS,
            service.alive,
        )
        metrics = service.metrics()
        assert metrics.total("trailflow_objects_total", outcome="duplicate") >= 3
        assert_metrics(metrics, expected)
        assert service.terminate() == 0

    assert wiring.dead_letters() == 0
    for table, rows in expected.rows.items():
        assert lake.count(tmp_path / "lake", table) == rows, table


def test_one_message_of_cloudtrail_itself_names_several_objects(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct")
    wiring.s3.put_bucket_notification_configuration(Bucket=wiring.bucket, NotificationConfiguration={})
    objects, expected = inputs.all_signals()
    wiring.put(objects)
    body = cloudtrail_announcement(wiring, list(objects))
    wiring.sqs.send_message(QueueUrl=wiring.queue_url, MessageBody=body)

    with trailflow.start(tmp_path, queue_settings(wiring, tmp_path / "lake"), aws_environment(ministack)) as service:
        until_committed(service, wiring, expected)
        assert_signal_metrics(service.metrics(), expected)
        assert service.terminate() == 0
    assert wiring.dead_letters() == 0
    assert_lake(tmp_path / "lake", expected)


def cloudtrail_announcement(wiring, keys):
    """CloudTrail's own notification: bucket, and plain keys without version or ETag."""
    return json.dumps({"s3Bucket": wiring.bucket, "s3ObjectKey": keys})


def test_a_damaged_object_is_quarantined_and_the_rest_goes_on(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct")
    objects, expected = inputs.all_signals()
    whole = next(body for key, body in objects.items() if "/CloudTrail/" in key)
    objects[inputs.cloudtrail_key("cut")] = whole[: len(whole) // 2]
    expected.outcomes["quarantined"] += 1

    with trailflow.start(tmp_path, queue_settings(wiring, tmp_path / "lake"), aws_environment(ministack)) as service:
        wiring.put(objects)
        until_committed(service, wiring, expected)
        assert service.metrics().total("trailflow_quarantined_total") == 1
        assert service.terminate() == 0
    assert wiring.dead_letters() == 0
    assert trailflow.value(tmp_path / "lake", "SELECT count(*) AS n FROM quarantine") >= 1


def test_without_a_file_the_environment_is_enough(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct")
    settings = queue_settings(wiring, tmp_path / "lake")
    with trailflow.start(tmp_path, settings, aws_environment(ministack), config="") as service:
        until_equal("s3:TestEvent is taken off", (0, 0), wiring.depth, SECONDS, service.alive)
        assert service.terminate() == 0
    assert wiring.dead_letters() == 0


def test_a_watched_directory_takes_the_same_path(trailflow, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    objects, expected = inputs.all_signals()
    settings = {"TRAILFLOW_DIRECTORY": str(source), "TRAILFLOW_LAKE": str(tmp_path / "lake")}

    with trailflow.start(tmp_path, settings) as service:
        inputs.write_objects(source, objects)
        until_outcomes(service, expected)
        assert_signal_metrics(service.metrics(), expected)
        assert service.terminate() == 0
    assert_lake(tmp_path / "lake", expected)


def test_an_order_to_stop_under_a_backlog_is_obeyed(trailflow, tmp_path):
    bucket, lake_folder = tmp_path / "bucket", tmp_path / "lake"
    for number in range(60):
        objects, _ = inputs.all_signals(seed=f"backlog-{number}")
        inputs.write_objects(bucket, {f"{number}/{key}": body for key, body in objects.items()})
    settings = {"TRAILFLOW_DIRECTORY": str(bucket), "TRAILFLOW_LAKE": str(lake_folder)}
    # A batch that stays open, so that deliveries wait for room.
    slow = "[batch]\nage_seconds_max = 30\nrows_max = 50\n"
    with trailflow.start(tmp_path, settings, config=slow) as service:

        def some_are_in():
            return service.metrics().total("trailflow_objects_total", outcome="ingested") > 0

        until("the first objects are ingested", some_are_in, SECONDS, service.alive)
        assert service.terminate() == 0
    # What was left is found by the next one, and nothing is counted twice.
    trailflow.backfill(bucket, lake_folder)
    events = trailflow.value(lake_folder, "SELECT count(*) FROM cloudtrail")
    fresh = tmp_path / "fresh"
    trailflow.backfill(bucket, fresh)
    assert events == trailflow.value(fresh, "SELECT count(*) FROM cloudtrail")


def test_one_impossible_time_does_not_hold_up_the_rest(trailflow, tmp_path):
    bucket, lake_folder = tmp_path / "bucket", tmp_path / "lake"
    objects, _ = inputs.all_signals()
    far = {"Records": [{"eventVersion": "1.08", "eventID": "far", "eventTime": "2500-01-01T00:00:00Z",
                        "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole"}]}
    inputs.write_objects(bucket, objects | {"far.json": json.dumps(far).encode()})
    report = trailflow.backfill(bucket, lake_folder)
    assert report["rejected"].get("event_time") == 1
    assert report["ingested"] + report["ignored"] == len(objects) + 1
