"""A real limit of the operating system on a process's memory: cgroup v1, as root.

In: a limit in bytes. Out: a program that runs another one under it. The kernel kills what needs
more than the limit, so a test under it cannot pass by a kind way of counting.
"""

import os
import pathlib
import uuid

ROOT = pathlib.Path("/sys/fs/cgroup/memory")


def is_available():
    """Whether limits can be set here."""
    return os.geteuid() == 0 and (ROOT / "memory.limit_in_bytes").exists()


class MemoryLimit:
    """A control group with a memory limit; leave it to remove it."""

    def __init__(self, limit_bytes):
        self.folder = ROOT / f"trailflow-{uuid.uuid4().hex[:12]}"
        self.folder.mkdir()
        (self.folder / "memory.limit_in_bytes").write_text(str(limit_bytes))

    def wrapping(self, program, folder):
        """A program that puts itself under the limit and becomes the given one."""
        script = folder / "limited"
        script.write_text(f'#!/bin/sh\necho $$ > {self.folder}/cgroup.procs\nexec "{program}" "$@"\n')
        script.chmod(0o755)
        return script

    def failures(self):
        """How often the kernel had to take pages back, or kill, because the limit was reached."""
        return int((self.folder / "memory.failcnt").read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.rmdir()
