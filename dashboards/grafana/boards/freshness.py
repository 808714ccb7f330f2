"""Whether the logs themselves are whole: who is silent, who is late, who touches the trails."""

from board import Board
from expressions import HOUR, RANGE, counted, or_zero, quantile, share
from panels import bars, lines, stat, table, who

from boards.variables import ACCOUNT, REGION

TRAIL = "trailflow_trail_newest_event_timestamp_seconds"
FLOW = "trailflow_newest_flow_timestamp_seconds"
EVENTS = "trailflow_events_total"
RECORDS = "trailflow_flow_log_records_total"
TAMPERING = "trailflow_trail_tampering_total"
TABLES = "trailflow_newest_event_timestamp_seconds"
AGE = ("green", (1500, "orange"), (2700, "red"))
PLACE = "account_id, region"


def age(metric, by=PLACE):
    """How old the newest record is."""
    return f"time() - max by ({by}) ({metric})"


NOW = (
    "Now",
    stat(
        "Newest record by table",
        f"time() - max by (table) ({TABLES} > 0)",
        "Age of the newest committed record. AWS delivers CloudTrail about 5 minutes and flow logs about 10 minutes"
        " after the fact, best effort.",
        legend="{{table}}",
        steps=AGE,
        unit="s",
        decimals=0,
        w=6,
        runbooks=("TrailflowEventsStale",),
    ),
    stat(
        "Oldest account or region, CloudTrail",
        f"max({age(TRAIL)})",
        "The account and region that has been silent for longest. A quiet region is often just quiet.",
        steps=("green", (5400, "orange")),
        unit="s",
        decimals=0,
        w=6,
    ),
    stat(
        "Skipped, share of the range",
        share(RECORDS, 'log_status="SKIPDATA"'),
        "Share of flow log records that say that AWS skipped something. Where there are any, every figure from"
        " flow logs is a lower bound.",
        steps=("green", (0.001, "orange"), (0.01, "red")),
        unit="percentunit",
        decimals=2,
        no_value="nothing skipped",
        w=6,
    ),
    stat(
        "Calls on the audit logs, 1 h",
        or_zero(counted(TAMPERING, window=HOUR)),
        "Calls in the last hour that stop, narrow or delete trails, or change the bucket they lie in, refused ones too.",
        w=6,
    ),
)
ARRIVAL = (
    "Does everything arrive",
    lines(
        "Age of the newest event, by account and region",
        [(age(TRAIL), "{{account_id}} {{region}}")],
        "Grows by a second per second while nothing arrives.",
        unit="s",
        steps=("green", (5400, "orange")),
    ),
    lines(
        "Age of the newest flow, by account and region",
        [(age(FLOW), "{{account_id}} {{region}}")],
        "Grows by a second per second while nothing arrives.",
        unit="s",
        steps=("green", (5400, "orange")),
    ),
    lines(
        "Delay of AWS and of trailflow, p95",
        [(quantile(0.95, "trailflow_lag_seconds", "stage"), "{{stage}}")],
        "event_to_object is AWS's delivery to S3. object_to_received is notification and queue. received_to_committed"
        " is trailflow. Precise only to the width of a histogram bucket.",
        unit="s",
        runbooks=("TrailflowEventsStale",),
        boards=(("trailflow: service", "trailflow-service"),),
    ),
    bars("Events by account and region", EVENTS, PLACE, "CloudTrail events per step, each once."),
    bars("Flow log records by status", RECORDS, "account_id, log_status", "Flow log records per step."),
    table(
        "Every account and region",
        [
            (f"1000 * max by ({PLACE}) ({TRAIL})", "newest event"),
            (counted(EVENTS, PLACE, window=RANGE), "events"),
            (f"1000 * max by ({PLACE}) ({FLOW})", "newest flow"),
        ],
        "Who has logged what, and when the last time.",
        units={"newest event": "dateTimeFromNow", "newest flow": "dateTimeFromNow"},
    ),
)
TOUCHED = (
    "Who touches the audit logs",
    bars("By call and outcome", TAMPERING, "api, effect, outcome", "Calls on trails and their bucket, per step.", w=10),
    who(
        "Which trail, by whom",
        TAMPERING,
        "account_id, region, api, resource, caller, effect, outcome",
        "Calls in the time range that stop, narrow or delete the audit logs. `blinds`: they end for the account.",
        column="calls",
        w=14,
    ),
)

BOARD = Board(
    uid="trailflow-freshness",
    title="trailflow: trail health",
    says="Whether the logs themselves are whole: who is silent, who is late, what AWS skipped, who touches the trails.",
    rows=(NOW, ARRIVAL, TOUCHED),
    variables=(ACCOUNT, REGION),
    changes="trail|flow_log|bucket_policy|bucket_notification|key_policy|key_state",
)
