#!/usr/bin/env python3
"""Runs every expression of the dashboards and rules in a real Prometheus.

    live.py http://127.0.0.1:9464/metrics     against a running trailflow
    live.py --stub                            against invented values of every declared metric

Starts a Prometheus of its own on a free loopback port, lets it scrape once a second, then asks it
everything that Grafana would ask. It does not show that Grafana renders the answer.
One line per expression; the last line is `N passed, N failed`. Exit: 0 good, 1 findings, 2 could not run.

Every expression of a panel, variable, annotation and recording rule must return series. What may be
empty stands below with its reason: NO_PAST always, QUIET unless --strict. Alerts, and what is asked of
ALERTS, may be empty: no alert need be pending.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import catalogue
import promql
import stub_exporter

READY_SECONDS_MAX = 30
# Longer than a run, so that every counter is new inside the window and shows all it has counted.
WINDOW = "5m"
# How a stat panel shows 0 instead of nothing while trailflow is scraped.
ZERO = re.compile(r" or 0 \* sum\(trailflow_build_info(\{[^}]*\})?\)$")
# Parts of expressions that are empty in a run of some seconds.
NO_PAST = {"offset 1d": "there is no yesterday"}
# Parts of expressions that are empty in a service that reads a directory and has no trouble.
QUIET = {
    "trailflow_notifications_total": "a directory sends no notifications",
    "trailflow_notification_records_unreadable_total": "no notification is unreadable",
    "trailflow_records_rejected_total": "no record was rejected",
    "trailflow_quarantined_total": "nothing is in quarantine",
    "trailflow_bucket_denied": "no bucket has denied",
    "trailflow_series_overflow_total": "no signal has reached series_max",
}
# Several scrapes long.
RATE_WINDOW = "10s"
CONFIGURATION = """\
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 5s }}
rule_files: {rules}
scrape_configs:
  - job_name: trailflow
    honor_labels: true
    scheme: {scheme}
    metrics_path: {path}
    static_configs: [{{ targets: [{target}] }}]
"""


class CouldNotRun(Exception):
    """No verdict is possible; the text says what to do."""


class Prometheus:
    """A Prometheus process of our own, ended by its id when the block is left."""

    def __init__(self, binary, url):
        self.binary, self.url = binary, urllib.parse.urlsplit(url)

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="trailflow-dashboards-")
        folder = Path(self.folder.name)
        rules = [str(path) for path in catalogue.rule_files()]
        path = self.url.path if self.url.path not in ("", "/") else "/metrics"
        text = CONFIGURATION.format(
            rules=json.dumps(rules),
            scheme=self.url.scheme,
            path=json.dumps(path),
            target=json.dumps(self.url.netloc),
        )
        (folder / "prometheus.yml").write_text(text, encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = (folder / "log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                self.binary,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "no_proxy": "*"},
        )
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def get(self, path, **parameters):
        """The `data` of an answer of the HTTP API, or the error that it gave."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        request = f"http://127.0.0.1:{self.port}{path}?{query}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return json.load(answer)["data"], None
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")
            return None, json.loads(body).get("error", body) if body.startswith("{") else body

    def scraped(self):
        """Waits until the target answered once."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        reason = "Prometheus did not start"
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                targets, error = self.get("/api/v1/targets", state="active")
                if targets and targets["activeTargets"]:
                    target = targets["activeTargets"][0]
                    if target["health"] == "up":
                        return
                    reason = target["lastError"] or "not scraped yet"
                elif error:
                    reason = error
            except OSError as error:
                reason = str(error)
            time.sleep(0.2)
        self.log.seek(0)
        tail = "".join(self.log.readlines()[-3:])
        raise CouldNotRun(
            f"{self.url.geturl()} was not scraped: {reason}\n{tail}Fix: start the service first, and give the address of its metrics."
        )


def replaced(expression):
    """The expression with Grafana's variables filled in; a chosen variable means All."""
    for variable in sorted(promql.variables(expression), key=len, reverse=True):
        value = (
            RATE_WINDOW if variable == "__rate_interval" else WINDOW if variable.startswith("__") else ".*"
        )
        expression = expression.replace("${" + variable + "}", value).replace("$" + variable, value)
    return expression


class Walk:
    """Asks everything, prints a line each, counts."""

    def __init__(self, prometheus, strict):
        self.prometheus, self.strict = prometheus, strict
        self.passed = self.failed = 0

    def line(self, good, place, verdict):
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'}  {place}: {verdict}")

    def series(self, expression):
        """Labels of the series that an expression returns, or why it does not parse."""
        text = replaced(expression.text)
        if expression.instant:
            data, error = self.prometheus.get("/api/v1/query", query=text)
        else:
            now = time.time()
            data, error = self.prometheus.get(
                "/api/v1/query_range", query=text, start=now - 10, end=now, step=1
            )
        if error:
            return None, error
        return [series.get("metric", {}) for series in data["result"]] if data["resultType"] in (
            "vector",
            "matrix",
        ) else [{}], None

    def expression(self, expression, may_be_empty=False):
        found, error = self.series(expression)
        if error:
            self.line(False, expression.place, f"does not run: {error}")
            return
        if not found:
            reason = self.reason(expression.text, may_be_empty)
            self.line(bool(reason), expression.place, f"runs, empty: {reason}" if reason else "runs, NO SERIES")
            return
        missing = [
            label
            for label in promql.LEGEND_LABEL.findall(expression.legend)
            if not any(label in labels for labels in found)
        ]
        verdict = f"the legend's {', '.join(missing)} is on none of" if missing else "runs,"
        note = " (the zero: nothing was counted)" if self.only_zero(expression) else ""
        self.line(not missing, expression.place, f"{verdict} {len(found)} series{note}")

    def reason(self, text, may_be_empty):
        """Why an expression may return nothing, or an empty text."""
        if may_be_empty or promql.metrics(text) & catalogue.ALERT_METRICS:
            return "no alert need be pending"
        listed = NO_PAST if self.strict else NO_PAST | QUIET
        return next((why for part, why in listed.items() if part in text), "")

    def only_zero(self, expression):
        """Whether the series is there only because the expression ends in a zero."""
        counted = ZERO.sub("", expression.text)
        return (
            counted != expression.text and not self.series(catalogue.Expression(expression.place, counted))[0]
        )

    def variable(self, place, metric, label):
        values, error = self.prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": metric})
        self.line(bool(values), place, error or f"{len(values)} values")

    def rules(self):
        """Every rule is loaded, was evaluated without error, and its expression runs."""
        data, error = self.prometheus.get("/api/v1/rules")
        if error:
            self.line(False, "rules", error)
            return
        loaded = [rule for group in data["groups"] for rule in group["rules"]]
        states = {(rule["name"], rule.get("labels", {}).get("signal", "")): rule for rule in loaded}
        for rule in catalogue.rules():
            place = f"{'record' if rule.recording else 'alert'} {rule.name} {rule.labels.get('signal', '')}"
            state = states.get((rule.name, rule.labels.get("signal", "")))
            if state is None or state["health"] != "ok":
                verdict = f"{state['health']} {state.get('lastError', '')}" if state else "not loaded"
                self.line(False, place, verdict)
                continue
            asked = catalogue.Expression(f"{place} ({state.get('state', 'recorded')})", rule.expr)
            self.expression(asked, may_be_empty=not rule.recording)

    def served(self, metrics):
        """Names that the target serves and nobody declared, so that the list stays whole."""
        names, error = self.prometheus.get("/api/v1/label/__name__/values")
        stored = catalogue.stored_metrics(metrics)
        missing = sorted(set(stored) - set(names or []))
        print(f"      {len(stored) - len(missing)} of {len(stored)} stored series names are served; not: {missing}")
        undeclared = sorted(
            name for name in names or [] if name.startswith("trailflow_") and name not in stored
        )
        self.line(not undeclared, "every served metric is declared", error or ", ".join(undeclared) or "yes")

    def everything(self, metrics):
        for name, dashboard in catalogue.dashboards().items():
            for variable, metric, label in catalogue.variable_queries(dashboard):
                self.variable(f"{name}: variable {variable}", metric, label)
            for expression in catalogue.dashboard_expressions(name, dashboard):
                self.expression(expression)
        self.rules()
        self.served(metrics)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="address of a running trailflow's metrics")
    parser.add_argument("--stub", action="store_true", help="serve invented values instead")
    parser.add_argument("--strict", action="store_true", help="QUIET is no excuse")
    parser.add_argument("--seconds", type=int, default=15, help="how long to scrape before asking")
    parser.add_argument("--sql", type=Path, default=catalogue.ROOT / "sql", help="folder of the signals")
    parser.add_argument("--prometheus", default="prometheus", help="the program to run")
    options = parser.parse_args()
    # So that Prometheus is ended too when this is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    if bool(options.url) == options.stub:
        parser.error("give either a URL or --stub")
    try:
        binary = shutil.which(options.prometheus)
        if not binary:
            raise CouldNotRun(
                f"{options.prometheus} is not installed. Fix: apt-get install prometheus, or pass --prometheus."
            )
        metrics = catalogue.own_metrics() + catalogue.signal_metrics(options.sql)
        url = stub_exporter.serve(metrics) if options.stub else options.url
        with Prometheus(binary, url) as prometheus:
            prometheus.scraped()
            time.sleep(options.seconds)
            walk = Walk(prometheus, options.strict)
            walk.everything(metrics)
    except (CouldNotRun, catalogue.Unreadable, catalogue.HeaderError) as error:
        print(f"could not run: {error}", file=sys.stderr)
        return 2
    print(f"{walk.passed} passed, {walk.failed} failed")
    return 1 if walk.failed else 0


if __name__ == "__main__":
    sys.exit(main())
