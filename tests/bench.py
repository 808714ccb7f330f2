"""A bench: a service of which the requests of one operation meet one fault after the other.

In: a `Site` and its faults. Out: what went wrong with each, or nothing. Must hold: each fault is met
exactly as often as planned, or the bench says that it was not: what never happened proves nothing.
"""

import time
from dataclasses import dataclass

from faults import Rule, Trickle
from named_faults import S3_REFUSALS
from polling import until
from rig import CONFIG, LEASE_SECONDS, Rig

PROVOKE_SECONDS = 60
PACE_SECONDS = 1.0
LOOK_SECONDS = 0.05
WAVE_SECONDS = 90
OBJECTS_FIRST = 4


@dataclass(frozen=True)
class Meeting:
    """A fault, and how many requests meet it."""

    fault: object
    times: int


@dataclass(frozen=True)
class Site:
    """An operation that faults happen to, and what makes trailflow use it."""

    side: str
    operation: str
    provoked_by: str = "upload"

    def __str__(self):
        uploads = ("upload", "announcement", "new announcement")
        provoked = "" if self.provoked_by in uploads else f"-after-{self.provoked_by}"
        return f"{self.side}-{self.operation}{provoked}".replace(" ", "-")


class Bench:
    """A service with one operation that goes wrong."""

    def __init__(self, site, trailflow, source, lake_server, folder):
        self.site = site
        self.rig = Rig(source, lake_server, folder, f"{site} {folder.name}")
        self.rules = (self.rig.lake_proxy if site.side == "lake" else self.rig.source_proxy).rules
        self.service = trailflow.start(self.rig.folder, self.rig.settings, self.rig.aws(), CONFIG)
        self.keys = self.rig.upload(OBJECTS_FIRST)
        self.rig.until_drained(self.service.alive)

    def meet(self, name, meeting):
        """One fault: provoke it until it was done as often as planned, and let the service recover."""
        rule = self.rules.add(Rule(name, meeting.fault, frozenset({self.site.operation}), meeting.times))
        deadline = time.monotonic() + PROVOKE_SECONDS
        while rule.done < meeting.times and time.monotonic() < deadline:
            self._provoke()
            self._until_more_than(rule, rule.done)
        self.rig.source_proxy.rules.clear()
        self.rig.lake_proxy.rules.clear()
        assert rule.done == meeting.times, f"{rule.done} requests met the fault instead of {meeting.times}"
        self.rig.until_drained(self.service.alive, WAVE_SECONDS)
        until("/readyz answers 200", lambda: self.service.status("/readyz") == 200, WAVE_SECONDS, self.service.alive)

    def _provoke(self):
        """Make the service send a request of the operation."""
        if self.site.provoked_by == "announcement":
            # Of an object that is in the lake: its version must be asked for, and its claim read.
            self.keys.append(self.keys.pop(0))
            self.rig.announce(self.keys[-1])
            return
        if self.site.provoked_by == "new announcement":
            # Of an object whose batch nobody has asked for yet: whether it is published must be looked up.
            self.keys += self.rig.upload(1)
            self.rig.until_drained(self.service.alive, WAVE_SECONDS)
            self.rig.announce(self.keys[-1])
            return
        if self.site.provoked_by == "failed batch":
            # The lake refuses a file; the messages are given back for later.
            denied = S3_REFUSALS["access-denied"]
            self.rig.lake_proxy.rules.add(Rule("failed batch", denied, frozenset({"PutObject"}), 1))
        elif self.site.provoked_by == "slow read":
            # Longer than half a lease; the lease is renewed meanwhile.
            slow = Trickle(2 * LEASE_SECONDS / 3)
            self.rig.source_proxy.rules.add(Rule("slow read", slow, frozenset({"GetObject"}), 1))
        self.keys += self.rig.upload(1)

    def _until_more_than(self, rule, done):
        """Wait until the fault was done again; not for long, for one provocation may not be enough."""
        deadline = time.monotonic() + PACE_SECONDS
        while rule.done == done and time.monotonic() < deadline:
            self.service.alive()
            time.sleep(LOOK_SECONDS)

    def close(self):
        """End the service and the proxies."""
        self.service.kill()
        self.rig.close()


def work_through(site, meetings, make_bench):
    """Every fault of a site, on one bench while it holds: `{fault: what went wrong, or nothing}`.

    The lake is held against the ledger when the bench ends, so a row that is lost fails every fault
    of its bench; a fault that a service does not survive ends the bench.
    """
    outcomes, bench, met = {}, None, []
    remaining = list(meetings.items())
    while remaining:
        name, meeting = remaining.pop(0)
        try:
            bench = bench or make_bench()
            met.append(name)
            bench.meet(name, meeting)
            outcomes[name] = None
        except BaseException as wrong:
            outcomes[name] = wrong
        if bench is not None and (outcomes[name] is not None or not remaining):
            if outcomes[name] is None:
                verdict = bench.rig.verdict()
                if not verdict.is_exact():
                    outcomes |= {done: AssertionError(f"on {site}, after {met}: {verdict}") for done in met}
            bench.close()
            bench, met = None, []
    return outcomes
