#!/usr/bin/env python3
"""Where the CPU goes: the steps of the path, in CPU seconds for a gigabyte of inflated log.

    steps.py LOAD... [--binary BINARY] [--rounds N] [--per-second N] [--functions N] [--work FOLDER]

Runs a backfill of each LOAD as it is, for its CPU seconds, and once more under `perf record`, for what they
are spent on. perf looks N times a CPU second and keeps the whole stack; a sample belongs to the innermost
frame that names a step, so that an allocation, a copy or a hash counts to whoever asked for it. Shares times
CPU seconds, divided by the bytes that the backfill says it inflated, make the table.

The names of frames come from the binary's symbols, inlined ones are not resolved: that would take an hour.
So what the compiler inlined into a caller counts as the caller's. A share of 5 % of 2,000 samples is right
to about 1 %. Exit code: 0, or 2 when perf is missing or a command failed. Needs Python alone, and perf.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
from collections import Counter

import measure
from measure import GIGA

STACK_BYTES = 60_000
"""What perf keeps of a stack: DataFusion's are deep."""

# A sample below one of these is planning, whatever the innermost frames say: it plans with the very functions
# that a query runs with.
PLANNING = re.compile(r"engine::Engine::(new|when_needed|survey|plan)|engine::plan|Planned::prepared|service::pipeline|decode::signal")
# In this order for each frame, from the innermost outwards: the first frame that matches any of them decides.
# Arrow's kernels name no step: they count to whoever called them.
STEPS = [
    ("inflate and hash", r"zlib_rs|object::decompress|object::digest|sha2::|crc32"),
    ("window of events", r"pipeline::window|EventKey|PodSessions|cloudtrail::pods"),
    ("Parquet", r"^<?parquet::|trailflow_parquet::|parquet::(arrow|column|file)::|ZSTD_|lake::(staging|partition)"),
    ("queries: merge", r"engine::merge|merge::Merging|batch::merged"),
    ("queries: grouping", r"engine::group|trailflow_grouping|aggregates::|group_values"),
    ("queries: filter", r"FilterExec|engine::input|BatchCoalescer"),
    ("queries: expressions", r"datafusion_(physical_expr|functions|physical_plan)|engine::date_bin"),
    ("records: columns", r"cloudtrail::columns|flow_logs::(columns|batch)"),
    ("records: parse", r"trailflow_decode::"),
    ("lake protocol", r"trailflow::lake|object_store|pipeline::(settle|learn)"),
    ("queries: other", r"trailflow::engine|datafusion"),
    ("pipeline", r"trailflow::|tokio::"),
]
STEPS = [(name, re.compile(pattern)) for name, pattern in STEPS]
OTHER = "other"
HASH = re.compile(r"::h[0-9a-f]{16}$|::\{\{closure\}\}")
OURS = re.compile(r"trailflow|datafusion|parquet|arrow|zlib_rs|sha2|object_store|tokio|ZSTD|serde|metrics")


def step_of(frames):
    """The step of a sample, by its frames from the innermost outwards."""
    if any(map(PLANNING.search, frames)):
        return "planning"
    for frame in frames:
        for name, pattern in STEPS:
            if pattern.search(frame):
                return name
    return OTHER


def samples(recorded):
    """The stacks of a recording, each from its innermost frame outwards."""
    command = ["perf", "script", "-i", str(recorded), "--no-inline", "-F", "ip,sym"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as script:
        frames = []
        for line in script.stdout:
            line = line.strip()
            if line:
                frames.append(HASH.sub("", line.partition(" ")[2]))
            elif frames:
                yield frames
                frames = []
        if frames:
            yield frames
    if script.returncode:
        measure.fail(f"{' '.join(command)} ended with {script.returncode}")


def recorded(chosen, binary, load, folder):
    """Samples by step, and by the function of the product or of a library that they are in."""
    data, lake = folder / "perf.data", folder / "lake"
    command = [
        "perf", "record", "--quiet", "-F", chosen.per_second, "-e", "cpu-clock", "-o", data,
        "--call-graph", f"dwarf,{STACK_BYTES}", "--", binary, "backfill", load, "--lake", lake, "--format", "json",
    ]
    measure.run(command)
    shutil.rmtree(lake, ignore_errors=True)
    steps, functions = Counter(), Counter()
    for frames in samples(data):
        steps[step_of(frames)] += 1
        functions[next(filter(OURS.search, frames), frames[0])] += 1
    data.unlink()
    if not steps:
        measure.fail("perf recorded no sample; is kernel.perf_event_paranoid above 2?")
    return steps, functions


def measured(chosen, binary, load, folder):
    """One load: the runs without perf, the one with it, and the tables."""
    runs = []
    for _ in range(chosen.rounds):
        cost, counts = measure.backfill(binary, load, folder / "lake")
        shutil.rmtree(folder / "lake")
        runs.append(cost)
    inflated, cpu = counts["inflated_bytes"], measure.least(runs).cpu_seconds
    if not inflated:
        measure.fail(f"{load} holds nothing that a backfill inflates")
    steps, functions = recorded(chosen, binary, load, folder)
    total = sum(steps.values())
    print(
        f"{load.name}: {counts['objects']} objects, {inflated / GIGA:.3f} GB inflated, "
        f"{cpu:.2f} CPU s at least of {chosen.rounds} runs, {total} samples"
    )
    rows = [
        [name, f"{100 * count / total:.1f}", f"{cpu * count / total / (inflated / GIGA):.2f}"]
        for name, count in steps.most_common()
    ]
    measure.table(["step", "share, %", "CPU s a GB"], [*rows, ["all", "100", f"{cpu / (inflated / GIGA):.2f}"]])
    if chosen.functions:
        often = functions.most_common(chosen.functions)
        measure.table(["function", "share, %"], [[f"`{name[:100]}`", f"{100 * n / total:.1f}"] for name, n in often])


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", type=pathlib.Path, nargs="+")
    measure.add_binary(parser)
    measure.add_work(parser)
    parser.add_argument("--rounds", type=int, default=3, help="runs without perf; the least CPU counts")
    parser.add_argument("--per-second", type=int, default=149, help="samples in a CPU second")
    parser.add_argument("--functions", type=int, default=0, help="also show so many functions with the most samples")
    chosen = parser.parse_args()
    binary = measure.binary_of(chosen)
    if shutil.which("perf") is None:
        measure.fail("perf is not installed; on Debian: apt-get install linux-perf")
    print(measure.machine())
    for load in chosen.load:
        if not load.is_dir():
            measure.fail(f"{load} is no folder of log objects")
        with measure.scratch(chosen.work) as folder:
            measured(chosen, binary, load.resolve(), folder)


if __name__ == "__main__":
    main()
