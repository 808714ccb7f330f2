//! A key column: each distinct value has a number.
//!
//! In: arrays of one type. Out: numbers by row, and the values back by number. Must hold: equal
//! values have the same number, in whatever batch and in whatever form (text or dictionary) they
//! came; 0 is the missing value.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Int64Array, PrimitiveArray, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType as _, ArrowPrimitiveType, DataType, Date32Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type,
};
use arrow::error::ArrowError;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::ODD;

/// The number of a missing value.
const MISSING: u32 = 0;
/// Integers that are found without a look into the table.
const RECENT: usize = 64;

#[derive(Debug)]
pub(super) struct KeyColumn {
    kind: DataType,
    known: Known,
}

#[derive(Debug)]
enum Known {
    Texts(Texts),
    Integers(Integers),
}

/// Distinct texts, one behind the other.
#[derive(Debug)]
struct Texts {
    text: String,
    /// Where each begins; the last entry is where the next one will.
    starts: Vec<usize>,
    numbers: HashTable<u32>,
    state: RandomState,
}

/// Distinct integers. Times and truth values are integers too.
#[derive(Debug)]
struct Integers {
    values: Vec<i64>,
    numbers: HashTable<u32>,
    state: RandomState,
    /// The last value of each place, with its number, or with [`MISSING`] if there was none: most columns have
    /// few values, and those that come again and again are found here.
    recent: Box<[(i64, u32); RECENT]>,
}

impl KeyColumn {
    pub(super) fn takes(kind: &DataType) -> bool {
        match kind {
            DataType::Dictionary(key, value) => key.is_integer() && **value == DataType::Utf8,
            DataType::Utf8
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::Date32
            | DataType::Timestamp(..) => true,
            _ => false,
        }
    }

    pub(super) fn new(kind: &DataType) -> Result<Self, ArrowError> {
        if !Self::takes(kind) {
            return Err(ArrowError::NotYetImplemented(format!("grouping by {kind}")));
        }
        let known = match kind {
            DataType::Utf8 | DataType::Dictionary(..) => Known::Texts(Texts::new()),
            _ => Known::Integers(Integers::new()),
        };
        let kind = kind.clone();
        Ok(Self { kind, known })
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.known {
            Known::Texts(texts) => {
                texts.text.capacity() + 8 * texts.starts.capacity() + 5 * texts.numbers.capacity()
            }
            Known::Integers(integers) => {
                8 * integers.values.capacity() + 5 * integers.numbers.capacity()
            }
        }
    }

    /// Writes the number of each row's value to `into`, at `place` of every `width` entries.
    pub(super) fn number(
        &mut self,
        column: &ArrayRef,
        into: &mut [u32],
        place: usize,
        width: usize,
    ) -> Result<(), ArrowError> {
        let mut places = into.iter_mut().skip(place).step_by(width);
        match (&mut self.known, column.data_type()) {
            (Known::Texts(texts), DataType::Utf8) => {
                texts.number(column.as_string::<i32>(), places);
            }
            (Known::Texts(texts), DataType::Dictionary(key, _)) => {
                texts.number_dictionary(key, column, places)?;
            }
            (Known::Integers(integers), _) => {
                integers.number(column, &mut |number| {
                    if let Some(place) = places.next() {
                        *place = number;
                    }
                })?;
            }
            (Known::Texts(_), other) => {
                return Err(ArrowError::SchemaError(format!(
                    "{other} where text is due"
                )));
            }
        }
        Ok(())
    }

    /// The values of these numbers.
    pub(super) fn values(&self, numbers: &[u32]) -> Result<ArrayRef, ArrowError> {
        let array: ArrayRef = match &self.known {
            Known::Texts(texts) => Arc::new(texts.values(numbers)),
            Known::Integers(integers) => Arc::new(integers.values(numbers)),
        };
        if *array.data_type() == self.kind {
            return Ok(array);
        }
        cast(&array, &self.kind)
    }
}

impl Texts {
    fn new() -> Self {
        Self {
            text: String::new(),
            starts: vec![0],
            numbers: HashTable::new(),
            state: RandomState::default(),
        }
    }

    fn number<'a>(&mut self, texts: &StringArray, places: impl Iterator<Item = &'a mut u32>) {
        let mut last: Option<(&str, u32)> = None;
        for (row, place) in places.enumerate().take(texts.len()) {
            if texts.is_null(row) {
                *place = MISSING;
                continue;
            }
            let text = texts.value(row);
            let number = match last {
                Some((same, number)) if same == text => number,
                _ => self.number_of(text),
            };
            last = Some((text, number));
            *place = number;
        }
    }

    fn number_dictionary<'a>(
        &mut self,
        key: &DataType,
        column: &ArrayRef,
        places: impl Iterator<Item = &'a mut u32>,
    ) -> Result<(), ArrowError> {
        match key {
            DataType::Int32 => self.number_keys::<Int32Type>(column, places),
            DataType::UInt16 => self.number_keys::<UInt16Type>(column, places),
            DataType::UInt32 => self.number_keys::<UInt32Type>(column, places),
            DataType::UInt8 => self.number_keys::<UInt8Type>(column, places),
            DataType::Int8 => self.number_keys::<Int8Type>(column, places),
            DataType::Int16 => self.number_keys::<Int16Type>(column, places),
            _ => {
                let texts = cast(column, &DataType::Utf8)?;
                self.number(texts.as_string::<i32>(), places);
            }
        }
        Ok(())
    }

    fn number_keys<'a, K: ArrowDictionaryKeyType>(
        &mut self,
        column: &ArrayRef,
        places: impl Iterator<Item = &'a mut u32>,
    ) {
        let dictionary = column.as_dictionary::<K>();
        let values = dictionary.values().as_string::<i32>();
        // A value that no row has is not to become a group's: numbers alone make none.
        let numbers: Vec<u32> = values
            .iter()
            .map(|value| value.map_or(MISSING, |value| self.number_of(value)))
            .collect();
        let keys = dictionary.keys();
        for (row, place) in places.enumerate().take(keys.len()) {
            *place = if keys.is_null(row) {
                MISSING
            } else {
                let number = numbers.get(keys.value(row).as_usize());
                number.copied().unwrap_or(MISSING)
            };
        }
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

    fn values(&self, numbers: &[u32]) -> StringArray {
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

impl Integers {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashTable::new(),
            state: RandomState::default(),
            recent: Box::new([(0, MISSING); RECENT]),
        }
    }

    fn number(&mut self, column: &ArrayRef, put: &mut impl FnMut(u32)) -> Result<(), ArrowError> {
        match column.data_type() {
            DataType::Boolean => {
                for value in column.as_boolean() {
                    put(value.map_or(MISSING, |value| self.number_of(i64::from(value))));
                }
            }
            DataType::Int8 => self.number_each(column.as_primitive::<Int8Type>(), put),
            DataType::Int16 => self.number_each(column.as_primitive::<Int16Type>(), put),
            DataType::Int32 => self.number_each(column.as_primitive::<Int32Type>(), put),
            DataType::Int64 => self.number_each(column.as_primitive::<Int64Type>(), put),
            DataType::UInt8 => self.number_each(column.as_primitive::<UInt8Type>(), put),
            DataType::UInt16 => self.number_each(column.as_primitive::<UInt16Type>(), put),
            DataType::UInt32 => self.number_each(column.as_primitive::<UInt32Type>(), put),
            DataType::Date32 => self.number_each(column.as_primitive::<Date32Type>(), put),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => {
                    self.number_each(column.as_primitive::<TimestampSecondType>(), put);
                }
                TimeUnit::Millisecond => {
                    self.number_each(column.as_primitive::<TimestampMillisecondType>(), put);
                }
                TimeUnit::Microsecond => {
                    self.number_each(column.as_primitive::<TimestampMicrosecondType>(), put);
                }
                TimeUnit::Nanosecond => {
                    self.number_each(column.as_primitive::<TimestampNanosecondType>(), put);
                }
            },
            other => {
                return Err(ArrowError::NotYetImplemented(format!(
                    "grouping by {other}"
                )));
            }
        }
        Ok(())
    }

    fn number_each<T: ArrowPrimitiveType<Native: Into<i64>>>(
        &mut self,
        column: &PrimitiveArray<T>,
        put: &mut impl FnMut(u32),
    ) {
        for row in 0..column.len() {
            if column.is_null(row) {
                put(MISSING);
                continue;
            }
            put(self.number_of_recent(column.value(row).into()));
        }
    }

    #[inline]
    fn number_of_recent(&mut self, value: i64) -> u32 {
        let place = recent_place(value);
        match self.recent.get(place) {
            Some((same, number)) if *same == value && *number != MISSING => *number,
            _ => {
                let number = self.number_of(value);
                if let Some(recent) = self.recent.get_mut(place) {
                    *recent = (value, number);
                }
                number
            }
        }
    }

    fn number_of(&mut self, value: i64) -> u32 {
        let Self {
            values,
            numbers,
            state,
            recent: _,
        } = self;
        let place = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
        let hash = state.hash_one(value);
        let found = numbers.find(hash, |number| {
            place(*number).and_then(|place| values.get(place)) == Some(&value)
        });
        if let Some(number) = found {
            return *number;
        }
        values.push(value);
        let number = u32::try_from(values.len()).unwrap_or(u32::MAX);
        numbers.insert_unique(hash, number, |number| {
            let known = place(*number).and_then(|place| values.get(place));
            state.hash_one(known.copied().unwrap_or_default())
        });
        number
    }

    fn values(&self, numbers: &[u32]) -> Int64Array {
        let value = |number: &u32| {
            let place = usize::try_from(*number).ok()?.checked_sub(1)?;
            self.values.get(place).copied()
        };
        numbers.iter().map(value).collect()
    }
}

/// Times are multiples of a window: the upper bits of the product tell them apart.
#[inline]
fn recent_place(value: i64) -> usize {
    let bits = RECENT.trailing_zeros();
    let mixed = value.cast_unsigned().wrapping_mul(ODD) >> (u64::BITS - bits);
    usize::try_from(mixed).unwrap_or_default()
}
