//! The header of a signal: what its file says about itself.
//!
//! In: TOML, as `signal::fence` hands it on. Out: a [`Header`], or every mistake in it.
//!
//! Must hold: one row a key, in `rows`; types and required keys are checked here, meaning in
//! `signal::check`.

mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Table;
use crate::finding::Findings;
use crate::keys::place::{Placed, Places};
use crate::keys::walk::Walk;
use crate::limits;
use crate::signal::reference::TestReference;
use crate::signal::source::{Schedule, Source};

/// What a signal says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The signal's name, its view in SQL, and its file's name.
    pub name: String,
    /// How much to rely on it.
    pub status: Status,
    /// Who answers for it.
    pub owner: String,
    /// One sentence for lists.
    pub summary: String,
    /// Why anybody should look at it.
    pub why: String,
    /// What looks like a finding and is none.
    pub false_positives: Vec<String>,
    /// The question of the operators that it answers, in their words.
    pub seed: Option<String>,
    /// What the logs do not say, and so this signal cannot either.
    pub cannot_tell: Option<String>,
    /// What the query reads.
    pub source: Source,
    /// When it runs, if it reads rollups.
    pub schedule: Option<Schedule>,
    /// The series it feeds.
    pub metrics: Vec<Metric>,
    /// What it stores in the lake.
    pub rollup: Option<Rollup>,
    /// When to wake somebody.
    pub alerts: Vec<Alert>,
    /// Its proof.
    pub tests: Vec<Test>,
    /// Where each key was written.
    pub places: Places,
}

/// How much to rely on a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// May change or go.
    #[default]
    Experimental,
    /// Its name, columns and labels stay.
    Stable,
    /// Will go.
    Deprecated,
}

/// One metric that a signal feeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// With prefix and suffix.
    pub name: String,
    /// How Prometheus shows it.
    pub kind: MetricKind,
    /// A sentence.
    pub help: String,
    /// The output column that holds the number.
    pub value: String,
    /// The output columns that become labels.
    pub labels: Vec<String>,
    /// The most series that it may have; the rest go to one series of `other`.
    pub series_max: usize,
    /// Where each key was written.
    pub places: Places,
}

/// The types of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricKind {
    /// Adds up.
    #[default]
    Counter,
    /// Is set.
    Gauge,
}

/// What a signal stores in the lake, and how two partial rows of one grain become one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rollup {
    /// Length of the window in event time.
    pub window_seconds: u64,
    /// The columns that name a row; `window_start` is the first.
    pub grain: Vec<String>,
    /// The columns that merge.
    pub measures: BTreeMap<String, Merge>,
}

/// How two partial values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// They are added.
    Sum,
    /// The smaller stays.
    Min,
    /// The larger stays.
    Max,
}

/// When to wake somebody.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alert {
    /// The alert's name, if the signal's would not do.
    pub name: Option<String>,
    /// One line for whoever is woken; Prometheus's templates work in it.
    pub summary: Option<String>,
    /// How urgent it is.
    pub severity: Severity,
    /// How long `expr` must hold.
    pub for_seconds: u64,
    /// PromQL.
    pub expr: String,
    /// The anchor of the alert's heading in `docs/runbooks.md`, without `#`.
    pub runbook: String,
    /// Where each key was written.
    pub places: Places,
}

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// To be seen.
    #[default]
    Info,
    /// To be looked at today.
    Warning,
    /// To be looked at now.
    Critical,
}

/// One test: these events give these rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// What is decoded.
    pub input: TestInput,
    /// The moment of the run, epoch milliseconds; of a signal over rollups only.
    pub at_millis: Option<i64>,
    /// What the configuration knows in this test.
    pub reference: Option<TestReference>,
    /// What must come out; empty means nothing may.
    pub rows: Vec<BTreeMap<String, TestValue>>,
    /// Where each key was written; `rows[0]` is the first row.
    pub places: Places,
}

/// The events of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestInput {
    /// The content of an object, in the header itself.
    Inline(String),
    /// A file below `testdata`.
    File(PathBuf),
}

/// A value of an expected row.
#[derive(Debug, Clone, PartialEq)]
pub enum TestValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A moment, in milliseconds since 1970 UTC.
    Instant(i64),
}

impl Header {
    /// Reads the TOML of a header that begins on this line of the file.
    pub fn parse(file: &Path, toml: &str, first_line: u32) -> Result<Self, Findings> {
        let (header, findings) = Self::read(file, toml, first_line);
        findings.or(header)
    }

    /// The header as far as it can be read, and every mistake in it.
    pub(crate) fn read(file: &Path, toml: &str, first_line: u32) -> (Self, Findings) {
        let mut header = Self::blank();
        let mut walk = Walk::new(file, first_line, toml);
        walk.document(rows::HEADER, toml, &mut header);
        (header, walk.into_findings())
    }

    /// Whether it says enough to be judged further: a refused value leaves its default, but a
    /// header without its main parts would only be blamed for what follows from that.
    pub(crate) fn can_be_judged(&self) -> bool {
        let rollup_is_whole = self
            .rollup
            .as_ref()
            .is_none_or(|rollup| !rollup.grain.is_empty() && !rollup.measures.is_empty());
        !self.name.is_empty() && !self.tests.is_empty() && rollup_is_whole
    }

    /// What the walk fills; it never leaves this module unless all required keys were there.
    fn blank() -> Self {
        Self {
            name: String::new(),
            status: Status::default(),
            owner: String::new(),
            summary: String::new(),
            why: String::new(),
            false_positives: Vec::new(),
            seed: None,
            cannot_tell: None,
            source: Source::Table(Table::Cloudtrail),
            schedule: None,
            metrics: Vec::new(),
            rollup: None,
            alerts: Vec::new(),
            tests: Vec::new(),
            places: Places::default(),
        }
    }
}

impl Metric {
    fn blank() -> Self {
        Self {
            name: String::new(),
            kind: MetricKind::default(),
            help: String::new(),
            value: String::new(),
            labels: Vec::new(),
            series_max: limits::SERIES_MAX_DEFAULT,
            places: Places::default(),
        }
    }
}

impl Test {
    fn blank() -> Self {
        Self {
            name: String::new(),
            input: TestInput::Inline(String::new()),
            at_millis: None,
            reference: None,
            rows: Vec::new(),
            places: Places::default(),
        }
    }
}

impl Status {
    /// The word in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
        }
    }
}

impl MetricKind {
    /// The word in the header, which is also Prometheus's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

impl Merge {
    /// The word in the header, which is also SQL's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

impl Severity {
    /// The word in the header, which is also the alert's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Placed for Header {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Placed for Metric {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Placed for Alert {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Placed for Test {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"name = "rejects"
status = "deprecated"
owner = "network"
summary = "Rejected flows."
why = "Somebody waits."
seed = "rejected packets"
cannot_tell = "Which rule rejected."
source = "flow_logs"

[[metric]]
name = "trailflow_rejects_total"
type = "counter"
help = "Rejected records."
value = "records"
labels = []

[[metric]]
name = "trailflow_reject_bytes"
type = "gauge"
help = "Rejected bytes."
value = "bytes"
labels = ["dstport"]
series_max = 7

[rollup]
window = "1h"
grain = [
  "window_start",
  "dstport",
]
measures.records = "sum"
measures.bytes = "max"

[alert]
name = "Rejects"
severity = "critical"
for = "90s"
expr = "trailflow_reject_bytes > 0"
runbook = "rejects"

[[test]]
name = "finds"
events = "flow_logs/rejects.txt"
rows = [
  { window_start = 2024-05-01T12:00:00.5+02:00, dstport = -1, bytes = 0.5, a = true, b = "x" },
]
"#;

    #[test]
    fn every_key_arrives_in_its_field() {
        let header = Header::parse(Path::new("rejects.sql"), TOML, 2).unwrap();
        assert_eq!(
            (
                header.name.as_str(),
                header.status.as_str(),
                header.owner.as_str()
            ),
            ("rejects", "deprecated", "network")
        );
        assert_eq!(header.summary, "Rejected flows.");
        assert_eq!(header.why, "Somebody waits.");
        assert_eq!(header.seed.as_deref(), Some("rejected packets"));
        assert_eq!(header.cannot_tell.as_deref(), Some("Which rule rejected."));
        assert_eq!(header.source, Source::Table(Table::FlowLogs));

        let [calls, bytes] = header.metrics.as_slice() else {
            panic!("two metrics")
        };
        assert_eq!((calls.kind, calls.series_max), (MetricKind::Counter, 1000));
        assert_eq!((bytes.kind, bytes.series_max), (MetricKind::Gauge, 7));
        assert_eq!(
            (bytes.value.as_str(), bytes.labels.as_slice()),
            ("bytes", &["dstport".to_owned()][..])
        );

        let rollup = header.rollup.unwrap();
        assert_eq!((rollup.window_seconds, rollup.grain.len()), (3600, 2));
        let merges: Vec<_> = rollup.measures.values().copied().collect();
        assert_eq!(merges, [Merge::Max, Merge::Sum]);

        let [alert] = header.alerts.as_slice() else {
            panic!("one alert")
        };
        assert_eq!(
            (alert.severity, alert.for_seconds),
            (Severity::Critical, 90)
        );
        assert_eq!(
            (alert.name.as_deref(), alert.runbook.as_str()),
            (Some("Rejects"), "rejects")
        );

        let [test] = header.tests.as_slice() else {
            panic!("one test")
        };
        assert_eq!(
            test.input,
            TestInput::File(PathBuf::from("flow_logs/rejects.txt"))
        );
        let row: Vec<_> = test
            .rows
            .iter()
            .flatten()
            .map(|(k, v)| (k.as_str(), v.clone()))
            .collect();
        let due = [
            ("a", TestValue::Boolean(true)),
            ("b", TestValue::Text("x".to_owned())),
            ("bytes", TestValue::Float(0.5)),
            ("dstport", TestValue::Integer(-1)),
            ("window_start", TestValue::Instant(1_714_557_600_500)),
        ];
        assert_eq!(row, due);
    }

    #[test]
    fn places_are_lines_of_the_file() {
        let header = Header::parse(Path::new("rejects.sql"), TOML, 2).unwrap();
        assert_eq!(header.places.line("owner"), Some(4));
        assert_eq!(header.places.line("rollup.grain[1]"), Some(30));
        let lines = |places: &Places, key| (places.table_line(), places.line(key));
        assert_eq!(
            lines(&header.metrics[1].places, "value"),
            (Some(18), Some(22))
        );
        assert_eq!(
            lines(&header.alerts[0].places, "runbook"),
            (Some(35), Some(40))
        );
        assert_eq!(
            lines(&header.tests[0].places, "rows[0].dstport"),
            (Some(42), Some(46))
        );
    }
}
