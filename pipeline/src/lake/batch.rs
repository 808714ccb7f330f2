//! A batch and its one decision: committed or abandoned.
//!
//! In: what was staged. Out: a decision that every worker reads the same way, because the first
//! one written stays. Must hold: a batch has at most one decision (I1).

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::create::{Created, create_if_absent, read};
use super::source::SourceId;
use super::{Lake, LakeError, protocol_path};
use crate::clock::Clock;

/// Letters of a UUID with hyphens.
const ID_LENGTH: usize = 36;

/// UUIDv7: ordered by the time it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchId(String);

impl BatchId {
    /// A new one.
    pub fn new(clock: &dyn Clock) -> Self {
        Self(clock.unique().to_string())
    }

    /// No batch that was opened at that time or later has a lower id.
    pub fn lowest_at(at: DateTime<Utc>) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
        Self(id.to_string())
    }

    /// The id that a decision is named by.
    pub fn parse(name: &str) -> Option<Self> {
        uuid::Uuid::try_parse(name).ok()?;
        Some(Self(name.to_owned()))
    }

    /// The batch that a published file is named after: `<batch>.parquet`, or `<batch>-<n>.parquet`.
    pub fn of_file(file: &Path) -> Option<Self> {
        let name = file.filename()?.strip_suffix(".parquet")?;
        let (id, rest) = name.split_at_checked(ID_LENGTH)?;
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_named = rest.is_empty() || rest.strip_prefix('-').is_some_and(is_part);
        is_named.then(|| Self::parse(id)).flatten()
    }

    /// When it was opened, as its worker's clock had it.
    pub fn opened_at(&self) -> Option<DateTime<Utc>> {
        let id = uuid::Uuid::try_parse(&self.0).ok()?;
        let (seconds, nanos) = id.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    }

    /// The id as a path part.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `_trailflow/batches/<batch>` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Decision {
    /// The batch counts.
    Committed {
        /// The worker that staged and committed it.
        worker: super::worker::Worker,
        /// When.
        at: DateTime<Utc>,
        /// What to publish.
        files: Vec<StagedFile>,
        /// The sources whose rows are in it, and no others.
        sources: Vec<SourceId>,
    },
    /// The batch never counts; its claims are void.
    Abandoned {
        /// Who decided so.
        by: super::worker::Worker,
        /// When.
        at: DateTime<Utc>,
    },
}

/// A file that waits to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Where it is.
    pub staged: String,
    /// Where readers will find it.
    pub published: String,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// How an attempt to commit ended.
#[derive(Debug)]
pub enum Commit {
    /// The batch counts.
    Committed(Vec<StagedFile>),
    /// Another worker had presumed this one dead and abandoned the batch. Nothing of it counts,
    /// and nothing may be acknowledged.
    Fenced,
}

impl Lake {
    /// The decision on a batch, if there is one.
    pub async fn decision(&self, batch: &BatchId) -> Result<Option<Decision>, LakeError> {
        let path = protocol_path(&["batches", batch.as_str()]);
        match read(self.store.as_ref(), &path).await? {
            Some(bytes) => parse(path.as_ref(), &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Step 3: makes the batch count.
    pub async fn commit(
        &self,
        batch: &BatchId,
        files: Vec<StagedFile>,
        sources: Vec<SourceId>,
    ) -> Result<Commit, LakeError> {
        let worker = self.worker.clone();
        let committed = Decision::Committed {
            worker,
            at: self.clock.now(),
            files: files.clone(),
            sources,
        };
        match self.decide(batch, &committed).await? {
            None => Ok(Commit::Committed(files)),
            // Only the owner of a batch commits it: a commit that is there is an earlier attempt
            // of this one whose reply was lost, perhaps with another time in it.
            Some(Decision::Committed { files, .. }) => Ok(Commit::Committed(files)),
            Some(Decision::Abandoned { .. }) => Ok(Commit::Fenced),
        }
    }

    /// Makes the batch void, unless it has been committed already: then that decision comes back.
    pub async fn abandon(&self, batch: &BatchId) -> Result<Option<Decision>, LakeError> {
        let abandoned = Decision::Abandoned {
            by: self.worker.clone(),
            at: self.clock.now(),
        };
        match self.decide(batch, &abandoned).await? {
            None | Some(Decision::Abandoned { .. }) => Ok(None),
            Some(committed) => Ok(Some(committed)),
        }
    }

    /// Writes a decision; an earlier one comes back.
    async fn decide(
        &self,
        batch: &BatchId,
        decision: &Decision,
    ) -> Result<Option<Decision>, LakeError> {
        let path = protocol_path(&["batches", batch.as_str()]);
        let bytes = json(path.as_ref(), decision)?;
        match create_if_absent(self.store.as_ref(), self.clock.as_ref(), &path, bytes).await? {
            Created::Ours => Ok(None),
            Created::Theirs(bytes) => parse(path.as_ref(), &bytes).map(Some),
        }
    }
}

pub(super) fn json(path: &str, value: &impl Serialize) -> Result<Bytes, LakeError> {
    match serde_json::to_vec(value) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(LakeError::Foreign {
            path: path.to_owned(),
            why: error.to_string(),
        }),
    }
}

pub(super) fn parse<'a, T: Deserialize<'a>>(path: &str, bytes: &'a Bytes) -> Result<T, LakeError> {
    serde_json::from_slice(bytes).map_err(|error| LakeError::Foreign {
        path: path.to_owned(),
        why: error.to_string(),
    })
}
