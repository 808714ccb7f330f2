"""Holds the dashboards against Grafana's own schema.

In: the dashboards' JSON. Out: what the schema does not know. Grafana Labs generates its foundation
SDK from the schemas of the dashboard, the panels and the Prometheus query: what the SDK reads and
writes again unchanged is in them; what it drops or alters is misspelt or stands in the wrong place.
"""

import json

# Fields that a data source adds to an annotation or a variable; the core schema does not list them.
PLUGIN_FIELDS = {
    "annotations.list.step",
    "annotations.list.titleFormat",
    "annotations.list.textFormat",
    "annotations.list.useValueForTime",
    "templating.list.definition",
}


def differences(ours, theirs, path=""):
    """Places at which two JSON values differ. Keys that only `theirs` has are the schema's defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            place = f"{path}.{key}".removeprefix(".")
            if key in theirs:
                yield from differences(value, theirs[key], place)
            elif place not in PLUGIN_FIELDS:
                yield f"{place}: the schema has no such field"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for our, their in zip(ours, theirs, strict=True):
            yield from differences(our, their, path)
    elif ours != theirs:
        yield f"{path}: {ours!r} becomes {theirs!r}"


def check(report, dashboards):
    """One check per dashboard, where the SDK is installed."""
    try:
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard
    except ImportError:
        print("SKIP  Grafana's schema: grafana-foundation-sdk is not installed (checks/requirements.txt)")
        return
    register_default_plugins()
    for name, dashboard in dashboards.items():
        written = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
        found = dict.fromkeys(differences(dashboard, written))
        report.check(f"{name}: is in Grafana's schema", found)
