//! JSON's escapes.
//!
//! In: what stands between the quotes of a string. Out: the text that it means, borrowed where there is
//! no escape. Must hold: what AWS cut is text all the same.

use std::borrow::Cow;

use crate::json::JsonError;

/// The text of a string's raw bytes. Half of a surrogate pair becomes U+FFFD: AWS cuts texts at
/// 1 KB, and where the cut falls must not cost the event.
pub(crate) fn unescaped(raw: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    without_escapes(std::str::from_utf8(raw).map_err(|_| JsonError::Utf8)?)
}

/// The same of text.
pub(crate) fn without_escapes(text: &str) -> Result<Cow<'_, str>, JsonError> {
    let Some((plain, mut rest)) = text.split_once('\\') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut clean = String::with_capacity(text.len());
    clean.push_str(plain);
    loop {
        let mut chars = rest.chars();
        let (character, after) = match chars.next() {
            Some(same @ ('"' | '\\' | '/')) => (same, chars.as_str()),
            Some('b') => ('\u{8}', chars.as_str()),
            Some('f') => ('\u{c}', chars.as_str()),
            Some('n') => ('\n', chars.as_str()),
            Some('r') => ('\r', chars.as_str()),
            Some('t') => ('\t', chars.as_str()),
            Some('u') => code_point(chars.as_str())?,
            _ => return Err(JsonError::Utf8),
        };
        clean.push(character);
        let Some((plain, escape)) = after.split_once('\\') else {
            clean.push_str(after);
            return Ok(Cow::Owned(clean));
        };
        clean.push_str(plain);
        rest = escape;
    }
}

/// The character whose code follows `\u`, and what stands after it.
fn code_point(digits: &str) -> Result<(char, &str), JsonError> {
    let (first, after_first) = code_unit(digits)?;
    if (0xD800..0xDC00).contains(&first)
        && let Some(digits) = after_first.strip_prefix("\\u")
    {
        let (second, after) = code_unit(digits)?;
        if (0xDC00..0xE000).contains(&second) {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return Ok((
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                after,
            ));
        }
    }
    Ok((
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        after_first,
    ))
}

fn code_unit(text: &str) -> Result<(u32, &str), JsonError> {
    let (digits, after) = text.split_at_checked(4).ok_or(JsonError::Utf8)?;
    // `from_str_radix` alone would take a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(JsonError::Utf8);
    }
    Ok((
        u32::from_str_radix(digits, 16).map_err(|_| JsonError::Utf8)?,
        after,
    ))
}
