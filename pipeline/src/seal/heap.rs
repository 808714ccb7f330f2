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
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The published files whose rows were merged.
    pub(super) published: BTreeSet<Path>,
    /// The sealed files whose rows were.
    pub(super) sealed: BTreeSet<String>,
    /// Where they are now.
    pub(super) files: Vec<SealedFile>,
    /// The bytes of the files that were merged.
    pub(super) bytes: u64,
    /// Rows that were left out, because another row is of the same event.
    pub(super) copies: u64,
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
        let published = self.folders.values().flat_map(|heap| &heap.published);
        let listed = published.map(|file| file.location.clone());
        // What is not listed by now stays excepted too: only what was merged is replaced.
        let excepted = seal.iter().flat_map(|seal| &seal.unsealed);
        let excepted = excepted.map(|path| Path::from(path.as_str()));
        let is_of = |path: &Path| BatchId::of_file(path).is_some_and(|one| batches.contains(&one));
        let unsealed = listed.chain(excepted);
        let unsealed = unsealed.filter(|path| is_of(path) && !is_merged(path));
        let unsealed = unsealed.map(|path| path.to_string()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "0199b2ae-7c00-7000-8000-000000000001";
    const SECOND: &str = "0199b2ae-7c00-7000-8000-000000000002";
    const THIRD: &str = "0199b2ae-7c00-7000-8000-000000000003";

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 5).unwrap()
    }

    fn path(table: &str, batch: &str) -> String {
        format!("{table}/event_date=2026-01-05/{batch}.parquet")
    }

    fn listed(paths: &[String]) -> Vec<ObjectMeta> {
        let files = paths.iter().map(|path| ObjectMeta {
            location: Path::from(path.as_str()),
            last_modified: DateTime::UNIX_EPOCH,
            size: 10,
            e_tag: None,
            version: None,
        });
        files.collect()
    }

    fn ids(batches: &[&str]) -> BTreeSet<BatchId> {
        let ids = batches.iter().filter_map(|batch| BatchId::parse(batch));
        ids.collect()
    }

    fn sealed(name: &str) -> SealedFile {
        SealedFile {
            path: format!("sealed/rollups/denies/event_date=2026-01-05/{name}.sealed.parquet"),
            rows: 1,
            bytes: 1,
        }
    }

    fn merged(published: &[String], sealed_before: &[&str], after: &str) -> Merged {
        Merged {
            published: published
                .iter()
                .map(|path| Path::from(path.as_str()))
                .collect(),
            sealed: sealed_before.iter().map(|name| sealed(name).path).collect(),
            files: vec![sealed(after)],
            ..Merged::default()
        }
    }

    fn next(heaps: &Heaps, seal: Option<&Seal>, merged: &[Merged]) -> Seal {
        let by = Worker::this_process();
        heaps
            .next(day(), seal, merged, DateTime::UNIX_EPOCH, by)
            .unwrap()
    }

    #[test]
    fn each_file_of_a_sealed_batch_is_replaced_or_excepted_from_seal_to_seal() {
        let denies = [FIRST, SECOND].map(|batch| path("rollups/denies", batch));
        let (lone, late) = (
            path("rollups/root_use", FIRST),
            path("rollups/denies", THIRD),
        );
        let files = listed(&[&denies[..], &[lone.clone(), late.clone()]].concat());
        // The third batch is not published yet: nothing is known of its files.
        let heaps = Heaps::of(files, None, &ids(&[FIRST, SECOND]));
        let first = next(&heaps, None, &[merged(&denies, &[], "a")]);
        assert_eq!(first.generation, 1);
        assert_eq!(first.batches, ids(&[FIRST, SECOND]));
        assert_eq!(first.unsealed, BTreeSet::from([lone.clone()]));
        assert_eq!(
            heaps.next(
                day(),
                None,
                &[],
                DateTime::UNIX_EPOCH,
                Worker::this_process()
            ),
            None
        );

        // Whoever made the next one did not see the lone file: it stays excepted.
        let files = listed(&[&denies[..], std::slice::from_ref(&late)].concat());
        let heaps = Heaps::of(files, Some(&first), &ids(&[FIRST, SECOND, THIRD]));
        assert_eq!(heaps.replaced.len(), 2);
        let late = std::slice::from_ref(&late);
        let second = next(&heaps, Some(&first), &[merged(late, &["a"], "b")]);
        assert_eq!(second.generation, 2);
        assert_eq!(second.files, [sealed("b")]);
        assert_eq!(second.batches, ids(&[FIRST, SECOND, THIRD]));
        assert_eq!(second.unsealed, BTreeSet::from([lone.clone()]));

        // Its replaced file is gone, and with it the batch; the lone file is read as any.
        let files = listed(&[&denies[1..], std::slice::from_ref(&lone)].concat());
        let heaps = Heaps::of(files, Some(&second), &ids(&[FIRST, SECOND, THIRD]));
        let other = [path("rollups/churn", SECOND)];
        let third = next(&heaps, Some(&second), &[merged(&other, &[], "c")]);
        assert_eq!(third.files, [sealed("b"), sealed("c")]);
        assert_eq!(third.batches, ids(&[SECOND]));
        assert_eq!(third.unsealed, BTreeSet::new());
        assert!(!third.replaces(&Path::from(lone)));
    }
}
