//! Columns that grow by one value of a line, and can forget the line again.
//!
//! In: values as bytes or numbers. Out: Arrow arrays.
//!
//! Must hold: every column of a batch has as many values as the batch has rows; a line that is
//! rejected half-way leaves none behind (`truncate`).
//!
//! Arrow's own builders cannot be cut back, and want each text checked for UTF-8 on its own; here
//! the line was checked, and the array checks its whole buffer once more.

use std::mem;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Field;
use arrow::error::ArrowError;

use super::fields;
use crate::nulls::Nulls;

/// A column of text.
#[derive(Debug)]
pub(super) struct TextColumn {
    bytes: Vec<u8>,
    offsets: Offsets,
    nulls: Nulls,
}

/// Where each value ends, and before them 0.
#[derive(Debug)]
struct Offsets(Vec<i32>);

impl Offsets {
    fn with_capacity(values: usize) -> Self {
        let mut offsets = Vec::with_capacity(values + 1);
        offsets.push(0);
        Self(offsets)
    }

    /// How many values there are.
    fn count(&self) -> usize {
        self.0.len() - 1
    }

    /// Bytes and entries of a batch stay far below `i32::MAX`, by `BATCH_BYTES_MAX`.
    fn push(&mut self, end: usize) {
        self.0.push(i32::try_from(end).unwrap_or(i32::MAX));
    }

    /// Forgets all values but the first, and says where these end.
    fn truncate(&mut self, values: usize) -> usize {
        self.0.truncate(values + 1);
        self.0
            .last()
            .and_then(|end| usize::try_from(*end).ok())
            .unwrap_or_default()
    }

    fn take(&mut self) -> OffsetBuffer<i32> {
        let next = Self::with_capacity(self.0.len());
        OffsetBuffer::new(ScalarBuffer::from(mem::replace(self, next).0))
    }
}

impl TextColumn {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: Offsets::with_capacity(0),
            nulls: Nulls::default(),
        }
    }

    #[inline]
    pub(super) fn append(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len());
    }

    #[inline]
    pub(super) fn append_null(&mut self) {
        self.nulls.push(self.offsets.count());
        self.offsets.push(self.bytes.len());
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        let end = self.offsets.truncate(rows);
        self.bytes.truncate(end);
        self.nulls.truncate(rows);
    }

    /// The array so far; the column is empty behind it, with room for as much again.
    pub(super) fn take(&mut self) -> Result<StringArray, ArrowError> {
        let room = Vec::with_capacity(self.bytes.len());
        let bytes = Buffer::from_vec(mem::replace(&mut self.bytes, room));
        let nulls = self.nulls.take(self.offsets.count());
        StringArray::try_new(self.offsets.take(), bytes, nulls)
    }
}

/// A column of numbers.
#[derive(Debug)]
pub(super) struct NumberColumn<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: Nulls,
}

impl<T: ArrowPrimitiveType> NumberColumn<T> {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            nulls: Nulls::default(),
        }
    }

    #[inline]
    pub(super) fn append(&mut self, value: T::Native) {
        self.values.push(value);
    }

    #[inline]
    pub(super) fn append_null(&mut self) {
        self.nulls.push(self.values.len());
        self.values.push(T::Native::default());
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    /// The array so far; the column is empty behind it, with room for as much again.
    pub(super) fn take(&mut self) -> Result<PrimitiveArray<T>, ArrowError> {
        let nulls = self.nulls.take(self.values.len());
        let room = Vec::with_capacity(self.values.len());
        let values = ScalarBuffer::from(mem::replace(&mut self.values, room));
        PrimitiveArray::try_new(values, nulls)
    }
}

/// The column `extra`: a map from field name to value. A row without entries is null.
#[derive(Debug)]
pub(super) struct ExtraColumn {
    names: TextColumn,
    values: TextColumn,
    entries: usize,
    offsets: Offsets,
    nulls: Nulls,
}

impl ExtraColumn {
    pub(super) fn new() -> Self {
        Self {
            names: TextColumn::new(),
            values: TextColumn::new(),
            entries: 0,
            offsets: Offsets::with_capacity(0),
            nulls: Nulls::default(),
        }
    }

    /// Adds an entry to the row that has not ended yet.
    pub(super) fn append(&mut self, name: &[u8], value: &[u8]) {
        self.names.append(name);
        self.values.append(value);
        self.entries += 1;
    }

    pub(super) fn end_row(&mut self) {
        let before = self
            .offsets
            .0
            .last()
            .copied()
            .and_then(|end| usize::try_from(end).ok());
        if before == Some(self.entries) {
            self.nulls.push(self.offsets.count());
        }
        self.offsets.push(self.entries);
    }

    /// Forgets the rows from here on, the one that has not ended too.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.entries = self.offsets.truncate(rows);
        self.names.truncate(self.entries);
        self.values.truncate(self.entries);
        self.nulls.truncate(rows);
    }

    /// The array so far; the column is empty behind it.
    pub(super) fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.names.take()?), Arc::new(self.values.take()?)];
        let entries = StructArray::try_new(fields::extra_entry_fields(), columns, None)?;
        let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
        self.entries = 0;
        let nulls = self.nulls.take(self.offsets.count());
        Ok(Arc::new(MapArray::try_new(
            field,
            self.offsets.take(),
            entries,
            nulls,
            false,
        )?))
    }
}
