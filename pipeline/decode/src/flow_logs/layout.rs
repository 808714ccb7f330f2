//! Reads the lines behind one header into columns.
//!
//! In: lines. Out: arrays for the columns that the header names.
//!
//! Must hold: the work of understanding a header is done once, not once a line; a line is a row
//! in every column or in none.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType};
use arrow::error::ArrowError;

use super::batch::LoggedColumns;
use super::columns::{ExtraColumn, NumberColumn, TextColumn};
use super::fields::{self, Format, Kind};
use super::header::Header;
use super::tokens::{Integer, Tokens, is_missing};
use crate::RejectReason;
use crate::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use crate::names::NameColumn;

/// The columns of one header, and the rows read since the last batch.
#[derive(Debug)]
pub(super) struct Layout {
    header: Header,
    format: Format,
    slots: Vec<Slot>,
    extra: Option<ExtraColumn>,
    /// Bytes that the names of unknown fields add to each row.
    extra_bytes_per_row: usize,
    /// Without it no line can become a row.
    has_end: bool,
    line_numbers: Vec<i64>,
    bytes: usize,
}

/// Where the next value of a line goes.
#[derive(Debug)]
enum Slot {
    Text(usize, TextColumn),
    Name(usize, NameColumn),
    Int32(usize, NumberColumn<Int32Type>),
    Int64(usize, NumberColumn<Int64Type>),
    Seconds(usize, NumberColumn<TimestampMillisecondType>),
    End(usize, NumberColumn<TimestampMillisecondType>),
    /// A field that this table does not know, by the name under which it is kept.
    Extra(String),
    /// A name that the header has twice: the first one counts.
    PassOver,
}

impl Layout {
    pub(super) fn of(header: Header) -> Self {
        let format = header.format();
        let mut slots: Vec<Slot> = Vec::with_capacity(header.names.len());
        let mut seen = HashSet::with_capacity(header.names.len());
        for name in &header.names {
            let repeated = !seen.insert(name.as_str());
            slots.push(if repeated {
                Slot::PassOver
            } else {
                Slot::of(format, name)
            });
        }
        let extra_names: Vec<&String> = slots.iter().filter_map(Slot::extra_name).collect();
        let extra_bytes_per_row = extra_names.iter().map(|name| name.len()).sum();
        Self {
            extra: (!extra_names.is_empty()).then(ExtraColumn::new),
            has_end: slots.iter().any(|slot| matches!(slot, Slot::End(..))),
            header,
            format,
            slots,
            extra_bytes_per_row,
            line_numbers: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn rows(&self) -> usize {
        self.line_numbers.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows() >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Makes a row of a line that is UTF-8, or says why it cannot be one.
    pub(super) fn append(&mut self, line: &[u8], line_number: i64) -> Result<(), RejectReason> {
        let mut tokens = Tokens::of(line, self.header.separator);
        for slot in &mut self.slots {
            if let Err(reason) = slot.append(&mut tokens, self.extra.as_mut()) {
                return Err(self.rejected(line, reason));
            }
        }
        if tokens.next().is_some() {
            return Err(self.rejected(line, RejectReason::LongLine));
        }
        if !self.has_end {
            return Err(self.rejected(line, RejectReason::NoEndTime));
        }
        if let Some(extra) = &mut self.extra {
            extra.end_row();
        }
        self.line_numbers.push(line_number);
        self.bytes += line.len() + self.extra_bytes_per_row;
        Ok(())
    }

    /// Forgets what the line has left in the columns. Too few or too many values explain a value
    /// of the wrong type, so they are looked for first.
    fn rejected(&mut self, line: &[u8], reason: RejectReason) -> RejectReason {
        let rows = self.rows();
        self.slots.iter_mut().for_each(|slot| slot.truncate(rows));
        if let Some(extra) = &mut self.extra {
            extra.truncate(rows);
        }
        let mut tokens = Tokens::of(line, self.header.separator);
        let missing = self.slots.iter().any(|_| tokens.next().is_none());
        if missing {
            RejectReason::ShortLine
        } else if tokens.next().is_some() {
            RejectReason::LongLine
        } else {
            reason
        }
    }

    /// The columns so far; there are no rows behind it.
    pub(super) fn take(&mut self) -> Result<LoggedColumns, ArrowError> {
        let rows = self.rows();
        let mut columns = LoggedColumns::without_values(self.format, rows);
        for slot in &mut self.slots {
            if let Some((position, array)) = slot.take()? {
                columns.set(position, array);
            }
        }
        columns.extra = self.extra.as_mut().map(ExtraColumn::take).transpose()?;
        columns.line_numbers = mem::replace(&mut self.line_numbers, Vec::with_capacity(rows));
        self.bytes = 0;
        Ok(columns)
    }
}

impl Slot {
    fn of(format: Format, name: &str) -> Self {
        let Some(position) = format.position(name) else {
            return Self::Extra(fields::extra_name(name));
        };
        match format
            .fields()
            .get(position)
            .map_or(Kind::Text, |field| field.kind)
        {
            Kind::Text => Self::Text(position, TextColumn::new()),
            Kind::Name | Kind::AccountId => Self::Name(position, NameColumn::new()),
            Kind::Int32 => Self::Int32(position, NumberColumn::new()),
            Kind::Int64 => Self::Int64(position, NumberColumn::new()),
            Kind::Seconds => Self::Seconds(position, NumberColumn::new()),
            Kind::End => Self::End(position, NumberColumn::new()),
        }
    }

    fn extra_name(&self) -> Option<&String> {
        match self {
            Self::Extra(name) => Some(name),
            _ => None,
        }
    }

    #[inline]
    fn append(
        &mut self,
        tokens: &mut Tokens<'_>,
        extra: Option<&mut ExtraColumn>,
    ) -> Result<(), RejectReason> {
        match self {
            Self::Text(_, column) => match tokens.next().ok_or(RejectReason::ShortLine)? {
                token if is_missing(token) => column.append_null(),
                token => column.append(token),
            },
            Self::Name(_, column) if tokens.next_is(column.last()) => column.append_last(),
            Self::Name(_, column) => match tokens.next().ok_or(RejectReason::ShortLine)? {
                token if is_missing(token) => column.append_null(),
                token => column.append_other(token),
            },
            Self::Int32(_, column) => match number(tokens)? {
                Some(value) => {
                    column.append(i32::try_from(value).map_err(|_| RejectReason::FieldValue)?);
                }
                None => column.append_null(),
            },
            Self::Int64(_, column) => match number(tokens)? {
                Some(value) => column.append(value),
                None => column.append_null(),
            },
            Self::Seconds(_, column) => match number(tokens)? {
                Some(value) => column.append(milliseconds(value)?),
                None => column.append_null(),
            },
            Self::End(_, column) => {
                let seconds = number(tokens)?.ok_or(RejectReason::NoEndTime)?;
                column.append(milliseconds(seconds)?);
            }
            Self::Extra(name) => {
                let token = tokens.next().ok_or(RejectReason::ShortLine)?;
                if let Some(extra) = extra.filter(|_| !is_missing(token)) {
                    extra.append(name.as_bytes(), token);
                }
            }
            Self::PassOver => {
                tokens.next().ok_or(RejectReason::ShortLine)?;
            }
        }
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Self::Text(_, column) => column.truncate(rows),
            Self::Name(_, column) => column.truncate(rows),
            Self::Int32(_, column) => column.truncate(rows),
            Self::Int64(_, column) => column.truncate(rows),
            Self::Seconds(_, column) | Self::End(_, column) => column.truncate(rows),
            Self::Extra(_) | Self::PassOver => {}
        }
    }

    fn take(&mut self) -> Result<Option<(usize, ArrayRef)>, ArrowError> {
        Ok(match self {
            Self::Text(position, column) => Some((*position, Arc::new(column.take()?))),
            Self::Name(position, column) => Some((*position, Arc::new(column.take()?))),
            Self::Int32(position, column) => Some((*position, Arc::new(column.take()?))),
            Self::Int64(position, column) => Some((*position, Arc::new(column.take()?))),
            Self::Seconds(position, column) | Self::End(position, column) => {
                Some((*position, Arc::new(column.take()?.with_timezone("UTC"))))
            }
            Self::Extra(_) | Self::PassOver => None,
        })
    }
}

#[inline]
fn number(tokens: &mut Tokens<'_>) -> Result<Option<i64>, RejectReason> {
    match tokens.next_integer() {
        Some(Integer::Value(value)) => Ok(Some(value)),
        Some(Integer::Missing) => Ok(None),
        Some(Integer::Malformed) => Err(RejectReason::FieldValue),
        None => Err(RejectReason::ShortLine),
    }
}

#[inline]
fn milliseconds(seconds: i64) -> Result<i64, RejectReason> {
    fields::milliseconds(seconds).ok_or(RejectReason::FieldValue)
}
