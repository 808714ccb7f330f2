//! What an event is known by.
//!
//! In: an `eventID` or `sharedEventID`. Out: 16 bytes to remember it by. Must hold: two ids have one key
//! only if they are the same text, as far as SHA-256 can tell.

use sha2::{Digest as _, Sha256};

/// An event id in 16 bytes: the UUID that it is, else the head of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey(u128);

impl EventKey {
    /// Of an id as it is written.
    pub fn of(id: &str) -> Self {
        Self(uuid_as_aws_writes_it(id).unwrap_or_else(|| {
            let digest = Sha256::digest(id.as_bytes());
            let head = digest.iter().take(16);
            head.fold(0, |key, byte| key << 8 | u128::from(*byte))
        }))
    }
}

/// Lower case with hyphens, as AWS writes it; any other spelling is another text, and so another id.
fn uuid_as_aws_writes_it(id: &str) -> Option<u128> {
    let mut value = 0;
    let mut rest = id.as_bytes();
    for (length, last) in [(8, false), (4, false), (4, false), (4, false), (12, true)] {
        let (digits, behind) = rest.split_at_checked(length)?;
        value = value << (4 * length) | u128::from(hexadecimal(digits)?);
        rest = match behind {
            [b'-', next @ ..] if !last => next,
            [] if last => behind,
            _ => return None,
        };
    }
    Some(value)
}

/// At most sixteen digits, none of them upper case.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0, 0);
    for digit in digits {
        let digit = DIGITS.get(usize::from(*digit)).copied().unwrap_or(NONE);
        seen |= digit;
        value = value << 4 | u64::from(digit);
    }
    (seen < NONE).then_some(value)
}

/// Of a byte that is no digit.
const NONE: u8 = 16;
/// What each byte is as a digit: a table has no branches to be guessed wrong.
static DIGITS: [u8; 256] = digits();

#[expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "evaluated when it is compiled"
)]
const fn digits() -> [u8; 256] {
    let mut digits = [NONE; 256];
    let mut value = 0;
    while value < NONE {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_its_own_key_and_any_other_spelling_another_id() {
        let id = "11bdf5a1-0c4e-4a4b-9d2f-9d6a1f0e2c3d";
        assert_eq!(
            EventKey::of(id),
            EventKey(0x11bd_f5a1_0c4e_4a4b_9d2f_9d6a_1f0e_2c3d)
        );
        for other in [
            id.to_uppercase(),
            id.replace('-', ""),
            id.replace('-', "0"),
            id.replacen('-', "a", 1),
            id.replacen('1', "-", 1),
            String::new(),
        ] {
            assert_ne!(EventKey::of(&other), EventKey::of(id), "{other}");
        }
    }
}
