//! Create-if-absent: the one primitive that exactness rests on.
//!
//! In: a path and the bytes that should be there first. Out: whether they are, or whose are.
//!
//! Must hold: "exists" is never believed without reading the key back. S3 answers 409 to a racing
//! create although the key may stay absent, and a PUT that timed out may have landed.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

use super::LakeError;
use crate::clock::Clock;
use crate::limits::{CREATE_ATTEMPTS_MAX, CREATE_PAUSE};

/// Who was first.
#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    /// The bytes at the path are ours, by this call or by an earlier one whose reply was lost.
    Ours,
    /// Others were first; these are their bytes.
    Theirs(Bytes),
}

/// Puts `bytes` at `path` unless something is there. The bytes must name their writer, so that
/// two writers never have the same ones.
pub async fn create_if_absent(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    path: &Path,
    bytes: Bytes,
) -> Result<Created, LakeError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let options = PutOptions::from(PutMode::Create);
        let put = store.put_opts(path, PutPayload::from(bytes.clone()), options);
        let Err(error) = put.await else {
            return Ok(Created::Ours);
        };
        match read(store, path).await? {
            Some(found) if found == bytes => return Ok(Created::Ours),
            Some(found) => return Ok(Created::Theirs(found)),
            // Nothing there: the create was refused for a conflict, or it failed. Try again.
            None if attempt < CREATE_ATTEMPTS_MAX => {
                tracing::debug!(%path, %error, attempt, "create-if-absent: not there yet");
                clock.sleep(CREATE_PAUSE.saturating_mul(attempt)).await;
            }
            None => return Err(error.into()),
        }
    }
}

/// Whether the store refuses to create what is there. Two requests in a new lake, one in others.
pub async fn is_exclusive(store: &dyn ObjectStore, path: &Path) -> Result<bool, LakeError> {
    for _ in 0..2 {
        let options = PutOptions::from(PutMode::Create);
        let put = store.put_opts(
            path,
            PutPayload::from_static(b"conditional writes"),
            options,
        );
        match put.await {
            Ok(_) => {}
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The bytes at `path`, or nothing when there are none.
pub async fn read(store: &dyn ObjectStore, path: &Path) -> Result<Option<Bytes>, LakeError> {
    match store.get(path).await {
        Ok(found) => Ok(Some(found.bytes().await?)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn a_store_that_keeps_what_is_there_is_exclusive_from_the_first_time() {
        let (store, path) = (InMemory::new(), Path::from("a/b"));
        for _ in 0..2 {
            assert!(is_exclusive(&store, &path).await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_first_writer_wins_and_knows_itself() {
        let store = InMemory::new();
        let path = Path::from("a/b");
        let mine = Bytes::from_static(b"mine");
        let theirs = Bytes::from_static(b"theirs");
        assert_eq!(
            create_if_absent(&store, &SystemClock, &path, mine.clone())
                .await
                .unwrap(),
            Created::Ours
        );
        assert_eq!(
            create_if_absent(&store, &SystemClock, &path, mine.clone())
                .await
                .unwrap(),
            Created::Ours
        );
        assert_eq!(
            create_if_absent(&store, &SystemClock, &path, theirs)
                .await
                .unwrap(),
            Created::Theirs(mine)
        );
    }
}
