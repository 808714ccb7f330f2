//! Distinct integers, and their numbers. Times and truth values are integers too.

use std::hash::BuildHasher as _;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
};
use arrow::error::ArrowError;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::ODD;
use super::key::MISSING;

/// Integers that are found without a look into the table.
const RECENT: usize = 64;

/// The integers so far.
#[derive(Debug)]
pub(super) struct Integers {
    values: Vec<i64>,
    numbers: HashTable<u32>,
    state: RandomState,
    /// The last value of each place, with its number, or with [`MISSING`] if there was none: most columns have
    /// few values, and those that come again and again are found here.
    recent: Box<[(i64, u32); RECENT]>,
}

impl Integers {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashTable::new(),
            state: RandomState::default(),
            recent: Box::new([(0, MISSING); RECENT]),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        8 * self.values.capacity() + 5 * self.numbers.capacity()
    }

    /// The greatest number so far.
    pub(super) fn greatest(&self) -> u32 {
        u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }

    /// The number of each integer.
    pub(super) fn number(&mut self, column: &ArrayRef) -> Result<Vec<u32>, ArrowError> {
        Ok(match column.data_type() {
            DataType::Boolean => {
                let mut number = |value| self.number_of(i64::from(value));
                let each = column.as_boolean().iter();
                each.map(|value| value.map_or(MISSING, &mut number))
                    .collect()
            }
            DataType::Int8 => self.number_each(column.as_primitive::<Int8Type>()),
            DataType::Int16 => self.number_each(column.as_primitive::<Int16Type>()),
            DataType::Int32 => self.number_each(column.as_primitive::<Int32Type>()),
            DataType::Int64 => self.number_each(column.as_primitive::<Int64Type>()),
            DataType::UInt8 => self.number_each(column.as_primitive::<UInt8Type>()),
            DataType::UInt16 => self.number_each(column.as_primitive::<UInt16Type>()),
            DataType::UInt32 => self.number_each(column.as_primitive::<UInt32Type>()),
            DataType::Date32 => self.number_each(column.as_primitive::<Date32Type>()),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => self.number_each(column.as_primitive::<TimestampSecondType>()),
                TimeUnit::Millisecond => {
                    self.number_each(column.as_primitive::<TimestampMillisecondType>())
                }
                TimeUnit::Microsecond => {
                    self.number_each(column.as_primitive::<TimestampMicrosecondType>())
                }
                TimeUnit::Nanosecond => {
                    self.number_each(column.as_primitive::<TimestampNanosecondType>())
                }
            },
            other => {
                return Err(ArrowError::NotYetImplemented(format!(
                    "grouping by {other}"
                )));
            }
        })
    }

    fn number_each<T: ArrowPrimitiveType<Native: Into<i64>>>(
        &mut self,
        column: &PrimitiveArray<T>,
    ) -> Vec<u32> {
        if column.null_count() == 0 {
            let values = column.values().iter();
            return values
                .map(|value| self.number_of_recent((*value).into()))
                .collect();
        }
        let mut number = |value: T::Native| self.number_of_recent(value.into());
        let each = column.iter();
        each.map(|value| value.map_or(MISSING, &mut number))
            .collect()
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

    /// The integers of these numbers.
    pub(super) fn values(&self, numbers: &[u32]) -> Int64Array {
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
