//! A column of names: texts of which a log has few different ones.
//!
//! In: values as bytes. Out: Arrow dictionaries. Must hold: as for the other columns; batches of one
//! log share the array of names as long as no new one comes, so that what was learnt of it holds.

use std::hash::BuildHasher as _;
use std::mem;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::limits::{BATCH_ROWS_MAX, NAMES_BYTES_MAX};
use crate::nulls::Nulls;

/// The type of such columns in a batch.
pub(crate) fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// A column in which every row has the same name.
pub(crate) fn repeated(name: &str, rows: usize) -> Result<ArrayRef, ArrowError> {
    /// Of all batches: memory that is asked for as zeros is given by the kernel, page by page.
    static ZEROS: LazyLock<ScalarBuffer<i32>> =
        LazyLock::new(|| ScalarBuffer::from(vec![0; BATCH_ROWS_MAX]));
    let keys = if rows <= ZEROS.len() {
        ZEROS.slice(0, rows)
    } else {
        ScalarBuffer::from(vec![0; rows])
    };
    let names = Arc::new(StringArray::from_iter_values([name]));
    let keys = Int32Array::try_new(keys, None)?;
    Ok(Arc::new(DictionaryArray::try_new(keys, names)?))
}

/// Bytes that are compared at once.
const WORD: usize = 8;
/// Names of a column that are found without hashing all of their bytes: places for the first of them, and
/// for the most. There are four times as many places as names, up to that.
const RECENT_FIRST: usize = 64;
const RECENT_MAX: usize = 2048;
/// There was none.
const NONE: i32 = -1;

#[derive(Debug)]
pub(crate) struct NameColumn {
    /// By row.
    keys: Vec<i32>,
    nulls: Nulls,
    names: Names,
    /// The name that came last.
    last: Place,
    /// The row that brought the newest name, if it is one of these.
    newest: Option<usize>,
    /// The names as the last batch has them.
    shared: Option<ArrayRef>,
}

/// A name, and where it stands among the bytes; at first none, which is empty.
#[derive(Debug, Default, Clone, Copy)]
struct Place {
    key: i32,
    start: usize,
    end: usize,
}

/// The distinct values, one behind the other.
#[derive(Debug)]
struct Names {
    bytes: Vec<u8>,
    /// Where each ends, and before them 0.
    offsets: Vec<i32>,
    keys: HashTable<i32>,
    state: RandomState,
    /// The last name of each place, or [`NONE`]: most that come have come before. As many places as a power of two.
    recent: Vec<i32>,
}

impl NameColumn {
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::new(),
            nulls: Nulls::default(),
            names: Names::new(),
            last: Place::default(),
            newest: None,
            shared: None,
        }
    }

    #[inline]
    pub(crate) fn append(&mut self, value: &[u8]) {
        if !value.is_empty() && is_same(self.last(), value) {
            self.append_last();
        } else {
            self.append_other(value);
        }
    }

    /// The name that the next row has most likely: the last one; empty when there is none.
    #[inline]
    pub(crate) fn last(&self) -> &[u8] {
        let last = self.last.start..self.last.end;
        self.names.bytes.get(last).unwrap_or_default()
    }

    /// The row has [`Self::last`], which is not empty.
    #[inline]
    pub(crate) fn append_last(&mut self) {
        self.keys.push(self.last.key);
    }

    /// The row has another one than [`Self::last`], most likely: it is not compared with that.
    #[inline]
    pub(crate) fn append_other(&mut self, value: &[u8]) {
        let known = self.names.len();
        let key = self.names.key_of(value);
        if self.names.len() > known {
            self.newest = Some(self.keys.len());
        }
        self.last = self.names.place(key);
        self.keys.push(key);
    }

    #[inline]
    pub(crate) fn append_null(&mut self) {
        self.nulls.push(self.keys.len());
        self.keys.push(0);
    }

    /// The rows before this one have no name, unless they have one already.
    #[inline]
    pub(crate) fn pad(&mut self, rows: usize) {
        let row = self.keys.len();
        if row < rows {
            self.nulls.extend(row..rows);
            self.keys.resize(rows, 0);
        }
    }

    /// Forgets the last row, if there is one behind these: a row brings one name at most, and a name
    /// that no row has goes with it, or lines that are rejected would fill the memory.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
        self.nulls.truncate(rows);
        if self.newest.is_some_and(|newest| newest >= rows) {
            self.names.forget_newest();
            self.newest = None;
            self.last = Place::default();
        }
    }

    /// The array so far; the column is empty behind it, with room for as much again.
    pub(crate) fn take(&mut self) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let rows = self.keys.len();
        let nulls = self.nulls.take(rows);
        let keys = mem::replace(&mut self.keys, Vec::with_capacity(rows));
        let keys = Int32Array::try_new(ScalarBuffer::from(keys), nulls)?;
        let names = match &self.shared {
            Some(names) if names.len() == self.names.len() => Arc::clone(names),
            _ => self.names.array()?,
        };
        self.shared = Some(Arc::clone(&names));
        self.newest = None;
        // So many are no names: the next batch is not to carry them.
        if self.names.len() > BATCH_ROWS_MAX || self.names.bytes.len() > NAMES_BYTES_MAX {
            self.names = Names::new();
            self.last = Place::default();
            self.shared = None;
        }
        DictionaryArray::try_new(keys, names)
    }
}

impl Names {
    fn new() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
            keys: HashTable::new(),
            state: RandomState::default(),
            recent: vec![NONE; RECENT_FIRST],
        }
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn get(&self, key: i32) -> &[u8] {
        at(&self.bytes, &self.offsets, key)
    }

    fn place(&self, key: i32) -> Place {
        let (start, end) = place(&self.offsets, key).unwrap_or_default();
        Place { key, start, end }
    }

    fn key_of(&mut self, value: &[u8]) -> i32 {
        let recent = self.recent.get(self.recent_place(value));
        let recent = recent.copied().unwrap_or(NONE);
        if recent != NONE && is_same(self.get(recent), value) {
            return recent;
        }
        let key = self.key_of_hashed(value);
        if self.len() * 4 > self.recent.len() && self.recent.len() < RECENT_MAX {
            self.recent = vec![NONE; self.recent.len() * 2];
        }
        let place = self.recent_place(value);
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = key;
        }
        key
    }

    fn key_of_hashed(&mut self, value: &[u8]) -> i32 {
        let Self {
            bytes,
            offsets,
            keys,
            state,
            recent: _,
        } = self;
        let hash = state.hash_one(value);
        if let Some(key) = keys.find(hash, |key| is_same(at(bytes, offsets, *key), value)) {
            return *key;
        }
        let key = i32_of(offsets.len() - 1);
        bytes.extend_from_slice(value);
        offsets.push(i32_of(bytes.len()));
        keys.insert_unique(hash, key, |key| state.hash_one(at(bytes, offsets, *key)));
        key
    }

    /// Where a name is looked for first. Names of a column differ at their ends, or in an account id in the middle.
    #[inline]
    fn recent_place(&self, value: &[u8]) -> usize {
        const ODD: u64 = 0xf135_7aea_2e62_a9c5;
        let word = |at: usize| {
            let word = value.get(at..).and_then(<[u8]>::first_chunk::<WORD>);
            word.map_or(0, |word| u64::from_le_bytes(*word))
        };
        let mixed = match value.len().checked_sub(WORD) {
            None => value
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
            Some(last) => {
                let before = word(last.saturating_sub(WORD)).rotate_left(42);
                word(last) ^ word(last / 2).rotate_left(21) ^ before
            }
        };
        let length = u64::try_from(value.len()).unwrap_or_default();
        let place =
            (mixed ^ length).wrapping_mul(ODD) >> (u64::BITS - self.recent.len().trailing_zeros());
        usize::try_from(place).unwrap_or_default()
    }

    fn forget_newest(&mut self) {
        let newest = i32_of(self.len().saturating_sub(1));
        let place = self.recent_place(self.get(newest));
        if let Some(recent) = self
            .recent
            .get_mut(place)
            .filter(|recent| **recent == newest)
        {
            *recent = NONE;
        }
        let hash = self.state.hash_one(self.get(newest));
        if let Ok(entry) = self.keys.find_entry(hash, |key| *key == newest) {
            entry.remove();
        }
        self.offsets.truncate(self.len().max(1));
        let end = self.offsets.last().copied().unwrap_or_default();
        self.bytes
            .truncate(usize::try_from(end).unwrap_or_default());
    }

    fn array(&self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets.clone()));
        let bytes = Buffer::from_vec(self.bytes.clone());
        Ok(Arc::new(StringArray::try_new(offsets, bytes, None)?))
    }
}

/// Whether two names are one. Names are short: a call for the comparison costs more than the comparison.
#[inline]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (one.last_chunk::<WORD>(), other.last_chunk::<WORD>()) {
        // Ids differ in their last letters, if they do.
        (Some(end), Some(other_end)) => {
            let (words, _) = one.as_chunks::<WORD>();
            let (others, _) = other.as_chunks::<WORD>();
            let word = |word: &[u8; WORD]| u64::from_le_bytes(*word);
            word(end) == word(other_end)
                && words
                    .iter()
                    .zip(others)
                    .all(|(one, other)| word(one) == word(other))
        }
        _ => one.iter().eq(other),
    }
}

#[inline]
fn at<'a>(bytes: &'a [u8], offsets: &[i32], key: i32) -> &'a [u8] {
    let name = place(offsets, key).and_then(|(start, end)| bytes.get(start..end));
    name.unwrap_or_default()
}

/// Where a name begins and ends.
#[inline]
fn place(offsets: &[i32], key: i32) -> Option<(usize, usize)> {
    let key = usize::try_from(key).ok()?;
    let [start, end] = offsets.get(key..)?.first_chunk::<2>()?;
    Some((usize::try_from(*start).ok()?, usize::try_from(*end).ok()?))
}

/// Bytes and names of a batch stay far below `i32::MAX`, by `BATCH_BYTES_MAX`.
fn i32_of(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;

    use super::*;

    fn texts(array: &DictionaryArray<Int32Type>) -> Vec<Option<String>> {
        let texts = array.downcast_dict::<StringArray>().unwrap();
        texts
            .into_iter()
            .map(|text| text.map(str::to_owned))
            .collect()
    }

    #[test]
    fn names_are_kept_once_and_those_of_rejected_lines_not_at_all() {
        let mut column = NameColumn::new();
        for (rows, name) in ["a", "b", "a", "c", "c"].iter().enumerate() {
            column.append(name.as_bytes());
            // A line that is rejected, with a new name, a known one, and none.
            for rejected in [Some("x"), Some("a"), None] {
                match rejected {
                    Some(name) => column.append(name.as_bytes()),
                    None => column.append_null(),
                }
                column.truncate(rows + 1);
            }
        }
        column.append_null();
        let first = column.take().unwrap();
        let some = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Some((*text).to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&first)[..5], some(&["a", "b", "a", "c", "c"]));
        assert_eq!(texts(&first)[5], None);
        assert_eq!(first.values().len(), 3);
        column.append(b"c");
        let second = column.take().unwrap();
        assert!(
            Arc::ptr_eq(first.values(), second.values()),
            "nothing new came"
        );
        column.append(b"d");
        let third = column.take().unwrap();
        assert_eq!(texts(&third), some(&["d"]));
        assert_eq!(third.values().len(), 4);
    }

    #[test]
    fn many_names_are_not_carried_on() {
        let mut column = NameColumn::new();
        for row in 0..=BATCH_ROWS_MAX {
            column.append(row.to_string().as_bytes());
        }
        assert_eq!(column.take().unwrap().values().len(), BATCH_ROWS_MAX + 1);
        column.append(b"0");
        assert_eq!(column.take().unwrap().values().len(), 1);
    }
}
