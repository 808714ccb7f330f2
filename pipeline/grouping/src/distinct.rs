//! What was found out about distinct values, told of the rows that have them.
//!
//! In: the keys of a dictionary, and an answer for each of its values and for the missing one. Out: an
//! answer for each row. Must hold: a row without a value has the answer for the missing one.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::error::ArrowError;

/// Keys in which a missing value is a key like any other: the one behind `values` others.
pub fn keys_with_missing(keys: &Int32Array, values: usize) -> Int32Array {
    let Some(nulls) = keys.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Int32Array::new(keys.values().clone(), None);
    };
    let missing = i32::try_from(values).unwrap_or(i32::MAX);
    let mut full = keys.values().to_vec();
    for (key, is_valid) in full.iter_mut().zip(nulls.iter()) {
        if !is_valid {
            *key = missing;
        }
    }
    Int32Array::new(ScalarBuffer::from(full), None)
}

/// The answer of each row. The keys are those of [`keys_with_missing`].
pub fn spread(keys: &Int32Array, answers: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(truths) = answers.as_boolean_opt() else {
        return take(answers, keys, None);
    };
    let values = bits(keys.values(), truths.values());
    let nulls = truths.nulls().filter(|nulls| nulls.null_count() > 0);
    let nulls = nulls.map(|nulls| NullBuffer::new(bits(keys.values(), nulls.inner())));
    Ok(Arc::new(BooleanArray::new(values, nulls)))
}

fn bits(keys: &[i32], of: &BooleanBuffer) -> BooleanBuffer {
    let of: Vec<bool> = of.iter().collect();
    BooleanBuffer::collect_bool(keys.len(), |row| {
        let key = keys.get(row).and_then(|key| usize::try_from(*key).ok());
        key.and_then(|key| of.get(key).copied()).unwrap_or_default()
    })
}
