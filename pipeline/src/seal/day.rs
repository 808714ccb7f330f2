//! One day: what is due is merged, a seal says so, and what was replaced long ago goes.
//!
//! In: a day. Out: its next seal, if anything was due. Must hold: files are listed after it is known which batches
//! are published, so that of such a batch all are seen; a seal is made behind the one that was read, or not at all.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt as _};

use super::heap::{Heaps, Merged};
use super::{Progress, SealError, Sealing};
use crate::lake::batch::BatchId;
use crate::lake::seals::{self, Seal, SealedFile};
use crate::lake::{Lake, LakeError, protocol_path};
use crate::limits::SEAL_READS_MAX;

impl Sealing<'_> {
    /// Seals one day.
    pub(super) async fn seal(
        &mut self,
        day: NaiveDate,
        progress: &dyn Progress,
    ) -> Result<(), SealError> {
        let store = self.lake.store.as_ref();
        let generations = seals::generations(store, Some(day)).await;
        let generations = generations.map_err(LakeError::from)?;
        let newest = match generations.last() {
            Some(path) => Some(self.read(path).await?),
            None => None,
        };
        let files = self.list(day).await?;
        self.look_for_decisions(&files).await?;
        let mut sealable = self.published.clone();
        sealable.extend(newest.iter().flat_map(|seal| seal.batches.iter().cloned()));
        let heaps = Heaps::of(files, newest.as_ref(), &sealable);
        let now = self.lake.clock.now();
        let mut merged = Vec::new();
        for (folder, heap) in &heaps.folders {
            if heap.is_due(folder, day, now) {
                progress.folder(folder, heap.published.len() + heap.sealed.len());
                merged.extend(self.merge(folder, heap).await?);
            }
        }
        let worker = self.lake.worker.clone();
        let at = self.lake.clock.now();
        let next = heaps.next(day, newest.as_ref(), &merged, at, worker);
        let next = match next {
            Some(next) => self.make(next, &merged).await?,
            None => None,
        };
        match next.as_ref().or(newest.as_ref()) {
            Some(newest) => self.sweep(day, &heaps, &generations, newest).await,
            None => Ok(()),
        }
    }

    /// Makes a seal, unless another was made meanwhile.
    async fn make(&mut self, seal: Seal, merged: &[Merged]) -> Result<Option<Seal>, SealError> {
        if self.lake.create_seal(&seal).await? {
            self.report.days_sealed += 1;
            return Ok(Some(seal));
        }
        // Files that no seal names.
        let files = merged.iter().flat_map(|one| &one.files);
        let path = |file: &SealedFile| Path::from(file.path.as_str());
        self.lake.delete(files.map(path).collect()).await?;
        let why = "another process sealed this day meanwhile: nothing was changed";
        self.leave(format!("seals/event_date={}", seal.day), why);
        Ok(None)
    }

    /// A seal that was listed.
    pub(super) async fn read(&self, path: &Path) -> Result<Seal, SealError> {
        let read = seals::seal_at(self.lake.store.as_ref(), path).await?;
        let gone = || LakeError::Foreign {
            path: path.to_string(),
            why: String::from("it was listed, and is gone: another process seals this lake"),
        };
        Ok(read.ok_or_else(gone)?)
    }

    /// Every file of a day, in the folders of its tables.
    async fn list(&self, day: NaiveDate) -> Result<Vec<ObjectMeta>, LakeError> {
        let mut listed = Vec::new();
        for folder in &self.folders {
            let date = match folder.as_ref() {
                "ingest_log" | "quarantine" => "ingest_date",
                _ => "event_date",
            };
            listed.push(self.list_folder(Path::from(format!("{folder}/{date}={day}"))));
        }
        let listed = stream::iter(listed).buffered(SEAL_READS_MAX);
        let listed: Vec<Vec<ObjectMeta>> = listed.try_collect().await?;
        Ok(listed.into_iter().flatten().collect())
    }

    async fn list_folder(&self, folder: Path) -> Result<Vec<ObjectMeta>, LakeError> {
        let listed = self.lake.store.list(Some(&folder));
        Ok(listed.try_collect().await?)
    }

    /// A batch without a mark is published all the same when its decision is gone as well: a lifecycle rule took
    /// both, and nobody publishes what nobody decided.
    async fn look_for_decisions(&mut self, files: &[ObjectMeta]) -> Result<(), LakeError> {
        let batches = files
            .iter()
            .filter_map(|file| BatchId::of_file(&file.location));
        let unmarked: BTreeSet<BatchId> = batches
            .filter(|batch| !self.published.contains(batch))
            .collect();
        let mut looked = Vec::new();
        for batch in unmarked {
            looked.push(is_decided(self.lake, batch));
        }
        let looked = stream::iter(looked).buffer_unordered(SEAL_READS_MAX);
        let looked: Vec<(BatchId, bool)> = looked.try_collect().await?;
        let gone = looked.into_iter().filter(|(_, is_decided)| !is_decided);
        self.published.extend(gone.map(|(batch, _)| batch));
        Ok(())
    }
}

/// Whether there is a decision on a batch.
async fn is_decided(lake: &Lake, batch: BatchId) -> Result<(BatchId, bool), LakeError> {
    let decision = protocol_path(&["batches", batch.as_str()]);
    match lake.store.head(&decision).await {
        Ok(_) => Ok((batch, true)),
        Err(object_store::Error::NotFound { .. }) => Ok((batch, false)),
        Err(error) => Err(error.into()),
    }
}
