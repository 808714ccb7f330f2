//! Cuts a byte stream into lines without copying those that lie whole in its buffer.
//!
//! In: a `BufRead`. Out: each line, without its `\n`, in order.
//!
//! Must hold: a line longer than [`LINE_BYTES_MAX`] is told once and never held; what the reader
//! gave before it failed has been visited.

use std::io::{self, BufRead};

use memchr::{memchr, memchr_iter};

use crate::limits::{EXCERPT_BYTES_MAX, LINE_BYTES_MAX};

/// One line of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The line without its end.
    Whole {
        bytes: &'a [u8],
        /// Told for a whole buffer at once, which is cheaper: true is sure, false may be wrong.
        ascii: bool,
    },
    /// The beginning of a line that is longer than the limit.
    TooLong(&'a [u8]),
}

/// Visits every line until the input ends, the input fails or the visitor does.
pub(super) fn visit<E: From<io::Error>>(
    mut input: impl BufRead,
    mut visitor: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut split = Split::default();
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if chunk.is_empty() {
            return split.end(&mut visitor);
        }
        split.take(chunk, &mut visitor)?;
        let consumed = chunk.len();
        input.consume(consumed);
    }
}

/// The line that the end of the buffer cut in two.
#[derive(Debug, Default)]
struct Split {
    held: Vec<u8>,
    /// The line was told as too long; its rest is passed over.
    passing_over: bool,
}

impl Split {
    fn take<E>(
        &mut self,
        chunk: &[u8],
        visitor: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        if self.passing_over || !self.held.is_empty() {
            let Some(end) = memchr(b'\n', chunk) else {
                return self.hold(chunk, visitor);
            };
            self.hold(chunk.get(..end).unwrap_or_default(), visitor)?;
            self.end(visitor)?;
            start = end + 1;
        }
        let rest = chunk.get(start..).unwrap_or_default();
        let ascii = rest.is_ascii();
        let mut begin = 0;
        for end in memchr_iter(b'\n', rest) {
            visitor(measured(rest.get(begin..end).unwrap_or_default(), ascii))?;
            begin = end + 1;
        }
        self.hold(rest.get(begin..).unwrap_or_default(), visitor)
    }

    fn hold<E>(
        &mut self,
        part: &[u8],
        visitor: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.passing_over {
            return Ok(());
        }
        if self.held.len() + part.len() <= LINE_BYTES_MAX {
            self.held.extend_from_slice(part);
            return Ok(());
        }
        let missing = EXCERPT_BYTES_MAX.saturating_sub(self.held.len());
        self.held
            .extend_from_slice(part.get(..missing).unwrap_or(part));
        self.passing_over = true;
        visitor(Line::TooLong(excerpt(&self.held)))
    }

    /// The line ends here; an empty one is told only when something was held.
    fn end<E>(&mut self, visitor: &mut impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        let told = self.passing_over || self.held.is_empty();
        self.passing_over = false;
        let line = Line::Whole {
            bytes: &self.held,
            ascii: false,
        };
        let outcome = if told { Ok(()) } else { visitor(line) };
        self.held.clear();
        outcome
    }
}

fn measured(bytes: &[u8], ascii: bool) -> Line<'_> {
    if bytes.len() <= LINE_BYTES_MAX {
        Line::Whole { bytes, ascii }
    } else {
        Line::TooLong(excerpt(bytes))
    }
}

fn excerpt(line: &[u8]) -> &[u8] {
    line.get(..EXCERPT_BYTES_MAX).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_do_not_depend_on_the_size_of_the_buffer() {
        let long = "x".repeat(LINE_BYTES_MAX);
        let text = format!("a b\n\n{long}\n{long}y\nlast\r\n  \n{long}yy\nno end");
        let whole = lines(text.as_bytes());
        assert_eq!(whole.len(), 8);
        assert_eq!(whole[2], (true, LINE_BYTES_MAX));
        assert_eq!(whole[3], (false, EXCERPT_BYTES_MAX));
        for capacity in [1, 2, 3, 7, 100, 4096, LINE_BYTES_MAX, LINE_BYTES_MAX + 1] {
            let cut = lines(BufReader::with_capacity(capacity, text.as_bytes()));
            assert_eq!(cut, whole, "buffer of {capacity} bytes");
        }
    }

    fn lines(input: impl BufRead) -> Vec<(bool, usize)> {
        let mut lines = Vec::new();
        let outcome: io::Result<()> = visit(input, |line| {
            lines.push(match line {
                Line::Whole { bytes, ascii: _ } => (true, bytes.len()),
                Line::TooLong(line) => (false, line.len()),
            });
            Ok(())
        });
        outcome.unwrap();
        lines
    }
}
