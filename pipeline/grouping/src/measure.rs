//! A measure: one number a group, that rows are added to.
//!
//! In: the group of each row and its value. Out: a column with a value for each group. Must hold:
//! SQL's rules for what is missing: it counts nothing, adds nothing, and is neither least nor
//! greatest; a sum of nothing is missing, a count of nothing is 0.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, PrimitiveArray,
    UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int64Type, UInt64Type};
use arrow::error::ArrowError;

/// How the values of a group become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many rows have a value.
    Count,
    /// Their sum. Integers wrap around, as in DataFusion.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// One measure of all groups.
#[derive(Debug)]
pub struct Measure {
    function: Function,
    kind: DataType,
    values: Values,
}

/// By group: the value so far, and whether there is one.
#[derive(Debug)]
enum Values {
    Signed(Vec<(i64, bool)>),
    Unsigned(Vec<(u64, bool)>),
    Float(Vec<(f64, bool)>),
}

impl Measure {
    /// Whether values of that type can be measured so.
    pub fn takes(function: Function, kind: &DataType) -> bool {
        function == Function::Count || Values::of(kind).is_some()
    }

    /// A measure whose column is to have this type.
    pub fn new(function: Function, kind: &DataType) -> Result<Self, ArrowError> {
        let values = match function {
            Function::Count => Some(Values::Signed(Vec::new())),
            Function::Sum | Function::Min | Function::Max => Values::of(kind),
        };
        let values =
            values.ok_or_else(|| ArrowError::NotYetImplemented(format!("measuring {kind}")))?;
        Ok(Self {
            function,
            kind: kind.clone(),
            values,
        })
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        16 * match &self.values {
            Values::Signed(values) => values.capacity(),
            Values::Unsigned(values) => values.capacity(),
            Values::Float(values) => values.capacity(),
        }
    }

    /// Adds rows: their groups, and their values; without values every row counts. Rows for which
    /// `filter` is not true are left out. `groups_len` is how many groups there are by now.
    pub fn add(
        &mut self,
        groups: &[u32],
        groups_len: usize,
        values: Option<&ArrayRef>,
        filter: Option<&BooleanArray>,
    ) -> Result<(), ArrowError> {
        self.values.grow(groups_len);
        let Some(array) = values else {
            self.count(groups, |row| passes(filter, row));
            return Ok(());
        };
        if self.function == Function::Count {
            let present = array.logical_nulls();
            self.count(groups, |row| {
                passes(filter, row) && present.as_ref().is_none_or(|nulls| nulls.is_valid(row))
            });
            return Ok(());
        }
        let function = self.function;
        match &mut self.values {
            Values::Signed(into) => {
                let array = cast(array, &DataType::Int64)?;
                let array = array.as_primitive::<Int64Type>();
                fold(into, groups, array, filter, |a, b| match function {
                    Function::Sum | Function::Count => a.wrapping_add(b),
                    Function::Min => a.min(b),
                    Function::Max => a.max(b),
                });
            }
            Values::Unsigned(into) => {
                let array = cast(array, &DataType::UInt64)?;
                let array = array.as_primitive::<UInt64Type>();
                fold(into, groups, array, filter, |a, b| match function {
                    Function::Sum | Function::Count => a.wrapping_add(b),
                    Function::Min => a.min(b),
                    Function::Max => a.max(b),
                });
            }
            Values::Float(into) => {
                let array = cast(array, &DataType::Float64)?;
                let array = array.as_primitive::<Float64Type>();
                fold(into, groups, array, filter, |a, b| match function {
                    Function::Sum | Function::Count => a + b,
                    Function::Min => a.min(b),
                    Function::Max => a.max(b),
                });
            }
        }
        Ok(())
    }

    fn count(&mut self, groups: &[u32], counts: impl Fn(usize) -> bool) {
        let Values::Signed(into) = &mut self.values else {
            return;
        };
        for (row, group) in groups.iter().enumerate() {
            if counts(row)
                && let Some((count, _)) = into.get_mut(place(*group))
            {
                *count += 1;
            }
        }
    }

    /// The column; as many rows as there are groups.
    pub fn finish(&self) -> Result<ArrayRef, ArrowError> {
        let is_count = self.function == Function::Count;
        let array: ArrayRef = match &self.values {
            Values::Signed(values) => {
                let values = values.iter();
                let values = values.map(|(value, seen)| (*seen || is_count).then_some(*value));
                Arc::new(values.collect::<Int64Array>())
            }
            Values::Unsigned(values) => {
                let values = values.iter().map(|(value, seen)| seen.then_some(*value));
                Arc::new(values.collect::<UInt64Array>())
            }
            Values::Float(values) => {
                let values = values.iter().map(|(value, seen)| seen.then_some(*value));
                Arc::new(values.collect::<Float64Array>())
            }
        };
        if *array.data_type() == self.kind {
            return Ok(array);
        }
        cast(&array, &self.kind)
    }
}

impl Values {
    fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::Timestamp(..) => Some(Self::Signed(Vec::new())),
            DataType::UInt64 => Some(Self::Unsigned(Vec::new())),
            DataType::Float64 => Some(Self::Float(Vec::new())),
            _ => None,
        }
    }

    fn grow(&mut self, groups: usize) {
        match self {
            Self::Signed(values) => values.resize(groups, (0, false)),
            Self::Unsigned(values) => values.resize(groups, (0, false)),
            Self::Float(values) => values.resize(groups, (0.0, false)),
        }
    }
}

fn fold<T: ArrowPrimitiveType>(
    into: &mut [(T::Native, bool)],
    groups: &[u32],
    values: &PrimitiveArray<T>,
    filter: Option<&BooleanArray>,
    join: impl Fn(T::Native, T::Native) -> T::Native,
) {
    for (row, group) in groups.iter().enumerate().take(values.len()) {
        if values.is_null(row) || !passes(filter, row) {
            continue;
        }
        let value = values.value(row);
        if let Some((known, seen)) = into.get_mut(place(*group)) {
            *known = if *seen { join(*known, value) } else { value };
            *seen = true;
        }
    }
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn place(group: u32) -> usize {
    usize::try_from(group).unwrap_or(usize::MAX)
}
