//! Merging partial rows: in memory, and as the query that a view is. Both are made from the header,
//! never written by hand.
//!
//! In: rows of a signal's query, or rows that were merged before. Out: one row a grain. Must hold:
//! merging is associative and commutative (sum, min, max), so that it does not matter
//! how rows were cut into batches, files and workers (I7).

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use trailflow_grouping::{Function, Grouping, Key, Measure};

use crate::limits::MERGED_PERCENT_MAX;
use crate::signal::{Merge, Rollup};

const WINDOW: &str = "window_start";
const MILLISECONDS: &str = "Timestamp(Millisecond, Some(\"UTC\"))";

/// Merges partial rows of one signal.
#[derive(Debug)]
pub(super) struct Merging {
    /// Grain, then measures.
    schema: SchemaRef,
    grain_len: usize,
    functions: Vec<Function>,
    /// The last merge of many rows left nearly as many.
    gains_little: AtomicBool,
}

impl Merging {
    /// Of rows with the columns that the signal's query gives.
    pub(super) fn new(rollup: &Rollup, partial: &Schema) -> Result<Self, ArrowError> {
        let mut fields = Vec::new();
        let mut functions = Vec::new();
        for column in &rollup.grain {
            let kind = grain_kind(column, partial.field_with_name(column)?.data_type());
            if !Grouping::takes(&kind) {
                let what = format!("{column} is {kind}, which rows cannot be grouped by");
                return Err(ArrowError::SchemaError(what));
            }
            fields.push(Field::new(column, kind, true));
        }
        for (column, merge) in &rollup.measures {
            let function = match merge {
                Merge::Sum => Function::Sum,
                Merge::Min => Function::Min,
                Merge::Max => Function::Max,
            };
            let kind = measure_kind(function, partial.field_with_name(column)?.data_type());
            if !Measure::takes(function, &kind) {
                let what = format!("{column} is {kind}, which cannot be merged");
                return Err(ArrowError::SchemaError(what));
            }
            fields.push(Field::new(column, kind, true));
            functions.push(function);
        }
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            grain_len: rollup.grain.len(),
            functions,
            gains_little: AtomicBool::new(false),
        })
    }

    /// The columns of the merged rows.
    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether merging makes rows fewer, as far as is known: each minute has its own grains, and where
    /// each of them is seen by one batch only, grouping them again is work for nothing.
    pub(super) fn pays(&self) -> bool {
        !self.gains_little.load(Ordering::Relaxed)
    }

    /// What a merge of many rows made of them.
    pub(super) fn learn(&self, rows: usize, merged: usize) {
        let little = merged.saturating_mul(100) > rows.saturating_mul(MERGED_PERCENT_MAX);
        self.gains_little.store(little, Ordering::Relaxed);
    }

    /// The rows as merged ones are, but not merged.
    pub(super) fn aligned(&self, partial: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        let aligned = partial
            .iter()
            .map(|rows| RecordBatch::try_new(self.schema(), self.columns(rows)?));
        aligned.collect()
    }

    /// One row a grain.
    pub(super) fn run(&self, partial: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        let kinds: Vec<DataType> = self.kinds().cloned().collect();
        let (grain, measures) = kinds
            .split_at_checked(self.grain_len)
            .unwrap_or((&kinds, &[]));
        let mut grouping = Grouping::new(grain)?;
        let pairs = self.functions.iter().zip(measures);
        let mut measures: Vec<Measure> = pairs
            .map(|(function, kind)| Measure::new(*function, kind))
            .collect::<Result<_, _>>()?;
        let mut groups = Vec::new();
        for rows in partial.iter().filter(|rows| rows.num_rows() > 0) {
            let columns = self.columns(rows)?;
            let (grain, values) = columns
                .split_at_checked(self.grain_len)
                .unwrap_or((&columns, &[]));
            let grain: Vec<Key> = grain.iter().cloned().map(Key::Each).collect();
            grouping.assign(&grain, &mut groups)?;
            for (measure, values) in measures.iter_mut().zip(values) {
                measure.add(&groups, grouping.len(), Some(values), None)?;
            }
        }
        if grouping.is_empty() {
            return Ok(Vec::new());
        }
        let mut columns = grouping.finish()?;
        for measure in &measures {
            columns.push(measure.finish()?);
        }
        Ok(vec![RecordBatch::try_new(self.schema(), columns)?])
    }

    fn kinds(&self) -> impl Iterator<Item = &DataType> {
        self.schema.fields().iter().map(|field| field.data_type())
    }

    /// The columns in our order and types, whoever made the rows.
    fn columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let columns = self.schema.fields().iter().map(|field| {
            let column = rows.column_by_name(field.name()).ok_or_else(|| {
                ArrowError::SchemaError(format!("no column {} in partial rows", field.name()))
            })?;
            if column.data_type() == field.data_type() {
                return Ok(Arc::clone(column));
            }
            cast(column, field.data_type())
        });
        columns.collect()
    }
}

/// Stored as any reader takes it: times in milliseconds, texts as plain text.
fn grain_kind(column: &str, kind: &DataType) -> DataType {
    match kind {
        _ if column == WINDOW => DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC"))),
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) => DataType::Utf8,
        other => other.clone(),
    }
}

/// Sums widen, as in SQL.
fn measure_kind(function: Function, kind: &DataType) -> DataType {
    match kind {
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        kind if function != Function::Sum => kind.clone(),
        kind if kind.is_signed_integer() => DataType::Int64,
        kind if kind.is_unsigned_integer() => DataType::UInt64,
        other => other.clone(),
    }
}

/// `SELECT grain…, sum(measure)… FROM table WHERE condition GROUP BY grain…`, columns in the
/// header's order.
pub(super) fn sql(rollup: &Rollup, table: &str, condition: Option<&str>) -> String {
    let mut sql = String::from("SELECT ");
    for column in &rollup.grain {
        let name = quoted(column);
        if column == WINDOW {
            // `date_bin` widens to nanoseconds, which many readers of Parquet do not take.
            push(
                &mut sql,
                format_args!("arrow_cast({name}, '{MILLISECONDS}') AS {name}, "),
            );
        } else {
            push(&mut sql, format_args!("{name}, "));
        }
    }
    let measures = rollup.measures.iter().map(|(column, merge)| {
        let function = match merge {
            Merge::Sum => "sum",
            Merge::Min => "min",
            Merge::Max => "max",
        };
        format!("{function}({name}) AS {name}", name = quoted(column))
    });
    sql.push_str(&measures.collect::<Vec<_>>().join(", "));
    push(&mut sql, format_args!(" FROM {table}"));
    if let Some(condition) = condition {
        push(&mut sql, format_args!(" WHERE {condition}"));
    }
    sql.push_str(" GROUP BY ");
    sql.push_str(
        &rollup
            .grain
            .iter()
            .map(|column| quoted(column))
            .collect::<Vec<_>>()
            .join(", "),
    );
    sql
}

/// A name, in the quotes of standard SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn push(sql: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _written = sql.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_header_is_in_the_query() {
        let rollup = Rollup {
            window_seconds: 300,
            grain: vec!["window_start".into(), "role_arn".into()],
            measures: [
                ("calls".to_owned(), Merge::Sum),
                ("last".to_owned(), Merge::Max),
            ]
            .into(),
        };
        assert_eq!(
            sql(&rollup, "partial", None),
            "SELECT arrow_cast(\"window_start\", 'Timestamp(Millisecond, Some(\"UTC\"))') AS \
             \"window_start\", \"role_arn\", sum(\"calls\") AS \"calls\", max(\"last\") AS \
             \"last\" FROM partial GROUP BY \"window_start\", \"role_arn\""
        );
    }
}
