//! The lease of an open batch: renewed while its worker lives and takes long.
//!
//! A claim holds for a lease; a batch that is open longer says now and then that it is alive, or a
//! large object could never be finished. In: an open batch. Out: `_trailflow/leases/<batch>`,
//! overwritten. Must hold: it is advice to those who wait, never proof: who counts is decided by
//! the batch's decision alone (I1).

use chrono::{DateTime, Utc};
use object_store::{ObjectStoreExt as _, PutPayload};
use serde::{Deserialize, Serialize};

use super::batch::{BatchId, json, parse};
use super::create::read;
use super::{Lake, LakeError, protocol_path};

/// What `_trailflow/leases/<batch>` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Renewal {
    pub(super) at: DateTime<Utc>,
    /// How long it holds. Missing: as long as the reader's.
    #[serde(default)]
    pub(super) lease_seconds: Option<u64>,
}

impl Lake {
    /// Says that the batch's worker lives.
    pub async fn renew(&self, batch: &BatchId) -> Result<(), LakeError> {
        let path = protocol_path(&["leases", batch.as_str()]);
        let renewal = Renewal {
            at: self.clock.now(),
            lease_seconds: Some(self.lease.as_secs()),
        };
        let bytes = json(path.as_ref(), &renewal)?;
        self.store.put(&path, PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// When it last said so.
    pub(super) async fn renewed(&self, batch: &BatchId) -> Result<Option<Renewal>, LakeError> {
        let path = protocol_path(&["leases", batch.as_str()]);
        match read(self.store.as_ref(), &path).await? {
            Some(bytes) => parse(path.as_ref(), &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The batch is decided: nobody waits for it any more.
    pub async fn end_renewal(&self, batch: &BatchId) -> Result<(), LakeError> {
        self.delete_if_there(&protocol_path(&["leases", batch.as_str()]))
            .await
    }
}
