//! Fetching: from an object's name to its bytes.
//!
//! In: an [`ObjectRef`]. Out: a reader of the bytes as stored. Must hold: what is read is the
//! version that was claimed (I3); a failure says whether to try again.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::ObjectRef;

/// The bytes of an object, as stored. Read on a blocking thread.
pub type Body = Box<dyn BufRead + Send>;

/// A place where objects are.
#[async_trait]
pub trait Objects: Send + Sync + std::fmt::Debug {
    /// Opens the object. Failures while reading come as `io::Error`s that wrap a [`FetchError`].
    async fn fetch(&self, object: &ObjectRef) -> Result<Body, FetchError>;

    /// The object with its version, where the announcement did not say it.
    async fn resolve(&self, object: &ObjectRef) -> Result<ObjectRef, FetchError>;
}

/// Why an object cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// It is not there any more, or another version is. Reading again will not help.
    #[error("the object is gone, or was overwritten")]
    Missing,
    /// Not allowed to read it. A person must act; the message goes back.
    #[error("reading is denied by {by}: {message}")]
    Denied {
        /// `s3`, `kms` or `file_system`.
        by: &'static str,
        /// What it said.
        message: String,
    },
    /// The store asks for fewer requests; try again, more slowly.
    #[error("reading is throttled: {0}")]
    Throttled(String),
    /// It is in an archive. Reading again will not help before somebody has restored it.
    #[error("the object is in an archive: {0}")]
    Archived(String),
    /// The store answered about this object, and not with it: a key of the customer's own, say.
    #[error("reading failed: {0}")]
    Refused(String),
    /// The transport or the store failed; try again.
    #[error("reading failed: {0}")]
    Unavailable(String),
}

/// Counts the bytes that pass.
#[derive(Debug)]
pub struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Counts what is read from `inner`, visible through the returned handle.
    pub fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let bytes = Arc::new(AtomicU64::new(0));
        (
            Self {
                inner,
                bytes: Arc::clone(&bytes),
            },
            bytes,
        )
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes
            .fetch_add(u64::try_from(read).unwrap_or_default(), Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes
            .fetch_add(u64::try_from(amount).unwrap_or_default(), Ordering::Relaxed);
        self.inner.consume(amount);
    }
}
