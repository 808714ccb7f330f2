//! Counts: merged rows of committed batches into Prometheus series.
//!
//! In: a signal and its merged rows. Out: counters in the process's recorder. Must hold: called
//! after commit only (I2); at most `series_max` series a metric, the rest in one of `other` (I8).

pub mod scheduled;
mod series;
pub mod server;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use metrics::{Label, counter, gauge};

use crate::signal::{Merge, Metric, MetricKind, Signal};
use series::SeriesSet;

/// The label value of what is beyond `series_max`.
pub const OTHER: &str = "other";

/// The series that signals feed.
#[derive(Debug, Default)]
pub struct SignalMetrics {
    known: Mutex<HashMap<String, SeriesSet>>,
    /// By metric and labels, of gauges whose measure merges by max or min.
    extremes: Mutex<HashMap<(String, Vec<String>), f64>>,
}

impl SignalMetrics {
    /// Tells the recorder what each metric means.
    pub fn describe<'a>(signals: impl IntoIterator<Item = &'a Signal>) {
        for signal in signals {
            let name = signal.header.name.clone();
            counter!("trailflow_series_overflow_total", "signal" => name.clone()).absolute(0);
            gauge!("trailflow_series", "signal" => name).set(0.0);
            for metric in &signal.header.metrics {
                let help = metric.help.clone();
                match metric.kind {
                    MetricKind::Counter => {
                        metrics::describe_counter!(metric.name.clone(), help);
                    }
                    MetricKind::Gauge => metrics::describe_gauge!(metric.name.clone(), help),
                    MetricKind::Histogram => {
                        metrics::describe_histogram!(metric.name.clone(), help);
                    }
                }
            }
        }
    }

    /// Adds the merged rows of a committed batch.
    pub fn count(&self, signal: &Signal, rows: &[RecordBatch]) -> Result<(), ArrowError> {
        for metric in &signal.header.metrics {
            for batch in rows {
                self.count_batch(signal, metric, batch)?;
            }
        }
        Ok(())
    }

    fn count_batch(
        &self,
        signal: &Signal,
        metric: &Metric,
        batch: &RecordBatch,
    ) -> Result<(), ArrowError> {
        for (wanted, value) in values(metric, batch)? {
            // Nothing was counted: that is no reason to hold a place that a count may need.
            if metric.kind == MetricKind::Counter && value <= 0.0 {
                continue;
            }
            let granted = self.grant(signal, metric, wanted);
            self.add(signal, metric, granted, value);
        }
        Ok(())
    }

    fn add(&self, signal: &Signal, metric: &Metric, granted: Vec<String>, value: f64) {
        let labels: Vec<Label> = metric
            .labels
            .iter()
            .zip(&granted)
            .map(|(name, value)| Label::new(name.clone(), value.clone()))
            .collect();
        match metric.kind {
            MetricKind::Counter => counter!(metric.name.clone(), labels).increment(whole(value)),
            MetricKind::Gauge => {
                let value = self.extreme(signal, metric, granted, value);
                gauge!(metric.name.clone(), labels).set(value);
            }
            MetricKind::Histogram => {
                metrics::histogram!(metric.name.clone(), labels).record(value);
            }
        }
    }

    /// What a gauge shows: the largest, or the smallest, of all batches where its measure merges
    /// so, for batches do not come in the order of their events.
    fn extreme(&self, signal: &Signal, metric: &Metric, labels: Vec<String>, value: f64) -> f64 {
        let rollup = signal.header.rollup.as_ref();
        let merge = rollup.and_then(|rollup| rollup.measures.get(&metric.value));
        let better = match merge {
            Some(Merge::Max) => f64::max,
            Some(Merge::Min) => f64::min,
            Some(Merge::Sum) | None => return value,
        };
        let mut extremes = self.extremes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = extremes
            .entry((metric.name.clone(), labels))
            .or_insert(value);
        *known = better(*known, value);
        *known
    }

    /// The labels of a series that may exist: those asked for, or `other` in all places.
    fn grant(&self, signal: &Signal, metric: &Metric, wanted: Vec<String>) -> Vec<String> {
        let Ok(mut known) = self.known.lock() else {
            return wanted;
        };
        let set = known
            .entry(metric.name.clone())
            .or_insert_with(|| SeriesSet::new(metric.series_max));
        let name = signal.header.name.clone();
        match set.admit(wanted) {
            Ok(labels) => {
                let series = u32::try_from(set.len()).unwrap_or(u32::MAX);
                gauge!("trailflow_series", "signal" => name).set(f64::from(series));
                labels
            }
            Err(count) => {
                counter!("trailflow_series_overflow_total", "signal" => name).increment(1);
                vec![OTHER.to_owned(); count]
            }
        }
    }
}

/// The label values of each row that has a value, and that.
fn values(metric: &Metric, batch: &RecordBatch) -> Result<Vec<(Vec<String>, f64)>, ArrowError> {
    let options = FormatOptions::default();
    let mut labels = Vec::new();
    for label in &metric.labels {
        labels.push(ArrayFormatter::try_new(column(batch, label)?, &options)?);
    }
    let values = cast(column(batch, &metric.value)?, &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    let rows = (0..batch.num_rows()).filter(|row| values.is_valid(*row));
    let labelled = rows.map(|row| {
        let labels = labels.iter().map(|label| label.value(row).to_string());
        (labels.collect(), values.value(row))
    });
    Ok(labelled.collect())
}

fn column<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a dyn arrow::array::Array, ArrowError> {
    match batch.column_by_name(name) {
        Some(column) => Ok(column.as_ref()),
        None => Err(ArrowError::SchemaError(format!(
            "no column {name} in the merged rows"
        ))),
    }
}

/// A count out of a measure. Measures of counters are sums of counts: whole and not negative.
fn whole(value: f64) -> u64 {
    if value.is_finite() && value > 0.0 {
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above; `as` saturates, and there is no TryFrom<f64>"
        )]
        let whole = value as u64;
        return whole;
    }
    0
}
