//! Seals: which files of a day are read in place of which.
//!
//! ```text
//! seals/event_date=YYYY-MM-DD/<generation>.json            create-if-absent; the newest counts
//! sealed/<table>/event_date=…/<batch>-<id>.sealed.parquet  read when the newest seal of its day names it
//! ```
//!
//! In: what was merged. Out: a seal. Must hold: seals of a day follow each other one by one, because each is
//! created where none was (I12); a file is replaced if it belongs to a batch that the seal names, and the seal
//! does not except it.
//!
//! The day is that of the folder, also of those that name theirs `ingest_date`.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde::{Deserialize, Serialize};

use super::batch::{BatchId, json};
use super::create::{Created, create_if_absent, read};
use super::worker::Worker;
use super::{Lake, LakeError};

/// The folder of the seals. It does not begin with an underscore: engines that read them pass over such.
pub const SEALS: &str = "seals";
/// The folder of sealed files: readers that glob a table's folder do not see them beside what they replace.
pub const SEALED: &str = "sealed";
/// How the name of a sealed file ends.
const SEALED_END: &str = ".sealed.parquet";

/// One generation of a day: all that is replaced in it, not only what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The day.
    pub day: NaiveDate,
    /// Its number, from 1.
    pub generation: u32,
    /// When. Engines that know nothing of this order of things go by it some minutes later.
    #[serde(rename = "sealed_at")]
    pub at: DateTime<Utc>,
    /// Who, so that two that were made at once differ.
    pub by: Worker,
    /// What is read in place of the files that are replaced.
    pub files: Vec<SealedFile>,
    /// Batches whose files of this day are replaced.
    pub batches: BTreeSet<BatchId>,
    /// Files of those batches that are not.
    pub unsealed: BTreeSet<String>,
}

/// A file that holds the rows of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Where it is, below the lake's root.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

impl Seal {
    /// Whether the rows of this published file are in a sealed one.
    pub fn replaces(&self, file: &Path) -> bool {
        BatchId::of_file(file).is_some_and(|batch| self.batches.contains(&batch))
            && !self.unsealed.contains(file.as_ref())
    }
}

impl SealedFile {
    /// As a listing would tell of it, if it stood at that place.
    pub fn listed_at(&self, location: Path, last_modified: DateTime<Utc>) -> ObjectMeta {
        ObjectMeta {
            location,
            last_modified,
            size: self.bytes,
            e_tag: None,
            version: None,
        }
    }

    /// Where it stands among the files that it replaces, for readers that are shown one folder.
    pub fn shown_at(&self) -> Path {
        let below = self.path.strip_prefix(SEALED).unwrap_or(&self.path);
        Path::from(below.trim_start_matches('/'))
    }
}

/// Where a sealed file is that is shown at this path; nothing if it is none.
pub fn stored_at(shown: &Path) -> Option<Path> {
    shown
        .as_ref()
        .ends_with(SEALED_END)
        .then(|| Path::from(format!("{SEALED}/{shown}")))
}

/// The path of a new sealed file of a folder. Readers that look for what was written since a time go by the batch
/// in front, the newest whose rows are in it; `name` is nobody else's, and says when it was begun.
pub fn sealed_path(folder: &str, newest: &BatchId, name: &str, part: usize) -> String {
    let part = match part {
        0 => String::new(),
        part => format!("-{part}"),
    };
    format!("{SEALED}/{folder}/{newest}-{name}{part}{SEALED_END}")
}

/// The name in the path of a sealed file: a UUIDv7 of the time at which it was begun.
pub fn begun_as(sealed: &Path) -> Option<BatchId> {
    let name = sealed.filename()?.get(37..73)?;
    BatchId::parse(name)
}

/// The newest batch whose rows are in a file, sealed or not, by its name.
pub fn newest_in(file: &Path) -> Option<BatchId> {
    BatchId::of_file(file).or_else(|| BatchId::parse(file.filename()?.get(..36)?))
}

/// The day of the folder that a file is in.
pub fn day_of(path: &Path) -> Option<NaiveDate> {
    path.parts().find_map(|part| {
        let (name, day) = part.as_ref().split_once('=')?;
        matches!(name, "event_date" | "ingest_date")
            .then(|| day.parse().ok())
            .flatten()
    })
}

fn folder_of(day: NaiveDate) -> Path {
    Path::from(format!("{SEALS}/event_date={day}"))
}

fn path_of(day: NaiveDate, generation: u32) -> Path {
    Path::from(format!("{}/{generation:08}.json", folder_of(day)))
}

/// The generations of every day, or of one, oldest first.
pub async fn generations(
    store: &dyn ObjectStore,
    day: Option<NaiveDate>,
) -> object_store::Result<Vec<Path>> {
    let folder = day.map_or_else(|| Path::from(SEALS), folder_of);
    let listed = store.list(Some(&folder));
    let mut paths: Vec<Path> = listed.map_ok(|found| found.location).try_collect().await?;
    paths.retain(|path| path.extension() == Some("json"));
    paths.sort();
    Ok(paths)
}

/// Reads a seal; nothing when it is gone, because a later one made it needless.
pub async fn seal_at(store: &dyn ObjectStore, path: &Path) -> Result<Option<Seal>, LakeError> {
    let Some(bytes) = read(store, path).await? else {
        return Ok(None);
    };
    let seal = serde_json::from_slice(&bytes);
    seal.map(Some).map_err(|error| LakeError::Foreign {
        path: path.to_string(),
        why: error.to_string(),
    })
}

impl Lake {
    /// Deletes objects, in requests for many; those that are gone are no error.
    pub async fn delete(&self, paths: Vec<Path>) -> Result<(), LakeError> {
        let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(paths);
        while let Some(one) = deleted.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes a seal the newest of its day. False: another of this generation was first, and this one is none.
    pub async fn create_seal(&self, seal: &Seal) -> Result<bool, LakeError> {
        let path = path_of(seal.day, seal.generation);
        let bytes = json(path.as_ref(), seal)?;
        let clock = self.clock.as_ref();
        let created = create_if_absent(self.store.as_ref(), clock, &path, bytes).await?;
        Ok(created == Created::Ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = "0199b2ae-7c00-7000-8000-000000000001";
    const OTHER: &str = "0199b2ae-7c00-7000-8000-000000000002";

    fn seal(unsealed: &[&str]) -> Seal {
        Seal {
            day: NaiveDate::from_ymd_opt(2026, 1, 5).unwrap(),
            generation: 1,
            at: DateTime::UNIX_EPOCH,
            by: Worker::this_process(),
            files: Vec::new(),
            batches: BTreeSet::from([BatchId::parse(BATCH).unwrap()]),
            unsealed: unsealed.iter().copied().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn a_file_is_replaced_by_its_batch_unless_it_is_excepted() {
        let file = |name: &str| Path::from(format!("flow_logs/event_date=2026-01-05/{name}"));
        let kept = file(&format!("{BATCH}-1.parquet"));
        let seal = seal(&[kept.as_ref()]);
        for (name, expected) in [
            (format!("{BATCH}.parquet"), true),
            (format!("{BATCH}-2.parquet"), true),
            (format!("{BATCH}-1.parquet"), false),
            (format!("{OTHER}.parquet"), false),
            (format!("{BATCH}.csv"), false),
            (format!("{BATCH}-{OTHER}.sealed.parquet"), false),
            (String::from("somebody.parquet"), false),
        ] {
            assert_eq!(seal.replaces(&file(&name)), expected, "{name}");
        }
    }

    #[test]
    fn a_sealed_file_is_shown_in_the_folder_that_it_stands_for() {
        let folder = "rollups/denies/event_date=2026-01-05";
        let newest = BatchId::parse(BATCH).unwrap();
        for part in [0, 3] {
            let path = sealed_path(folder, &newest, OTHER, part);
            let file = SealedFile {
                path: path.clone(),
                rows: 1,
                bytes: 1,
            };
            let shown = file.shown_at();
            assert!(shown.as_ref().starts_with(folder), "{shown}");
            assert_eq!(stored_at(&shown), Some(Path::from(path.as_str())));
            assert_eq!(begun_as(&Path::from(path)), BatchId::parse(OTHER));
        }
        let published = Path::from(format!("{folder}/{BATCH}.parquet"));
        assert_eq!(stored_at(&published), None);
        assert_eq!(day_of(&published), Some(seal(&[]).day));
        let log = Path::from(format!("ingest_log/ingest_date=2026-01-05/{BATCH}.parquet"));
        assert_eq!(day_of(&log), Some(seal(&[]).day));
        assert_eq!(day_of(&Path::from("rollups/denies/x.parquet")), None);
    }

    #[tokio::test]
    async fn one_of_two_that_are_made_at_once_is_the_next() {
        let lake = Lake::in_memory();
        let (first, second) = (seal(&[]), seal(&["x"]));
        assert!(lake.create_seal(&first).await.unwrap());
        // Its reply may have been lost.
        assert!(lake.create_seal(&first).await.unwrap());
        assert!(!lake.create_seal(&second).await.unwrap());
        let paths = generations(lake.store.as_ref(), None).await.unwrap();
        let read = seal_at(lake.store.as_ref(), &paths[0]).await.unwrap();
        assert_eq!((paths.len(), read), (1, Some(first)));
    }
}
