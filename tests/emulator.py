"""The stand-ins for AWS, each as a process of its own on free loopback ports.

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
from contextlib import ExitStack

import boto3
from botocore.config import Config

from polling import until

REGION = "eu-west-1"
ACCOUNT = "000000000000"
START_SECONDS = 60
STOP_SECONDS = 10
CONNECTIONS_MAX = 64

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def free_ports(count):
    """Distinct loopback ports that nobody listens on now."""
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def free_port():
    """A loopback port that nobody listens on now."""
    return free_ports(1)[0]


def clean_environment():
    """This process's environment without anything that could steer an AWS client or trailflow."""
    steering = ("AWS_", "TRAILFLOW_", "OTEL_", "RUST_LOG")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}


def client(endpoint, service):
    """A boto3 client of whatever listens there."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            s3={"addressing_style": "path"},
            retries={"max_attempts": 2},
            read_timeout=60,
            max_pool_connections=CONNECTIONS_MAX,
        ),
    )


def program(name):
    """A program that the virtual environment of the tests brings."""
    return str(pathlib.Path(sys.executable).parent / name)


class Server:
    """A running stand-in: its address, its clients, and the log of the requests it got."""

    def __init__(self, name, folder, port, command, settings):
        self.name = name
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = pathlib.Path(folder) / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env=clean_environment() | CREDENTIALS | settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            until(f"{name} answers on {self.endpoint}", self.answers, START_SECONDS, self._alive)
        except BaseException:
            self.stop()
            raise

    def _alive(self):
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.requests()[-4000:]}")

    def answers(self):
        """Whether it answers at all; a refusal is an answer."""
        try:
            with urllib.request.urlopen(f"{self.endpoint}/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def client(self, service):
        """A boto3 client of this stand-in."""
        return client(self.endpoint, service)

    def requests(self):
        """Everything it has logged so far."""
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


class Emulator(Server):
    """ministack or moto's server: queue, source buckets and the routes between them."""

    def __init__(self, name, folder):
        port = free_port()
        if name == "ministack":
            command = [program("ministack")]
            # Without BIND_HOST it would listen on every address.
            settings = {
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
            }
        else:
            command = [program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
            settings = {}
        super().__init__(name, folder, port, command, settings)
