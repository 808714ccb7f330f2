//! The columns that a signal's header promises, and whether its query yields them.
//!
//! Must hold: every output column is of the grain or a measure, and the other way round: a column
//! that is neither would be lost in a merge, one that is missing would fail at three in the morning.

use arrow::datatypes::{DataType, Schema};

use crate::finding::{Finding, Findings};
use crate::signal::{Header, Merge, Rollup, Signal, Source};

/// The rollup of a signal; for one without, what its metrics need.
pub(super) fn columns(header: &Header) -> Rollup {
    if let Some(rollup) = &header.rollup {
        return rollup.clone();
    }
    let mut columns = Rollup::default();
    for metric in &header.metrics {
        for label in &metric.labels {
            if !columns.grain.contains(label) {
                columns.grain.push(label.clone());
            }
        }
        columns.measures.insert(metric.value.clone(), Merge::Sum);
    }
    columns
}

/// What differs between promise and query.
pub(super) fn mismatches(signal: &Signal, columns: &Rollup, output: &Schema) -> Findings {
    let mut findings = Findings::default();
    let mut report = |what: String, fix: String| {
        findings.push(Finding::new(&signal.file, Some(signal.sql_line), what, fix));
    };
    let promised = || columns.grain.iter().chain(columns.measures.keys());
    for name in promised().filter(|name| output.field_with_name(name).is_err()) {
        report(
            format!("the query has no column {name}, which the header names"),
            format!("select it AS {name}, or take it out of the header"),
        );
    }
    for field in output.fields() {
        let name = field.name();
        if !promised().any(|promised| promised == name) {
            let (what, to) = match signal.header.source {
                Source::Rollups => ("a label nor the value", "`labels`"),
                Source::Table(_) => ("in the grain nor a measure", "`grain` or `measures`"),
            };
            report(
                format!("the column {name} is neither {what}"),
                format!("add {name} to {to}, or do not select it"),
            );
            continue;
        }
        let kind = field.data_type();
        if columns.measures.contains_key(name) && !kind.is_numeric() {
            report(
                format!("the measure {name} is {kind}, not a number"),
                String::from("count, sum or cast it"),
            );
        }
        if name == "window_start" && !matches!(kind, DataType::Timestamp(..)) {
            report(
                format!("window_start is {kind}, not a timestamp"),
                String::from("make it with date_bin over the event's time"),
            );
        }
    }
    findings
}
