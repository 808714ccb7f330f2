//! Checks the metrics of a signal by the rules of Prometheus.
//!
//! In: a signal. Out: names, helps, labels and limits that are wrong.

use crate::keys::nearest::nearest;
use crate::limits;
use crate::signal::check::{Report, is_snake_case};
use crate::signal::{Merge, Metric, MetricKind, Rollup, Signal};

/// Every metric of this program begins so.
const PREFIX: &str = "trailflow_";

/// Labels that Prometheus gives itself, or that histograms use.
const RESERVED: [&str; 4] = ["job", "instance", "le", "quantile"];

/// Buckets that a run counts itself are series of a gauge, one for each bound.
const BUCKET: (&str, &str) = ("_bucket", "le");

pub(super) fn check(signal: &Signal, report: &mut Report<'_>) {
    let rollup = signal.header.rollup.as_ref();
    for metric in &signal.header.metrics {
        name(metric, report);
        help(metric, report);
        for (index, label) in metric.labels.iter().enumerate() {
            if let Some((what, fix)) = label_mistake(metric, index, label, rollup) {
                report.at(metric.places.line(&format!("labels[{index}]")), what, fix);
            }
        }
        series(metric, report);
        if let Some(rollup) = rollup {
            value(metric, rollup, report);
        }
    }
}

fn name(metric: &Metric, report: &mut Report<'_>) {
    let line = metric.places.line("name");
    let name = metric.name.as_str();
    if !is_snake_case(name) {
        let fix = "write lower-case letters, digits and `_`, beginning with a letter";
        report.at(line, format!("\"{name}\" cannot name a metric"), fix);
        return;
    }
    let base = name.strip_suffix("_total").unwrap_or(name);
    let suffix = if metric.kind == MetricKind::Counter {
        "_total"
    } else {
        ""
    };
    let right = format!(
        "{PREFIX}{}{suffix}",
        base.strip_prefix(PREFIX).unwrap_or(base)
    );
    if !name.starts_with(PREFIX) {
        let what = format!("the metric \"{name}\" does not begin with {PREFIX}");
        report.at(line, what, format!("write \"{right}\""));
    }
    let kind = metric.kind.as_str();
    if metric.kind == MetricKind::Counter && base == name {
        let what = format!("the {kind} \"{name}\" does not end in _total");
        report.at(line, what, format!("write \"{right}\""));
    } else if metric.kind != MetricKind::Counter && base != name {
        let what = format!("the {kind} \"{name}\" ends in _total, which is for counters");
        report.at(
            line,
            what,
            format!("write \"{right}\", or make it a counter"),
        );
    }
    for label in metric.labels.iter().filter(|label| **label != metric.value) {
        // A name may share a word with a label; it may not say "by this label".
        let says_by = ["_by_", "_per_", "_"]
            .iter()
            .any(|by| base.ends_with(&format!("{by}{label}")));
        if says_by {
            let what = format!("the metric's name ends in its label `{label}`");
            report.at(line, what, "name what is counted; the label says by what");
        }
    }
}

fn help(metric: &Metric, report: &mut Report<'_>) {
    let line = metric.places.line("help");
    let help = metric.help.trim();
    if help == metric.name || !help.contains(' ') {
        report.at(
            line,
            "the help is no sentence",
            "say in a sentence what is counted",
        );
    } else if !help.ends_with('.') || help.contains('\n') {
        let what = "the help is not one line that ends in a period";
        report.at(line, what, "end the sentence, on one line, with a period");
    }
}

/// What is wrong with a label, and what to do about it.
fn label_mistake(
    metric: &Metric,
    index: usize,
    label: &String,
    rollup: Option<&Rollup>,
) -> Option<(String, String)> {
    let valid = label.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && label
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let rest = metric
        .labels
        .get(index.saturating_add(1)..)
        .unwrap_or_default();
    let mistake = |what: String, fix: &str| Some((what, fix.to_owned()));
    if !valid || label.starts_with("__") {
        let fix = "write letters, digits and `_`, beginning with a letter";
        mistake(format!("\"{label}\" cannot name a label"), fix)
    } else if RESERVED.contains(&label.as_str())
        && !(label == BUCKET.1 && metric.name.ends_with(BUCKET.0))
    {
        let fix = format!("name the column {label}_name, or similar");
        mistake(format!("the label `{label}` belongs to Prometheus"), &fix)
    } else if rest.contains(label) {
        mistake(
            format!("the label `{label}` is listed twice"),
            "keep one of the two",
        )
    } else if label == "window_start" {
        let what = "a window is no label: every one would begin new series";
        mistake(what.to_owned(), "remove it from `labels`")
    } else if *label == metric.value {
        let what = format!("`{label}` is both the value and a label");
        mistake(what, "remove it from `labels`")
    } else if let Some(rollup) = rollup
        && !rollup.grain.contains(label)
    {
        // What a metric shows, the rollup stores.
        let what = format!("the label `{label}` is not in the rollup's grain");
        match nearest(label, rollup.grain.iter().map(String::as_str)) {
            Some(near) => mistake(what, &format!("write \"{near}\"")),
            None => mistake(what, "add it to `grain`, or remove it from `labels`"),
        }
    } else {
        None
    }
}

fn series(metric: &Metric, report: &mut Report<'_>) {
    if !(1..=limits::SERIES_MAX_LIMIT).contains(&metric.series_max) {
        let what = format!("`series_max` is {}", metric.series_max);
        let fix = format!("write a number from 1 to {}", limits::SERIES_MAX_LIMIT);
        report.at(metric.places.line("series_max"), what, fix);
    }
}

/// The value is a measure, and merges as the metric's type does.
fn value(metric: &Metric, rollup: &Rollup, report: &mut Report<'_>) {
    let line = metric.places.line("value");
    match rollup.measures.get(&metric.value) {
        None => {
            let fix = match nearest(&metric.value, rollup.measures.keys().map(String::as_str)) {
                Some(near) => format!("write \"{near}\""),
                None => format!("add {} = \"sum\" to `measures`", metric.value),
            };
            let what = format!("the value `{}` is no measure of the rollup", metric.value);
            report.at(line, what, fix);
        }
        Some(Merge::Min | Merge::Max) if metric.kind == MetricKind::Counter => {
            let what = format!(
                "a counter adds, and `{}` does not merge by sum",
                metric.value
            );
            report.at(
                line,
                what,
                "merge it by \"sum\", or make the metric a gauge",
            );
        }
        Some(Merge::Sum) if metric.kind == MetricKind::Gauge => {
            let what = format!(
                "a gauge shows the largest or smallest, and `{}` merges by sum",
                metric.value
            );
            let fix = "make the metric a counter, or merge it by \"max\" or \"min\"";
            report.at(line, what, fix);
        }
        Some(_) => {}
    }
}
