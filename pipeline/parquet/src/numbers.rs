//! The numbers of a column chunk.
//!
//! In: arrays of whole numbers and times. Out: pages, as dictionary indices where few values come
//! again and again, else as differences. The first page of a chunk shows which takes less.

use arrow::array::{Array, AsArray as _};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use parquet::basic::Encoding;

use crate::bits::{hybrid, width_of};
use crate::bounds::Bounds;
use crate::delta::{self, Wide};
use crate::dictionary::Integers;
use crate::precedent::Form;

/// Bytes of one number in a dictionary page, at most.
const NUMBER_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Numbers {
    wide: Wide,
    /// Known from the first page that has values on.
    form: Option<Form>,
    dictionary: Integers,
    /// Of the page at hand, without those that are missing.
    values: Vec<i64>,
    indices: Vec<u32>,
}

impl Numbers {
    /// For a column of this type, if it is one of whole numbers that are written here.
    pub(crate) fn of(kind: &DataType, form: Option<Form>) -> Option<Self> {
        let wide = match kind {
            DataType::Int32 => Wide::Bits32,
            DataType::Int64
            | DataType::Timestamp(
                TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
                _,
            ) => Wide::Bits64,
            _ => return None,
        };
        Some(Self {
            wide,
            form,
            dictionary: Integers::default(),
            values: Vec::new(),
            indices: Vec::new(),
        })
    }

    /// Takes an array of the column's type.
    pub(crate) fn append(&mut self, array: &dyn Array) {
        match array.data_type() {
            DataType::Int32 => self.extend::<Int32Type>(array),
            DataType::Int64 => self.extend::<Int64Type>(array),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.extend::<TimestampMillisecondType>(array);
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.extend::<TimestampMicrosecondType>(array);
            }
            _ => self.extend::<TimestampNanosecondType>(array),
        }
    }

    fn extend<T: ArrowPrimitiveType<Native: Into<i64>>>(&mut self, array: &dyn Array) {
        let array = array.as_primitive::<T>();
        let values = array.values();
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self
                .values
                .extend(values.iter().map(|value| (*value).into())),
            Some(nulls) => {
                for (start, end) in NullBuffer::valid_slices(nulls) {
                    let present = values.get(start..end).unwrap_or_default();
                    self.values
                        .extend(present.iter().map(|value| (*value).into()));
                }
            }
        }
    }

    pub(crate) fn form(&self) -> Option<Form> {
        self.form
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        NUMBER_BYTES * self.values.len() + self.dictionary.bytes()
    }

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        Bounds::of_numbers(&self.values)
    }

    /// Writes the values of the page at hand and forgets them.
    pub(crate) fn put_page(&mut self, out: &mut Vec<u8>) -> Encoding {
        // A page without values has no form, and shows none.
        let encoding = match self.form {
            _ if self.values.is_empty() => Encoding::PLAIN,
            None => self.put_first(out),
            Some(Form::Dictionary) => self.put_indices(out),
            Some(Form::Direct) => self.put_differences(out),
        };
        self.values.clear();
        encoding
    }

    fn put_first(&mut self, out: &mut Vec<u8>) -> Encoding {
        let mut differences = Vec::new();
        delta::encode(&self.values, self.wide, &mut differences);
        let start = out.len();
        let encoding = self.put_indices(out);
        let indices = out.len() - start + NUMBER_BYTES * self.dictionary.values().len();
        if indices <= differences.len() {
            self.form = Some(Form::Dictionary);
            return encoding;
        }
        out.truncate(start);
        out.append(&mut differences);
        self.dictionary = Integers::default();
        self.form = Some(Form::Direct);
        Encoding::DELTA_BINARY_PACKED
    }

    fn put_indices(&mut self, out: &mut Vec<u8>) -> Encoding {
        let known = self.dictionary.values().len();
        let mut last = None;
        self.indices.clear();
        for value in &self.values {
            let index = match last {
                Some((before, index)) if before == *value => index,
                _ => self.dictionary.intern(*value),
            };
            last = Some((*value, index));
            self.indices.push(index);
        }
        put_indices(&self.indices, self.dictionary.values().len(), out);
        // What was few has become many: the next pages do without.
        if self.dictionary.values().len() - known > self.values.len() / 2 {
            self.form = Some(Form::Direct);
        }
        Encoding::RLE_DICTIONARY
    }

    fn put_differences(&mut self, out: &mut Vec<u8>) -> Encoding {
        delta::encode(&self.values, self.wide, out);
        Encoding::DELTA_BINARY_PACKED
    }

    /// The dictionary page and the count of its values; nothing: no page needs one.
    pub(crate) fn dictionary(&self) -> Option<(Vec<u8>, usize)> {
        let values = self.dictionary.values();
        if values.is_empty() {
            return None;
        }
        let width = match self.wide {
            Wide::Bits32 => 4,
            Wide::Bits64 => 8,
        };
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes().into_iter().take(width));
        Some((bytes.collect(), values.len()))
    }
}

/// Indices into a dictionary of so many values, the width before them.
pub(crate) fn put_indices(indices: &[u32], values: usize, out: &mut Vec<u8>) {
    let greatest = u64::try_from(values.saturating_sub(1)).unwrap_or_default();
    let width = width_of(greatest);
    out.push(u8::try_from(width).unwrap_or_default());
    hybrid(indices, width, out);
}
