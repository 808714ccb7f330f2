#!/usr/bin/env python3
"""Questions about a month of rollups: `trailflow query` beside DuckDB, on the same Parquet.

    query.py [--binary BINARY] [--files-per-day N] [--rows-per-file N] [--rounds N] [--work FOLDER]

Makes a lake with 30 days of rollups of every signal (month.py), then asks both the same questions in turns,
a process each: its start, its planning and its reading count. trailflow is asked through the signals' views,
which merge partial rows; DuckDB sums the partial rows of the files by itself, which comes to the same and
spares it the merge. `nothing` is `SELECT 1`, what the start alone costs: for DuckDB that of Python, for
trailflow that of planning every signal. The answers must agree.

The second table is from EXPLAIN ANALYZE: how much of a signal's files trailflow reads under a filter.

Then the lake is sealed (`trailflow compact`), the files that were replaced are deleted as they are 48 hours later,
and the same is asked again: DuckDB reads the sealed files.

Goal: no slower than DuckDB. Exit code: 0, or 2 when something could not be measured or the answers differ.
Needs Python with tests/requirements.txt.
"""

import argparse
import json
import re
import shutil
import sys
from dataclasses import dataclass

import measure
from measure import MIB

DUCKDB = """\
import sys
import duckdb
with duckdb.connect() as connection:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"COPY ({sys.argv[1]}) TO '/dev/stdout' (FORMAT json)")
"""
FILTERED = "denies"
"""A signal whose rows have a time, a role and an account."""
SCANNED = {
    "opened": re.compile(r"files_opened=(\d+)"),
    "files": re.compile(r"files_ranges_pruned_statistics=(\d+) total → (\d+) matched"),
    "row groups": re.compile(r"row_groups_pruned_statistics=(\d+) total → (\d+) matched"),
    "bytes": re.compile(r"bytes_scanned=([\d.]+)(?: (\w))?"),
}
"""In the line of the one scan; files whose statistics rule them out lose their row groups too."""
UNITS = {None: 1, "": 1, "B": 1, "K": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class Question:
    """SQL with `{signal}` for a signal's rows: its view, or its files."""

    name: str
    sql: str

    def of_trailflow(self):
        """Over the views."""
        return re.sub(r"\{(\w+)\}", r"\1", self.sql)

    def of_duckdb(self, lake):
        """Over the files, or over the sealed ones."""
        root = lake / "sealed" if (lake / "sealed").is_dir() else lake

        def files(found):
            return f"read_parquet('{root}/rollups/{found[1]}/**/*.parquet', hive_partitioning = true)"

        return re.sub(r"\{(\w+)\}", files, self.sql)


def questions(lake):
    """What a platform team asks of a month."""
    from month import most_frequent

    root = lake / "sealed" if (lake / "sealed").is_dir() else lake
    role = most_frequent(root, "sts_assume_role", "role_arn")
    account = most_frequent(root, "api_throttles", "account_id")
    day = "window_start >= TIMESTAMP '2026-03-15 00:00:00' AND window_start < TIMESTAMP '2026-03-16 00:00:00'"
    week = "window_start >= TIMESTAMP '2026-03-22 00:00:00'"
    return [
        Question("nothing", "SELECT 1"),
        Question(
            "the month by day and outcome",
            "SELECT date_trunc('day', window_start) AS day, outcome, sum(calls) FROM {sts_assume_role} "
            "GROUP BY 1, 2 ORDER BY 1, 2",
        ),
        Question(
            "one role, one day",
            f"SELECT window_start, outcome, sum(calls) FROM {{sts_assume_role}} WHERE role_arn = '{role}' AND {day} "
            "GROUP BY 1, 2 ORDER BY 1, 2",
        ),
        Question(
            "one account, the month, by service",
            f"SELECT service, sum(throttles) FROM {{api_throttles}} WHERE account_id = '{account}' "
            "GROUP BY 1 ORDER BY 1",
        ),
        Question(
            "the ports most rejected in a week",
            "SELECT dstport, flow_direction, sum(records) FROM {flow_rejects} "
            f"WHERE {week} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20",
        ),
        Question(
            "interfaces by bytes rejected, the month",
            "SELECT interface_id, sum(records), sum(bytes) FROM {flow_rejects} GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 20",
        ),
        Question(
            "three signals on one day",
            f"SELECT 'denies' AS signal, sum(denies) FROM {{denies}} WHERE {day} "
            f"UNION ALL SELECT 'kms_throttles', sum(throttles) FROM {{kms_throttles}} WHERE {day} "
            f"UNION ALL SELECT 'flow_rejects', sum(records) FROM {{flow_rejects}} WHERE {day} ORDER BY 1",
        ),
    ]


def answer(output):
    """Rows as lists of text, without the times: the two write them in their own way."""
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [[str(value) for name, value in row.items() if name not in ("window_start", "day")] for row in rows]


def compared(binary, lake, rounds):
    """The rows of the first table, and its sums."""
    rows = []
    for question in questions(lake):
        ours = [binary, "query", "--lake", lake, "--format", "json", question.of_trailflow()]
        theirs = [sys.executable, "-c", DUCKDB, question.of_duckdb(lake)]
        found = {"ours": [], "theirs": []}
        for _ in range(rounds):
            found["ours"].append(measure.run(ours))
            found["theirs"].append(measure.run(theirs))
        answers = [answer(costs[0].output) for costs in found.values()]
        if answers[0] != answers[1]:
            measure.fail(f"{question.name}: the answers differ: {answers[0][:3]} and {answers[1][:3]}")
        rows.append((question.name, measure.least(found["ours"]), measure.least(found["theirs"]), found))
    return rows


def report(rows):
    """The first table."""
    columns = ["question", "CPU s", "DuckDB", "ratio", "wall s", "DuckDB", "ratio", "MiB read", "DuckDB"]
    lines = []
    for name, ours, theirs, found in rows:
        wall = [min(cost.wall_seconds for cost in found[who]) for who in ("ours", "theirs")]
        lines.append(
            [
                name, f"{ours.cpu_seconds:.2f}", f"{theirs.cpu_seconds:.2f}",
                f"{ours.cpu_seconds / theirs.cpu_seconds:.2f}", f"{wall[0]:.2f}", f"{wall[1]:.2f}",
                f"{wall[0] / wall[1]:.2f}", mebibytes(ours.bytes_read), mebibytes(theirs.bytes_read),
            ]
        )
    measure.table(columns, lines)
    slower = [line[0] for line in lines if float(line[6]) > 1]
    print(f"goal: no slower than DuckDB; slower by the clock: {', '.join(slower) or 'none'}")


def mebibytes(count):
    """Of a process, where the system tells."""
    return "" if count is None else f"{count / MIB:.1f}"


def filters(binary, lake):
    """The second table: what a filter leaves to be read."""
    from month import most_frequent

    root = lake / "sealed" if (lake / "sealed").is_dir() else lake
    role, account = (most_frequent(root, FILTERED, column) for column in ("role_arn", "account_id"))
    asked = {
        "none": "true",
        "time: a day of 30": "window_start >= TIMESTAMP '2026-03-15 00:00:00' "
        "AND window_start < TIMESTAMP '2026-03-16 00:00:00'",
        "role": f"role_arn = '{role}'",
        "account": f"account_id = '{account}'",
    }
    rows = []
    for name, condition in asked.items():
        sql = f"EXPLAIN ANALYZE SELECT sum(denies) FROM {FILTERED} WHERE {condition}"
        output = measure.run([binary, "query", "--lake", lake, "--format", "json", sql]).output
        plan = "".join(json.loads(line)["plan"] for line in output.splitlines() if line.startswith("{"))
        scan = next(line for line in plan.splitlines() if "DataSourceExec" in line)
        found = {what: pattern.search(scan) for what, pattern in SCANNED.items()}
        if None in found.values():
            measure.fail(f"EXPLAIN ANALYZE does not say what was read: {scan}")
        files, groups = (f"{found[what][2]} of {found[what][1]}" for what in ("files", "row groups"))
        scanned = float(found["bytes"][1]) * UNITS[found["bytes"][2]] / MIB
        rows.append([name, found["opened"][1], files, groups, f"{scanned:.2f}"])
    # A large file may be read in two parts.
    columns = ["files opened, or parts", "left by their statistics", "row groups left of these", "MiB scanned"]
    measure.table([f"filter on {FILTERED}", *columns], rows)


def seal(binary, lake):
    """Seal the lake, and delete what the sealed files replace."""
    cost = measure.run([binary, "compact", "--lake", lake, "--format", "json"])
    did = json.loads(cost.output.splitlines()[-1])
    print(
        f"\nsealed: {did['files_before']:,} files, {did['bytes_before'] / MIB:,.0f} MiB, became {did['files_after']:,}, "
        f"{did['bytes_after'] / MIB:,.0f} MiB: {cost.cpu_seconds:.1f} CPU s, {cost.wall_seconds:.1f} s, "
        f"peak {cost.peak_mib:,.0f} MiB"
    )
    if did["unsealed"]:
        measure.fail(f"not all was sealed: {did['unsealed'][:3]}")
    shutil.rmtree(lake / "rollups")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_binary(parser)
    measure.add_work(parser)
    parser.add_argument("--files-per-day", type=int, default=24, help="of each signal")
    parser.add_argument("--rows-per-file", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3, help="in turns; the least counts")
    chosen = parser.parse_args()
    binary = measure.binary_of(chosen)
    print(measure.machine())
    try:
        import duckdb
        import month
    except ImportError as missing:
        measure.fail(f"{missing}: run this with a Python that has tests/requirements.txt")
    with measure.scratch(chosen.work) as folder:
        measure.run([binary, "demo", "--once", "--dir", folder / "demo", "--listen", "127.0.0.1:0"])
        lake = folder / "month"
        files, rows, size = month.write(folder / "demo" / "lake", lake, chosen.files_per_day, chosen.rows_per_file)
        signals = len(list((lake / "rollups").iterdir()))
        print(
            f"{signals} signals, {month.DAYS} days, {files:,} files, {rows:,} rows, {size / MIB:,.0f} MiB; "
            f"DuckDB {duckdb.__version__}"
        )
        report(compared(binary, lake, chosen.rounds))
        filters(binary, lake)
        seal(binary, lake)
        report(compared(binary, lake, chosen.rounds))
        filters(binary, lake)


if __name__ == "__main__":
    main()
