//! Prometheus's text format, version 0.0.4, for the series of signals.
//!
//! In: a metric of a signal's header, label values, a value. Out: lines. Must hold: whatever a log
//! says is one label value: a quote, a backslash or a line break in it ends nothing.

use std::fmt::Write as _;

use crate::signal::{Metric, MetricKind};

/// The two lines before a metric's series.
pub(super) fn heading(metric: &Metric) -> String {
    let help = metric.help.replace('\\', "\\\\").replace('\n', "\\n");
    let kind = match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
    };
    format!("# HELP {0} {help}\n# TYPE {0} {kind}\n", metric.name)
}

/// What names a series: all of its line but the value.
pub(super) fn named(metric: &Metric, labels: &[String]) -> String {
    let mut text = metric.name.clone();
    for (place, (name, label)) in metric.labels.iter().zip(labels).enumerate() {
        let before = if place == 0 { '{' } else { ',' };
        // Writing to a String does not fail.
        let _written = write!(text, "{before}{name}=\"{}\"", escaped(label));
    }
    if !metric.labels.is_empty() {
        text.push('}');
    }
    text
}

/// Adds the line of a series.
pub(super) fn line(text: &mut String, named: &str, value: f64) {
    text.push_str(named);
    let _written = writeln!(text, " {value}");
}

fn escaped(label: &str) -> String {
    let label = label.replace('\\', "\\\\");
    label.replace('"', "\\\"").replace('\n', "\\n")
}
