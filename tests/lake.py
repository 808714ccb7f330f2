"""The lake as other readers see it: Parquet files under Hive folders, read with DuckDB."""

import pathlib

import duckdb

from inputs import GRAINS, MEASURES
from service import epoch_seconds

TABLES = ("cloudtrail", "flow_logs", "ingest_log")


def files(lake, table):
    """The published Parquet files of a table, or of `rollups/<signal>`."""
    return sorted((pathlib.Path(lake) / table).glob("**/*.parquet"))


def duckdb_rows(lake, table, select):
    """Run `SELECT <select>` over a table's files, without any help of trailflow."""
    assert files(lake, table), f"no Parquet under {table}/ in {lake}"
    pattern = str(pathlib.Path(lake) / table / "**" / "*.parquet").replace("'", "''")
    before, _, after = select.partition(" FROM _")
    source = f"read_parquet('{pattern}', hive_partitioning = true, union_by_name = true)"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT {before} FROM {source}{after}").fetchall()


def count(lake, table):
    """Rows of a table, counted by DuckDB; a table without files has none."""
    return duckdb_rows(lake, table, "count(*) FROM _")[0][0] if files(lake, table) else 0


def rollup(lake, signal):
    """A signal's partial rows merged by DuckDB: `{grain: (measures)}`."""
    grain = [
        "CAST(epoch(window_start) AS BIGINT)" if name == "window_start" else name for name in GRAINS[signal]
    ]
    sums = [f"CAST(sum({name}) AS BIGINT)" for name in MEASURES[signal]]
    rows = duckdb_rows(lake, f"rollups/{signal}", f"{', '.join(grain + sums)} FROM _ GROUP BY ALL")
    return {tuple(map(str, row[: len(grain)])): tuple(row[len(grain) :]) for row in rows}


def view(trailflow, lake, signal, env=None):
    """The same from `trailflow query` over the signal's view."""
    grain, measures = GRAINS[signal], MEASURES[signal]
    sums = [f"sum({name}) AS {name}" for name in measures]
    places = ", ".join(str(place) for place in range(1, len(grain) + 1))
    sql = f"SELECT {', '.join([*grain, *sums])} FROM {signal} GROUP BY {places}"
    rows = {}
    for row in trailflow.query(lake, sql, env):
        key = tuple(
            str(epoch_seconds(row[name])) if name == "window_start" else str(row[name]) for name in grain
        )
        rows[key] = tuple(int(row[name]) for name in measures)
    return rows


def mirror(s3, bucket, prefix, folder):
    """Copy what lies under a prefix in S3 into a folder; returns the folder."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    for page in pages:
        for found in page.get("Contents", []):
            path = pathlib.Path(folder) / found["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    return folder


def bytes_anywhere(lake, needle):
    """The files of the lake that hold these bytes, also where Parquet has compressed them."""
    holding = [path for path in pathlib.Path(lake).rglob("*") if path.is_file() and needle in path.read_bytes()]
    for path in pathlib.Path(lake).rglob("*.parquet"):
        with duckdb.connect() as connection:
            text = connection.execute(
                "SELECT count(*) FROM read_parquet(?) AS t WHERE contains(CAST(t AS VARCHAR), ?)",
                [str(path), needle.decode()],
            ).fetchone()
        if text[0]:
            holding.append(path)
    return holding
