"""docs/bad-input.md, row by row: each input goes to the real binary, and gets what its row says.

Most rows share a run, because a run costs more than a row, and the runs wait side by side. A row that is
marked `soon` describes what the binary does not do yet: it is expected to fail, by name and with the
difference, and fails the suite on the day it no longer does.
"""

import re
import shutil
import socket
import sys
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import bad_input_queue_runs as queue_runs
import bad_input_runs as runs
import bad_input_table as table
import bad_objects
import reasons
from bad_input_queue_runs import OURS
from bad_objects import MIB, TESTDATA
from service import describe

ROWS = table.rows()
# Passed over before they are claimed, so that the lake does not feed itself.
OF_THE_LAKE = [row for row in ROWS if row.form in ("lake_table", "lake_claim")]
BAD_SIGNALS = TESTDATA / "bad_input" / "signals"


def rows_of(test):
    # The file systems of macOS refuse such a name themselves.
    impossible = "name_not_utf8" if sys.platform == "darwin" else None
    return [row for row in ROWS if row.test == test and (impossible is None or row.form != impossible)]


def cases(test):
    """The rows of a test as its parameters; rows that are `soon` are expected to fail."""

    def marks(row):
        missing = pytest.mark.xfail(
            strict=True, raises=AssertionError, reason=f"soon: {row.wrong}: {row.said.replace('`', '')}"
        )
        return [missing] if row.soon else []

    return pytest.mark.parametrize("row", [pytest.param(row, id=row.id, marks=marks(row)) for row in rows_of(test)])


class Runs:
    """Runs that were started at once."""

    def __init__(self, pool):
        self.pool = pool
        self.futures = {}

    def start(self, name, run, *arguments):
        self.futures[name] = self.pool.submit(run, *arguments)

    def __getitem__(self, name):
        """What a run gave. One that failed fails every test of it, and is never what a `soon` expects."""
        error = self.futures[name].exception()
        if error is not None:
            pytest.fail(f"the run {name!r} failed:\n{''.join(traceback.format_exception(error))}", pytrace=False)
        return self.futures[name].result()


@pytest.fixture(scope="module")
def under_way(trailflow, ministack, tmp_path_factory):
    """Every run, started at once, because each of them mostly waits."""

    def place(name):
        return tmp_path_factory.mktemp(f"bad-input-{name}")

    objects = rows_of("test_an_object")
    signals = BAD_SIGNALS / "fails_on_a_row"
    with ThreadPoolExecutor(max_workers=8) as pool:
        started = Runs(pool)
        for name, run, test, *more in (
            ("poison", queue_runs.kills, "test_poison"),
            ("last try", queue_runs.last_try, "test_the_last_try", signals),
            ("messages", queue_runs.messages, "test_a_message"),
            ("faults", queue_runs.faults, "test_a_fetch"),
        ):
            started.start(name, run, trailflow, ministack, place(run.__name__), rows_of(test), *more)
        started.start("watched", runs.watched, trailflow, place("watched"), watched_rows())
        started.start("backfilled", runs.backfilled, trailflow, place("backfilled"), objects)
        yield started


# --- objects ---------------------------------------------------------------------------------------


@cases("test_an_object")
def test_an_object(row, under_way):
    """In the lake of a backfill stands of each object what its row says, and nothing else."""
    came = under_way["backfilled"].by_row[row.id]
    if "left alone" in row.gets:
        assert came is None
        return
    assert_came(row, came)


def assert_came(row, came):
    """Outcome, rows, rejected records and quarantine of one object."""
    assert came is not None, "the object is not in ingest_log"
    gets = row.gets
    expected = next((one for one in ("ignored", "quarantined") if one in gets), "ingested")
    assert (came.outcome, came.reason) == (expected, gets.get(expected))
    assert came.set_aside == ([came.reason] if expected == "quarantined" else [])
    rejected = gets.get("rejected", Counter())
    assert came.rejected == rejected.total(), came
    # Of many rejected records the first are kept with an excerpt.
    if rejected.total() <= 100:
        assert came.kept == rejected
    else:
        assert set(came.kept) == set(rejected) and came.kept.total() == 100
    assert came.rows == came.in_tables, "ingest_log and the tables disagree"
    if row.leaves is None:
        assert came.rows > 0
    else:
        assert came.rows == row.leaves
    if "suppressed" in gets:
        assert came.suppressed == gets["suppressed"]


def test_good_objects_beside_them_are_whole(under_way):
    done = under_way["backfilled"]
    done.neighbours.assert_whole(done.came, "source")


def test_the_report_of_a_backfill_adds_up(under_way):
    """`backfill --format json` counts by reason what the rows say; `soon` does not change reasons."""
    done = under_way["backfilled"]
    for outcome in ("ignored", "quarantined"):
        expected = Counter(row.gets[outcome] for row in rows_of("test_an_object") if outcome in row.gets)
        if outcome == "ignored":
            # The digest among the good objects.
            expected["digest"] += 1
        seen = sum((Counter(report[f"{outcome}_by_reason"]) for report in done.reports), Counter())
        assert seen == expected, outcome
    expected = sum((row.gets.get("rejected", Counter()) for row in rows_of("test_an_object")), Counter())
    assert sum((Counter(report["rejected"]) for report in done.reports), Counter()) == expected
    for report in done.reports:
        assert report["objects"] == report["ingested"] + report["ignored"] + report["quarantined"] + report["own"]
    assert sum(report["own"] for report in done.reports) == len(OF_THE_LAKE)


def test_the_service_counts_objects_where_the_legend_says(under_way):
    """The service over the same objects: its counters, by the metrics that the document names."""
    metrics, neighbours = under_way["watched"]
    rows = [row for row in watched_rows() if "left alone" not in row.gets]
    expected = {name: Counter() for name in ("quarantined", "rejected")}
    outcomes = Counter(neighbours.expected.outcomes)
    outcomes["ignored"] += len(OF_THE_LAKE)
    for row in rows:
        outcomes[next((one for one in ("ignored", "quarantined") if one in row.gets), "ingested")] += 1
        if "quarantined" in row.gets:
            expected["quarantined"][row.gets["quarantined"]] += 1
        expected["rejected"] += row.gets.get("rejected", Counter())
    for outcome in ("ingested", "ignored"):
        assert counted(metrics, outcome) == outcomes[outcome], outcome
    for outcome, by_reason in expected.items():
        for reason, count in by_reason.items():
            assert counted(metrics, outcome, reason) == count, f"{outcome}: {reason}"
        assert metrics.total(metric_of(outcome)[0]) == by_reason.total(), outcome
    assert metrics.total("trailflow_objects_total", outcome="quarantined") == outcomes["quarantined"]


def watched_rows():
    """All objects but the one that takes seconds: the backfill has read it."""
    return [row for row in rows_of("test_an_object") if row.name != "gzip_bomb"]


def metric_of(outcome):
    """The metric that the legend names for an outcome: its name, and its labels as they stand there."""
    named = re.search(r"`(trailflow_\w+)(?:\{([^}]*)\})?`", table.legend()[outcome][1])
    assert named, f"the legend names no metric for {outcome}"
    name, labels = named[1], named[2] or ""
    return name, dict(re.findall(r'(\w+)="([^"]*)"', labels))


def counted(metrics, outcome, reason=None):
    """The value of the metric that the legend names; R in it is the reason."""
    name, labels = metric_of(outcome)
    return metrics.total(name, **{label: reason if value == "R" else value for label, value in labels.items()})


# --- messages --------------------------------------------------------------------------------------


@cases("test_a_message")
def test_a_message(row, under_way):
    """Deleted or left for the dead-letter queue, for the reason that its row says."""
    done = under_way["messages"]
    body = queue_runs.body_of_message(row)
    assert done.dead.count(body) == ("dead-letter" in row.gets), "in the dead-letter queue"
    said = [line["reason"] for line in done.log if done.ids.get(line.get("message_id")) == row.id and "reason" in line]
    whole = row.gets.get("dead-letter")
    # Not how often: the emulator now and then hands a message out once more than its policy allows.
    assert set(said) == {whole} - {None} | set(row.gets.get("records", Counter()))
    # An object that several messages announce with different ETags came once with each.
    announced = set(queue_runs.announced_by(row))
    came = [{(one.outcome, one.reason) for one in done.came.get(name, [])} for name in announced]
    assert came.count({("ingested", None)}) == row.leaves
    assert came.count({("ignored", row.gets.get("ignored"))}) == ("ignored" in row.gets)
    nobody_fetched = row.gets.get("foreign bucket", 0) + ("left alone" in row.gets)
    assert came.count(set()) == nobody_fetched


def test_the_service_counts_messages_where_the_legend_says(under_way):
    """Each message of unknown shape, each unreadable record and each foreign bucket, at each receive."""
    done = under_way["messages"]
    rows = rows_of("test_a_message")
    of_row = {row.id: row for row in rows}
    said = [(of_row[done.ids[line["message_id"]]], line["reason"]) for line in done.log
            if line.get("message_id") in done.ids and "reason" in line]
    whole = [reason for row, reason in said if row.gets.get("dead-letter") == reason]
    assert len(whole) >= sum(1 for row in rows if row.gets.get("dead-letter"))
    assert counted(done.metrics, "dead-letter") == len(whole)
    parts = Counter(reason for row, reason in said if reason in row.gets.get("records", Counter()))
    assert parts >= sum((row.gets.get("records", Counter()) for row in rows), Counter())
    for reason, count in parts.items():
        assert counted(done.metrics, "records", reason) == count, reason
    assert done.metrics.total(metric_of("records")[0]) == parts.total()
    assert counted(done.metrics, "foreign bucket") >= sum(row.gets.get("foreign bucket", 0) for row in rows)
    assert counted(done.metrics, "duplicate") >= sum("duplicate" in row.gets for row in rows) > 0
    dead = sum("dead-letter" in row.gets for row in rows)
    assert len(done.dead) == dead
    assert counted(done.metrics, "acknowledged") == len(rows) - dead + len(done.neighbours.objects)
    done.neighbours.assert_whole(done.came, OURS)


# --- fetching --------------------------------------------------------------------------------------


@cases("test_a_fetch")
def test_a_fetch(row, under_way):
    """An object that could not be fetched is settled, or nothing of it counts and its message stays."""
    done = under_way["faults"]
    assert done.asked[row.id] > 0, "S3 was never asked"
    came = done.by_row[row.id]
    if "retried" in row.gets:
        assert came is None, "a message that comes again, and its object stands in ingest_log"
        assert [line for line in done.told[row.id] if row.gets["retried"] in line], done.told[row.id]
        return
    assert_came(row, came)


def test_a_failed_read_is_counted_and_its_message_stays(under_way):
    done = under_way["faults"]
    failing = [row for row in rows_of("test_a_fetch") if "retried" in row.gets]
    assert done.left == len(failing), "messages that are not deleted"
    # One whose HEAD fails never had a kind, and one that broke midway took its batch along.
    uncounted = sum(row.form == "unversioned" or row.name == "breaks" for row in failing)
    assert counted(done.metrics, "retried") >= len(failing) - uncounted
    done.neighbours.assert_whole(done.came, OURS)


@cases("test_the_last_try")
def test_the_last_try(row, under_way):
    """What failed at every receive is quarantined before the queue gives it up."""
    assert_came(row, under_way["last try"][row.id])


@cases("test_poison")
def test_poison(row, under_way):
    """What ended the process again and again is quarantined without being read."""
    assert_came(row, under_way["poison"][row.id])


# --- configuration and signals ---------------------------------------------------------------------


@cases("test_a_configuration")
def test_a_configuration(row, trailflow, tmp_path):
    """`run` and `check` tell every mistake at its line, and `run` does not start."""
    path, env = configured(row, tmp_path)
    named = ["--config", path] if path else []
    done = trailflow.run("run", *named, env=env, cwd=tmp_path, seconds=60)
    assert done.returncode == 2, describe(done)
    told = findings(done.stderr, path.parent if path else tmp_path)
    assert_told(row, told)
    expected = (TESTDATA / row.name).with_suffix(".expected")
    if expected.is_file():
        assert told == expected.read_text(encoding="utf-8").splitlines()
    # Without file and variables `check` has no configuration to check.
    if named or env:
        done = trailflow.run("check", BAD_SIGNALS / "nothing_wrong", *named, env=env, cwd=tmp_path)
        assert done.returncode == 1, describe(done)
        assert findings(done.stdout, path.parent if path else tmp_path) == told


def configured(row, folder):
    """The file and the variables of a row: `(path or None, variables)`."""
    if row.source == "made":
        path = folder / f"{row.name}.toml"
        if row.name == "config_over_1_mib":
            path.write_text("#" * (MIB + 1))
        else:
            path.mkdir()
        return path, {}
    path = TESTDATA / row.name
    variables = path.with_suffix(".env")
    lines = variables.read_text(encoding="utf-8").splitlines() if variables.is_file() else []
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    return (path if path.suffix == ".toml" else None), env


def findings(output, folder):
    """The findings in an output, without the folder."""
    lines = output.decode().replace(f"{folder}/", "").splitlines()
    return [line for line in lines if ". Fix: " in line]


def assert_told(row, told):
    """The message of the row, with a fix behind it; every line has the form of a finding."""
    message = row.gets["refused"]
    assert any(line.startswith(message) for line in told), f"{message!r} is not in {told}"
    assert all(re.match(r"[^\s:]+(:\d+)?: .+\. Fix: .+\.$", line) for line in told), told


@cases("test_a_start")
def test_a_start(row, trailflow, tmp_path):
    """What is wrong with the place it starts in is said, and `run` ends with 2."""
    place, settings, held = unfit(row.name, tmp_path)
    try:
        done = trailflow.run("run", env=settings, cwd=tmp_path, seconds=60)
    finally:
        if held is not None:
            held.close()
    assert done.returncode == 2, describe(done)
    assert row.gets["refused"].replace("PLACE", place) in done.stderr.decode()
    assert b"panicked" not in done.stderr


def unfit(name, folder):
    """What is in the way, the variables, and a socket to close: nothing else is wrong."""
    (folder / "logs").mkdir()
    settings = {"TRAILFLOW_DIRECTORY": str(folder / "logs"), "TRAILFLOW_LAKE": str(folder / "lake"),
                "TRAILFLOW_LISTEN": "127.0.0.1:0"}
    if name == "directory_missing":
        place = settings["TRAILFLOW_DIRECTORY"] = str(folder / "nowhere")
    elif name == "lake_is_a_file":
        place = settings["TRAILFLOW_LAKE"]
        (folder / "lake").touch()
    elif name == "port_taken":
        held = socket.create_server(("127.0.0.1", 0))
        place = settings["TRAILFLOW_LISTEN"] = f"127.0.0.1:{held.getsockname()[1]}"
        return place, settings, held
    else:
        place = {"signals_missing": str(folder / "nowhere"), "signals_wrong": str(BAD_SIGNALS / "unknown_column")}[name]
        (folder / "trailflow.toml").write_text(f'[signals]\ndirectory = "{place}"\n')
        settings["TRAILFLOW_CONFIG"] = str(folder / "trailflow.toml")
    return place, settings, None


@cases("test_a_signal")
def test_a_signal(row, trailflow, tmp_path):
    """`check` tells every mistake at its line."""
    catalog = tmp_path / "sql"
    if row.source == "made":
        shutil.copytree(BAD_SIGNALS / "nothing_wrong", catalog)
        with (catalog / "cloudtrail" / "key_deletions.sql").open("a") as file:
            file.write("-" * (MIB + 1))
    else:
        shutil.copytree(TESTDATA / row.name, catalog)
    if (catalog / "runbooks.md").is_file():
        (tmp_path / "docs").mkdir()
        (catalog / "runbooks.md").rename(tmp_path / "docs" / "runbooks.md")
    done = trailflow.run("check", catalog)
    assert done.returncode == 1, describe(done)
    told = [line.replace(str(catalog), "catalog") for line in findings(done.stdout, catalog)]
    assert_told(row, told)
    expected = catalog / "expected"
    if expected.is_file():
        # `check` also plans the queries and runs the tests, so that it may find more.
        lines = expected.read_text(encoding="utf-8").splitlines()
        known = {line.replace("catalog/<table>", "<table>") for line in told}
        assert set(lines) <= known, f"{set(lines) - known} are not among {told}"
    assert b"panicked" not in done.stderr


# --- the document ----------------------------------------------------------------------------------


def test_every_row_has_a_test_and_every_input_is_there():
    tests = {name for name in globals() if name.startswith("test_")}
    assert {row.test for row in ROWS} <= tests
    missing = [row.name for row in ROWS if row.source == "file" and not (TESTDATA / row.name).exists()]
    assert not missing, missing
    assert len(ROWS) >= 70


def test_every_outcome_has_a_place_where_it_shows(repository):
    legend = table.legend()
    assert set().union(*(row.gets for row in ROWS)) <= set(legend)
    metrics = (repository / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"trailflow_\w+", " ".join(elsewhere for _, elsewhere in legend.values())))
    assert not [name for name in named if f"| `{name}` |" not in metrics]


def test_no_reason_is_without_a_row():
    """Every reason that the code knows has a row, or stands among those that nothing reaches."""
    in_code = reasons.in_the_code()
    written = reasons_of_rows()
    beyond = {tuple(name.split(": ")) for name in table.beyond_reach()}
    assert not in_code - written - beyond, "reasons in the code that no row gets"
    assert not beyond - in_code, "reasons that the code does not know any more"
    assert not beyond & written, "reasons that a row does get"
    assert not reasons_of_rows(soon=False) - in_code, "reasons that only the document knows"


def reasons_of_rows(soon=True):
    """`{(outcome, reason)}` of the rows, as `reasons` names them."""
    found = set()
    for row in ROWS:
        if row.soon and not soon:
            continue
        found |= {(outcome, row.gets[outcome]) for outcome in ("ignored", "quarantined") if outcome in row.gets}
        found |= {("rejected", reason) for reason in row.gets.get("rejected", ())}
        found |= {("unreadable", reason) for reason in row.gets.get("records", ())}
        if row.gets.get("dead-letter"):
            found.add(("unreadable", row.gets["dead-letter"]))
    return found


def test_no_bad_fixture_is_without_a_row():
    """Cases of configuration and signals that are refused, messages that are not understood, and all of bad_input."""
    used = {row.name for row in ROWS if row.source == "file"}
    refused = {
        f"config/{path.name}"
        for path in (TESTDATA / "config").iterdir()
        if path.suffix in (".toml", ".env") and is_refused(path.with_suffix(".expected"))
    }
    # A case with a file is named by it.
    refused -= {name for name in refused if name.endswith(".env") and name.replace(".env", ".toml") in refused}
    refused |= {
        f"signals/{path.name}" for path in (TESTDATA / "signals").iterdir() if is_refused(path / "expected")
    }
    for path in (TESTDATA / "notifications").glob("*.expected.json"):
        if '"reason"' in path.read_text() or '"unknown":' in path.read_text():
            refused.add(f"notifications/{path.name.replace('.expected', '')}")
    # SQS takes no empty message.
    refused.discard("notifications/empty.json")
    bad = TESTDATA / "bad_input"
    for path in bad.rglob("*"):
        if path.is_file() and not path.name.endswith(".expected.json") and BAD_SIGNALS not in path.parents:
            refused.add(str(path.relative_to(TESTDATA)))
    refused |= {str(path.relative_to(TESTDATA)) for path in BAD_SIGNALS.iterdir()}
    # These two are what other rows run with.
    refused -= {"bad_input/signals/nothing_wrong", "bad_input/signals/fails_on_a_row"}
    assert not refused - used


def is_refused(expected):
    return ". Fix: " in expected.read_text(encoding="utf-8")


def test_everything_made_is_used():
    rows = [*rows_of("test_an_object"), *rows_of("test_the_last_try")]
    made = {row.name for row in rows if row.source == "made"}
    assert made == set(bad_objects.MADE)


def test_every_test_that_the_document_names_is_there(repository):
    """The counter-measures, and what shows the reasons that nothing reaches."""
    lost = table.lost_by_others()
    assert len(lost) == 21
    named = [name for _, _, tests in lost for name in tests]
    named += [name for shown in table.beyond_reach().values() for name in re.findall(r"`([^`]+)`", shown)]
    missing = []
    for name in named:
        path, _, function = name.partition("::")
        text = (repository / path).read_text(encoding="utf-8") if (repository / path).is_file() else ""
        if not re.search(rf"\b(?:def|fn) {function}\(", text):
            missing.append(name)
    assert not missing
