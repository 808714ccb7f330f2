//! Makes a batch of a table from the columns that a log had.
//!
//! In: arrays for some of a format's fields. Out: a `RecordBatch` with the table's whole schema.
//!
//! Must hold: text and Parquet logs become the same table; a column that the log did not have
//! costs nothing per row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    new_null_array,
};
use arrow::compute::{cast, filter};
use arrow::datatypes::{DataType, FieldRef, Int32Type};
use arrow::error::ArrowError;

use super::fields::Format;
use super::networks::OwnNetworks;
use super::reject_class::{self, Flows};
use crate::Provenance;
use crate::names;

/// What one batch of a log holds: an array for each field that the log has.
#[derive(Debug)]
pub(super) struct LoggedColumns {
    pub(super) format: Format,
    pub(super) rows: usize,
    by_position: Vec<Option<ArrayRef>>,
    /// The fields that the table does not know, if the log has any.
    pub(super) extra: Option<ArrayRef>,
    /// Line number (text) or row number (Parquet), from 1.
    pub(super) line_numbers: Vec<i64>,
}

impl LoggedColumns {
    pub(super) fn without_values(format: Format, rows: usize) -> Self {
        Self {
            format,
            rows,
            by_position: vec![None; format.fields().len()],
            extra: None,
            line_numbers: Vec::new(),
        }
    }

    /// Puts the array of the field at `position` of the format's fields.
    pub(super) fn set(&mut self, position: usize, array: ArrayRef) {
        if let Some(place) = self.by_position.get_mut(position) {
            *place = Some(array);
        }
    }

    /// The rows that `kept` says true for.
    pub(super) fn kept(mut self, kept: &BooleanArray) -> Result<Self, ArrowError> {
        for array in self
            .by_position
            .iter_mut()
            .chain([&mut self.extra])
            .flatten()
        {
            *array = filter(array, kept)?;
        }
        let numbers = self.line_numbers.iter().zip(kept.values());
        self.line_numbers = numbers
            .filter_map(|(number, kept)| kept.then_some(*number))
            .collect();
        self.rows = self.line_numbers.len();
        Ok(self)
    }

    /// The array of a field, by the field's own (not the column's) name.
    pub(super) fn get(&self, name: &str) -> Option<&ArrayRef> {
        self.by_position.get(self.format.position(name)?)?.as_ref()
    }

    /// As [`Self::get`], for an address.
    pub(super) fn text(&self, name: &str) -> Option<&StringArray> {
        self.get(name)?.as_string_opt()
    }

    /// As [`Self::get`], for a name.
    pub(super) fn names(&self, name: &str) -> Option<Names<'_>> {
        Names::of(self.get(name)?)
    }
}

/// Completes columns into batches of the table's schema.
#[derive(Debug)]
pub(super) struct Assembly<'a> {
    provenance: Provenance<'a>,
    networks: &'a OwnNetworks,
    /// All-null arrays, one for each type, as long as the longest batch so far.
    absent: Vec<ArrayRef>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(provenance: Provenance<'a>, networks: &'a OwnNetworks) -> Self {
        Self {
            provenance,
            networks,
            absent: Vec::new(),
        }
    }

    pub(super) fn batch(&mut self, logged: LoggedColumns) -> Result<RecordBatch, ArrowError> {
        let schema = logged.format.batch_schema();
        let rows = logged.rows;
        let derived = match logged.format {
            Format::Vpc => self.derived(&logged).to_vec(),
            Format::TransitGateway => Vec::new(),
        };
        let line_numbers: ArrayRef = Arc::new(Int64Array::from(logged.line_numbers));
        let tail = [
            logged.extra,
            Some(names::repeated(self.provenance.bucket, rows)?),
            Some(names::repeated(self.provenance.key, rows)?),
            Some(line_numbers),
        ];
        let columns = logged.by_position.into_iter().chain(derived).chain(tail);
        let array = |(array, field): (Option<ArrayRef>, &FieldRef)| match array {
            None => Ok(self.absent(field.data_type(), rows)),
            Some(array) if array.data_type() == field.data_type() => Ok(array),
            // A Parquet log has names as plain texts.
            Some(array) => cast(&array, field.data_type()),
        };
        let arrays = columns.zip(schema.fields()).map(array);
        let arrays = arrays.collect::<Result<_, _>>()?;
        RecordBatch::try_new(schema, arrays)
    }

    /// `src_internal`, `dst_internal` and `reject_class`.
    fn derived(&self, logged: &LoggedColumns) -> [Option<ArrayRef>; 3] {
        let src = self.internal(logged, "pkt-srcaddr", "srcaddr");
        let dst = self.internal(logged, "pkt-dstaddr", "dstaddr");
        let flows = Flows::of(logged, src.as_ref(), dst.as_ref());
        let class = reject_class::classes(&flows, self.networks);
        [src.map(shared), dst.map(shared), class.map(shared)]
    }

    /// Whether each end of a flow is own: the packet's address where it is logged, because behind
    /// a NAT gateway the interface's address is own whoever the peer is.
    fn internal(&self, logged: &LoggedColumns, packet: &str, flow: &str) -> Option<BooleanArray> {
        let (packet, flow) = (logged.text(packet), logged.text(flow));
        packet.or(flow)?;
        let own = |row| {
            let column = packet.filter(|column| column.is_valid(row)).or(flow)?;
            let (start, end) = place(column, row)?;
            self.networks
                .contains_within(column.value_data(), start, end)
        };
        Some((0..logged.rows).map(own).collect())
    }

    fn absent(&mut self, data_type: &DataType, rows: usize) -> ArrayRef {
        let known = self
            .absent
            .iter()
            .find(|array| array.data_type() == data_type);
        if let Some(array) = known.filter(|array| array.len() >= rows) {
            return array.slice(0, rows);
        }
        let array = new_null_array(data_type, rows);
        self.absent.retain(|array| array.data_type() != data_type);
        self.absent.push(Arc::clone(&array));
        array
    }
}

/// A column of names: a dictionary as text logs give it, or plain as Parquet logs do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names<'a> {
    Dictionary(&'a Int32Array, &'a StringArray),
    Plain(&'a StringArray),
}

impl<'a> Names<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.as_dictionary_opt::<Int32Type>() {
            Some(dictionary) => {
                let names = dictionary.values().as_string_opt()?;
                Some(Self::Dictionary(dictionary.keys(), names))
            }
            None => array.as_string_opt().map(Self::Plain),
        }
    }

    /// The name of a row, if it has one.
    #[inline]
    pub(super) fn name(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(names) => value(Some(names), row),
            Self::Dictionary(keys, names) => {
                let key = keys.is_valid(row).then(|| keys.value(row))?;
                value(Some(names), usize::try_from(key).ok()?)
            }
        }
    }

    /// The rows with this name.
    pub(super) fn rows_of(self, name: &str) -> Vec<usize> {
        match self {
            Self::Plain(names) => (0..names.len())
                .filter(|row| value(Some(names), *row) == Some(name))
                .collect(),
            Self::Dictionary(keys, names) => {
                let Some(key) = names.iter().position(|known| known == Some(name)) else {
                    return Vec::new();
                };
                let rows = keys.values().iter().enumerate();
                rows.filter(|(row, of_row)| {
                    usize::try_from(**of_row) == Ok(key) && keys.is_valid(*row)
                })
                .map(|(row, _)| row)
                .collect()
            }
        }
    }
}

/// The value of a column at a row, if the log has the column and the row a value.
#[inline]
pub(super) fn value(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column
        .filter(|column| column.is_valid(row))
        .map(|column| column.value(row))
}

/// Where the value of a row begins and ends in its column's bytes.
#[inline]
fn place(column: &StringArray, row: usize) -> Option<(usize, usize)> {
    let [start, end] = column.value_offsets().get(row..)?.first_chunk::<2>()?;
    let place = (usize::try_from(*start).ok()?, usize::try_from(*end).ok()?);
    column.is_valid(row).then_some(place)
}

fn shared(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}
