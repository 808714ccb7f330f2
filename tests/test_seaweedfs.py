"""The stand-in for the lake's S3 does what the lake leans on; one that does not would prove nothing."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import inputs
import lake
from emulator import REGION
from seaweedfs import BUCKET
from service import lake_environment
from test_flows import assert_lake, assert_queries

RACERS = 16


def status_of(request):
    """The status of a request that may be refused."""
    try:
        return request()["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as refused:
        return refused.response["ResponseMetadata"]["HTTPStatusCode"]


def test_of_racing_creates_of_one_key_exactly_one_wins(seaweedfs):
    s3 = seaweedfs.client("s3")
    key = f"race-{uuid.uuid4()}"
    together = threading.Barrier(RACERS)

    def create(racer):
        together.wait()
        return status_of(
            lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"racer %d" % racer, IfNoneMatch="*")
        )

    with ThreadPoolExecutor(RACERS) as racers:
        statuses = list(racers.map(create, range(RACERS)))
    assert sorted(statuses) == [200] + [412] * (RACERS - 1)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"racer %d" % statuses.index(200)


def test_a_wrong_signature_is_refused(seaweedfs):
    stranger = boto3.client(
        "s3", endpoint_url=seaweedfs.endpoint, region_name=REGION, aws_access_key_id="test",
        aws_secret_access_key="not the secret", config=Config(s3={"addressing_style": "path"}),
    )
    assert status_of(lambda: stranger.get_object(Bucket=BUCKET, Key="started")) == 403
    assert status_of(lambda: seaweedfs.client("s3").get_object(Bucket=BUCKET, Key="started")) == 200


def test_get_copy_list_and_delete(seaweedfs):
    s3 = seaweedfs.client("s3")
    folder = f"contract-{uuid.uuid4()}"
    staged, published = f"{folder}/staged/event_hour=10/a.parquet", f"{folder}/event_hour=10/a.parquet"
    s3.put_object(Bucket=BUCKET, Key=staged, Body=b"rows")
    s3.copy_object(Bucket=BUCKET, Key=published, CopySource={"Bucket": BUCKET, "Key": staged})
    s3.delete_object(Bucket=BUCKET, Key=staged)

    assert s3.get_object(Bucket=BUCKET, Key=published)["Body"].read() == b"rows"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/")["Contents"]
    assert [found["Key"] for found in listed] == [published]
    assert status_of(lambda: s3.get_object(Bucket=BUCKET, Key=staged)) == 404
    again = {"Bucket": BUCKET, "Key": staged}
    assert status_of(lambda: s3.copy_object(Bucket=BUCKET, Key=published, CopySource=again)) == 404
    assert status_of(lambda: s3.delete_object(Bucket=BUCKET, Key=staged)) == 204


@pytest.mark.parametrize("times", [1, 2])
def test_a_backfill_writes_a_lake_that_others_read(trailflow, seaweedfs, tmp_path, times):
    objects, expected = inputs.all_signals(scale=3)
    inputs.write_objects(tmp_path / "source", objects)
    prefix = f"backfill-{uuid.uuid4()}"
    url, aws = f"s3://{BUCKET}/{prefix}", lake_environment(seaweedfs)
    for _ in range(times):
        trailflow.backfill(tmp_path / "source", url, env=aws)
    folder = lake.mirror(seaweedfs.client("s3"), BUCKET, prefix, tmp_path / "mirror")
    assert_lake(folder, expected)
    assert_queries(trailflow, url, aws, folder, expected)


def test_a_prefix_without_a_lake_is_no_empty_lake(trailflow, seaweedfs):
    """A count of nothing would read as no events."""
    url, aws = f"s3://{BUCKET}/nothing-{uuid.uuid4()}", lake_environment(seaweedfs)
    for command in (("query", "--lake", url, "SELECT count(*) FROM cloudtrail"), ("quarantine", "list", "--lake", url)):
        done = trailflow.run(*command, env=aws)
        assert (done.returncode, done.stdout) == (2, b"")
        assert f"there is no lake at {url}" in done.stderr.decode()


def test_a_backfill_into_a_bucket_that_is_not_there_ends(trailflow, seaweedfs, tmp_path):
    objects, _ = inputs.all_signals(scale=1)
    inputs.write_objects(tmp_path / "source", objects)
    url = f"s3://no-such-bucket-{uuid.uuid4()}/lake"
    done = trailflow.run("backfill", tmp_path / "source", "--lake", url, env=lake_environment(seaweedfs))
    assert done.returncode == 2
    said = done.stderr.decode()
    assert "the lake does not let anything be written" in said and "NoSuchBucket" in said, said
