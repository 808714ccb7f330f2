"""The kinds of panels that the dashboards use, as Grafana's JSON.

In: a title, expressions, what the panel says. Out: panels without place and number; `board` gives
those. What is the same on every dashboard stands here once: colours, legends, units, columns.
"""

from dataclasses import dataclass, field, replace

import expressions

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
NO_DATA = "no data: is trailflow scraped?"
GOOD_BAD = ("green", (1, "red"))
GOOD_MIND = ("green", (1, "orange"))
PLAIN = ("blue",)
# Columns that say nothing to a reader.
HIDDEN_COLUMNS = ("Time", "instance", "job", "__name__", "alertstate")


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks, how it looks, how large it is."""

    kind: str
    title: str
    says: str
    asks: tuple  # of (expression, legend)
    w: int
    h: int
    unit: str = "short"
    steps: tuple = ("green",)
    interval: str = ""
    instant: bool = False
    runbooks: tuple = ()
    boards: tuple = ()
    no_value: str = ""
    decimals: int | None = None
    mappings: tuple = ()
    stacked: bool = False
    columns: tuple = ()
    units: dict = field(default_factory=dict)
    newest_first: bool = False

    def sized(self, w, h=None):
        """The same panel in another size."""
        return replace(self, w=w, h=h or self.h)


def stat(title, expression, says, *, legend="", steps=GOOD_BAD, no_value=NO_DATA, **more):
    """One figure, coloured by its thresholds."""
    look = {"w": 4, "h": 4, **more}
    return Panel(
        "stat", title, says, ((expression, legend),), steps=steps, no_value=no_value, instant=True, **look
    )


def bars(title, metric, by, says, *, where="", **more):
    """What a counter counted per step, by labels, stacked."""
    legend = " ".join("{{" + label.strip() + "}}" for label in by.split(","))
    look = {"w": 12, "h": 8, "interval": "5m", **more}
    ask = expressions.top(expressions.counted(metric, by, where))
    return Panel("bars", title, says, ((ask, legend),), stacked=True, **look)


def lines(title, asks, says, **more):
    """Values over time; `asks` are pairs of expression and legend."""
    return Panel("lines", title, says, tuple(asks), **{"w": 8, "h": 8, **more})


def states(title, asks, says, **more):
    """One bar per expression, coloured by its thresholds over time."""
    look = {"w": 10, "h": 9, "interval": "1m", "steps": GOOD_BAD, **more}
    return Panel("states", title, says, tuple(asks), **look)


def table(title, asks, says, **more):
    """A row per series; `asks` are pairs of expression and the name of its column."""
    look = {"w": 24, "h": 8, "instant": True, **more}
    return Panel(
        "table",
        title,
        says,
        tuple((expression, "") for expression, _ in asks),
        columns=tuple(name for _, name in asks),
        **look,
    )


def who(title, metric, by, says, *, column, where="", **more):
    """A table of what a counter counted in the time range, by labels."""
    ask = expressions.top(expressions.counted(metric, by, where, expressions.RANGE), 100)
    return table(title, [(ask, column)], says, **more)


def over_the_threshold(names, **more):
    """A table of the alerts that are pending or firing."""
    ask = f'1000 * ALERTS_FOR_STATE{{alertname=~"{"|".join(names)}"}}'
    says = (
        "Every alert of this dashboard that is pending or firing, with its labels. `Since` is when a rule"
        " evaluation first found it so. Needs dashboards/rules loaded in this Prometheus; without them the"
        " table is empty and says nothing."
    )
    title = "Over the threshold: what, where, since when"
    return table(title, [(ask, "Since")], says, units={"Since": "dateTimeFromNow"}, **{"h": 6, **more})


def rendered(panel, links_of_column):
    """The panel's JSON but for number, place, links and description."""
    defaults = {"unit": panel.unit, "thresholds": thresholds(panel.steps), "color": {"mode": "thresholds"}}
    if panel.no_value:
        defaults["noValue"] = panel.no_value
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.mappings:
        texts = {str(value): {"text": text, "index": n} for n, (value, text) in enumerate(panel.mappings)}
        defaults["mappings"] = [{"type": "value", "options": texts}]
    custom, options = LOOKS[panel.kind](panel)
    if panel.kind in ("bars", "lines"):
        defaults |= {"min": 0, "color": {"mode": "palette-classic"}}
    if custom:
        defaults["custom"] = custom
    json = {
        "type": {"bars": "timeseries", "lines": "timeseries", "states": "state-timeline"}.get(
            panel.kind, panel.kind
        ),
        "title": panel.title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [target(panel, number, *ask) for number, ask in enumerate(panel.asks)],
        "options": options,
    }
    if panel.interval:
        json["interval"] = panel.interval
    if panel.kind == "table":
        json["transformations"] = transformations(panel)
        json["fieldConfig"]["overrides"] = overrides(panel, links_of_column)
    return json


def thresholds(steps):
    """Green below, then each (value, colour)."""
    levels = [{"color": steps[0], "value": None}]
    return {
        "mode": "absolute",
        "steps": levels + [{"color": color, "value": value} for value, color in steps[1:]],
    }


def target(panel, number, expression, legend):
    """One query."""
    json = {
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expression,
        "refId": chr(ord("A") + number),
        "legendFormat": legend,
        "instant": panel.instant,
        "range": not panel.instant,
    }
    if panel.kind == "table":
        json["format"] = "table"
    return json


def transformations(panel):
    """One row per label set, named columns, the largest or newest first."""
    single = len(panel.columns) == 1
    names = {"Value" if single else f"Value #{chr(ord('A') + n)}": name for n, name in enumerate(panel.columns)}
    hidden = [name for name in HIDDEN_COLUMNS if not (name == "Time" and panel.newest_first)]
    first = "Time" if panel.newest_first else panel.columns[0]
    return [
        *([] if single else [{"id": "merge", "options": {}}]),
        {
            "id": "organize",
            "options": {
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {},
                "renameByName": names,
            },
        },
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"desc": True, "field": first}]}},
    ]


def overrides(panel, links_of_column):
    """Units of columns, and links that narrow the dashboard to a value."""
    found = [(name, {"id": "unit", "value": unit}) for name, unit in panel.units.items()]
    found += [(name, {"id": "links", "value": [link]}) for name, link in links_of_column.items()]
    return [
        {"matcher": {"id": "byName", "options": name}, "properties": [changed]} for name, changed in found
    ]


def stat_look(_):
    """A figure on its colour."""
    return {}, {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def graph_look(panel):
    """Bars are sums per step, lines are values."""
    bars_of = panel.kind == "bars"
    custom = {
        "drawStyle": "bars" if bars_of else "line",
        "fillOpacity": 70 if bars_of else 10,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "off" if len(panel.steps) == 1 else "dashed"},
    }
    legend = {
        "calcs": ["sum"] if bars_of else ["lastNotNull", "max"],
        "displayMode": "table",
        "placement": "bottom",
        "showLegend": True,
        "sortBy": "Total" if bars_of else "Last *",
        "sortDesc": True,
    }
    return custom, {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def states_look(_):
    """Rows of colour."""
    return {"fillOpacity": 80, "lineWidth": 0}, {
        "alignValue": "center",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }


def table_look(_):
    """Small rows that can be filtered."""
    return {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}, {
        "cellHeight": "sm",
        "showHeader": True,
    }


LOOKS = {
    "stat": stat_look,
    "bars": graph_look,
    "lines": graph_look,
    "states": states_look,
    "table": table_look,
}
