//! The files of a day, by folder, and the seal that says so.
//!
//! In: a listing, the newest seal, what of its folders was merged. Out: the next seal. Must hold: a file that is
//! replaced stays replaced as long as it is there; each file of a batch that the seal names is either replaced or
//! excepted; no sealed file is dropped but one whose rows are in another (I12).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::due::{Amounts, is_due};
use crate::lake::batch::BatchId;
use crate::lake::seals::{Seal, SealedFile};
use crate::lake::worker::Worker;

/// The files of one folder.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// Those that are not sealed, and may be.
    pub(super) published: Vec<ObjectMeta>,
    /// Those that are.
    pub(super) sealed: Vec<SealedFile>,
}

/// The files of one day.
#[derive(Debug, Default)]
pub(super) struct Heaps {
    /// By folder.
    pub(super) folders: BTreeMap<String, Heap>,
    /// Published files that a seal replaces and that are still there.
    pub(super) replaced: Vec<Path>,
}

/// What became of a folder.
#[derive(Debug)]
pub(super) struct Merged {
    /// The published files whose rows were merged.
    pub(super) published: BTreeSet<Path>,
    /// The sealed files whose rows were.
    pub(super) sealed: BTreeSet<String>,
    /// Where they are now.
    pub(super) files: Vec<SealedFile>,
}

impl Heaps {
    /// Sorts a listing of a day. Files of other batches than these are not looked at, nor foreign ones.
    pub(super) fn of(
        files: Vec<ObjectMeta>,
        seal: Option<&Seal>,
        sealable: &BTreeSet<BatchId>,
    ) -> Self {
        let mut heaps = Self::default();
        for file in files {
            let Some(batch) = BatchId::of_file(&file.location) else {
                continue;
            };
            if seal.is_some_and(|seal| seal.replaces(&file.location)) {
                heaps.replaced.push(file.location);
            } else if sealable.contains(&batch) {
                let heap = heaps.folders.entry(folder_of(&file.location)).or_default();
                heap.published.push(file);
            }
        }
        for file in seal.iter().flat_map(|seal| &seal.files) {
            let heap = heaps.folders.entry(folder_of(&file.shown_at()));
            heap.or_default().sealed.push(file.clone());
        }
        heaps
    }

    /// The seal behind this one, after folders were merged. Nothing when none was.
    pub(super) fn next(
        &self,
        day: NaiveDate,
        seal: Option<&Seal>,
        merged: &[Merged],
        at: DateTime<Utc>,
        by: Worker,
    ) -> Option<Seal> {
        if merged.is_empty() {
            return None;
        }
        let is_merged = |path: &Path| merged.iter().any(|one| one.published.contains(path));
        let published = merged.iter().flat_map(|one| &one.published);
        let replaced = self.replaced.iter().chain(published);
        let batches: BTreeSet<BatchId> = replaced.filter_map(BatchId::of_file).collect();
        let mut unsealed = BTreeSet::new();
        for file in self.folders.values().flat_map(|heap| &heap.published) {
            let is_of = BatchId::of_file(&file.location).is_some_and(|one| batches.contains(&one));
            if is_of && !is_merged(&file.location) {
                unsealed.insert(file.location.to_string());
            }
        }
        let stays = |file: &&SealedFile| !merged.iter().any(|one| one.sealed.contains(&file.path));
        let before = seal.iter().flat_map(|seal| &seal.files).filter(stays);
        let after = merged.iter().flat_map(|one| &one.files);
        Some(Seal {
            day,
            generation: seal.map_or(1, |seal| seal.generation + 1),
            at,
            by,
            files: before.chain(after).cloned().collect(),
            batches,
            unsealed,
        })
    }
}

impl Heap {
    /// Whether its files are worth sealing now.
    pub(super) fn is_due(&self, folder: &str, day: NaiveDate, now: DateTime<Utc>) -> bool {
        let amounts = Amounts {
            files: self.published.len(),
            bytes: self.published.iter().map(|file| file.size).sum(),
            sealed_bytes: self.sealed.iter().map(|file| file.bytes).sum(),
        };
        let hour = hour_of(folder);
        is_due(amounts, hour.is_some(), over_for(day, hour, now))
    }
}

/// The folder of a file.
pub(super) fn folder_of(file: &Path) -> String {
    let (folder, _) = file.as_ref().rsplit_once('/').unwrap_or_default();
    folder.to_owned()
}

fn hour_of(folder: &str) -> Option<u32> {
    let (_, hour) = folder.rsplit_once("event_hour=")?;
    hour.parse().ok()
}

/// For how long the hour, or the day, has been over; nothing while it is not.
fn over_for(day: NaiveDate, hour: Option<u32>, now: DateTime<Utc>) -> Option<Duration> {
    let begin = day.and_time(NaiveTime::MIN).and_utc();
    let hours = hour.map_or(24, |hour| u64::from(hour) + 1);
    let end = begin + Duration::from_secs(hours * 3600);
    (now - end).to_std().ok()
}
