//! Rows that were tallied count like rows that were held; series give their places back.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};

use super::*;
use crate::limits::{SERIES_IDLE, SERIES_SWEEP_EVERY};

const START: Duration = Duration::from_secs(5);

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
) -> String {
    let metrics = SignalMetrics::default();
    metrics.count(signal, &[], before, START).unwrap();
    let mut tallies = SignalMetrics::tallies(signal).unwrap();
    let (early, late) = batches.split_at(early);
    for batch in early {
        let batch = std::slice::from_ref(batch);
        metrics.tally(signal, &mut tallies, batch).unwrap();
    }
    metrics.count(signal, &tallies, late, START).unwrap();
    metrics.render()
}

fn signal(kind: &str, merge: &str) -> Signal {
    let text = SIGNAL.replace("KIND", kind).replace("MERGE", merge);
    Signal::parse(Path::new("calls.sql"), &text).unwrap()
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
        let signal = signal(kind, merge);
        for before in [&[], known.as_slice()] {
            let held = exposed(&signal, before, &batches, 0);
            assert!(held.contains("role=\"other\""), "{held}");
            for early in 1..=batches.len() {
                let tallied = exposed(&signal, before, &batches, early);
                assert_eq!(tallied, held, "{kind} of {merge}, {early} batches early");
            }
        }
    }
}

/// The lines of a metric's series, without its name.
fn series(metrics: &SignalMetrics) -> Vec<String> {
    let text = metrics.render();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.replace("trailflow_calls", ""))
        .collect()
}

#[test]
fn a_full_counter_gives_idle_places_to_others_and_a_gauge_gives_none() {
    let moment = Duration::from_nanos(1);
    for (kind, expected) in [
        (
            "counter",
            [r#"{role="b"} 7"#, r#"{role="d"} 9"#, r#"{role="other"} 12"#],
        ),
        (
            "gauge",
            [r#"{role="a"} 1"#, r#"{role="b"} 5"#, r#"{role="other"} 9"#],
        ),
    ] {
        let signal = signal(kind, "sum");
        let metrics = SignalMetrics::default();
        let count = |row, now| metrics.count(&signal, &[], &[rows(&[row])], now).unwrap();
        count(("a", 1.0), START + moment);
        count(("b", 2.0), START + moment);
        // Nothing is idle yet.
        count(("c", 4.0), START + SERIES_IDLE);
        count(("b", 5.0), START + SERIES_IDLE + moment);
        // It was looked for a moment ago: at a flood of new names, that is not done for each.
        count(("d", 8.0), START + SERIES_IDLE + moment);
        assert_eq!(series(&metrics).len(), 3);
        count(("d", 9.0), START + SERIES_IDLE + SERIES_SWEEP_EVERY);
        assert_eq!(series(&metrics), expected, "{kind}");
    }
}

#[test]
fn labels_are_escaped_and_cut_and_the_parts_of_a_count_add_up() {
    let signal = signal("counter", "sum");
    let metrics = SignalMetrics::default();
    let long = "é".repeat(crate::limits::LABEL_BYTES_MAX);
    let batch = rows(&[("a\"\\\n", 0.5), (&long, 1.0), ("a\"\\\n", 2.25)]);
    let none = rows(&[("none", 0.0), ("less", -1.0), ("infinite", f64::INFINITY)]);
    metrics.count(&signal, &[], &[batch, none], START).unwrap();
    let heading = "# HELP trailflow_calls Calls that were seen.\n# TYPE trailflow_calls counter\n";
    let cut = "é".repeat(crate::limits::LABEL_BYTES_MAX / 2);
    let expected = format!(
        "{heading}trailflow_calls{{role=\"a\\\"\\\\\\n\"}} 2.75\ntrailflow_calls{{role=\"{cut}\"}} 1\n"
    );
    assert_eq!(metrics.render(), expected);
}
