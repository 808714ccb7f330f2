//! Sealing: the many files of a day become few, sorted, one row a grain and one row an event.
//!
//! ```text
//! published files ─ list ─→ heaps ─ due ─→ merged and sorted ─→ sealed files ─→ seal ─ 48 h ─→ replaced ones go
//! ```
//!
//! In: a lake. Out: sealed files and the seals that name them. Must hold: what readers see has the same rows
//! before and after, but for copies of an event; only files of batches that nobody publishes any more are
//! replaced; nothing is deleted that a reader may still be shown (I12).

mod day;
mod due;
mod groups;
mod heap;
mod merged;
mod sweep;
mod twins;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use serde::Serialize;

use crate::decode::Table;
use crate::engine::Engine;
use crate::lake::batch::BatchId;
use crate::lake::seals::{SEALED, day_of, generations};
use crate::lake::{Lake, LakeError};
use crate::limits::{SEAL_INPUT_SHARE, SEAL_READS_MAX};
use crate::query::sorted::Sorter;

/// What sealing did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Days that were looked at.
    pub days: u64,
    /// Days that have a new seal.
    pub days_sealed: u64,
    /// Days that another process sealed meanwhile: nothing of them counts here.
    pub days_of_others: u64,
    /// Folders in which files were merged.
    pub folders: u64,
    /// The files that were merged.
    pub files_before: u64,
    /// Their size.
    pub bytes_before: u64,
    /// The files that they became.
    pub files_after: u64,
    /// Their size.
    pub bytes_after: u64,
    /// The rows that were written.
    pub rows: u64,
    /// Rows that were left out, because another row is of the same event.
    pub copies: u64,
    /// Files that were deleted, 48 hours after they were replaced.
    pub deleted: u64,
    /// Files that were due, and stay as they are.
    pub unsealed: Vec<Unsealed>,
}

/// Files that stay as they are, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsealed {
    /// The folder or file.
    pub place: String,
    /// Why, and what to do.
    pub why: String,
}

/// What is told while it goes on.
pub trait Progress: Sync {
    /// So many days will be looked at.
    fn days(&self, count: usize);
    /// A day begins.
    fn day(&self, day: NaiveDate);
    /// A folder of it is merged.
    fn folder(&self, folder: &str, files: usize);
    /// A day has ended.
    fn day_ended(&self);
}

/// Seals a lake.
#[derive(Debug)]
pub struct Sealing<'a> {
    lake: &'a Lake,
    engine: &'a Engine,
    sorter: Sorter,
    /// Bytes of files that become one.
    input_bytes_max: u64,
    /// The seals of each day, oldest first.
    seals: BTreeMap<NaiveDate, Vec<Path>>,
    /// Sealed files, whether a seal names them or not.
    sealed: BTreeMap<NaiveDate, Vec<Path>>,
    /// Batches whose files are all where they belong.
    published: BTreeSet<BatchId>,
    report: Report,
}

impl<'a> Sealing<'a> {
    /// Looks at the lake. Merging holds about so many bytes; what is more is spilled to disk.
    ///
    /// The order matters: of a batch that a seal names, or that is marked as published, every file is seen when
    /// folders are listed after that.
    pub async fn begin(
        lake: &'a Lake,
        engine: &'a Engine,
        memory_bytes_max: usize,
    ) -> Result<Self, SealError> {
        let seals = generations(lake.store.as_ref(), None).await;
        let published = lake.published().await?;
        let sealed = lake.store.list(Some(&Path::from(SEALED)));
        let sealed: Result<Vec<Path>, _> = sealed.map_ok(|file| file.location).try_collect().await;
        let input_bytes_max = memory_bytes_max / SEAL_INPUT_SHARE;
        Ok(Self {
            lake,
            engine,
            sorter: Sorter::new(lake, memory_bytes_max),
            input_bytes_max: u64::try_from(input_bytes_max).unwrap_or(u64::MAX),
            seals: by_day(seals.map_err(LakeError::from)?),
            sealed: by_day(sealed.map_err(LakeError::from)?),
            published,
            report: Report::default(),
        })
    }

    /// The folders of each day that have files of tables, and days without such that have old seals, from one day to another if these are given.
    async fn folders(
        &self,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<BTreeMap<NaiveDate, Vec<Path>>, LakeError> {
        let mut tables: Vec<Path> = Table::ALL.map(|table| Path::from(table.name())).into();
        tables.extend(["ingest_log", "quarantine"].map(Path::from));
        tables.extend(self.folders_in(&Path::from("rollups")).await?);
        let mut listed = Vec::new();
        for table in &tables {
            listed.push(self.folders_in(table));
        }
        let listed = stream::iter(listed).buffered(SEAL_READS_MAX);
        let listed: Vec<Vec<Path>> = listed.try_collect().await?;
        let mut days = by_day(listed.into_iter().flatten());
        // A sweep may have ended half-way: the files are gone, and what tells of them is not.
        let unswept = self.seals.iter().filter(|(_, seals)| seals.len() > 1);
        for (day, _) in unswept {
            days.entry(*day).or_default();
        }
        days.retain(|day, _| {
            from.is_none_or(|from| *day >= from) && to.is_none_or(|to| *day <= to)
        });
        Ok(days)
    }

    async fn folders_in(&self, folder: &Path) -> Result<Vec<Path>, LakeError> {
        let listed = self.lake.store.list_with_delimiter(Some(folder)).await?;
        Ok(listed.common_prefixes)
    }

    /// Seals every day, the earliest first, and deletes what was replaced long ago.
    pub async fn run(
        mut self,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
        progress: &dyn Progress,
    ) -> Result<Report, SealError> {
        let days = self.folders(from, to).await?;
        progress.days(days.len());
        for (day, folders) in days {
            progress.day(day);
            self.seal(day, &folders, progress).await?;
            self.report.days += 1;
            progress.day_ended();
        }
        Ok(self.report)
    }

    fn leave(&mut self, place: impl Into<String>, why: impl Into<String>) {
        let (place, why) = (place.into(), why.into());
        self.report.unsealed.push(Unsealed { place, why });
    }
}

/// Paths by the day of their folder, in their order; others are not of a day.
fn by_day(paths: impl IntoIterator<Item = Path>) -> BTreeMap<NaiveDate, Vec<Path>> {
    let mut days: BTreeMap<NaiveDate, Vec<Path>> = BTreeMap::new();
    for path in paths {
        if let Some(day) = day_of(&path) {
            days.entry(day).or_default().push(path);
        }
    }
    days
}

/// Why a lake cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The lake's store, while files were read.
    #[error("files of the lake cannot be read: {}", .0.find_root().strip_backtrace())]
    Read(#[from] crate::query::explained::QueryError),
}
