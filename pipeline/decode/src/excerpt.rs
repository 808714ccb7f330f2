//! The beginning of what was rejected, for whoever looks into the quarantine.
//!
//! In: a record or a line as it was found. Out: at most [`EXCERPT_BYTES_MAX`] of it. Must hold: no secret
//! is in it (I9); JSON that is too broken to look for secrets in shows nothing, for a secret on disk is
//! worse than a missing excerpt.

use std::borrow::Cow;

use crate::BYTE_ORDER_MARK;
use crate::json::Cursor;
use crate::limits::EXCERPT_BYTES_MAX;
use crate::redact::{may_have_secret, redacted_strictly, redacted_words};

/// Of the JSON value at the front.
pub(crate) fn of_json(bytes: &[u8]) -> String {
    let clean = Cursor::new(bytes)
        .skip_value()
        .and_then(|raw| redacted_strictly(raw).map(Cow::into_owned));
    clean.map_or_else(
        |_| String::from("(not readable as JSON; see the source object)"),
        beginning,
    )
}

/// Of a line that is no flow log's: it may be JSON, or have some in it.
pub(crate) fn of_line(line: &[u8]) -> String {
    // In UTF-16 they stand between the letters, and a name would not be seen as one.
    let letters: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0).collect();
    let start = letters.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&letters);
    // A table in quotes, say: all of it is shown.
    if !may_have_secret(start) {
        return beginning(String::from_utf8_lossy(start).into_owned());
    }
    if matches!(start.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return of_json(start);
    }
    // A byte that is no text is shown as three.
    beginning(redacted_words(String::from_utf8_lossy(start).into_owned()))
}

/// Of text that is clean already.
pub(crate) fn beginning(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(EXCERPT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_no_secret_whatever_it_is() {
        let unreadable = "(not readable as JSON; see the source object)";
        for (line, expected) in [
            ("2 - eni-1 short", "2 - eni-1 short"),
            (
                r#" {"a":1,"sessionToken":"x"}"#,
                r#"{"a":1,"sessionToken":"REDACTED"}"#,
            ),
            (r#"[{"token":"x"}]"#, r#"[{"token":"REDACTED"}]"#),
            (r#""{\"token\":\"x\"}""#, r#""{\"token\":\"REDACTED\"}""#),
            ("\u{feff}{\"token\":\"x\"}", r#"{"token":"REDACTED"}"#),
            (r#"{"sessionToken":"x","#, unreadable),
            (r#"{"sessionToken:"x","b":1}"#, unreadable),
            (
                r#"12:00 INFO {"token":"x"}"#,
                r#"12:00 INFO {"token":"REDACTED"}"#,
            ),
            (r#"  "sessionToken" : "x","#, r#""sessionToken""#),
            (r#"name, "sessionToken" : "x","#, "name, REDACTED"),
            (
                r#""2","111122223333","eni-1""#,
                r#""2","111122223333","eni-1""#,
            ),
            ("[2026-01-05 10:00] flow 2", "[2026-01-05 10:00] flow 2"),
            (r#"{"\u0074oken":"x","#, unreadable),
            (r#"{"SECRETkey":"x","#, unreadable),
        ] {
            assert_eq!(of_line(line.as_bytes()), expected, "{line}");
            let wide: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(!of_line(&wide).contains("\"x"), "{line}");
        }
        let long = format!("{}é", "x".repeat(EXCERPT_BYTES_MAX - 1));
        assert_eq!(of_line(long.as_bytes()).len(), EXCERPT_BYTES_MAX - 1);
        assert_eq!(of_line(b"a\xff"), "a\u{fffd}");
        assert_eq!(of_line(b"\0\0"), "");
    }
}
