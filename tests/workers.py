"""Workers that are ended without warning: `kill -9`, SIGTERM, or stopped for longer than their lease.

In: a rig. Out: processes of trailflow, each behind proxies of its own, so that one can be struck at
a certain request. Must hold: only processes that were started here get a signal, by their id.
"""

import functools
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass

from emulator import clean_environment
from faults import Rule, Strike
from rig import CONFIG
from service import lake_environment

STOP_SECONDS = 30
"""How long a worker may take to end in order."""


@dataclass(frozen=True)
class Step:
    """A request of the path from message to acknowledgement."""

    name: str
    side: str
    operation: str
    folder: str = ""
    spared_max: int = 0
    """How many of such requests may pass before the blow: a batch has several."""

    def is_meant(self, request):
        """Whether the request is this step."""
        return self.folder in request.path

    def __str__(self):
        return self.name


STEPS = [
    Step("receive", "source", "ReceiveMessage"),
    Step("claim", "lake", "CreateObject", "/claims/", 8),
    Step("read", "source", "GetObject", spared_max=8),
    Step("stage", "lake", "PutObject", "/staging/", 6),
    Step("commit", "lake", "CreateObject", "/batches/"),
    Step("publish", "lake", "CopyObject", spared_max=6),
    Step("unstage", "lake", "DeleteObjects", spared_max=6),
    Step("acknowledge", "source", "DeleteMessageBatch"),
]


@functools.cache
def isolation():
    """The command that gives a process its own process namespace and host name; nothing where it is refused."""
    if shutil.which("unshare") is None:
        return None
    command = ("unshare", "--fork", "--kill-child", "--mount-proc", "--pid", "--uts")
    tried = subprocess.run([*command, "true"], env=clean_environment(), capture_output=True, check=False)
    return command if tried.returncode == 0 else None


def named(host):
    """The isolation with a host name, as every machine has its own."""
    script = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'
    return (*isolation(), "sh", "-c", script, host)


class Worker:
    """One of several services on one queue and one lake; it is started again after each end."""

    def __init__(self, name, trailflow, rig, isolated):
        self.name = name
        self.ends = []
        self._trailflow = trailflow
        self._rig = rig
        self._isolated = isolated
        self._lock = threading.Lock()
        self.source_proxy = rig.proxy(rig.source, f"{name} source")
        self.lake_proxy = rig.proxy(rig.lake_server, f"{name} lake")
        self.service = None

    def start(self):
        """Start it; returns when it is ready."""
        folder = self._rig.folder / f"{self.name}-{len(self.ends)}"
        folder.mkdir()
        within = named(f"{self.name}-{len(self.ends)}") if self._isolated else ()
        aws = lake_environment(self.lake_proxy, self.source_proxy)
        self.service = self._trailflow.start(folder, self._rig.settings, aws, CONFIG, within)

    def is_over(self):
        """Whether its process has ended."""
        return self.service.process.poll() is not None

    def revive(self):
        """Start it again if it was ended."""
        if self.is_over():
            self.start()

    def kill(self, how="by the clock"):
        """`kill -9`, whatever it does."""
        with self._lock:
            if self.service.process.poll() is None:
                self.service.kill()
                self.ends.append(how)

    def strike_at(self, step, carried_out, spared):
        """`kill -9` at a request that is still to come; returns the rule that says whether it came."""
        how = f"{step} {'done' if carried_out else 'begun'}"
        proxy = self.lake_proxy if step.side == "lake" else self.source_proxy
        strike = Strike(lambda: self.kill(how), carried_out)
        rule = Rule(how, strike, frozenset({step.operation}), 1, where=step.is_meant, spared=spared)
        return proxy.rules.add(rule)

    def disarm(self):
        """No more strikes."""
        self.source_proxy.rules.clear()
        self.lake_proxy.rules.clear()

    def terminate(self):
        """End it in order; it must say that it did."""
        code = self.service.terminate(STOP_SECONDS)
        assert code == 0, f"{self.name} ended with {code} after SIGTERM:\n{self.service.logged()[-3000:]}"
        assert "panicked" not in self.service.logged(), self.service.logged()[-3000:]
        self.ends.append("SIGTERM")

    def freeze(self):
        """Stop it where it stands, as a machine that is paused."""
        self.service.signal(signal.SIGSTOP)

    def thaw(self):
        """Let it go on as if no time had passed."""
        self.service.signal(signal.SIGCONT)

    def alive(self):
        """Raise, with its log, when it has ended by itself."""
        self.service.alive()

    def close(self):
        """End it, as a test that failed leaves it."""
        if self.service is not None:
            self.thaw()
            self.service.kill()
