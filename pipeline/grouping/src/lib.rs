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

pub mod distinct;
mod key;
mod measure;

use arrow::array::{Array as _, ArrayRef};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hashbrown::HashTable;

use key::KeyColumn;
pub use measure::{Function, Measure};

/// The distinct sets of key values so far.
#[derive(Debug)]
pub struct Grouping {
    keys: Vec<KeyColumn>,
    /// By group: the number of its value in each key column.
    values: Vec<u32>,
    /// Groups by the hash of these numbers.
    groups: HashTable<u32>,
    len: u32,
    /// By row of the batch at hand: as `values`.
    row_values: Vec<u32>,
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
            values: Vec::new(),
            groups: HashTable::new(),
            len: 0,
            row_values: Vec::new(),
        })
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }

    /// Whether no row has come.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(KeyColumn::bytes).sum();
        keys + 4 * (self.values.capacity() + self.row_values.capacity())
            + 5 * self.groups.capacity()
    }

    /// The group of each row of a batch, into `numbers`.
    pub fn assign(
        &mut self,
        columns: &[ArrayRef],
        numbers: &mut Vec<u32>,
    ) -> Result<(), ArrowError> {
        let width = self.keys.len();
        let rows = columns.first().map_or(0, arrow::array::Array::len);
        if columns.len() != width || columns.iter().any(|column| column.len() != rows) {
            return Err(ArrowError::InvalidArgumentError(String::from(
                "key columns that do not fit",
            )));
        }
        self.row_values.clear();
        self.row_values.resize(rows * width, 0);
        for (place, (key, column)) in self.keys.iter_mut().zip(columns).enumerate() {
            key.number(column, &mut self.row_values, place, width)?;
        }
        numbers.clear();
        numbers.reserve(rows);
        let mut last: Option<(&[u32], u32)> = None;
        for row in self.row_values.chunks_exact(width) {
            // Logs repeat themselves: a row is often in the group of the one before it.
            let group = match last {
                Some((values, group)) if is_same(values, row) => group,
                _ => find(&mut self.groups, &mut self.values, &mut self.len, row)?,
            };
            last = Some((row, group));
            numbers.push(group);
        }
        Ok(())
    }

    /// The key columns of the groups, in the order in which the groups came.
    pub fn finish(&self) -> Result<Vec<ArrayRef>, ArrowError> {
        let width = self.keys.len();
        let column = |(place, key): (usize, &KeyColumn)| {
            let numbers: Vec<u32> = self
                .values
                .iter()
                .skip(place)
                .step_by(width)
                .copied()
                .collect();
            key.values(&numbers)
        };
        self.keys.iter().enumerate().map(column).collect()
    }
}

/// The group of these values; a new one if there is none.
fn find(
    groups: &mut HashTable<u32>,
    values: &mut Vec<u32>,
    len: &mut u32,
    row: &[u32],
) -> Result<u32, ArrowError> {
    let width = row.len();
    let of = |values: &[u32], group: u32| -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(group).ok()?.checked_mul(width)?;
        (start + width <= values.len()).then_some(start..start + width)
    };
    let hash = hash(row);
    let found = groups.find(hash, |group| {
        let known = of(values, *group).and_then(|place| values.get(place));
        known.is_some_and(|known| is_same(known, row))
    });
    if let Some(group) = found {
        return Ok(*group);
    }
    let group = *len;
    *len = group.checked_add(1).ok_or_else(|| {
        ArrowError::ComputeError(String::from("more groups than fit into memory"))
    })?;
    values.extend_from_slice(row);
    let known: &[u32] = values;
    groups.insert_unique(hash, group, |group| {
        of(known, *group)
            .and_then(|place| known.get(place))
            .map_or(0, self::hash)
    });
    Ok(group)
}

/// Whether two rows have the same numbers. There are a few of them: a call for the comparison costs more.
#[inline]
fn is_same(one: &[u32], other: &[u32]) -> bool {
    let pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Spreads what it is multiplied with over all bits.
const ODD: u64 = 0xf135_7aea_2e62_a9c5;

/// The numbers of values are small and dense; two rounds spread them over all bits.
fn hash(row: &[u32]) -> u64 {
    let mixed = row.iter().fold(0_u64, |hash, value| {
        (hash.wrapping_add(u64::from(*value) + 1))
            .wrapping_mul(ODD)
            .rotate_left(23)
    });
    (mixed ^ (mixed >> 32)).wrapping_mul(ODD)
}

#[cfg(test)]
mod tests;
