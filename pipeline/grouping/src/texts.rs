//! Distinct texts, and their numbers.

use std::hash::BuildHasher as _;

use arrow::array::{StringArray, StringBuilder};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::key::MISSING;

/// Distinct texts, one behind the other.
#[derive(Debug)]
pub(super) struct Texts {
    text: String,
    /// Where each begins; the last entry is where the next one will.
    starts: Vec<usize>,
    numbers: HashTable<u32>,
    state: RandomState,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            starts: vec![0],
            numbers: HashTable::new(),
            state: RandomState::default(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + 8 * self.starts.capacity() + 5 * self.numbers.capacity()
    }

    /// The greatest number so far.
    pub(super) fn greatest(&self) -> u32 {
        u32::try_from(self.starts.len() - 1).unwrap_or(u32::MAX)
    }

    /// The number of each text.
    pub(super) fn number(&mut self, texts: &StringArray) -> Vec<u32> {
        let mut last: Option<(&str, u32)> = None;
        let numbers = texts.iter().map(|text| {
            let Some(text) = text else {
                return MISSING;
            };
            let number = match last {
                Some((same, number)) if same == text => number,
                _ => self.number_of(text),
            };
            last = Some((text, number));
            number
        });
        numbers.collect()
    }

    fn number_of(&mut self, text: &str) -> u32 {
        let Self {
            text: all,
            starts,
            numbers,
            state,
        } = self;
        let hash = state.hash_one(text);
        let found = numbers.find(hash, |number| text_of(all, starts, *number) == text);
        if let Some(number) = found {
            return *number;
        }
        all.push_str(text);
        starts.push(all.len());
        // Number 1 is the text between the first two starts. A batch has far fewer than 2³² rows.
        let number = u32::try_from(starts.len() - 1).unwrap_or(u32::MAX);
        numbers.insert_unique(hash, number, |number| {
            state.hash_one(text_of(all, starts, *number))
        });
        number
    }

    /// The texts of these numbers.
    pub(super) fn values(&self, numbers: &[u32]) -> StringArray {
        let mut values = StringBuilder::with_capacity(numbers.len(), self.text.len());
        for number in numbers {
            if *number == MISSING {
                values.append_null();
            } else {
                values.append_value(text_of(&self.text, &self.starts, *number));
            }
        }
        values.finish()
    }
}

fn text_of<'a>(all: &'a str, starts: &[usize], number: u32) -> &'a str {
    let end = usize::try_from(number).unwrap_or(usize::MAX);
    let start = end.checked_sub(1).and_then(|start| starts.get(start));
    match (start, starts.get(end)) {
        (Some(start), Some(end)) => all.get(*start..*end).unwrap_or_default(),
        _ => "",
    }
}
