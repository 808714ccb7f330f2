//! The least and the greatest value of pages and of a whole chunk.
//!
//! In: bounds of pages. Out: Parquet's statistics. Must hold: no value lies outside; texts compare by
//! their bytes, as the order of UTF8 columns says.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;

/// A text that is longer is no bound: whoever reads the footer would read it.
const TEXT_BYTES_MAX: usize = 1024;

/// The least and the greatest of some values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bounds {
    Numbers(i64, i64),
    Texts(Vec<u8>, Vec<u8>),
    Booleans(bool, bool),
}

impl Bounds {
    /// Of numbers; nothing: there are none.
    pub(crate) fn of_numbers(numbers: &[i64]) -> Option<Self> {
        let first = numbers.first()?;
        let bounds = numbers
            .iter()
            .fold((*first, *first), |(least, greatest), number| {
                (least.min(*number), greatest.max(*number))
            });
        Some(Self::Numbers(bounds.0, bounds.1))
    }

    /// Of texts; nothing: there are none, or one is too long to be a bound.
    pub(crate) fn of_texts<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let first = texts.next()?;
        let (least, greatest) = texts.fold((first, first), |(least, greatest), text| {
            (least.min(text), greatest.max(text))
        });
        let short = least.len().max(greatest.len()) <= TEXT_BYTES_MAX;
        short.then(|| Self::Texts(least.to_vec(), greatest.to_vec()))
    }

    /// Widens these by others of the same column.
    pub(crate) fn widen(&mut self, other: &Self) {
        match (self, other) {
            (Self::Numbers(least, greatest), Self::Numbers(other_least, other_greatest)) => {
                *least = (*least).min(*other_least);
                *greatest = (*greatest).max(*other_greatest);
            }
            (Self::Texts(least, greatest), Self::Texts(other_least, other_greatest)) => {
                if other_least < least {
                    least.clone_from(other_least);
                }
                if other_greatest > greatest {
                    greatest.clone_from(other_greatest);
                }
            }
            (Self::Booleans(least, greatest), Self::Booleans(other_least, other_greatest)) => {
                *least &= other_least;
                *greatest |= other_greatest;
            }
            // A column has one type.
            _ => {}
        }
    }

    /// Both as a column index has them.
    pub(crate) fn plain(&self, physical: Type) -> (Vec<u8>, Vec<u8>) {
        let number = |number: i64| match physical {
            Type::INT32 => narrow(number).to_le_bytes().to_vec(),
            _ => number.to_le_bytes().to_vec(),
        };
        match self {
            Self::Numbers(least, greatest) => (number(*least), number(*greatest)),
            Self::Texts(least, greatest) => (least.clone(), greatest.clone()),
            Self::Booleans(least, greatest) => (vec![(*least).into()], vec![(*greatest).into()]),
        }
    }
}

/// The statistics of a chunk.
pub(crate) fn statistics(bounds: Option<&Bounds>, nulls: u64, physical: Type) -> Statistics {
    let nulls = Some(nulls);
    match (bounds, physical) {
        (Some(Bounds::Numbers(least, greatest)), Type::INT32) => {
            let (least, greatest) = (narrow(*least), narrow(*greatest));
            Statistics::int32(Some(least), Some(greatest), None, nulls, false)
        }
        (Some(Bounds::Numbers(least, greatest)), _) => {
            Statistics::int64(Some(*least), Some(*greatest), None, nulls, false)
        }
        (Some(Bounds::Texts(least, greatest)), _) => {
            let text = |text: &Vec<u8>| Some(ByteArray::from(text.clone()));
            Statistics::byte_array(text(least), text(greatest), None, nulls, false)
        }
        (Some(Bounds::Booleans(least, greatest)), _) => {
            Statistics::boolean(Some(*least), Some(*greatest), None, nulls, false)
        }
        (None, Type::BOOLEAN) => Statistics::boolean(None, None, None, nulls, false),
        (None, Type::INT32) => Statistics::int32(None, None, None, nulls, false),
        (None, Type::INT64) => Statistics::int64(None, None, None, nulls, false),
        (None, _) => Statistics::byte_array(None, None, None, nulls, false),
    }
}

/// Back to the width that the column has: it was widened from there.
fn narrow(number: i64) -> i32 {
    i32::try_from(number).unwrap_or_default()
}
