"""Fixtures: the stand-ins for AWS, and the release binary of trailflow."""

import os
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True

from emulator import Emulator  # noqa: E402
from seaweedfs import SeaweedFS  # noqa: E402
from service import Binary  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


def start(name, tmp_path_factory):
    emulator = Emulator(name, tmp_path_factory.mktemp(name))
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def ministack(tmp_path_factory):
    """ministack, for the whole session; tests keep apart by their own names."""
    yield from start("ministack", tmp_path_factory)


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    """moto's server, for the whole session; slow, so tests give it small counts."""
    yield from start("moto", tmp_path_factory)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """SeaweedFS, for the whole session; tests keep apart by their own prefixes."""
    server = SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def trailflow():
    """The binary: TRAILFLOW_BIN, else the release build in Cargo's target directory."""
    named = os.environ.get("TRAILFLOW_BIN")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(named) if named else target / "release" / "trailflow"
    if not path.is_file():
        pytest.fail(f"no binary at {path}; run `cargo build --release --locked`, or set TRAILFLOW_BIN")
    return Binary(path.resolve())


@pytest.fixture(scope="session")
def repository():
    """The root of the repository."""
    return ROOT
