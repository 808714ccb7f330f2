//! What the demo found next to what it planted.
//!
//! In: the [`Truth`] and the lake's own views. Out: a table for people, one line a measure, and
//! whether all is equal. Must hold: planted numbers come from the generator, found ones from SQL
//! over the lake; nothing is compared with itself. Which signals there are and what their labels
//! are is asked of the signals, so that one that nothing was planted for is seen.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::DataFusionError;

use super::truth::{Counts, Truth};
use crate::engine::Engine;
use crate::lake::Lake;
use crate::limits::SCHEDULE_BYTES_MAX;
use crate::query::LakeSession;
use crate::query::rollups::Rollups;
use crate::signal::{Header, Merge};

/// Planted and found counts of one measure of one signal.
#[derive(Debug)]
pub struct Comparison {
    title: String,
    planted: Counts,
    found: Counts,
}

/// What is asked of the lake: the measures of one signal by the same labels.
struct Question {
    signal: String,
    measures: Vec<String>,
    sql: String,
}

/// Labels of no number that is known beforehand: of a cross-account pair the copy that is read
/// first is counted, and says who called.
const UNKNOWN_LABELS: [(&str, &str); 1] = [("sts_assume_role", "principal_kind")];

/// Columns of the signals whose rows are no series, in place of labels.
const SERIES_OF_NONE: [(&str, &[&str]); 1] = [(
    "health_check_minutes",
    &["account_id", "interface_id", "dstport"],
)];

const ROWS: &str = "SELECT 'cloudtrail', count(*) FROM cloudtrail \
    UNION ALL SELECT 'flow_logs', count(*) FROM flow_logs";

/// Asks the lake for everything that was planted.
pub async fn compare(
    truth: &Truth,
    lake: &Lake,
    engine: &Engine,
    memory_bytes_max: usize,
) -> Result<Vec<Comparison>, DataFusionError> {
    let session = LakeSession::open(lake, engine, memory_bytes_max).await?;
    let rows = [
        (
            String::from("cloudtrail"),
            truth.cloudtrail_events + truth.insight_records,
        ),
        (String::from("flow_logs"), truth.flow_rows),
    ];
    let mut compared = vec![Comparison {
        title: String::from("rows in the lake"),
        planted: rows.into(),
        found: counts(&session.rows(ROWS).await?.1, 1)?,
    }];
    for planned in engine.signals() {
        for question in questions(&planned.signal.header) {
            let (_, batches) = session.rows(&question.sql).await?;
            for (at, measure) in question.measures.iter().enumerate() {
                compared.push(Comparison {
                    planted: truth.of(&question.signal, measure),
                    found: counts(&batches, 1 + at)?,
                    title: format!("{} {measure}", question.signal),
                });
            }
        }
    }
    compared.extend(compare_scheduled(truth, lake, engine).await?);
    Ok(compared)
}

/// Runs the signals over rollups, as if it were the last moment of the load.
async fn compare_scheduled(
    truth: &Truth,
    lake: &Lake,
    engine: &Engine,
) -> Result<Vec<Comparison>, DataFusionError> {
    let rollups = Rollups::new(SCHEDULE_BYTES_MAX);
    let mut compared = Vec::new();
    for scheduled in engine.scheduled() {
        let batches = rollups.rows(scheduled, lake, engine, truth.last_moment);
        let batches = batches.await?;
        let name = scheduled.name();
        for metric in &scheduled.signal.header.metrics {
            let columns: Vec<_> = metric.labels.iter().chain([&metric.value]).collect();
            let mut found = Counts::new();
            for batch in &batches {
                add_series(&mut found, batch, &columns)?;
            }
            compared.push(Comparison {
                planted: truth.of(name, &metric.value),
                found,
                title: format!("{name} {}", metric.value),
            });
        }
    }
    Ok(compared)
}

/// Reads labels and, last, a value.
fn add_series(
    found: &mut Counts,
    batch: &RecordBatch,
    columns: &[&String],
) -> Result<(), DataFusionError> {
    let mut texts = Vec::new();
    for column in columns {
        let column = batch.column(batch.schema().index_of(column)?);
        texts.push(cast(column, &DataType::Utf8)?);
    }
    for row in 0..batch.num_rows() {
        let mut values: Vec<&str> = texts
            .iter()
            .map(|column| column.as_string::<i32>().value(row))
            .collect();
        let value = values.pop().and_then(|value| value.parse().ok());
        found.insert(values.join(" "), value.unwrap_or_default());
    }
    Ok(())
}

/// The measures that metrics show, by their labels.
fn questions(header: &Header) -> Vec<Question> {
    let Some(rollup) = &header.rollup else {
        return Vec::new();
    };
    let name = header.name.as_str();
    let mut asked: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for metric in &header.metrics {
        let labels = metric.labels.iter().map(String::as_str);
        let labels: Vec<_> = labels
            .filter(|label| !UNKNOWN_LABELS.contains(&(name, *label)))
            .collect();
        match asked.iter_mut().find(|(same, _)| *same == labels) {
            Some((_, measures)) => measures.push(&metric.value),
            None => asked.push((labels, vec![&metric.value])),
        }
    }
    if let Some((_, columns)) = SERIES_OF_NONE.iter().find(|(signal, _)| *signal == name) {
        let measures = rollup.measures.keys().map(String::as_str);
        asked.push((columns.to_vec(), measures.collect()));
    }
    let questions = asked.into_iter().map(|(labels, measures)| {
        let texts = labels
            .iter()
            .map(|label| format!("CAST({label} AS VARCHAR)"));
        let sums = measures.iter().map(|measure| {
            let merge = match rollup.measures.get(*measure) {
                Some(Merge::Min) => "min",
                Some(Merge::Max) => "max",
                Some(Merge::Sum) | None => "sum",
            };
            format!("{merge}({measure})")
        });
        let (texts, sums): (Vec<_>, Vec<_>) = (texts.collect(), sums.collect());
        let (texts, sums) = (texts.join(", "), sums.join(", "));
        Question {
            signal: name.to_owned(),
            sql: format!("SELECT concat_ws(' ', {texts}), {sums} FROM {name} GROUP BY 1"),
            measures: measures.into_iter().map(str::to_owned).collect(),
        }
    });
    questions.collect()
}

/// Reads a text and the number in column `of`.
fn counts(batches: &[RecordBatch], of: usize) -> Result<Counts, DataFusionError> {
    let mut counts = Counts::new();
    for batch in batches {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let values = cast(batch.column(of), &DataType::Int64)?;
        let values = values.as_primitive::<Int64Type>();
        for (row, name) in names.as_string::<i32>().iter().enumerate() {
            let value = if values.is_null(row) {
                0
            } else {
                values.value(row)
            };
            let value = u64::try_from(value).unwrap_or_default();
            counts.insert(name.unwrap_or_default().to_owned(), value);
        }
    }
    Ok(counts)
}

impl Comparison {
    /// Something was planted, and found is what was planted, no more and no less.
    pub fn holds(&self) -> bool {
        !self.planted.is_empty() && self.differing().is_empty()
    }

    /// The series whose numbers differ. A sum of 0 and no row at all are the same finding.
    fn differing(&self) -> Vec<(&str, u64, u64)> {
        let planted = &self.planted;
        let names: BTreeSet<&String> = planted.keys().chain(self.found.keys()).collect();
        let get = |counts: &Counts, name| counts.get(name).copied().unwrap_or_default();
        names
            .into_iter()
            .map(|name| (name.as_str(), get(planted, name), get(&self.found, name)))
            .filter(|(_, planted, found)| planted != found)
            .collect()
    }

    /// The comparison as text: one line, and one more for each series that differs.
    pub fn text(&self) -> String {
        // The youngest of all is no sum.
        let is_time = ["newest", "last_use_seconds"]
            .iter()
            .any(|time| self.title.ends_with(time));
        let total = |counts: &Counts| -> u64 {
            if is_time {
                counts.values().copied().max().unwrap_or_default()
            } else {
                counts.values().sum()
            }
        };
        let mark = if self.holds() { ' ' } else { '!' };
        let (planted, found) = (total(&self.planted), total(&self.found));
        let series = self.planted.len();
        let title = &self.title;
        let mut text = format!("{mark} {title:<38} {series:>6} {planted:>12} {found:>12}");
        for (name, planted, found) in self.differing() {
            // Writing to a String does not fail.
            let _written = write!(text, "\n! {name:<45} {planted:>12} {found:>12}");
        }
        text
    }
}

/// The line above the comparisons.
pub fn heading() -> String {
    format!(
        "  {:<38} {:>6} {:>12} {:>12}",
        "signal and measure", "series", "planted", "found"
    )
}
