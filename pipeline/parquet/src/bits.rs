//! Numbers of few bits: packed one behind the other, and in runs.
//!
//! In: numbers and the bits that each takes. Out: bytes as Parquet has them in dictionary indices
//! and definition levels (RLE/bit-packing hybrid) and in differences. Source: parquet-format,
//! Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".

/// Values that are packed together: whole bytes whatever the width.
const GROUP: usize = 8;
/// A run that is shorter is packed: its header would cost more.
const RUN_MIN: usize = 16;

/// Bits that a number takes; 0 takes none.
pub(crate) fn width_of(greatest: u64) -> u32 {
    u64::BITS - greatest.leading_zeros()
}

/// A number in groups of seven bits, the lowest first.
pub(crate) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7F);
            return;
        }
        out.push(low | 0x80);
    }
}

/// As [`put_varint`], with the sign in the lowest bit.
pub(crate) fn put_zigzag(number: i64, out: &mut Vec<u8>) {
    put_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

/// Packs numbers of `width` bits each; the last byte is filled up with zeros.
pub(crate) fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width > u32::BITS {
        pack_wide(numbers, width, out);
        return;
    }
    let mut word = 0_u64;
    let mut filled = 0;
    for number in numbers {
        word |= number << filled;
        filled += width;
        if filled >= u32::BITS {
            let [a, b, c, d, ..] = word.to_le_bytes();
            out.extend_from_slice(&[a, b, c, d]);
            word >>= u32::BITS;
            filled -= u32::BITS;
        }
    }
    let rest = word.to_le_bytes().into_iter();
    out.extend(rest.take(bytes_of(filled)));
}

fn pack_wide(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let mut word = 0_u128;
    let mut filled = 0;
    for number in numbers {
        word |= u128::from(number) << filled;
        filled += width;
        if filled >= u64::BITS {
            let bytes = word.to_le_bytes();
            out.extend(bytes.into_iter().take(8));
            word >>= u64::BITS;
            filled -= u64::BITS;
        }
    }
    let rest = word.to_le_bytes().into_iter();
    out.extend(rest.take(bytes_of(filled)));
}

fn bytes_of(bits: u32) -> usize {
    usize::try_from(bits.div_ceil(8)).unwrap_or_default()
}

/// Numbers of `width` bits, in runs where one repeats and packed where none does. What stands before a run
/// is packed in whole groups, so that a run begins where a group does: its first group tells it.
pub(crate) fn hybrid(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut rest = numbers;
    // Groups that are packed, counted in numbers.
    let mut at = 0;
    while let Some((group, behind)) = rest.get(at..).and_then(<[u32]>::split_first_chunk::<GROUP>) {
        let [first, ..] = *group;
        let run = if is_one(group, first) {
            GROUP + behind.iter().take_while(|next| **next == first).count()
        } else {
            0
        };
        if run < RUN_MIN {
            at += GROUP;
            continue;
        }
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        put_packed(before, width, out);
        put_run(run, first, width, out);
        rest = after.get(run..).unwrap_or_default();
        at = 0;
    }
    put_packed(rest, width, out);
}

/// Whether all numbers of a group are this one.
fn is_one(group: &[u32; GROUP], first: u32) -> bool {
    group
        .iter()
        .fold(0, |differs, number| differs | (number ^ first))
        == 0
}

fn put_packed(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    put_varint(header(groups) | 1, out);
    let padding = groups * GROUP - numbers.len();
    let padded = numbers
        .iter()
        .copied()
        .chain(std::iter::repeat_n(0, padding));
    pack(padded.map(u64::from), width, out);
}

fn put_run(length: usize, number: u32, width: u32, out: &mut Vec<u8>) {
    put_varint(header(length), out);
    out.extend(number.to_le_bytes().into_iter().take(bytes_of(width)));
}

/// A count, with room for the bit that says what follows.
fn header(count: usize) -> u64 {
    u64::try_from(count).unwrap_or_default() << 1
}

/// Truth values, eight a byte, as [`hybrid`] would write them: the form of definition levels.
pub(crate) fn hybrid_of_bits(bits: &[u8], count: usize, out: &mut Vec<u8>) {
    let whole = count / GROUP;
    let mut rest = bits.get(..count.div_ceil(GROUP)).unwrap_or(bits);
    let mut before = whole;
    let mut at = 0;
    while let Some(first) = rest.get(at).filter(|_| at < before) {
        let same = rest.iter().take(before).skip(at);
        let run = same.take_while(|byte| *byte == first).count();
        if (*first != 0 && *first != 0xFF) || run * GROUP < RUN_MIN {
            at += run;
            continue;
        }
        put_bytes(rest.get(..at).unwrap_or_default(), out);
        put_run(run * GROUP, u32::from(first & 1), 1, out);
        rest = rest.get(at + run..).unwrap_or_default();
        before -= at + run;
        at = 0;
    }
    put_bytes(rest, out);
}

fn put_bytes(packed: &[u8], out: &mut Vec<u8>) {
    if !packed.is_empty() {
        put_varint(header(packed.len()) | 1, out);
        out.extend_from_slice(packed);
    }
}
