//! A window over a stream of bytes that grows until one whole JSON value fits.
//!
//! In: any `BufRead`. Out: contiguous bytes. Must hold: the window never holds more than
//! [`RECORD_BYTES_MAX`] and one byte, however large the document is and whatever a read offers;
//! what was read before a read failed is seen before the failure.

use std::io::{self, BufRead};

use super::super::json::{Cursor, JsonError};
use crate::limits::{RECORD_BYTES_MAX, WINDOW_READ_BYTES};

/// Unread bytes of a stream, contiguous.
#[derive(Debug)]
pub(crate) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// A failure that came after bytes: they are looked at first.
    failed: Option<io::Error>,
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
            buffer: Vec::new(),
            start: 0,
            ended: false,
            failed: None,
        }
    }

    /// The unread bytes that are at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
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
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
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
                    let chunk = chunk.get(..wanted - self.buffer.len()).unwrap_or(chunk);
                    self.buffer.extend_from_slice(chunk);
                    let taken = chunk.len();
                    self.input.consume(taken);
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
            let mut cursor = Cursor::new(self.bytes());
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
