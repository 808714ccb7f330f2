#!/usr/bin/env python3
"""Checks dashboards, rules and runbooks without a running service.

    check.py [--sql DIR]

One line per check; the last line is `N passed, N failed`. Exit: 0 good, 1 findings.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import catalogue
import promql
import schema

GRID_COLUMNS = 24
SCHEMA_VERSION_MIN = 41
BUILT_IN_VARIABLES = {
    "__interval",
    "__rate_interval",
    "__range",
    "__dashboard",
    "__url_time_range",
    "__value",
}
SEVERITIES = {"info", "warning", "critical"}
ANNOTATIONS = ("summary", "description", "runbook_url")


class Report:
    """Prints a line per check and counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, problems):
        """`problems` is what is wrong; empty means that the check passed."""
        problems = list(problems)
        if problems:
            self.failed += 1
            print(f"FAIL  {what}")
            for problem in problems:
                print(f"      {problem}")
        else:
            self.passed += 1
            print(f"ok    {what}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def identity_problems(name, dashboard):
    if dashboard.get("uid") != Path(name).stem:
        yield f"uid is {dashboard.get('uid')!r}. Fix: make it the file's name"
    if dashboard.get("schemaVersion", 0) < SCHEMA_VERSION_MIN:
        yield f"schemaVersion {dashboard.get('schemaVersion')} is old. Fix: at least {SCHEMA_VERSION_MIN}"
    if dashboard.get("id") is not None:
        yield "has an id. Fix: remove it, it belongs to one Grafana"


def panel_problems(dashboard):
    seen = set()
    for panel in catalogue.panels(dashboard):
        where = f"panel {panel['id']} {panel.get('title')!r}"
        if panel["id"] in seen:
            yield f"{where}: id is used twice"
        seen.add(panel["id"])
        if not panel.get("title"):
            yield f"{where}: no title"
        if panel["type"] in ("row", "text"):
            continue
        if len(panel.get("description", "")) < 20:
            yield f"{where}: no description. Fix: say what it shows and what it cannot tell"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{where}: no unit"
        if not panel.get("targets"):
            yield f"{where}: no query"
        references = [target["refId"] for target in panel.get("targets", [])]
        if len(references) != len(set(references)):
            yield f"{where}: refId is used twice"


def grid_problems(dashboard):
    taken = {}
    for panel in dashboard["panels"]:
        grid, where = panel["gridPos"], f"panel {panel['id']} {panel['title']!r}"
        if grid["x"] < 0 or grid["w"] < 1 or grid["h"] < 1 or grid["x"] + grid["w"] > GRID_COLUMNS:
            yield f"{where}: outside the {GRID_COLUMNS} columns"
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        yield from sorted({f"{where}: lies over {taken[cell]}" for cell in cells if cell in taken})
        taken.update(dict.fromkeys(cells, where))


def source_problems(dashboard):
    """Every query goes to the Prometheus that the reader chose."""
    sources = [
        variable["name"] for variable in dashboard["templating"]["list"] if variable["type"] == "datasource"
    ]
    if sources != ["datasource"]:
        yield f"datasource variables are {sources}. Fix: exactly one, named datasource"
    holders = [*catalogue.panels(dashboard), *dashboard["annotations"]["list"]]
    holders += [target for panel in catalogue.panels(dashboard) for target in panel.get("targets", [])]
    holders += [variable for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    for holder in holders:
        if holder.get("type") != "row" and holder.get("datasource", {}).get("uid") != "${datasource}":
            yield f"{holder.get('title') or holder.get('name') or holder.get('refId')}: datasource is not ${{datasource}}"


def variable_problems(name, dashboard):
    """Variables that are used exist, and those that exist are used."""
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set()
    for expression in catalogue.dashboard_expressions(name, dashboard):
        used |= promql.variables(expression.text)
    for variable in sorted(used - declared - BUILT_IN_VARIABLES):
        yield f"${variable} is not declared"
    asked = {variable for variable, _, _ in catalogue.variable_queries(dashboard)}
    for variable in sorted(asked - used):
        yield f"${variable} is used by no panel"
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["definition"] != variable["query"]["query"]:
            yield f"${variable['name']}: definition and query differ"


def link_problems(dashboard, anchors, uids):
    """Links of panels lead to a heading of the runbooks or to another dashboard."""
    links = [link for panel in catalogue.panels(dashboard) for link in panel.get("links", [])]
    for link in links:
        base, _, anchor = link["url"].partition("#")
        uid = re.fullmatch(r"/d/([\w-]+)\?\$\{__url_time_range\}", link["url"])
        if uid and uid[1] not in uids:
            yield f"{link['url']}: no such dashboard"
        elif not uid and (base != "${runbooks}" or anchor not in anchors):
            yield f"{link['url']}: no such heading in docs/runbooks.md"


def limit_problems(dashboard, stored, headers):
    """Panels of a signal say at their end what it cannot tell, and lead to the runbooks of its alerts."""
    for panel in catalogue.panels(dashboard):
        texts = [target["expr"] for target in panel.get("targets", [])]
        named = {name for text in texts for name in promql.metrics(text) if name in stored}
        signals = {stored[name].signal for name in named} - {""}
        linked = {link["url"].partition("#")[2] for link in panel.get("links", [])}
        where = f"panel {panel['id']} {panel.get('title')!r}"
        for signal in sorted(signals):
            limits = " ".join(headers[signal]["cannot_tell"].split())
            sentence = limits if len(signals) == 1 else limits.split(". ")[0]
            if sentence not in panel["description"].partition("What it cannot tell: ")[2]:
                yield f"{where}: does not say what {signal} cannot tell"
            for alert in catalogue.tables(headers[signal], "alert"):
                if alert["name"].lower() not in linked:
                    yield f"{where}: no link to the runbook of {alert['name']}"


def labels_of(expression, stored):
    """The labels that the metrics of an expression have, or None when they may have any."""
    names = promql.metrics(expression)
    if names & catalogue.ALERT_METRICS:
        return None
    return catalogue.TARGET_LABELS.union(*(stored[name].labels for name in names if name in stored))


def name_problems(place, expression, stored):
    """Metrics and labels that nothing has."""
    for metric in sorted(promql.metrics(expression) - set(stored) - catalogue.ALERT_METRICS):
        yield f"{place}: nobody serves {metric}. Fix: correct it, or add it to docs/metrics.md or a signal"
    for metric, label in promql.matched_labels(expression):
        if metric in stored and label not in {*stored[metric].labels, *catalogue.TARGET_LABELS}:
            yield f"{place}: {metric} has no label {label}"
    known = labels_of(expression, stored)
    if known is not None:
        listed = promql.listed_labels(expression, {"by", "on", "ignoring", "without"})
        for label in sorted(listed - known):
            yield f"{place}: no metric in it has the label {label}"


def shown_label_problems(place, expression, shown, stored):
    """Labels that a legend or a summary shows, and that the result does not have."""
    kept = promql.listed_labels(expression, {"by"}) or labels_of(expression, stored)
    for label in sorted(set(shown)):
        if kept is not None and label not in kept:
            yield f"{place}: shows the label {label}, which the result does not have"


def alert_problems(alert, anchors):
    if alert.labels.get("severity") not in SEVERITIES:
        yield f"severity is {alert.labels.get('severity')}"
    for annotation in ANNOTATIONS:
        if not alert.annotations.get(annotation):
            yield f"no {annotation}"
    anchor = alert.annotations.get("runbook_url", "").partition("docs/runbooks.md#")[2]
    if anchor != alert.name.lower() or anchor not in anchors:
        yield f"runbook_url does not lead to a heading {alert.name} in docs/runbooks.md"


def untested_alerts(alerts):
    """Alerts that no rule test has seen both firing and silent."""
    entry = re.compile(
        r'expr: ALERTS\{alertname="(\w+)", alertstate="firing"\}\n +eval_time: \S+\n +exp_samples:( \[\])?'
    )
    firing, silent = set(), set()
    for path in sorted(catalogue.RULE_TESTS.glob("*.yaml")):
        for name, empty in entry.findall(path.read_text(encoding="utf-8")):
            (silent if empty else firing).add(name)
    for alert in alerts:
        if alert.name not in firing:
            yield f"{alert.name}: no test in which it fires"
        if alert.name not in silent:
            yield f"{alert.name}: no test in which it stays silent"
    for name in sorted((firing | silent) - {alert.name for alert in alerts}):
        yield f"{name}: is tested and does not exist"


def untested_recordings(recordings):
    """Recorded metrics that no rule test asks for."""
    tests = "".join(path.read_text(encoding="utf-8") for path in catalogue.RULE_TESTS.glob("*.yaml"))
    for name in sorted({rule.name for rule in recordings}):
        if f"expr: {name}" not in tests:
            yield f"{name}: no test asks for it"


def unused_metrics(expressions, metrics, stored):
    """Metrics that no panel shows."""
    used = {stored[name].name for text in expressions for name in promql.metrics(text) if name in stored}
    return (f"{metric.name}: on no panel" for metric in metrics if metric.name not in used)


def check_dashboards(report, stored, anchors, headers):
    """All checks of the dashboards. Returns their expressions."""
    expressions = []
    uids = {dashboard["uid"] for dashboard in catalogue.dashboards().values()}
    for name, dashboard in catalogue.dashboards().items():
        report.check(f"{name}: identity", identity_problems(name, dashboard))
        report.check(f"{name}: panels have id, title, description, unit, query", panel_problems(dashboard))
        report.check(f"{name}: grid of {GRID_COLUMNS} columns without overlap", grid_problems(dashboard))
        report.check(f"{name}: one templated data source", source_problems(dashboard))
        report.check(f"{name}: variables", variable_problems(name, dashboard))
        report.check(f"{name}: links", link_problems(dashboard, anchors, uids))
        report.check(f"{name}: limits and runbooks of signals", limit_problems(dashboard, stored, headers))
        found = list(catalogue.dashboard_expressions(name, dashboard))
        problems = [problem for each in found for problem in name_problems(each.place, each.text, stored)]
        for variable, metric, label in catalogue.variable_queries(dashboard):
            problems += name_problems(f"{name}: variable {variable}", f'{metric}{{{label}=""}}', stored)
        report.check(f"{name}: {len(found)} expressions name what exists", problems)
        report.check(
            f"{name}: legends show labels that exist",
            (
                problem
                for each in found
                for problem in shown_label_problems(
                    each.place, each.text, promql.LEGEND_LABEL.findall(each.legend), stored
                )
            ),
        )
        expressions += [each.text for each in found]
    return expressions


def check_rules(report, stored, anchors):
    """All checks of the alerts and recording rules."""
    alerts = catalogue.alerts()
    recordings = [rule for rule in catalogue.rules() if rule.recording]
    for rule in recordings:
        what = f"recording rule {rule.name} {rule.labels.get('signal', '')}"
        report.check(what, name_problems(rule.place, rule.expr, stored))
    report.check("every recording rule is tested", untested_recordings(recordings))
    for alert in alerts:
        shown = promql.TEMPLATE_LABEL.findall(" ".join(alert.annotations.values()))
        problems = [*alert_problems(alert, anchors), *name_problems(alert.place, alert.expr, stored)]
        problems += shown_label_problems(alert.place, alert.expr, shown, stored)
        report.check(f"alert {alert.name}", problems)
    report.check("every alert is tested firing and silent", untested_alerts(alerts))
    headings = {
        heading
        for heading in catalogue.HEADING.findall(catalogue.RUNBOOKS.read_text(encoding="utf-8"))
        if re.fullmatch(r"Trailflow\w+", heading)
    }
    report.check(
        "every runbook has its alert",
        (
            f"{name}: a heading without an alert"
            for name in sorted(headings - {alert.name for alert in alerts})
        ),
    )


def check_runbooks(report, stored):
    blocks = catalogue.fenced_blocks(catalogue.RUNBOOKS, "promql") + catalogue.fenced_blocks(
        catalogue.METRICS_DOC, "promql"
    )
    report.check(
        f"{len(blocks)} PromQL blocks in the documents name what exists",
        (problem for block in blocks for problem in name_problems(block.splitlines()[0], block, stored)),
    )


def check_generated(report, sql):
    """What is committed is what the headers and boards make."""
    for script in (catalogue.RULES / "generate.py", catalogue.DASHBOARDS / "generate.py"):
        command = [sys.executable, str(script), "--check", "--sql", str(sql)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        output = (outcome.stdout + outcome.stderr).splitlines()
        name = script.relative_to(catalogue.ROOT)
        report.check(f"{name} --check", output if outcome.returncode else [])


def check_linked(report, sql):
    """A copy of the rules whose runbooks are elsewhere leads there with every alert, and says the same else."""
    elsewhere = "https://wiki.example.com/runbooks.md"
    with tempfile.TemporaryDirectory(prefix="trailflow-rules-") as folder:
        script = [sys.executable, str(catalogue.RULES / "generate.py"), "--sql", str(sql)]
        command = [*script, "--runbooks", elsewhere, "--into", folder]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        problems = (outcome.stdout + outcome.stderr).splitlines() if outcome.returncode else []
        for path in catalogue.rule_files() if not problems else []:
            copy = (Path(folder) / path.name).read_text(encoding="utf-8")
            if copy.replace(f'"{elsewhere}#', '"docs/runbooks.md#') != path.read_text(encoding="utf-8"):
                problems.append(f"{path.name}: the copy differs in more than its links")
            if "docs/runbooks.md#" in copy:
                problems.append(f"{path.name}: a link of the copy does not lead to {elsewhere}")
    report.check("rules/generate.py --runbooks", problems)


def run_promtool(report):
    """Prometheus's own judgement, where it is installed."""
    promtool = shutil.which("promtool")
    if not promtool:
        print("SKIP  promtool check rules, promtool test rules: promtool is not installed")
        return
    rules = [str(path) for path in catalogue.rule_files()]
    tests = [str(path) for path in sorted(catalogue.RULE_TESTS.glob("*.yaml"))]
    for command in (["check", "rules", "--lint=all", *rules], ["test", "rules", *tests]):
        outcome = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        output = (outcome.stdout + outcome.stderr).splitlines()
        report.check(f"promtool {command[0]} rules", output if outcome.returncode else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sql", type=Path, default=catalogue.ROOT / "sql", help="folder of the signals")
    options = parser.parse_args()
    report = Report()
    try:
        own, signals = catalogue.own_metrics(), catalogue.signal_metrics(options.sql)
        metrics = own + signals
        stored = catalogue.stored_metrics(metrics)
        report.check(
            f"{len(own)} own metrics and {len(signals)} of signals are declared",
            [] if own and signals else ["one list is empty"],
        )
        anchors = catalogue.anchors(catalogue.RUNBOOKS)
        headers = {header["name"]: header for header in catalogue.read_signals(options.sql).values()}
        recorded = catalogue.recorded_metrics()
        stored |= catalogue.stored_metrics(recorded)
        shown = check_dashboards(report, stored, anchors, headers)
        report.check("every metric is on a panel", unused_metrics(shown, metrics + recorded, stored))
        check_rules(report, stored, anchors)
        check_runbooks(report, stored)
        check_generated(report, options.sql)
        check_linked(report, options.sql)
        schema.check(report, catalogue.dashboards())
    except (catalogue.Unreadable, catalogue.HeaderError, OSError, ValueError, KeyError) as error:
        report.check("files can be read", [f"{type(error).__name__}: {error}"])
    run_promtool(report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
