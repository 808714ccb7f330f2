//! Counts: merged rows of committed batches into Prometheus series.
//!
//! In: a signal and its merged rows, and the tallies of rows that left memory before the commit.
//! Out: series in Prometheus's text format, behind those of the process's recorder, which cannot
//! take a series away. Must hold: called after commit only (I2); at most `series_max` series a
//! metric, the rest in one of `other` (I8).

mod exposition;
pub mod scheduled;
mod series;
pub mod server;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use metrics::{counter, gauge};

use crate::signal::{Metric, MetricKind, Signal};
use series::{Place, SeriesSet, cut};
pub use tally::Tally;
use tally::{Rest, joining};

/// The label value of what is beyond `series_max`.
pub const OTHER: &str = "other";

/// The series that signals over tables feed, by metric.
#[derive(Debug, Default)]
pub struct SignalMetrics(Mutex<BTreeMap<String, SeriesSet>>);

impl SignalMetrics {
    /// Tells the recorder which signals there are.
    pub fn describe<'a>(signals: impl IntoIterator<Item = &'a Signal>) {
        for signal in signals {
            let name = signal.header.name.clone();
            counter!("trailflow_series_overflow_total", "signal" => name.clone()).absolute(0);
            gauge!("trailflow_series", "signal" => name).set(0.0);
        }
    }

    /// Everything, in Prometheus's text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for set in self.lock().values() {
            set.render(&mut text);
        }
        text
    }

    /// Adds a batch that was committed `now`, the time since the process began: the tallies of what
    /// it staged early, then its merged rows.
    pub fn count(
        &self,
        signal: &Signal,
        tallies: &[Tally],
        rows: &[RecordBatch],
        now: Duration,
    ) -> Result<(), ArrowError> {
        let metrics = &signal.header.metrics;
        let counted = metrics.iter().map(|metric| {
            let batches = rows.iter().map(|batch| values(metric, batch));
            batches.collect::<Result<Vec<_>, _>>()
        });
        // Before the series are locked: a scrape waits for no formatting.
        let counted = counted.collect::<Result<Vec<_>, _>>()?;
        let mut all = self.lock();
        let mut overflow = 0;
        let mut series = 0;
        for (place, (metric, counted)) in metrics.iter().zip(counted).enumerate() {
            let mut without = 0;
            let set = all
                .entry(metric.name.clone())
                .or_insert_with(|| SeriesSet::new(metric));
            let add = adding(signal, metric);
            if let Some(tally) = tallies.get(place) {
                for (labels, value, rows) in tally.in_order() {
                    without += add(set.place(labels, now), value, rows);
                }
                if let Some(Rest { value, rows }) = tally.rest {
                    let others = vec![OTHER.to_owned(); metric.labels.len()];
                    add(set.place(&others, now), value, rows);
                    without += rows;
                }
            }
            for (labels, value) in counted.into_iter().flatten() {
                without += add(set.place(&labels, now), value, 1);
            }
            // A row that feeds several metrics is one row.
            overflow = overflow.max(without);
            series += u32::try_from(set.len()).unwrap_or(u32::MAX);
        }
        let name = signal.header.name.clone();
        counter!("trailflow_series_overflow_total", "signal" => name.clone()).increment(overflow);
        gauge!("trailflow_series", "signal" => name).set(f64::from(series));
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
                let all = self.lock();
                let set = all.get(&metric.name);
                for (labels, value) in values {
                    let is_known = |labels: &[String]| set.is_some_and(|set| set.has(labels));
                    tally.add(labels, value, metric.series_max, is_known);
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SeriesSet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a value of some rows to a series of the metric; returns how many of them had no series of
/// their own.
fn adding(signal: &Signal, metric: &Metric) -> impl Fn(Place<'_>, f64, u64) -> u64 {
    let rollup = signal.header.rollup.as_ref();
    let merge = rollup.and_then(|rollup| rollup.measures.get(&metric.value));
    let join = joining(metric.kind, merge.copied());
    move |place, value, rows| {
        let (known, overflow) = match place {
            Place::Own(known) => (known, 0),
            Place::Other(known) => (known, rows),
        };
        *known = Some(known.map_or(value, |known| join(known, value)));
        overflow
    }
}

/// The label values of each row that has a value, cut to their limit, and that. Nothing was counted
/// where a counter's value is 0, less or no number: that is no reason to hold a place that a count may
/// need.
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
        .filter(|row| values.is_valid(*row) && (!counts || counted(values.value(*row))));
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

/// Whether a counter may grow by this.
fn counted(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

#[cfg(test)]
mod tests;
