#!/usr/bin/env python3
"""What a backfill costs, beside whatever else does the same work: CPU, time and memory of whole processes.

    compare.py LOAD [--binary BINARY]... [--peer NAME='COMMAND']... [--rounds N] [--part cloudtrail|flows]...

LOAD is a folder in the layout of S3 keys (AWSLogs/ACCOUNT/CloudTrail/…, AWSLogs/ACCOUNT/vpcflowlogs/…).
A peer's command is run as it is, with {load}, {out} and {part} filled in; a BINARY is run as
`BINARY backfill`, with every shipped signal, into a new lake. All take turns, round after round, so that
they meet the same machine; the table shows the least CPU seconds of each, and the ratio to the first peer.
Exit code: 0, or 2 when a command failed. Needs Python alone, and what the peers need.
"""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

FOLDERS = {"cloudtrail": "CloudTrail", "flows": "vpcflowlogs"}
CHILD = """\
import json, os, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss]))
if done.returncode: print(done.stdout[-2000:].decode(errors="replace"), file=sys.stderr)
"""


@dataclass
class Cost:
    """Of one run."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def run(command):
    """Runs a command in a process whose only child it is, so that the peak is its own."""
    done = subprocess.run([sys.executable, "-c", CHILD, *command], capture_output=True, text=True, check=False)
    code, cpu, wall, peak_kib = json.loads(done.stdout.splitlines()[0])
    if code:
        print(f"{shlex.join(command)} ended with {code}:\n{done.stderr}", file=sys.stderr)
        sys.exit(2)
    return Cost(cpu, wall, peak_kib / 1024)


def split(load, part, folder):
    """The part of the load alone, by links; returns the folder, its objects and their bytes."""
    objects = [path for path in load.rglob("*.gz") if FOLDERS[part] in path.parts]
    for path in objects:
        link = folder / path.relative_to(load)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return folder, len(objects), sum(path.stat().st_size for path in objects)


def measured(chosen, part, folder):
    """The best run of each contender."""
    alone, objects, stored = split(chosen.load, part, folder / "load")
    print(f"\n{part}: {objects} objects, {stored / 2**20:.0f} MiB compressed\n", flush=True)
    if not objects:
        return
    out = folder / "out"
    contenders = {}
    for peer in chosen.peer:
        name, command = peer.split("=", 1)
        filled = command.format(load=chosen.load, out=out, part=part)
        contenders[name] = shlex.split(filled)
    for binary in chosen.binary:
        contenders[str(binary)] = [str(binary), "backfill", str(alone), "--lake", str(out), "--format", "json"]
    best = {}
    for _ in range(chosen.rounds):
        for name, command in contenders.items():
            shutil.rmtree(out, ignore_errors=True)
            cost = run(command)
            if name not in best or cost.cpu_seconds < best[name].cpu_seconds:
                best[name] = cost
    first = next(iter(best.values()))
    print("| | CPU s | ratio | wall s | peak MiB |\n|---|---|---|---|---|")
    for name, cost in best.items():
        ratio = cost.cpu_seconds / first.cpu_seconds
        print(f"| {name} | {cost.cpu_seconds:.2f} | {ratio:.2f} | {cost.wall_seconds:.2f} | {cost.peak_mib:.0f} |")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=FOLDERS, action="append")
    chosen = parser.parse_args()
    chosen.load = chosen.load.resolve()
    chosen.binary = [path.resolve() for path in chosen.binary or [pathlib.Path("target/release/trailflow")]]
    print(f"{os.cpu_count()} cores, {chosen.rounds} rounds in turns, the least CPU of each")
    for part in chosen.part or FOLDERS:
        with tempfile.TemporaryDirectory(prefix="trailflow-compare-") as folder:
            measured(chosen, part, pathlib.Path(folder))


if __name__ == "__main__":
    main()
