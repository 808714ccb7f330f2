//! Casts the columns of a Parquet file to ours.
//!
//! In: a column of whatever type the writer chose, and how its field is read. Out: an array of our
//! type, and the rows whose value does not fit it.
//!
//! Must hold: numbers come as 32 or 64 bits, as floats, as decimals or as text; times as seconds
//! or as timestamps; a missing value as null, `-`, `None` or nothing. A value that does not fit is
//! told, never made null in silence.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Int64Array, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

use super::fields::{self, Kind};
use super::tokens;
use crate::RejectReason;

/// What writers put where a value is missing.
const MISSING: [&str; 3] = ["-", "None", ""];

/// A column of our type.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    /// Rows whose value does not fit the type; null in the array.
    pub(super) misfits: Vec<usize>,
    /// What is wrong with those.
    pub(super) reason: RejectReason,
}

/// Casts a column to the type of its field.
pub(super) fn convert(array: &ArrayRef, kind: Kind) -> Result<Converted, ArrowError> {
    match kind {
        Kind::Text | Kind::Name => {
            let text = text(array)?;
            Ok(Converted {
                // Nothing but bytes that are not UTF-8 has no text.
                misfits: (0..array.len())
                    .filter(|row| array.is_valid(*row) && text.is_null(*row))
                    .collect(),
                array: Arc::new(without_missing(text)?),
                reason: RejectReason::Utf8,
            })
        }
        Kind::AccountId if is_number(array.data_type()) => {
            let numbers = numbers(array)?;
            let padded = numbers
                .values
                .iter()
                .map(|id| id.map(|id| format!("{id:012}")));
            Ok(Converted {
                array: Arc::new(padded.collect::<StringArray>()),
                misfits: numbers.misfits,
                reason: RejectReason::FieldValue,
            })
        }
        Kind::AccountId => convert(array, Kind::Text),
        Kind::Int32 => Ok(fit::<Int32Type>(&numbers(array)?, |value| {
            i32::try_from(value).ok()
        })),
        Kind::Int64 => Ok(fit::<Int64Type>(&numbers(array)?, Some)),
        Kind::Seconds | Kind::End => times(array),
    }
}

/// A column as text, whatever it holds.
fn text(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    if can_cast_types(array.data_type(), &DataType::Utf8) {
        return Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone());
    }
    let shown = |row| {
        array
            .is_valid(row)
            .then(|| array_value_to_string(array, row).unwrap_or_default())
    };
    Ok((0..array.len()).map(shown).collect())
}

/// Nulls where the writer put a word for a missing value.
fn without_missing(text: StringArray) -> Result<StringArray, ArrowError> {
    let present = |row| text.is_valid(row) && !MISSING.contains(&text.value(row));
    let present = BooleanBuffer::collect_bool(text.len(), present);
    let (offsets, bytes, _) = text.into_parts();
    StringArray::try_new(offsets, bytes, Some(NullBuffer::new(present)))
}

/// Whole numbers that are not negative.
struct Numbers {
    values: Int64Array,
    misfits: Vec<usize>,
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating() || data_type.is_decimal()
}

fn numbers(array: &ArrayRef) -> Result<Numbers, ArrowError> {
    if !is_number(array.data_type()) {
        let text = without_missing(text(array)?)?;
        return Ok(Numbers::of(text.iter().map(|value| match value {
            Some(text) => tokens::integer(text.as_bytes()).map_or(Read::Misfit, Read::Value),
            None => Read::Missing,
        })));
    }
    let whole = cast(array, &DataType::Int64)?;
    let whole = whole.as_primitive::<Int64Type>();
    if array.data_type().is_integer() {
        return Ok(Numbers::of(whole.iter().enumerate().map(
            |(row, value)| match value {
                Some(value) => Read::Value(value),
                None if array.is_valid(row) => Read::Misfit,
                None => Read::Missing,
            },
        )));
    }
    let exact = cast(array, &DataType::Float64)?;
    let exact = exact.as_primitive::<Float64Type>();
    Ok(Numbers::of(exact.iter().zip(whole).map(
        |read| match read {
            (Some(exact), Some(whole)) if exact.fract() == 0.0 => Read::Value(whole),
            // Not a number is how pandas writes a missing one.
            (Some(exact), _) if !exact.is_nan() => Read::Misfit,
            _ => Read::Missing,
        },
    )))
}

/// One value, before it is known to fit.
#[derive(Clone, Copy)]
enum Read {
    Value(i64),
    Missing,
    Misfit,
}

impl Numbers {
    fn of(read: impl Iterator<Item = Read>) -> Self {
        let mut misfits = Vec::new();
        let value = |(row, read)| match read {
            Read::Value(value) if value >= 0 => Some(value),
            Read::Missing => None,
            Read::Value(_) | Read::Misfit => {
                misfits.push(row);
                None
            }
        };
        let values = read.enumerate().map(value).collect();
        Self { values, misfits }
    }
}

/// Narrows numbers to the column's type.
fn fit<T: ArrowPrimitiveType>(
    numbers: &Numbers,
    narrow: impl Fn(i64) -> Option<T::Native>,
) -> Converted {
    let mut misfits = numbers.misfits.clone();
    let value = |(row, value): (usize, Option<i64>)| {
        let narrowed = narrow(value?);
        if narrowed.is_none() {
            misfits.push(row);
        }
        narrowed
    };
    let array: PrimitiveArray<T> = numbers.values.iter().enumerate().map(value).collect();
    Converted {
        array: Arc::new(array),
        misfits,
        reason: RejectReason::FieldValue,
    }
}

fn times(array: &ArrayRef) -> Result<Converted, ArrowError> {
    let is_time = matches!(
        array.data_type(),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    );
    let fitted = if is_time {
        let milliseconds = cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
        let milliseconds = numbers(&cast(&milliseconds, &DataType::Int64)?)?;
        let sensible = |value: i64| fields::milliseconds(value / 1000).map(|_| value);
        fit::<TimestampMillisecondType>(&milliseconds, sensible)
    } else {
        fit::<TimestampMillisecondType>(&numbers(array)?, fields::milliseconds)
    };
    let times = fitted
        .array
        .as_primitive::<TimestampMillisecondType>()
        .clone();
    Ok(Converted {
        array: Arc::new(times.with_timezone("UTC")),
        ..fitted
    })
}
