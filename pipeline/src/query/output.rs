//! Rows in the format that was asked for.
//!
//! Must hold: the header row, or an empty table, is written also when there are no rows; JSON is
//! one object a line.

use std::io::Write;

use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
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
                writer.write(&RecordBatch::new_empty(schema))?;
            }
            for batch in rows {
                writer.write(batch)?;
            }
        }
        Format::Json => {
            let mut writer = LineDelimitedWriter::new(&mut to);
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
