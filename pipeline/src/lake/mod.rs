//! The lake: Parquet that readers glob, and the few small objects that make it exact.
//!
//! In: rows, and the sources they came from. Out: files under `<table>/…`, once.
//!
//! ```text
//! claim ─ stage ─ commit ─ publish
//!   │       │        │        ├ <table>/event_date=…/event_hour=…/<batch>.parquet
//!   │       │        │        └ _trailflow/published/<batch>
//!   │       │        └ _trailflow/batches/<batch>          create-if-absent
//!   │       └ _trailflow/staging/<batch>/…
//!   └ _trailflow/claims/<source>/<n>                        create-if-absent
//! ```
//!
//! Must hold: a source is in at most one committed batch (I1); what readers see is committed (I2).

pub mod as_sealed;
pub mod batch;
pub mod claim;
pub mod committed;
mod copied;
pub mod create;
mod directory;
mod encoding;
pub mod file;
pub mod ingest_log;
mod partition;
pub mod probe;
pub mod publish;
mod renewal;
mod settled;
pub mod seals;
pub mod source;
pub mod staging;
pub mod store;
mod trouble;
pub mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::causes::told;
use crate::clock::Clock;
pub use encoding::Encodings;
pub use settled::Settled;
pub use trouble::Trouble;
use worker::Worker;

/// A handle on one lake, as one worker uses it.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Where the objects are; paths are relative to the lake's root.
    pub store: Arc<dyn ObjectStore>,
    /// Its root, where it is a directory.
    pub directory: Option<PathBuf>,
    /// Who this is, for the claims.
    pub worker: Worker,
    /// How long a claim without a decision holds off others.
    pub lease: Duration,
    /// For the times in claims and decisions.
    pub clock: Arc<dyn Clock>,
    /// What this process need not ask the store again.
    pub settled: Arc<Settled>,
    /// How the files of each table were written last.
    pub encodings: Arc<Encodings>,
}

impl Lake {
    /// Whether its store can tell who was first.
    pub async fn keeps_what_is_there(&self) -> Result<bool, LakeError> {
        create::is_exclusive(self.store.as_ref(), &protocol_path(&["exclusive"])).await
    }

    /// Whether a worker ever did anything in it.
    pub async fn is_begun(&self) -> Result<bool, LakeError> {
        let mut protocol = self.store.list(Some(&protocol_path(&[])));
        Ok(protocol.try_next().await?.is_some())
    }
}

#[cfg(test)]
impl Lake {
    /// A lake of its own for a test.
    pub(crate) fn in_memory() -> Self {
        Self {
            store: Arc::new(object_store::memory::InMemory::new()),
            directory: None,
            worker: Worker::this_process(),
            lease: Duration::from_secs(1),
            clock: Arc::new(crate::clock::SystemClock),
            settled: Arc::default(),
            encodings: Arc::default(),
        }
    }
}

/// What went wrong with the lake. Every variant leaves the message to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The store did not do what it was asked; try again later.
    #[error("the lake's store failed: {}", told(.0.to_string(), .0))]
    Store(#[from] object_store::Error),
    /// An object of the protocol cannot be read. Nothing is acknowledged until somebody looks.
    #[error(
        "{path} is not what trailflow writes: {why}. Look at it, and remove it if it is foreign; what is below \
         _trailflow/claims only when ingest_log has no row with this source, or its object is counted twice"
    )]
    Foreign {
        /// The object's path in the lake.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of a committed batch is nowhere. Nothing is acknowledged until somebody looks.
    #[error(
        "{path}, a file of the committed batch {batch}, is neither staged nor published. If it was deleted from the \
         tables on purpose, put an empty object at _trailflow/published/{batch}; else its rows are lost"
    )]
    Gone {
        /// Where it should be staged.
        path: String,
        /// Its batch.
        batch: String,
    },
    /// Rows could not be written as Parquet, or a committed file could not be read.
    #[error("Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Rows could not be rearranged.
    #[error("rows could not be rearranged: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl LakeError {
    /// Whether the lake works, and only what it holds of one object is wrong.
    pub fn is_of_an_object(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Gone { .. })
    }
}

/// Where the protocol's own objects are.
pub(crate) fn protocol_path(parts: &[&str]) -> Path {
    ["_trailflow"].iter().chain(parts).copied().collect()
}
