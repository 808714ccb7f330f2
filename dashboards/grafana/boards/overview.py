"""Is anything wrong, and where: every dashboard's alerts, and what every signal counted."""

from board import Board
from expressions import HOUR, counted, firing, or_zero
from panels import PLAIN, bars, over_the_threshold, stat, states, table

RECORDED = "signal:trailflow_counted:sum1h"
ALL = ("Trailflow.+",)
FRESH = ("green", (1500, "orange"), (2700, "red"))
NEWEST = "trailflow_newest_event_timestamp_seconds"


def severity(name, color):
    """How many alerts of one severity fire."""
    says = f"Alerts of severity {name} that fire now. Needs dashboards/rules loaded in this Prometheus."
    of_severity = firing(ALL, f', severity="{name}"')
    return stat(f"Firing: {name}", or_zero(f"count({of_severity})"), says, steps=("green", (1, color)))


def newest(table_name, title):
    """How fresh a table is."""
    return stat(
        f"{title}: newest record",
        f'time() - max({NEWEST}{{table="{table_name}"}} > 0)',
        "Age of the newest committed record. When it is old, the signals describe the past and silence means nothing.",
        steps=FRESH,
        unit="s",
        decimals=0,
        no_value="none yet",
        runbooks=("TrailflowEventsStale",),
        boards=(("trailflow: trail health", "trailflow-freshness"),),
    )


def area(board, alerts):
    """How many alerts of one dashboard fire."""
    name = board.title.removeprefix("trailflow: ")
    says = f"Alerts that fire now and belong to the dashboard {board.title}: {board.says}"
    links = ((board.title, board.uid),)
    return stat(name, or_zero(f"count({firing(alerts)})"), says, boards=links, w=3)


def overview(boards):
    """The dashboard over the others; `boards` are pairs of dashboard and names of its alerts."""
    states_of = [
        (or_zero(f"count({firing(alerts)})"), board.title.removeprefix("trailflow: "))
        for board, alerts in boards
    ]
    now = (
        "Is anything wrong, and where",
        severity("critical", "red"),
        severity("warning", "orange"),
        severity("info", "blue"),
        newest("cloudtrail", "CloudTrail"),
        newest("flow_logs", "Flow logs"),
        stat(
            "Service",
            "min(trailflow_ready)",
            "Whether every process takes work; its /readyz says why not.",
            steps=("red", (1, "green")),
            mappings=((0, "not ready"), (1, "ready")),
            runbooks=("TrailflowNotReady", "TrailflowAbsent"),
            boards=(("trailflow: service", "trailflow-service"),),
        ),
        *(area(board, alerts) for board, alerts in boards),
        stat(
            "changes, 1 h",
            or_zero(counted("trailflow_changes_total", window=HOUR)),
            "Successful changes in the last hour. What broke was often changed shortly before.",
            steps=PLAIN,
            boards=(("trailflow: changes", "trailflow-changes"),),
            w=3,
        ),
        over_the_threshold(ALL, w=14, h=9),
        states(
            "Since when: alerts by dashboard",
            states_of,
            "When alerts of a dashboard fired, in the time range. Needs dashboards/rules loaded in this Prometheus.",
        ),
    )
    counts = (
        "What was counted",
        bars(
            "Refused role assumptions",
            "trailflow_sts_assume_role_total",
            "failure_class",
            "Refused role assumptions per step, by reason.",
            where='outcome="failure"',
            boards=(("trailflow: identity", "trailflow-identity"),),
            w=6,
        ),
        bars(
            "Denied calls",
            "trailflow_denies_total",
            "deny_class",
            "Denied calls per step, by kind of policy.",
            boards=(("trailflow: denies", "trailflow-denies"),),
            w=6,
        ),
        bars(
            "Throttled calls",
            "trailflow_api_throttles_total",
            "service",
            "Throttled calls per step, by service.",
            boards=(("trailflow: KMS and throttles", "trailflow-throttles"),),
            w=6,
        ),
        bars(
            "Rejected between own networks",
            "trailflow_internal_rejects_total",
            "dstport",
            "Rejected attempts between own networks per step, by the port of the service.",
            boards=(("trailflow: network rejects", "trailflow-network"),),
            w=6,
        ),
        bars(
            "Changes by kind",
            "trailflow_changes_total",
            "kind",
            "Successful changes per step.",
            boards=(("trailflow: changes", "trailflow-changes"),),
            h=10,
        ),
        table(
            "Every signal: the last hour, and how it compares",
            [
                (f"max by (signal) ({RECORDED}) > 0", "last hour"),
                (f"max by (signal) ({RECORDED} offset 1d) > 0", "same hour yesterday"),
            ],
            "What the first counter of each signal counted. Much more, or much less, than the same hour of yesterday is"
            " worth a look before any threshold is reached. Needs dashboards/rules loaded in this Prometheus.",
            w=12,
            h=10,
        ),
    )
    return Board(
        uid="trailflow-overview",
        title="trailflow: overview",
        says="Is anything wrong, and where: alerts by dashboard, freshness, what every signal counted, changes.",
        rows=(now, counts),
        changes=".+",
    )
