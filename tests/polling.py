"""Waiting for a condition: ask again until it holds, and fail when the deadline passes.

A test never sleeps for a fixed time and hopes; it says what it waits for and how long at most.
"""

import time

PAUSE_SECONDS = 0.1


class StillNot(AssertionError):
    """The deadline has passed; nothing else went wrong."""


def until(what, probe, seconds, alive=None):
    """Return the first true value of `probe()`; fail with its last value after `seconds`.

    `alive`, when given, is called before each try and raises when waiting has become pointless.
    """
    deadline = time.monotonic() + seconds
    while True:
        if alive is not None:
            alive()
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise StillNot(f"after {seconds} s still not: {what}; last seen: {value!r}")
        time.sleep(PAUSE_SECONDS)


def until_equal(what, expected, probe, seconds, alive=None):
    """Wait until `probe()` equals `expected`; fail with both when the deadline passes."""
    seen = []

    def equal():
        seen[:] = [probe()]
        return seen[0] == expected

    try:
        until(what, equal, seconds, alive)
    except StillNot:
        if seen and seen[0] != expected:
            raise AssertionError(
                f"after {seconds} s still not: {what}\n  expected: {expected!r}\n  seen:     {seen[0]!r}"
            ) from None
        raise
