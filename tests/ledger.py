"""Objects whose every row is known, and a lake held against them: what is lost, what is there twice.

In: a seed. Out: objects, as many as are asked for, and a `Verdict` on a lake's published files. Must
hold: no two rows of a ledger have the same id, an event's being its `event_id`, a flow's its source
address and port; so each row can be asked for by itself. The lake is read by DuckDB alone.
"""

import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

import inputs
import lake

HOLE = "0badc0de"
"""Stands in a template where an object's number goes; eight digits, as in an event id."""
FLOW_HOLE = "10.173.202.222"
"""The same in a flow log: an address, whose last three bytes count the objects."""
OBJECTS_MAX = 1 << 24


@dataclass
class Template:
    """An object with holes for its number, and what it owes."""

    kind: str
    text: str
    expected: inputs.Expected
    rows: int

    def body(self, number):
        """The bytes of the object of that number."""
        address = ".".join(map(str, (10, number >> 16 & 255, number >> 8 & 255, number & 255)))
        text = self.text.replace(HOLE, f"{number:08x}").replace(FLOW_HOLE, address)
        return inputs.compressed(text.encode())


def cloudtrail_template(seed, fill):
    """A CloudTrail object; `fill` adds the records to an `inputs.CloudTrailFile`."""
    expected = inputs.Expected()
    file = inputs.CloudTrailFile(expected, seed)
    fill(file)
    for row, record in enumerate(file.records):
        record["eventID"] = f"{HOLE}-0000-4000-8000-{row:012x}"
        if "sharedEventID" in record:
            record["sharedEventID"] = f"{HOLE}-0000-4000-9000-{row:012x}"
    text = json.dumps({"Records": file.records}, separators=(",", ":"))
    return Template("cloudtrail", text, expected, len(file.records))


def flow_template(fill):
    """A flow-log object; `fill` adds the lines to an `inputs.FlowLogFile`."""
    expected = inputs.Expected()
    file = inputs.FlowLogFile(expected)
    fill(file)
    lines = []
    for row, line in enumerate(file.lines):
        fields = line.split(" ")
        fields[3], fields[5] = FLOW_HOLE, str(row)
        lines.append(" ".join(fields))
    return Template("flow_logs", "\n".join([file.HEADER, *lines, ""]), expected, len(lines))


def templates(scale=1):
    """Objects that every signal finds something in; `scale` multiplies their rows."""

    def sessions(file):
        file.assumed(inputs.role("deployer"), 3 * scale)
        file.assumed(inputs.role("deployer"), 2 * scale, minute=6)
        file.assumed_by_service(inputs.role("cluster"), "eks.amazonaws.com", scale)
        file.assume_denied(inputs.role("admin"), 2 * scale)
        file.web_identity(inputs.role("cart"), "shop", "cart", scale, minute=1)

    def refused(file):
        file.audience_refused(inputs.role("cart"), "shop", "cart", "vault.example.com", 2 * scale)
        file.kms_throttled("node", "Decrypt", 4 * scale)
        file.kms_throttled("node", "GenerateDataKey", scale, minute=6)
        file.kms_decrypted("node", scale)

    def flows(file):
        file.rejected("eni-0a1b2c3d4e5f60001", 5432, "ingress", 3 * scale)
        file.rejected("eni-0a1b2c3d4e5f60001", 5432, "ingress", scale, packets=5, minute=7)
        file.rejected("eni-0a1b2c3d4e5f60002", 443, "egress", 2 * scale, packets=1)
        file.accepted("eni-0a1b2c3d4e5f60002", 443, "egress", 3 * scale)

    return [cloudtrail_template("s", sessions), cloudtrail_template("r", refused), flow_template(flows)]


@dataclass
class Verdict:
    """What a lake lacks, and what it has too much of, in rows of any table."""

    rows: int
    lost: int = 0
    doubled: int = 0
    strange: int = 0
    faults: list = field(default_factory=list)

    def is_exact(self):
        """Nothing lost, nothing twice, nothing else."""
        return not self.faults

    def __str__(self):
        return f"{self.rows} rows, {self.lost} lost, {self.doubled} doubled, {self.strange} strange" + "".join(
            f"\n  {fault}" for fault in self.faults
        )


class Ledger:
    """The objects made so far, and what they owe."""

    def __init__(self, seed, made_of=None):
        self._dice = random.Random(f"ledger {seed}")
        self._templates = made_of or templates()
        self._numbers = itertools.count(1)
        self._made = {}
        self._uses = Counter()

    def make(self):
        """The next object: `(key, body)`. It owes its rows from now on."""
        number = next(self._numbers)
        if number >= OBJECTS_MAX:
            raise OverflowError("no more numbers for objects")
        use = self._dice.randrange(len(self._templates))
        template = self._templates[use]
        name = f"{number:08x}"
        cloudtrail = template.kind == "cloudtrail"
        key = inputs.cloudtrail_key(name) if cloudtrail else inputs.hive_flow_log_key(name)
        self._made[key] = (number, template)
        self._uses[use] += 1
        return key, template.body(number)

    def objects(self, count):
        """The next objects: `{key: body}`."""
        return dict(self.make() for _ in range(count))

    @property
    def count(self):
        """How many objects were made."""
        return len(self._made)

    @property
    def rows(self):
        """How many rows are owed."""
        return sum(uses * self._templates[use].rows for use, uses in self._uses.items())

    def _owed(self, kind):
        """`(key, number, rows)` of each object of a kind, or of any, as an Arrow table."""
        objects = [
            (key, number, template.rows)
            for key, (number, template) in self._made.items()
            if kind in (None, template.kind)
        ]
        columns = zip(*objects, strict=True) if objects else ((), (), ())
        types = (pa.string(), pa.int64(), pa.int64())
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        return pa.table(arrays, names=["key", "number", "rows"])

    def view(self, signal):
        """`{grain: (measures)}` that a signal owes over all objects."""
        totals = {}
        for use, uses in self._uses.items():
            for grain, measures in self._templates[use].expected.view(signal).items():
                known = totals.get(grain, (0,) * len(measures))
                totals[grain] = tuple(a + uses * b for a, b in zip(known, measures, strict=True))
        return totals

    def verdict(self, folder):
        """Hold the published files of a lake against everything that is owed."""
        verdict = Verdict(self.rows)
        ids = {
            "cloudtrail": ("event_id", "printf('%08x-0000-4000-8000-%012x', number, row)"),
            "flow_logs": (
                "src || ' ' || srcport",
                "printf('10.%d.%d.%d %d', number >> 16 & 255, number >> 8 & 255, number & 255, row)",
            ),
        }
        for table, (having, owing) in ids.items():
            owed = f"SELECT {owing} AS id, key FROM (SELECT *, unnest(range(rows)) AS row FROM owed)"
            self._compare(verdict, folder, table, table, f"{having} AS id, src_key AS key", owed)
        log = "key || ' ' || outcome || ' ' || rows AS id, key"
        owed = "SELECT key || ' ingested ' || rows AS id, key FROM owed"
        self._compare(verdict, folder, "ingest_log", None, log, owed)
        for signal in inputs.GRAINS:
            found = lake.rollup(folder, signal) if lake.files(folder, f"rollups/{signal}") else {}
            owed = self.view(signal)
            wrong = [grain for grain in found | owed if found.get(grain) != owed.get(grain)]
            if wrong:
                grain = wrong[0]
                verdict.faults.append(
                    f"rollups/{signal}: {len(wrong)} sums are wrong, such as {found.get(grain)} instead of "
                    f"{owed.get(grain)} of {grain}"
                )
        return verdict

    def _compare(self, verdict, folder, table, kind, having, owed):
        """Count the ids of a table that are owed and not there, there more than once, or not owed."""
        with duckdb.connect() as connection:
            connection.register("owed", self._owed(kind))
            found = "SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS key WHERE false"
            if lake.files(folder, table):
                pattern = f"{folder}/{table}/**/*.parquet".replace("'", "''")
                found = f"SELECT {having} FROM read_parquet('{pattern}', union_by_name = true)"
            lost, doubled, strange, owed_one, strange_one = connection.execute(
                f"""
                WITH due AS ({owed}),
                     there AS (SELECT id, key, count(*) AS times FROM ({found}) GROUP BY ALL),
                     held AS (
                         SELECT coalesce(due.id, there.id) AS id, due.id IS NOT NULL AS due,
                                coalesce(times, 0) AS times
                         FROM due FULL JOIN there ON due.id = there.id AND due.key = there.key
                     ),
                     wrong AS (SELECT * FROM held WHERE NOT due OR times <> 1)
                SELECT count(*) FILTER (due AND times = 0), coalesce(sum(times - 1) FILTER (due AND times > 1), 0),
                       coalesce(sum(times) FILTER (NOT due), 0), min(id) FILTER (due), min(id) FILTER (NOT due)
                FROM wrong
                """
            ).fetchone()
        verdict.lost += lost
        verdict.doubled += int(doubled)
        verdict.strange += int(strange)
        if lost or doubled or strange:
            verdict.faults.append(
                f"{table}: {lost} lost, {doubled} doubled, {strange} strange, such as "
                f"{', '.join(filter(None, (owed_one, strange_one)))}"
            )
