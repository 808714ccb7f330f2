"""Runs a command and reports its peak of resident memory: `python peak.py REPORT COMMAND...`.

A process of its own, because a child's peak includes what its parent held when it was started:
this one holds little. Writes `{"code": …, "peak_bytes": …}` to REPORT.
"""

import json
import os
import sys


def main():
    report, command = sys.argv[1], sys.argv[2:]
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    with open(report, "w", encoding="utf-8") as output:
        json.dump({"code": os.waitstatus_to_exitcode(status), "peak_bytes": usage.ru_maxrss * unit}, output)


main()
