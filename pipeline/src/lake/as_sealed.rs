//! The lake as readers see it: sealed files in the folders of those that they replace.
//!
//! In: a store. Out: the same store, whose listings leave out files that a seal replaces, and show in their
//! folder the sealed file that has their rows. Must hold: whoever lists a folder sees each row once, while files
//! are sealed and replaced ones are deleted: what a listing leaves out and what it shows instead comes of one
//! seal, and a file that a seal replaces stays for [`SEAL_KEEP`](crate::limits::SEAL_KEEP) (I12).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
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
            seal.files.iter().map(|file| ObjectMeta {
                location: file.shown_at(),
                last_modified: seal.at,
                size: file.bytes,
                e_tag: None,
                version: None,
            })
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
