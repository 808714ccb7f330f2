//! Counts: merged rows of committed batches into Prometheus series.
//!
//! In: a signal and its merged rows, and the tallies of rows that left memory before the commit.
//! Out: counters in the process's recorder. Must hold: called after commit only (I2); at most
//! `series_max` series a metric, the rest in one of `other` (I8).

pub mod scheduled;
mod series;
pub mod server;
mod tally;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use metrics::{Label, counter, gauge};

use crate::signal::{Merge, Metric, MetricKind, Signal};
use series::{SeriesSet, cut};
use tally::Rest;
pub use tally::Tally;

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
                }
            }
        }
    }

    /// Adds a committed batch: the tallies of what it staged early, then its merged rows.
    pub fn count(
        &self,
        signal: &Signal,
        tallies: &[Tally],
        rows: &[RecordBatch],
    ) -> Result<(), ArrowError> {
        for (metric, tally) in signal.header.metrics.iter().zip(tallies) {
            for (wanted, value, rows) in tally.in_order() {
                let granted = self.grant(signal, metric, wanted.clone(), rows);
                self.add(signal, metric, granted, value);
            }
            if let Some(Rest { value, rows }) = tally.rest {
                overflowed(signal, rows);
                self.add(signal, metric, other(metric.labels.len()), value);
            }
        }
        for metric in &signal.header.metrics {
            for batch in rows {
                for (wanted, value) in values(metric, batch)? {
                    let granted = self.grant(signal, metric, wanted, 1);
                    self.add(signal, metric, granted, value);
                }
            }
        }
        Ok(())
    }

    /// One tally for each metric of the signal, to be given to [`Self::tally`] and [`Self::count`].
    /// Nothing without a rollup, whose rows would leave memory early.
    pub fn tallies(signal: &Signal) -> Option<Vec<Tally>> {
        let rollup = signal.header.rollup.as_ref()?;
        let metrics = signal.header.metrics.iter();
        let tallies = metrics.map(|metric| {
            let merge = rollup.measures.get(&metric.value)?;
            Some(Tally::new(metric.kind, *merge))
        });
        tallies.collect()
    }

    /// Adds to the tallies what merged rows will count, if their batch is committed.
    pub fn tally(
        &self,
        signal: &Signal,
        tallies: &mut [Tally],
        rows: &[RecordBatch],
    ) -> Result<(), ArrowError> {
        for (metric, tally) in signal.header.metrics.iter().zip(tallies) {
            for batch in rows {
                let values = values(metric, batch)?;
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                let set = known.get(&metric.name);
                for (labels, value) in values {
                    let is_known = |labels: &[String]| set.is_some_and(|set| set.has(labels));
                    tally.add(labels, value, metric.series_max, is_known);
                }
            }
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

    /// The labels of a series that may exist: those asked for, by so many rows, or `other` in all
    /// places.
    fn grant(
        &self,
        signal: &Signal,
        metric: &Metric,
        wanted: Vec<String>,
        rows: u64,
    ) -> Vec<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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
                overflowed(signal, rows);
                other(count)
            }
        }
    }
}

/// Counts what has no series of its own.
fn overflowed(signal: &Signal, rows: u64) {
    let name = signal.header.name.clone();
    counter!("trailflow_series_overflow_total", "signal" => name).increment(rows);
}

/// The labels of what is beyond `series_max`.
fn other(labels: usize) -> Vec<String> {
    vec![OTHER.to_owned(); labels]
}

/// The label values of each row that has a value, cut to their limit, and that. Nothing was counted
/// where a counter's value is 0 or no number: that is no reason to hold a place that a count may need.
fn values(metric: &Metric, batch: &RecordBatch) -> Result<Vec<(Vec<String>, f64)>, ArrowError> {
    let options = FormatOptions::default();
    let mut labels = Vec::new();
    for label in &metric.labels {
        labels.push(ArrayFormatter::try_new(column(batch, label)?, &options)?);
    }
    let values = cast(column(batch, &metric.value)?, &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    let counts = metric.kind == MetricKind::Counter;
    let rows = (0..batch.num_rows())
        .filter(|row| values.is_valid(*row) && !(counts && whole(values.value(*row)) == 0));
    let labelled = rows.map(|row| {
        let labels = labels.iter().map(|label| cut(label.value(row).to_string()));
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

#[cfg(test)]
mod tests;
