//! What was committed lately, by whomever: for the window of events after a start, and beside
//! other workers.
//!
//! In: a time. Out: committed batches since, and the event ids in their rows. Must hold: a batch
//! that is committed and not yet published is seen too, from its staging.

use arrow::array::RecordBatch;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::batch::{BatchId, Decision, StagedFile};
use super::create::read;
use super::{Lake, LakeError, protocol_path};
use crate::decode::Table;
use crate::decode::cloudtrail::ISSUE_COLUMNS;

/// The columns that the window knows events by; those of [`ISSUE_COLUMNS`] come beside them.
const ID_COLUMNS: [&str; 3] = ["event_id", "shared_event_id", "event_category"];

impl Lake {
    /// Batches opened since then that are decided by now, in the order of their opening.
    pub async fn decided_since(&self, since: DateTime<Utc>) -> Result<Vec<BatchId>, LakeError> {
        let folder = protocol_path(&["batches"]);
        let offset = protocol_path(&["batches", BatchId::lowest_at(since).as_str()]);
        let listed = self.store.list_with_offset(Some(&folder), &offset);
        let listed: Vec<_> = listed.try_collect().await?;
        let names = listed.iter().filter_map(|found| found.location.filename());
        let mut ids: Vec<BatchId> = names.filter_map(BatchId::parse).collect();
        ids.sort();
        Ok(ids)
    }

    /// The CloudTrail files of a batch, if it is committed.
    pub async fn event_files(&self, batch: &BatchId) -> Result<Vec<StagedFile>, LakeError> {
        let Some(Decision::Committed { mut files, .. }) = self.decision(batch).await? else {
            return Ok(Vec::new());
        };
        let folder = format!("{}/", Table::Cloudtrail.name());
        files.retain(|file| file.published.starts_with(&folder));
        Ok(files)
    }

    /// The ids and issued keys of a committed file, wherever it is by now. Nothing when it is gone: a
    /// lifecycle rule took it.
    pub async fn event_ids(&self, file: &StagedFile) -> Result<Vec<RecordBatch>, LakeError> {
        // It may be published between the two looks, so the published name is asked again.
        for place in [&file.published, &file.staged, &file.published] {
            let found = read(self.store.as_ref(), &Path::from(place.as_str())).await?;
            if let Some(bytes) = found {
                return id_columns(bytes);
            }
        }
        Ok(Vec::new())
    }
}

/// A batch's file is a few megabytes: one request for all of it costs less than several for less.
fn id_columns(bytes: Bytes) -> Result<Vec<RecordBatch>, LakeError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let mask = ProjectionMask::columns(
        builder.parquet_schema(),
        ID_COLUMNS.into_iter().chain(ISSUE_COLUMNS),
    );
    let rows = builder.with_projection(mask).build()?;
    Ok(rows.collect::<Result<_, _>>()?)
}
