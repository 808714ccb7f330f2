"""A dashboard: rows of panels, variables that narrow them, annotations, links.

In: a `Board` as data, and the signals' headers. Out: the JSON that Grafana imports.
From the headers come, for each panel, the runbooks of the alerts on its metrics and what the signal
cannot tell; from the metrics' labels, which variables narrow which query.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import expressions
import panels

CHECKS = Path(__file__).resolve().parents[1] / "checks"
sys.path.insert(0, str(CHECKS))
import catalogue
import promql

GRID_COLUMNS = 24
SENTENCE = re.compile(r"(?<=[.]) +(?=[A-Z])")


@dataclass(frozen=True)
class Variable:
    """A choice above the dashboard: its values, and the labels that it narrows."""

    name: str
    label: str
    says: str
    metrics: tuple
    value: str
    narrows: tuple

    def query(self):
        """All values of one label of one or several metrics."""
        if len(self.metrics) == 1:
            return f"label_values({self.metrics[0]}, {self.value})"
        return f'label_values({{__name__=~"{"|".join(self.metrics)}"}}, {self.value})'


@dataclass(frozen=True)
class Board:
    """One dashboard. `changes` is a pattern of the kinds of change that it marks."""

    uid: str
    title: str
    says: str
    rows: tuple  # of (title, panels…)
    variables: tuple = ()
    changes: str = ""
    service: bool = False


class Signals:
    """What the headers say, by metric."""

    def __init__(self, headers, own):
        self.headers = {header["name"]: header for header in headers}
        declared = own + [metric for header in headers for metric in catalogue.header_metrics(header)]
        self.stored = catalogue.stored_metrics(declared)

    def of(self, texts):
        """The signals whose metrics the expressions name, in their order."""
        found = {}
        for text in texts:
            for name in sorted(promql.metrics(text), key=text.find):
                metric = self.stored.get(name)
                if metric and metric.signal:
                    found[metric.signal] = self.headers[metric.signal]
        return list(found.values())

    def alerts(self, texts):
        """Names of the alerts of those signals."""
        return [alert["name"] for header in self.of(texts) for alert in catalogue.tables(header, "alert")]

    def labels(self, metric):
        """The labels that a metric can be narrowed by."""
        known = self.stored.get(metric)
        return {*known.labels, *catalogue.TARGET_LABELS} if known else set()


def asked(board):
    """Every expression of a board, before variables go in."""
    return [text for _, *row in board.rows for panel in row for text, _ in panel.asks]


def render(board, signals, alerts):
    """The dashboard's JSON. `alerts` are the names of those that belong to it."""
    body, y, number = [], 0, 0
    for title, *row in with_alerts(board, alerts):
        number += 1
        body.append(row_json(number, title, y))
        x, y, height = 0, y + 1, 0
        for panel in row:
            if x + panel.w > GRID_COLUMNS:
                x, y, height = 0, y + height, 0
            number += 1
            place = {"h": panel.h, "w": panel.w, "x": x, "y": y}
            body.append({"id": number, "gridPos": place, **panel_json(panel, board, signals)})
            x, height = x + panel.w, max(height, panel.h)
        y += height
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.says,
        "tags": ["trailflow"],
        "schemaVersion": 42,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m"]},
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "weekStart": "",
        "links": board_links(),
        "annotations": {"list": annotations(board, alerts, signals)},
        "templating": {"list": variables(board)},
        "panels": body,
    }


def with_alerts(board, alerts):
    """The rows, with the alerts of the dashboard before them unless it shows them itself."""
    if any("ALERTS_FOR_STATE" in text for text in asked(board)):
        return board.rows
    return (("Over the threshold", panels.over_the_threshold(alerts)), *board.rows)


def row_json(number, title, y):
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"h": 1, "w": GRID_COLUMNS, "x": 0, "y": y},
    }


def matchers(board, signals):
    """For a metric, the matchers of the board's variables that it can be narrowed by."""

    def of(metric):
        labels = signals.labels(metric)
        for variable in board.variables:
            label = next((label for label in variable.narrows if label in labels), None)
            if label:
                yield f'{label}=~"${variable.name}"'

    return of


def panel_json(panel, board, signals):
    texts = [text for text, _ in panel.asks]
    links_of_column = {
        label: narrowing_link(variable)
        for variable in board.variables
        for label in variable.narrows
        if panel.kind == "table"
        and any(label in promql.listed_labels(text, {"by"}) or "ALERTS" in text for text in texts)
    }
    json = panels.rendered(panel, links_of_column)
    for target in json["targets"]:
        target["expr"] = expressions.narrowed(target["expr"], matchers(board, signals))
    json["description"] = description(panel, signals.of(texts))
    names = [*signals.alerts(texts), *panel.runbooks]
    links = [runbook_link(name) for name in dict.fromkeys(names)]
    links += [board_link(title, uid) for title, uid in panel.boards]
    if links:
        json["links"] = links
    return json


def description(panel, headers):
    """What the panel says, and at its end what its signals cannot tell."""
    said = [" ".join(header["cannot_tell"].split()) for header in headers]
    if len(said) > 1:
        # The whole of one, the first sentence of each of several.
        said = [f"({header['name']}) {SENTENCE.split(text)[0]}" for header, text in zip(headers, said)]
    return f"{panel.says} What it cannot tell: {' '.join(said)}" if said else panel.says


def runbook_link(name):
    return {"title": f"Runbook: {name}", "url": "${runbooks}#" + name.lower(), "targetBlank": True}


def board_link(title, uid):
    return {"title": f"Dashboard: {title}", "url": f"/d/{uid}?${{__url_time_range}}", "targetBlank": False}


def narrowing_link(variable):
    address = "/d/${__dashboard.uid}?${__url_time_range}"
    return {
        "title": f"Only this {variable.label.lower()}",
        "url": f"{address}&var-{variable.name}=${{__value.text:percentencode}}",
    }


def board_links():
    shared = {"includeVars": False, "icon": "", "tooltip": ""}
    return [
        shared
        | {
            "type": "dashboards",
            "title": "trailflow",
            "url": "",
            "tags": ["trailflow"],
            "keepTime": True,
            "targetBlank": False,
            "asDropdown": True,
            "icon": "external link",
        },
        shared
        | {
            "type": "link",
            "title": "Runbooks",
            "url": "${runbooks}",
            "tags": [],
            "keepTime": False,
            "targetBlank": True,
            "asDropdown": False,
            "icon": "doc",
        },
    ]


def annotations(board, alerts, signals):
    shared = {"datasource": panels.SOURCE, "enable": True, "hide": False, "useValueForTime": False}
    found = [
        shared
        | {
            "name": "Alerts firing",
            "iconColor": "red",
            "expr": expressions.firing(alerts),
            "step": "60s",
            "titleFormat": "{{alertname}}",
            "textFormat": "{{severity}}",
        }
    ]
    if board.changes:
        by = "kind, api, resource, caller, account_id"
        made = expressions.counted("trailflow_changes_total", by, f'kind=~"{board.changes}"') + " > 0"
        narrow = matchers(board, signals)
        found.append(
            shared
            | {
                "name": "Changes",
                "iconColor": "blue",
                "expr": expressions.narrowed(made, lambda metric: without_caller(narrow(metric))),
                "step": "300s",
                "titleFormat": "{{kind}}: {{api}}",
                "textFormat": "{{resource}} by {{caller}} in {{account_id}}",
            }
        )
    return found


def without_caller(found):
    """A change by anybody may be the cause: who is looked at does not narrow it."""
    return [matcher for matcher in found if not matcher.startswith("caller=")]


def variables(board):
    source = {
        "name": "datasource",
        "label": "Prometheus",
        "description": "The Prometheus that scrapes trailflow.",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "skipUrlSync": False,
        "current": {},
        "options": [],
    }
    place = {"selected": True, "text": "docs/runbooks.md", "value": "docs/runbooks.md"}
    runbooks = {
        "name": "runbooks",
        "label": "Runbooks at",
        "description": "Where docs/runbooks.md can be read. Set it once to its address and save the dashboard; every runbook link begins with it.",
        "type": "textbox",
        "query": "docs/runbooks.md",
        "hide": 0,
        "skipUrlSync": False,
        "current": place,
        "options": [place],
    }
    return [source, *map(query_variable, board.variables), runbooks]


def query_variable(variable):
    return {
        "name": variable.name,
        "label": variable.label,
        "description": variable.says,
        "type": "query",
        "datasource": panels.SOURCE,
        "definition": variable.query(),
        "query": {
            "query": variable.query(),
            "refId": "PrometheusVariableQueryEditor-VariableQuery",
            "qryType": 1,
        },
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
    }
