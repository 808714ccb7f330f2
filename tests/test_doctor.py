"""`trailflow doctor`: each thing that a service needs, well and at fault; and that nothing is left or taken."""

import json
import os
import socket
import uuid
from contextlib import contextmanager

import pytest

import inputs
from emulator import CREDENTIALS, free_port
from faults import Refuse, Rule, Rules
from faulty_s3 import FaultyS3
from proxy import Proxy
from seaweedfs import BUCKET
from service import aws_environment, describe, lake_environment, queue_settings
from test_overwriting_store import Overwriting, serving
from wiring import wire

LAKE_ASKED = ("create", "create again", "read", "list", "copy", "delete")


@pytest.fixture
def wiring(ministack):
    """A bucket with log objects, and a queue that announces them, set up as `infra/` does."""
    wiring = wire(ministack, "direct", visibility_seconds=300, receives_max=5)
    objects, _ = inputs.all_signals(scale=1)
    wiring.put(objects)
    return wiring


def asked(trailflow, settings, *arguments):
    """The exit code, and what each check says."""
    settings = {"TRAILFLOW_LISTEN": f"127.0.0.1:{free_port()}"} | settings
    done = trailflow.run("doctor", "--format", "json", *arguments, env=settings)
    assert done.returncode in (0, 1), describe(done)
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    failures = [check for check in checks if check["verdict"] == "failure"]
    assert done.returncode == bool(failures), describe(done)
    assert all((check["fix"] is None) == (check["verdict"] == "ok") for check in checks), describe(done)
    return done.returncode, {check["asked"]: check for check in checks}


def well(checks):
    """What is neither a warning nor a failure."""
    return {name for name, check in checks.items() if check["verdict"] == "ok"}


def said(checks, name, verdict):
    """What a check found, which ended so."""
    assert checks[name]["verdict"] == verdict, checks[name]
    return checks[name]["found"]


def of_queue(wiring, what):
    return f"queue {wiring.queue_url.rsplit('/')[-1]}, {what}"


@contextmanager
def refusing(server, operation, code="AccessDenied", status=403):
    """The server behind a proxy that refuses one operation."""
    rules = Rules()
    rules.add(Rule("refused", Refuse(status, code, "no"), operations={operation}))
    with Proxy(server, rules) as proxy:
        yield proxy


def test_what_is_well_is_said_and_nothing_is_left_or_taken(trailflow, ministack, seaweedfs, wiring):
    prefix = f"doctor-{uuid.uuid4()}"
    url = f"s3://{BUCKET}/{prefix}"
    environment = lake_environment(seaweedfs, source=ministack) | {"AWS_ENDPOINT_URL_STS": ministack.endpoint}
    before = wiring.depth()
    code, checks = asked(trailflow, environment | queue_settings(wiring, url))
    assert (code, set(checks) - well(checks)) == (0, set()), checks
    assert {f"lake {url}, {what}" for what in LAKE_ASKED} <= set(checks)
    assert said(checks, of_queue(wiring, "redrive policy"), "ok").endswith("after 5 receives")
    assert said(checks, of_queue(wiring, "messages"), "ok") == f"{before[0]} wait, 0 are held"
    assert said(checks, f"bucket {wiring.bucket}, read", "ok").startswith("AWSLogs/")
    assert said(checks, "credentials, whose", "ok").startswith("arn:aws:")
    assert "signals" in checks and "configuration" in checks and "clock" in checks
    assert wiring.depth() == before
    listed = seaweedfs.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    assert "Contents" not in listed, listed["Contents"]
    messages = wiring.sqs.receive_message(
        QueueUrl=wiring.queue_url, MaxNumberOfMessages=1, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "1"


def test_directories_need_no_aws_and_are_left_as_they_were(trailflow, tmp_path):
    objects, _ = inputs.all_signals(scale=1)
    inputs.write_objects(tmp_path / "logs", objects)
    lake = tmp_path / "there" / "lake"
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(lake)}
    code, checks = asked(trailflow, settings)
    assert (code, set(checks) - well(checks)) == (0, set()), checks
    assert {f"lake {lake}, {what}" for what in (*LAKE_ASKED, "space")} <= set(checks)
    assert said(checks, f"directory {tmp_path / 'logs'}, read", "ok") == f"{len(objects)} files"
    assert "region" not in checks
    assert not lake.parent.exists()

    (lake / "_trailflow" / "staging").mkdir(parents=True)
    asked(trailflow, settings)
    assert [path.name for path in lake.rglob("*")] == ["_trailflow", "staging"]


def test_a_queue_that_is_not_there_is_a_failure(trailflow, ministack, wiring, tmp_path):
    settings = queue_settings(wiring, tmp_path / "lake")
    settings["TRAILFLOW_QUEUE_URL"] += "-gone"
    code, checks = asked(trailflow, aws_environment(ministack) | settings)
    name = of_queue(wiring, "attributes").replace(",", "-gone,")
    assert (code, checks[name]["verdict"]) == (1, "failure")
    assert "NonExistentQueue" in checks[name]["found"] or "QueueDoesNotExist" in checks[name]["found"], checks[name]
    assert f"lake {tmp_path / 'lake'}, copy" in well(checks)


def test_a_queue_without_a_dead_letter_queue_is_a_warning(trailflow, ministack, wiring, tmp_path):
    url = wiring.sqs.create_queue(QueueName=f"alone-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    settings = queue_settings(wiring, tmp_path / "lake") | {"TRAILFLOW_QUEUE_URL": url}
    code, checks = asked(trailflow, aws_environment(ministack) | settings)
    name = f"queue {url.rsplit('/')[-1]}, redrive policy"
    assert (code, said(checks, name, "warning")) == (0, "none")


def test_few_receives_and_dead_letters_are_warnings(trailflow, ministack, tmp_path):
    wiring = wire(ministack, "direct", receives_max=2)
    wiring.sqs.send_message(QueueUrl=wiring.dead_letter_url, MessageBody="dead")
    settings = aws_environment(ministack) | queue_settings(wiring, tmp_path / "lake")
    code, checks = asked(trailflow, settings)
    assert code == 0
    assert "after 2 receives" in said(checks, of_queue(wiring, "redrive policy"), "warning")
    assert said(checks, of_queue(wiring, "dead letters"), "warning") == "1 messages"


LOG = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/05/111122223333_CloudTrail_eu-west-1_20260105T1025Z_Abc.json.gz"
OTHER = "AWSLogs/111122223333/Config/a.json.gz"


@pytest.mark.parametrize(
    ("objects", "verdict", "says"),
    [
        ({LOG: "denied"}, "failure", ("denied by s3", "allow s3:GetObject")),
        ({LOG: "kms_denied"}, "failure", ("denied by kms", "allow kms:Decrypt")),
        ({OTHER: "kms_denied"}, "failure", ("denied by kms", "allow kms:Decrypt")),
        ({LOG: "archived"}, "warning", ("in an archive", "--object")),
        # A role may be given some prefixes alone.
        ({OTHER: "denied"}, "warning", ("denied by s3", "--object")),
        ({LOG: None, OTHER: "denied"}, "ok", (LOG, "")),
    ],
    ids=["denied", "key denied", "key of another", "archived", "another denied", "another beside"],
)
def test_an_object_that_may_not_be_read_says_who_denies(
    trailflow, ministack, wiring, tmp_path, objects, verdict, says
):
    faulty = FaultyS3({(wiring.bucket, key): (b"1", fault) for key, fault in objects.items()})
    try:
        settings = aws_environment(ministack) | queue_settings(wiring, tmp_path / "lake")
        code, checks = asked(trailflow, settings | {"AWS_ENDPOINT_URL_S3": faulty.endpoint})
    finally:
        faulty.stop()
    assert code == (verdict == "failure")
    found, fix = says
    assert found in said(checks, f"bucket {wiring.bucket}, read", verdict)
    assert fix in (checks[f"bucket {wiring.bucket}, read"]["fix"] or "")


def test_a_bucket_that_may_not_be_listed_is_a_warning_and_an_object_can_be_named(trailflow, ministack, wiring, tmp_path):
    settings = aws_environment(ministack) | queue_settings(wiring, tmp_path / "lake")
    key = wiring.s3.list_objects_v2(Bucket=wiring.bucket)["Contents"][0]["Key"]
    with refusing(ministack, "ListObjects") as proxy:
        settings |= {"AWS_ENDPOINT_URL_S3": proxy.endpoint}
        code, checks = asked(trailflow, settings)
        assert code == 0
        assert "denied by s3" in said(checks, f"bucket {wiring.bucket}, list", "warning")
        assert "no key" in said(checks, f"bucket {wiring.bucket}, read", "warning")
        code, checks = asked(trailflow, settings, "--object", f"s3://{wiring.bucket}/{key}")
        assert (code, said(checks, f"bucket {wiring.bucket}, read", "ok")) == (0, key)
        assert f"bucket {wiring.bucket}, list" not in checks
    other = trailflow.run("doctor", "--object", "s3://other-bucket/a", env=settings)
    assert other.returncode == 2
    assert b"not in `source.buckets`" in other.stderr


def test_a_log_bucket_that_is_not_there_is_a_failure(trailflow, ministack, wiring, tmp_path):
    settings = aws_environment(ministack) | queue_settings(wiring, tmp_path / "lake", ["no-such-bucket-here"])
    code, checks = asked(trailflow, settings)
    assert code == 1
    assert "NoSuchBucket" in said(checks, "bucket no-such-bucket-here, list", "failure")


def test_a_lake_in_a_log_bucket_is_a_warning(trailflow, ministack, wiring):
    url = f"s3://{wiring.bucket}/lake"
    code, checks = asked(trailflow, aws_environment(ministack) | queue_settings(wiring, url))
    assert 'below "lake"' in said(checks, f"bucket {wiring.bucket}, lake in it", "warning")
    assert f"lake {url}, create" in well(checks)


def test_a_lake_that_denies_says_what_to_allow(trailflow, seaweedfs, tmp_path):
    (tmp_path / "logs").mkdir()
    url = f"s3://{BUCKET}/denied-{uuid.uuid4()}"
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": url}
    with refusing(seaweedfs, "CopyObject") as proxy:
        code, checks = asked(trailflow, lake_environment(proxy) | settings)
    assert code == 1
    assert "denied by s3" in said(checks, f"lake {url}, copy", "failure")
    assert "s3:PutObject" in checks[f"lake {url}, copy"]["fix"]
    assert {f"lake {url}, create", f"lake {url}, delete"} <= well(checks)


class Late(Overwriting):
    """And its clock is an hour ahead."""

    def date_time_string(self, timestamp=None):
        return "Fri, 01 Jan 2100 00:00:00 GMT"


def test_a_store_that_overwrites_and_whose_clock_is_elsewhere_is_found(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    with serving(Late) as store:
        settings = CREDENTIALS | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.server_port}",
            "TRAILFLOW_DIRECTORY": str(tmp_path / "logs"),
            "TRAILFLOW_LAKE": "s3://lake/a",
        }
        code, checks = asked(trailflow, settings)
    assert code == 1
    assert said(checks, "lake s3://lake/a, create again", "failure") == "what was there was overwritten"
    assert "conditional writes" in checks["lake s3://lake/a, create again"]["fix"]
    said(checks, "clock", "failure")
    said(checks, "credentials, whose", "warning")


def test_a_lake_directory_that_cannot_be_written_is_a_failure(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "file").write_text("no folder")
    lake = tmp_path / "file" / "lake"
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(lake)}
    code, checks = asked(trailflow, settings)
    assert code == 1
    assert "Not a directory" in said(checks, f"lake {lake}, open", "failure")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_lake_directory_that_is_read_only_is_a_failure(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    lake = tmp_path / "lake"
    lake.mkdir(mode=0o555)
    code, checks = asked(trailflow, {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(lake)})
    assert code == 1
    assert said(checks, f"lake {lake}, create", "failure").startswith("denied by file system")
    assert "let the process write there" in checks[f"lake {lake}, create"]["fix"]


def test_beside_a_running_service_its_address_is_no_failure(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(tmp_path / "lake")}
    with trailflow.start(tmp_path, settings) as service:
        code, checks = asked(trailflow, settings | {"TRAILFLOW_LISTEN": service.listen})
        assert (code, set(checks) - well(checks)) == (0, set()), checks
        assert said(checks, f"metrics address {service.listen}", "ok") == "a running service answers there"


def test_a_directory_of_logs_that_is_not_there_is_a_failure(trailflow, tmp_path):
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(tmp_path / "lake")}
    code, checks = asked(trailflow, settings)
    assert code == 1
    assert "No such file" in said(checks, f"directory {tmp_path / 'logs'}, read", "failure")


def test_without_credentials_aws_is_not_asked(trailflow, wiring, tmp_path):
    environment = {name: value for name, value in CREDENTIALS.items() if "KEY" not in name}
    code, checks = asked(trailflow, environment | queue_settings(wiring, tmp_path / "lake"))
    assert code == 1
    said(checks, "credentials", "failure")
    assert said(checks, "queue and buckets", "warning") == "not asked"
    assert not any(name.startswith("bucket") for name in checks)
    # One failure hides no other check.
    assert f"lake {tmp_path / 'lake'}, copy" in well(checks)


def test_an_address_in_use_is_a_failure_and_a_silent_collector_a_warning(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(tmp_path / "lake")}
    collector = f"127.0.0.1:{free_port()}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings |= {"TRAILFLOW_LISTEN": address, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector}"}
        code, checks = asked(trailflow, settings)
    assert code == 1
    assert "in use" in said(checks, f"metrics address {address}", "failure")
    assert "refused" in said(checks, f"collector {collector}", "warning")


def test_mistakes_of_the_configuration_are_failures(trailflow, tmp_path):
    file = tmp_path / "trailflow.toml"
    file.write_text('[lake]\nurl = "gs://lake"\n[batch]\nrows_max = 0\n')
    code, checks = asked(trailflow, {}, "--config", file)
    assert code == 1
    assert said(checks, f"configuration {file}:2", "failure").startswith("`lake.url` has the scheme")
    assert checks[f"configuration {file}:4"]["fix"] == "write 1 or more"


def test_a_mistake_in_a_signal_is_a_failure(trailflow, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "sql" / "cloudtrail").mkdir(parents=True)
    (tmp_path / "sql" / "cloudtrail" / "mine.sql").write_text("SELECT 1")
    file = tmp_path / "trailflow.toml"
    file.write_text(f'[signals]\ndirectory = "{tmp_path / "sql"}"\n')
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(tmp_path / "lake")}
    code, checks = asked(trailflow, settings, "--config", file)
    assert code == 1
    assert "finding" in said(checks, "signals", "failure")


def test_a_line_for_people_has_verdict_finding_and_fix(trailflow, tmp_path):
    settings = {"TRAILFLOW_DIRECTORY": str(tmp_path / "logs"), "TRAILFLOW_LAKE": str(tmp_path / "lake")}
    done = trailflow.run("doctor", env=settings | {"TRAILFLOW_LISTEN": "127.0.0.1:0"})
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1, describe(done)
    assert "ok       configuration: no mistakes" in lines
    failure = next(line for line in lines if line.startswith("failure"))
    assert failure.startswith(f"failure  directory {tmp_path / 'logs'}, read: ") and ". Fix: " in failure
    assert done.stderr.decode().endswith(" 0 warnings, 1 failure\n")
