"""Runs of the real binary over bad objects, with good neighbours that must come out whole.

In: the rows of docs/bad-input.md that concern objects. Out: what came of each, as other readers see it.
"""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow.parquet

import bad_objects
import inputs
import lake
from polling import until

SECONDS = 120
TABLES = ("cloudtrail", "flow_logs", "transit_gateway_flow_logs")


@dataclass
class Came:
    """What came of one object: its row of `ingest_log`, and what the other tables hold of it."""

    outcome: str
    reason: str | None
    rows: int
    rejected: int
    suppressed: int | None
    """None where the lake has no such column."""
    in_tables: int = 0
    kept: Counter = field(default_factory=Counter)
    """Rejected records that stand in `quarantine`, by reason."""
    set_aside: list = field(default_factory=list)
    """Reasons for which the whole object stands in `quarantine`."""


def came_of(folder):
    """`{(bucket, key): [Came]}` of a lake, read by DuckDB: one for each version of an object."""
    log = lake.files(folder, "ingest_log")
    if not log:
        return {}
    has_suppressed = "suppressed" in pyarrow.parquet.read_schema(log[0]).names
    columns = f"bucket, key, outcome, reason, rows, rejected, {'suppressed' if has_suppressed else 'NULL'}"
    came = {}
    for bucket, key, *rest in lake.duckdb_rows(folder, "ingest_log", f"{columns} FROM _"):
        came.setdefault((bucket, key), []).append(Came(*rest))
    # The tables do not name the version; where there are several, all of them are together.
    for table in TABLES:
        if lake.files(folder, table):
            select = "src_bucket, src_key, count(*) FROM _ GROUP BY ALL"
            for bucket, key, rows in lake.duckdb_rows(folder, table, select):
                came[bucket, key][0].in_tables += rows
    if lake.files(folder, "quarantine"):
        select = "bucket, key, scope, reason, count(*) FROM _ GROUP BY ALL"
        for bucket, key, scope, reason, count in lake.duckdb_rows(folder, "quarantine", select):
            if scope == "record":
                came[bucket, key][0].kept[reason] += count
            else:
                came[bucket, key][0].set_aside += [reason] * count
    return came


def logged_keys(folder):
    """The keys in `ingest_log`; also while the lake is being written, when tables are not complete."""
    if not lake.files(folder, "ingest_log"):
        return set()
    return {key for (key,) in lake.duckdb_rows(folder, "ingest_log", "key FROM _")}


def the_one(came, name):
    """What came of an object that has one version; None when nothing did."""
    versions = came.get(name, [])
    assert len(versions) <= 1, f"{name} stands in ingest_log {len(versions)} times"
    return versions[0] if versions else None


class Neighbours:
    """Good objects of every kind, and what they owe."""

    def __init__(self, seed):
        self.objects, self.expected = inputs.all_signals(seed=seed)

    def assert_whole(self, came, bucket):
        """Bad input beside them must not have cost them a row."""
        mine = [the_one(came, (bucket, key)) for key in self.objects]
        assert None not in mine, f"{mine.count(None)} good objects are not in ingest_log"
        assert Counter(one.outcome for one in mine) == self.expected.outcomes
        assert sum(one.rows for one in mine) == self.expected.rows.total()
        assert all(one.rows == one.in_tables and one.rejected == 0 for one in mine)


@dataclass
class Objects:
    """A finished backfill: what came of each row's object, and the last lines of its reports."""

    by_row: dict
    reports: list
    neighbours: Neighbours
    came: dict


def backfilled(trailflow, folder, rows):
    """One backfill of all objects but those that come `later`, then one of these, into the same lake."""
    neighbours = Neighbours("backfilled")
    inputs.write_objects(folder / "source", neighbours.objects)
    later = [row for row in rows if row.form == "later"]
    keys = bad_objects.lay_out(folder / "source", [row for row in rows if row not in later])
    reports = [trailflow.backfill(folder / "source", folder / "lake")]
    names = {name: ("source", key) for name, key in keys.items()}
    if later:
        keys = bad_objects.lay_out(folder / "later", later)
        reports.append(trailflow.backfill(folder / "later", folder / "lake"))
        names |= {name: ("later", key) for name, key in keys.items()}
    came = came_of(folder / "lake")
    by_row = {name: the_one(came, at) for name, at in names.items()}
    return Objects(by_row, reports, neighbours, came)


def watched(trailflow, folder, rows):
    """The service over the same objects in a directory: `(metrics, neighbours)`."""
    neighbours = Neighbours("watched")
    source = folder / "source"
    inputs.write_objects(source, neighbours.objects)
    bad_objects.lay_out(source, rows)
    seen = [row for row in rows if row.form not in bad_objects.UNFINISHED]
    finished = len(seen) + len(neighbours.objects)
    settings = {"TRAILFLOW_DIRECTORY": str(source), "TRAILFLOW_LAKE": str(folder / "lake")}
    with trailflow.start(folder, settings) as service:

        def all_ended():
            return service.metrics().total("trailflow_objects_total") >= finished

        until(f"{finished} objects are done with", all_ended, SECONDS, service.alive)
        metrics = service.metrics()
        assert service.terminate() == 0
    return metrics, neighbours
