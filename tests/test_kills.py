"""Workers killed while they work lose nothing and double nothing.

TRAILFLOW_TEST_KILL_RUNS is how many runs there are, TRAILFLOW_TEST_SEED the seed of the first. With
pytest's `-s` each run prints its line as it ends, and the last line adds them up.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from kills import Run
from workers import isolation

RUNS = int(os.environ.get("TRAILFLOW_TEST_KILL_RUNS") or 4)
SEED = int(os.environ.get("TRAILFLOW_TEST_SEED") or random.SystemRandom().randrange(1_000_000))
AT_ONCE = 2
"""Runs mostly wait, for leases and for the dice."""


def is_isolated(number):
    """Whether the workers of a run cannot see that another one is gone."""
    return bool(number & 1)


def has_backfill(number):
    """Whether a backfill of the same objects runs beside the workers."""
    return bool(number & 2)


@pytest.fixture(scope="module")
def outcomes(trailflow, ministack, seaweedfs, tmp_path_factory, request):
    """`{number: outcome}` of the runs that are asked for and can be made."""
    items = [getattr(item, "callspec", None) for item in request.session.items if item.module is request.module]
    numbers = [callspec.params["number"] for callspec in items if callspec is not None]
    numbers = [number for number in numbers if isolation() is not None or not is_isolated(number)]

    def run(number):
        folder = tmp_path_factory.mktemp("run")
        kind = is_isolated(number), has_backfill(number)
        with Run(SEED + number, *kind, trailflow, ministack, seaweedfs, folder) as run:
            outcome = run.finish()
        print(f"\n{outcome}", end="", flush=True)
        return outcome

    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = dict(zip(numbers, pool.map(run, numbers), strict=True))
    yield seen
    verdicts = [outcome.verdict for outcome in seen.values()]
    print(
        f"\n{len(seen)} runs, {sum(outcome.is_exact() for outcome in seen.values())} exact: "
        f"{sum(outcome.kills for outcome in seen.values())} kills, "
        f"{sum(outcome.objects for outcome in seen.values())} objects, "
        f"{sum(verdict.rows for verdict in verdicts)} events, {sum(verdict.lost for verdict in verdicts)} lost, "
        f"{sum(verdict.doubled for verdict in verdicts)} doubled"
    )


@pytest.mark.parametrize("number", range(RUNS))
def test_killed_workers_lose_nothing_and_double_nothing(number, outcomes):
    if number not in outcomes:
        pytest.skip("`unshare --pid --uts` is refused here, so the lease alone cannot be tried as the judge")
    assert outcomes[number].is_exact(), str(outcomes[number])
