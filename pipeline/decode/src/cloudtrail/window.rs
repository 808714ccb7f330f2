//! A window over a stream of bytes that grows until one whole JSON value fits.
//!
//! In: any `BufRead`. Out: contiguous bytes. Must hold: the window never holds more than
//! [`RECORD_BYTES_MAX`] and one byte, however large the document is and whatever a read offers;
//! what was read before a read failed is seen before the failure; no byte is lost where a read ends in the
//! middle of a character.

use std::io::{self, BufRead};
use std::mem;

use super::super::json::{Cursor, JsonError};
use crate::limits::{RECORD_BYTES_MAX, WINDOW_READ_BYTES};

/// Unread bytes of a stream, contiguous.
#[derive(Debug)]
pub(crate) struct Window<R> {
    input: R,
    buffer: Buffer,
    start: usize,
    ended: bool,
    /// A failure that came after bytes: they are looked at first.
    failed: Option<io::Error>,
}

/// Text, as long as it is: then no string in it needs to be looked at for that. Bytes from the first on
/// that are no UTF-8, and in a stream that comes in pieces which end in the middle of a character.
#[derive(Debug, Default)]
struct Buffer {
    /// Empty when it is bytes.
    text: String,
    /// Empty as long as it is text.
    bytes: Vec<u8>,
    is_bytes: bool,
}

impl Buffer {
    fn as_text(&self) -> Option<&str> {
        (!self.is_bytes).then_some(&self.text)
    }

    fn as_bytes(&self) -> &[u8] {
        self.as_text().map_or(&self.bytes, str::as_bytes)
    }

    fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Forgets the first bytes.
    fn let_go(&mut self, count: usize) {
        if self.is_bytes || !self.text.is_char_boundary(count) {
            self.bytes_from_now_on().drain(..count);
        } else {
            self.text.drain(..count);
        }
    }

    /// Appends the chunk, or what stands before a character that its end cuts; says how many bytes.
    fn extend(&mut self, chunk: &[u8]) -> usize {
        if !self.is_bytes {
            let whole = match std::str::from_utf8(chunk) {
                Ok(whole) => whole,
                Err(error) if error.error_len().is_none() => {
                    let whole = chunk.get(..error.valid_up_to());
                    whole
                        .and_then(|whole| std::str::from_utf8(whole).ok())
                        .unwrap_or_default()
                }
                Err(_) => "",
            };
            if !whole.is_empty() {
                self.text.push_str(whole);
                return whole.len();
            }
        }
        self.bytes_from_now_on().extend_from_slice(chunk);
        chunk.len()
    }

    /// From now on it is bytes.
    fn bytes_from_now_on(&mut self) -> &mut Vec<u8> {
        if !self.is_bytes {
            self.bytes = mem::take(&mut self.text).into_bytes();
            self.is_bytes = true;
        }
        &mut self.bytes
    }
}

/// How an attempt to read one value from the window ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt<T> {
    /// The value was read; that many bytes are done with.
    Done(T, usize),
    /// The stream ended inside the value.
    Truncated,
    /// The value does not fit into [`RECORD_BYTES_MAX`].
    TooLong,
    /// The value is not JSON.
    Broken(JsonError),
}

impl<R: BufRead> Window<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Buffer::default(),
            start: 0,
            ended: false,
            failed: None,
        }
    }

    /// The unread bytes that are at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.as_bytes().get(self.start..).unwrap_or_default()
    }

    /// A cursor at the first of them.
    fn cursor(&self) -> Cursor<'_> {
        let text = self
            .buffer
            .as_text()
            .and_then(|text| text.get(self.start..));
        text.map_or_else(|| Cursor::new(self.bytes()), Cursor::of_text)
    }

    /// Lets go of the first `count` unread bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.buffer.len().min(self.start + count);
    }

    /// Reads on. False: the stream has ended.
    pub(crate) fn grow(&mut self) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(false);
        }
        self.buffer.let_go(self.start);
        self.start = 0;
        // Half as much again as is there: a long record is not parsed over and over. One byte
        // more than a record may have tells that it has too many.
        let held = self.buffer.len();
        let wanted = (held + WINDOW_READ_BYTES.max(held / 2)).min(RECORD_BYTES_MAX + 1);
        while self.buffer.len() < wanted {
            match self.input.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    break;
                }
                Ok(chunk) => {
                    // A reader over memory offers all it has: no more than is wanted is copied.
                    let room = wanted - self.buffer.len();
                    let chunk = chunk.get(..room).unwrap_or(chunk);
                    let taken = self.buffer.extend(chunk);
                    let cut = taken < chunk.len();
                    self.input.consume(taken);
                    if cut {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.buffer.len() == held => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Runs `read` on the window, growing it while the value is incomplete.
    pub(crate) fn attempt<T>(
        &mut self,
        mut read: impl FnMut(&mut Cursor<'_>) -> Result<T, JsonError>,
    ) -> io::Result<Attempt<T>> {
        loop {
            let mut cursor = self.cursor();
            match read(&mut cursor) {
                Ok(value) => return Ok(Attempt::Done(value, cursor.position())),
                Err(JsonError::Incomplete) => {}
                Err(error) => return Ok(Attempt::Broken(error)),
            }
            if self.bytes().len() > RECORD_BYTES_MAX {
                return Ok(Attempt::TooLong);
            }
            if !self.grow()? {
                return Ok(Attempt::Truncated);
            }
        }
    }

    /// Discards one value by its brackets and quotes alone, without holding it.
    /// False: the stream ended inside it.
    pub(crate) fn discard_value(&mut self, values_on_lines: bool) -> io::Result<bool> {
        let mut skim = Skim {
            values_on_lines,
            ..Skim::default()
        };
        loop {
            let mut taken = 0;
            let mut end = None;
            for byte in self.bytes() {
                end = skim.step(*byte);
                if end == Some(End::Before) {
                    break;
                }
                taken += 1;
                if end.is_some() {
                    break;
                }
            }
            self.consume(taken);
            if end.is_some() {
                return Ok(true);
            }
            if !self.grow()? {
                return Ok(skim.is_whole());
            }
        }
    }

    /// Reads the rest of the stream and lets go of it: damage in it is reported, and whoever
    /// hashes the stream sees all of it.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        self.consume(self.bytes().len());
        while self.grow()? {
            self.consume(self.bytes().len());
        }
        Ok(())
    }
}

/// Where a value that is skimmed for its end has got to.
#[derive(Debug, Default)]
struct Skim {
    /// Each value begins on a line of its own: a line that begins with a brace is the next value,
    /// whatever the quotes and brackets before it say. JSON has no such line inside a string.
    values_on_lines: bool,
    depth: usize,
    text: Text,
    last: Option<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// Behind a backslash.
    Escape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The value ends with this byte.
    With,
    /// The byte belongs to what comes after the value.
    Before,
}

impl Skim {
    fn step(&mut self, byte: u8) -> Option<End> {
        let last = self.last.replace(byte);
        if self.values_on_lines && last == Some(b'\n') && byte == b'{' {
            return Some(End::Before);
        }
        match (self.text, byte) {
            (Text::Inside, b'\\') => self.text = Text::Escape,
            (Text::Inside, b'"') => {
                self.text = Text::Outside;
                return (self.depth == 0).then_some(End::With);
            }
            (Text::Inside, _) => {}
            (Text::Escape, _) | (Text::Outside, b'"') => self.text = Text::Inside,
            (Text::Outside, _) => return self.step_outside(byte, last.is_some()),
        }
        None
    }

    fn step_outside(&mut self, byte: u8, begun: bool) -> Option<End> {
        match byte {
            b'{' | b'[' if self.depth == 0 && begun => return Some(End::Before),
            b'{' | b'[' => self.depth += 1,
            b',' | b'}' | b']' | b'\n' if self.depth == 0 => {
                // What cannot begin a value is taken as one, so that there is progress.
                return Some(if begun { End::Before } else { End::With });
            }
            b'}' | b']' => {
                self.depth -= 1;
                return (self.depth == 0).then_some(End::With);
            }
            _ => {}
        }
        None
    }

    /// Whether the value may end here: nothing is open.
    fn is_whole(&self) -> bool {
        self.depth == 0 && self.text == Text::Outside
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// All of a window's bytes, and whether they are text.
    fn read(input: impl BufRead) -> (Vec<u8>, bool) {
        let mut window = Window::new(input);
        let (mut bytes, mut text) = (Vec::new(), true);
        while window.grow().unwrap() {
            bytes.extend_from_slice(window.bytes());
            text &= window.buffer.as_text().is_some();
            window.consume(window.bytes().len());
        }
        (bytes, text)
    }

    #[test]
    fn a_character_that_a_read_cuts_is_whole_and_no_text_is_bytes() {
        // Longer than a window, and no power of two: windows end in the middle of characters.
        let text = "aé€😀".repeat(WINDOW_READ_BYTES / 7);
        assert_eq!(read(text.as_bytes()), (text.clone().into_bytes(), true));
        for length in [1, 2, 3, 10, 4096] {
            let pieces = BufReader::with_capacity(length, text.as_bytes());
            assert_eq!(read(pieces).0, text.as_bytes(), "{length}");
        }
        for broken in [&b"\xff"[..], b"\xe2\x82", b"\xf0\x9f\x98"] {
            for behind in ["", "a", "é"] {
                let bytes = [text.as_bytes(), broken, behind.as_bytes()].concat();
                assert_eq!(
                    read(&bytes[..]),
                    (bytes.clone(), false),
                    "{broken:?} {behind}"
                );
            }
        }
    }

    #[test]
    fn what_is_left_behind_half_a_character_is_bytes() {
        let mut window = Window::new("é1".as_bytes());
        assert!(window.grow().unwrap());
        window.consume(1);
        let seen = window.attempt(|cursor| cursor.skip_value().map(<[u8]>::len));
        assert_eq!(seen.unwrap(), Attempt::Broken(JsonError::Syntax));
        assert!(!window.grow().unwrap());
        assert_eq!(window.bytes(), b"\xa91");
    }
}
