//! Tries what the lake leans on, on an object of its own that it removes again.
//!
//! In: a lake. Out: for each thing that its store must do, whether it does. Must hold: nothing is touched but
//! `_trailflow/staging/doctor-…`: there a worker may delete, no reader looks, and lifecycle rules take what is left
//! by one that is killed.

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, PutMode, PutOptions, PutPayload};

use super::{Lake, LakeError, create, protocol_path};

/// What is asked of the store, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To create what is not there.
    Create,
    /// Not to create what is there.
    Refuse,
    /// To give what was created.
    Read,
    /// To list it.
    List,
    /// To copy it, as a file is published.
    Copy,
    /// To delete both.
    Delete,
}

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What it must.
    AsItMust,
    /// Something else.
    Otherwise(&'static str),
}

/// Takes each answer as it comes.
pub type Tell<'t> = &'t mut dyn FnMut(Asked, Result<Answer, LakeError>);

const FIRST: &[u8] = b"trailflow doctor: may be deleted";
const SECOND: &[u8] = b"trailflow doctor: must not be here";

impl Asked {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Refuse => "create again",
            Self::Read => "read",
            Self::List => "list",
            Self::Copy => "copy",
            Self::Delete => "delete",
        }
    }
}

impl Lake {
    /// Asks the store for all of it. What needs an object that could not be created is not asked.
    pub async fn probe(&self, tell: Tell<'_>) {
        let name = format!("doctor-{}", self.clock.unique());
        let path = |file| protocol_path(&["staging", &name, file]);
        let (probe, copy) = (path("probe"), path("copy"));
        match self.put_new(&probe, FIRST).await {
            // Its name is nobody else's: what is there already came by a try whose reply was lost.
            Ok(_) => tell(Asked::Create, Ok(Answer::AsItMust)),
            Err(error) => return tell(Asked::Create, Err(error)),
        }
        let refused = self.put_new(&probe, SECOND).await;
        let is_exclusive = matches!(refused, Ok(false));
        tell(
            Asked::Refuse,
            refused.map(|overwritten| {
                if overwritten {
                    Answer::Otherwise("what was there was overwritten")
                } else {
                    Answer::AsItMust
                }
            }),
        );
        if is_exclusive {
            tell(Asked::Read, self.reads(&probe).await);
            tell(Asked::List, self.lists(&name, &probe).await);
            let copied = self.give_name(&probe, &copy).await;
            tell(
                Asked::Copy,
                copied.map(|()| Answer::AsItMust).map_err(LakeError::from),
            );
        }
        let deleted = match self.delete_if_there(&copy).await {
            Ok(()) => self.delete_if_there(&probe).await,
            failed => failed,
        };
        if let Some(root) = &self.directory {
            // Empty by now; what is not stays.
            let _kept =
                tokio::fs::remove_dir(root.join(protocol_path(&["staging", &name]).as_ref())).await;
        }
        tell(Asked::Delete, deleted.map(|()| Answer::AsItMust));
    }

    /// Whether it was put there now.
    async fn put_new(&self, path: &Path, bytes: &'static [u8]) -> Result<bool, LakeError> {
        let options = PutOptions::from(PutMode::Create);
        match self
            .store
            .put_opts(path, PutPayload::from_static(bytes), options)
            .await
        {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn reads(&self, path: &Path) -> Result<Answer, LakeError> {
        let found = create::read(self.store.as_ref(), path).await?;
        Ok(match found {
            Some(bytes) if bytes == Bytes::from_static(FIRST) => Answer::AsItMust,
            Some(_) => Answer::Otherwise("other bytes than were written came back"),
            None => Answer::Otherwise("what was created is not there"),
        })
    }

    async fn lists(&self, name: &str, path: &Path) -> Result<Answer, LakeError> {
        let folder = protocol_path(&["staging", name]);
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let is_there = listed.iter().any(|found| found.location == *path);
        Ok(if is_there {
            Answer::AsItMust
        } else {
            Answer::Otherwise("what was created is not listed")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_does_it_all_is_left_as_it_was() {
        let lake = Lake::in_memory();
        let mut told = Vec::new();
        lake.probe(&mut |asked, answer| told.push((asked, answer.unwrap())))
            .await;
        let asked = [
            Asked::Create,
            Asked::Refuse,
            Asked::Read,
            Asked::List,
            Asked::Copy,
            Asked::Delete,
        ];
        assert_eq!(told, asked.map(|asked| (asked, Answer::AsItMust)));
        let left: Vec<_> = lake.store.list(None).try_collect().await.unwrap();
        assert_eq!(left, []);
    }
}
