//! Runs the tests of a signal over rollups: rows of views, and the moment of the run.
//!
//! In: JSON lines, each a row under the name of its view, `{"view": "ecr_pulls", …}`. Out: a
//! finding for each test that does not hold. Must hold: the query sees what a run would: windows
//! that begin before `over` are not there.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::proof::{Row, compare, expected_row, rows};
use super::scheduled::{Scheduled, session, views};
use super::{Engine, reference};
use crate::finding::{Finding, Findings};
use crate::signal::{Test, TestInput};

/// Proves every test of a signal over rollups.
pub async fn prove(scheduled: &Scheduled, engine: &Engine, testdata: &Path) -> Findings {
    let mut findings = Findings::default();
    for test in &scheduled.signal.header.tests {
        if let Err(why) = run(scheduled, engine, test, testdata).await {
            let what = format!("the test \"{}\" does not hold: {why}", test.name);
            let line = test.places.line("name");
            let fix = "correct the query, the input or the rows";
            findings.push(Finding::new(&scheduled.signal.file, line, what, fix));
        }
    }
    findings
}

async fn run(
    scheduled: &Scheduled,
    engine: &Engine,
    test: &Test,
    testdata: &Path,
) -> Result<(), String> {
    let lines = match &test.input {
        TestInput::Inline(inline) => inline.clone(),
        TestInput::File(file) => {
            let path = testdata.join(file);
            std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    let at = test
        .at_millis
        .and_then(DateTime::from_timestamp_millis)
        .ok_or("it does not say when the run is")?;
    let since = at - Duration::from_secs(scheduled.schedule().over_seconds);
    let mut by_view = by_view(&lines)?;
    let text_of = |error: datafusion::error::DataFusionError| error.to_string();
    let tables = reference::of_test(test.reference.as_ref());
    let tables = tables.map_err(|error| error.to_string())?;
    let session = session(&tables, at, &Arc::new(RuntimeEnv::default())).map_err(text_of)?;
    for (name, schema) in views(engine) {
        let batches = match by_view.remove(name) {
            Some(lines) => {
                batches(&lines, &schema, since).map_err(|why| format!("{name}: {why}"))?
            }
            None => Vec::new(),
        };
        // As in a run.
        if !scheduled.may_name(name) {
            continue;
        }
        let view = MemTable::try_new(schema, vec![batches]).map_err(text_of)?;
        session
            .register_table(name, Arc::new(view))
            .map_err(text_of)?;
    }
    if let Some(unknown) = by_view.keys().next() {
        return Err(format!("there is no view {unknown}"));
    }
    let got = rows(&scheduled.run(&session).await.map_err(text_of)?)?;
    let expected: Vec<Row> = test.rows.iter().map(expected_row).collect();
    compare(&got, &expected)
}

/// The lines of each view, without its name.
fn by_view(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut by_view: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
        let serde_json::Value::Object(mut row) = row else {
            return Err(format!("a row is an object, and this is not: {line}"));
        };
        let Some(serde_json::Value::String(view)) = row.remove("view") else {
            return Err(format!(
                "a row names its \"view\", and this does not: {line}"
            ));
        };
        let lines = by_view.entry(view).or_default();
        lines.push_str(&serde_json::Value::Object(row).to_string());
        lines.push('\n');
    }
    Ok(by_view)
}

/// The rows of the windows that begin at this time or later.
fn batches(
    lines: &str,
    schema: &SchemaRef,
    since: DateTime<Utc>,
) -> Result<Vec<RecordBatch>, String> {
    let reader = ReaderBuilder::new(Arc::clone(schema)).with_strict_mode(true);
    let reader = reader.build(Cursor::new(lines.as_bytes()));
    let seen = |rows: Result<RecordBatch, ArrowError>| {
        let rows = rows?;
        let starts = rows.column_by_name("window_start");
        let starts =
            starts.and_then(|starts| starts.as_primitive_opt::<TimestampMillisecondType>());
        let starts = starts.ok_or_else(|| ArrowError::SchemaError("no window_start".into()))?;
        let is_seen = BooleanArray::from_unary(starts, |start| start >= since.timestamp_millis());
        filter_record_batch(&rows, &is_seen)
    };
    let rows = reader.and_then(|reader| reader.map(seen).collect());
    rows.map_err(|error| error.to_string())
}
