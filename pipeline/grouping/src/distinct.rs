//! What was found out about distinct values, told of the rows that have them.
//!
//! In: the keys of a dictionary, and an answer for each of its values and for the missing one. Out: an
//! answer for each row. Must hold: a row without a value has the answer for the missing one.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int32Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::error::ArrowError;

/// A key column of a batch.
#[derive(Debug, Clone)]
pub enum Key {
    /// A value for each row.
    Each(ArrayRef),
    /// A value for each distinct value of another column.
    Distinct(Distinct),
}

impl Key {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Each(values) => values.len(),
            Self::Distinct(distinct) => distinct.keys.len(),
        }
    }
}

/// Answers for the distinct values of a column.
#[derive(Debug, Clone)]
pub struct Distinct {
    keys: Int32Array,
    answers: ArrayRef,
}

impl Distinct {
    /// `answers` has one for each value that `keys` may name, and behind them that of the missing value.
    pub fn new(keys: Int32Array, answers: ArrayRef) -> Self {
        Self { keys, answers }
    }

    pub(super) fn keys(&self) -> &Int32Array {
        &self.keys
    }

    pub(super) fn answers(&self) -> &ArrayRef {
        &self.answers
    }

    /// The answer of each row.
    pub fn spread(&self) -> Result<ArrayRef, ArrowError> {
        let Some(truths) = self.answers.as_boolean_opt() else {
            return take(&self.answers, &self.keys_with_missing(), None);
        };
        let values = self.bits(truths.values());
        let nulls = truths.nulls().filter(|nulls| nulls.null_count() > 0);
        let nulls = nulls.map(|nulls| NullBuffer::new(self.bits(nulls.inner())));
        Ok(Arc::new(BooleanArray::new(values, nulls)))
    }

    fn missing(&self) -> usize {
        self.answers.len().saturating_sub(1)
    }

    /// Keys in which a missing value is a key like any other, but where its answer is missing too.
    fn keys_with_missing(&self) -> Int32Array {
        let nulls = self.keys.nulls().filter(|nulls| nulls.null_count() > 0);
        let (Some(nulls), true) = (nulls, self.answers.is_valid(self.missing())) else {
            return self.keys.clone();
        };
        let missing = i32::try_from(self.missing()).unwrap_or(i32::MAX);
        let each = self.keys.values().iter().zip(nulls);
        let each = each.map(|(key, is_valid)| if is_valid { *key } else { missing });
        Int32Array::new(each.collect::<ScalarBuffer<i32>>(), None)
    }

    /// The bit of each row, of bits by answer.
    fn bits(&self, of: &BooleanBuffer) -> BooleanBuffer {
        let keys = self.keys.values();
        let there = if let Some(word) = one_word(of) {
            let bit = |key: &i32| word >> (key & 63) & 1;
            let bits = |keys: &[i32]| keys.iter().rev().fold(0, |bits, key| bits << 1 | bit(key));
            let words: Vec<u64> = keys.chunks(64).map(bits).collect();
            BooleanBuffer::new(Buffer::from_vec(words), 0, keys.len())
        } else {
            let of: Vec<bool> = of.iter().collect();
            let key = |row: usize| keys.get(row).and_then(|key| usize::try_from(*key).ok());
            let bit = |row| key(row).and_then(|key| of.get(key)) == Some(&true);
            BooleanBuffer::collect_bool(keys.len(), bit)
        };
        match self.keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => there,
            Some(nulls) if of.value(self.missing()) => &there | &!nulls.inner(),
            Some(nulls) => &there & nulls.inner(),
        }
    }
}

/// The bits of up to 64 answers.
fn one_word(bits: &BooleanBuffer) -> Option<u64> {
    let each = bits.iter().enumerate();
    (bits.len() <= 64).then(|| each.fold(0, |word, (at, bit)| word | u64::from(bit) << at))
}
