//! The service's own metrics: names, meanings, buckets, and the recorder they live in.
//!
//! Must hold: a counter whose labels are few and known exists at 0 from the start, or its first rise
//! would be invisible to `increase()`; every name here is in `docs/metrics.md`, and the other way
//! round (a test compares).

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::decode::Table;
use crate::notification::Shape;

/// Durations from a millisecond to ten minutes.
const SECONDS: [f64; 14] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];
/// Lags from a second to a day: CloudTrail needs about five minutes, a backlog hours.
const LAG_SECONDS: [f64; 12] = [
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 7200.0, 21600.0, 86400.0,
];
/// Rows of a batch.
const ROWS: [f64; 8] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Counters: name and help.
pub const COUNTERS: [(&str, &str); 15] = [
    (
        "trailflow_sqs_messages_received_total",
        "Messages received from SQS.",
    ),
    (
        "trailflow_sqs_messages_deleted_total",
        "Messages deleted after their objects were committed.",
    ),
    (
        "trailflow_sqs_messages_returned_total",
        "Messages given back to be delivered again.",
    ),
    (
        "trailflow_sqs_visibility_extensions_total",
        "Renewals of a message's lease.",
    ),
    (
        "trailflow_sqs_visibility_lost_total",
        "Leases that were lost before their message was settled.",
    ),
    (
        "trailflow_notifications_total",
        "Messages by the shape of their body.",
    ),
    (
        "trailflow_notifications_foreign_bucket_total",
        "Announced objects outside the bucket allow-list; never fetched.",
    ),
    (
        "trailflow_notification_records_unreadable_total",
        "Notification records that name no readable object, by reason.",
    ),
    ("trailflow_objects_total", "Objects by kind and outcome."),
    (
        "trailflow_object_bytes_total",
        "Bytes of committed objects, compressed and inflated.",
    ),
    ("trailflow_records_total", "Committed rows by table."),
    (
        "trailflow_records_rejected_total",
        "Records that could not become rows, by table and reason.",
    ),
    (
        "trailflow_commits_total",
        "Batches by how their commit ended.",
    ),
    (
        "trailflow_duplicates_suppressed_total",
        "What was delivered again and not counted again, by level.",
    ),
    (
        "trailflow_quarantined_total",
        "Objects that could not be read whole, by reason.",
    ),
];
/// Of the signals; fed by `metrics`.
pub const SIGNAL_COUNTERS: [(&str, &str); 2] = [
    (
        "trailflow_series_overflow_total",
        "Rows that went to a metric's series of `other`, by signal.",
    ),
    (
        "trailflow_scheduled_runs_total",
        "Runs of the signals over rollups, by signal and result: ok or failed.",
    ),
];
/// Gauges: name and help.
pub const GAUGES: [(&str, &str); 8] = [
    (
        "trailflow_sqs_messages_in_flight",
        "Messages held under a lease.",
    ),
    (
        "trailflow_memory_budget_bytes",
        "Resident memory (used) and its configured budget (limit), by state.",
    ),
    (
        "trailflow_concurrency_level",
        "Objects that may be read at once; falls when the store throttles.",
    ),
    (
        "trailflow_bucket_denied",
        "1 when the last reading of this bucket was denied, 0 once one was not.",
    ),
    ("trailflow_series", "Series that a signal has."),
    ("trailflow_ready", "1 when the service can work, else 0."),
    (
        "trailflow_newest_event_timestamp_seconds",
        "Event time of the newest committed row, by table.",
    ),
    ("trailflow_build_info", "Always 1; the version is a label."),
];
/// Histograms: name, help, buckets.
pub const HISTOGRAMS: [(&str, &str, &[f64]); 4] = [
    ("trailflow_batch_rows", "Rows of a batch.", &ROWS),
    (
        "trailflow_step_duration_seconds",
        "Time of one step of the path.",
        &SECONDS,
    ),
    (
        "trailflow_sql_duration_seconds",
        "Time of one run of a signal's query.",
        &SECONDS,
    ),
    (
        "trailflow_lag_seconds",
        "From event to object to receipt to commit.",
        &LAG_SECONDS,
    ),
];

/// Installs the recorder of this process and describes the metrics.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (name, _, buckets) in HISTOGRAMS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    let handle = builder.install_recorder()?;
    for (name, help) in COUNTERS.into_iter().chain(SIGNAL_COUNTERS) {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, help, _) in HISTOGRAMS {
        describe_histogram!(name, help);
    }
    gauge!("trailflow_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("trailflow_ready").set(0.0);
    gauge!("trailflow_sqs_messages_in_flight").set(0.0);
    from_zero();
    Ok(handle)
}

fn from_zero() {
    for name in [
        "trailflow_sqs_messages_received_total",
        "trailflow_sqs_messages_deleted_total",
        "trailflow_sqs_messages_returned_total",
        "trailflow_sqs_visibility_extensions_total",
        "trailflow_sqs_visibility_lost_total",
        "trailflow_notifications_foreign_bucket_total",
    ] {
        counter!(name).absolute(0);
    }
    for result in ["created", "fenced", "abandoned", "unknown"] {
        counter!("trailflow_commits_total", "result" => result).absolute(0);
    }
    for level in ["object", "event"] {
        counter!("trailflow_duplicates_suppressed_total", "level" => level).absolute(0);
    }
    for table in Table::ALL {
        counter!("trailflow_records_total", "table" => table.name()).absolute(0);
    }
    for shape in Shape::ALL {
        counter!("trailflow_notifications_total", "shape" => shape.as_str()).absolute(0);
    }
    for form in ["compressed", "inflated"] {
        counter!("trailflow_object_bytes_total", "form" => form).absolute(0);
    }
    // The other kinds hold nothing for the tables: their series come with their first object.
    for kind in ["cloudtrail", "flow_logs", "unknown"] {
        for outcome in ["ingested", "ignored", "quarantined", "duplicate", "retried"] {
            counter!("trailflow_objects_total", "kind" => kind, "outcome" => outcome).absolute(0);
        }
    }
}
