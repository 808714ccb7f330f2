//! Decodes `application/x-www-form-urlencoded`, the encoding of keys in S3 events.
//!
//! Must hold: `+` becomes a space before the percent signs are decoded, so that `%2B` stays a
//! plus. A `%` that no two hex digits follow is kept as it is: S3 never writes one, and a key
//! with a plain `%` in it comes only from a writer that forgot to encode.

use std::string::FromUtf8Error;

/// The plain text, or an error when its bytes are not UTF-8.
pub(super) fn decoded(form: &str) -> Result<String, FromUtf8Error> {
    let mut plain = Vec::with_capacity(form.len());
    let mut bytes = form.bytes();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut ahead = bytes.clone();
                match (hex_digit(ahead.next()), hex_digit(ahead.next())) {
                    (Some(high), Some(low)) => {
                        bytes = ahead;
                        high << 4 | low
                    }
                    _ => b'%',
                }
            }
            other => other,
        });
    }
    String::from_utf8(plain)
}

fn hex_digit(byte: Option<u8>) -> Option<u8> {
    u8::try_from(char::from(byte?).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::decoded;

    /// What S3 does to a key: unreserved characters and `/` stay, a space becomes `+`.
    fn encoded(plain: &str) -> String {
        let mut form = String::new();
        for byte in plain.bytes() {
            match byte {
                b' ' => form.push('+'),
                b'/' | b'-' | b'_' | b'.' | b'~' => form.push(char::from(byte)),
                _ if byte.is_ascii_alphanumeric() => form.push(char::from(byte)),
                _ => write!(form, "%{byte:02X}").expect("a String takes everything"),
            }
        }
        form
    }

    #[test]
    fn decodes_what_s3_encodes() {
        for (form, plain) in [
            ("", ""),
            ("plain/key.json.gz", "plain/key.json.gz"),
            (
                "aws-account-id%3D111122223333",
                "aws-account-id=111122223333",
            ),
            ("a+b%2Bc", "a b+c"),
            ("a%2fb%2Fc", "a/b/c"),
            ("%E6%97%A5%E5%BF%97", "日志"),
            ("%2525", "%25"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%+1", "% 1"),
            ("日志+x", "日志 x"),
        ] {
            assert_eq!(decoded(form).as_deref(), Ok(plain), "{form:?}");
        }
        assert!(decoded("%FF%FE").is_err());
        assert!(decoded("%C3%28").is_err());
    }

    #[test]
    fn every_key_survives_the_round_trip() {
        for seed in 0..2000 {
            let mut random = StdRng::seed_from_u64(seed);
            let length = random.random_range(0..64);
            let key: String = (0..length)
                .map(|_| {
                    if random.random() {
                        random.random()
                    } else {
                        random.random_range('\0'..'\x7f')
                    }
                })
                .collect();
            assert_eq!(
                decoded(&encoded(&key)).as_deref(),
                Ok(key.as_str()),
                "seed {seed}"
            );
        }
    }
}
