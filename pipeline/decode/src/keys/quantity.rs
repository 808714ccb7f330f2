//! Reads a quantity with its unit: `"64 MiB"`, `"5m"`.
//!
//! In: the text that a person wrote. Out: bytes, seconds or a moment.

use chrono::DateTime;
use toml::value::Datetime;

/// Units of size. Decimal ones are taken as they are meant, a thousand a step.
const SIZES: [(&str, u64); 9] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

const DURATIONS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

/// Why a text is not a quantity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAQuantity {
    pub(crate) what: String,
    pub(crate) fix: &'static str,
}

/// A size in bytes: a whole number, perhaps with a unit.
pub(crate) fn bytes(text: &str) -> Result<u64, NotAQuantity> {
    read(text, &SIZES).ok_or_else(|| NotAQuantity {
        what: format!("\"{text}\", which is not a size"),
        fix: "write a whole number and one of B, KiB, MiB, GiB, such as \"64 MiB\"",
    })
}

/// A duration in seconds: a whole number and a unit.
pub(crate) fn seconds(text: &str) -> Result<u64, NotAQuantity> {
    read(text, &DURATIONS).ok_or_else(|| NotAQuantity {
        what: format!("\"{text}\", which is not a duration"),
        fix: "write a whole number and one of s, m, h, d, such as \"5m\"",
    })
}

/// A moment in milliseconds since 1970 UTC. Without an offset a time means another moment on every
/// machine.
pub(crate) fn epoch_millis(time: &Datetime) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(&time.to_string()).ok()?;
    Some(time.timestamp_millis())
}

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, due) in [
            ("64 MiB", Some(67_108_864)),
            ("64MiB", Some(67_108_864)),
            ("1024", Some(1024)),
            ("2 GB", Some(2_000_000_000)),
            ("0", Some(0)),
            ("64 mib", None),
            ("1.5 GiB", None),
            ("-1", None),
            ("", None),
            ("MiB", None),
            ("99999999999999 TiB", None),
        ] {
            assert_eq!(bytes(text).ok(), due, "{text}");
        }
    }

    #[test]
    fn durations_need_units() {
        for (text, due) in [
            ("5m", Some(300)),
            ("0m", Some(0)),
            ("36h", Some(129_600)),
            ("5", None),
            ("5 min", None),
        ] {
            assert_eq!(seconds(text).ok(), due, "{text}");
        }
    }
}
