"""What a command costs, and how a table says so: the ground that the benches beside this file stand on.

In: a command. Out: CPU seconds, time, peak memory and bytes read of that process and no other, and what it
wrote. Must hold: a command that fails ends the bench with exit code 2, so that no table shows half a run.
"""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass

MIB = 1024 * 1024
GIGA = 1000**3
TERA = 1000**4
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent

# A process of its own, because a child's peak includes what its parent held when it was started. It looks at
# the bytes read after the command has ended and before the kernel forgets it; only Linux tells them.
CHILD = """\
import json, os, sys, time
report, command = sys.argv[1], sys.argv[2:]
began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
wall = time.monotonic() - began
try:
    lines = open(f"/proc/{child}/io").read().splitlines()
    read = int(next(line for line in lines if line.startswith("rchar")).split()[1])
except (OSError, StopIteration):
    read = None
_, status, used = os.wait4(child, 0)
found = [os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, wall, used.ru_maxrss, read]
json.dump(found, open(report, "w"))
"""


@dataclass
class Cost:
    """Of one run of a command."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    bytes_read: int | None
    """By read calls, libraries of an interpreter included; what is mapped is not seen."""
    output: str


def fail(message):
    """Say what is wrong, and end as a bench that could not measure."""
    print(message, file=sys.stderr)
    sys.exit(2)


def run(command, env=None):
    """Run a command to its end and measure it."""
    command = [str(part) for part in command]
    with tempfile.TemporaryDirectory(prefix="trailflow-measure-") as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(report), *command],
            env=os.environ | (env or {}), stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )
        said = done.stderr[-2000:].decode(errors="replace")
        if not report.exists():
            fail(f"{shlex.join(command)} could not be run:\n{said}")
        code, cpu, wall, peak_kib, read = json.loads(report.read_text())
    if code:
        fail(f"{shlex.join(command)} ended with {code}:\n{said}")
    return Cost(cpu, wall, peak_kib / 1024, read, done.stdout.decode(errors="replace"))


def least(costs):
    """The run with the least CPU seconds: what the others have more is the machine's other work."""
    return min(costs, key=lambda cost: cost.cpu_seconds)


def backfill(binary, source, lake):
    """Backfill into a lake; returns the cost and the counts that the command reports."""
    cost = run([binary, "backfill", source, "--lake", lake, "--format", "json"])
    return cost, json.loads(cost.output.splitlines()[-1])


def table(columns, rows):
    """Print a Markdown table."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row)} |")
    print(flush=True)


def percentile(values, share):
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def add_binary(parser):
    """The option that names the program to be measured."""
    parser.add_argument("--binary", type=pathlib.Path, default=pathlib.Path("target/release/trailflow"))


def add_work(parser):
    """The option that names the folder for what is made and read meanwhile."""
    parser.add_argument("--work", type=pathlib.Path, help="where scratch folders are made; the system's by default")


def binary_of(chosen):
    """The program file, for certain."""
    if not chosen.binary.is_file():
        fail(f"there is no binary at {chosen.binary}; run `cargo build --release --locked`, or name it by --binary")
    return chosen.binary.resolve()


def machine():
    """One line about where the figures come from."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores; load average {load:.1f} when it began"


@contextmanager
def scratch(work):
    """A folder that is gone afterwards, whatever happens."""
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trailflow-bench-", dir=work)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def instruments():
    """Make the stand-ins of tests/ importable; they need what tests/requirements.txt names."""
    folder = str(REPOSITORY / "tests")
    if folder not in sys.path:
        sys.path.append(folder)
    sys.dont_write_bytecode = True


def guarded(step, *arguments):
    """Run a step that leans on servers and on the instruments of tests/; whatever it raises ends the bench."""
    try:
        return step(*arguments)
    except ImportError as missing:
        fail(f"{missing}: run this with a Python that has tests/requirements.txt")
    except AssertionError as wrong:
        fail(f"could not be measured: {wrong}")
    except Exception:
        traceback.print_exc()
        fail("could not be measured")
