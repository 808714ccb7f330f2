//! Decodes flow logs written as text: a header line, then a line for each record.
//!
//! In: inflated bytes. Out: batches and rejected lines, into the sink.
//!
//! The header drives the order of the columns. A file without one is read by the default format;
//! a header in mid-file (files that were joined) is recognised, and changes the columns if it
//! differs.
//!
//! Must hold: every line is a row, a header, blank or rejected; what stands before a fault of the
//! reader is handed on; what is shown of a rejected line has no secret in it (I9), for it may be JSON.

use std::io::{self, BufRead};
use std::str;

use arrow::error::ArrowError;

use super::batch::Assembly;
use super::fields::Format;
use super::header::Header;
use super::layout::Layout;
use super::lines::{self, Line};
use super::networks::OwnNetworks;
use crate::limits::REJECTS_KEPT_MAX;
use crate::{
    BYTE_ORDER_MARK, DecodeError, Provenance, RejectReason, RejectedRecord, Sink, excerpt,
};

/// What became of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) rows: u64,
    pub(super) rejected: u64,
    pub(super) headers: u64,
    pub(super) blank: u64,
}

/// Decodes the whole input.
pub(super) fn decode(
    input: &mut dyn BufRead,
    provenance: Provenance<'_>,
    networks: &OwnNetworks,
    sink: &mut dyn Sink,
) -> Result<Tally, DecodeError> {
    let mut decoder = Decoder {
        sink,
        assembly: Assembly::new(provenance, networks),
        layout: None,
        tally: Tally::default(),
    };
    let outcome = lines::visit(input, |line| decoder.line(line));
    if !matches!(outcome, Err(DecodeError::Cancelled)) {
        decoder.hand_on()?;
    }
    outcome?;
    let Tally {
        lines,
        rows,
        rejected,
        headers,
        blank,
    } = decoder.tally;
    debug_assert_eq!(lines, rows + rejected + headers + blank, "a line got lost");
    Ok(decoder.tally)
}

struct Decoder<'a> {
    sink: &'a mut dyn Sink,
    assembly: Assembly<'a>,
    /// Known from the first line on that is not blank.
    layout: Option<Layout>,
    tally: Tally,
}

impl Decoder<'_> {
    fn line(&mut self, line: Line<'_>) -> Result<(), DecodeError> {
        self.tally.lines += 1;
        let (line, ascii) = match line {
            Line::Whole { bytes, ascii } => (bytes.trim_ascii_end(), ascii),
            Line::TooLong(excerpt) => return self.reject(RejectReason::TooLong, excerpt),
        };
        if line.is_empty() {
            self.tally.blank += 1;
            return Ok(());
        }
        if !ascii && str::from_utf8(line).is_err() {
            return self.reject(RejectReason::Utf8, line);
        }
        match &mut self.layout {
            Some(layout) => {
                let line_number = i64::try_from(self.tally.lines).unwrap_or(i64::MAX);
                match layout.append(line, line_number) {
                    Ok(()) if layout.is_full() => self.hand_on(),
                    Ok(()) => Ok(()),
                    Err(reason) => self.no_record(line, reason),
                }
            }
            None => self.first_line(line),
        }
    }

    fn first_line(&mut self, line: &[u8]) -> Result<(), DecodeError> {
        let unmarked = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        if let Some(header) = Header::of_first_line(unmarked) {
            self.tally.headers += 1;
            self.layout = Some(Layout::of(header));
            return Ok(());
        }
        self.layout = Some(Layout::of(Header::of_default_format()));
        self.tally.lines -= 1;
        self.line(Line::Whole {
            bytes: unmarked,
            ascii: false,
        })
    }

    /// A line that cannot be a record: a header, or rejected.
    fn no_record(&mut self, line: &[u8], reason: RejectReason) -> Result<(), DecodeError> {
        let Some(header) = Header::of_later_line(line) else {
            return self.reject(reason, line);
        };
        self.tally.headers += 1;
        if self
            .layout
            .as_ref()
            .is_none_or(|layout| *layout.header() != header)
        {
            self.hand_on()?;
            self.layout = Some(Layout::of(header));
        }
        Ok(())
    }

    fn reject(&mut self, reason: RejectReason, line: &[u8]) -> Result<(), DecodeError> {
        // A file of something else is all rejects: no more are looked into than are kept.
        let rejected = usize::try_from(self.tally.rejected);
        let excerpt = if rejected.is_ok_and(|rejected| rejected < REJECTS_KEPT_MAX) {
            excerpt::of_line(line)
        } else {
            String::new()
        };
        self.tally.rejected += 1;
        let format = self.layout.as_ref().map_or(Format::Vpc, Layout::format);
        self.sink.reject(
            format.table(),
            RejectedRecord {
                reason,
                position: self.tally.lines,
                excerpt,
            },
        )?;
        Ok(())
    }

    /// Hands on the rows so far.
    fn hand_on(&mut self) -> Result<(), DecodeError> {
        let Some(layout) = self.layout.as_mut().filter(|layout| layout.rows() > 0) else {
            return Ok(());
        };
        self.tally.rows += u64::try_from(layout.rows()).unwrap_or_default();
        let table = layout.format().table();
        let columns = layout.take().map_err(invalid_columns)?;
        let batch = self.assembly.batch(columns).map_err(invalid_columns)?;
        self.sink.batch(table, batch)?;
        Ok(())
    }
}

/// Columns that Arrow refuses would be a fault of this module; they must not pass in silence.
pub(super) fn invalid_columns(error: ArrowError) -> DecodeError {
    DecodeError::Read(io::Error::new(io::ErrorKind::InvalidData, error))
}
