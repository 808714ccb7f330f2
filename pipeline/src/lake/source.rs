//! The identity of a source object: what is claimed, and what is counted once.
//!
//! Must hold: it depends on bucket, key and ETag alone (I3), never on who reads it or when; only a
//! replay of what was quarantined is a source of its own, numbered, so that it too counts once.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::object::ObjectRef;

/// sha256 of bucket, key and ETag, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceId(String);

impl SourceId {
    /// The identity of an object whose version is known; nothing while its ETag is not known.
    /// `generation` counts the readings of it that were committed before: 0, but for a replay.
    pub fn of(object: &ObjectRef, generation: u64) -> Option<Self> {
        let etag = object.version.etag.as_deref()?;
        let mut hash = Sha256::new();
        for part in [object.bucket.as_str(), object.key.as_str(), etag] {
            hash.update(part.as_bytes());
            // No bucket, key or ETag holds a NUL, so no two triples join to the same bytes.
            hash.update([0]);
        }
        if generation > 0 {
            hash.update(generation.to_be_bytes());
        }
        Some(Self(format!("{:x}", hash.finalize())))
    }

    /// The identity as a path part.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
