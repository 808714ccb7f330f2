"""A metric holds as many series as its header grants; the rest is one series, and is counted."""

import pathlib
import shutil

import inputs
from polling import until

SECONDS = 60
SQL = pathlib.Path(__file__).parent.parent / "sql"
STS = "trailflow_sts_assume_role_total"


def test_the_roles_beyond_series_max_share_one_series(trailflow, tmp_path):
    signals = tmp_path / "sql"
    shutil.copytree(SQL, signals)
    signal = signals / "cloudtrail" / "sts_assume_role.sql"
    text = signal.read_text()
    assert "series_max      = 5000" in text
    signal.write_text(text.replace("series_max      = 5000", "series_max      = 2"))
    expected = inputs.Expected()
    file = inputs.CloudTrailFile(expected, "roles")
    for number in range(6):
        file.assumed(inputs.role(f"role-{number}"), 3)
    bucket = tmp_path / "bucket"
    inputs.write_objects(bucket, {inputs.cloudtrail_key("roles"): file.object()})
    config = f"[batch]\nage_seconds_max = 1\n[signals]\ndirectory = \"{signals}\"\n"
    settings = {"TRAILFLOW_DIRECTORY": str(bucket), "TRAILFLOW_LAKE": str(tmp_path / "lake")}

    with trailflow.start(tmp_path, settings, config=config) as service:
        until("all calls are counted", lambda: service.metrics().total(STS) == 18, SECONDS, service.alive)
        metrics = service.metrics()
        assert metrics.total(STS, role_arn="other", outcome="other") == 12
        assert metrics.total("trailflow_series", signal="sts_assume_role") == 2
        assert metrics.total("trailflow_series_overflow_total", signal="sts_assume_role") == 4
        assert service.terminate() == 0
    # The lake keeps every role.
    assert trailflow.value(tmp_path / "lake", "SELECT count(DISTINCT role_arn) FROM sts_assume_role") == 6
