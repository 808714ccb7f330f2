//! The compressed bytes as the transport gives them.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read};

/// The longest magic number that is looked for.
const MAGIC_BYTES_MAX: usize = 6;

/// The compressed bytes, with a look at those that come next. Its errors are the transport's and
/// are marked as such, because the gzip decoder has errors of the same kinds.
pub(super) struct Source<R> {
    /// `None` only in the place that a source was taken from.
    reader: Option<R>,
    /// Read ahead, because the reader's own buffer held too few bytes.
    held: Vec<u8>,
    /// How many of `held` were handed on.
    handed: usize,
    /// `held` is all there is.
    is_whole: bool,
}

impl<R> Default for Source<R> {
    fn default() -> Self {
        Self {
            reader: None,
            held: Vec::new(),
            handed: 0,
            is_whole: false,
        }
    }
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: Some(reader),
            ..Self::default()
        }
    }

    /// At least [`MAGIC_BYTES_MAX`] bytes, unless the end is nearer. Consumes nothing.
    pub(super) fn look_ahead(&mut self) -> io::Result<&[u8]> {
        let held_bytes = self.held().map_or(0, <[u8]>::len);
        if held_bytes >= MAGIC_BYTES_MAX {
            return Ok(self.held().unwrap_or_default());
        }
        if held_bytes == 0 && self.fill_buf()?.len() >= MAGIC_BYTES_MAX {
            return self.fill_buf();
        }
        self.held.drain(..self.handed.min(self.held.len()));
        self.handed = 0;
        let Self {
            reader: Some(reader),
            held,
            ..
        } = self
        else {
            return Ok(&[]);
        };
        while held.len() < MAGIC_BYTES_MAX {
            let buffered = reader.fill_buf().map_err(TransportError::wrap)?;
            if buffered.is_empty() {
                break;
            }
            let taken = buffered.len().min(MAGIC_BYTES_MAX - held.len());
            held.extend(buffered.iter().take(taken));
            reader.consume(taken);
        }
        Ok(held)
    }

    /// Holds what comes until the end, or until it is more than `bytes_max`. There is room for
    /// `expected_bytes` at once.
    pub(super) fn gather(&mut self, expected_bytes: usize, bytes_max: usize) -> io::Result<()> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        self.held.reserve(expected_bytes.min(bytes_max));
        while !self.is_whole && self.held.len() <= bytes_max {
            let chunk = match reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(TransportError::wrap(error)),
            };
            self.held.extend_from_slice(chunk);
            let taken = chunk.len();
            self.is_whole = taken == 0;
            reader.consume(taken);
        }
        Ok(())
    }

    /// All bytes, if they are held and none was handed on.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.is_whole && self.handed == 0).then_some(&self.held)
    }

    fn held(&self) -> Option<&[u8]> {
        self.held.get(self.handed..).filter(|held| !held.is_empty())
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Self {
            reader,
            held,
            handed,
            is_whole: _,
        } = self;
        match (held.get(*handed..), reader) {
            (Some(held @ [_, ..]), _) => Ok(held),
            (_, Some(reader)) => reader.fill_buf().map_err(TransportError::wrap),
            (_, None) => Ok(&[]),
        }
    }

    fn consume(&mut self, amount: usize) {
        if self.held().is_some() {
            self.handed += amount;
        } else if let Some(reader) = &mut self.reader {
            reader.consume(amount);
        }
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

/// `read` in terms of the buffer.
pub(in crate::object) fn read_buffered(
    reader: &mut impl BufRead,
    into: &mut [u8],
) -> io::Result<usize> {
    let read_bytes = reader.fill_buf()?.read(into)?;
    reader.consume(read_bytes);
    Ok(read_bytes)
}

/// An error of the reader below the gzip decoder, on its way through it.
#[derive(Debug)]
pub(super) struct TransportError(pub(super) io::Error);

impl TransportError {
    /// Keeps the kind, because the decoder asks again after `Interrupted`.
    fn wrap(error: io::Error) -> io::Error {
        io::Error::new(error.kind(), Self(error))
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for TransportError {}
