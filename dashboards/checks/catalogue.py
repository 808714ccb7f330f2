"""What the dashboards and rules may name, and what they do name.

In: sql/**/*.sql (headers), docs/metrics.md, dashboards/. Out: metrics with their labels, and every
expression with the place it stands in. Standard library only.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "dashboards" / "grafana"
RULES = ROOT / "dashboards" / "rules"
RULE_TESTS = RULES / "tests"
SERVICE_RULES = RULES / "service.rules.yaml"
METRICS_DOC = ROOT / "docs" / "metrics.md"
RUNBOOKS = ROOT / "docs" / "runbooks.md"

sys.path.insert(0, str(RULES))
from headers import HeaderError, read_signals, tables  # noqa: E402, F401  (they live beside the rules)

METRIC_ROW = re.compile(r"^\| `(trailflow_[a-z0-9_]+)` \| (\w+) \|([^|]*)\|")
LABEL_VALUES = re.compile(r'label_values\(([a-z0-9_]+|\{__name__=~"[a-z0-9_|]+"\}), ([a-z0-9_]+)\)')
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
# Set by Prometheus itself; every scraped series has them.
TARGET_LABELS = {"instance", "job"}
# Written by Prometheus when it evaluates alerts; they carry the labels of any alert.
ALERT_METRICS = {"ALERTS", "ALERTS_FOR_STATE"}


@dataclass(frozen=True)
class Metric:
    """A metric that may be named, under the name it is stored by."""

    name: str
    kind: str
    labels: tuple
    signal: str = ""


@dataclass(frozen=True)
class Expression:
    """One PromQL expression, and what is drawn from it."""

    place: str
    text: str
    legend: str = ""
    instant: bool = True


@dataclass
class Rule:
    """One alert or recording rule of a rule file."""

    name: str
    place: str
    recording: bool = False
    expr: str = ""
    labels: dict = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)


class Unreadable(Exception):
    """A file that does not have the shape it should have."""


def own_metrics():
    """The metrics about the service itself, from the table in docs/metrics.md."""
    rows = (METRIC_ROW.match(line) for line in METRICS_DOC.read_text(encoding="utf-8").splitlines())
    return [Metric(row[1], row[2], tuple(re.findall(r"`(\w+)`", row[3]))) for row in rows if row]


def signal_metrics(sql):
    """The metrics that the signals' headers declare."""
    metrics = []
    for header in read_signals(sql).values():
        metrics += header_metrics(header)
    return metrics


def header_metrics(header):
    """The metrics that one header declares."""
    metrics = []
    for metric in tables(header, "metric"):
        name = "trailflow_" + metric["name"].removeprefix("trailflow_")
        kind = metric.get("type", "counter")
        metrics.append(Metric(name, kind, tuple(metric["labels"]), header["name"]))
    return metrics


def stored_metrics(metrics):
    """By the name of each stored series: a histogram is stored as three."""
    stored = {}
    for metric in metrics:
        if metric.kind != "histogram":
            stored[metric.name] = metric
            continue
        stored[metric.name + "_bucket"] = Metric(metric.name, "histogram", (*metric.labels, "le"))
        for suffix in ("_sum", "_count"):
            stored[metric.name + suffix] = metric
    return stored


def dashboards():
    """Every dashboard by its file name."""
    return {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))
    }


def panels(dashboard):
    """Every panel, those inside collapsed rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def dashboard_expressions(name, dashboard):
    """The expressions of panels and annotations."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            place = f"{name}: panel {panel['id']} {panel['title']!r} {target['refId']}"
            yield Expression(
                place,
                target["expr"],
                target.get("legendFormat", ""),
                bool(target.get("instant")),
            )
    for annotation in dashboard["annotations"]["list"]:
        place = f"{name}: annotation {annotation['name']!r}"
        yield Expression(place, annotation["expr"], instant=False)


def variable_queries(dashboard):
    """Variable name, metric and label of every variable that asks Prometheus, once for each metric."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            query = LABEL_VALUES.fullmatch(variable["query"]["query"])
            if not query:
                raise Unreadable(f"variable {variable['name']}: not label_values(metric, label)")
            names = query[1].removeprefix('{__name__=~"').removesuffix('"}')
            for metric in names.split("|"):
                yield variable["name"], metric, query[2]


def rule_files():
    """The rule files."""
    return sorted(RULES.glob("*.rules.yaml"))


def rules():
    """Every rule of every rule file."""
    return [rule for path in rule_files() for rule in read_rules(path)]


def alerts():
    """Every alert of every rule file."""
    return [rule for rule in rules() if not rule.recording]


def recorded_metrics():
    """The metrics that recording rules make, with the labels that they set."""
    found = {rule.name: Metric(rule.name, "gauge", tuple(rule.labels)) for rule in rules() if rule.recording}
    return list(found.values())


def read_rules(path):
    """Reads the one shape that our rule files have; promtool judges them as YAML.

    A line that does not fit is an error, so nothing is passed over in silence.
    """
    found, section, in_expr = [], None, False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if not text or text.startswith("#") and not in_expr:
            continue
        if in_expr and indent >= 10:
            found[-1].expr += line[10:] + "\n"
            continue
        in_expr = False
        key, _, value = text.partition(":")
        value = value.strip()
        if text == "groups:" or (indent == 2 and key == "- name") or (indent == 4 and text == "rules:"):
            section = None
        elif indent == 6 and text.startswith(("- alert: ", "- record: ")):
            # The name of a recorded metric has colons of its own.
            kind, _, name = text.partition(": ")
            found.append(Rule(name, f"{path.name}:{number}", kind == "- record"))
        elif indent == 8 and text == "expr: |":
            in_expr = True
        elif indent == 8 and key == "for":
            section = None
        elif indent == 8 and text in ("labels:", "annotations:"):
            section = getattr(found[-1], key)
        elif indent == 10 and section is not None:
            section[key] = json.loads(value) if value.startswith('"') else value
        else:
            raise Unreadable(
                f"{path.name}:{number}: {text!r} does not fit. Fix: write it as the other rules are."
            )
    return found


def anchors(path):
    """The anchors that the headings of a Markdown file make."""
    headings = HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fenced_blocks(path, language):
    """The fenced code blocks of one language in a Markdown file."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
