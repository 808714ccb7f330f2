//! Groups rows by columns, and adds up numbers by group: what every signal does with a batch.
//!
//! In: columns of a batch, batch after batch. Out: a row for each distinct set of key values, and
//! beside it the sum, count, least or greatest value of a measure.
//!
//! Each distinct value of a key column gets a number, and a row is found by the numbers of its
//! values: a text is hashed once, however many columns the key has. Columns of few values, as logs
//! have them, come as dictionaries, of which only the distinct values are hashed.
//!
//! Must hold: the result does not depend on how rows are cut into batches (I7), but for the order
//! of the groups, which is that of their first rows; a missing value is a value of its own.

mod distinct;
mod integers;
mod key;
mod measure;
mod numbers;
mod sets;
mod texts;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

pub use distinct::{Distinct, Key};
use key::KeyColumn;
pub use measure::{Function, Measure};
use sets::Sets;

/// So many are numbered before they are looked up: what is noted of them in between stays in the processor's cache.
const ROWS_AT_ONCE: usize = 4096;

/// The distinct sets of key values so far.
#[derive(Debug)]
pub struct Grouping {
    keys: Vec<KeyColumn>,
    sets: Sets,
}

impl Grouping {
    /// Whether a column of this type can be a key.
    pub fn takes(kind: &DataType) -> bool {
        KeyColumn::takes(kind)
    }

    /// A grouping by columns of these types; one at least.
    pub fn new(kinds: &[DataType]) -> Result<Self, ArrowError> {
        if kinds.is_empty() {
            return Err(ArrowError::InvalidArgumentError(String::from(
                "a grouping needs a column",
            )));
        }
        Ok(Self {
            keys: kinds.iter().map(KeyColumn::new).collect::<Result<_, _>>()?,
            sets: Sets::new(kinds.len()),
        })
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.sets.len()).unwrap_or(usize::MAX)
    }

    /// Whether no row has come.
    pub fn is_empty(&self) -> bool {
        self.sets.len() == 0
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(KeyColumn::bytes).sum();
        keys + self.sets.bytes()
    }

    /// The group of each row of a batch, into `groups`.
    pub fn assign(&mut self, columns: &[Key], groups: &mut Vec<u32>) -> Result<(), ArrowError> {
        let rows = columns.first().map_or(0, Key::len);
        if columns.len() != self.keys.len() || columns.iter().any(|column| column.len() != rows) {
            return Err(ArrowError::InvalidArgumentError(String::from(
                "key columns that do not fit",
            )));
        }
        let prepared = self.keys.iter_mut().zip(columns);
        let prepared = prepared.map(|(key, column)| key.prepare(column));
        let prepared: Vec<_> = prepared.collect::<Result<_, _>>()?;
        groups.clear();
        groups.reserve(rows);
        for start in (0..rows).step_by(ROWS_AT_ONCE) {
            let len = ROWS_AT_ONCE.min(rows - start);
            let numbered = self.keys.iter_mut().zip(&prepared);
            let numbered = numbered.map(|(key, column)| key.rows(column, start, len));
            let numbered: Vec<_> = numbered.collect::<Result<_, _>>()?;
            let greatest: Vec<_> = self.keys.iter().map(KeyColumn::greatest).collect();
            self.sets.make_room(&greatest, rows)?;
            self.sets.assign(&numbered, len, groups)?;
        }
        Ok(())
    }

    /// The key columns of the groups, in the order in which the groups came.
    pub fn finish(&self) -> Result<Vec<ArrayRef>, ArrowError> {
        let columns = self.keys.iter().enumerate();
        let values = columns.map(|(column, key)| key.values(&self.sets.numbers(column)));
        values.collect()
    }
}

/// Spreads what it is multiplied with over all bits.
const ODD: u64 = 0xf135_7aea_2e62_a9c5;

#[cfg(test)]
mod tests;
