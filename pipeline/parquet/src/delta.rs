//! Whole numbers as differences from the one before.
//!
//! In: numbers. Out: DELTA_BINARY_PACKED, parquet-format's Encodings.md. Numbers of any size that
//! lie close together take few bits, and so do numbers at random from a small range.

use crate::bits::{pack, put_varint, put_zigzag, width_of};

/// Differences that share a least one, and those of them that share a width.
const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// How wide the column's numbers are: readers count differences in as many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wide {
    Bits32,
    Bits64,
}

impl Wide {
    /// The difference as a reader of that width adds it.
    fn difference(self, number: i64, before: i64) -> i64 {
        let difference = number.wrapping_sub(before);
        match self {
            Self::Bits64 => difference,
            Self::Bits32 => {
                let [a, b, c, d, ..] = difference.to_le_bytes();
                i64::from(i32::from_le_bytes([a, b, c, d]))
            }
        }
    }

    /// How far a difference is above the least one.
    fn above(self, difference: i64, least: i64) -> u64 {
        let above = difference.wrapping_sub(least).cast_unsigned();
        match self {
            Self::Bits64 => above,
            Self::Bits32 => above & u64::from(u32::MAX),
        }
    }
}

/// Writes all numbers.
pub(crate) fn encode(numbers: &[i64], wide: Wide, out: &mut Vec<u8>) {
    let count = |count: usize| u64::try_from(count).unwrap_or_default();
    put_varint(count(BLOCK), out);
    put_varint(count(MINIBLOCKS), out);
    put_varint(count(numbers.len()), out);
    let first = numbers.first().copied().unwrap_or_default();
    put_zigzag(first, out);
    let mut before = first;
    let mut differences = [0_i64; BLOCK];
    for block in numbers.get(1..).unwrap_or_default().chunks(BLOCK) {
        for (number, difference) in block.iter().zip(&mut differences) {
            *difference = wide.difference(*number, before);
            before = *number;
        }
        let differences = differences.get(..block.len()).unwrap_or_default();
        put_block(differences, wide, out);
    }
}

fn put_block(differences: &[i64], wide: Wide, out: &mut Vec<u8>) {
    let least = differences.iter().min().copied().unwrap_or_default();
    put_zigzag(least, out);
    let width = |miniblock: &[i64]| {
        let bits = miniblock
            .iter()
            .fold(0, |bits, difference| bits | wide.above(*difference, least));
        width_of(bits)
    };
    let mut widths = [0_u32; MINIBLOCKS];
    for (miniblock, place) in differences.chunks(MINIBLOCK).zip(&mut widths) {
        *place = width(miniblock);
    }
    out.extend(widths.iter().filter_map(|width| u8::try_from(*width).ok()));
    for (miniblock, width) in differences.chunks(MINIBLOCK).zip(widths) {
        let padding = std::iter::repeat_n(0, MINIBLOCK - miniblock.len());
        let above = miniblock
            .iter()
            .map(|difference| wide.above(*difference, least));
        pack(above.chain(padding), width, out);
    }
}
