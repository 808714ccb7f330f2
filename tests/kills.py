"""One run of workers that are killed while they work, and what the lake says at the end.

In: a seed. Out: an `Outcome`. Several workers share a queue and a lake; objects are uploaded while
they run; the dice choose who is killed, when, and how. When the queue is empty at last, every row
must be in the lake once. The dice repeat with the seed; the machine's timing does not.
"""

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from emulator import clean_environment
from polling import until
from rig import CONFIG, LEASE_SECONDS, Rig
from service import describe, lake_environment
from workers import STEPS, Worker

WORKERS = 3
OBJECTS_AT_ONCE_MAX = 12
UPLOAD_GAP_SECONDS_MAX = 0.4
BLOWS = (5, 7)
GAP_SECONDS = (0.05, 0.9)
STRIKE_SECONDS = 1.5
CARRIED_OUT_SECONDS = 40
"""A long poll that is carried out before the blow falls takes its time."""
RECEIVES_MAX = 20
"""More than a deployment has, because nothing kills a deployment every second."""
BACKFILL_SECONDS = (0.2, 1.5)
BACKFILL_KILLS = 2
FROZEN_SECONDS = LEASE_SECONDS + 1.5
"""Long enough for everybody else to believe that the worker is dead."""


@dataclass
class Outcome:
    """What a run did, and what it left."""

    seed: int
    isolated: bool
    backfill: bool
    objects: int = 0
    ends: Counter = field(default_factory=Counter)
    verdict: object = None
    seconds: float = 0.0
    faults: list = field(default_factory=list)

    @property
    def kills(self):
        """How often a process was ended without warning."""
        return sum(count for how, count in self.ends.items() if how not in ("SIGTERM", "frozen"))

    def is_exact(self):
        """Nothing lost, nothing twice, and everything ended as it should."""
        return not self.faults and self.verdict is not None and self.verdict.is_exact()

    def __str__(self):
        where = "each in a namespace of its own" if self.isolated else "in one namespace"
        beside = ", a backfill beside" if self.backfill else ""
        ends = ", ".join(f"{count} {how}" for how, count in sorted(self.ends.items()))
        what = self.verdict if self.verdict is not None else "not checked"
        line = (
            f"seed {self.seed}: {WORKERS} workers {where}{beside}: {self.kills} kills ({ends}), "
            f"{self.objects} objects, {what}, {self.seconds:.1f} s"
        )
        return "\n  ".join([line, *self.faults])


class Run:
    """The workers, the uploads and the blows of one run."""

    def __init__(self, seed, isolated, backfill, trailflow, source, lake_server, folder):
        self.outcome = Outcome(seed, isolated, backfill)
        self._dice = random.Random(f"kills {seed}")
        self._trailflow = trailflow
        self._rig = Rig(source, lake_server, folder, seed, RECEIVES_MAX)
        self._workers = [Worker(f"worker{number}", trailflow, self._rig, isolated) for number in range(WORKERS)]
        self._over = threading.Event()
        self._wrong = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        for worker in self._workers:
            worker.close()
        self._rig.close()

    def finish(self):
        """All of it; the outcome says what is wrong."""
        began = time.monotonic()
        try:
            self._work()
        except AssertionError as wrong:
            self.outcome.faults.append(str(wrong))
        for worker in self._workers:
            self.outcome.ends.update(worker.ends)
        self.outcome.objects = self._rig.ledger.count
        self.outcome.verdict = self._rig.verdict()
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _work(self):
        for worker in self._workers:
            worker.start()
        beside = [threading.Thread(target=self._watched, args=(self._upload,))]
        if self.outcome.backfill:
            beside.append(threading.Thread(target=self._watched, args=(self._backfill,)))
        for thread in beside:
            thread.start()
        for _ in range(self._dice.randint(*BLOWS)):
            self._blow()
        self._over.set()
        for thread in beside:
            thread.join()
        assert not self._wrong, self._wrong
        self._settle()

    def _watched(self, work):
        try:
            work()
        except BaseException as wrong:
            self._wrong.append(repr(wrong))

    def _upload(self):
        """Objects in small bunches, until the last blow has fallen."""
        dice = random.Random(f"uploads {self.outcome.seed}")
        while not self._over.is_set():
            self._rig.upload(dice.randint(1, OBJECTS_AT_ONCE_MAX))
            self._over.wait(dice.uniform(0.0, UPLOAD_GAP_SECONDS_MAX))

    def _blow(self):
        """One blow of the dice's choice at a worker of the dice's choice, or at all of them."""
        worker = self._dice.choice(self._workers)
        kind = self._dice.choices(["clock", "all", "request", "SIGTERM", "frozen"], [3, 1, 9, 2, 1])[0]
        if kind == "request":
            self._strike(worker)
        else:
            time.sleep(self._dice.uniform(*GAP_SECONDS))
        if kind == "clock":
            worker.kill()
        elif kind == "all":
            for each in self._workers:
                each.kill()
        elif kind == "SIGTERM":
            worker.terminate()
        elif kind == "frozen":
            worker.freeze()
            time.sleep(FROZEN_SECONDS)
            worker.thaw()
            worker.ends.append("frozen")
        for each in self._workers:
            each.revive()

    def _strike(self, worker):
        """Kill at a request; if that request does not come, nobody is killed."""
        step, carried_out = self._dice.choice(STEPS), self._dice.random() < 0.5
        rule = worker.strike_at(step, carried_out, self._dice.randint(0, step.spared_max))
        deadline = time.monotonic() + STRIKE_SECONDS
        while rule.done == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        worker.disarm()
        if rule.done > 0:
            until("the worker that was struck has ended", worker.is_over, CARRIED_OUT_SECONDS)

    def _backfill(self):
        """The same prefix, killed and begun again, and at last let run to its end beside the workers."""
        dice = random.Random(f"backfill {self.outcome.seed}")
        for number in range(BACKFILL_KILLS + 1):
            process = self._start_backfill(number)
            if number < BACKFILL_KILLS:
                time.sleep(dice.uniform(*BACKFILL_SECONDS))
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    self.outcome.ends["backfill"] += 1
            process.wait(120)

    def _start_backfill(self, number):
        folder = self._rig.folder / f"backfill-{number}"
        folder.mkdir()
        config = folder / "trailflow.toml"
        config.write_text(CONFIG)
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                [
                    str(self._trailflow.path), "backfill", f"s3://{self._rig.wiring.bucket}/AWSLogs",
                    "--lake", self._rig.url, "--format", "json", "--config", str(config),
                ],
                env=clean_environment() | self._rig.aws(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def _settle(self):
        """Everybody runs; wait until the queue is empty, end all in order, and look once more."""

        def alive():
            for worker in self._workers:
                worker.alive()

        self._rig.until_drained(alive)
        for worker in self._workers:
            worker.terminate()
        self._rig.until_drained()
        if self.outcome.backfill:
            again = self._trailflow.run(
                "backfill", f"s3://{self._rig.wiring.bucket}/AWSLogs", "--lake", self._rig.url, "--format", "json",
                env=self._rig.aws(),
            )
            assert again.returncode == 0, describe(again)
