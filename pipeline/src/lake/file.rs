//! A Parquet file of the lake, as it is written.
//!
//! In: rows of one schema. Out: the file. Must hold: row groups leave as they fill, so that what is in memory does
//! not grow with the file; nothing is at the path before the file is whole.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::errors::ParquetError;
use tokio::io::AsyncWriteExt as _;
use trailflow_parquet::Writer;

use super::{Lake, LakeError, encoding};
use crate::limits::{ROW_GROUP_BYTES_MAX, STAGED_PART_BYTES};

/// A file that takes rows.
pub struct OpenFile {
    writer: Writer,
    store: BufWriter,
    written: Written,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Bytes: of a file that is open, those of the row groups that left.
    pub bytes: u64,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl OpenFile {
    /// Begins a file at a path. It is encoded as the files of the folder were before it.
    pub fn create(
        lake: &Lake,
        path: Path,
        folder: &str,
        schema: SchemaRef,
    ) -> Result<Self, LakeError> {
        let store = Arc::clone(&lake.store);
        let properties = encoding::properties(&schema)?;
        Ok(Self {
            writer: Writer::new(schema, properties, lake.encodings.of(folder))?,
            store: BufWriter::with_capacity(store, path, STAGED_PART_BYTES),
            written: Written { rows: 0, bytes: 0 },
        })
    }

    /// Takes rows.
    pub async fn append(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.writer.write(rows)?;
        self.written.rows += u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
        if self.writer.row_group_bytes() > ROW_GROUP_BYTES_MAX {
            self.writer.end_row_group()?;
        }
        let bytes = self.writer.take_bytes();
        self.written.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(self.store.put(Bytes::from(bytes)).await?)
    }

    /// What was written so far.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Writes what is left of it.
    pub async fn finish(mut self) -> Result<Written, LakeError> {
        let (rest, bytes) = self.writer.finish()?;
        self.written.bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.store.put(Bytes::from(rest)).await?;
        self.store.shutdown().await.map_err(ParquetError::from)?;
        Ok(self.written)
    }
}
