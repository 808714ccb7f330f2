//! Finds the records in a document, whatever is wrapped around them.
//!
//! In: a window at the start of an object. Out: the window at each record in turn.
//! Must hold: what stands before `Records` fits into one window, so that no prefix of a document
//! can make it grow without bound; nothing that could be a record is passed over; what is wrong with
//! the first value costs no more than it would further down.

use std::io::{self, BufRead};

use super::super::json::{Cursor, JsonError, Kind};
use super::super::{BYTE_ORDER_MARK, DecodeError, Malformed};
use super::window::{Attempt, Window};
use crate::limits::RECORD_BYTES_MAX;

/// Where in a document the window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the elements of an array; `in_object`: the array is a member of an object.
    Elements { in_object: bool },
    /// Between values that stand one after another.
    Sequence,
    /// In a digest file; it has no records.
    Digest,
}

/// How an object begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    pub(super) place: Place,
    /// What the object is if no event is found in it: its first value is no document, and others follow.
    pub(super) without_events: Option<Malformed>,
}

/// A member that shows that an object is itself an event.
const EVENT_MEMBERS: [&[u8]; 5] = [
    b"eventVersion",
    b"eventID",
    b"eventTime",
    b"userIdentity",
    b"eventSource",
];
/// Members that only a digest file has.
const DIGEST_MEMBERS: [&[u8]; 3] = [b"digestStartTime", b"digestEndTime", b"digestS3Object"];

/// What a member says about the object that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Records,
    Event,
    Digest,
    Other,
}

impl Place {
    /// Whether another value begins on a line further down.
    pub(super) fn has_next_line(self, bytes: &[u8]) -> bool {
        self == Self::Sequence && memchr::memmem::find(bytes, b"\n{").is_some()
    }
}

impl From<Place> for Beginning {
    fn from(place: Place) -> Self {
        Self {
            place,
            without_events: None,
        }
    }
}

/// Reads up to the first record. A file of nothing but white space has no records, which is no
/// fault; an object that is neither events nor a digest is one, unless more follows it.
pub(super) fn first_place<R: BufRead>(window: &mut Window<R>) -> Result<Beginning, DecodeError> {
    window.grow()?;
    if window.bytes().starts_with(BYTE_ORDER_MARK) {
        window.consume(BYTE_ORDER_MARK.len());
    }
    let mut digests = false;
    loop {
        let entered = match next_byte(window)? {
            None if digests => return Ok(Place::Digest.into()),
            None => return Ok(Place::Sequence.into()),
            Some(b'[' | b'{') => enter(window)?,
            Some(_) => Err(Malformed::NotJson),
        };
        match entered {
            // Events may have been joined to it.
            Ok(Place::Digest) if pass(window)? => digests = true,
            Ok(Place::Digest) if more_follows(window) => return Ok(Place::Sequence.into()),
            Ok(place) => return Ok(place.into()),
            Err(_) if digests => return Ok(Place::Sequence.into()),
            Err(malformed) if more_follows(window) => {
                return Ok(Beginning {
                    place: Place::Sequence,
                    without_events: Some(malformed),
                });
            }
            Err(malformed) => return Err(DecodeError::Malformed(malformed)),
        }
    }
}

/// Passes over a value, unless it has no end.
fn pass<R: BufRead>(window: &mut Window<R>) -> io::Result<bool> {
    match window.attempt(|cursor| cursor.skip_value().map(drop))? {
        Attempt::Done((), length) => {
            window.consume(length);
            Ok(true)
        }
        Attempt::TooLong => window.discard_value(true),
        Attempt::Truncated | Attempt::Broken(_) => Ok(false),
    }
}

/// Whether another value stands behind the first one, or on a line further down in the window.
fn more_follows<R: BufRead>(window: &mut Window<R>) -> bool {
    let mut end = 0;
    let behind = window.attempt(|cursor| {
        cursor.skip_value()?;
        end = cursor.position();
        cursor.peek_byte()
    });
    if matches!(behind, Ok(Attempt::Done(b'{' | b'[', _))) {
        return true;
    }
    loop {
        let rest = window.bytes().get(end..).unwrap_or_default();
        if Place::Sequence.has_next_line(rest) {
            return true;
        }
        // A stream that is damaged further on does not say more than that the first value is none.
        if window.bytes().len() > RECORD_BYTES_MAX || !window.grow().unwrap_or(false) {
            return false;
        }
    }
}

/// Moves the window to the next record. False: there are no more.
pub(super) fn next_record<R: BufRead>(
    window: &mut Window<R>,
    place: &mut Place,
) -> Result<bool, DecodeError> {
    loop {
        match (next_byte(window)?, *place) {
            (None, Place::Elements { .. }) => {
                return Err(DecodeError::Malformed(Malformed::TruncatedJson));
            }
            (None, Place::Sequence | Place::Digest) => return Ok(false),
            (Some(b']'), Place::Elements { in_object }) => {
                window.consume(1);
                *place = if in_object {
                    after_records(window)?
                } else {
                    Place::Sequence
                };
            }
            // Commas, and a closing bracket that nothing opened: discarding a broken record may
            // leave one behind.
            (Some(b',' | b'}' | b']'), _) => window.consume(1),
            // Files that were joined begin with a mark each.
            (Some(0xef), Place::Sequence) if window.bytes().starts_with(BYTE_ORDER_MARK) => {
                window.consume(BYTE_ORDER_MARK.len());
            }
            (Some(b'[' | b'{'), Place::Sequence) => match enter(window)? {
                // Another document begins.
                Ok(next @ Place::Elements { .. }) => *place = next,
                // An event, or something that is rejected when it is read as one.
                _ => return Ok(true),
            },
            (Some(_), _) => return Ok(true),
        }
    }
}

/// Whether the next value is an object.
pub(super) fn starts_object(bytes: &[u8]) -> bool {
    Cursor::new(bytes).peek_byte() == Ok(b'{')
}

/// Takes white space; the byte after it stays.
fn next_byte<R: BufRead>(window: &mut Window<R>) -> Result<Option<u8>, DecodeError> {
    loop {
        let bytes = window.bytes();
        let blank = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        let found = bytes.get(blank).copied();
        window.consume(blank);
        if found.is_some() {
            return Ok(found);
        }
        if !window.grow()? {
            return Ok(None);
        }
    }
}

/// The window stands at an opening bracket: goes in where that leads to records. A lone event is
/// only looked at, so that it can be read from its brace.
fn enter<R: BufRead>(window: &mut Window<R>) -> io::Result<Result<Place, Malformed>> {
    if window.bytes().starts_with(b"[") {
        window.consume(1);
        return Ok(Ok(Place::Elements { in_object: false }));
    }
    let attempt = window.attempt(|cursor| {
        let mut found = Member::Other;
        let visited = cursor.object(|key, value| {
            found = kind_of(key, value)?;
            // An error is how a visit ends early.
            if found == Member::Other {
                value.skip_value().map(drop)
            } else {
                Err(JsonError::Syntax)
            }
        });
        if found == Member::Other {
            visited.map(|()| found)
        } else {
            Ok(found)
        }
    })?;
    Ok(match attempt {
        Attempt::Done(Member::Records, length) => {
            // The cursor stopped at the opening bracket.
            window.consume(length + 1);
            Ok(Place::Elements { in_object: true })
        }
        Attempt::Done(Member::Event, _) => Ok(Place::Sequence),
        Attempt::Done(Member::Digest, _) => Ok(Place::Digest),
        Attempt::Done(Member::Other, _) => Err(Malformed::NoRecords),
        Attempt::Truncated => Err(Malformed::TruncatedJson),
        Attempt::TooLong | Attempt::Broken(_) => Err(Malformed::NotJson),
    })
}

/// Passes the members behind a list of records, to another such list or to the object's end.
fn after_records<R: BufRead>(window: &mut Window<R>) -> Result<Place, DecodeError> {
    loop {
        match window.attempt(member)? {
            Attempt::Done(Some(Member::Records), length) => {
                window.consume(length + 1);
                return Ok(Place::Elements { in_object: true });
            }
            Attempt::Done(Some(_), length) => window.consume(length),
            Attempt::Done(None, length) => {
                window.consume(length);
                return Ok(Place::Sequence);
            }
            Attempt::Truncated => return Err(DecodeError::Malformed(Malformed::TruncatedJson)),
            // Not members: what follows is looked at value by value, so that a stray bracket in
            // a broken record does not cost the records behind it.
            Attempt::TooLong | Attempt::Broken(_) => return Ok(Place::Sequence),
        }
    }
}

/// Takes one member, of `Records` only the key; `None` for the end of the object.
fn member(cursor: &mut Cursor<'_>) -> Result<Option<Member>, JsonError> {
    if cursor.peek_byte()? == b',' {
        cursor.bump();
    }
    if cursor.peek_byte()? == b'}' {
        cursor.bump();
        return Ok(None);
    }
    let key = cursor.key()?;
    let kind = kind_of(key, cursor)?;
    if kind != Member::Records {
        cursor.skip_value()?;
    }
    Ok(Some(kind))
}

fn kind_of(key: &[u8], value: &mut Cursor<'_>) -> Result<Member, JsonError> {
    let array = value.kind()? == Kind::Array;
    Ok(match key {
        b"Records" if array => Member::Records,
        key if DIGEST_MEMBERS.contains(&key) => Member::Digest,
        key if EVENT_MEMBERS.contains(&key) => Member::Event,
        _ => Member::Other,
    })
}
