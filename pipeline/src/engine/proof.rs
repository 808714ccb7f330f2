//! Runs the tests in a signal's header: the same loop for every signal.
//!
//! In: a planned signal and the folder of test data. Out: a finding for each test that does not
//! hold. Must hold: a test goes the whole pure path, decoder included, and is run twice: as one
//! batch, and record by record, merged (I7).

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat};

use super::plan::Planner;
use super::{Engine, Input, Planned, reference};
use crate::decode::cloudtrail::PodSessions;
use crate::decode::{
    Cancelled, DecodeError, Provenance, RejectedRecord, Sink, Table, cloudtrail, flow_logs,
};
use crate::finding::{Finding, Findings};
use crate::object::decompress;
use crate::signal::{Test, TestInput, TestValue};

/// A row as text by column: what is compared.
pub(super) type Row = BTreeMap<String, String>;

/// What the window of events makes of decoded rows: copies taken out, later halves of pairs marked.
pub type Admit = dyn Fn(Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> + Send + Sync;

/// Proves every test of a signal. A test that names no reference tables has those of the
/// default configuration: it says what the signal does, not what this configuration makes of it.
pub async fn prove(planned: &Planned, engine: &Engine, testdata: &Path, admit: &Admit) -> Findings {
    let mut findings = Findings::default();
    for test in &planned.signal.header.tests {
        if let Err(why) = run(planned, engine, test, testdata, admit).await {
            let what = format!("the test \"{}\" does not hold: {why}", test.name);
            let line = test.places.line("name");
            let fix = "correct the query, the events or the rows";
            findings.push(Finding::new(&planned.signal.file, line, what, fix));
        }
    }
    findings
}

async fn run(
    planned: &Planned,
    engine: &Engine,
    test: &Test,
    testdata: &Path,
    admit: &Admit,
) -> Result<(), String> {
    let tables = reference::of_test(test.reference.as_ref());
    let tables = tables.map_err(|error| error.to_string())?;
    let replanned;
    let planned = if engine.reference() == tables {
        planned
    } else {
        // The plan holds the tables' rows.
        let sessions = Planner::new(&tables, &Arc::default());
        let sessions = sessions.map_err(|error| error.to_string())?;
        let again = sessions.plan(planned.signal.clone()).await;
        replanned = again.map_err(|findings| findings.to_string())?;
        &replanned
    };
    let table = planned.source().unwrap_or(Table::Cloudtrail);
    let mut batches = decoded(table, &test.input, testdata)?;
    if table == Table::Cloudtrail {
        batches = admit(batches).map_err(|error| error.to_string())?;
    }
    let expected: Vec<Row> = test.rows.iter().map(expected_row).collect();
    let single = |batch: &RecordBatch| -> Vec<RecordBatch> {
        (0..batch.num_rows())
            .map(|row| batch.slice(row, 1))
            .collect()
    };
    let pieces: Vec<RecordBatch> = batches.iter().flat_map(single).collect();
    for (way, parts) in [
        ("as one batch", vec![batches]),
        ("record by record", each(pieces)),
    ] {
        let mut partial = Vec::new();
        for part in parts {
            partial.extend(
                planned
                    .evaluate(&Input::new(part))
                    .await
                    .map_err(|error| error.to_string())?,
            );
        }
        let merged = planned.merge(&partial);
        let merged = merged.map_err(|error| error.to_string())?;
        compare(&rows(&merged)?, &expected).map_err(|why| format!("{way}, {why}"))?;
    }
    Ok(())
}

fn each(batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    batches.into_iter().map(|batch| vec![batch]).collect()
}

pub(super) fn decoded(
    table: Table,
    input: &TestInput,
    testdata: &Path,
) -> Result<Vec<RecordBatch>, String> {
    let bytes = match input {
        TestInput::Inline(text) => text.clone().into_bytes(),
        TestInput::File(file) => {
            let path = testdata.join(file);
            std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    let mut inflated = Vec::new();
    decompress::inflated(bytes.as_slice(), crate::limits::OBJECT_INFLATED_BYTES_MAX)
        .read_to_end(&mut inflated)
        .map_err(|error| error.to_string())?;
    let provenance = Provenance {
        bucket: "test",
        key: "test",
    };
    let mut collected = Collected {
        table,
        batches: Vec::new(),
        rejected: Vec::new(),
    };
    let networks = flow_logs::OwnNetworks::default();
    let outcome = match table {
        Table::Cloudtrail => {
            cloudtrail::decode(inflated.as_slice(), provenance, &mut collected).map(drop)
        }
        Table::FlowLogs | Table::TransitGatewayFlowLogs => {
            flow_logs::decode_text(inflated.as_slice(), provenance, &networks, &mut collected)
        }
    };
    outcome.map_err(|error| {
        let why = match error {
            DecodeError::Malformed(malformed) => malformed.as_str().to_owned(),
            DecodeError::Read(error) => error.to_string(),
            DecodeError::Cancelled => String::from("cancelled"),
        };
        format!("its events cannot be decoded: {why}")
    })?;
    if let Some(rejected) = collected.rejected.first() {
        let reason = rejected.reason.as_str();
        return Err(format!(
            "record {} of its events is rejected: {reason}",
            rejected.position
        ));
    }
    if table != Table::Cloudtrail {
        return Ok(collected.batches);
    }
    let named = PodSessions::default().name(collected.batches);
    named.map_err(|error| error.to_string())
}

/// Collects the batches of one table.
struct Collected {
    table: Table,
    batches: Vec<RecordBatch>,
    rejected: Vec<RejectedRecord>,
}

impl Sink for Collected {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        if table == self.table {
            self.batches.push(batch);
        }
        Ok(())
    }

    fn reject(&mut self, _table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        self.rejected.push(rejected);
        Ok(())
    }
}

/// The rows of a result as text; times as a header has them, nulls left out.
pub(super) fn rows(batches: &[RecordBatch]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let mut texts = Vec::new();
        for column in batch.columns() {
            let plain = match column.data_type() {
                DataType::Timestamp(..) => instants(column),
                _ => Ok(Arc::clone(column)),
            };
            texts.push(plain.map_err(|error| error.to_string())?);
        }
        let options = FormatOptions::default();
        for row in 0..batch.num_rows() {
            let mut cells = Row::new();
            for (field, column) in schema.fields().iter().zip(&texts) {
                if column.is_valid(row) {
                    let cell = ArrayFormatter::try_new(column, &options);
                    let cell = cell
                        .map_err(|error| error.to_string())?
                        .value(row)
                        .to_string();
                    cells.insert(field.name().clone(), cell);
                }
            }
            rows.push(cells);
        }
    }
    Ok(rows)
}

/// Times as text.
fn instants(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let times = cast(column, &utc)?;
    let times = times.as_primitive::<TimestampMillisecondType>().iter();
    let texts: StringArray = times.map(|time| time.map(instant)).collect();
    Ok(Arc::new(texts))
}

/// As it is written in a header.
fn instant(millis: i64) -> String {
    match DateTime::from_timestamp_millis(millis) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{millis} ms"),
    }
}

pub(super) fn expected_row(row: &BTreeMap<String, TestValue>) -> Row {
    row.iter()
        .map(|(column, value)| {
            let text = match value {
                TestValue::Text(text) => text.clone(),
                TestValue::Integer(number) => number.to_string(),
                TestValue::Instant(millis) => instant(*millis),
                TestValue::Float(number) => number.to_string(),
                TestValue::Boolean(flag) => flag.to_string(),
            };
            (column.clone(), text)
        })
        .collect()
}

/// The same text, or the same number: `3` and `3.0`.
fn same(got: &str, expected: &str) -> bool {
    got == expected
        || matches!(
            (got.parse::<f64>(), expected.parse::<f64>()),
            (Ok(got), Ok(expected)) if got.total_cmp(&expected).is_eq()
        )
}

/// Every expected row must match one row in the columns it names, and no row may be left over.
pub(super) fn compare(got: &[Row], expected: &[Row]) -> Result<(), String> {
    let mut left: Vec<&Row> = got.iter().collect();
    for row in expected {
        let matches = |got: &&Row| {
            row.iter()
                .all(|(column, value)| got.get(column).is_some_and(|got| same(got, value)))
        };
        match left.iter().position(matches) {
            Some(index) => drop(left.swap_remove(index)),
            None => return Err(format!("no row has {row:?}; there are {got:?}")),
        }
    }
    match left.first() {
        None => Ok(()),
        Some(row) => Err(format!("there is a row more than expected: {row:?}")),
    }
}
