//! Claims: which batch a source belongs to.
//!
//! In: a source and the open batch. Out: ours, done already, or busy elsewhere.
//!
//! ```text
//!          ┌ none ──────────────────────────────→ create 0 ─→ mine
//! newest ──┤ its batch committed with the source → finish publishing ─→ done
//! claim    ├ its batch abandoned, or committed without the source → create n+1 ─→ mine
//!          └ undecided: young → busy; old or its process gone → abandon it, look again
//! ```
//!
//! Must hold: a source is claimed by the next batch only when the claim before it is void (I1).

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use serde::{Deserialize, Serialize};

use super::batch::{BatchId, Decision, json, parse};
use super::create::{Created, create_if_absent, read};
use super::source::SourceId;
use super::worker::Worker;
use super::{Lake, LakeError, protocol_path};
use crate::limits::{CLAIM_ATTEMPTS_MAX, LEASE_MAX};

/// What `_trailflow/claims/<source>/<n>` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    batch: BatchId,
    worker: Worker,
    at: DateTime<Utc>,
    /// How long it holds: its writer's, not its reader's. Missing: the reader's.
    #[serde(default)]
    lease_seconds: Option<u64>,
}

/// The answer to a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The source belongs to the batch that asked.
    Mine,
    /// A committed batch has it, and is published.
    Done {
        /// Just now, by this claim: whoever committed it had not come to that.
        published: bool,
    },
    /// Another worker is at it. Ask again after that time.
    Busy(Duration),
}

impl Lake {
    /// Step 1: claims a source for a batch.
    pub async fn claim(&self, source: &SourceId, batch: &BatchId) -> Result<Claimed, LakeError> {
        let mut next = 0_u64;
        for _ in 0..CLAIM_ATTEMPTS_MAX {
            let claim = Claim {
                batch: batch.clone(),
                worker: self.worker.clone(),
                at: self.clock.now(),
                lease_seconds: Some(self.lease.as_secs()),
            };
            let path = protocol_path(&["claims", source.as_str(), &next.to_string()]);
            let bytes = json(path.as_ref(), &claim)?;
            match create_if_absent(self.store.as_ref(), self.clock.as_ref(), &path, bytes).await? {
                Created::Ours => {
                    self.keep_first_claim(source, next).await;
                    return Ok(Claimed::Mine);
                }
                Created::Theirs(_) => {}
            }
            let (number, newest) = self.newest_claim(source, next).await?;
            if newest.batch == *batch {
                return Ok(Claimed::Mine);
            }
            if self.settled.has(&newest.batch, source) {
                return Ok(Claimed::Done { published: false });
            }
            match self.decision(&newest.batch).await? {
                Some(decision) => match self.follow(&newest.batch, source, &decision).await? {
                    Some(answer) => return Ok(answer),
                    None => next = number + 1,
                },
                None => match self.undecided(&newest).await? {
                    Some(wait) => return Ok(Claimed::Busy(wait)),
                    None => next = number,
                },
            }
        }
        // So many workers at one source: let them settle it.
        Ok(Claimed::Busy(self.lease))
    }

    /// Who asks whether a source is claimed begins with its first claim. A lifecycle rule takes that one first,
    /// and whoever came after it would find the source unclaimed, committed by a later claim or not: it is written
    /// anew, as it is, and is no older then than the one that counts.
    async fn keep_first_claim(&self, source: &SourceId, newest: u64) {
        if newest == 0 {
            return;
        }
        let path = protocol_path(&["claims", source.as_str(), "0"]);
        let kept = async {
            if let Some(bytes) = read(self.store.as_ref(), &path).await? {
                self.store.put(&path, bytes.into()).await?;
            }
            Ok::<_, LakeError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, claim = path.as_ref(), "not written anew: its source is recognised as long as this claim is kept");
        }
    }

    /// What a decision means for the source. Nothing: its claim is void.
    async fn follow(
        &self,
        batch: &BatchId,
        source: &SourceId,
        decision: &Decision,
    ) -> Result<Option<Claimed>, LakeError> {
        match decision {
            Decision::Committed { files, sources, .. } if sources.contains(source) => {
                let published = !self.is_published(batch).await?;
                if published {
                    self.publish(batch, files).await?;
                }
                self.settled.insert(batch, sources);
                Ok(Some(Claimed::Done { published }))
            }
            Decision::Committed { .. } | Decision::Abandoned { .. } => Ok(None),
        }
    }

    /// How long to wait for an undecided batch. Nothing: it was presumed dead and is decided now.
    async fn undecided(&self, claim: &Claim) -> Result<Option<Duration>, LakeError> {
        if !claim.worker.is_gone() {
            let mut wait = self.remaining(claim.at, claim.lease_seconds);
            if wait.is_zero()
                && let Some(renewal) = self.renewed(&claim.batch).await?
            {
                wait = self.remaining(renewal.at, renewal.lease_seconds);
            }
            if !wait.is_zero() {
                return Ok(Some(wait));
            }
        }
        // Committed after all: the caller looks again and sees that.
        if self.abandon(&claim.batch).await?.is_none() {
            // What the dead worker staged is of no use; a failure leaves it to the lifecycle rule.
            if let Err(error) = self.drop_batch_staging(&claim.batch).await {
                tracing::debug!(batch = %claim.batch, %error, "staging of an abandoned batch is left");
            }
        }
        Ok(None)
    }

    /// What is left of a lease that began at that time. One that begins in the future was written
    /// by a clock that is wrong, and is no longer believed than one from the past: nobody should
    /// wait for hours until that time has come.
    fn remaining(&self, at: DateTime<Utc>, lease_seconds: Option<u64>) -> Duration {
        let lease = lease_seconds.map_or(self.lease, Duration::from_secs);
        let age = self.clock.now().signed_duration_since(at).abs();
        lease
            .min(LEASE_MAX)
            .saturating_sub(age.to_std().unwrap_or_default())
    }

    /// How many workers were presumed dead, or were, while they had the source claimed: its claims
    /// whose batch somebody else abandoned.
    pub async fn deaths(&self, source: &SourceId) -> Result<usize, LakeError> {
        let folder = protocol_path(&["claims", source.as_str()]);
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let mut deaths = 0;
        for found in listed {
            let Some(bytes) = read(self.store.as_ref(), &found.location).await? else {
                continue;
            };
            let claim: Claim = parse(found.location.as_ref(), &bytes)?;
            if let Some(Decision::Abandoned { by, .. }) = self.decision(&claim.batch).await?
                && by != claim.worker
            {
                deaths += 1;
            }
        }
        Ok(deaths)
    }

    /// The claim with the highest number, which is at least `from`.
    async fn newest_claim(&self, source: &SourceId, from: u64) -> Result<(u64, Claim), LakeError> {
        let folder = protocol_path(&["claims", source.as_str()]);
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let numbers = listed
            .iter()
            .filter_map(|object| object.location.filename()?.parse().ok());
        let number = numbers.max().unwrap_or(from).max(from);
        let path = protocol_path(&["claims", source.as_str(), &number.to_string()]);
        match read(self.store.as_ref(), &path).await? {
            Some(bytes) => Ok((number, parse(path.as_ref(), &bytes)?)),
            None => Err(LakeError::Foreign {
                path: path.to_string(),
                why: String::from("the claim was there and is gone"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::ObjectStoreExt as _;
    use object_store::path::Path;

    use super::*;
    use crate::lake::batch::{Commit, StagedFile};
    use crate::object::{ObjectRef, Version};

    fn source() -> SourceId {
        let object = ObjectRef {
            bucket: String::from("bucket"),
            key: String::from("key"),
            version: Version::of_etag("e"),
            size_bytes: None,
            written_at: None,
        };
        SourceId::of(&object, 0).unwrap()
    }

    /// Another worker of the same lake, that has met nothing yet.
    fn beside(lake: &Lake) -> Lake {
        Lake {
            directory: None,
            settled: Arc::default(),
            ..lake.clone()
        }
    }

    #[tokio::test]
    async fn a_claim_holds_as_long_as_its_writer_says() {
        let slow = Lake {
            lease: Duration::from_mins(10),
            ..Lake::in_memory()
        };
        let hasty = Lake {
            lease: Duration::from_secs(1),
            ..beside(&slow)
        };
        let (theirs, ours) = (
            BatchId::new(slow.clock.as_ref()),
            BatchId::new(slow.clock.as_ref()),
        );
        let claimed = slow.claim(&source(), &theirs).await.unwrap();
        assert_eq!(claimed, Claimed::Mine);
        let Claimed::Busy(wait) = hasty.claim(&source(), &ours).await.unwrap() else {
            panic!("the claim of a living worker is taken over");
        };
        assert!(wait > Duration::from_mins(5), "{wait:?}");
    }

    #[tokio::test]
    async fn what_is_marked_as_published_is_not_looked_for_again() {
        let lake = Lake::in_memory();
        let batch = BatchId::new(lake.clock.as_ref());
        let file = StagedFile {
            staged: format!("_trailflow/staging/{batch}/cloudtrail/a.parquet"),
            published: String::from("cloudtrail/a.parquet"),
            rows: 1,
            bytes: 4,
        };
        let (staged, published) = (
            Path::from(file.staged.as_str()),
            Path::from(file.published.as_str()),
        );
        lake.claim(&source(), &batch).await.unwrap();
        lake.store.put(&staged, "rows".into()).await.unwrap();
        let committed = lake.commit(&batch, vec![file.clone()], vec![source()]);
        assert!(matches!(committed.await.unwrap(), Commit::Committed(_)));
        lake.publish(&batch, &[file]).await.unwrap();
        // A lifecycle rule takes old rows.
        lake.store.delete(&published).await.unwrap();
        let next = BatchId::new(lake.clock.as_ref());
        let again = beside(&lake).claim(&source(), &next).await.unwrap();
        assert_eq!(again, Claimed::Done { published: false });
        // Without the mark they might be lost, and nothing may be acknowledged.
        let mark = protocol_path(&["published", batch.as_str()]);
        lake.store.delete(&mark).await.unwrap();
        let unknown = beside(&lake).claim(&source(), &next).await;
        assert!(matches!(unknown, Err(LakeError::Gone { .. })));
    }
    #[tokio::test]
    async fn the_first_claim_is_no_older_than_the_one_that_counts() {
        let lake = Lake::in_memory();
        let first = protocol_path(&["claims", source().as_str(), "0"]);
        let (void, counts) = (
            BatchId::new(lake.clock.as_ref()),
            BatchId::new(lake.clock.as_ref()),
        );
        lake.claim(&source(), &void).await.unwrap();
        lake.abandon(&void).await.unwrap();
        let written = lake.store.head(&first).await.unwrap().last_modified;
        let claimed = lake.claim(&source(), &counts).await.unwrap();
        assert_eq!(claimed, Claimed::Mine);
        // What a lifecycle rule goes by; what it says is what it said.
        assert!(lake.store.head(&first).await.unwrap().last_modified > written);
        let said = read(lake.store.as_ref(), &first).await.unwrap().unwrap();
        let said: Claim = parse(first.as_ref(), &said).unwrap();
        assert_eq!(said.batch, void);
    }
}
