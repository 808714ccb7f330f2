//! The lake as readers see it: sealed files in the folders of those that they replace.
//!
//! In: a store. Out: the same store, whose listings leave out files that a seal replaces, and show in their
//! folder the sealed file that has their rows. Must hold: whoever lists a folder sees each row once, while files
//! are sealed and replaced ones are deleted: what a listing leaves out and what it shows instead comes of one
//! seal, and a file that a seal replaces stays for [`SEAL_KEEP`](crate::limits::SEAL_KEEP) (I12).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::NaiveDate;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _, future};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Mutex;

use super::seals::{self, Seal};
use crate::clock::Clock;
use crate::limits::{SEALS_KNOWN_FOR, SEALS_READ_AT_ONCE};

/// A store whose listings are sealed.
#[derive(Debug, Clone)]
pub struct AsSealed {
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
}

/// What was read of seals.
#[derive(Debug, Default)]
struct Known {
    listed_at: Option<Duration>,
    /// The newest of each day.
    newest: BTreeMap<NaiveDate, Path>,
    read: HashMap<Path, Arc<Seal>>,
}

/// The seals that a listing goes by.
#[derive(Debug, Default)]
struct Shown(BTreeMap<NaiveDate, Arc<Seal>>);

impl Shown {
    fn replaces(&self, file: &Path) -> bool {
        let seal = seals::day_of(file).and_then(|day| self.0.get(&day));
        seal.is_some_and(|seal| seal.replaces(file))
    }

    /// The sealed files, where they are shown.
    fn files<'a>(&'a self, prefix: Option<&'a Path>) -> impl Iterator<Item = ObjectMeta> + 'a {
        let files = self.0.values().flat_map(|seal| {
            let files = seal.files.iter();
            files.map(|file| file.listed_at(file.shown_at(), seal.at))
        });
        files.filter(move |file| prefix.is_none_or(|prefix| file.location.prefix_matches(prefix)))
    }
}

impl AsSealed {
    /// What this store holds, as sealed.
    pub fn new(store: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            known: Arc::default(),
        }
    }

    /// The seals of the day that a folder is of, or of every day.
    async fn seals(&self, prefix: Option<&Path>) -> Result<Shown> {
        let mut known = self.known.lock().await;
        let now = self.clock.elapsed();
        let is_fresh = |at: Duration| now.saturating_sub(at) < SEALS_KNOWN_FOR;
        if !known.listed_at.is_some_and(is_fresh) {
            let listed = seals::generations(self.store.as_ref(), None).await?;
            let dated = listed
                .into_iter()
                .filter_map(|path| Some((seals::day_of(&path)?, path)));
            // In order: the last of a day stays.
            known.newest = dated.collect();
            known.listed_at = Some(now);
            let newest: BTreeSet<Path> = known.newest.values().cloned().collect();
            known.read.retain(|path, _| newest.contains(path));
        }
        let day = prefix.and_then(seals::day_of);
        let is_wanted = |of: &NaiveDate| day.is_none_or(|day| day == *of);
        let wanted: Vec<(NaiveDate, Path)> = known
            .newest
            .iter()
            .filter(|(of, _)| is_wanted(of))
            .map(|(of, path)| (*of, path.clone()))
            .collect();
        let unread = wanted
            .iter()
            .map(|(_, path)| path.clone())
            .filter(|path| !known.read.contains_key(path));
        let unread: Vec<Path> = unread.collect();
        let mut read = stream::iter(unread)
            .map(|path| self.read(path))
            .buffer_unordered(SEALS_READ_AT_ONCE);
        while let Some((path, seal)) = read.try_next().await? {
            known.read.insert(path, Arc::new(seal));
        }
        let shown = wanted
            .into_iter()
            .filter_map(|(day, path)| Some((day, Arc::clone(known.read.get(&path)?))));
        Ok(Shown(shown.collect()))
    }

    async fn read(&self, path: Path) -> Result<(Path, Seal)> {
        let seal = seals::seal_at(self.store.as_ref(), &path).await;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            let store = "seals";
            object_store::Error::Generic { store, source }
        };
        match seal {
            Ok(Some(seal)) => Ok((path, seal)),
            // Only what is days older than the newest is deleted.
            Ok(None) => Err(failed(format!("{path} was listed, and is gone").into())),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// A listing of the store, and what is shown in place of what it leaves out.
    async fn listed(
        self,
        prefix: Option<Path>,
        after: Option<Path>,
    ) -> Result<BoxStream<'static, Result<ObjectMeta>>> {
        let shown = self.seals(prefix.as_ref()).await?;
        let mut sealed: Vec<_> = shown.files(prefix.as_ref()).collect();
        let stored = match &after {
            Some(after) => {
                sealed.retain(|file| file.location > *after);
                self.store.list_with_offset(prefix.as_ref(), after)
            }
            None => self.store.list(prefix.as_ref()),
        };
        let live = stored.try_filter(move |file| future::ready(!shown.replaces(&file.location)));
        Ok(stream::iter(sealed.into_iter().map(Ok)).chain(live).boxed())
    }
}

#[async_trait]
impl ObjectStore for AsSealed {
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.clone().listed(prefix.cloned(), None);
        stream::once(listed).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.clone().listed(prefix.cloned(), Some(offset.clone()));
        stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let shown = self.seals(prefix).await?;
        let mut listed = self.store.list_with_delimiter(prefix).await?;
        listed
            .objects
            .retain(|file| !shown.replaces(&file.location));
        let mut folders: BTreeSet<Path> = listed.common_prefixes.into_iter().collect();
        let root = Path::default();
        let folder = prefix.unwrap_or(&root);
        for file in shown.files(prefix) {
            let below = file.location.prefix_match(folder);
            let below: Vec<_> = below.into_iter().flatten().take(2).collect();
            match below.as_slice() {
                [child, _] => _ = folders.insert(folder.clone().join(child.clone())),
                _ => listed.objects.push(file),
            }
        }
        listed.common_prefixes = folders.into_iter().collect();
        Ok(listed)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let stored = seals::stored_at(location);
        let location = stored.as_ref().unwrap_or(location);
        self.store.get_opts(location, options).await
    }

    /// As the store reads parts of a file best.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let stored = seals::stored_at(location);
        let location = stored.as_ref().unwrap_or(location);
        self.store.get_ranges(location, ranges).await
    }

    async fn put_opts(
        &self,
        location: &Path,
        bytes: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.store.put_opts(location, bytes, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

impl fmt::Display for AsSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsSealed({})", self.store)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use object_store::memory::InMemory;
    use object_store::{GetRange, ObjectStoreExt as _};

    use super::*;
    use crate::clock::SystemClock;
    use crate::lake::Lake;
    use crate::lake::batch::BatchId;
    use crate::lake::seals::{SealedFile, sealed_path};

    const FOLDER: &str = "rollups/denies/event_date=2026-01-05";

    fn batch(number: u8) -> BatchId {
        BatchId::parse(&format!("0199b2ae-7c00-7000-8000-00000000000{number}")).unwrap()
    }

    /// Three published files, of which the first two are sealed, and a folder of a day whose files are gone.
    async fn lake() -> (Lake, Path) {
        let lake = Lake::in_memory();
        for number in 1..=3 {
            let path = Path::from(format!("{FOLDER}/{}.parquet", batch(number)));
            lake.store.put(&path, "published".into()).await.unwrap();
        }
        let old = FOLDER.replace("05", "04");
        let mut paths = Vec::new();
        for (day, folder) in [("2026-01-05", FOLDER), ("2026-01-04", old.as_str())] {
            let path = sealed_path(folder, &batch(2), batch(9).as_str(), 0);
            let stored = Path::from(path.as_str());
            lake.store.put(&stored, "sealed rows".into()).await.unwrap();
            let file = SealedFile {
                path,
                rows: 1,
                bytes: 11,
            };
            paths.push(file.shown_at());
            let seal = Seal {
                day: day.parse().unwrap(),
                generation: 1,
                at: DateTime::UNIX_EPOCH,
                by: lake.worker.clone(),
                files: vec![file],
                batches: [batch(1), batch(2)].into(),
                unsealed: BTreeSet::new(),
            };
            assert!(lake.create_seal(&seal).await.unwrap());
        }
        (lake, paths.remove(0))
    }

    #[tokio::test]
    async fn a_folder_shows_the_sealed_file_in_place_of_those_that_it_replaces() {
        let (lake, sealed) = lake().await;
        let store = AsSealed::new(lake.store, Arc::new(SystemClock));
        let third = Path::from(format!("{FOLDER}/{}.parquet", batch(3)));
        let (folder, table) = (Path::from(FOLDER), Path::from("rollups/denies"));
        let after = |number| Path::from(format!("{FOLDER}/{}", batch(number)));
        let listed = async |prefix: &Path, after: Option<&Path>| {
            let listed = match after {
                Some(after) => store.list_with_offset(Some(prefix), after),
                None => store.list(Some(prefix)),
            };
            let listed = listed.map_ok(|file| file.location);
            listed.try_collect::<BTreeSet<Path>>().await.unwrap()
        };
        let both = BTreeSet::from([sealed.clone(), third.clone()]);
        assert_eq!(listed(&folder, None).await, both);
        assert_eq!(listed(&table, None).await.len(), 3);
        // By the newest batch that is in it.
        assert_eq!(listed(&folder, Some(&after(2))).await, both);
        assert_eq!(
            listed(&folder, Some(&after(3))).await,
            BTreeSet::from([third])
        );
        let days = store.list_with_delimiter(Some(&table)).await.unwrap();
        assert_eq!(days.common_prefixes.len(), 2, "a day that is all sealed");
        let files = store.list_with_delimiter(Some(&folder)).await.unwrap();
        let files = files.objects.into_iter().map(|file| file.location);
        assert_eq!(files.collect::<BTreeSet<Path>>(), both);

        assert_eq!(store.head(&sealed).await.unwrap().size, 11);
        let parts = store.get_ranges(&sealed, &[0..6, 7..11]).await.unwrap();
        assert_eq!(parts, ["sealed", "rows"]);
        let options = GetOptions {
            range: Some(GetRange::Suffix(4)),
            ..GetOptions::default()
        };
        let end = store.get_opts(&sealed, options).await.unwrap();
        assert_eq!(end.bytes().await.unwrap(), "rows");
    }

    #[tokio::test]
    async fn a_lake_without_seals_is_shown_as_it_is() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from(format!("{FOLDER}/{}.parquet", batch(1)));
        store.put(&path, "published".into()).await.unwrap();
        let sealed = AsSealed::new(store, Arc::new(SystemClock));
        let listed: Vec<ObjectMeta> = sealed.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(sealed.get(&path).await.unwrap().meta.size, 9);
    }
}
