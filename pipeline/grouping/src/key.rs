//! A key column: each distinct value has a number.
//!
//! In: the columns of batches, of one type. Out: numbers by row, and the values back by number. Must hold: equal
//! values have the same number, in whatever batch and in whatever form (text, dictionary or answers) they
//! came; 0 is the missing value.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;

use super::distinct::Key;
use super::integers::Integers;
use super::numbers::Numbers;
use super::texts::Texts;

/// The number of a missing value.
pub(super) const MISSING: u32 = 0;

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

/// A column of a batch, of which is numbered what need not be numbered for each row.
#[derive(Debug)]
pub(super) enum Prepared {
    /// A value for each row.
    Each(ArrayRef),
    /// The numbers by key, and behind them that of the missing value.
    Keyed(Int32Array, Arc<[u32]>),
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

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        match &self.known {
            Known::Texts(texts) => texts.bytes(),
            Known::Integers(integers) => integers.bytes(),
        }
    }

    /// The greatest number so far.
    pub(super) fn greatest(&self) -> u32 {
        match &self.known {
            Known::Texts(texts) => texts.greatest(),
            Known::Integers(integers) => integers.greatest(),
        }
    }

    /// What can be numbered once for all rows of a batch: the distinct values.
    pub(super) fn prepare(&mut self, key: &Key) -> Result<Prepared, ArrowError> {
        let (keys, of) = match (key, &mut self.known) {
            (Key::Distinct(distinct), _) => {
                (distinct.keys().clone(), self.number(distinct.answers())?)
            }
            (Key::Each(values), Known::Texts(texts)) => {
                let Some(dictionary) = values.as_any_dictionary_opt() else {
                    return Ok(Prepared::Each(Arc::clone(values)));
                };
                let keys = cast(dictionary.keys(), &DataType::Int32)?;
                let mut of = texts.number(dictionary.values().as_string::<i32>());
                of.push(MISSING);
                (keys.as_primitive::<Int32Type>().clone(), of)
            }
            (Key::Each(values), Known::Integers(_)) => {
                return Ok(Prepared::Each(Arc::clone(values)));
            }
        };
        Ok(Prepared::Keyed(keys, of.into()))
    }

    /// The numbers of some rows that follow each other.
    pub(super) fn rows(
        &mut self,
        prepared: &Prepared,
        start: usize,
        len: usize,
    ) -> Result<Numbers, ArrowError> {
        Ok(match prepared {
            Prepared::Each(values) => Numbers::Each(self.number(&values.slice(start, len))?),
            Prepared::Keyed(keys, of) => Numbers::keyed(keys.slice(start, len), Arc::clone(of)),
        })
    }

    /// The number of each value. Distinct values become no groups by this: numbers alone make none.
    fn number(&mut self, values: &ArrayRef) -> Result<Vec<u32>, ArrowError> {
        match (&mut self.known, values.data_type()) {
            (Known::Integers(integers), _) => integers.number(values),
            (Known::Texts(texts), DataType::Utf8) => Ok(texts.number(values.as_string::<i32>())),
            (Known::Texts(_), DataType::Dictionary(..)) => {
                self.number(&cast(values, &DataType::Utf8)?)
            }
            (Known::Texts(_), other) => Err(ArrowError::SchemaError(format!(
                "{other} where text is due"
            ))),
        }
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
