//! A pull cursor over JSON bytes: values are visited or skipped, never built.
//!
//! In: a window of bytes that may end in the middle of a value. Out: borrowed keys, texts and raw
//! slices, or [`JsonError::Incomplete`] when the window must grow first.
//!
//! Must hold: no allocation but for strings with escapes; every step is bounded by the window and
//! by [`JSON_NESTING_MAX`]. A skipped value is checked for its brackets and strings, not for its
//! commas: the raw text is kept as AWS wrote it.

use std::borrow::Cow;

use memchr::memchr2;

use crate::escapes::without_escapes;
use crate::limits::JSON_NESTING_MAX;

/// Why the cursor could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// The window ends inside the value.
    Incomplete,
    /// The bytes are not JSON.
    Syntax,
    /// Nested deeper than [`JSON_NESTING_MAX`].
    TooDeep,
    /// A string is not UTF-8, or its escapes are no text.
    Utf8,
}

/// What stands at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Null,
    /// A number or a boolean.
    Scalar,
}

/// A position in a window of JSON bytes.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The bytes, where they are known to be UTF-8: then no string of them is looked at for that.
    text: Option<&'a str>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            text: None,
        }
    }

    pub(crate) fn of_text(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            text: Some(text),
        }
    }

    /// Bytes consumed so far.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Skips white space and says which byte comes next, without taking it.
    pub(crate) fn peek_byte(&mut self) -> Result<u8, JsonError> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(JsonError::Incomplete),
            }
        }
    }

    /// Takes the byte that [`Self::peek_byte`] showed.
    pub(crate) fn bump(&mut self) {
        self.at += 1;
    }

    /// What is not yet consumed.
    pub(crate) fn ahead(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Takes bytes that [`Self::ahead`] showed.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The kind of the next value.
    pub(crate) fn kind(&mut self) -> Result<Kind, JsonError> {
        match self.peek_byte()? {
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::Array),
            b'"' => Ok(Kind::Text),
            b'n' => Ok(Kind::Null),
            b't' | b'f' | b'-' | b'0'..=b'9' => Ok(Kind::Scalar),
            _ => Err(JsonError::Syntax),
        }
    }

    /// Visits the members of the object at the cursor. `member` must take each value.
    pub(crate) fn object(
        &mut self,
        member: impl FnMut(&'a [u8], &mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.named(Self::key, member)
    }

    /// The same with whatever stands for a name; `name` must take it and its colon.
    #[inline]
    pub(crate) fn named<N>(
        &mut self,
        mut name: impl FnMut(&mut Self) -> Result<N, JsonError>,
        mut member: impl FnMut(N, &mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.expect(b'{')?;
        if self.peek_byte()? == b'}' {
            self.bump();
            return Ok(());
        }
        loop {
            let name = name(self)?;
            member(name, self)?;
            match self.peek_byte()? {
                b',' => self.bump(),
                b'}' => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    /// Takes a name and its colon; returns the bytes between its quotes, escapes untouched.
    pub(crate) fn key(&mut self) -> Result<&'a [u8], JsonError> {
        let key = self.raw_string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Visits the elements of the array at the cursor. `element` must take each value.
    pub(crate) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.expect(b'[')?;
        if self.peek_byte()? == b']' {
            self.bump();
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek_byte()? {
                b',' => self.bump(),
                b']' => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    /// The next value as text: a string unescaped, a number or boolean as written, `null` and the
    /// empty string as nothing, an object or array as its JSON. AWS and its converters disagree on
    /// which of these a field is, so all are taken.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        self.text_by(without_escapes)
    }

    /// The same with another way to read a string that has escapes. To look at what [`Self::text`] gave
    /// costs each text that has none a tenth of its decoding.
    #[inline]
    pub(crate) fn text_by(
        &mut self,
        escaped: impl FnOnce(&'a str) -> Result<Cow<'a, str>, JsonError>,
    ) -> Result<Option<Cow<'a, str>>, JsonError> {
        if self.peek_byte()? != b'"' {
            return self.unquoted_text();
        }
        let (raw, has_escapes) = self.string()?;
        if raw.is_empty() {
            return Ok(None);
        }
        let text = self.checked(raw, self.at - 1)?;
        Ok(Some(if has_escapes {
            escaped(text)?
        } else {
            Cow::Borrowed(text)
        }))
    }

    fn unquoted_text(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        let raw = self.skip_value()?;
        if raw == b"null" {
            return Ok(None);
        }
        self.checked(raw, self.at)
            .map(|text| Some(Cow::Borrowed(text)))
    }

    /// Bytes that end at this place, as text.
    #[inline]
    pub(crate) fn checked(&self, raw: &'a [u8], end: usize) -> Result<&'a str, JsonError> {
        match self.known_text(raw.len(), end) {
            Some(text) => Ok(text),
            None => std::str::from_utf8(raw).map_err(|_| JsonError::Utf8),
        }
    }

    /// So many bytes that end at this place, if they are known to be text.
    #[inline]
    pub(crate) fn known_text(&self, length: usize, end: usize) -> Option<&'a str> {
        self.text?.get(end.checked_sub(length)?..end)
    }

    /// The next value as a boolean, also when it is written as a string.
    pub(crate) fn flag(&mut self) -> Result<Option<bool>, JsonError> {
        let ahead = self.ahead();
        for (word, value) in [(&b"true"[..], true), (b"false", false)] {
            if ahead.starts_with(word) {
                self.advance(word.len());
                return Ok(Some(value));
            }
        }
        Ok(match self.text()?.as_deref() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => None,
        })
    }

    /// Takes a string and returns the bytes between its quotes, escapes untouched.
    pub(crate) fn raw_string(&mut self) -> Result<&'a [u8], JsonError> {
        self.string().map(|(raw, _)| raw)
    }

    /// The same, and whether there are escapes in it.
    pub(crate) fn string(&mut self) -> Result<(&'a [u8], bool), JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.bytes.get(self.at..).ok_or(JsonError::Incomplete)?;
            let offset = quote_or_backslash(rest).ok_or(JsonError::Incomplete)?;
            self.at += offset;
            if self.bytes.get(self.at) == Some(&b'"') {
                let raw = self
                    .bytes
                    .get(start..self.at)
                    .ok_or(JsonError::Incomplete)?;
                self.at += 1;
                return Ok((raw, has_escapes));
            }
            // A backslash takes the byte after it, whatever it is.
            has_escapes = true;
            self.at += 2;
        }
    }

    /// Takes the next value, whatever it is, and returns its bytes.
    pub(crate) fn skip_value(&mut self) -> Result<&'a [u8], JsonError> {
        self.skip_value_past(&mut |_, _| ())
    }

    /// The same, and shows every string in it on the way, raw between its quotes, and whether there are
    /// escapes in it.
    pub(crate) fn skip_value_past(
        &mut self,
        string: &mut impl FnMut(&'a [u8], bool),
    ) -> Result<&'a [u8], JsonError> {
        let first = self.peek_byte()?;
        let start = self.at;
        match first {
            b'{' | b'[' => self.skip_container(string)?,
            b'"' => {
                let (raw, has_escapes) = self.string()?;
                string(raw, has_escapes);
            }
            b'n' => self.literal(b"null")?,
            b't' => self.literal(b"true")?,
            b'f' => self.literal(b"false")?,
            b'-' | b'0'..=b'9' => self.skip_number()?,
            _ => return Err(JsonError::Syntax),
        }
        self.bytes.get(start..self.at).ok_or(JsonError::Incomplete)
    }

    fn skip_container(&mut self, string: &mut impl FnMut(&'a [u8], bool)) -> Result<(), JsonError> {
        let mut open = [0_u8; JSON_NESTING_MAX];
        let mut depth = 0_usize;
        loop {
            let byte = *self.bytes.get(self.at).ok_or(JsonError::Incomplete)?;
            match byte {
                b'"' => {
                    let (raw, has_escapes) = self.string()?;
                    string(raw, has_escapes);
                    continue;
                }
                b'{' | b'[' => {
                    *open.get_mut(depth).ok_or(JsonError::TooDeep)? = byte;
                    depth += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(JsonError::Syntax)?;
                    let opened = *open.get(depth).ok_or(JsonError::TooDeep)?;
                    // In ASCII each closing bracket is its opening one plus two.
                    if opened + 2 != byte {
                        return Err(JsonError::Syntax);
                    }
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn skip_number(&mut self) -> Result<(), JsonError> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') {
                return Ok(());
            }
            self.at += 1;
        }
        // The digits may go on in the next window.
        Err(JsonError::Incomplete)
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let rest = self.bytes.get(self.at..).ok_or(JsonError::Incomplete)?;
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(if word.starts_with(rest) {
            JsonError::Incomplete
        } else {
            JsonError::Syntax
        })
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek_byte()? == byte {
            self.at += 1;
            return Ok(());
        }
        Err(JsonError::Syntax)
    }
}

/// Where the first quote or backslash stands. Most strings are short: eight bytes are looked at in
/// a word, for a call into vector code costs more than the string. A long one is left to it.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const WORDS: usize = 6;
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, _) = bytes.as_chunks::<8>();
    let mut looked = 0;
    for word in words.iter().take(WORDS) {
        let word = u64::from_le_bytes(*word);
        // A byte that is zero lends to its high bit; above the lowest such byte that may be wrong.
        let quote = word ^ u64::from_ne_bytes([b'"'; 8]);
        let slash = word ^ u64::from_ne_bytes([b'\\'; 8]);
        let found = (quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash) & HIGHS;
        if found != 0 {
            return usize::try_from(found.trailing_zeros() / 8)
                .ok()
                .map(|place| looked + place);
        }
        looked += 8;
    }
    memchr2(b'"', b'\\', bytes.get(looked..)?).map(|place| looked + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_skipped_whole_or_found_wanting() {
        for (json, expected) in [
            (r#"{"a":[1,{"b":"}]"}]} ,"#, Ok(r#"{"a":[1,{"b":"}]"}]}"#)),
            (r#""a\"b" "#, Ok(r#""a\"b""#)),
            ("-1.5e+3,", Ok("-1.5e+3")),
            ("null,", Ok("null")),
            ("nul", Err(JsonError::Incomplete)),
            ("nil,", Err(JsonError::Syntax)),
            ("12", Err(JsonError::Incomplete)),
            (r#"{"a":"#, Err(JsonError::Incomplete)),
            (r#""a\"#, Err(JsonError::Incomplete)),
            (r#"{"a":[1}"#, Err(JsonError::Syntax)),
            ("}", Err(JsonError::Syntax)),
            ("", Err(JsonError::Incomplete)),
        ] {
            let got = Cursor::new(json.as_bytes()).skip_value();
            assert_eq!(got, expected.map(str::as_bytes), "{json}");
        }
        let deep = "[".repeat(JSON_NESTING_MAX + 1);
        assert_eq!(
            Cursor::new(deep.as_bytes()).skip_value(),
            Err(JsonError::TooDeep)
        );
    }

    #[test]
    fn the_first_quote_or_backslash_is_found_wherever_it_stands() {
        for length in 0..100 {
            for (place, found) in [(length / 3, b'"'), (length, b'\\'), (length / 2, b'\\')] {
                let mut bytes = vec![b'#'; length];
                bytes.insert(place, found);
                bytes.extend([b'"'; 9]);
                assert_eq!(quote_or_backslash(&bytes), Some(place), "{length} {place}");
            }
            // One more or less than either, with and without the high bit.
            let near: Vec<u8> = b"!#[]\xa2\xdc"
                .iter()
                .copied()
                .cycle()
                .take(length)
                .collect();
            assert_eq!(quote_or_backslash(&near), None, "{length}");
        }
    }

    #[test]
    fn texts_take_every_scalar() {
        for (json, expected) in [
            (r#""plain" "#, Ok(Some("plain"))),
            (r#""" "#, Ok(None)),
            (r#""a\u0041\n" "#, Ok(Some("aA\n"))),
            ("null ", Ok(None)),
            ("true ", Ok(Some("true"))),
            ("12 ", Ok(Some("12"))),
            (r#"{"a":1} "#, Ok(Some(r#"{"a":1}"#))),
            (r#""\x" "#, Err(JsonError::Utf8)),
            (r#""\u+041" "#, Err(JsonError::Utf8)),
            (r#""\u00" "#, Err(JsonError::Utf8)),
            (r#""\b\f\r\t\/" "#, Ok(Some("\u{8}\u{c}\r\t/"))),
            (r#""\ud83d\ude00 \ud83d" "#, Ok(Some("😀 \u{fffd}"))),
        ] {
            for mut cursor in [Cursor::new(json.as_bytes()), Cursor::of_text(json)] {
                let got = cursor.text();
                assert_eq!(
                    got.as_ref().map(Option::as_deref),
                    expected.as_ref().map(|e| *e),
                    "{json}"
                );
            }
        }
        assert_eq!(Cursor::new(b"\"\xff\" ").text(), Err(JsonError::Utf8));
    }
}
