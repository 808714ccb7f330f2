//! Writes batches of rows as a Parquet file, each column in the form that its values ask for.
//!
//! In: batches of one schema. Out: the bytes of a file, as they become final. Must hold: any reader
//! that knows the encodings of Parquet 2 can read the file, and gets the same rows; what a writer holds
//! is the row group at hand, encoded, and no row.
//!
//! The library's own writer looks every text up anew, counts a level for each value of each column,
//! empty or not, and keeps a compressor for every column of every file. Here a null costs a bit, a
//! dictionary from Arrow is numbered once, and the first page of a chunk decides what the others look
//! like, and the next chunks of that column: dictionary or not, compressed or not. Columns of nested or rare types are the library's.

mod bits;
mod bounds;
mod booleans;
mod chunk;
mod compression;
mod delta;
mod dictionary;
mod levels;
mod numbers;
mod precedent;
mod row_group;
mod texts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

pub use precedent::Precedents;
use row_group::RowGroup;

/// A file under way.
pub struct Writer {
    file: SerializedFileWriter<Vec<u8>>,
    schema: SchemaRef,
    precedents: Arc<Precedents>,
    row_group: Option<RowGroup>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("row_group_bytes", &self.row_group_bytes())
            .finish_non_exhaustive()
    }
}

/// The schema that a reader finds in the file: with texts where memory has dictionaries of them. Whoever
/// takes the file's word would have to make dictionaries of pages that have none, and pyarrow cannot.
fn as_stored(schema: &Schema) -> Schema {
    let stored = |field: &FieldRef| match field.data_type() {
        DataType::Dictionary(_, value) => {
            let field = field.as_ref().clone();
            Arc::new(field.with_data_type(value.as_ref().clone()))
        }
        _ => Arc::clone(field),
    };
    let fields: Fields = schema.fields().iter().map(stored).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

impl Writer {
    /// A file with these columns. Of the properties, those count that say what statistics a column
    /// gets, how many rows a row group has at most, and who wrote the file. The precedents are those of
    /// files with the same columns and alike rows.
    pub fn new(
        schema: SchemaRef,
        mut properties: WriterProperties,
        precedents: Arc<Precedents>,
    ) -> Result<Self, ParquetError> {
        let columns = ArrowSchemaConverter::new().convert(&schema)?;
        add_encoded_arrow_schema_to_metadata(&as_stored(&schema), &mut properties);
        let root = columns.root_schema_ptr();
        Ok(Self {
            file: SerializedFileWriter::new(Vec::new(), root, Arc::new(properties))?,
            schema,
            precedents,
            row_group: None,
        })
    }

    /// Takes rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let most = self.file.properties().max_row_group_row_count();
        let most = most.unwrap_or(usize::MAX);
        let mut start = 0;
        while start < batch.num_rows() {
            let row_group = match &mut self.row_group {
                Some(row_group) => row_group,
                None => self.row_group.insert(RowGroup::new(
                    &self.file,
                    &self.schema,
                    &self.precedents,
                )?),
            };
            let rows = (batch.num_rows() - start).min(most - row_group.rows());
            row_group.write(&batch.slice(start, rows))?;
            start += rows;
            if row_group.rows() >= most {
                self.end_row_group()?;
            }
        }
        Ok(())
    }

    /// Bytes that the row group at hand holds, about.
    pub fn row_group_bytes(&self) -> usize {
        self.row_group.as_ref().map_or(0, RowGroup::bytes)
    }

    /// Ends the row group at hand, if there is one: its bytes are final.
    pub fn end_row_group(&mut self) -> Result<(), ParquetError> {
        match self.row_group.take() {
            Some(row_group) => row_group.close(&mut self.file, &self.precedents),
            None => Ok(()),
        }
    }

    /// The bytes of the file that have become final since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }

    /// Ends the file: the bytes that are left, and how many it has in all.
    pub fn finish(mut self) -> Result<(Vec<u8>, usize), ParquetError> {
        self.end_row_group()?;
        self.file.finish()?;
        let bytes = self.file.bytes_written();
        Ok((self.take_bytes(), bytes))
    }
}
