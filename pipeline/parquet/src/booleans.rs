//! The truth values of a column chunk: a bit each.

use arrow::array::{Array, AsArray as _, BooleanBufferBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use parquet::basic::Encoding;

use crate::bounds::Bounds;

#[derive(Debug)]
pub(crate) struct Booleans(BooleanBufferBuilder);

impl Booleans {
    /// For a column of this type, if it is one of truth values.
    pub(crate) fn of(kind: &DataType) -> Option<Self> {
        (*kind == DataType::Boolean).then(|| Self(BooleanBufferBuilder::new(0)))
    }

    pub(crate) fn append(&mut self, array: &dyn Array) {
        let array = array.as_boolean();
        let values = array.values();
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.0.append_buffer(values),
            Some(nulls) => {
                for (start, end) in NullBuffer::valid_slices(nulls) {
                    self.0.append_buffer(&values.slice(start, end - start));
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len().div_ceil(8)
    }

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        let mut values = (0..self.0.len()).map(|at| self.0.get_bit(at));
        let first = values.next()?;
        let other = values.any(|value| value != first);
        Some(Bounds::Booleans(first && !other, first || other))
    }

    /// Writes the values of the page at hand and forgets them.
    pub(crate) fn put_page(&mut self, out: &mut Vec<u8>) -> Encoding {
        out.extend_from_slice(self.0.as_slice());
        self.0.truncate(0);
        Encoding::PLAIN
    }
}
