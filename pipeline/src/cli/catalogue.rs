//! The catalogue of signals as one Markdown document: `docs/signals.md`.
//!
//! In: the checked headers. Out: for each table a list of its signals and for each signal what it
//! answers, its series, its view, its alerts and what it cannot tell. Nothing is said here that a
//! header does not say. `tests/documents.rs` holds the committed document against this.

use std::fmt::Write as _;

use crate::signal::header::Header;
use crate::signal::{Catalog, Source};

const INTRODUCTION: &str = "\
# The signals

What trailflow finds in the logs, made from the headers of the `.sql` files by
`trailflow signals --format markdown`. Change a header, not this file.

A series has the labels named here and no others; beyond its cap new label sets are counted under
`other`, and of signals over rollups the smallest are left out. A view holds the same numbers for `trailflow query`, per window, without a cap. Counts follow what
AWS wrote: each signal says what that leaves untold.
";

/// Adds a line; writing to a text does not fail.
macro_rules! line {
    ($text:expr, $($part:tt)+) => {{
        let _written: std::fmt::Result = writeln!($text, $($part)+);
    }};
}

pub(super) fn markdown(catalog: &Catalog) -> String {
    let mut text = String::from(INTRODUCTION);
    let mut sources: Vec<Source> = Vec::new();
    for signal in &catalog.signals {
        if !sources.contains(&signal.header.source) {
            sources.push(signal.header.source);
        }
    }
    for source in sources {
        let headers: Vec<&Header> = catalog
            .signals
            .iter()
            .map(|signal| &signal.header)
            .filter(|header| header.source == source)
            .collect();
        line!(text, "\n## From `{}`\n", source.name());
        text.push_str("| signal | what it answers |\n|---|---|\n");
        for header in &headers {
            let (name, summary) = (&header.name, one_line(&header.summary));
            line!(text, "| [`{name}`](#{name}) | {summary} |");
        }
        for header in headers {
            section(&mut text, header);
        }
    }
    text
}

fn section(text: &mut String, header: &Header) {
    line!(text, "\n### {}\n", header.name);
    line!(text, "{}\n", one_line(&header.summary));
    line!(text, "{}\n", one_line(&header.why));
    line!(text, "- status: {}", header.status.as_str());
    if let Some(schedule) = &header.schedule {
        let (every, over) = (time(schedule.every_seconds), time(schedule.over_seconds));
        line!(text, "- reads the rollups every {every}, {over} back");
    }
    for metric in &header.metrics {
        line!(
            text,
            "- {} `{}` {{{}}}, at most {} series: {}",
            metric.kind.as_str(),
            metric.name,
            metric.labels.join(", "),
            metric.series_max,
            one_line(&metric.help)
        );
    }
    if let Some(rollup) = &header.rollup {
        let measures: Vec<String> = rollup
            .measures
            .iter()
            .map(|(name, merge)| format!("{name} ({})", merge.as_str()))
            .collect();
        line!(
            text,
            "- view `{}`, a row for each {}: {}",
            header.name,
            rollup.grain.join(", "),
            measures.join(", ")
        );
    }
    for alert in &header.alerts {
        let name = alert.name.as_deref().unwrap_or(&alert.runbook);
        let (severity, runbook) = (alert.severity.as_str(), &alert.runbook);
        line!(text, "- alert [{name}](runbooks.md#{runbook}), {severity}");
    }
    for reason in &header.false_positives {
        line!(text, "- may be harmless: {}", one_line(reason));
    }
    if let Some(limit) = &header.cannot_tell {
        line!(text, "- **cannot tell**: {}", one_line(limit));
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A length of time in the largest unit that it is a whole number of: days, hours, minutes.
fn time(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    for (length, unit) in units {
        if seconds.is_multiple_of(length) {
            let count = seconds / length;
            let plural = if count == 1 { "" } else { "s" };
            return format!("{count} {unit}{plural}");
        }
    }
    format!("{seconds} seconds")
}
