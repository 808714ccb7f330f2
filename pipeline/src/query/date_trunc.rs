//! `date_trunc` of times in UTC, which all of the lake's are.
//!
//! In: a constant unit and a column of times. Out: the beginning of each one's unit. Must hold: the same
//! answer as DataFusion's own function, which gets every other call; it asks a calendar of every row, and
//! that was a third of a question that groups a month by its days.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, PrimitiveArray};
use arrow::compute::unary;
use arrow::datatypes::{
    ArrowTimestampType, DataType, FieldRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::functions::datetime;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

const DAY_SECONDS: i64 = 86_400;
/// The first Monday after 1970 began: weeks begin on Mondays.
const MONDAY_SECONDS: i64 = 4 * DAY_SECONDS;

/// The function under its own name.
pub(super) fn date_trunc() -> ScalarUDF {
    ScalarUDF::new_from_impl(DateTrunc {
        full: datetime::date_trunc(),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    /// DataFusion's.
    full: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        self.full.name()
    }

    fn aliases(&self) -> &[String] {
        self.full.aliases()
    }

    fn signature(&self) -> &Signature {
        self.full.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        self.full.return_type(arguments)
    }

    fn return_field_from_args(
        &self,
        arguments: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        self.full.return_field_from_args(arguments)
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties, DataFusionError> {
        self.full.output_ordering(input)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        match truncated(&call.args) {
            Some(times) => Ok(ColumnarValue::Array(times)),
            None => self.full.invoke_with_args(call),
        }
    }
}

fn truncated(arguments: &[ColumnarValue]) -> Option<ArrayRef> {
    let [ColumnarValue::Scalar(unit), ColumnarValue::Array(times)] = arguments else {
        return None;
    };
    let (width, origin) = seconds(unit)?;
    let DataType::Timestamp(resolution, zone) = times.data_type() else {
        return None;
    };
    if !zone
        .as_deref()
        .is_none_or(|zone| matches!(zone, "UTC" | "+00:00" | "Z"))
    {
        return None;
    }
    Some(match resolution {
        TimeUnit::Second => begin::<TimestampSecondType>(times, width, origin, 1),
        TimeUnit::Millisecond => begin::<TimestampMillisecondType>(times, width, origin, 1_000),
        TimeUnit::Microsecond => begin::<TimestampMicrosecondType>(times, width, origin, 1_000_000),
        TimeUnit::Nanosecond => {
            begin::<TimestampNanosecondType>(times, width, origin, 1_000_000_000)
        }
    })
}

/// How long a unit is, and where one begins: months and years have no fixed length.
fn seconds(unit: &ScalarValue) -> Option<(i64, i64)> {
    let unit = unit.try_as_str()??.to_ascii_lowercase();
    Some(match unit.as_str() {
        "second" => (1, 0),
        "minute" => (60, 0),
        "hour" => (3_600, 0),
        "day" => (DAY_SECONDS, 0),
        "week" => (7 * DAY_SECONDS, MONDAY_SECONDS),
        _ => return None,
    })
}

fn begin<T: ArrowTimestampType>(
    times: &ArrayRef,
    width: i64,
    origin: i64,
    a_second: i64,
) -> ArrayRef {
    let (width, origin) = (width * a_second, origin * a_second);
    let begin = |time: i64| {
        let since = time.saturating_sub(origin).rem_euclid(width);
        time.saturating_sub(since)
    };
    let times = times.as_primitive::<T>();
    let begins: PrimitiveArray<T> = unary(times, begin);
    Arc::new(begins.with_data_type(times.data_type().clone()))
}

#[cfg(test)]
mod tests {
    use arrow::compute::cast;
    use arrow::record_batch::RecordBatch;
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// Before 1970, at it, around a leap day, Sundays and Mondays, and one that is missing.
    const SECONDS: [Option<i64>; 8] = [
        Some(-1),
        Some(0),
        None,
        Some(1_709_164_799),
        Some(1_709_251_199),
        Some(1_772_409_599),
        Some(1_772_409_600),
        Some(-2_208_988_801),
    ];

    #[tokio::test]
    async fn every_unit_begins_where_datafusion_says_so() {
        let zones = [None, Some("UTC"), Some("+00:00"), Some("Europe/Berlin")];
        let resolutions = [
            TimeUnit::Second,
            TimeUnit::Millisecond,
            TimeUnit::Microsecond,
            TimeUnit::Nanosecond,
        ];
        let (theirs, ours) = (SessionContext::new(), SessionContext::new());
        ours.register_udf(date_trunc());
        let seconds: PrimitiveArray<TimestampSecondType> = SECONDS.into_iter().collect();
        for zone in zones {
            for resolution in resolutions {
                let kind = DataType::Timestamp(resolution, zone.map(Arc::from));
                let times = cast(&seconds, &kind).unwrap();
                let times = RecordBatch::try_from_iter([("t", times)]).unwrap();
                for unit in ["second", "MINUTE", "hour", "day", "week", "month", "year"] {
                    let expected = answer(&theirs, unit, &times).await;
                    let got = answer(&ours, unit, &times).await;
                    assert_eq!(got, expected, "{unit} of {kind}");
                }
            }
        }
    }

    async fn answer(context: &SessionContext, unit: &str, times: &RecordBatch) -> String {
        let times = context.read_batch(times.clone()).unwrap();
        context.deregister_table("times").unwrap();
        context.register_table("times", times.into_view()).unwrap();
        let sql = format!("SELECT date_trunc('{unit}', t) AS b, arrow_typeof(t) FROM times");
        let rows = context.sql(&sql).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&rows).unwrap().to_string()
    }
}
