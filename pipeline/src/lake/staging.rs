//! Staging: Parquet files of an open batch, written where no reader looks.
//!
//! In: batches of rows. Out: the list of files to commit. Must hold: memory is bounded: row
//! groups leave as they fill, at most [`STAGED_FILES_OPEN_MAX`] files are open, and of those that
//! are closed at most [`CLOSING_FILES_MAX`] are still on their way to the store.

use std::collections::{BTreeSet, HashMap};
use std::panic::resume_unwind;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use parquet::errors::ParquetError;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::batch::{BatchId, StagedFile};
use super::file::OpenFile;
use super::partition::{Period, split};
use super::{Lake, LakeError, protocol_path};
use crate::decode::Table;
use crate::limits::{CLOSING_FILES_MAX, STAGED_FILES_OPEN_MAX};

/// The files of one open batch.
#[derive(Debug)]
pub struct Staging {
    lake: Lake,
    batch: BatchId,
    open: HashMap<String, Staged>,
    /// Order of use, oldest first.
    used: Vec<String>,
    /// Files that take no more rows. A batch has a file for each of some fifty rollups, and each
    /// waits for the store.
    closing: JoinSet<Result<StagedFile, LakeError>>,
    done: Vec<StagedFile>,
    /// How many files each folder has got.
    parts: HashMap<String, usize>,
}

/// A file, and what it will be called.
#[derive(Debug)]
struct Staged {
    name: StagedFile,
    file: OpenFile,
}

impl Staging {
    /// The staging area of a batch. Nothing is written before the first rows.
    pub fn new(lake: Lake, batch: BatchId) -> Self {
        Self {
            lake,
            batch,
            open: HashMap::new(),
            used: Vec::new(),
            closing: JoinSet::new(),
            done: Vec::new(),
            parts: HashMap::new(),
        }
    }

    /// Events, by the hour of their time.
    pub async fn events(&mut self, table: Table, rows: &RecordBatch) -> Result<(), LakeError> {
        for (start, rows) in split(rows, table.time_column(), Period::Hour)? {
            let hour = Period::Hour.folder("event_date", start);
            let folder = format!("{}/{hour}", table.name());
            self.append(folder, table.schema(), &rows).await?;
        }
        Ok(())
    }

    /// Rows of a rollup, by the day of their window. Its files are closed with that: rollups come one
    /// signal after the other, and a writer for each of fifty would hold its columns until the end.
    pub async fn rollup(&mut self, signal: &str, rows: &[RecordBatch]) -> Result<(), LakeError> {
        let mut folders = BTreeSet::new();
        for rows in rows {
            for (start, rows) in split(rows, "window_start", Period::Day)? {
                let day = Period::Day.folder("event_date", start);
                let folder = format!("rollups/{signal}/{day}");
                self.append(folder.clone(), rows.schema(), &rows).await?;
                folders.insert(folder);
            }
        }
        for folder in folders {
            self.close(&folder).await?;
        }
        Ok(())
    }

    /// Closes every file that is open.
    pub async fn close_all(&mut self) -> Result<(), LakeError> {
        while let Some(folder) = self.used.first().cloned() {
            self.close(&folder).await?;
        }
        Ok(())
    }

    /// Rows about the ingestion itself, by its day.
    pub async fn ingest(
        &mut self,
        table: &str,
        at: DateTime<Utc>,
        rows: &RecordBatch,
    ) -> Result<(), LakeError> {
        let day = Period::Day.folder("ingest_date", at.timestamp_millis());
        self.append(format!("{table}/{day}"), rows.schema(), rows)
            .await
    }

    /// Closes every file. The list is what a commit names.
    pub async fn finish(&mut self) -> Result<Vec<StagedFile>, LakeError> {
        self.close_all().await?;
        while self.closed().await? {}
        // In an order that does not depend on which file took longer.
        self.done
            .sort_by(|one, other| one.published.cmp(&other.published));
        Ok(std::mem::take(&mut self.done))
    }

    /// The batch will not count: what is on its way ends before its staging is dropped, or it would
    /// come after.
    pub async fn discard(&mut self) {
        self.open.clear();
        self.closing.shutdown().await;
    }

    /// Takes rows for the file of a folder. The schema is the file's: rows may have dictionaries where it
    /// says text.
    async fn append(
        &mut self,
        folder: String,
        schema: SchemaRef,
        rows: &RecordBatch,
    ) -> Result<(), LakeError> {
        let mut staged = if let Some(staged) = self.open.remove(&folder) {
            staged
        } else {
            while self.open.len() >= STAGED_FILES_OPEN_MAX {
                let Some(oldest) = self.used.first().cloned() else {
                    break;
                };
                self.close(&oldest).await?;
            }
            self.open(&folder, schema)?
        };
        let appended = staged.file.append(rows).await;
        self.used.retain(|used| *used != folder);
        self.used.push(folder.clone());
        self.open.insert(folder, staged);
        appended
    }

    fn open(&mut self, folder: &str, schema: SchemaRef) -> Result<Staged, LakeError> {
        // A folder whose file was closed to make room gets a second one.
        let part = self.parts.entry(folder.to_owned()).or_default();
        let name = match *part {
            0 => format!("{}.parquet", self.batch),
            part => format!("{}-{part}.parquet", self.batch),
        };
        *part += 1;
        let staged = protocol_path(&["staging", self.batch.as_str()]);
        let staged = object_store::path::Path::from(format!("{staged}/{folder}/{name}"));
        let name = StagedFile {
            staged: staged.to_string(),
            published: format!("{folder}/{name}"),
            rows: 0,
            bytes: 0,
        };
        let file = OpenFile::create(&self.lake, staged, folder, schema)?;
        Ok(Staged { name, file })
    }

    async fn close(&mut self, folder: &str) -> Result<(), LakeError> {
        self.used.retain(|used| used != folder);
        if let Some(open) = self.open.remove(folder) {
            while self.closing.len() >= CLOSING_FILES_MAX {
                self.closed().await?;
            }
            self.closing.spawn(open.finish().in_current_span());
        }
        Ok(())
    }

    /// Waits until one more file is staged. False: none is on its way.
    async fn closed(&mut self) -> Result<bool, LakeError> {
        match self.closing.join_next().await {
            Some(Ok(file)) => {
                self.done.push(file?);
                Ok(true)
            }
            // A bug that a row brings out: the process ends, as for any, and the row's object is set
            // aside when that has happened often enough.
            Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            Some(Err(error)) => Err(LakeError::Parquet(ParquetError::External(error.into()))),
            None => Ok(false),
        }
    }
}

impl Staged {
    async fn finish(self) -> Result<StagedFile, LakeError> {
        let written = self.file.finish().await?;
        Ok(StagedFile {
            rows: written.rows,
            bytes: written.bytes,
            ..self.name
        })
    }
}

#[cfg(test)]
mod tests {

    use std::sync::Arc;

    use arrow::array::{ArrayRef, TimestampMillisecondArray};
    use object_store::ObjectStoreExt as _;

    use super::*;

    /// Rows of one day.
    fn windows(count: i64) -> RecordBatch {
        let starts: TimestampMillisecondArray = (0..count).map(|row| Some(row * 1000)).collect();
        let starts: ArrayRef = Arc::new(starts.with_timezone("UTC"));
        RecordBatch::try_from_iter([("window_start", starts)]).unwrap()
    }

    #[tokio::test]
    async fn a_rollup_may_come_in_parts_and_each_is_staged_before_the_list_is_there() {
        let lake = Lake::in_memory();
        let batch = BatchId::new(lake.clock.as_ref());
        let mut staging = Staging::new(lake.clone(), batch.clone());
        for (signal, rows) in [("denies", 3), ("churn", 1), ("denies", 4)] {
            staging.rollup(signal, &[windows(rows)]).await.unwrap();
        }
        let files = staging.finish().await.unwrap();
        let named: Vec<_> = files
            .iter()
            .map(|file| (file.published.as_str(), file.rows))
            .collect();
        let day = "event_date=1970-01-01";
        assert_eq!(
            named,
            [
                (format!("rollups/churn/{day}/{batch}.parquet").as_str(), 1),
                (
                    format!("rollups/denies/{day}/{batch}-1.parquet").as_str(),
                    4
                ),
                (format!("rollups/denies/{day}/{batch}.parquet").as_str(), 3),
            ]
        );
        for file in &files {
            let path = object_store::path::Path::from(file.staged.as_str());
            assert_eq!(lake.store.head(&path).await.unwrap().size, file.bytes);
        }
    }
}
