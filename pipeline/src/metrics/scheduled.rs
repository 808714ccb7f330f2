//! The series of signals over rollups: each run replaces those of its metrics.
//!
//! In: a signal and its rows. Out: Prometheus's text format. Must hold: at most `series_max` series
//! a metric, the largest (I8), and each once; what a run no longer finds is gone.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use metrics::{counter, gauge};

use super::exposition::{heading, line, named};
use super::values;
use crate::signal::Signal;

/// The text of each metric.
#[derive(Debug, Default)]
pub struct ScheduledSeries(Mutex<BTreeMap<String, String>>);

impl ScheduledSeries {
    /// Replaces the series of the signal's metrics.
    pub fn set(&self, signal: &Signal, rows: &[RecordBatch]) -> Result<(), ArrowError> {
        let mut series = 0_u32;
        for metric in &signal.header.metrics {
            let mut text = heading(metric);
            let mut found = Vec::new();
            for batch in rows {
                found.extend(values(metric, batch)?);
            }
            // Where not all have room, the largest do: those are what an alert looks for.
            found.sort_by(|(_, one), (_, other)| other.total_cmp(one));
            let mut seen = HashSet::new();
            for (labels, value) in found {
                if seen.contains(&labels) {
                    // Labels that were alike once they were cut: two lines would spoil the scrape.
                    continue;
                }
                if seen.len() >= metric.series_max {
                    // A gauge of the others would be a sum of what does not add up.
                    overflow(signal);
                    continue;
                }
                line(&mut text, &named(metric, &labels), value);
                seen.insert(labels);
            }
            series = series.saturating_add(u32::try_from(seen.len()).unwrap_or(u32::MAX));
            self.lock().insert(metric.name.clone(), text);
        }
        gauge!("trailflow_series", "signal" => signal.header.name.clone()).set(f64::from(series));
        Ok(())
    }

    /// Takes the signal's series away: what they say is too old to be believed.
    pub fn clear(&self, signal: &Signal) {
        for metric in &signal.header.metrics {
            self.lock().remove(&metric.name);
        }
        gauge!("trailflow_series", "signal" => signal.header.name.clone()).set(0.0);
    }

    /// Everything, in Prometheus's text format.
    pub fn render(&self) -> String {
        self.lock().values().map(String::as_str).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn overflow(signal: &Signal) {
    let name = signal.header.name.clone();
    counter!("trailflow_series_overflow_total", "signal" => name).increment(1);
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    const SIGNAL: &str = r#"-- ---
-- name = "spans"
-- status = "stable"
-- owner = "platform"
-- summary = "Spans."
-- why = "To see."
-- source = "rollups"
-- [schedule]
-- every = "5m"
-- [metric]
-- name = "trailflow_spans"
-- type = "gauge"
-- help = "Spans that were seen."
-- value = "spans"
-- labels = ["repository"]
-- series_max = 2
-- [[test]]
-- name = "one"
-- at = 2026-01-05T11:00:00Z
-- input = "{}"
-- rows = []
-- ---
SELECT 1
"#;

    fn rows(values: &[(&str, i64)]) -> RecordBatch {
        let repositories: StringArray = values.iter().map(|(name, _)| Some(*name)).collect();
        let spans: Int64Array = values.iter().map(|(_, spans)| Some(*spans)).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("repository", Arc::new(repositories)),
            ("spans", Arc::new(spans)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn a_run_replaces_the_last_one_and_keeps_the_limit() {
        let signal = Signal::parse(Path::new("spans.sql"), SIGNAL).unwrap();
        let series = ScheduledSeries::default();
        series.set(&signal, &[rows(&[("a\"\\\n", 1)])]).unwrap();
        let heading =
            "# HELP trailflow_spans Spans that were seen.\n# TYPE trailflow_spans gauge\n";
        let escaped = r#"trailflow_spans{repository="a\"\\\n"} 1"#;
        assert_eq!(series.render(), format!("{heading}{escaped}\n"));
        series
            .set(&signal, &[rows(&[("b", 2), ("c", 3), ("d", 4)])])
            .unwrap();
        let two = "trailflow_spans{repository=\"d\"} 4\ntrailflow_spans{repository=\"c\"} 3\n";
        assert_eq!(series.render(), format!("{heading}{two}"));
        series.clear(&signal);
        assert_eq!(series.render(), "");
    }
}
