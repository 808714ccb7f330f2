"""The release binary: one-shot commands, and the running service."""

import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request
from datetime import datetime

from emulator import CREDENTIALS, clean_environment, free_port
from metrics import Samples
from polling import until

COMMAND_SECONDS = 300
READY_SECONDS = 60
STOP_SECONDS = 60


class Binary:
    """The program file, run as a user runs it: no terminal, an empty stdin, a clean environment."""

    def __init__(self, path):
        self.path = path

    def run(self, *arguments, env=None, seconds=COMMAND_SECONDS, cwd=None):
        """Run a command to its end; output as bytes, because Parquet is one of the formats."""
        return subprocess.run(
            [str(self.path), *map(str, arguments)],
            env=clean_environment() | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            cwd=cwd,
            check=False,
        )

    def shell(self, line):
        """Run a line of shell in which `{bin}` stands for the program."""
        return subprocess.run(
            ["bash", "-c", line.format(bin=f"'{self.path}'")],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def output(self, *arguments, **options):
        """stdout of a command that must succeed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, describe(done)
        return done.stdout

    def query(self, lake, sql, env=None):
        """The rows of a query as a list of dictionaries."""
        return read_json_rows(self.output("query", "--lake", lake, "--format", "json", sql, env=env))

    def value(self, lake, sql, env=None):
        """The one value of a query with one row and one column."""
        rows = self.query(lake, sql, env)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return next(iter(rows[0].values()))

    def backfill(self, source, lake, *arguments, env=None, seconds=COMMAND_SECONDS):
        """Backfill with `--format json`: what its last line says."""
        output = self.output(
            "backfill", source, "--lake", lake, "--format", "json", *arguments, env=env, seconds=seconds
        )
        return json.loads(output.decode().splitlines()[-1])

    def start(self, folder, settings, aws=None, config=None, within=()):
        """Start `trailflow run`; returns when it says that it is ready.

        `within` is a command that runs the program as its only child, such as `unshare`.
        """
        return Service(self, folder, settings, aws, config, within)


def read_json_rows(output):
    """JSON rows, whether they come as one array or as one object a line."""
    text = output.decode().strip()
    if text.startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines()]


def epoch_seconds(text):
    """The epoch seconds of a time in JSON; a time without zone is UTC, as every time in the lake."""
    text = text.replace("Z", "+00:00")
    if "+" not in text:
        text += "+00:00"
    return int(datetime.fromisoformat(text).timestamp())


def describe(done):
    """A finished command for an assertion's message."""
    return (
        f"{' '.join(map(str, done.args))} ended with {done.returncode}\n"
        f"stdout: {done.stdout[-3000:].decode(errors='replace')}\n"
        f"stderr: {done.stderr[-3000:].decode(errors='replace')}"
    )


class Service:
    """A running `trailflow run`."""

    # Commit every second: a test waits for a commit, and a batch must not wait for more rows first.
    CONFIG = "[batch]\nage_seconds_max = 1\n"

    def __init__(self, binary, folder, settings, aws=None, config=None, within=()):
        self.listen = f"127.0.0.1:{free_port()}"
        self.within = bool(within)
        self.log = folder / "trailflow.log"
        self.env = clean_environment() | (aws or {}) | settings | {"TRAILFLOW_LISTEN": self.listen}
        config = self.CONFIG if config is None else config
        if config:
            path = folder / "trailflow.toml"
            path.write_text(config)
            self.env["TRAILFLOW_CONFIG"] = str(path)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*within, str(binary.path), "run"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                cwd=folder,
            )
        try:
            until("/readyz answers 200", lambda: self.get("/readyz")[0] == 200, READY_SECONDS, self.alive)
        except BaseException:
            self.kill()
            raise

    def alive(self):
        """Raise, with the log, when the service has ended by itself."""
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"trailflow ended with {code}:\n{self.logged()[-4000:]}")

    def get(self, path):
        """Status and text of a path of its HTTP server; no status when it cannot be reached."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(errors="replace")
        except OSError as unreachable:
            return None, str(unreachable)

    def metrics(self):
        """One scrape of /metrics."""
        status, text = self.get("/metrics")
        assert status == 200, f"/metrics answered {status}: {text[:500]}\n{self.logged()[-2000:]}"
        return Samples(text)

    def status(self, path):
        """The status of a path of its HTTP server."""
        return self.get(path)[0]

    def logged(self):
        """Everything it has written to stderr."""
        return self.log.read_text(errors="replace")

    def pid(self):
        """The process id of trailflow itself, seen from here; nothing when it has ended."""
        if not self.within:
            return self.process.pid
        try:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except OSError:
            return None
        return int(children) if children.strip() else None

    def signal(self, number):
        """Send a signal to trailflow itself, if it still runs."""
        if self.process.poll() is None and (pid := self.pid()) is not None:
            os.kill(pid, number)

    def terminate(self, seconds=STOP_SECONDS):
        """Ask it to end, as Kubernetes does; returns its exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {seconds} s after SIGTERM:\n{self.logged()[-4000:]}") from None

    def kill(self):
        """End it at once, whatever it does; what a failed test leaves behind."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def aws_environment(emulator):
    """What makes an AWS client talk to an emulator and to nothing else."""
    return CREDENTIALS | {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_ALLOW_HTTP": "true"}


def lake_environment(lake, source=None):
    """The lake at one address, queue and source buckets at another; without a source there is none.

    AWS_ENDPOINT_URL is what every AWS client takes for which no address of its own is set.
    """
    environment = aws_environment(lake) | {"TRAILFLOW_LAKE_ENDPOINT_URL": lake.endpoint}
    if source is not None:
        environment |= {"AWS_ENDPOINT_URL_S3": source.endpoint, "AWS_ENDPOINT_URL_SQS": source.endpoint}
    return environment


def queue_settings(wiring, lake, buckets=None):
    """The three settings with which `trailflow run` needs no file."""
    return {
        "TRAILFLOW_QUEUE_URL": wiring.queue_url,
        "TRAILFLOW_BUCKETS": ",".join(buckets or [wiring.bucket]),
        "TRAILFLOW_LAKE": str(lake),
        "TRAILFLOW_LOG_LEVEL": os.environ.get("TRAILFLOW_TEST_LOG_LEVEL", "info"),
    }
