//! Rows that were tallied count like rows that were held.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;

const SIGNAL: &str = r#"-- ---
-- name = "calls"
-- status = "stable"
-- owner = "platform"
-- summary = "Calls."
-- why = "To see."
-- source = "cloudtrail"
-- [metric]
-- name = "trailflow_calls"
-- type = "KIND"
-- help = "Calls that were seen."
-- value = "calls"
-- labels = ["role"]
-- series_max = 2
-- [rollup]
-- window = "5m"
-- grain = ["window_start", "role"]
-- measures = { calls = "MERGE" }
-- [[test]]
-- name = "one"
-- input = "{}"
-- rows = []
-- ---
SELECT 1
"#;

fn rows(values: &[(&str, f64)]) -> RecordBatch {
    let roles: StringArray = values.iter().map(|(role, _)| Some(*role)).collect();
    let calls: Float64Array = values.iter().map(|(_, calls)| Some(*calls)).collect();
    let columns: [(&str, ArrayRef); 2] = [("role", Arc::new(roles)), ("calls", Arc::new(calls))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// What is exposed after batches were counted, of which the first were tallied.
fn exposed(
    signal: &Signal,
    before: &[RecordBatch],
    batches: &[RecordBatch],
    early: usize,
) -> Vec<String> {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let metrics = SignalMetrics::default();
        metrics.count(signal, &[], before).unwrap();
        let mut tallies = SignalMetrics::tallies(signal).unwrap();
        let (early, late) = batches.split_at(early);
        for batch in early {
            let batch = std::slice::from_ref(batch);
            metrics.tally(signal, &mut tallies, batch).unwrap();
        }
        metrics.count(signal, &tallies, late).unwrap();
    });
    let text = recorder.handle().render();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines.sort();
    lines
}

#[test]
fn rows_that_leave_early_count_as_those_that_stay() {
    let batches = [
        rows(&[("a", 3.0), ("b", 1.0), ("a", 2.0), ("c", f64::NAN)]),
        rows(&[("c", 5.0), ("a", 4.0), ("c", 0.0), ("d", 2.0)]),
        rows(&[("b", 7.0), ("d", 6.0), ("a", 1.0)]),
    ];
    let known = [rows(&[("d", 1.0), ("a", 1.0)])];
    for (kind, merge) in [("counter", "sum"), ("gauge", "max"), ("gauge", "min")] {
        let text = SIGNAL.replace("KIND", kind).replace("MERGE", merge);
        let signal = Signal::parse(Path::new("calls.sql"), &text).unwrap();
        for before in [&[], known.as_slice()] {
            let held = exposed(&signal, before, &batches, 0);
            assert!(
                held.iter().any(|line| line.contains("role=\"other\"")),
                "{held:?}"
            );
            for early in 1..=batches.len() {
                let tallied = exposed(&signal, before, &batches, early);
                assert_eq!(tallied, held, "{kind} of {merge}, {early} batches early");
            }
        }
    }
}
