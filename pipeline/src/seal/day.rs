//! One day: what is due is merged, a seal says so, and what was replaced long ago goes.
//!
//! In: a day and its folders. Out: its next seal, if anything was due. Must hold: a seal is made behind the one
//! that was newest before anything was listed, or not at all.

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
        folders: &[Path],
        progress: &dyn Progress,
    ) -> Result<(), SealError> {
        let generations = self.seals.remove(&day).unwrap_or_default();
        let newest = match generations.last() {
            Some(path) => self.read(path).await?,
            None => None,
        };
        if newest.is_none() && !generations.is_empty() {
            self.pass(day);
            return Ok(());
        }
        let files = self.list(folders).await?;
        self.look_for_decisions(&files).await?;
        // What a seal names was published, though its mark may be gone by now.
        let named = newest.iter().flat_map(|seal| &seal.batches);
        self.published.extend(named.cloned());
        let heaps = Heaps::of(files, newest.as_ref(), &self.published);
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
            Some(next) if self.lake.create_seal(&next).await? => {
                self.count(&merged);
                Some(next)
            }
            Some(_) => {
                // Files that no seal names.
                let files = merged.iter().flat_map(|one| &one.files);
                let path = |file: &SealedFile| Path::from(file.path.as_str());
                self.lake.delete(files.map(path).collect()).await?;
                self.pass(day);
                return Ok(());
            }
            None => None,
        };
        match next.as_ref().or(newest.as_ref()) {
            Some(newest) => self.sweep(day, &heaps, &generations, newest).await,
            None => Ok(()),
        }
    }

    /// Another process seals this day.
    fn pass(&mut self, day: NaiveDate) {
        tracing::info!(%day, "another process seals this day; it is left to that");
        self.report.days_of_others += 1;
    }

    /// Adds a day that has its seal.
    fn count(&mut self, merged: &[Merged]) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let report = &mut self.report;
        report.days_sealed += 1;
        report.folders += number(merged.len());
        for one in merged {
            report.files_before += number(one.published.len() + one.sealed.len());
            report.bytes_before += one.bytes;
            report.files_after += number(one.files.len());
            report.bytes_after += one.files.iter().map(|file| file.bytes).sum::<u64>();
            report.rows += one.files.iter().map(|file| file.rows).sum::<u64>();
            report.copies += one.copies;
        }
    }

    /// A seal that was listed; nothing when another process swept it meanwhile.
    pub(super) async fn read(&self, path: &Path) -> Result<Option<Seal>, SealError> {
        Ok(seals::seal_at(self.lake.store.as_ref(), path).await?)
    }

    /// Every file of a day.
    async fn list(&self, folders: &[Path]) -> Result<Vec<ObjectMeta>, LakeError> {
        let mut listed = Vec::new();
        for folder in folders {
            listed.push(self.list_folder(folder));
        }
        let listed = stream::iter(listed).buffered(SEAL_READS_MAX);
        let listed: Vec<Vec<ObjectMeta>> = listed.try_collect().await?;
        Ok(listed.into_iter().flatten().collect())
    }

    async fn list_folder(&self, folder: &Path) -> Result<Vec<ObjectMeta>, LakeError> {
        let listed = self.lake.store.list(Some(folder));
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
