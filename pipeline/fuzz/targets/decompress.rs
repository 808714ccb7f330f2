//! Stored bytes, against what `object::decompress` promises.
//!
//! The bytes are taken three ways: as an object, as a deflate stream that only lacks its gzip
//! frame (a fuzzer does not find checksums), and as content that is compressed here.
//!
//! Must hold: pieces and interruptions change nothing; what flate2 inflates, member by member,
//! comes out, and nothing else; no more than the limit comes out; a failed transport is never
//! damage. In one go the codes that RFC 1951 leaves unused mean something: what comes out of a stream
//! that has them is what its checksum and its length say.
#![no_main]
#![expect(
    clippy::disallowed_types,
    reason = "the decoder that ours is compared with"
)]

use std::io::{self, BufRead as _, ErrorKind, Read, Write as _};

use flate2::Compression;
use flate2::bufread::{DeflateDecoder, GzDecoder};
use flate2::{Crc, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use trailflow_decode::object::decompress::{Damage, inflated};
use trailflow_fuzz::cut::{Cut, SIZES};
use trailflow_fuzz::{number_below, number_of};

/// More than a small input is allowed to inflate to here: deflate makes a thousand of one.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Some(framed) = framed(bytes) {
        check(&framed);
    }
    let compressed = compressed(bytes);
    assert_eq!(outcome(&compressed[..], LIMIT), Ok(bytes.to_vec()), "lost");
});

/// All promises for one stored object.
fn check(stored: &[u8]) {
    let whole = outcome(stored, LIMIT);
    for size in 0..SIZES {
        let cut = outcome(Cut::sized(stored, size).interrupted(), LIMIT);
        assert_eq!(cut, whole, "in pieces of size {size}");
    }
    let in_one_go = gathered(stored);
    let is_vouched_for = |bytes: &Vec<u8>| vouches_for(stored, bytes);
    if whole != Err(Damage::CorruptGzip) || !in_one_go.as_ref().is_ok_and(is_vouched_for) {
        assert_eq!(in_one_go, whole, "in one go");
    }
    assert_eq!(
        whole.as_ref().ok(),
        by_flate2(stored).as_ref(),
        "flate2 sees other bytes"
    );
    limits(stored, &whole);
    transport(stored, &whole);
}

/// The inflated bytes, or the damage. A failure of the transport has no place here.
fn outcome(reader: impl io::BufRead, limit: u64) -> Result<Vec<u8>, Damage> {
    let mut bytes = Vec::new();
    let mut reader = inflated(reader, limit);
    let result = reader.read_to_end(&mut bytes);
    assert!(u64::try_from(bytes.len()).is_ok_and(|bytes| bytes <= limit));
    match result {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let damage = Damage::of(&error).expect("memory fails in no other way");
            let again = reader.fill_buf().map(<[u8]>::len);
            let again = again.expect_err("an end behind damage");
            assert_eq!(Damage::of(&again), Some(damage), "damage changes");
            Err(damage)
        }
    }
}

/// The same of an object that is gathered first.
fn gathered(stored: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut reader = inflated(stored, LIMIT);
    reader.gather(None).expect("memory does not fail");
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Damage::of(&error).expect("memory fails in no other way")),
    }
}

/// Whether the frame of a single member, without padding, ends in the checksum and the length of `bytes`.
fn vouches_for(stored: &[u8], bytes: &[u8]) -> bool {
    let mut checksum = Crc::new();
    checksum.update(bytes);
    let mut trailer = checksum.sum().to_le_bytes().to_vec();
    trailer.extend_from_slice(&checksum.amount().to_le_bytes());
    stored.ends_with(&trailer)
}

/// What comes out of flate2, one member after the other, zeros behind the last; nothing when it
/// refuses, or when it is more than the limit.
fn by_flate2(stored: &[u8]) -> Option<Vec<u8>> {
    const MAGICS: [&[u8]; 6] = [
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ\x00",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x07\x08",
    ];
    if MAGICS.iter().any(|magic| stored.starts_with(magic)) {
        return None;
    }
    let mut bytes = Vec::new();
    if stored.starts_with(b"\x1f\x8b") {
        let mut rest = stored;
        while rest.iter().any(|byte| *byte != 0) {
            let left = LIMIT + 1 - u64::try_from(bytes.len()).ok()?;
            let mut member = GzDecoder::new(rest).take(left);
            member.read_to_end(&mut bytes).ok()?;
            if u64::try_from(bytes.len()).ok()? > LIMIT {
                return None;
            }
            let after = member.into_inner().into_inner();
            // Zeros are padding only behind the last member.
            rest = after;
        }
    } else {
        bytes.extend_from_slice(stored);
    }
    Some(bytes)
}

/// A lower limit lets exactly so much out and says so; one that is high enough changes nothing.
fn limits(stored: &[u8], whole: &Result<Vec<u8>, Damage>) {
    let Ok(bytes) = whole else { return };
    let enough = u64::try_from(bytes.len()).expect("a length");
    assert_eq!(outcome(stored, enough), *whole, "with just enough");
    if enough > 0 {
        let inflated_bytes_max = number_of(stored) % enough;
        let mut out = Vec::new();
        let result = inflated(Cut::of(stored), inflated_bytes_max).read_to_end(&mut out);
        let damage = result.err().as_ref().and_then(Damage::of);
        assert_eq!(damage, Some(Damage::TooLarge { inflated_bytes_max }));
        let allowed = usize::try_from(inflated_bytes_max).expect("a length");
        assert_eq!(out, bytes[..allowed], "up to the limit");
    }
}

/// The transport fails somewhere: that is what is reported, or damage that stands before it.
fn transport(stored: &[u8], whole: &Result<Vec<u8>, Damage>) {
    let end = number_below(stored, stored.len() + 1);
    let cut = Cut::of(&stored[..end]).failing(ErrorKind::ConnectionReset);
    let mut out = Vec::new();
    let result = inflated(cut, LIMIT).read_to_end(&mut out);
    let error = result.expect_err("an end that nobody reported");
    match Damage::of(&error) {
        Some(damage) => assert_eq!(whole.as_ref().err(), Some(&damage), "not damaged"),
        None => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    if let Ok(bytes) = whole {
        assert!(bytes.starts_with(&out), "other bytes before the failure");
    }
}

/// The bytes as one gzip member, when they are a deflate stream and perhaps something behind it.
fn framed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let mut decoder = DeflateDecoder::new(bytes).take(LIMIT + 1);
    decoder.read_to_end(&mut content).ok()?;
    let behind = decoder.into_inner().into_inner();
    let stream = &bytes[..bytes.len() - behind.len()];
    let mut checksum = Crc::new();
    checksum.update(&content);
    let mut framed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    framed.extend_from_slice(stream);
    framed.extend_from_slice(&checksum.sum().to_le_bytes());
    framed.extend_from_slice(&checksum.amount().to_le_bytes());
    framed.extend_from_slice(behind);
    Some(framed)
}

/// The bytes in two members and some padding, as the bytes decide.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let level = Compression::new(u32::try_from(number_below(bytes, 10)).expect("a digit"));
    let (first, second) = bytes.split_at(number_below(bytes, bytes.len() + 1));
    let mut stored = Vec::new();
    for part in [first, second] {
        let mut member = GzEncoder::new(&mut stored, level);
        member.write_all(part).expect("memory takes everything");
        member.finish().expect("memory takes everything");
    }
    stored.resize(stored.len() + bytes.len() % 3, 0);
    stored
}
