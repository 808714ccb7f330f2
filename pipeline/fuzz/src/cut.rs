//! A reader that hands out its bytes in pieces of odd sizes.
//!
//! In: bytes, whose own content decides the sizes. Out: a `BufRead`.
//!
//! Must hold: nothing is lost or repeated; a piece that is not consumed is shown again.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::number_of;

/// How many sizes of pieces there are; see [`Cut::of`].
pub const SIZES: u64 = 4;

/// Bytes in pieces.
#[derive(Debug)]
pub struct Cut<'a> {
    rest: &'a [u8],
    shown: usize,
    size_max: u64,
    random: u64,
    interrupts: bool,
    failure: Option<ErrorKind>,
}

impl<'a> Cut<'a> {
    /// Pieces of one byte, of up to 8, of up to 256, or everything at once: the bytes decide.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self::sized(bytes, number_of(bytes) % SIZES)
    }

    /// The same with one of the [`SIZES`] that is chosen.
    pub fn sized(bytes: &'a [u8], size: u64) -> Self {
        Self {
            rest: bytes,
            shown: 0,
            size_max: match size {
                0 => 1,
                1 => 8,
                2 => 256,
                _ => u64::MAX,
            },
            random: number_of(bytes) | 1,
            interrupts: false,
            failure: None,
        }
    }

    /// Now and then a read is interrupted, as a signal would.
    #[must_use]
    pub fn interrupted(mut self) -> Self {
        self.interrupts = true;
        self
    }

    /// Behind the last byte is a failure of the transport instead of the end.
    #[must_use]
    pub fn failing(mut self, kind: ErrorKind) -> Self {
        self.failure = Some(kind);
        self
    }

    /// Xorshift: good enough for sizes.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

impl BufRead for Cut<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.shown == 0 {
            let random = self.next_random();
            if self.interrupts && random.is_multiple_of(8) {
                return Err(ErrorKind::Interrupted.into());
            }
            if self.rest.is_empty()
                && let Some(kind) = self.failure
            {
                return Err(kind.into());
            }
            let size = usize::try_from((random / 8) % self.size_max + 1).unwrap_or(usize::MAX);
            self.shown = size.min(self.rest.len());
        }
        Ok(&self.rest[..self.shown])
    }

    fn consume(&mut self, amount: usize) {
        assert!(amount <= self.shown, "more was consumed than was shown");
        self.rest = &self.rest[amount..];
        self.shown -= amount;
    }
}

impl Read for Cut<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}
