//! What can be proved about signals without planning their queries.
//!
//! In: a catalog. Out: every rule that a signal breaks, at its line.
//!
//! Must hold: every rule looks at every signal; no mistake hides another.

mod alert;
mod metric;
mod query;
mod rollup;
mod schedule;
mod tests_of_signal;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use crate::finding::{Finding, Findings};
use crate::signal::catalog::BUILT_IN;
use crate::signal::{Catalog, Signal, Source, fence};

/// Tables that a signal's view cannot be named as: those of the lake, and what a query may join.
const TABLES: [&str; 11] = [
    "cloudtrail",
    "flow_logs",
    "transit_gateway_flow_logs",
    "ingest_log",
    "quarantine",
    "schedule",
    "expected_audiences",
    "clusters",
    "node_roles",
    "watched_roles",
    "own_networks",
];

/// The partial rows of a signal are a table under its name and this.
pub const PARTIAL: &str = "_partial";

/// Whether a query means a table by this name.
pub fn is_table(name: &str) -> bool {
    TABLES.contains(&name)
}

/// Checks every signal alone, then all of them beside each other. `runbooks` is the text of
/// `docs/runbooks.md`; without it the anchors of alerts are not compared.
pub(crate) fn catalog(catalog: &Catalog, runbooks: Option<&str>) -> Findings {
    let anchors = runbooks.map(alert::anchors);
    let mut report = Report::default();
    for signal in &catalog.signals {
        report.file = &signal.file;
        identity(signal, &mut report);
        metric::check(signal, &mut report);
        rollup::check(signal, &mut report);
        schedule::check(signal, &mut report);
        alert::check(signal, anchors.as_ref(), &mut report);
        tests_of_signal::check(signal, &mut report);
        let merges = signal.header.source != Source::Rollups;
        query::check(&signal.sql, signal.sql_line, merges, &mut report);
    }
    Taken::default().take(catalog, &mut report);
    report.findings
}

/// Checks the query of a file whose header was refused, so that one mistake hides no other.
pub(crate) fn text(file: &Path, text: &str) -> Findings {
    let mut report = Report {
        file,
        findings: Findings::default(),
    };
    if let Ok(parts) = fence::split(file, text) {
        query::check(&parts.sql, parts.sql_line, true, &mut report);
    }
    report.findings
}

/// Collects the findings of the file that is being checked.
struct Report<'r> {
    file: &'r Path,
    findings: Findings,
}

impl Default for Report<'_> {
    fn default() -> Self {
        Self {
            file: Path::new(""),
            findings: Findings::default(),
        }
    }
}

impl Report<'_> {
    fn at(&mut self, line: Option<u32>, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding::new(self.file, line, what, fix));
    }
}

/// The name, the file's name and the folder's name agree, and there is something to put out.
fn identity(signal: &Signal, report: &mut Report<'_>) {
    let header = &signal.header;
    let name = header.name.as_str();
    let line = header.places.line("name");
    if !is_snake_case(name) {
        let fix = "write lower-case letters, digits and `_`, beginning with a letter";
        report.at(line, format!("\"{name}\" cannot name a view"), fix);
    } else if is_table(name) {
        report.at(
            line,
            format!("\"{name}\" is the name of a table"),
            "give it another name",
        );
    } else if name.ends_with(PARTIAL) {
        let what = format!("\"{name}\" ends as the table of another signal's partial rows does");
        report.at(line, what, "give it another name");
    }
    let stem = signal
        .file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    if stem != name && is_snake_case(name) {
        let what = format!("the signal \"{name}\" is in a file named {stem}.sql");
        report.at(
            line,
            what,
            format!("rename the file to {name}.sql, or write name = \"{stem}\""),
        );
    }
    let folder = signal
        .file
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let source = header.source.name();
    if folder != Some(source) {
        let what = format!("the source is \"{source}\" and the folder is another");
        let fix = format!("move the file into the folder {source}, or correct `source`");
        report.at(header.places.line("source"), what, fix);
    }
    if header.metrics.is_empty() && header.rollup.is_none() {
        let fix = "add a [metric], a [rollup], or both";
        report.at(line, "the signal has neither a metric nor a rollup", fix);
    }
}

/// Checks that a directory's signals take no name of the built-in ones that run beside them.
pub(crate) fn beside(built_in: &Catalog, own: &Catalog) -> Findings {
    let (mut report, mut taken) = (Report::default(), Taken::default());
    // Their own mistakes, if they had any, are told where they are read.
    taken.take(built_in, &mut Report::default());
    taken.take(own, &mut report);
    report.findings
}

/// The names that are taken: none is given twice, not to signals, metrics or alerts.
struct Taken<'n> {
    signals: Names<'n>,
    metrics: Names<'n>,
    alerts: Names<'n>,
}

impl Default for Taken<'_> {
    fn default() -> Self {
        Self {
            signals: Names::new("signal"),
            metrics: Names::new("metric"),
            alerts: Names::new("alert"),
        }
    }
}

impl<'n> Taken<'n> {
    fn take(&mut self, catalog: &'n Catalog, report: &mut Report<'n>) {
        for signal in &catalog.signals {
            let (header, file) = (&signal.header, &signal.file);
            report.file = file;
            self.signals
                .take(&header.name, file, header.places.line("name"), report);
            for metric in &header.metrics {
                self.metrics
                    .take(&metric.name, file, metric.places.line("name"), report);
            }
            for alert in &header.alerts {
                let name = alert.name.as_ref().unwrap_or(&header.name);
                self.alerts
                    .take(name, file, alert.places.line("name"), report);
            }
        }
    }
}

/// The names of one kind that are taken, and by which file.
struct Names<'n> {
    kind: &'static str,
    taken: BTreeMap<&'n str, &'n Path>,
}

impl<'n> Names<'n> {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            taken: BTreeMap::new(),
        }
    }

    fn take(&mut self, name: &'n str, file: &'n Path, line: Option<u32>, report: &mut Report<'_>) {
        match self.taken.entry(name) {
            Entry::Vacant(free) => {
                free.insert(file);
            }
            Entry::Occupied(taken) => {
                let taken = taken.get();
                let (by, fix) = if taken.starts_with(BUILT_IN) {
                    let by = format!("the built-in {}", name_of(taken));
                    (
                        by,
                        "give it another name, or leave that signal out with `signals.without`",
                    )
                } else {
                    (
                        name_of(taken).to_string(),
                        "give one of the two another name",
                    )
                };
                let what = format!("the {} \"{name}\" exists already, in {by}", self.kind);
                report.at(line, what, fix);
            }
        }
    }
}

fn name_of(file: &Path) -> impl std::fmt::Display {
    file.file_name().unwrap_or_default().display()
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod cases;
