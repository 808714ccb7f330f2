//! Inflates an object that is held whole, in one go: a third of the work of a stream.
//!
//! In: all compressed bytes. Out: all inflated bytes, or nothing. Must hold: nothing comes out but
//! what a stream would give, its checksum compared; whatever is unusual (several members, padding,
//! damage, a length that is wrong) is left to the stream, which knows what to say of it.

use libdeflater::{Decompressor, crc32};
use memchr::memmem;

use crate::limits::WHOLE_INFLATED_BYTES_MAX;

/// A gzip member ends in the checksum of what is in it, and its length: four bytes each.
const TRAILER_BYTES: usize = 8;

/// The inflated bytes of one gzip member and nothing else, if that is what it is.
pub(super) fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    let (rest, trailer) = compressed.split_last_chunk::<TRAILER_BYTES>()?;
    let [.., a, b, c, d] = *trailer;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    if length == 0 || length > WHOLE_INFLATED_BYTES_MAX {
        return None;
    }
    let mut inflated = vec![0; length];
    let bytes = Decompressor::new()
        .gzip_decompress(compressed, &mut inflated)
        .ok()?;
    // The library has compared the trailer of the first member, and does not say where that ended.
    // It ended here if our last bytes are that trailer and stand nowhere before.
    let [a, b, c, d] = crc32(&inflated).to_le_bytes();
    let is_its_trailer = bytes == length && trailer.starts_with(&[a, b, c, d]);
    let found = is_its_trailer.then(|| memmem::find(compressed, trailer))?;
    (found == Some(rest.len())).then_some(inflated)
}
