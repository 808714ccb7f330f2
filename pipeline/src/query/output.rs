//! Rows in the format that was asked for, written as they come.
//!
//! Must hold: the header row, or an empty table, is written also when there are no rows; JSON is
//! one object a line; memory does not grow with the rows, but for a table, whose columns are as wide
//! as their widest value: that one has a limit. What logs say cannot command a terminal.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::{Array as _, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::LineDelimited;
use arrow::json::{Writer as JsonWriter, WriterBuilder as JsonBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;

use super::any_type;
use crate::limits::QUERY_TABLE_BYTES_MAX;

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

/// Takes the rows of one answer.
#[derive(Debug)]
pub struct Output<W: Write + Send> {
    schema: SchemaRef,
    form: Form<BufWriter<W>>,
}

#[derive(Debug)]
enum Form<W: Write + Send> {
    Table(Table, W),
    Csv(arrow::csv::Writer<W>),
    Json(JsonWriter<W, LineDelimited>),
    Parquet(ArrowWriter<W>),
}

/// Rows as texts.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<RecordBatch>,
    bytes: usize,
}

impl<W: Write + Send> Output<W> {
    /// Begins an answer of rows of this schema.
    pub fn begin(format: Format, schema: SchemaRef, to: W) -> anyhow::Result<Self> {
        let schema = any_type::written(schema);
        if matches!(format, Format::Json | Format::Parquet) {
            named_apart(&schema)?;
        }
        let to = BufWriter::new(to);
        let form = match format {
            Format::Table => Form::Table(Table::default(), to),
            Format::Csv => {
                let mut writer = WriterBuilder::new().with_header(true).build(to);
                writer.write(&flat(&RecordBatch::new_empty(Arc::clone(&schema)))?)?;
                Form::Csv(writer)
            }
            // A null is an answer too, and columns should not come and go.
            Format::Json => Form::Json(JsonBuilder::new().with_explicit_nulls(true).build(to)),
            Format::Parquet => Form::Parquet(ArrowWriter::try_new(to, Arc::clone(&schema), None)?),
        };
        Ok(Self { schema, form })
    }

    /// Takes rows.
    pub fn write(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        let rows = &any_type::as_json(rows, &self.schema)?;
        match &mut self.form {
            Form::Table(table, _) => table.take(rows)?,
            Form::Csv(writer) => writer.write(&flat(rows)?)?,
            Form::Json(writer) => writer.write(rows)?,
            Form::Parquet(writer) => writer.write(rows)?,
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn end(self) -> anyhow::Result<()> {
        match self.form {
            Form::Table(mut table, mut to) => {
                if table.rows.is_empty() {
                    table.take(&RecordBatch::new_empty(self.schema))?;
                }
                let count: usize = table.rows.iter().map(RecordBatch::num_rows).sum();
                writeln!(to, "{}", pretty_format_batches(&table.rows)?)?;
                writeln!(to, "{count} {}", if count == 1 { "row" } else { "rows" })?;
                to.flush()?;
            }
            Form::Csv(writer) => writer.into_inner().flush()?,
            Form::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner().flush()?;
            }
            Form::Parquet(writer) => writer.into_inner()?.flush()?,
        }
        Ok(())
    }
}

impl Table {
    fn take(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        let rows = visible(rows)?;
        self.bytes += rows.get_array_memory_size();
        if self.bytes > QUERY_TABLE_BYTES_MAX {
            anyhow::bail!(
                "the answer has more than {} MiB, too much for a table. Add a LIMIT, or ask with --format csv, json or parquet, which are written as the rows come",
                QUERY_TABLE_BYTES_MAX / 1024 / 1024
            );
        }
        self.rows.push(rows);
        Ok(())
    }
}

/// Most readers of JSON keep the last of two members of one name, and those of Parquet refuse them.
fn named_apart(schema: &Schema) -> anyhow::Result<()> {
    let mut names = HashSet::new();
    if let Some(twice) = schema
        .fields()
        .iter()
        .find(|field| !names.insert(field.name()))
    {
        anyhow::bail!(
            "two columns of the answer are named {}: give one another name with AS, or ask with --format csv",
            twice.name()
        );
    }
    Ok(())
}

/// Writes rows that are there already.
pub fn write(
    format: Format,
    schema: SchemaRef,
    rows: &[RecordBatch],
    to: impl Write + Send,
) -> anyhow::Result<()> {
    let mut output = Output::begin(format, schema, to)?;
    for batch in rows {
        output.write(batch)?;
    }
    output.end()
}

/// The rows with lists and maps as text, because CSV has no others.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    as_text(batch, |field| field.data_type().is_nested(), |text| text)
}

/// The rows as texts in which no character moves or colours what a terminal shows. Plans keep their lines.
fn visible(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let is_plan = schema
        .fields()
        .first()
        .is_some_and(|field| field.name() == "plan_type");
    let shown = |text: String| harmless(text, is_plan);
    as_text(batch, |_| true, shown)
}

/// A text in which no character moves or colours what a terminal shows; its lines are kept, or not.
pub(super) fn harmless(text: String, keeps_lines: bool) -> String {
    if !text.contains(|one| commands(one, keeps_lines)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        if commands(one, keeps_lines) {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    shown
}

/// Whether a terminal does something else with a character than to show it: controls, and those that
/// turn the direction of writing.
fn commands(one: char, keeps_lines: bool) -> bool {
    let turns = matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (one.is_control() || turns) && !(keeps_lines && one == '\n')
}

/// The rows, some of their columns as texts.
fn as_text(
    batch: &RecordBatch,
    is_wanted: impl Fn(&Field) -> bool,
    shown: impl Fn(String) -> String,
) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !is_wanted(field) {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let texts = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let texts = (0..column.len()).map(|row| {
            let is_there = column.is_valid(row);
            is_there.then(|| shown(texts.value(row).to_string()))
        });
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(texts.collect::<StringArray>()));
    }
    let rows =
        arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, texts: &[&str]) -> anyhow::Result<String> {
        let texts: arrow::array::ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let rows = RecordBatch::try_from_iter([("agent", texts)])?;
        let mut bytes = Vec::new();
        write(format, rows.schema(), &[rows], &mut bytes)?;
        Ok(String::from_utf8(bytes)?)
    }

    #[test]
    fn what_a_log_says_commands_no_terminal_and_stays_as_it_is_for_programs() {
        let said = "\u{1b}[2Jhi\u{7}\n| forged\u{202e}é";
        let table = written(Format::Table, &[said]).unwrap();
        assert!(
            table.contains(r"| \u{1b}[2Jhi\u{7}\n| forged\u{202e}é |"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 6, "{table}");
        let csv = written(Format::Csv, &[said]).unwrap();
        assert_eq!(csv, format!("agent\n\"{said}\"\n"));
    }

    #[test]
    fn a_table_has_a_limit_and_other_formats_have_none() {
        let long = "x".repeat(QUERY_TABLE_BYTES_MAX / 2);
        let error = written(Format::Table, &[&long, &long]).unwrap_err();
        assert!(error.to_string().contains("--format csv"), "{error}");
        let csv = written(Format::Csv, &[&long, &long]).unwrap();
        assert_eq!(csv.len(), "agent\n".len() + 2 * (long.len() + 1));
    }
}
