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
import os
import pathlib
import shlex
import shutil

import measure

FOLDERS = {"cloudtrail": "CloudTrail", "flows": "vpcflowlogs"}


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
    print(f"\n{part}: {objects} objects, {stored / 2**20:.0f} MiB compressed", flush=True)
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
    costs = {name: [] for name in contenders}
    for _ in range(chosen.rounds):
        for name, command in contenders.items():
            shutil.rmtree(out, ignore_errors=True)
            costs[name].append(measure.run(command))
    best = {name: measure.least(runs) for name, runs in costs.items()}
    first = next(iter(best.values()))
    measure.table(
        ["", "CPU s", "ratio", "wall s", "peak MiB"],
        [
            [
                name, f"{cost.cpu_seconds:.2f}", f"{cost.cpu_seconds / first.cpu_seconds:.2f}",
                f"{cost.wall_seconds:.2f}", f"{cost.peak_mib:.0f}",
            ]
            for name, cost in best.items()
        ],
    )


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
        with measure.scratch(None) as folder:
            measured(chosen, part, folder)


if __name__ == "__main__":
    main()
