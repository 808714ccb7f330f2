"""`trailflow config`: what is in force, as people and scripts read it."""

import json
import tomllib

from service import describe

FILE = """
[source]
queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail"
buckets = ["example-logs"]
[lake]
url = "s3://example-lake/trail"
[telemetry]
otlp_endpoint = "http://collector:4318/?api-key=hunter2"
[[reference.clusters]]
oidc_id = "AB12"
name = "blue"
"""


def test_what_it_prints_gives_the_same_again(trailflow, tmp_path):
    file, copy = tmp_path / "trailflow.toml", tmp_path / "copy.toml"
    file.write_text(FILE.replace("?api-key=hunter2", ""))
    variables = {"TRAILFLOW_LAKE": str(tmp_path / "lake"), "TRAILFLOW_LISTEN": "127.0.0.1:0"}
    printed = trailflow.output("config", "--config", file, env=variables)
    copy.write_bytes(printed)
    again = trailflow.output("config", env={"TRAILFLOW_CONFIG": str(copy)})
    assert tomllib.loads(again.decode()) == tomllib.loads(printed.decode())
    assert tomllib.loads(printed.decode())["lake"]["url"] == str(tmp_path / "lake")


def test_every_setting_says_where_it_comes_from(trailflow, tmp_path):
    file = tmp_path / "trailflow.toml"
    file.write_text(FILE)
    done = trailflow.run(
        "config", "--format", "json", env={"TRAILFLOW_CONFIG": str(file), "TRAILFLOW_LAKE": "s3://other-lake/a"}
    )
    assert done.returncode == 0, describe(done)
    settings = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    said = {key: (settings[key]["value"], settings[key]["unit"], settings[key]["origin"]) for key in settings}
    assert said["lake.url"] == ("s3://other-lake/a", None, "TRAILFLOW_LAKE")
    assert said["source.kind"] == ("sqs", None, f"{file}:3")
    assert said["source.buckets"] == (["example-logs"], None, f"{file}:4")
    assert said["batch.bytes_max"] == (64 * 1024 * 1024, "bytes", "default")
    assert said["aws.region"] == (None, None, "default")
    assert said["reference.clusters"] == ([{"oidc_id": "AB12", "name": "blue"}], None, f"{file}:10")


def test_a_secret_in_an_address_is_not_shown(trailflow, tmp_path):
    file = tmp_path / "trailflow.toml"
    file.write_text(FILE)
    for arguments in ((), ("--format", "json")):
        done = trailflow.run("config", "--config", file, *arguments)
        assert done.returncode == 0, describe(done)
        assert b"hunter2" not in done.stdout + done.stderr
        assert b"1 setting not shown" in done.stderr
    assert b"otlp_endpoint" in done.stdout


def test_mistakes_are_those_of_check_and_code_1(trailflow, tmp_path):
    file = tmp_path / "trailflow.toml"
    file.write_text(FILE + "[batch]\nrows_max = 0\nrow_max = 1\n")
    done = trailflow.run("config", "--config", file)
    assert done.returncode == 1, describe(done)
    assert done.stdout.decode().splitlines() == [
        f"{file}:13: `batch.rows_max` is 0. Fix: write 1 or more.",
        f"{file}:14: unknown key `batch.row_max`. Fix: write `batch.rows_max`.",
    ]
    assert done.stderr == b"2 findings\n"
    assert trailflow.run("check", "--config", file).stdout.startswith(done.stdout)


def test_without_any_setting_it_says_what_is_missing(trailflow):
    done = trailflow.run("config")
    assert done.returncode == 1, describe(done)
    assert b"it is not said where the lake is" in done.stdout
