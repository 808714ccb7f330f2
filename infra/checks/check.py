"""Verifies infra/ offline: `python infra/checks/check.py [--trailflow PATH]`.

Needs Python 3.11 and what requirements.txt lists; uses terraform where it is installed. No network, no account.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

import chart
import contract
import ecs
import image
import module
from report import Report


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies infra/ offline.")
    parser.add_argument("--trailflow", metavar="PATH", default=os.environ.get("TRAILFLOW_BIN"), help="the binary, to try the rendered configuration on it; default: TRAILFLOW_BIN")
    arguments = parser.parse_args()
    report = Report()
    contract.run(report)
    image.run(report)
    trailflow = shutil.which(arguments.trailflow) if arguments.trailflow else None
    ecs.run(report, trailflow)
    chart.run(report, trailflow)
    module.run(report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
