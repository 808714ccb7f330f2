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
use crate::lake::seals::{SEALED, day_of};
use crate::lake::{Lake, LakeError};
use crate::limits::SEAL_READS_MAX;
use crate::query::sorted::Sorter;

/// What sealing did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Days that were looked at.
    pub days: u64,
    /// Days that have a new seal.
    pub days_sealed: u64,
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
    /// Batches whose files are all where they belong.
    published: BTreeSet<BatchId>,
    /// The folders that have a folder for each day.
    folders: Vec<Path>,
    /// Sealed files, whether a seal names them or not.
    sealed: BTreeMap<NaiveDate, Vec<Path>>,
    report: Report,
}

impl<'a> Sealing<'a> {
    /// Looks at the lake. Merging holds at most so many bytes; what is more is spilled to disk.
    pub async fn begin(
        lake: &'a Lake,
        engine: &'a Engine,
        memory_bytes_max: usize,
    ) -> Result<Self, SealError> {
        // Before any file is listed: of a batch that is marked by now, every file will be seen.
        let published = lake.published().await?.into_iter().collect();
        let mut folders: Vec<Path> = Table::ALL.map(|table| Path::from(table.name())).into();
        folders.extend(["ingest_log", "quarantine"].map(Path::from));
        let rollups = Path::from("rollups");
        let rollups = lake.store.list_with_delimiter(Some(&rollups)).await;
        folders.extend(rollups.map_err(LakeError::from)?.common_prefixes);
        let mut sealed: BTreeMap<_, Vec<Path>> = BTreeMap::new();
        let mut listed = lake.store.list(Some(&Path::from(SEALED)));
        while let Some(file) = listed.try_next().await.map_err(LakeError::from)? {
            if let Some(day) = day_of(&file.location) {
                sealed.entry(day).or_default().push(file.location);
            }
        }
        drop(listed);
        Ok(Self {
            lake,
            engine,
            sealed,
            sorter: Sorter::new(lake, memory_bytes_max)?,
            published,
            folders,
            report: Report::default(),
        })
    }

    /// The days that have files, from one to another if these are given.
    async fn days(
        &self,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<BTreeSet<NaiveDate>, SealError> {
        let mut listed = Vec::new();
        for folder in &self.folders {
            listed.push(self.days_of(folder));
        }
        let listed = stream::iter(listed).buffer_unordered(SEAL_READS_MAX);
        let listed: Vec<Vec<Path>> = listed.try_collect().await?;
        let mut days: BTreeSet<NaiveDate> = listed.iter().flatten().filter_map(day_of).collect();
        days.retain(|day| from.is_none_or(|from| *day >= from) && to.is_none_or(|to| *day <= to));
        Ok(days)
    }

    async fn days_of(&self, folder: &Path) -> Result<Vec<Path>, LakeError> {
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
        let days = self.days(from, to).await?;
        progress.days(days.len());
        for day in days {
            progress.day(day);
            self.seal(day, progress).await?;
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
