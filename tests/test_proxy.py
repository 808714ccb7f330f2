"""Each fault at each kind of request: what AWS may do to trailflow loses nothing and doubles nothing.

The trials run side by side, because they mostly wait; each fault at each operation is a test.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench import Bench, Meeting, Site, work_through
from faults import Rule
from named_faults import (
    BROKEN,
    CONFLICT,
    ENDLESS,
    ENTRIES_FAIL,
    KMS_DENIED,
    LAKE_OPERATIONS,
    S3_REFUSALS,
    SAID_TO_BE_DONE,
    SQS_REFUSALS,
)
from polling import until, until_equal
from rig import CONFIG, RECEIVES_MAX, Rig

ENDLESS_LAKE = os.environ.get("TRAILFLOW_TEST_ENDLESS") == "1"
"""Whether replies of the lake that never end are tried at every operation: each costs its timeout."""

TRIALS_MAX = 24
READY_SECONDS = 300
OUTAGE_SECONDS = 120
DRAIN_SECONDS = 150
"""A message whose object may not be read stays away for a minute."""
PATIENT_CONFIG = "[batch]\nage_seconds_max = 1\n[pipeline]\nlease_seconds = 30\n"
"""A lease that no busy machine misses: a second receive would keep a message away for longer."""

TIMES = 2
"""How many requests meet a fault."""
TIMES_OF = {"slow-down": 4, "throttled": 4, "reset": 4} | dict.fromkeys(ENDLESS, 1)
"""More than the tries of the AWS SDK, so that the fault reaches trailflow; fewer of what takes long."""

SITES = [
    Site("queue", "ReceiveMessage"),
    Site("queue", "DeleteMessageBatch"),
    Site("queue", "ChangeMessageVisibility", "failed batch"),
    Site("queue", "ChangeMessageVisibility", "slow read"),
    Site("source", "GetObject"),
    Site("source", "HeadObject", "announcement"),
    Site("lake", "CreateObject"),
    Site("lake", "PutObject"),
    Site("lake", "CopyObject"),
    Site("lake", "DeleteObjects"),
    Site("lake", "ListObjects", "announcement"),
    Site("lake", "GetObject", "announcement"),
    Site("lake", "HeadObject", "new announcement"),
]
DENIALS = ("access-denied", "expired-token")


def groups(site):
    """The faults of a site, in the groups that share a bench; what takes long has one of its own."""
    refusals = SQS_REFUSALS if site.side == "queue" else S3_REFUSALS
    if site.operation == "CreateObject":
        refusals = refusals | CONFLICT
    if site.operation == "DeleteMessageBatch":
        refusals = refusals | ENTRIES_FAIL
    if site.operation == "CopyObject":
        refusals = refusals | SAID_TO_BE_DONE
    endless = site.side != "lake" or site.operation == "GetObject" or ENDLESS_LAKE
    alone = {**ENDLESS} if endless else {}
    if site.side == "source":
        alone |= {name: refusals[name] for name in DENIALS}
    together = {name: fault for name, fault in refusals.items() if name not in alone}
    return [*({name: fault} for name, fault in alone.items()), together, BROKEN]


def rank(group):
    """What takes longest goes first, so that nobody waits for it at the end."""
    if len(group) == 1:
        return 0 if next(iter(group)) in DENIALS else 2
    return 1 if group is BROKEN else 3


def times(site, name):
    """How many requests of a site meet a fault: a denied read costs a minute each time."""
    return 1 if site.side == "source" and name in DENIALS else TIMES_OF.get(name, TIMES)


CASES = [(site, name) for site in SITES for group in groups(site) for name in group]

READS_REFUSED = {
    "s3: AccessDenied": S3_REFUSALS["access-denied"],
    "s3: ExpiredToken": S3_REFUSALS["expired-token"],
    "kms: AccessDenied": KMS_DENIED,
}
"""What /readyz must say, and what makes it so."""

OUTAGES = {
    "the-lake-is-refused": ("lake", LAKE_OPERATIONS),
    "acknowledging-is-refused": ("source", frozenset({"DeleteMessageBatch"})),
}
"""What can fail for as long as a message is received, again and again, without a fault of its own."""

RETURNED = "trailflow_sqs_messages_returned_total"
DELETED = "trailflow_sqs_messages_deleted_total"
BUCKET_DENIED = "trailflow_bucket_denied"
OUTAGE_OBJECTS = 10
"""More than the failures in a row that make an outage."""
KNOWN_OBJECTS = 12


class Stage:
    """Where the trials happen."""

    def __init__(self, trailflow, source, lake_server, folders):
        self.trailflow = trailflow
        self.source = source
        self.lake_server = lake_server
        self.folders = folders

    def bench(self, site):
        return Bench(site, self.trailflow, self.source, self.lake_server, self.folders.mktemp("bench"))

    def meet(self, site, names):
        """Faults of a site, one after the other: `{(site, fault): what went wrong, or nothing}`."""
        faults = {name: fault for group in groups(site) for name, fault in group.items()}
        meetings = {name: Meeting(faults[name], times(site, name)) for name in names}
        outcomes = work_through(site, meetings, lambda: self.bench(site))
        return {(site, name): outcome for name, outcome in outcomes.items()}

    def suffer(self, outage):
        """An outage over most of the receives that a message has: `{outage: what went wrong, or nothing}`."""
        try:
            with Rig(self.source, self.lake_server, self.folders.mktemp("outage"), outage) as rig:
                self._suffer(outage, rig)
        except BaseException as wrong:
            return {outage: wrong}
        return {outage: None}

    def _suffer(self, outage, rig):
        side, operations = OUTAGES[outage]
        rules = (rig.lake_proxy if side == "lake" else rig.source_proxy).rules
        with self.trailflow.start(rig.folder, rig.settings, rig.aws(), CONFIG) as service:
            rig.until_drained(service.alive)
            rule = rules.add(Rule(outage, S3_REFUSALS["access-denied"], operations))
            before = service.metrics().total(RETURNED)
            rig.upload(1)

            def in_vain():
                return service.metrics().total(RETURNED) - before if side == "lake" else rule.done

            until_equal("all receives but one are used up", RECEIVES_MAX - 1, in_vain, OUTAGE_SECONDS, service.alive)
            rules.clear()
            rig.until_drained(service.alive, DRAIN_SECONDS)
            assert service.terminate() == 0
        verdict = rig.verdict()
        assert verdict.is_exact(), str(verdict)

    def know(self, side):
        """Objects that are in the lake are announced again while nothing of this side can be read."""
        try:
            with Rig(self.source, self.lake_server, self.folders.mktemp("known"), side) as rig:
                self._know(rig)
        except BaseException as wrong:
            return {side: wrong}
        return {side: None}

    def _know(self, rig):
        with self.trailflow.start(rig.folder, rig.settings, rig.aws(), PATIENT_CONFIG) as service:
            known = rig.upload(KNOWN_OBJECTS)
            rig.until_drained(service.alive)
            rules = rig.source_proxy.rules
            refused = rules.add(Rule("refused", S3_REFUSALS["access-denied"], frozenset({"GetObject"})))
            rig.upload(OUTAGE_OBJECTS)
            until("the bucket has an outage", lambda: refused.done >= OUTAGE_OBJECTS - 1, OUTAGE_SECONDS, service.alive)

            def deleted():
                return service.metrics().total(DELETED)

            before = deleted()
            for key in known:
                rig.announce(key)
            until_equal("known objects are settled", KNOWN_OBJECTS, lambda: deleted() - before, DRAIN_SECONDS, service.alive)
            rules.clear()
            rig.until_drained(service.alive, DRAIN_SECONDS)
            assert service.terminate() == 0
        verdict = rig.verdict()
        assert verdict.is_exact(), str(verdict)

    def refuse_reads(self, reason):
        """Reads are refused until /readyz says so: `{reason: what went wrong, or nothing}`."""
        try:
            with Rig(self.source, self.lake_server, self.folders.mktemp("refused"), reason) as rig:
                self._refuse_reads(reason, rig)
        except BaseException as wrong:
            return {reason: wrong}
        return {reason: None}

    def _refuse_reads(self, reason, rig):
        with self.trailflow.start(rig.folder, rig.settings, rig.aws(), PATIENT_CONFIG) as service:
            rules = rig.source_proxy.rules
            rules.add(Rule("refused", READS_REFUSED[reason], frozenset({"GetObject"})))
            rig.upload(3)

            def named():
                status, text = service.get("/readyz")
                return status == 503 and reason in text

            until(f"/readyz names {reason}", named, READY_SECONDS, service.alive)
            assert service.status("/healthz") == 200
            assert service.metrics().total(BUCKET_DENIED) == 1
            rules.clear()
            rig.upload(1)
            until("/readyz answers 200", lambda: service.status("/readyz") == 200, READY_SECONDS, service.alive)
            rig.until_drained(service.alive, DRAIN_SECONDS)
            assert service.metrics().total(BUCKET_DENIED) == 0
            assert service.terminate() == 0
        assert rules.total("refused") > 0
        verdict = rig.verdict()
        assert verdict.is_exact(), str(verdict)


@pytest.fixture(scope="module")
def outcomes(trailflow, ministack, seaweedfs, tmp_path_factory, request):
    """What went wrong, or nothing, in each case that is asked for."""
    asked = [item.callspec.params for item in request.session.items if item.module is request.module]
    cases = {(params["site"], params["fault"]) for params in asked if "fault" in params}
    stage = Stage(trailflow, ministack, seaweedfs, tmp_path_factory)
    trials = [(0, stage.refuse_reads, (params["reason"],)) for params in asked if "reason" in params]
    trials += [(0, stage.know, (params["bucket"],)) for params in asked if "bucket" in params]
    trials += [(3, stage.suffer, (params["outage"],)) for params in asked if "outage" in params]
    for site in SITES:
        for group in groups(site):
            names = [name for name in group if (site, name) in cases]
            trials += [(rank(group), stage.meet, (site, names))] if names else []
    trials.sort(key=lambda trial: trial[0])

    def run(trial):
        began = time.monotonic()
        _, act, subject = trial
        found = act(*subject)
        print(f"{' '.join(map(str, subject))}: {time.monotonic() - began:.0f} s")
        return found

    with ThreadPoolExecutor(TRIALS_MAX) as pool:
        return {case: outcome for found in pool.map(run, trials) for case, outcome in found.items()}


@pytest.mark.parametrize(("site", "fault"), CASES, ids=str)
def test_a_fault_loses_nothing_and_doubles_nothing(site, fault, outcomes):
    if outcomes[(site, fault)] is not None:
        raise outcomes[(site, fault)]


@pytest.mark.parametrize("reason", READS_REFUSED)
def test_a_refused_read_is_named_by_readyz_until_it_ends(reason, outcomes):
    if outcomes[reason] is not None:
        raise outcomes[reason]


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_costs_no_object(outage, outcomes):
    if outcomes[outage] is not None:
        raise outcomes[outage]


@pytest.mark.parametrize("bucket", ["source"])
def test_an_outage_holds_up_nothing_that_is_known(bucket, outcomes):
    if outcomes[bucket] is not None:
        raise outcomes[bucket]
