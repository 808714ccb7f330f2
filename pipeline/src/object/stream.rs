//! From chunks that arrive asynchronously to a reader on a blocking thread.
//!
//! Must hold: at most [`BODY_CHUNKS_MAX`](crate::limits::BODY_CHUNKS_MAX) chunks wait; only
//! [`END`] is the end of the object. A sender that is gone without it is a failed transport, never
//! a short object: that would be acknowledged.

use std::io::{self, BufRead, Read};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc::Receiver;

use super::fetch::FetchError;

/// The empty chunk that says that the object ends here.
pub(super) const END: Bytes = Bytes::new();

/// Reads chunks from a channel.
#[derive(Debug)]
pub(super) struct ChunkReader {
    chunks: Receiver<io::Result<Bytes>>,
    current: Bytes,
    ended: bool,
}

impl ChunkReader {
    pub(super) fn new(chunks: Receiver<io::Result<Bytes>>) -> Self {
        Self {
            chunks,
            current: Bytes::new(),
            ended: false,
        }
    }
}

impl BufRead for ChunkReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty() && !self.ended {
            let gone = || FetchError::Unavailable(String::from("the download ended abnormally"));
            self.current = self
                .chunks
                .blocking_recv()
                .ok_or_else(|| io::Error::other(gone()))??;
            self.ended = self.current.is_empty();
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
