"""The commands as scripts use them: exit codes, what goes to stdout, what goes to stderr."""

import csv
import fcntl
import io
import json
import re
import shlex
import shutil

import pyarrow.parquet
import pytest

import inputs
from service import describe, free_port, read_json_rows

COMMANDS = ("demo", "run", "backfill", "query", "check", "config", "ddl", "doctor", "signals")
FINDING = re.compile(r"^\S.*\.sql:\d+: .+ Fix: .+", re.MULTILINE)
TERMINAL = re.compile(rb"[\r\x1b]")


@pytest.fixture(scope="module")
def filled(trailflow, tmp_path_factory):
    """A lake with every signal in it: `(path, Expected)`."""
    folder = tmp_path_factory.mktemp("filled")
    objects, expected = inputs.all_signals(scale=2)
    inputs.write_objects(folder / "source", objects)
    trailflow.backfill(folder / "source", folder / "lake")
    return folder / "lake", expected


@pytest.mark.parametrize("arguments", [(), *((command,) for command in COMMANDS)], ids=" ".join)
def test_help_goes_to_stdout(trailflow, arguments):
    done = trailflow.run(*arguments, "--help")
    assert done.returncode == 0, describe(done)
    assert b"Usage:" in done.stdout
    assert done.stderr == b""


def test_top_help_names_every_command(trailflow):
    text = trailflow.output("--help").decode()
    assert [command for command in COMMANDS if not re.search(rf"^\s+{command}\b", text, re.MULTILINE)] == []


def test_version_is_one_line(trailflow):
    assert re.fullmatch(r"trailflow \d+\.\d+\.\d+\S*\n", trailflow.output("--version").decode())


@pytest.mark.parametrize("arguments", [("no-such-command",), ("query",), ("backfill",)], ids=" ".join)
def test_wrong_usage_is_code_2_and_says_so_on_stderr(trailflow, arguments):
    done = trailflow.run(*arguments)
    assert done.returncode == 2, describe(done)
    assert done.stdout == b""
    assert done.stderr != b""


def test_demo_finds_what_it_planted(trailflow, tmp_path):
    done = trailflow.run(
        "demo", "--once", "--seed", "7", "--dir", tmp_path / "demo", "--listen", f"127.0.0.1:{free_port()}"
    )
    assert done.returncode == 0, describe(done)
    text = done.stdout.decode().lower()
    assert "planted" in text and "found" in text, describe(done)
    assert b"panicked" not in done.stderr


def test_signals_lists_every_file(trailflow, repository):
    names = {path.stem for path in repository.glob("sql/*/*.sql")}
    assert set(inputs.GRAINS) <= names
    text = trailflow.output("signals").decode()
    assert [name for name in sorted(names) if name not in text] == []
    listed = json.dumps(read_json_rows(trailflow.output("signals", "--format", "json")))
    assert [name for name in sorted(names) if f'"{name}"' not in listed] == []
    assert [metric for metric in inputs.METRICS if f'"{metric}"' not in listed] == []


def test_check_of_this_repository_is_clean(trailflow, repository):
    done = trailflow.run("check", repository / "sql")
    assert done.returncode == 0, describe(done)
    assert trailflow.run("check", cwd=repository).returncode == 0


MISTAKES = {
    "a key that does not exist": lambda text: text.replace("-- ---\n", '-- ---\n-- colour = "blue"\n', 1),
    "a header that is not TOML": lambda text: text.replace("-- ---\n", "-- ---\n-- name name\n", 1),
    "a table that does not exist": lambda text: re.sub(r"(?i)\bfrom cloudtrail\b", "FROM cloudtrial", text),
    "not SQL": lambda text: text + "\nSELECT SELECT FROM\n",
    "another name than the file's": lambda text: re.sub(
        r'(?m)^-- name(\s*)= "sts_assume_role"', r'-- name\1= "other"', text, count=1
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_names_file_line_and_fix(trailflow, repository, tmp_path, mistake):
    broken = break_signal(repository, tmp_path / "sql", "cloudtrail/sts_assume_role.sql", MISTAKES[mistake])
    done = trailflow.run("check", broken)
    assert done.returncode == 1, describe(done)
    found = FINDING.findall(done.stdout.decode())
    assert found, describe(done)
    assert all("sts_assume_role.sql:" in line for line in found), found
    assert b"panicked" not in done.stderr


def test_check_shows_the_mistakes_of_all_files_at_once(trailflow, repository, tmp_path):
    mistake = MISTAKES["a key that does not exist"]
    folder = break_signal(repository, tmp_path / "sql", "cloudtrail/sts_assume_role.sql", mistake)
    other = folder / "flow_logs" / "flow_rejects.sql"
    other.write_text(mistake(other.read_text()))
    done = trailflow.run("check", folder)
    assert done.returncode == 1, describe(done)
    files = {line.split(":", 1)[0].rsplit("/", 1)[-1] for line in FINDING.findall(done.stdout.decode())}
    assert files == {"sts_assume_role.sql", "flow_rejects.sql"}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("changes", 'changes = "sum"', 'changes = "summ"'), ("pod_sessions", "\nGROUP BY", "\nGROUP GROUP BY")],
)
def test_one_mistake_is_one_finding(trailflow, repository, tmp_path, name, before, after):
    """Neither tests that name the measure nor signals that read the view are to blame."""
    shutil.copytree(repository / "sql", tmp_path / "sql")
    signal = tmp_path / "sql" / "cloudtrail" / f"{name}.sql"
    text = signal.read_text()
    assert before in text
    signal.write_text(text.replace(before, after))
    done = trailflow.run("check", tmp_path / "sql", "--testdata", repository / "testdata")
    assert done.returncode == 1, describe(done)
    assert [line.split(":")[0] for line in done.stdout.decode().splitlines()] == [str(signal)], describe(done)


def test_check_of_a_missing_directory_is_code_2(trailflow, tmp_path):
    done = trailflow.run("check", tmp_path / "nothing-here")
    assert done.returncode == 2, describe(done)
    assert b"nothing-here" in done.stderr


def break_signal(repository, folder, name, mistake):
    """A copy of `sql/` with one mistake in one file."""
    shutil.copytree(repository / "sql", folder)
    path = folder / name
    whole = path.read_text()
    broken = mistake(whole)
    assert broken != whole, "the mistake did not take: has the signal's text changed?"
    path.write_text(broken)
    return folder


SQL = "SELECT event_name, count(*) AS n FROM cloudtrail GROUP BY event_name ORDER BY event_name"


def rows_of_csv(output):
    return [(row["event_name"], int(row["n"])) for row in csv.DictReader(io.StringIO(output.decode()))]


def rows_of_json(output):
    return [(row["event_name"], row["n"]) for row in read_json_rows(output)]


def rows_of_parquet(output):
    table = pyarrow.parquet.read_table(io.BytesIO(output))
    return [(row["event_name"], row["n"]) for row in table.to_pylist()]


def rows_of_table(output):
    words = (re.findall(r"[\w.]+", line) for line in output.decode().splitlines())
    return [(line[0], int(line[1])) for line in words if len(line) == 2 and line[1].isdigit()]


FORMATS = {"csv": rows_of_csv, "json": rows_of_json, "parquet": rows_of_parquet, "table": rows_of_table}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_a_query_holds_the_same_rows(trailflow, filled, name):
    folder, _ = filled
    rows = rows_of_csv(trailflow.output("query", "--lake", folder, "--format", "csv", SQL))
    assert [event for event, _ in rows] == sorted(
        ["AssumeRole", "AssumeRoleWithWebIdentity", "Decrypt", "GenerateDataKey"]
    )
    done = trailflow.run("query", "--lake", folder, "--format", name, SQL)
    assert done.returncode == 0, describe(done)
    assert FORMATS[name](done.stdout) == rows


def test_a_query_writes_data_to_stdout_and_nothing_else(trailflow, filled):
    folder, expected = filled
    sql = "SELECT count(*) AS n FROM cloudtrail"
    output = trailflow.output("query", "--lake", folder, "--format", "csv", sql)
    assert output.decode().split() == ["n", str(expected.rows["cloudtrail"])]


@pytest.mark.parametrize("sql", ["SELECT no_such_column FROM cloudtrail", "SELEC 1", "SELECT 1 FROM no_such_table"])
def test_a_wrong_query_fails_on_stderr(trailflow, filled, sql):
    done = trailflow.run("query", "--lake", filled[0], "--format", "json", sql)
    assert done.returncode not in (0, 101), describe(done)
    assert done.stdout == b""
    assert done.stderr != b"" and b"panicked" not in done.stderr


JOINED = "SELECT * FROM cloudtrail a JOIN (SELECT event_id, region FROM cloudtrail) b USING (event_id)"


@pytest.mark.parametrize(
    "arguments, says",
    [
        # Options that do not exist look like SQL that begins with a comment.
        (["--fromat=json"], "there is no option --fromat=json"),
        (["--hlep"], "there is no option --hlep"),
        (["--format", "parquet", ""], "no statement"),
        (["--format", "json", JOINED], "two columns of the answer are named region"),
        (["--format", "parquet", JOINED], "two columns of the answer are named region"),
        (["SELECT count(*) FROM cloudtrail TABLESAMPLE (1)"], "every row is taken"),
        (["SELECT count(*) FROM cloudtrail SAMPLE (1 PERCENT)"], "every row is taken"),
        (["SELECT count(*) FROM cloudtrail PREWHERE 1 = 0"], "every row is taken"),
        (["SELECT region, count(*) FROM cloudtrail GROUP BY region WITH ROLLUP"], "every row is taken"),
    ],
)
def test_a_query_that_would_answer_another_question_says_so(trailflow, filled, arguments, says):
    done = trailflow.run("query", "--lake", filled[0], *arguments)
    assert done.returncode == 2, describe(done)
    assert done.stdout == b"" and says in done.stderr.decode(), describe(done)


def test_sql_may_begin_with_a_comment_and_come_in_many_lines(trailflow, filled):
    folder, expected = filled
    count = str(expected.rows["cloudtrail"])
    sql = "-- all of them\nSELECT count(*) AS n FROM cloudtrail"
    assert trailflow.output("query", "--lake", folder, "--format", "csv", sql).decode().split() == ["n", count]
    words = "SELECT 1 AS tablesample, row_number() OVER (PARTITION BY region) AS n FROM cloudtrail LIMIT 1"
    assert trailflow.output("query", "--lake", folder, "--format", "csv", words).split() == [b"tablesample,n", b"1,1"]
    # A line of a script that is a word of the prompt.
    done = trailflow.shell(f"printf 'SELECT 1 AS\\nexit\\n;' | {{bin}} query --lake '{folder}' --format csv")
    assert done.stdout.decode().split() == ["exit", "1"], describe(done)
    # A comment that closes behind the semicolon; a semicolon in a string; one that the last statement lacks.
    lines = "SELECT 1 AS a; /*\n;\n*/\nSELECT ';' AS b\n;\nSELECT count(*) AS n\nFROM cloudtrail"
    done = trailflow.shell(f"printf %s '{lines}' | {{bin}} query --lake '{folder}' --format csv".replace("';'", "'\\'';'\\''"))
    assert done.stdout.decode().split() == ["a", "1", "b", ";", "n", count], describe(done)


@pytest.mark.parametrize(
    "sql", ["DROP TABLE cloudtrail", "CREATE TABLE t AS SELECT 1", "COPY cloudtrail TO 'stolen.csv'"]
)
def test_a_query_cannot_write(trailflow, filled, tmp_path, sql):
    done = trailflow.run("query", "--lake", filled[0], sql, cwd=tmp_path)
    assert done.returncode not in (0, 101), describe(done)
    assert list(tmp_path.iterdir()) == []


def test_a_demo_takes_no_directory_that_another_demo_uses(trailflow, tmp_path):
    """The second would delete the first one's files, and both would say that trailflow has a bug."""
    made = tmp_path / "it's one"
    once = trailflow.output("demo", "--once", "--dir", made).decode()
    quoted = once.split("query --lake ")[1].split(' "')[0]
    assert shlex.split(quoted) == [str(made / "lake")]
    with open(made / ".trailflow-demo", "rb") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        done = trailflow.run("demo", "--once", "--dir", made)
        assert done.returncode == 2 and b"a demo runs in" in done.stderr, describe(done)
    assert (made / "lake" / "cloudtrail").is_dir()
    trailflow.output("demo", "--once", "--dir", made)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["demo", "--once", "--dir", "s3://bucket/prefix"], "a directory of this machine"),
        (["demo", "--listen", "localhost:9464"], "such as 127.0.0.1:9464"),
        (["check", __file__], "is a file"),
    ],
)
def test_what_was_meant_is_said(trailflow, tmp_path, arguments, says):
    done = trailflow.run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr.decode(), describe(done)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_drawn_into_a_pipe(trailflow, tmp_path):
    objects, _ = inputs.all_signals()
    inputs.write_objects(tmp_path / "source", objects)
    done = trailflow.run("backfill", tmp_path / "source", "--lake", tmp_path / "lake")
    assert done.returncode == 0, describe(done)
    assert not TERMINAL.search(done.stdout) and not TERMINAL.search(done.stderr), describe(done)


def test_a_reader_that_leaves_early_is_no_error(trailflow, filled):
    done = trailflow.shell(
        f"{{bin}} query --lake '{filled[0]}' --format json 'SELECT * FROM cloudtrail' | head -c 1"
    )
    assert done.returncode == 0, describe(done)
    assert b"panicked" not in done.stderr, describe(done)
