//! The numbers of a batch's values in one key column.
//!
//! In: numbers, by row or by key. Out: the same, put into the sets of the rows. Must hold: a row has one number, and
//! the bits of its place are clear before.

use std::sync::Arc;

use arrow::array::{Array as _, Int32Array};

use super::key::MISSING;
use super::sets::Place;

/// Of all rows of a batch, or of some that follow each other.
#[derive(Debug)]
pub(super) enum Numbers {
    /// All rows have this one.
    Same(u32),
    /// By key; that of rows without a key is the last one.
    Keyed { keys: Int32Array, of: Arc<[u32]> },
    /// By row.
    Each(Vec<u32>),
}

impl Numbers {
    /// By key: `of` has a number for each key, and behind them that of rows without one.
    pub(super) fn keyed(keys: Int32Array, of: Arc<[u32]>) -> Self {
        let missing = of.last().copied().unwrap_or(MISSING);
        match of.as_ref() {
            _ if keys.null_count() == keys.len() => Self::Same(missing),
            [only, _] if keys.null_count() == 0 => Self::Same(*only),
            _ => Self::Keyed { keys, of },
        }
    }

    /// Puts them at their place in the sets of the rows, each of so many words.
    pub(super) fn put(&self, place: &Place, words: usize, sets: &mut [u64]) {
        if words == 1 {
            self.put_each(place, sets.iter_mut());
        } else {
            self.put_each(place, sets.iter_mut().skip(place.word).step_by(words));
        }
    }

    fn put_each<'a>(&self, place: &Place, sets: impl Iterator<Item = &'a mut u64>) {
        match self {
            Self::Same(number) => {
                let number = place.shifted(*number);
                sets.for_each(|set| *set |= number);
            }
            Self::Each(numbers) => {
                for (set, number) in sets.zip(numbers) {
                    *set |= place.shifted(*number);
                }
            }
            Self::Keyed { keys, of } => {
                let of: Vec<u64> = of.iter().map(|number| place.shifted(*number)).collect();
                let missing = of.last().copied().unwrap_or_default();
                let number = |key: &i32| {
                    let key = usize::try_from(*key).ok();
                    key.and_then(|key| of.get(key)).copied().unwrap_or(missing)
                };
                let sets = sets.zip(keys.values());
                match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
                    None => sets.for_each(|(set, key)| *set |= number(key)),
                    Some(nulls) => {
                        for ((set, key), is_valid) in sets.zip(nulls) {
                            *set |= if is_valid { number(key) } else { missing };
                        }
                    }
                }
            }
        }
    }
}
