#!/usr/bin/env python3
"""Writes the dashboards from boards/*.py and the headers of sql/**/*.sql.

    generate.py             writes dashboards/grafana/trailflow-*.json
    generate.py --check     compares instead; exit 1 when a committed file is out of date

Standard library only. Exit: 0 good, 1 findings.
"""

import argparse
import json
import sys
from pathlib import Path

from board import Signals, asked, catalogue, render
from boards import changes, denies, freshness, identity, network, service, throttles
from boards.overview import overview

FOLDER = Path(__file__).resolve().parent
BOARDS = (identity, denies, throttles, network, changes, freshness, service)


def dashboards(headers):
    """Every dashboard's JSON, by the name of its file."""
    signals = Signals(headers, catalogue.own_metrics())
    of_service = [rule.name for rule in catalogue.read_rules(catalogue.SERVICE_RULES)]
    pairs = [
        (module.BOARD, of_service if module.BOARD.service else signals.alerts(asked(module.BOARD)))
        for module in BOARDS
    ]
    made = [(overview(pairs), ["Trailflow.+"]), *pairs]
    return {f"{board.uid}.json": render(board, signals, alerts) for board, alerts in made}


def text(dashboard):
    """As it is committed."""
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"


def problems(wanted):
    """Files that are not what they should be."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    for name in sorted(wanted.keys() | found.keys()):
        if name not in wanted:
            yield f"{name}: nothing makes it. Fix: delete it, or add a module to boards/"
        elif found.get(name) != wanted[name]:
            yield f"{name}: out of date. Fix: run dashboards/grafana/generate.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sql", type=Path, default=catalogue.ROOT / "sql", help="folder of the signals")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    try:
        made = dashboards(list(catalogue.read_signals(options.sql).values()))
    except (catalogue.HeaderError, catalogue.Unreadable) as error:
        print(f"FAIL  {error}\n0 passed, 1 failed")
        return 1
    wanted = {name: text(dashboard) for name, dashboard in made.items()}
    if not options.check:
        for name, content in wanted.items():
            (FOLDER / name).write_text(content, encoding="utf-8")
    bad = list(problems(wanted))
    for name in wanted:
        panels = sum(panel["type"] != "row" for panel in made[name]["panels"])
        if not any(problem.startswith(name) for problem in bad):
            print(f"ok    {name}, {panels} panels")
    for problem in bad:
        print(f"FAIL  {problem}")
    print(f"{len(wanted) - len([p for p in bad if p.split(':')[0] in wanted])} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
