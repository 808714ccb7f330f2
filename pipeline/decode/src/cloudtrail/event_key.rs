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
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let id: &[u8; 36] = id.as_bytes().try_into().ok()?;
    let mut value = 0_u128;
    for (place, byte) in id.iter().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'-' if HYPHENS.contains(&place) => continue,
            _ => return None,
        };
        value = value << 4 | u128::from(digit);
    }
    // A digit in place of a hyphen is one too many.
    let hyphens = HYPHENS.iter().all(|place| id.get(*place) == Some(&b'-'));
    hyphens.then_some(value)
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
