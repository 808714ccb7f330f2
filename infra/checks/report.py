"""One line per check, and a closing count."""

from __future__ import annotations

import pathlib
import traceback
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


class Report:
    """Runs checks and prints what became of each. A check fails by raising."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def check(self, name: str, body: Callable[[], None]) -> None:
        try:
            body()
        except Exception as error:  # noqa: BLE001: a broken check is a failed one, and the rest still run
            self.failed += 1
            print(f"FAIL {name}: {error}" if isinstance(error, AssertionError) else f"FAIL {name}\n{traceback.format_exc()}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)

    def skip(self, name: str, reason: str) -> None:
        self.skipped += 1
        print(f"SKIP {name}: {reason}", flush=True)

    def close(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def expect(condition: object, what: str) -> None:
    """Like `assert`, but `python -O` cannot remove it."""
    if not condition:
        raise AssertionError(what)


def equal(found: object, due: object, what: str) -> None:
    expect(found == due, f"{what} is {found!r}, not {due!r}")
