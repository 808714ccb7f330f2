//! Recognises a header line and says what it makes of the lines behind it.
//!
//! In: a line. Out: names and separator, or that the line is no header.
//!
//! Must hold: a record is never taken for a header. So a line is asked only when it is the first,
//! or when it cannot be a record: no header has a number where `end` stands.

use std::str;

use super::fields::{self, Format};
use super::tokens::Tokens;
use crate::BYTE_ORDER_MARK;

/// How many names of a line must be known for it to be a header wherever it stands.
const HEADER_NAMES_MIN: usize = 3;

/// The names of a log's values, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Field names in their normal spelling, with hyphens.
    pub(super) names: Vec<String>,
    /// What stands between two values: a space, or a comma.
    pub(super) separator: u8,
}

impl Header {
    /// The header of the first line of a file: it need only begin with a field that is known. AWS adds
    /// fields, and a log may name one first; then half of the names must be known.
    pub(super) fn of_first_line(line: &[u8]) -> Option<Self> {
        let header = Self::parse(line)?;
        let first = header.names.first();
        let begins = first.is_some_and(|first| fields::is_known(first));
        (begins || header.knows_half()).then_some(header)
    }

    /// A header in mid-file. A broken line may be a word that is also a field's name, or half a record
    /// with the next file's header behind it, so all of it must be names, and half of them known,
    /// before it changes how all other lines are read.
    pub(super) fn of_later_line(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let header = Self::parse(line)?;
        (header.is_of_names() && header.knows_half()).then_some(header)
    }

    /// The header of a file that has none: the default format.
    pub(super) fn of_default_format() -> Self {
        let names = fields::DEFAULT_HEADER
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        Self {
            names,
            separator: b' ',
        }
    }

    /// The format, which decides the table.
    pub(super) fn format(&self) -> Format {
        Format::of(self.names.iter().map(String::as_str))
    }

    fn knows_half(&self) -> bool {
        self.known() * 2 >= self.names.len()
    }

    /// Names as AWS writes them, and enough of them known: a log without three of these has neither
    /// addresses nor times.
    fn is_of_names(&self) -> bool {
        let is_name = |name: &String| {
            let of_names = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            name.bytes().all(of_names) && name.starts_with(|first: char| first.is_ascii_lowercase())
        };
        self.known() >= HEADER_NAMES_MIN && self.names.iter().all(is_name)
    }

    fn known(&self) -> usize {
        let known = self.names.iter().filter(|name| fields::is_known(name));
        known.count()
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let separator = if line.contains(&b',') { b',' } else { b' ' };
        let mut tokens = Tokens::of(line, separator);
        let mut names = vec![normal_name(tokens.next()?)?];
        while let Some(token) = tokens.next() {
            names.push(normal_name(token)?);
        }
        Some(Self { names, separator })
    }
}

fn normal_name(token: &[u8]) -> Option<String> {
    str::from_utf8(token).ok().map(fields::normal_name)
}
