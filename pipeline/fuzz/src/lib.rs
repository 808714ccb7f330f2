//! What the fuzz targets share: a reader that cuts, a sink that keeps, and a limit on memory.
//!
//! In: the bytes of one execution. Out: a panic, or nothing.
//!
//! Must hold: an execution depends on its bytes alone, so that an artifact fails again.

pub mod cut;
pub mod decoded;

use std::alloc::System;

use cap::Cap;

/// What one execution may hold. Inputs are a few KiB, and the container has 1 GiB for everything:
/// more than this is a small object that fills the memory.
pub const HEAP_BYTES_MAX: usize = 256 * 1024 * 1024;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, HEAP_BYTES_MAX);

/// A number that the bytes decide (FNV-1a), for choices that should be the same in every run.
pub fn number_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number below `limit` that the bytes decide; `limit` is not 0.
pub fn number_below(bytes: &[u8], limit: usize) -> usize {
    let limit = u64::try_from(limit).expect("a length");
    usize::try_from(number_of(bytes) % limit).expect("below a length")
}
