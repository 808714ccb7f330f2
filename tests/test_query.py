"""Questions: what is asked is answered as it is written, or refused with what to write instead."""

import io
import json
import re

import pyarrow.parquet
import pytest

import inputs
from service import describe, read_json_rows

JSON = """(SELECT column1 AS j, column2 AS i FROM (VALUES ('{"n":5,"s":"k1","o":{"n":7},"l":[1,"b"]}', 1), ('{"n":50,"s":"k1"}', 2), ('{"n":null}', 3))) t"""
ANY_TYPE = "`->` gives a value of any type: use `->>`"


@pytest.fixture(scope="module")
def lake(trailflow, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    objects, _ = inputs.all_signals()
    inputs.write_objects(folder / "source", objects)
    trailflow.backfill(folder / "source", folder / "lake")
    return folder / "lake"


def values(trailflow, lake, sql):
    """The rows, each as a list."""
    return [list(row.values()) for row in trailflow.query(lake, sql)]


def refused(trailflow, lake, sql, *arguments):
    """What stderr says of a question that has no answer."""
    done = trailflow.run("query", "--lake", lake, *arguments, sql)
    assert done.returncode == 2 and done.stdout == b"", describe(done)
    return done.stderr.decode()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT i FROM {} ORDER BY j->'n' LIMIT 1",
        "SELECT DISTINCT j->'s' FROM {}",
        "SELECT j->'s', count(*) FROM {} GROUP BY 1",
        "SELECT max(j->'n') FROM {}",
        "SELECT a.i FROM (SELECT * FROM {0}) a JOIN (SELECT * FROM {0}) b ON a.j->'s' = b.j->'s'",
        "SELECT array_agg(j->'n') FROM {}",
        "SELECT coalesce(j->'s', '-') FROM {}",
    ],
)
@pytest.mark.parametrize("format", ["table", "parquet"])
def test_a_value_of_any_type_is_not_sorted_grouped_or_joined(trailflow, lake, sql, format):
    said = refused(trailflow, lake, sql.format(JSON), "--format", format)
    assert ANY_TYPE in said and "Union(" not in said, said


def test_a_value_of_any_type_is_json_in_every_format(trailflow, lake):
    sql = f"SELECT i, j->'n' AS n, j->'s' AS s, j->'o' AS o, j->'l'->-1 AS l FROM {JSON} ORDER BY i"
    expected = [[1, "5", '"k1"', '{"n":7}', '"b"'], [2, "50", '"k1"', None, None], [3, None, None, None, None]]
    assert values(trailflow, lake, sql) == expected
    output = trailflow.output("query", "--lake", lake, "--format", "parquet", sql)
    rows = pyarrow.parquet.read_table(io.BytesIO(output)).to_pylist()
    assert [list(row.values()) for row in rows] == expected
    csv = trailflow.output("query", "--lake", lake, "--format", "csv", sql).decode().splitlines()
    assert csv[2] == '2,50,"""k1""",,'
    table = trailflow.output("query", "--lake", lake, sql).decode()
    assert re.search(r'\| 1 +\| 5 +\| "k1" +\| {"n":7} +\| "b" +\|', table), table
    further = f"SELECT (j->'o'->'n')::int, (j->'n') > 10, count(j->'n') OVER () FROM {JSON} ORDER BY i"
    assert values(trailflow, lake, further) == [[7, False, 2], [None, True, 2], [None, None, 2]]


@pytest.mark.parametrize(
    "asked",
    [
        "now() AT TIME ZONE 'America/New_York' = now()",
        "TIMESTAMPTZ '2026-03-01T00:00:00Z' AT TIME ZONE 'Asia/Kolkata' = TIMESTAMPTZ '2026-03-01T05:30:00+05:30'",
        "date_part('hour', TIMESTAMPTZ '2026-03-01T00:00:00Z' AT TIME ZONE 'Asia/Kolkata') = 5",
        "TIMESTAMPTZ '2026-03-01 00:00:00' = TIMESTAMP '2026-03-01 00:00:00'",
        "now() > TIMESTAMP '2026-03-01' AND now() - INTERVAL '1 day' < now()",
        "TIMESTAMP '2026-03-03' - TIMESTAMP '2026-03-01' > INTERVAL '1 day'",
        "TIMESTAMP '2026-03-03' - TIMESTAMP '2026-03-01' > INTERVAL '1 day' + INTERVAL '1 hour'",
        "DATE '2026-03-01' + INTERVAL '8 hours' = TIMESTAMP '2026-03-01 08:00:00'",
        "current_date + INTERVAL '8 hours' > current_date",
        "arrow_typeof(current_date - INTERVAL '8 days') = 'Date32'",
        "TIMESTAMP '2026-03-01 02:00:00' AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York' < DATE '2026-03-01'",
    ],
)
def test_times_are_the_same_instant_wherever_they_are_said(trailflow, lake, asked):
    assert values(trailflow, lake, f"SELECT {asked}") == [[True]]


def test_whole_days_still_choose_folders(trailflow, lake):
    rows = trailflow.value(lake, "SELECT count(*) FROM cloudtrail")
    sql = "SELECT count(*) FROM cloudtrail WHERE event_date {} current_date - INTERVAL '3 days'"
    assert sum(trailflow.value(lake, sql.format(side)) for side in ("<", ">=")) == rows
    days = "event_date < current_date - INTERVAL '4000 days'"
    hours = "event_time >= DATE '2099-01-01' + INTERVAL '8 hours'"
    for condition in (days, hours):
        plan = trailflow.query(lake, f"EXPLAIN SELECT count(*) FROM cloudtrail WHERE {condition}")
        assert ".parquet" not in json.dumps(plan), plan


def test_json_operators_bind_first(trailflow, lake):
    sql = f"""SELECT j->>'s' = 'k1', j->>'s' || '/' || j->>'n', j->>'s' LIKE 'k%', j->>'s' IN ('k1'),
              j->>'s' IS NOT NULL FROM {JSON} WHERE NOT j->>'n' = '50' AND i < 3"""
    assert values(trailflow, lake, sql) == [[True, "k1/5", True, True, True]]
    usual = "SELECT * EXCLUDE (b), {'a': 1}['a'] AS c FROM (SELECT 1 AS a, 2 AS b)"
    assert values(trailflow, lake, usual) == [[1, 1]]


def test_json_operators_bind_first_in_signals(trailflow, repository, tmp_path):
    """Read as `->>('clusterName' || '')` the name is missing, and the signal's own test fails."""
    text = (repository / "sql/cloudtrail/pod_identity_failures.sql").read_text()
    joined = text.replace("request_parameters->>'clusterName'", "request_parameters->>'clusterName' || ''")
    assert joined != text
    file = tmp_path / "signals/cloudtrail/pod_identity_failures.sql"
    file.parent.mkdir(parents=True)
    file.write_text(joined)
    done = trailflow.run("check", tmp_path / "signals")
    assert done.returncode == 0, describe(done)
    file.write_text(text.replace("coalesce(request_parameters->>'clusterName', 'unknown')", "request_parameters->'a'"))
    said = trailflow.run("check", tmp_path / "signals").stdout.decode()
    assert ANY_TYPE in said, said


@pytest.mark.parametrize(
    "sql",
    [
        "WITH totals AS (SELECT 1 AS x) SELECT x FROM totals",
        "WITH rollup AS (SELECT 1 AS x), cube(x) AS (SELECT 2) SELECT rollup.x FROM rollup, cube",
        "WITH sample(x) AS (SELECT 1), partition(x) AS (SELECT 2) SELECT x FROM sample",
        "SELECT prewhere.x FROM (SELECT 1 AS x) AS prewhere",
    ],
)
def test_a_name_may_be_a_word_of_sampling(trailflow, lake, sql):
    assert values(trailflow, lake, sql) == [[1]]


@pytest.mark.parametrize(
    "sql, says, not_says",
    [
        ("SELECT event_name > 5 FROM cloudtrail", "quote the value, or use try_cast", "delete"),
        ("SELECT count(*) FROM flow_rejects WHERE reject_class = 5", "delete its folder", "quote"),
        ("SELECT 1 FROM cloudtrial", "Is cloudtrail meant?", "gauges"),
        ("SELECT 1 FROM flow_reject", "Is flow_rejects meant?", "gauges"),
        ("SELECT 1 FROM long_lived_key_age", "gauges and no view", "meant"),
        ("SELECT 1 FROM nothing_like_it", "SHOW TABLES", "gauges"),
    ],
)
def test_an_error_says_what_is_wrong_with_this_question(trailflow, lake, sql, says, not_says):
    said = refused(trailflow, lake, sql)
    assert says in said and not_says not in said, said


def test_a_signal_that_is_left_out_is_said_to_be(trailflow, lake, tmp_path):
    config = tmp_path / "less.toml"
    config.write_text('[signals]\nwithout = ["insights"]\n')
    said = refused(trailflow, lake, "SELECT 1 FROM insights", "--config", config)
    assert "insights is a signal that the configuration leaves out" in said, said
    assert read_json_rows(trailflow.output("query", "--lake", lake, "--format", "json", "SELECT count(*) AS n FROM insights"))
