//! `date_bin`, for the way in which every signal calls it.
//!
//! In: a constant width and a column of times in milliseconds. Out: the beginning of each one's
//! window. Must hold: the same answer as DataFusion's own function, which gets every other call; its
//! checks of each step cost more than the step, on every row of every signal.

use std::sync::Arc;

use arrow::array::{AsArray as _, PrimitiveArray};
use arrow::compute::unary;
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::functions::datetime;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TIMEZONE_WILDCARD,
    TypeSignature, Volatility,
};

/// The function under its own name.
pub(super) fn date_bin() -> ScalarUDF {
    let full = datetime::date_bin();
    // Times in milliseconds stay as they are: else each call would widen them to nanoseconds first.
    let zone = Some(Arc::from(TIMEZONE_WILDCARD));
    let millis = |zone| {
        let time = DataType::Timestamp(TimeUnit::Millisecond, zone);
        let width = DataType::Interval(IntervalUnit::MonthDayNano);
        TypeSignature::Exact(vec![width, time])
    };
    let signature = Signature::one_of(
        vec![
            millis(zone),
            millis(None),
            full.signature().type_signature.clone(),
        ],
        Volatility::Immutable,
    );
    ScalarUDF::new_from_impl(DateBin { full, signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateBin {
    /// DataFusion's.
    full: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &str {
        self.full.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        self.full.return_type(arguments)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        match windows(&call.args) {
            Some(windows) => Ok(windows),
            None => self.full.invoke_with_args(call),
        }
    }
}

fn windows(arguments: &[ColumnarValue]) -> Option<ColumnarValue> {
    let [ColumnarValue::Scalar(width), ColumnarValue::Array(times)] = arguments else {
        return None;
    };
    let DataType::Timestamp(TimeUnit::Millisecond, zone) = times.data_type() else {
        return None;
    };
    let width = width_millis(width)?;
    let times: &PrimitiveArray<TimestampMillisecondType> = times.as_primitive();
    let begin = |time: i64| time.saturating_sub(time.rem_euclid(width));
    let windows: PrimitiveArray<TimestampMillisecondType> = unary(times, begin);
    Some(ColumnarValue::Array(Arc::new(
        windows.with_timezone_opt(zone.clone()),
    )))
}

/// A width that is a number of milliseconds: no months, which have no fixed length.
fn width_millis(width: &ScalarValue) -> Option<i64> {
    let (days, nanoseconds) = match width {
        ScalarValue::IntervalMonthDayNano(Some(width)) if width.months == 0 => {
            (i64::from(width.days), width.nanoseconds)
        }
        ScalarValue::IntervalDayTime(Some(width)) => (
            i64::from(width.days),
            i64::from(width.milliseconds) * 1_000_000,
        ),
        _ => return None,
    };
    let millis = days
        .checked_mul(86_400_000)?
        .checked_add(nanoseconds / 1_000_000)?;
    (nanoseconds % 1_000_000 == 0 && millis > 0).then_some(millis)
}
