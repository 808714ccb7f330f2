//! Which rows of a page have a value: its definition levels.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

use crate::bits::hybrid_of_bits;

/// The rows of the page at hand.
#[derive(Debug)]
pub(crate) struct Levels {
    present: BooleanBufferBuilder,
    nulls: usize,
}

impl Levels {
    pub(crate) fn new() -> Self {
        Self {
            present: BooleanBufferBuilder::new(0),
            nulls: 0,
        }
    }

    /// Takes as many rows; no buffer: all have a value.
    pub(crate) fn append(&mut self, rows: usize, nulls: Option<&NullBuffer>) {
        match nulls {
            Some(nulls) => {
                self.present.append_buffer(nulls.inner());
                self.nulls += nulls.null_count();
            }
            None => self.present.append_n(rows, true),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.present.len()
    }

    pub(crate) fn nulls(&self) -> usize {
        self.nulls
    }

    /// Writes the levels, their length before them, and forgets the rows.
    pub(crate) fn put(&mut self, out: &mut Vec<u8>) {
        let mut levels = Vec::new();
        hybrid_of_bits(self.present.as_slice(), self.present.len(), &mut levels);
        let length = u32::try_from(levels.len()).unwrap_or_default();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&levels);
        self.clear();
    }

    pub(crate) fn clear(&mut self) {
        self.present.truncate(0);
        self.nulls = 0;
    }
}
