"""`trailflow ddl`: what other engines make of it. DuckDB executes all of it; of Athena and ClickHouse the text is compared."""

import json

import duckdb
import pytest

from service import describe, free_port

TABLES = ("cloudtrail", "flow_logs", "transit_gateway_flow_logs", "ingest_log", "quarantine")
SEALS = ("trailflow_seals", "trailflow_sealed_files", "trailflow_replaced", "trailflow_unsealed")
SHOWN = ("ingest_log", "flow_logs", "long_lived_keys_partial", "long_lived_keys")
"""The definitions that testdata/ddl keeps, with those of seals: of a log, a table by hour, and a view with every kind of merge."""


@pytest.fixture(scope="module")
def lake(trailflow, tmp_path_factory):
    """A lake with rows of nearly every signal."""
    folder = tmp_path_factory.mktemp("ddl") / "it's a demo"
    done = trailflow.run("demo", "--once", "--seed", "7", "--dir", folder, "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 0, describe(done)
    return folder / "lake"


@pytest.fixture(scope="module")
def views(trailflow):
    """The names of the signals that have a view."""
    rows = map(json.loads, trailflow.output("signals", "--format", "json").splitlines())
    return [row["name"] for row in rows if row["grain"]]


def defined(trailflow, lake):
    """DuckDB with every definition."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(trailflow.output("ddl", "duckdb", "--lake", lake).decode())
    return connection


def columns(connection, relation):
    return [row[:2] for row in connection.execute(f"DESCRIBE {relation}").fetchall()]


def test_duckdb_gives_the_rows_that_query_gives(trailflow, lake, views, tmp_path):
    with_rows = 0
    with defined(trailflow, lake) as connection:
        for number, name in enumerate([*TABLES, *views]):
            file = tmp_path / f"{number}.parquet"
            file.write_bytes(trailflow.output("query", "--lake", lake, "--format", "parquet", f"SELECT * FROM {name}"))
            ours, left_out = f"read_parquet('{file}')", " EXCLUDE (event_date)" if name in views else ""
            theirs = f"(SELECT *{left_out} FROM {name})"
            assert columns(connection, f"SELECT * FROM {theirs}") == columns(connection, f"SELECT * FROM {ours}"), name
            more, fewer, rows = connection.execute(
                f"SELECT (SELECT count(*) FROM (FROM {theirs} EXCEPT ALL FROM {ours})), "
                f"(SELECT count(*) FROM (FROM {ours} EXCEPT ALL FROM {theirs})), (SELECT count(*) FROM {ours})"
            ).fetchone()
            assert (more, fewer) == (0, 0), name
            with_rows += rows > 0
            if name in views:
                apart = f"SELECT count(*) FROM {name} WHERE event_date <> strftime(window_start, '%Y-%m-%d')"
                assert connection.execute(apart).fetchone() == (0,), name
    assert with_rows > len(views) // 2


def test_duckdb_takes_a_lake_in_which_nothing_was_found(trailflow, lake, views, tmp_path):
    """A folder without files is an empty table, of the same columns."""
    with defined(trailflow, tmp_path / "nothing") as empty, defined(trailflow, lake) as filled:
        for name in [*TABLES, *views]:
            assert empty.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,), name
            assert columns(empty, name) == columns(filled, name), name


def test_duckdb_reads_the_files_of_the_day_that_is_asked_for_alone(trailflow, lake):
    with defined(trailflow, lake) as connection:
        for table in ("cloudtrail", "sts_assume_role"):
            plan = connection.execute(f"EXPLAIN SELECT * FROM {table} WHERE event_date = '1999-01-01'").fetchall()
            assert "Scanning Files: 0/" in str(plan), plan


@pytest.mark.parametrize("engine", ["duckdb", "athena", "clickhouse"])
def test_the_text_is_the_expected_one(trailflow, repository, views, engine):
    arguments = ("ddl", engine, "--lake", "s3://example-lake/trailflow")
    text = trailflow.output(*arguments).decode()
    assert text == trailflow.output(*arguments).decode()
    head, *statements = text.removesuffix("\n").split("\n\n")
    assert all(statement.endswith(";") for statement in statements)
    named = {statement.split("\n")[0].split()[-2].strip('"`'): statement for statement in statements}
    assert len(named) == len(statements)
    over_files = [*TABLES, *(f"{view}_partial" for view in views)]
    apart = [f"{name}_{what}" for name in over_files for what in ("published", "sealed")] if engine == "athena" else []
    written = ["trailflow_seals_written"] if engine == "athena" else []
    assert set(named) == {*SEALS, *written, *over_files, *apart, *views}
    shown = [name for name in named if name in SEALS + SHOWN or name.rpartition("_")[0] in ("trailflow_seals", "flow_logs")]
    shown = "\n\n".join([head, *(named[name] for name in shown)]) + "\n"
    assert shown == (repository / f"testdata/ddl/{engine}.sql").read_text()


def test_signals_of_your_own_are_among_them_and_others_left_out(trailflow, repository, tmp_path):
    file = tmp_path / "trailflow.toml"
    own = repository / "testdata/selection/one_more"
    file.write_text(f'[signals]\ndirectory = "{own}"\nwithout = ["root_use"]\n[lake]\nurl = "s3://example-lake/own"\n')
    text = trailflow.output("ddl", "clickhouse", "--config", file).decode()
    assert 'VIEW "console_failures" AS' in text and "s3://example-lake/own/{rollups/console_failures,sealed/" in text
    assert 'VIEW "root_use" AS' not in text and 'VIEW "denies" AS' in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("athena", "--lake", "/var/lake"), "reads S3 alone: name the lake as s3://bucket/prefix"),
        (("duckdb", "--lake", "/var/lake[1]"), "has '[' in it"),
        (("duckdb",), "no lake is named"),
        (("oracle", "--lake", "x"), "[possible values: duckdb, athena, clickhouse]"),
    ],
    ids=["directory", "pattern", "no lake", "engine"],
)
def test_what_cannot_be_defined_is_code_2(trailflow, arguments, says):
    done = trailflow.run("ddl", *arguments)
    assert (done.returncode, done.stdout) == (2, b""), describe(done)
    assert says in done.stderr.decode()


@pytest.mark.parametrize("engine", ["duckdb", "clickhouse"])
def test_an_address_with_a_password_is_in_no_definition(trailflow, tmp_path, engine):
    config = tmp_path / "trailflow.toml"
    config.write_text('[lake]\nurl = "s3://lake/x"\nendpoint_url = "http://user:hush@localhost:9"\n[aws]\nregion = "eu-west-1"\n')
    done = trailflow.run("ddl", engine, "--config", config)
    assert (done.returncode, done.stdout) == (2, b""), describe(done)
    assert b"hush" not in done.stderr
