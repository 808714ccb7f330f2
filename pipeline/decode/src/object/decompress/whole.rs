//! Inflates an object that is held whole, in one go: a third of the work of a stream.
//!
//! In: all compressed bytes. Out: all inflated bytes, or nothing. Must hold: nothing comes out but
//! what the checksum and the length of the member vouch for; whatever is unusual (several members, padding,
//! damage, a length that is wrong) is left to the stream, which knows what to say of it; memory is kept
//! for the next object, and no more than [`WHOLE_SPARE_MAX`] of it while none is being read.
//!
//! What comes out is what a stream gives, except for symbols that no writer writes: RFC 1951 (3.2.6) says
//! that the length codes 286 and 287 and the distance codes 30 and 31 never occur, a stream takes them
//! for damage, and libdeflate reads them as 285 and 29. With a checksum that fits, these are the bytes.

use std::io::Cursor;
use std::mem;
use std::sync::{Mutex, PoisonError};

use libdeflater::Decompressor;
use memchr::memmem;

use crate::limits::{WHOLE_INFLATED_BYTES_MAX, WHOLE_INFLATED_STEP_BYTES, WHOLE_SPARE_MAX};

/// A gzip member ends in the checksum of what is in it and, in so many bytes, its length (RFC 1952).
const LENGTH_BYTES: usize = 4;

/// Deflate makes no more than so many bytes of one. Source: zlib.net/zlib_tech.html.
const RATIO_MAX: usize = 1032;

/// Memory of objects that were read. Fresh memory costs as much as the inflating: each page of it is
/// zeroed by the kernel when it is touched first.
static SPARE: Mutex<Spare> = Mutex::new(Spare {
    lent: 0,
    buffers: Vec::new(),
});

struct Spare {
    lent: usize,
    buffers: Vec<Vec<u8>>,
}

/// The inflated bytes of an object.
#[derive(Debug)]
pub(super) struct Whole(Vec<u8>);

impl Whole {
    /// Memory for an object of so many bytes; what is in it means nothing.
    fn of_length(length: usize) -> Self {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        spare.lent += 1;
        let buffer = spare.buffers.pop();
        drop(spare);
        let mut buffer = buffer.unwrap_or_default();
        if buffer.capacity() < length {
            // Not to be copied when it grows, and room for those that are somewhat larger.
            buffer = Vec::with_capacity(length.next_multiple_of(WHOLE_INFLATED_STEP_BYTES));
        }
        buffer.resize(length, 0);
        Self(buffer)
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        spare.lent -= 1;
        spare.buffers.push(mem::take(&mut self.0));
        if spare.lent == 0 {
            spare.buffers.truncate(WHOLE_SPARE_MAX);
        }
    }
}

/// The inflated bytes of one gzip member and nothing else, if that is what it is.
pub(super) fn inflate(compressed: &[u8]) -> Option<Cursor<Whole>> {
    let (rest, trailing) = compressed.split_last_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_le_bytes(*trailing)).ok()?;
    let possible = compressed.len().saturating_mul(RATIO_MAX);
    if length == 0 || length > WHOLE_INFLATED_BYTES_MAX.min(possible) {
        return None;
    }
    let mut inflated = Whole::of_length(length);
    let bytes = Decompressor::new()
        .gzip_decompress(compressed, &mut inflated.0)
        .ok()?;
    // The library has compared checksum and length of the first member, and does not say where it ended.
    // A member of this length ended here, if the length stands nowhere before.
    let stands_at = (bytes == length).then(|| memmem::find(compressed, trailing))?;
    (stands_at == Some(rest.len())).then(|| Cursor::new(inflated))
}
