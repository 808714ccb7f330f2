//! Publishing: staged files of a committed batch get the names that readers glob.
//!
//! In: a committed batch. Out: its files in the tables, and `_trailflow/published/<batch>`. Must hold: anyone may do
//! it, any number of times, and finish what another began: a staged file that is gone was published. What
//! is marked as published is never looked for again: old files of the tables may be deleted.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use object_store::path::Path;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutPayload};
use serde::Serialize;

use super::batch::{BatchId, StagedFile, json};
use super::{Lake, LakeError, protocol_path};
use crate::limits::PUBLISH_FILES_AT_ONCE;

/// What `_trailflow/published/<batch>` says. That it is there is what counts.
#[derive(Debug, Serialize)]
struct Published {
    at: DateTime<Utc>,
}

impl Lake {
    /// Step 4: moves every file of a committed batch to its name, and marks the batch.
    pub async fn publish(&self, batch: &BatchId, files: &[StagedFile]) -> Result<(), LakeError> {
        let mut moves = Vec::with_capacity(files.len());
        for file in files {
            moves.push(self.publish_file(batch, file));
        }
        let moves = stream::iter(moves).buffer_unordered(PUBLISH_FILES_AT_ONCE);
        // One that fails does not stop the others half-way.
        let ended: Vec<Result<(), LakeError>> = moves.collect().await;
        ended.into_iter().collect::<Result<(), LakeError>>()?;
        let path = marker(batch);
        let at = self.clock.now();
        let bytes = json(path.as_ref(), &Published { at })?;
        self.store.put(&path, PutPayload::from(bytes)).await?;
        self.clear_staging(batch).await;
        Ok(())
    }

    /// Whether the batch is marked as published. One that is not may be all the same.
    pub(super) async fn is_published(&self, batch: &BatchId) -> Result<bool, LakeError> {
        match self.store.head(&marker(batch)).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Every batch that is marked as published, since the lifecycle rule took the marks before.
    pub async fn published(&self) -> Result<BTreeSet<BatchId>, LakeError> {
        let folder = protocol_path(&["published"]);
        let listed = self.store.list(Some(&folder));
        let ids = listed
            .try_filter_map(async |found| Ok(found.location.filename().and_then(BatchId::parse)));
        Ok(ids.try_collect().await?)
    }

    async fn publish_file(&self, batch: &BatchId, file: &StagedFile) -> Result<(), LakeError> {
        let (staged, published) = (
            Path::from(file.staged.as_str()),
            Path::from(file.published.as_str()),
        );
        match self.give_name(&staged, &published).await {
            Ok(()) => self.delete_if_there(&staged).await,
            // Gone means published before, unless something else deleted it: then its rows
            // would be lost, and nothing may be acknowledged.
            Err(Error::NotFound { .. }) => match self.store.head(&published).await {
                Ok(_) => {
                    tracing::debug!(%batch, file = %published, "published before");
                    Ok(())
                }
                Err(Error::NotFound { .. }) => Err(LakeError::Gone {
                    path: file.staged.clone(),
                    batch: batch.to_string(),
                }),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Drops the staged files of a batch that will never count.
    pub async fn drop_staging(
        &self,
        batch: &BatchId,
        files: &[StagedFile],
    ) -> Result<(), LakeError> {
        for file in files {
            self.delete_if_there(&Path::from(file.staged.as_str()))
                .await?;
        }
        self.clear_staging(batch).await;
        Ok(())
    }

    /// Drops everything that a batch staged, finished or not.
    pub async fn drop_batch_staging(&self, batch: &BatchId) -> Result<(), LakeError> {
        let folder = protocol_path(&["staging", batch.as_str()]);
        let staged: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        for file in staged {
            self.delete_if_there(&file.location).await?;
        }
        self.clear_staging(batch).await;
        Ok(())
    }

    pub(super) async fn delete_if_there(&self, path: &Path) -> Result<(), LakeError> {
        match self.store.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn marker(batch: &BatchId) -> Path {
    protocol_path(&["published", batch.as_str()])
}
