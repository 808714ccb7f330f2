"""trailflow itself: does it work, whose delay is it, what does it cost."""

from board import Board, Variable
from expressions import HOUR, counted, or_zero, quantile, rate
from panels import PLAIN, bars, lines, stat, who

STALLED = ("TrailflowStalled",)
QUARANTINE = ("TrailflowQuarantineGrowing",)
LAG = "trailflow_lag_seconds"
SQL = "trailflow_sql_duration_seconds"
RUNS = "trailflow_scheduled_runs_total"
STAGES = (
    "event_to_object is AWS's delivery to S3. object_to_received is notification and waiting in the queue;"
    " message_to_received is the queue alone. received_to_committed is trailflow. Stages do not add up: each"
    " percentile is of its own. Precise only to the width of a histogram bucket."
)
PROCESS = Variable(
    "instance",
    "Process",
    "trailflow processes that are scraped.",
    ("trailflow_build_info",),
    "instance",
    ("instance",),
)

NOW = (
    "Now: does it work, and whose delay is it",
    stat(
        "Ready",
        "min(trailflow_ready)",
        "1 when every chosen process takes work. 0 when at least one does not; its /readyz says why.",
        steps=("red", (1, "green")),
        mappings=((0, "not ready"), (1, "ready")),
        runbooks=("TrailflowNotReady",),
    ),
    stat(
        "Processes by version",
        "count by (version) (trailflow_build_info)",
        "Running processes of each version. Two versions mean that a rollout is under way, or stuck.",
        legend="{{version}}",
        steps=PLAIN,
        runbooks=("TrailflowAbsent",),
    ),
    stat(
        "Newest event by table",
        "time() - max by (table) (trailflow_newest_event_timestamp_seconds > 0)",
        "Age of the newest committed event. AWS delivers CloudTrail about 5 minutes and flow logs about 10 minutes"
        " after the fact, best effort. Cannot tell a quiet source from a broken one: look at the lag and at the queue.",
        legend="{{table}}",
        steps=("green", (1500, "orange"), (2700, "red")),
        unit="s",
        decimals=0,
        no_value="none yet",
        runbooks=("TrailflowEventsStale",),
        w=6,
    ),
    stat(
        "Own delay, p95",
        'histogram_quantile(0.95, sum by (le, stage) (rate(trailflow_lag_seconds_bucket{stage="received_to_committed"}[$__rate_interval])))',
        "Time from the receipt of a message to the commit of its objects: trailflow's own part of the delay. The"
        " rest is AWS's delivery and the queue.",
        legend="{{stage}}",
        steps=("green", (120, "orange"), (600, "red")),
        unit="s",
        decimals=1,
        no_value="nothing committed",
        runbooks=STALLED,
    ),
    stat(
        "Quarantined, 1 h",
        or_zero(counted("trailflow_quarantined_total", window=HOUR)),
        "Objects and messages put into quarantine in the last hour. What stood before the damage is in the tables;"
        " the rest is in no table until `trailflow quarantine replay` reads it, and in no counter.",
        runbooks=QUARANTINE,
        w=3,
    ),
    stat(
        "In flight",
        "sum(trailflow_sqs_messages_in_flight)",
        "Messages that the chosen processes hold now. Cannot tell how many wait in the queue or in its dead-letter"
        " queue: CloudWatch knows.",
        steps=PLAIN,
        runbooks=STALLED,
        w=3,
    ),
)


def lag(level, name):
    """The delay of each stage."""
    asks = [(quantile(level, LAG, "stage"), "{{stage}}")]
    return lines(f"Lag by stage, {name}", asks, STAGES, unit="s", runbooks=("TrailflowEventsStale",))


DELAY = ("Lag: event, object, message, commit", lag(0.5, "p50"), lag(0.95, "p95"), lag(0.99, "p99"))
QUEUE = (
    "Queue",
    lines(
        "Messages per second",
        [(rate(f"trailflow_sqs_messages_{done}_total"), done) for done in ("received", "deleted", "returned")],
        "Received, acknowledged and given back. Received stays above deleted when messages come back again and again.",
        unit="cps",
        runbooks=STALLED,
    ),
    lines(
        "In flight by process",
        [("trailflow_sqs_messages_in_flight", "{{instance}}")],
        "Messages held by each process. Flat and high with nothing finished means stalled.",
        runbooks=STALLED,
    ),
    lines(
        "Leases per second",
        [
            (rate("trailflow_sqs_visibility_extensions_total"), "extended"),
            (rate("trailflow_sqs_visibility_lost_total"), "lost"),
        ],
        "Renewed by the heartbeat, and lost. A lost lease means work done twice, never rows counted twice.",
        unit="cps",
        runbooks=("TrailflowLeasesLost",),
    ),
    lines(
        "Notifications per second by shape",
        [
            (rate("trailflow_notifications_total", "shape"), "{{shape}}"),
            (rate("trailflow_notifications_foreign_bucket_total"), "bucket not allowed"),
            (
                rate("trailflow_notification_records_unreadable_total", "reason"),
                "unreadable record: {{reason}}",
            ),
        ],
        "Shapes of message bodies. A new shape after a change of the bucket's notification is expected once.",
        unit="cps",
    ),
    lines(
        "Duplicates suppressed per second",
        [(rate("trailflow_duplicates_suppressed_total", "level"), "{{level}}")],
        "object: delivered again after its commit. event: a CloudTrail row whose event_id is in a committed batch,"
        " or was in its own; AWS writes such twins itself. Cannot tell the copies that two workers had open at the"
        " same moment: those are in the lake twice.",
        unit="cps",
    ),
    lines(
        "Objects per second by outcome",
        [(rate("trailflow_objects_total", "outcome"), "{{outcome}}")],
        "Objects finished, by outcome. `retried` went back to the queue and will come again.",
        unit="cps",
        runbooks=STALLED,
    ),
)
OBJECTS = (
    "Objects and records",
    lines(
        "Bytes per second",
        [(rate("trailflow_object_bytes_total", "form"), "{{form}}")],
        "Bytes of objects read, as fetched and after inflating.",
        unit="Bps",
    ),
    lines(
        "Records per second by table",
        [(rate("trailflow_records_total", "table"), "{{table}}")],
        "Records that became rows.",
        unit="cps",
    ),
    bars(
        "Records rejected by reason",
        "trailflow_records_rejected_total",
        "table, reason",
        "Records that could not become rows, per step. The rest of their object went on. Their excerpts are in the"
        " lake's quarantine.",
        interval="1m",
        runbooks=("TrailflowRecordsRejected",),
        w=8,
    ),
    bars(
        "Quarantined by reason",
        "trailflow_quarantined_total",
        "reason",
        "Objects and messages put into quarantine, per step. Empty is good.",
        interval="1m",
        runbooks=QUARANTINE,
        w=8,
    ),
    who(
        "Objects in the time range",
        "trailflow_objects_total",
        "kind, outcome",
        "Objects by kind and outcome in the time range. Cannot tell which objects: ask ingest_log in `trailflow query`.",
        column="objects",
        runbooks=QUARANTINE,
        w=16,
    ),
)
WORK = (
    "Batches, SQL, storage",
    bars(
        "Commits by result",
        "trailflow_commits_total",
        "result",
        "created: this process committed. fenced: another worker had abandoned the batch, its work is done again."
        " abandoned: this process gave the batch up. unknown: the store did not answer; redelivery tells.",
        interval="1m",
        runbooks=STALLED,
        w=8,
    ),
    lines(
        "Rows of a batch",
        [
            (f"{rate('trailflow_batch_rows_sum')} / {rate('trailflow_batch_rows_count')}", "mean"),
            (
                "histogram_quantile(0.95, sum by (le) (rate(trailflow_batch_rows_bucket[$__rate_interval])))",
                "p95",
            ),
        ],
        "Mean and p95 of the rows of a committed batch. Small batches make many small files.",
    ),
    lines(
        "Time of a step, p95",
        [(quantile(0.95, "trailflow_step_duration_seconds", "step"), "{{step}}")],
        "fetch, stage, commit and publish wait for storage; decode and evaluate use the processor.",
        unit="s",
        runbooks=STALLED,
    ),
    lines(
        "SQL time of a signal, p95: the slowest 15",
        [(f"topk(15, {quantile(0.95, SQL, 'signal')})", "{{signal}}")],
        "Time of a signal's query on one batch, or of a scheduled signal's run. One that grows slower grows with its"
        " rows or its groups.",
        unit="s",
    ),
    lines(
        "SQL time spent per second: the dearest 15",
        [(f"topk(15, {rate(f'{SQL}_sum', 'signal')})", "{{signal}}")],
        "Seconds of query time per second, by signal: what each signal costs. 1 is one busy thread.",
        stacked=True,
    ),
    bars(
        "Scheduled runs",
        RUNS,
        "signal, result",
        "Runs of the signals over rollups per step. A failed run leaves the signal's gauges as they were; after three"
        " in a row they are gone. Cannot tell why a run failed; the log does.",
        runbooks=("TrailflowScheduledRunsFailing",),
        w=8,
    ),
)
LIMITS = (
    "Limits",
    lines(
        "Series by signal: the largest 15",
        [("topk(15, sum by (signal) (trailflow_series))", "{{signal}}")],
        "Series held now. At series_max new label sets of signals over tables go to `other`; of those over rollups the"
        " largest stay.",
        runbooks=("TrailflowSeriesOverflow",),
        w=6,
    ),
    bars(
        "Rows without a series of their own",
        "trailflow_series_overflow_total",
        "signal",
        "Rows whose label set was past series_max, per step: folded into `other` for signals over tables, whose totals"
        " stay right, and shown nowhere for those over rollups. Names are in the lake only.",
        interval="1m",
        runbooks=("TrailflowSeriesOverflow",),
        w=6,
    ),
    lines(
        "Concurrency level by process",
        [("trailflow_concurrency_level", "{{instance}}")],
        "Objects that each process may read at once. Half after a throttle (SlowDown, 503, 429), one more after a"
        " round of successes, objects_in_flight_max at most. Cannot tell an outage, in which one object is read at a"
        " time whatever this says: /readyz does.",
        runbooks=STALLED,
        w=4,
    ),
    lines(
        "Buckets that deny us",
        [("max by (bucket) (trailflow_bucket_denied)", "{{bucket}}")],
        "1 from a denied reading of the bucket until one succeeds. Empty is good. Cannot tell whether some of its"
        " objects can be read: the last one decides.",
        runbooks=("TrailflowBucketDenied",),
        w=4,
    ),
    lines(
        "Memory budget",
        [("sum by (state) (trailflow_memory_budget_bytes)", "{{state}}")],
        "Resident memory of the process (used, on Linux) next to pipeline.memory_bytes_max (limit), which bounds what"
        " the signals' queries hold together and not the process. Cannot tell the container's limit.",
        unit="bytes",
        w=4,
    ),
)

BOARD = Board(
    uid="trailflow-service",
    title="trailflow: service",
    says="The service's own health: readiness, lag by stage, queue, objects, quarantine, commits, SQL time and limits.",
    rows=(NOW, DELAY, QUEUE, OBJECTS, WORK, LIMITS),
    variables=(PROCESS,),
    service=True,
)
