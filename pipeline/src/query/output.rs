//! Rows in the format that was asked for.
//!
//! Must hold: the header row, or an empty table, is written also when there are no rows; JSON is
//! one object a line.

use std::io::Write;

use std::sync::Arc;

use arrow::array::{Array as _, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::LineDelimited;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A table for people.
    #[default]
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Json,
    /// A Parquet file.
    Parquet,
}

/// The rows with lists and maps as text, because CSV has no others.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !field.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let texts = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let texts =
            (0..column.len()).map(|row| column.is_valid(row).then(|| texts.value(row).to_string()));
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(texts.collect::<StringArray>()));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Writes rows.
pub fn write(
    format: Format,
    schema: SchemaRef,
    rows: &[RecordBatch],
    mut to: impl Write + Send,
) -> anyhow::Result<()> {
    match format {
        Format::Table => {
            let empty = [RecordBatch::new_empty(schema)];
            let shown = if rows.is_empty() { &empty } else { rows };
            let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
            writeln!(to, "{}", pretty_format_batches(shown)?)?;
            writeln!(to, "{count} {}", if count == 1 { "row" } else { "rows" })?;
        }
        Format::Csv => {
            let mut writer = WriterBuilder::new().with_header(true).build(&mut to);
            if rows.is_empty() {
                writer.write(&flat(&RecordBatch::new_empty(schema))?)?;
            }
            for batch in rows {
                writer.write(&flat(batch)?)?;
            }
        }
        Format::Json => {
            // A null is an answer too, and columns should not come and go.
            let nulls = JsonBuilder::new().with_explicit_nulls(true);
            let mut writer = nulls.build::<_, LineDelimited>(&mut to);
            for batch in rows {
                writer.write(batch)?;
            }
            writer.finish()?;
        }
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(&mut to, schema, None)?;
            for batch in rows {
                writer.write(batch)?;
            }
            writer.close()?;
        }
    }
    to.flush()?;
    Ok(())
}
