//! The keys of a signal's header, one row each.
//!
//! In: tables of TOML. Out: the fields of [`Header`] and its parts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::keys::key::{Key, Kind};
use crate::keys::place::Place;
use crate::keys::quantity;
use crate::keys::walk::{Entry, Walk};
use crate::signal::header::{
    Alert, Header, Merge, Metric, MetricKind, Rollup, Severity, Status, Test, TestInput, TestValue,
};
use crate::signal::reference::TestReference;
use crate::signal::source::{Schedule, Source};

/// The whole header.
pub(super) const HEADER: &[Key<Header>] = &[
    Key::required("name", Kind::Text(|h, text| h.name = text)),
    Key::required(
        "status",
        Kind::Word(&["experimental", "stable", "deprecated"], |h, word| {
            h.status = status(word);
        }),
    ),
    Key::required("owner", Kind::Text(|h, text| h.owner = text)),
    Key::required("summary", Kind::Text(|h, text| h.summary = text)),
    Key::required("why", Kind::Text(|h, text| h.why = text)),
    Key::optional(
        "false_positives",
        Kind::Texts(|h, texts| h.false_positives = texts),
    ),
    Key::optional("seed", Kind::Text(|h, text| h.seed = Some(text))),
    Key::optional(
        "cannot_tell",
        Kind::Text(|h, text| h.cannot_tell = Some(text)),
    ),
    Key::required(
        "source",
        Kind::Word(
            &[
                "cloudtrail",
                "flow_logs",
                "transit_gateway_flow_logs",
                "rollups",
            ],
            |h, word| h.source = Source::named(word).unwrap_or(h.source),
        ),
    ),
    Key::optional("schedule", Kind::Tables(schedule)),
    Key::optional("metric", Kind::Tables(metric)),
    Key::required(
        "rollup.window",
        Kind::Seconds(|h, seconds| rollup(h).window_seconds = seconds),
    ),
    Key::required(
        "rollup.grain",
        Kind::Texts(|h, texts| rollup(h).grain = texts),
    ),
    Key::required("rollup.measures", Kind::Tables(measures)),
    Key::optional("alert", Kind::Tables(alert)),
    Key::required("test", Kind::Tables(test)),
];

const METRIC: &[Key<Metric>] = &[
    Key::required("name", Kind::Text(|m, text| m.name = text)),
    Key::required(
        "type",
        Kind::Word(&["counter", "gauge"], |m, word| {
            m.kind = metric_kind(word);
        }),
    ),
    Key::required("help", Kind::Text(|m, text| m.help = text)),
    Key::required("value", Kind::Text(|m, text| m.value = text)),
    Key::required("labels", Kind::Texts(|m, texts| m.labels = texts)),
    Key::optional(
        "series_max",
        Kind::Count(|m, count| m.series_max = usize::try_from(count).unwrap_or(usize::MAX)),
    ),
];

const ALERT: &[Key<Alert>] = &[
    Key::optional("name", Kind::Text(|a, text| a.name = Some(text))),
    Key::optional("summary", Kind::Text(|a, text| a.summary = Some(text))),
    Key::required(
        "severity",
        Kind::Word(&["info", "warning", "critical"], |a, word| {
            a.severity = severity(word);
        }),
    ),
    Key::required("for", Kind::Seconds(|a, seconds| a.for_seconds = seconds)),
    Key::required("expr", Kind::Text(|a, text| a.expr = text)),
    Key::required("runbook", Kind::Text(|a, text| a.runbook = text)),
];

const SCHEDULE: &[Key<Schedule>] = &[
    Key::required(
        "every",
        Kind::Seconds(|s, seconds| s.every_seconds = seconds),
    ),
    Key::optional("over", Kind::Seconds(|s, seconds| s.over_seconds = seconds)),
];

const TEST: &[Key<Test>] = &[
    Key::required("name", Kind::Text(|t, text| t.name = text)),
    Key::optional(
        "input",
        Kind::Text(|t, text| t.input = TestInput::Inline(text)),
    ),
    Key::optional(
        "events",
        Kind::Text(|t, text| t.input = TestInput::File(PathBuf::from(text))),
    ),
    Key::optional("at", Kind::Instant(|t, millis| t.at_millis = Some(millis))),
    Key::optional("reference", Kind::Tables(test_reference)),
    Key::required("rows", Kind::Tables(test_row)),
];

fn test_reference(walk: &mut Walk<'_>, test: &mut Test, entry: &Entry<'_>) {
    test.reference = Some(TestReference::read(walk, entry));
}

fn schedule(walk: &mut Walk<'_>, header: &mut Header, entry: &Entry<'_>) {
    let mut schedule = Schedule::default();
    walk.table(SCHEDULE, entry, &mut schedule);
    header.schedule = Some(schedule);
}

fn metric(walk: &mut Walk<'_>, header: &mut Header, entry: &Entry<'_>) {
    let mut metric = Metric::blank();
    walk.table(METRIC, entry, &mut metric);
    header.metrics.push(metric);
}

fn alert(walk: &mut Walk<'_>, header: &mut Header, entry: &Entry<'_>) {
    let mut alert = Alert::default();
    walk.table(ALERT, entry, &mut alert);
    header.alerts.push(alert);
}

fn test(walk: &mut Walk<'_>, header: &mut Header, entry: &Entry<'_>) {
    let mut test = Test::blank();
    walk.table(TEST, entry, &mut test);
    if entry.table.contains_key("input") == entry.table.contains_key("events") {
        walk.report(
            Some(Place::Line(entry.line)),
            "a test has either `input` or `events`",
            "write the events into `input`, or name a file below testdata in `events`",
        );
    }
    header.tests.push(test);
}

fn rollup(header: &mut Header) -> &mut Rollup {
    header.rollup.get_or_insert_default()
}

/// `failures = "sum"`: the columns are free, the words are not.
fn measures(walk: &mut Walk<'_>, header: &mut Header, entry: &Entry<'_>) {
    let mut measures = BTreeMap::new();
    for (name, value) in entry.table {
        let said = value.get_ref().as_str().and_then(merge);
        if said.is_none() {
            walk.report(
                Some(Place::Line(walk.line(&name.span()))),
                &format!(
                    "the measure `{}` does not say how it merges",
                    name.get_ref()
                ),
                "write \"sum\", \"min\" or \"max\"",
            );
        }
        // There is such a column in any case: what else names it is no mistake.
        measures.insert(name.get_ref().to_string(), said.unwrap_or(Merge::Sum));
    }
    rollup(header).measures = measures;
}

fn test_row(walk: &mut Walk<'_>, test: &mut Test, entry: &Entry<'_>) {
    let mut row = BTreeMap::new();
    let name = format!("rows[{}]", test.rows.len());
    test.places.record(&name, Place::Line(entry.line));
    for (column, value) in entry.table {
        let place = Place::Line(walk.line(&column.span()));
        let column = column.get_ref();
        test.places.record(&format!("{name}.{column}"), place);
        match test_value(value.get_ref()) {
            Ok(value) => {
                row.insert(column.to_string(), value);
            }
            Err(fix) => walk.report(
                Some(place),
                &format!("`{column}` is no value of a row"),
                fix,
            ),
        }
    }
    test.rows.push(row);
}

/// A value of a row, or how to write it.
fn test_value(value: &DeValue<'_>) -> Result<TestValue, &'static str> {
    match value {
        DeValue::String(text) => Ok(TestValue::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(TestValue::Integer)
            .map_err(|_| "write a number of at most 64 bits"),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map(TestValue::Float)
            .map_err(|_| "write a number"),
        DeValue::Boolean(boolean) => Ok(TestValue::Boolean(*boolean)),
        // Without an offset a time means another moment on every machine.
        DeValue::Datetime(time) => quantity::epoch_millis(time)
            .map(TestValue::Instant)
            .ok_or("write the time in UTC, such as 2024-05-01T12:00:00Z"),
        DeValue::Array(_) | DeValue::Table(_) => {
            Err("write text, a number, true, false or a time such as 2024-05-01T12:00:00Z")
        }
    }
}

// The walk has compared the words already, so these know each of them.

fn status(word: &str) -> Status {
    match word {
        "stable" => Status::Stable,
        "deprecated" => Status::Deprecated,
        _ => Status::Experimental,
    }
}

fn metric_kind(word: &str) -> MetricKind {
    match word {
        "gauge" => MetricKind::Gauge,
        _ => MetricKind::Counter,
    }
}

fn severity(word: &str) -> Severity {
    match word {
        "critical" => Severity::Critical,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    }
}

fn merge(word: &str) -> Option<Merge> {
    match word {
        "sum" => Some(Merge::Sum),
        "min" => Some(Merge::Min),
        "max" => Some(Merge::Max),
        _ => None,
    }
}
