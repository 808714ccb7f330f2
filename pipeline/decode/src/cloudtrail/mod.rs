//! CloudTrail objects into the table `cloudtrail`, streaming over their records.
//!
//! In: inflated bytes. Out: batches of rows and rejected records, into a [`Sink`].
//!
//! ```text
//! bytes ─ window ─ document ─ record ─ row ─ columns ─ batch
//! ```
//!
//! Must hold: a document of any size needs one window and one batch of memory; one bad record
//! never fails the document (I5); a digest is recognised, not read as events; what was
//! read before damage is handed on; the stream is read to its end, so that damage there shows.
//! Shapes: `{"Records":[…]}`, a bare array of events, events one after another (NDJSON), and
//! several of these one after another.

mod columns;
mod document;
mod error_class;
mod event_key;
mod event_keys;
mod identity;
mod member;
mod pods;
mod record;
mod row;
mod sts;
mod window;

use std::io::BufRead;

pub(crate) use columns::batch_schema;
pub use columns::schema;
pub use event_key::EventKey;
pub use event_keys::EventKeys;
pub use pods::{ISSUE_COLUMNS, PodSessions};

use self::columns::{Row, Rows};
use self::document::{Beginning, Place};
use self::record::Record;
use self::window::{Attempt, Window};
use super::excerpt;
use super::{DecodeError, Malformed, Provenance, RejectReason, RejectedRecord, Sink, Table};
use crate::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, REJECTS_KEPT_MAX};

/// What a JSON object of CloudTrail's turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// Events; they were handed to the sink.
    Events,
    /// A digest file (domain 1.10): a proof of delivery, no events.
    Digest,
}

/// Decodes one object.
pub fn decode(
    mut input: impl BufRead,
    provenance: Provenance<'_>,
    sink: &mut dyn Sink,
) -> Result<Document, DecodeError> {
    decode_stream(&mut input, provenance, sink)
}

/// Whatever the stream is, the loops over it are compiled once and here: code that is generic over a
/// caller's type is compiled where the caller is, and with less effort.
fn decode_stream(
    input: &mut dyn BufRead,
    provenance: Provenance<'_>,
    sink: &mut dyn Sink,
) -> Result<Document, DecodeError> {
    let mut window = Window::new(input);
    let Beginning {
        place,
        without_events,
    } = document::first_place(&mut window)?;
    if place == Place::Digest {
        window.drain()?;
        return Ok(Document::Digest);
    }
    let mut decoder = Decoder {
        window,
        provenance,
        sink,
        rows: Rows::new(),
        records: 0,
        rejected: 0,
    };
    let outcome = decoder.records(place);
    if !matches!(outcome, Err(DecodeError::Cancelled)) {
        decoder.hand_on()?;
    }
    outcome?;
    match without_events {
        Some(malformed) if !decoder.has_events() => Err(DecodeError::Malformed(malformed)),
        Some(_) | None => Ok(Document::Events),
    }
}

struct Decoder<'s, R> {
    window: Window<R>,
    provenance: Provenance<'s>,
    sink: &'s mut dyn Sink,
    rows: Rows,
    /// Records seen so far, rejected ones too.
    records: u64,
    /// Rejected ones among them.
    rejected: usize,
}

/// What became of one record in the window.
enum Outcome {
    Row,
    Rejected(RejectReason),
}

impl<R: BufRead> Decoder<'_, R> {
    fn records(&mut self, mut place: Place) -> Result<(), DecodeError> {
        while document::next_record(&mut self.window, &mut place)? {
            self.records += 1;
            self.record(place)?;
            if self.rows.len() >= BATCH_ROWS_MAX || self.rows.text_bytes() >= BATCH_BYTES_MAX {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn has_events(&self) -> bool {
        !u64::try_from(self.rejected).is_ok_and(|rejected| rejected == self.records)
    }

    /// Reads the record at the front of the window.
    fn record(&mut self, place: Place) -> Result<(), DecodeError> {
        let (rows, row_no) = (&mut self.rows, self.records);
        let attempt = self.window.attempt(|cursor| {
            cursor.peek_byte()?;
            let start = cursor.position();
            let record = Record::parse(cursor)?;
            Ok(match Row::of(record, row_no) {
                Ok(row) => {
                    rows.append(&row, cursor.position() - start);
                    Outcome::Row
                }
                Err(reason) => Outcome::Rejected(reason),
            })
        })?;
        match attempt {
            Attempt::Done(Outcome::Row, length) => self.window.consume(length),
            Attempt::Done(Outcome::Rejected(reason), length) => {
                self.reject(reason)?;
                self.window.consume(length);
            }
            // An open bracket on one line must not swallow the lines after it.
            Attempt::Truncated if place.has_next_line(self.window.bytes()) => {
                self.discard(RejectReason::MalformedJson, place)?;
            }
            Attempt::Truncated => return Err(DecodeError::Malformed(Malformed::TruncatedJson)),
            Attempt::TooLong => self.discard(RejectReason::TooLong, place)?,
            Attempt::Broken(error) => {
                let object = document::starts_object(self.window.bytes());
                let reason = if object {
                    error.into()
                } else {
                    RejectReason::NotAnObject
                };
                self.discard(reason, place)?;
            }
        }
        Ok(())
    }

    /// Rejects the record at the front of the window and finds its end by its brackets alone.
    fn discard(&mut self, reason: RejectReason, place: Place) -> Result<(), DecodeError> {
        self.reject(reason)?;
        if self.window.discard_value(place == Place::Sequence)? {
            return Ok(());
        }
        Err(DecodeError::Malformed(Malformed::TruncatedJson))
    }

    fn reject(&mut self, reason: RejectReason) -> Result<(), DecodeError> {
        // Looking for a broken record's end takes far longer than the record is long: it is done
        // as often as an excerpt is kept, so that a document of broken records costs no hours.
        let (excerpt, looked) = if self.rejected < REJECTS_KEPT_MAX {
            let looked = self.window.attempt(|cursor| cursor.skip_value().map(drop));
            (excerpt::of_json(self.window.bytes()), looked)
        } else {
            (String::new(), Ok(Attempt::Truncated))
        };
        self.rejected += 1;
        let rejected = RejectedRecord {
            reason,
            position: self.records,
            excerpt,
        };
        self.sink.reject(Table::Cloudtrail, rejected)?;
        looked?;
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), DecodeError> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let batch = self.rows.finish(self.provenance).map_err(|error| {
            DecodeError::Read(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!("a batch of rows did not fit: {error}"),
            ))
        })?;
        Ok(self.sink.batch(Table::Cloudtrail, batch)?)
    }
}

#[cfg(test)]
mod tests;
