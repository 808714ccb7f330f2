//! The series that a metric has, up to its limit.
//!
//! In: label values, and the time. Out: where their value is kept. Must hold: at most `series_max`
//! series and `other` beside them (I8); a series leaves only when others need its place and nothing
//! was counted in it for [`SERIES_IDLE`], so that a port scan does not blind the metric for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use super::OTHER;
use super::exposition::{heading, line, named};
use crate::limits::{LABEL_BYTES_MAX, SERIES_IDLE, SERIES_SWEEP_EVERY};
use crate::signal::{Metric, MetricKind};

/// The series of one metric.
#[derive(Debug)]
pub(super) struct SeriesSet {
    metric: Metric,
    /// By label values.
    series: BTreeMap<Vec<String>, Series>,
    /// What had no place.
    other: Option<Series>,
    /// When idle series were last looked for.
    swept: Option<Duration>,
}

/// One series.
#[derive(Debug)]
struct Series {
    /// Its line but the value.
    named: String,
    value: Option<f64>,
    /// When it was last counted in.
    at: Duration,
}

/// Where the value of a row is kept.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// In a series of its own.
    Own(&'a mut Option<f64>),
    /// In `other`, for the metric is full.
    Other(&'a mut Option<f64>),
}

impl SeriesSet {
    pub(super) fn new(metric: &Metric) -> Self {
        Self {
            metric: metric.clone(),
            series: BTreeMap::new(),
            other: None,
            swept: None,
        }
    }

    /// How many series there are, without `other`.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether the series exists.
    pub(super) fn has(&self, labels: &[String]) -> bool {
        self.series.contains_key(labels)
    }

    /// Where the value of these labels is kept from `now` on, the time since the process began.
    pub(super) fn place(&mut self, labels: &[String], now: Duration) -> Place<'_> {
        // A row that says `other` itself shares the series with those that have no place.
        if !labels.is_empty() && labels.iter().all(|label| label == OTHER) {
            return Place::Own(self.other(labels.len()));
        }
        if !self.series.contains_key(labels) && !self.has_room(now) {
            return Place::Other(self.other(labels.len()));
        }
        let series = self.series.entry(labels.to_vec());
        let series = series.or_insert_with(|| Series::new(named(&self.metric, labels)));
        series.at = now;
        Place::Own(&mut series.value)
    }

    /// Adds all series in Prometheus's text format.
    pub(super) fn render(&self, text: &mut String) {
        text.push_str(&heading(&self.metric));
        for series in self.series.values().chain(&self.other) {
            if let Some(value) = series.value {
                line(text, &series.named, value);
            }
        }
    }

    fn other(&mut self, labels: usize) -> &mut Option<f64> {
        let named = || named(&self.metric, &vec![OTHER.to_owned(); labels]);
        let other = self.other.get_or_insert_with(|| Series::new(named()));
        &mut other.value
    }

    /// Whether one more series may begin; makes room if something is idle.
    fn has_room(&mut self, now: Duration) -> bool {
        let is_due = |swept| now.saturating_sub(swept) >= SERIES_SWEEP_EVERY;
        if self.series.len() >= self.metric.series_max
            // A gauge that nobody sets says so by its value: what was last heard of long ago.
            && self.metric.kind == MetricKind::Counter
            && self.swept.is_none_or(is_due)
        {
            self.swept = Some(now);
            self.series
                .retain(|_, series| now.saturating_sub(series.at) < SERIES_IDLE);
        }
        self.series.len() < self.metric.series_max
    }
}

impl Series {
    fn new(named: String) -> Self {
        Self {
            named,
            value: None,
            at: Duration::ZERO,
        }
    }
}

/// A label value within its limit.
pub(super) fn cut(mut label: String) -> String {
    let mut end = LABEL_BYTES_MAX.min(label.len());
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    label.truncate(end);
    label
}
