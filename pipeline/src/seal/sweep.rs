//! What a seal replaced goes, when nobody can be shown it any more.
//!
//! In: a day, its files and its seals. Out: fewer. Must hold (I12): a file goes only 48 hours after a seal that
//! replaced it, and as long as a seal is there, so are the files that it names, until then.
//!
//! A sealed file that no seal names is one whose process died, or is one that is not named yet. It goes when a seal
//! was made after it was begun, because whoever began it comes too late then. Where none was, one is made. One is
//! made too when everything that the newest replaced is gone, and it is short.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use object_store::path::Path;

use super::heap::Heaps;
use super::{SealError, Sealing};
use crate::lake::seals::{Seal, begun_as};
use crate::limits::{SEAL_KEEP, SEAL_SKEW_MAX};

/// The seals of a day, as far as they matter here.
struct Seals {
    /// The newest of those that are so old that nobody goes by an earlier one.
    settled: Seal,
    /// Those before it.
    before: Vec<Path>,
    /// Files that are named from there on.
    named: BTreeSet<String>,
    /// Files that were named before.
    once_named: BTreeSet<String>,
}

impl Sealing<'_> {
    /// Deletes what is not read any more. `newest` is the newest seal, which may be newer than those that were
    /// listed.
    pub(super) async fn sweep(
        &mut self,
        day: NaiveDate,
        heaps: &Heaps,
        generations: &[Path],
        newest: &Seal,
    ) -> Result<(), SealError> {
        let Some(seals) = self.seals(generations).await? else {
            return Ok(());
        };
        let replaced = heaps.replaced.iter();
        let replaced = replaced.filter(|path| seals.settled.replaces(path));
        let mut goes: Vec<Path> = replaced.cloned().collect();
        let sealed = self.sealed.get(&day).into_iter().flatten();
        let is_named = |path: &str| {
            seals.named.contains(path) || newest.files.iter().any(|file| file.path == path)
        };
        let unnamed = sealed.filter(|path| !is_named(path.as_ref()));
        let (late, unclear): (Vec<&Path>, Vec<&Path>) = unnamed.partition(|path| {
            let is_late = begun_at(path).is_some_and(|at| at + SEAL_SKEW_MAX < newest.at);
            is_late || seals.once_named.contains(path.as_ref())
        });
        goes.extend(late.into_iter().cloned());
        let now = self.lake.clock.now();
        let dead = unclear.into_iter();
        let dead = dead.filter(|path| begun_at(path).is_some_and(|at| at + SEAL_KEEP < now));
        let dead: Vec<Path> = dead.cloned().collect();
        self.report.deleted += number(&goes);
        self.lake.delete(goes).await?;
        // Nothing that the newest replaces is left: the next need not say of which batches it was. Readers read it
        // for as long as the day is there, and thousands of batches are most of it.
        let is_spent = newest.at == seals.settled.at && !newest.batches.is_empty();
        if (is_spent || !dead.is_empty()) && self.renew(newest, is_spent).await? {
            self.report.deleted += number(&dead);
            self.lake.delete(dead).await?;
        }
        // Last: they tell what may go, should this end half-way.
        Ok(self.lake.delete(seals.before).await?)
    }

    /// Makes a seal that says what the newest says, of the batches too unless they are spent: whoever works on its
    /// successor comes too late. False: another came first.
    async fn renew(&self, newest: &Seal, is_spent: bool) -> Result<bool, SealError> {
        let mut next = newest.clone();
        next.generation += 1;
        next.at = self.lake.clock.now();
        next.by = self.lake.worker.clone();
        if is_spent {
            next.batches.clear();
            next.unsealed.clear();
        }
        Ok(self.lake.create_seal(&next).await?)
    }

    /// The seals of a day; nothing when all are young, or when another process sweeps them.
    async fn seals(&self, generations: &[Path]) -> Result<Option<Seals>, SealError> {
        // Later than what was begun then, so that what its process left behind goes with it.
        let settled_at = self.lake.clock.now() - SEAL_KEEP - SEAL_SKEW_MAX;
        let mut named = BTreeSet::new();
        let mut from_newest = generations.iter().rev();
        for path in from_newest.by_ref() {
            let Some(seal) = self.read(path).await? else {
                return Ok(None);
            };
            named.extend(seal.files.iter().map(|file| file.path.clone()));
            if seal.at > settled_at {
                continue;
            }
            let before: Vec<Path> = from_newest.rev().cloned().collect();
            let mut once_named = BTreeSet::new();
            for path in &before {
                let Some(seal) = self.read(path).await? else {
                    return Ok(None);
                };
                once_named.extend(seal.files.into_iter().map(|file| file.path));
            }
            return Ok(Some(Seals {
                settled: seal,
                before,
                named,
                once_named,
            }));
        }
        Ok(None)
    }
}

fn begun_at(path: &Path) -> Option<DateTime<Utc>> {
    begun_as(path)?.opened_at()
}

fn number(paths: &[Path]) -> u64 {
    u64::try_from(paths.len()).unwrap_or(u64::MAX)
}
