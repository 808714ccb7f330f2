//! Work that goes on beside its owner, on whatever core is free.
//!
//! Must hold: it ends when its owner is gone, and a panic in it is one of whoever waits for it.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// Work that runs, until this is dropped.
#[derive(Debug)]
pub(crate) struct Running<T>(AbortOnDropHandle<T>);

impl<T: Send + 'static> Running<T> {
    /// Begins it, within the span of its owner.
    pub(crate) fn begin(work: impl Future<Output = T> + Send + 'static) -> Self {
        let work = work.instrument(tracing::Span::current());
        Self(AbortOnDropHandle::new(tokio::spawn(work)))
    }

    /// Waits for its end; it has one only.
    pub(crate) async fn end(&mut self) -> T {
        match (&mut self.0).await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            // Only a runtime that is shut down cancels it, and then nobody waits either.
            Err(Err(_)) => pending().await,
        }
    }
}
