"""The two AWS emulators, each as a process of its own on a free loopback port.

Two emulators with different bugs are a better test than one. Neither checks signatures.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

from polling import until

REGION = "eu-west-1"
ACCOUNT = "000000000000"
START_SECONDS = 60
STOP_SECONDS = 10

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def clean_environment():
    """This process's environment without anything that could steer an AWS client or trailflow."""
    steering = ("AWS_", "TRAILFLOW_", "OTEL_", "RUST_LOG")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}


class Emulator:
    """A running emulator: its address, its clients, and the log of the requests it got."""

    def __init__(self, name, folder):
        self.name = name
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = pathlib.Path(folder) / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command(),
                env=clean_environment() | CREDENTIALS | self._settings(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            until(f"{name} answers on {self.endpoint}", self._answers, START_SECONDS, self._alive)
        except BaseException:
            self.stop()
            raise

    def _command(self):
        programs = pathlib.Path(sys.executable).parent
        if self.name == "ministack":
            return [str(programs / "ministack")]
        return [str(programs / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]

    def _settings(self):
        if self.name == "ministack":
            # Without BIND_HOST it would listen on every address.
            return {
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(self.port),
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
            }
        return {}

    def _alive(self):
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.requests()[-4000:]}")

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.endpoint}/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def client(self, service):
        """A boto3 client of this emulator."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, read_timeout=60),
        )

    def requests(self):
        """Everything the emulator has logged so far."""
        return self.log.read_text(errors="replace")

    def stop(self):
        """End exactly the process that was started here."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
