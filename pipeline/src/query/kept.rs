//! Published files that are asked for again and again, read once.
//!
//! In: a store. Out: the same store, that remembers the small files which were read. Must hold: what is kept
//! never changes (a file is published once, under a name of its own); the files kept are bounded in bytes,
//! and the longest unused go first; whoever reads gets the bytes that the store would give.
//!
//! A signal over rollups reads the files of an hour or a day every few minutes, and each of them in three parts:
//! its end, its footer, its columns. A GET of a whole file costs what a GET of a part of it costs.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheValue};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

use crate::limits::SCHEDULE_FILE_BYTES_MAX;

/// The files that are remembered.
pub(super) struct KeptFiles(DefaultCache<Path, Kept>);

/// What is remembered of a file.
#[derive(Clone)]
enum Kept {
    Whole(ObjectMeta, Bytes),
    /// It is too large to be kept.
    Large,
}

impl CacheValue for Kept {
    fn size(&self) -> usize {
        let content = match self {
            Self::Whole(_, bytes) => bytes.len(),
            Self::Large => 0,
        };
        size_of::<Self>() + content
    }
}

impl KeptFiles {
    /// As many as fit into so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self(DefaultCache::new(bytes_max))
    }
}

impl fmt::Debug for KeptFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptFiles").field(&self.0.len()).finish()
    }
}

/// A store whose small files are kept once they were read.
#[derive(Debug)]
pub(super) struct KeepingStore {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) files: Arc<KeptFiles>,
}

impl KeepingStore {
    /// The file, from memory or from the store.
    async fn kept(&self, location: &Path) -> Result<Kept> {
        if let Some(kept) = self.files.0.get(location) {
            return Ok(kept);
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(0..SCHEDULE_FILE_BYTES_MAX)),
            ..GetOptions::default()
        };
        let read = self.store.get_opts(location, options).await?;
        let kept = if read.meta.size > SCHEDULE_FILE_BYTES_MAX {
            Kept::Large
        } else {
            let meta = read.meta.clone();
            // Of its own: what came may be a part of the connection's much larger buffer.
            Kept::Whole(meta, Bytes::copy_from_slice(&read.bytes().await?))
        };
        self.files.0.put(location, kept.clone());
        Ok(kept)
    }
}

/// Whether the request is for bytes, and no more than that.
fn is_plain(options: &GetOptions) -> bool {
    let GetOptions {
        if_match: None,
        if_none_match: None,
        if_modified_since: None,
        if_unmodified_since: None,
        version: None,
        head: false,
        ..
    } = options
    else {
        return false;
    };
    true
}

/// The part of a file that is asked for.
fn part(meta: ObjectMeta, bytes: &Bytes, range: Range<u64>) -> GetResult {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let content = bytes.slice(place(range.start)..place(range.end));
    GetResult {
        payload: GetResultPayload::Stream(async { Ok(content) }.into_stream().boxed()),
        meta,
        range,
        attributes: Attributes::default(),
    }
}

#[async_trait]
impl ObjectStore for KeepingStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !is_plain(&options) {
            return self.store.get_opts(location, options).await;
        }
        let Kept::Whole(meta, bytes) = self.kept(location).await? else {
            return self.store.get_opts(location, options).await;
        };
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => match range.as_range(meta.size) {
                Ok(range) => range,
                // The store says what is wrong with it.
                Err(_) => return self.store.get_opts(location, options).await,
            },
        };
        Ok(part(meta, &bytes, range))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| Err(read_only("delete"))).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

/// Nobody writes through it, so that nothing that is kept changes under it.
fn read_only(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: String::from("KeepingStore"),
    }
}

impl fmt::Display for KeepingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeepingStore({})", self.store)
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn small_files_are_read_once_and_large_ones_in_parts() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (small, large) = (Path::from("small"), Path::from("large"));
        let size = usize::try_from(SCHEDULE_FILE_BYTES_MAX).unwrap() + 1;
        let content = |byte: u8, size: usize| PutPayload::from(vec![byte; size]);
        store
            .put(&small, PutPayload::from("0123456789"))
            .await
            .unwrap();
        store.put(&large, content(1, size)).await.unwrap();
        let keeping = KeepingStore {
            store: Arc::clone(&store),
            files: Arc::new(KeptFiles::new(1 << 20)),
        };
        let read = async |location: &Path, range: GetRange| {
            let options = GetOptions {
                range: Some(range),
                ..GetOptions::default()
            };
            let found = keeping.get_opts(location, options).await?;
            let range = found.range.clone();
            Ok::<_, object_store::Error>((range, found.bytes().await?))
        };
        let suffix = read(&small, GetRange::Suffix(3)).await.unwrap();
        assert_eq!(suffix, (7..10, Bytes::from("789")));
        read(&large, GetRange::Bounded(0..2)).await.unwrap();
        // What is published does not change: here it does, to see who is asked.
        store
            .put(&small, PutPayload::from("changed"))
            .await
            .unwrap();
        store.put(&large, content(2, size)).await.unwrap();
        let middle = read(&small, GetRange::Bounded(2..5)).await.unwrap();
        assert_eq!(middle, (2..5, Bytes::from("234")));
        let all = read(&small, GetRange::Bounded(8..99)).await.unwrap();
        assert_eq!(all, (8..10, Bytes::from("89")));
        let anew = read(&large, GetRange::Bounded(0..2)).await.unwrap();
        assert_eq!(anew.1, Bytes::from(vec![2, 2]));
        assert!(read(&small, GetRange::Offset(11)).await.is_err());
        let gone = Path::from("gone");
        let gone = read(&gone, GetRange::Bounded(0..1)).await;
        assert!(matches!(gone, Err(object_store::Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn the_longest_unused_goes_first() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let keeping = KeepingStore {
            store: Arc::clone(&store),
            files: Arc::new(KeptFiles::new(40_000)),
        };
        let name = |number: u8| Path::from(format!("{number}"));
        for number in 0..3 {
            let content = PutPayload::from(vec![number; 15_000]);
            store.put(&name(number), content).await.unwrap();
            keeping.get(&name(number)).await.unwrap();
            keeping.get(&name(0)).await.unwrap();
        }
        let kept = [0, 1, 2].map(|number| keeping.files.0.contains_key(&name(number)));
        assert_eq!(kept, [true, false, true]);
    }
}
