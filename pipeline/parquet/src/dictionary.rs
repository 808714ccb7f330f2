//! Distinct values of a column chunk, numbered in the order in which they came.
//!
//! In: values. Out: their numbers, and the values as the dictionary page has them (PLAIN).

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Distinct texts.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// As the page has them: each behind its length.
    page: Vec<u8>,
    /// Where each text begins in the page, and ends.
    places: Vec<(u32, u32)>,
    numbers: HashTable<u32>,
    state: RandomState,
}

impl Texts {
    /// The number of a text.
    pub(crate) fn intern(&mut self, text: &[u8]) -> u32 {
        let Self {
            page,
            places,
            numbers,
            state,
        } = self;
        let hash = state.hash_one(text);
        if let Some(number) = numbers.find(hash, |number| at(page, places, *number) == text) {
            return *number;
        }
        let number = u32_of(places.len());
        page.extend_from_slice(&u32_of(text.len()).to_le_bytes());
        let start = u32_of(page.len());
        page.extend_from_slice(text);
        places.push((start, u32_of(page.len())));
        numbers.insert_unique(hash, number, |number| {
            state.hash_one(at(page, places, *number))
        });
        number
    }

    pub(crate) fn get(&self, number: u32) -> &[u8] {
        at(&self.page, &self.places, number)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The dictionary page.
    pub(crate) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.page.capacity() + 8 * self.places.capacity() + 5 * self.numbers.capacity()
    }
}

fn at<'a>(page: &'a [u8], places: &[(u32, u32)], number: u32) -> &'a [u8] {
    let place = places.get(usize_of(number));
    place
        .and_then(|(start, end)| page.get(usize_of(*start)..usize_of(*end)))
        .unwrap_or_default()
}

/// Distinct numbers.
#[derive(Debug, Default)]
pub(crate) struct Integers {
    values: Vec<i64>,
    numbers: HashTable<u32>,
    state: RandomState,
}

impl Integers {
    /// The number of a value.
    pub(crate) fn intern(&mut self, value: i64) -> u32 {
        let Self {
            values,
            numbers,
            state,
        } = self;
        let hash = state.hash_one(value);
        let found = numbers.find(hash, |number| values.get(usize_of(*number)) == Some(&value));
        if let Some(number) = found {
            return *number;
        }
        let number = u32_of(values.len());
        values.push(value);
        numbers.insert_unique(hash, number, |number| {
            state.hash_one(values.get(usize_of(*number)).copied().unwrap_or_default())
        });
        number
    }

    pub(crate) fn values(&self) -> &[i64] {
        &self.values
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        8 * self.values.capacity() + 5 * self.numbers.capacity()
    }
}

/// Chunks are far below 4 GiB.
pub(crate) fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(crate) fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
