//! The lake's store as one worker sees it: S3 with its faults, over memory that all share.
//!
//! Must hold: a create-if-absent has one winner; a request that was carried out stays so, whatever
//! its reply says.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::time::Duration;

use super::life::{Fate, Life};

/// A request that fails may still land within this time.
pub(crate) const LATE_MAX: Duration = Duration::from_mins(10);

/// A store with faults.
#[derive(Debug, Clone)]
pub(crate) struct FaultyStore {
    pub(crate) shared: Arc<InMemory>,
    pub(crate) life: Arc<Life>,
    /// Claims are refused until there is peace.
    pub(crate) no_claims: bool,
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty store")
    }
}

fn failed() -> Error {
    Error::Generic {
        store: "simulated",
        source: "500 InternalError".into(),
    }
}

impl FaultyStore {
    /// A request that changes nothing: it fails, or it does not.
    async fn look<T>(&self, look: impl Future<Output = Result<T>>) -> Result<T> {
        let (step, fate) = self.life.step().await;
        let found = look.await;
        self.life.stepped(step).await;
        match fate {
            Fate::Done => found,
            _ => Err(failed()),
        }
    }

    /// A request that changes something, with every fate it may have.
    async fn change<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (step, fate) = self.life.step().await;
        let answer = match fate {
            Fate::Fails | Fate::Conflict => return Err(failed()),
            Fate::Late => {
                let after = LATE_MAX / 1000 * u32::try_from(self.life.below(1000)).unwrap();
                let later = self.life.time.sleep(after);
                // On its way already: it lands even if the worker is dead by then.
                tokio::spawn(async move {
                    later.await;
                    let _nobody_hears = change.await;
                });
                return Err(failed());
            }
            Fate::Done | Fate::ReplyLost => change.await,
        };
        self.life.stepped(step).await;
        if fate == Fate::ReplyLost {
            return Err(failed());
        }
        answer
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (shared, path) = (Arc::clone(&self.shared), location.clone());
        if options.mode == PutMode::Create {
            let (step, fate) = self.life.step().await;
            let is_claim = location.as_ref().starts_with("_trailflow/claims/");
            if self.no_claims && is_claim && !self.life.is_at_peace() {
                return Err(failed());
            }
            match fate {
                Fate::Fails => return Err(failed()),
                // S3's 409: `object_store` says that the key exists.
                Fate::Conflict => {
                    return Err(Error::AlreadyExists {
                        path: location.to_string(),
                        source: "409 ConditionalRequestConflict".into(),
                    });
                }
                Fate::Late => {
                    let after = LATE_MAX / 1000 * u32::try_from(self.life.below(1000)).unwrap();
                    let later = self.life.time.sleep(after);
                    tokio::spawn(async move {
                        later.await;
                        let _nobody_hears = shared.put_opts(&path, payload, options).await;
                    });
                    return Err(failed());
                }
                Fate::Done | Fate::ReplyLost => {}
            }
            let answer = shared.put_opts(&path, payload, options).await;
            self.life.stepped(step).await;
            return if fate == Fate::ReplyLost {
                Err(failed())
            } else {
                answer
            };
        }
        let put = async move { shared.put_opts(&path, payload, options).await };
        self.change(put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.shared.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.look(self.shared.get_opts(location, options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |path| {
                let store = store.clone();
                async move {
                    let path = path?;
                    let (shared, gone) = (Arc::clone(&store.shared), path.clone());
                    let delete = async move { shared.delete(&gone).await };
                    store.change(delete).await.map(|()| path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let list = store.shared.list(prefix.as_ref()).try_collect::<Vec<_>>();
            match store.look(list).await {
                Ok(found) => found.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        };
        listing.map(stream::iter).flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.look(self.shared.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (shared, from, to) = (Arc::clone(&self.shared), from.clone(), to.clone());
        let copy = async move { shared.copy_opts(&from, &to, options).await };
        self.change(copy).await
    }
}
