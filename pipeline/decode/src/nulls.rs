//! The rows of a column without a value.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// The rows without a value. Most columns have none, and then a value costs nothing here.
#[derive(Debug, Default)]
pub(crate) struct Nulls(Vec<usize>);

impl Nulls {
    /// The row has no value.
    #[inline]
    pub(crate) fn push(&mut self, row: usize) {
        self.0.push(row);
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        while self.0.last().is_some_and(|row| *row >= rows) {
            self.0.pop();
        }
    }

    /// Of so many rows; none is known any more.
    pub(crate) fn take(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.0.is_empty() {
            return None;
        }
        let mut present = BooleanBufferBuilder::new(rows);
        present.append_n(rows, true);
        self.0.drain(..).for_each(|row| present.set_bit(row, false));
        Some(NullBuffer::new(present.finish()))
    }
}
