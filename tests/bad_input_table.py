"""`docs/bad-input.md` as data: its rows are the cases that test_bad_input.py runs.

In: the document. Out: [`Row`]s, the legend of outcomes, and the table of what others lost. A cell that
cannot be read is an error that names its row, so that no row is passed over.
"""

import pathlib
import re
from collections import Counter
from dataclasses import dataclass

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "bad-input.md"

ROW_COLUMNS = ("id", "what is wrong", "input", "gets", "leaves", "test")
LEGEND_COLUMNS = ("gets", "what becomes of it", "in the lake", "elsewhere")
BEYOND_COLUMNS = ("reason", "why no input reaches it", "what shows it")
LOST_COLUMNS = ("how others lost data", "what is done here", "test")

INPUT = re.compile(r"^(?P<source>made|fault)?:? ?`(?P<name>[^`]+)`(?: as `(?P<form>\w+)`)?$")
LEAVES = re.compile(r"^(?:(?P<count>\d+) (?:row|object)s?|some rows|-)$")
COUNTED = re.compile(r"^(?P<reason>\w+) × (?P<count>\d+)$")
OUTCOMES = ("ingested", "ignored", "quarantined", "rejected", "suppressed", "duplicate", "acknowledged",
            "dead-letter", "records", "foreign bucket", "retried", "refused", "left alone")


@dataclass(frozen=True)
class Row:
    """One kind of bad input, and what it gets."""

    id: str
    wrong: str
    source: str
    """`file`, `made` or `fault`."""
    name: str
    """A path below testdata, a generator's name, or a fault's."""
    form: str | None
    """How the object is announced, where the file's folder does not say it."""
    said: str
    """The cell `gets` as it stands."""
    gets: dict
    """`{outcome: detail}`; the detail is a reason, counts by reason, a message, or None."""
    leaves: int | None
    """Rows of an object, or objects of a message, that are in the lake afterwards; None for some rows."""
    test: str
    soon: bool

    def __str__(self):
        return self.id


def tables():
    """Every table of the document: `[(columns, [cells])]`."""
    found, lines = [], DOCUMENT.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", line):
            rows = []
            for body in lines[number + 1 :]:
                if not body.startswith("|"):
                    break
                rows.append(cells(body))
            found.append((tuple(cells(lines[number - 1])), rows))
    return found


def cells(line):
    """The cells of a line of a table; `\\|` is a bar inside one."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def with_columns(columns):
    """The rows of all tables that have these columns."""
    rows = [row for found, body in tables() if found == columns for row in body]
    assert rows, f"{DOCUMENT.name} has no table with the columns {columns}"
    assert all(len(row) == len(columns) for row in rows), [row for row in rows if len(row) != len(columns)]
    return rows


def rows():
    """Every kind of bad input, in the document's order."""
    found = [row_of(line) for line in with_columns(ROW_COLUMNS)]
    twice = [name for name, times in Counter(row.id for row in found).items() if times > 1]
    assert not twice, f"ids that are used twice: {twice}"
    return found


def row_of(line):
    name, wrong, given, gets, leaves, test = line
    name = name.strip("`")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), f"{name!r} is no id"
    read = INPUT.match(given)
    assert read, f"{name}: the input {given!r} cannot be read"
    left = LEAVES.match(leaves)
    assert left, f"{name}: what it leaves cannot be read: {leaves!r}"
    runs = re.fullmatch(r"`(test_\w+)`(, soon)?", test)
    assert runs, f"{name}: the test {test!r} cannot be read"
    return Row(
        id=name,
        wrong=wrong,
        source=read["source"] or "file",
        name=read["name"],
        form=read["form"],
        said=gets,
        gets=outcomes(name, gets),
        leaves=int(left["count"]) if left["count"] else None,
        test=runs[1],
        soon=bool(runs[2]),
    )


def outcomes(name, cell):
    """`quarantined: too_large; rejected: too_long × 1` as a dictionary."""
    if cell.startswith("refused: "):
        return {"refused": cell.removeprefix("refused: ").strip("`").strip()}
    gets = {}
    for part in cell.split("; "):
        outcome, _, detail = part.partition(": ")
        outcome, _, times = outcome.partition(" × ")
        assert outcome in OUTCOMES, f"{name}: no such outcome: {part!r}"
        if outcome in ("rejected", "records"):
            gets[outcome] = Counter()
            for one in detail.split(", "):
                counted = COUNTED.match(one)
                assert counted, f"{name}: {one!r} does not read `reason × number`"
                gets[outcome][counted["reason"]] += int(counted["count"])
        else:
            gets[outcome] = int(times) if times else (detail.strip("`") or None)
    return gets


def legend():
    """`{outcome: (in the lake, elsewhere)}`: where each outcome shows."""
    found = {}
    for name, _, lake, elsewhere in with_columns(LEGEND_COLUMNS):
        outcome = name.strip("`").partition(":")[0].partition(" ×")[0]
        found[outcome] = (lake, elsewhere)
    return found


def beyond_reach():
    """`{reason: what shows it}`: the reasons that no input is known to reach."""
    return {reason.strip("`"): shown for reason, _, shown in with_columns(BEYOND_COLUMNS)}


def lost_by_others():
    """`[(what, counter-measure, [tests])]`."""
    found = []
    for what, measure, tests in with_columns(LOST_COLUMNS):
        named = re.findall(r"`([^`]+)`", tests)
        assert named, f"{what}: {tests!r} names no test"
        found.append((what, measure, named))
    return found
