//! An object in S3 (or a file that stands for one): its name, its version, and what is in its bytes.
//!
//! In: what a notification or a listing says, and the bytes as stored. Out: inflated bytes and what
//! they are.
//!
//! Must hold: the identity of an object never depends on who reads it or when (I3). Not here:
//! fetching.

pub mod key;
pub mod bucket;
pub mod decompress;
pub mod digest;
pub mod content;

use chrono::{DateTime, Utc};

/// The object as its announcement describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Bucket name; for a directory source, the directory's name.
    pub bucket: String,
    /// Key, plain: no form encoding is left in it.
    pub key: String,
    /// Which bytes under that key.
    pub version: Version,
    /// Compressed size in bytes, when the announcement says it.
    pub size_bytes: Option<u64>,
    /// When S3 wrote it (notification `eventTime`, listing `LastModified`).
    pub written_at: Option<DateTime<Utc>>,
}

/// What tells two contents of one key apart.
///
/// The ETag is the identity, because a notification, a listing and a HEAD all say it: a listing
/// has no version ids, and an object that is announced live and listed by a backfill must be one.
/// The version id, where a notification says it, names the bytes to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Version {
    /// Without quotes. None: it must be resolved before the claim.
    pub etag: Option<String>,
    /// Of a versioned bucket.
    pub version_id: Option<String>,
}

impl Version {
    /// A version as a notification, a listing or a HEAD says it. An ETag may be in quotes or empty; `null` is
    /// what S3 calls the version of an unversioned object.
    pub fn said(etag: Option<&str>, version_id: Option<&str>) -> Self {
        let etag = etag.map(|tag| tag.trim_matches('"'));
        let version_id = version_id.filter(|id| *id != "null");
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            etag: said(etag),
            version_id: said(version_id),
        }
    }

    /// A version that is known by its ETag alone.
    pub fn of_etag(etag: impl Into<String>) -> Self {
        Self {
            etag: Some(etag.into()),
            version_id: None,
        }
    }
}
