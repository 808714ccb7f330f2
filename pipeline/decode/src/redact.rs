//! Removes secrets from JSON text before it goes anywhere (I9; domain 1.6 and 11).
//!
//! In: the raw JSON of a field, or its text. Out: the same, values under secret names replaced by
//! `"REDACTED"`, also inside strings that hold JSON, behind other words too, and in strings in those.
//! Must hold: names count in any case; text without a suspect name is borrowed, untouched; AWS's own
//! `HIDDEN_DUE_TO_SECURITY_REASONS` stays, because it says who hid it; a string without escapes, which
//! has no quotes and so no names in it, is not searched.

use std::borrow::Cow;
use std::mem;

use memchr::memmem;

use crate::escapes::{unescaped, without_escapes};
use crate::json::{Cursor, JsonError, Kind};
use crate::limits::{JSON_NESTING_MAX, JSON_TEXTS_MAX};

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
pub(crate) struct Json<'a> {
    pub(crate) raw: &'a [u8],
    /// The same, where it is known to be UTF-8.
    text: Option<&'a str>,
    pub(crate) suspect: bool,
}

impl<'a> Json<'a> {
    /// Takes the next value. Whether its names are suspect is seen on the way past them.
    pub(crate) fn take(cursor: &mut Cursor<'a>) -> Result<Self, JsonError> {
        let mut suspect = false;
        let raw = cursor.skip_value_past(&mut |string, has_escapes| {
            suspect = suspect || has_escapes || sounds_secret(string);
        })?;
        let text = cursor.known_text(raw.len(), cursor.position());
        Ok(Self { raw, text, suspect })
    }

    /// As it is written.
    pub(crate) fn text(self) -> Result<&'a str, JsonError> {
        self.cursor().checked(self.raw, self.raw.len())
    }

    /// A cursor at its beginning.
    pub(crate) fn cursor(self) -> Cursor<'a> {
        match self.text {
            Some(text) => Cursor::of_text(text),
            None => Cursor::new(self.raw),
        }
    }

    /// The text with its secrets replaced.
    pub(crate) fn redacted(self) -> Result<Cow<'a, str>, JsonError> {
        let text = self.text()?;
        if self.suspect {
            without_secrets(text)
        } else {
            Ok(Cow::Borrowed(text))
        }
    }

    /// The same of a member of this name: all of it goes if the name is a secret's.
    pub(crate) fn redacted_under(self, name: &[u8]) -> Result<Cow<'a, str>, JsonError> {
        if is_secret(name) && !says_no_secret(self.raw) {
            return Ok(Cow::Borrowed(REDACTED));
        }
        self.redacted()
    }
}

/// What stands in JSON in place of a secret.
const REDACTED: &str = "\"REDACTED\"";
/// And in a text.
const REDACTED_TEXT: &str = "REDACTED";

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

/// Whether the name of a secret may be in any bytes, whatever they are: a word of one, in any case, or an escape
/// that may stand for its letters.
pub(crate) fn may_have_secret(bytes: &[u8]) -> bool {
    let small = bytes.to_ascii_lowercase();
    let has = |word: &str| memmem::find(&small, word.as_bytes()).is_some();
    small.contains(&b'\\') || has(BEGINNING) || ENDINGS.into_iter().any(has)
}

/// JSON that may be broken, with its secrets replaced: every name in it is looked at, or there is an error. A
/// quote in the wrong place would hide a name from the test for suspects.
pub(crate) fn redacted_strictly(raw: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    without_secrets(std::str::from_utf8(raw).map_err(|_| JsonError::Utf8)?)
}

fn without_secrets(text: &str) -> Result<Cow<'_, str>, JsonError> {
    let mut secrets = Vec::new();
    find_secrets(&mut Cursor::of_text(text), &mut secrets, Depth::default())?;
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

/// How deep a value stands.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    /// In brackets and in texts.
    nesting: usize,
    /// In texts.
    texts: usize,
}

impl Depth {
    fn in_brackets(self) -> Self {
        Self {
            nesting: self.nesting + 1,
            ..self
        }
    }

    fn in_text(self) -> Self {
        Self {
            nesting: self.nesting + 1,
            texts: self.texts + 1,
        }
    }
}

fn find_secrets(
    cursor: &mut Cursor<'_>,
    secrets: &mut Vec<Secret>,
    depth: Depth,
) -> Result<(), JsonError> {
    if depth.nesting > JSON_NESTING_MAX {
        return Err(JsonError::TooDeep);
    }
    match cursor.kind()? {
        Kind::Object => cursor.object(|key, value| {
            if !is_secret(key) {
                return find_secrets(value, secrets, depth.in_brackets());
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
        Kind::Array => cursor.array(|element| find_secrets(element, secrets, depth.in_brackets())),
        Kind::Text => {
            let start = cursor.position();
            let (raw, has_escapes) = cursor.string()?;
            if has_escapes && let Some(replacement) = string_redacted(raw, depth.in_text()) {
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

/// A string with escapes that itself holds JSON with secrets in it, without them: policies, parameters
/// that a converter wrote as text. Nothing: there are none.
fn string_redacted(raw: &[u8], depth: Depth) -> Option<String> {
    // A quote in it is escaped, by a backslash nearly always.
    if memchr::memchr(b'"', raw).is_none() && memmem::find(raw, b"u0022").is_none() {
        return None;
    }
    let Ok(text) = unescaped(raw) else {
        // Its escapes are no text, so that it cannot be read; it may name a secret all the same.
        return secret_name(raw).map(|_| String::from(REDACTED));
    };
    let clean = text_without_secrets(&text, depth)?;
    Some(serde_json::to_string(&clean).unwrap_or_else(|_| String::from(REDACTED)))
}

/// A text that stands there with escapes, without them and without the secrets that JSON in it names.
#[inline(never)]
pub(crate) fn escaped_redacted(raw: &str) -> Result<Cow<'_, str>, JsonError> {
    let text = without_escapes(raw)?;
    Ok(
        match text_without_secrets(&text, Depth::default().in_text()) {
            Some(clean) => Cow::Owned(clean),
            None => text,
        },
    )
}

/// A text that stands there as it is, without the secrets that JSON in it names.
pub(crate) fn redacted_words(text: String) -> String {
    text_without_secrets(&text, Depth::default().in_text()).unwrap_or(text)
}

/// Nothing: there are none in it.
fn text_without_secrets(text: &str, depth: Depth) -> Option<String> {
    if depth.texts > JSON_TEXTS_MAX {
        return Some(String::from(REDACTED_TEXT));
    }
    let json = text.trim_start_matches(|c: char| c == BYTE_ORDER_MARK || c.is_whitespace());
    if json.starts_with(['{', '[', '"']) {
        return values_without_secrets(json, depth);
    }
    // Other words come first. What stands before the first object, or the first name, stays.
    let name = secret_name(text.as_bytes())?;
    let object = memchr::memchr(b'{', text.as_bytes()).unwrap_or(name);
    let (words, json) = text.split_at_checked(object.min(name)).unwrap_or_default();
    let clean = if json.starts_with('{') {
        values_without_secrets(json, depth)?
    } else {
        String::from(REDACTED_TEXT)
    };
    Some(format!("{words}{clean}"))
}

/// One value of JSON or many, and perhaps other text behind them. Nothing: there are no secrets.
fn values_without_secrets(json: &str, depth: Depth) -> Option<String> {
    let (mut secrets, mut cursor) = (Vec::new(), Cursor::of_text(json));
    // What was not searched for names: a string that a colon follows was one.
    let (mut unsearched, mut was_string) = (json.as_bytes(), false);
    while let Ok(first) = cursor.peek_byte() {
        let rest = cursor.ahead();
        if !was_string {
            unsearched = rest;
        }
        was_string = first == b'"';
        match find_secrets(&mut cursor, &mut secrets, depth) {
            Ok(()) if cursor.ahead().len() < rest.len() => {}
            // Text that only looks like JSON, or JSON that was cut.
            Ok(()) | Err(JsonError::Incomplete | JsonError::Syntax | JsonError::Utf8)
                if secret_name(unsearched).is_none() =>
            {
                break;
            }
            // Where a secret begins and ends cannot be told.
            Ok(()) | Err(_) => return Some(String::from(REDACTED_TEXT)),
        }
    }
    match replaced(json, secrets) {
        Cow::Owned(clean) => Some(clean),
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

/// Where the name of a secret stands in a text that is no JSON: in quotes, with a colon behind it.
fn secret_name(text: &[u8]) -> Option<usize> {
    let mut quotes = memchr::memchr_iter(b'"', text);
    let mut last = quotes.next()?;
    quotes.find_map(|quote| {
        // A quote may close one string or open another: each two are tried.
        let opened = mem::replace(&mut last, quote);
        let name = text.get(opened + 1..quote).unwrap_or_default();
        let after = text.get(quote + 1..).unwrap_or_default().trim_ascii_start();
        (after.starts_with(b":") && sounds_secret_in_text(name)).then_some(opened)
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
mod tests;
