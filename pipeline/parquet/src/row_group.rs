//! The row group at hand: a chunk for each column.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::chunk::Chunk;
use crate::precedent::Precedents;

pub(crate) struct RowGroup {
    columns: Vec<Column>,
    rows: usize,
}

/// One field of the schema.
enum Column {
    /// A plain column of a common type.
    Chunk(Box<Chunk>),
    /// Any other, by the library: a writer for each of its leaves.
    Leaves(FieldRef, Vec<ArrowColumnWriter>),
}

impl RowGroup {
    /// A row group of the file.
    pub(crate) fn new<W: Write + Send>(
        file: &SerializedFileWriter<W>,
        schema: &SchemaRef,
        precedents: &Precedents,
    ) -> Result<Self, ParquetError> {
        let described = file.schema_descr();
        let mut leaf = 0;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (place, field) in schema.fields().iter().enumerate() {
            let is_plain = !field.data_type().is_nested();
            let chunk = described
                .columns()
                .get(leaf)
                .filter(|_| is_plain)
                .and_then(|column| {
                    let asked = file.properties().statistics_enabled(column.path());
                    let followed = precedents.follow(place);
                    Chunk::of(field.data_type(), Arc::clone(column), asked, followed)
                });
            let column = match chunk {
                Some(chunk) => Column::Chunk(Box::new(chunk)),
                None => Column::Leaves(Arc::clone(field), leaves(field, file)?),
            };
            leaf += match &column {
                Column::Chunk(_) => 1,
                Column::Leaves(_, leaves) => leaves.len(),
            };
            columns.push(column);
        }
        Ok(Self { columns, rows: 0 })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = self.columns.iter().map(|column| match column {
            Column::Chunk(chunk) => chunk.bytes(),
            Column::Leaves(_, leaves) => leaves
                .iter()
                .map(ArrowColumnWriter::get_estimated_total_bytes)
                .sum(),
        });
        bytes.sum()
    }

    /// Takes rows of the schema.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.rows += batch.num_rows();
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            match column {
                Column::Chunk(chunk) => chunk.write(array)?,
                Column::Leaves(field, writers) => {
                    for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field, array)?) {
                        writer.write(&leaf)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts the row group into the file.
    pub(crate) fn close(
        self,
        file: &mut SerializedFileWriter<Vec<u8>>,
        precedents: &Precedents,
    ) -> Result<(), ParquetError> {
        let mut closed = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.into_iter().enumerate() {
            closed.push(match column {
                Column::Chunk(chunk) => {
                    let (bytes, told, lesson) = chunk.close()?;
                    precedents.learn(place, lesson);
                    Closed::Chunk(bytes, Box::new(told))
                }
                Column::Leaves(_, writers) => Closed::Leaves(writers),
            });
        }
        // Not to be copied again and again while it grows.
        file.inner_mut()
            .reserve(closed.iter().map(Closed::bytes).sum());
        let mut row_group = file.next_row_group()?;
        for column in closed {
            match column {
                Closed::Chunk(bytes, told) => row_group.append_column(&bytes, *told)?,
                Closed::Leaves(writers) => {
                    for writer in writers {
                        writer.close()?.append_to_row_group(&mut row_group)?;
                    }
                }
            }
        }
        row_group.close()?;
        Ok(())
    }
}

/// A column that takes no more rows.
enum Closed {
    Chunk(Bytes, Box<ColumnCloseResult>),
    Leaves(Vec<ArrowColumnWriter>),
}

impl Closed {
    fn bytes(&self) -> usize {
        match self {
            Self::Chunk(bytes, _) => bytes.len(),
            Self::Leaves(writers) => writers
                .iter()
                .map(ArrowColumnWriter::get_estimated_total_bytes)
                .sum(),
        }
    }
}

/// The library's writers for one field. Its factory makes writers for all fields of a file at once, so
/// it is shown a file that has this one alone.
fn leaves<W: Write + Send>(
    field: &FieldRef,
    file: &SerializedFileWriter<W>,
) -> Result<Vec<ArrowColumnWriter>, ParquetError> {
    let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let root = ArrowSchemaConverter::new()
        .convert(&schema)?
        .root_schema_ptr();
    let properties = Arc::clone(file.properties());
    let alone = SerializedFileWriter::new(io::sink(), root, properties)?;
    ArrowRowGroupWriterFactory::new(&alone, schema).create_column_writers(0)
}
