//! Removes secrets from JSON text before it goes anywhere (I9; domain 1.6 and 11).
//!
//! In: the raw JSON of a field. Out: the same text, values under secret names replaced by
//! `"REDACTED"`, also inside strings that hold JSON. Must hold: names count in any case; text
//! without a suspect name is borrowed, untouched; AWS's own `HIDDEN_DUE_TO_SECURITY_REASONS` stays,
//! because it says who hid it.

use std::borrow::Cow;

use super::super::escapes::unescaped;
use super::super::json::{Cursor, JsonError, Kind};
use crate::limits::JSON_NESTING_MAX;

/// What a secret's name ends in, in any case.
const ENDINGS: [&str; 6] = [
    "token",
    "password",
    "secret",
    "privatekey",
    "assertion",
    "authorizationcode",
];
/// What a secret's name may begin with.
const BEGINNING: &str = "secret";

/// Names that sound secret and are not: they say which secret was asked for, or who asked.
const NOT_SECRET: [&str; 8] = [
    "secretid",
    "secretarn",
    "secretname",
    "secretidlist",
    "secretlist",
    "secretversionid",
    "secrets",
    "subjectfromwebidentitytoken",
];

/// The JSON of a field, and whether a secret may be in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a> {
    pub(super) raw: &'a [u8],
    /// The same, where it is known to be UTF-8.
    text: Option<&'a str>,
    pub(super) suspect: bool,
}

impl<'a> Json<'a> {
    /// Takes the next value. Whether its names are suspect is seen on the way past them.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Self, JsonError> {
        let mut suspect = false;
        let raw = cursor.skip_value_past(&mut |string, has_escapes| {
            suspect = suspect || has_escapes || sounds_secret(string);
        })?;
        let text = cursor.known_text(raw.len(), cursor.position());
        Ok(Self { raw, text, suspect })
    }

    /// As it is written.
    pub(super) fn text(self) -> Result<&'a str, JsonError> {
        self.cursor().checked(self.raw, self.raw.len())
    }

    /// A cursor at its beginning.
    pub(super) fn cursor(self) -> Cursor<'a> {
        match self.text {
            Some(text) => Cursor::of_text(text),
            None => Cursor::new(self.raw),
        }
    }

    /// The text with its secrets replaced.
    pub(super) fn redacted(self) -> Result<Cow<'a, str>, JsonError> {
        let text = self.text()?;
        if self.suspect {
            without_secrets(text, 0)
        } else {
            Ok(Cow::Borrowed(text))
        }
    }

    /// The same of a member of this name: all of it goes if the name is a secret's.
    pub(super) fn redacted_under(self, name: &[u8]) -> Result<Cow<'a, str>, JsonError> {
        if is_secret(name) && !says_no_secret(self.raw) {
            return Ok(Cow::Borrowed(REDACTED));
        }
        self.redacted()
    }
}

/// What stands in JSON in place of a secret.
const REDACTED: &str = "\"REDACTED\"";

/// Whether a value under the name of a secret may stay: there is none, or AWS hid it.
fn says_no_secret(raw: &[u8]) -> bool {
    matches!(
        raw,
        b"null" | b"true" | b"false" | b"\"HIDDEN_DUE_TO_SECURITY_REASONS\""
    )
}

/// Whether a string may be the name of a secret, or hold one: an escape would hide a name, and a
/// text with JSON in it has quotes, which are escaped.
fn may_name_secret(raw: &[u8]) -> bool {
    sounds_secret(raw) || memchr::memchr(b'\\', raw).is_some()
}

/// Whether a string begins or ends like the name of a secret.
fn sounds_secret(raw: &[u8]) -> bool {
    let (Some(first), Some(last)) = (raw.first(), raw.last()) else {
        return false;
    };
    let ends = |ending: &str| {
        let from = raw.len().checked_sub(ending.len());
        from.and_then(|from| raw.get(from..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
    };
    let begins = || {
        raw.get(..BEGINNING.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(BEGINNING.as_bytes()))
    };
    // The last letters of the endings, before the endings themselves.
    matches!(last | CASE, b'n' | b'd' | b't' | b'y' | b'e')
        && ENDINGS.iter().any(|ending| ends(ending))
        || first | CASE == b's' && begins()
}

/// What sets small letters apart from capital ones; of other bytes it makes another byte.
const CASE: u8 = b'a' ^ b'A';

/// The same for JSON that may be broken: every name in it is looked at, or there is an error. A
/// quote in the wrong place would hide a name from the test for suspects.
pub(super) fn redacted_strictly(raw: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    without_secrets(std::str::from_utf8(raw).map_err(|_| JsonError::Utf8)?, 0)
}

fn without_secrets(text: &str, depth: usize) -> Result<Cow<'_, str>, JsonError> {
    let mut secrets = Vec::new();
    find_secrets(&mut Cursor::of_text(text), &mut secrets, depth)?;
    Ok(replaced(text, secrets))
}

fn replaced(text: &str, secrets: Vec<Secret>) -> Cow<'_, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for secret in secrets {
        clean.push_str(text.get(from..secret.start).unwrap_or_default());
        clean.push_str(&secret.replacement);
        from = secret.end;
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(clean)
}

/// What some programs write before their text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes of a value that must go, and what stands there instead.
struct Secret {
    start: usize,
    end: usize,
    replacement: Cow<'static, str>,
}

fn find_secrets(
    cursor: &mut Cursor<'_>,
    secrets: &mut Vec<Secret>,
    depth: usize,
) -> Result<(), JsonError> {
    if depth > JSON_NESTING_MAX {
        return Err(JsonError::TooDeep);
    }
    match cursor.kind()? {
        Kind::Object => cursor.object(|key, value| {
            if !is_secret(key) {
                return find_secrets(value, secrets, depth + 1);
            }
            value.peek_byte()?;
            let start = value.position();
            let raw = value.skip_value()?;
            if !says_no_secret(raw) {
                let replacement = Cow::Borrowed(REDACTED);
                secrets.push(Secret {
                    start,
                    end: value.position(),
                    replacement,
                });
            }
            Ok(())
        }),
        Kind::Array => cursor.array(|element| find_secrets(element, secrets, depth + 1)),
        Kind::Text => {
            let start = cursor.position();
            let raw = cursor.raw_string()?;
            if let Some(replacement) = json_text_redacted(raw, depth + 1) {
                let replacement = Cow::Owned(replacement);
                secrets.push(Secret {
                    start,
                    end: cursor.position(),
                    replacement,
                });
            }
            Ok(())
        }
        Kind::Null | Kind::Scalar => {
            // The last scalar of a raw slice has no byte after it to end it.
            match cursor.skip_value() {
                Err(JsonError::Incomplete) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            }
        }
    }
}

/// A string that itself holds JSON with secrets in it, without them: policies, parameters that a
/// converter wrote as text, one value or many. Nothing: there are none.
fn json_text_redacted(raw: &[u8], depth: usize) -> Option<String> {
    // Nearly all: JSON begins with a bracket, or an escape or white space before one.
    if raw.first().is_none_or(u8::is_ascii_alphanumeric) {
        return None;
    }
    let Ok(text) = unescaped(raw) else {
        // Its escapes are no text, so that it cannot be read; it may name a secret all the same.
        return names_secret(raw).then(|| String::from(REDACTED));
    };
    let json = text.trim_start_matches(|c: char| c == BYTE_ORDER_MARK || c.is_whitespace());
    if !json.starts_with(['{', '[']) {
        return None;
    }
    let (mut secrets, mut cursor) = (Vec::new(), Cursor::of_text(json));
    while cursor.peek_byte().is_ok() {
        let rest = cursor.ahead();
        match find_secrets(&mut cursor, &mut secrets, depth) {
            Ok(()) if cursor.ahead().len() < rest.len() => {}
            // Text that only looks like JSON, or JSON that was cut.
            Ok(()) | Err(JsonError::Incomplete | JsonError::Syntax | JsonError::Utf8)
                if !names_secret(rest) =>
            {
                break;
            }
            // Where a secret begins and ends cannot be told.
            Ok(()) | Err(_) => return Some(String::from(REDACTED)),
        }
    }
    match replaced(json, secrets) {
        Cow::Owned(clean) => serde_json::to_string(&clean).ok(),
        Cow::Borrowed(_) => None,
    }
}

/// The same as [`is_secret`], of a name in text that need not be JSON: its quotes may be escaped themselves.
fn sounds_secret_in_text(raw_key: &[u8]) -> bool {
    let end = raw_key.iter().rposition(|byte| *byte != b'\\');
    let key = raw_key
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default();
    is_secret(key)
}

/// Whether a text that is no JSON has the name of a secret in quotes, and a colon behind it.
fn names_secret(text: &[u8]) -> bool {
    let mut quotes = memchr::memchr_iter(b'"', text);
    let Some(mut opened) = quotes.next() else {
        return false;
    };
    quotes.any(|quote| {
        // A quote may close one string or open another: each two are tried.
        let name = text.get(opened + 1..quote).unwrap_or_default();
        let after = text.get(quote + 1..).unwrap_or_default().trim_ascii_start();
        opened = quote;
        after.starts_with(b":") && sounds_secret_in_text(name)
    })
}

fn is_secret(raw_key: &[u8]) -> bool {
    if !may_name_secret(raw_key) {
        return false;
    }
    let key = match unescaped(raw_key) {
        Ok(key) => key.to_ascii_lowercase(),
        // Its escapes are no text: a pattern, or a path. Its letters are looked at.
        Err(_) => String::from_utf8_lossy(raw_key)
            .replace('\\', "")
            .to_ascii_lowercase(),
    };
    // Paging tokens and idempotency tokens are no secrets, but nobody asks for them either.
    (key.starts_with(BEGINNING) || ENDINGS.iter().any(|ending| key.ends_with(ending)))
        && !NOT_SECRET.contains(&key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(json: &[u8]) -> Result<Cow<'_, str>, JsonError> {
        // The last scalar of a slice has no byte after it to end it.
        let json = match json.last() {
            Some(b'0'..=b'9') => return without_secrets(std::str::from_utf8(json).unwrap(), 0),
            _ => json,
        };
        Json::take(&mut Cursor::new(json))?.redacted()
    }

    #[test]
    fn every_name_of_a_secret_is_suspect() {
        let mut suspects = 0;
        for ending in ENDINGS {
            for name in [
                ending.to_owned(),
                format!("x{ending}"),
                ending.to_uppercase(),
            ] {
                assert!(is_secret(name.as_bytes()) && may_name_secret(name.as_bytes()));
                suspects += 1;
            }
        }
        assert_eq!(suspects, 18);
        for name in ["Secretly", r"t\u006fken", r#"{\"a\":1}"#] {
            assert!(may_name_secret(name.as_bytes()), "{name}");
        }
        for name in ["", "roleArn", "tokens", "mysecretkey", "n"] {
            assert!(!may_name_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn secrets_go_and_everything_else_stays() {
        for (json, expected) in [
            (
                r#"{"credentials":{"accessKeyId":"ASIA1","sessionToken":"s3","expiration":"x"}}"#,
                r#"{"credentials":{"accessKeyId":"ASIA1","sessionToken":"REDACTED","expiration":"x"}}"#,
            ),
            (
                r#"{"a":[{"masterUserPassword":"x"}]}"#,
                r#"{"a":[{"masterUserPassword":"REDACTED"}]}"#,
            ),
            (
                r#"{"token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
                r#"{"token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
            ),
            (
                r#"{"secretId":"prod/db","secretString":{"u":1}}"#,
                r#"{"secretId":"prod/db","secretString":"REDACTED"}"#,
            ),
            (r#"{"\u0074oken":"x"}"#, r#"{"\u0074oken":"REDACTED"}"#),
            (r#"{"roleArn":"arn:x"}"#, r#"{"roleArn":"arn:x"}"#),
            (
                r#"{"sAMLAssertion": "PD94" , "b":1}"#,
                r#"{"sAMLAssertion": "REDACTED" , "b":1}"#,
            ),
            (
                r#"{"DB_PASSWORD":"x","Secret":"y"}"#,
                r#"{"DB_PASSWORD":"REDACTED","Secret":"REDACTED"}"#,
            ),
            (
                r#"["{\"a\":{\"token\":\"x\"}}"]"#,
                r#"["{\"a\":{\"token\":\"REDACTED\"}}"]"#,
            ),
            (
                r#"["{\"token\" is no JSON"]"#,
                r#"["{\"token\" is no JSON"]"#,
            ),
            (
                r#"{"subjectFromWebIdentityToken":"sub"}"#,
                r#"{"subjectFromWebIdentityToken":"sub"}"#,
            ),
            (r#""token""#, r#""token""#),
            ("12", "12"),
        ] {
            assert_eq!(redacted(json.as_bytes()).as_deref(), Ok(expected), "{json}");
        }
    }

    #[test]
    fn text_is_searched_to_its_end_and_goes_whole_where_a_secret_has_none() {
        for (json, expected) in [
            (
                r#"["{\"a\":1}{\"token\":\"x\"} 12"]"#,
                r#"["{\"a\":1}{\"token\":\"REDACTED\"} 12"]"#,
            ),
            (
                r#"["[{\"a\":1}]\n{\"token\":\"x\"}\n"]"#,
                r#"["[{\"a\":1}]\n{\"token\":\"REDACTED\"}\n"]"#,
            ),
            (
                r#"["\ufeff{\"token\":\"x\"}"]"#,
                r#"["{\"token\":\"REDACTED\"}"]"#,
            ),
            (r#"["{\"token\":\"x\",\"a\":"]"#, r#"["REDACTED"]"#),
            (r#"["{\"token\":\"x\",\"b\":\"\x\"}"]"#, r#"["REDACTED"]"#),
            (r#"["{\"token\":\"x\",\"b\":\"\u00"]"#, r#"["REDACTED"]"#),
            (
                r#"["{\"^\\d+$\":\"digits\",\"C:\\Logs\":\"DB\\_PASSWORD\"}"]"#,
                r#"["{\"^\\d+$\":\"digits\",\"C:\\Logs\":\"DB\\_PASSWORD\"}"]"#,
            ),
            (
                r#"["{\"a\":b,\"DB\\_PASSWORD\":\"x\"}"]"#,
                r#"["REDACTED"]"#,
            ),
            (
                r#"["[string]$p = \"{\\\"Version\\\":\\\"1\\\"}\"; aws s3 ls"]"#,
                r#"["[string]$p = \"{\\\"Version\\\":\\\"1\\\"}\"; aws s3 ls"]"#,
            ),
            (
                r#"["{\"PolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":["]"#,
                r#"["{\"PolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":["]"#,
            ),
            (
                r#"["{\"Doc\":\"{\\\"token\\\":\\\"x\\\",\\\"Statement\\\":["]"#,
                r#"["REDACTED"]"#,
            ),
            (r#"["{\"a\":1}, {\"token\" : \"x"]"#, r#"["REDACTED"]"#),
            (
                r#"["{\"a\":1, b, \"c\":\"token\"}"]"#,
                r#"["{\"a\":1, b, \"c\":\"token\"}"]"#,
            ),
        ] {
            assert_eq!(redacted(json.as_bytes()).as_deref(), Ok(expected), "{json}");
        }
    }
}
