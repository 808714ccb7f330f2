"""What infra/ and the code must agree on, read from the code."""

from __future__ import annotations

import re
import tomllib

from report import INFRA, ROOT, Report, equal, expect

VARIABLE = re.compile(r"\b(?:TRAILFLOW_[A-Z_]+|OTEL_[A-Z_]+)\b")


def environment() -> set[str]:
    """The variables that the service reads."""
    return set(VARIABLE.findall((ROOT / "pipeline/src/config/env.rs").read_text()))


def configuration_keys() -> set[str]:
    """The keys of the configuration file, with their tables."""
    source = (ROOT / "pipeline/src/config/raw.rs").read_text()
    return {key for key in re.findall(r'Key::(?:optional|required)\(\s*"([a-z_.]+)"', source) if "." in key}


def limit(pattern: str) -> re.Match[str]:
    """The one place in limits.rs where this stands."""
    found = re.search(pattern, (ROOT / "pipeline/decode/src/limits.rs").read_text())
    expect(found, f"pipeline/decode/src/limits.rs does not say {pattern}; this check must follow it")
    return found


def lease_seconds() -> int:
    unit, number = limit(r"const LEASE: Duration = Duration::from_(secs|mins)\((\d+)\)").groups()
    return int(number) * {"secs": 1, "mins": 60}[unit]


def stop_seconds() -> int:
    """An orderly stop has ended by then."""
    return int(limit(r"const STOP_MAX: Duration = Duration::from_secs\((\d+)\)")[1])


def signal_tables() -> set[str]:
    """The folders that signals stand in."""
    source = (ROOT / "pipeline/decode/src/signal/source.rs").read_text()
    listed = re.search(r"const ALL: \[Self; (\d+)\] = \[(.+?)\];", source, re.S)
    words = re.findall(r"Self::(?:Table\(Table::)?(\w+)", listed[2])
    equal(len(words), int(listed[1]), "the number of tables found in source.rs")
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", word).lower() for word in words}


def lake_tables() -> set[str]:
    """The folders of the lake that have a folder for each day, as sealing lists them."""
    source = (ROOT / "pipeline/src/seal/mod.rs").read_text()
    more = re.search(
        r'tables\.extend\(\[((?:"[a-z_]+"(?:, )?)+)\]\.map\(Path::from\)\);\s+tables\.extend\(self\.folders_in\(&Path::from\("([a-z]+)"\)\)',
        source,
    )
    expect(more, "pipeline/src/seal/mod.rs does not list its folders as it did; this check must follow it")
    return signal_tables() | set(re.findall(r"[a-z_]+", more[1])) | {more[2]}


def seal_folders() -> set[str]:
    """Where sealed files and seals are."""
    found = re.findall(r'^pub const SEAL(?:S|ED): &str = "([a-z]+)";$', (ROOT / "pipeline/src/lake/seals.rs").read_text(), re.M)
    equal(len(found), 2, "the number of folders named in seals.rs")
    return set(found)


def memory_budget_mib() -> int:
    return int(limit(r"const MEMORY_BYTES_MAX: usize = (\d+) \* 1024 \* 1024;")[1])


def cargo() -> dict:
    return tomllib.loads((ROOT / "Cargo.toml").read_text())


def version() -> str:
    return cargo()["workspace"]["package"]["version"]


def known_variables() -> None:
    known = environment()
    for file in sorted(INFRA.rglob("*")):
        if file.is_file() and file.parent.name != "checks" and "__pycache__" not in file.parts and ".terraform" not in file.parts:
            unknown = set(VARIABLE.findall(file.read_text())) - known
            expect(not unknown, f"{file.relative_to(ROOT)} names {sorted(unknown)}, which the service does not read")


def one_version() -> None:
    due = version()
    chart = (INFRA / "helm/trailflow/Chart.yaml").read_text()
    equal(re.search(r'^appVersion: "(.+)"$', chart, re.M)[1], due, "Chart.yaml's appVersion")
    equal(re.search(r"^ARG VERSION=(.+)$", (INFRA / "image/Dockerfile").read_text(), re.M)[1], due, "the Dockerfile's VERSION")
    for name in ("task-definition.json", "compact-task-definition.json"):
        equal(re.search(r'"image": ".*:(.+)"', (INFRA / "ecs" / name).read_text())[1], due, f"the image tag of {name}")


def run(report: Report) -> None:
    report.check("every environment variable in infra/ is one the service reads", known_variables)
    report.check("chart, image and task definitions bear the workspace's version", one_version)
