//! Rows by the hour or day of their time, and the folders those have.
//!
//! In: a batch and its time column. Out: one batch a period. Must hold: no row is lost or copied;
//! a batch within one period, the common case, is not rearranged at all. Periods are of event
//! time in UTC and right before 1970 too (`rem_euclid`).

use std::collections::BTreeMap;

use arrow::array::{Array as _, TimestampMillisecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Timelike as _, Utc};

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// Length of the periods that a table's files are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Hour,
    Day,
}

impl Period {
    const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR_MILLIS,
            Self::Day => DAY_MILLIS,
        }
    }

    /// The Hive folders of the period that begins at `start_millis`.
    pub(super) fn folder(self, date_name: &str, start_millis: i64) -> String {
        let start: DateTime<Utc> =
            DateTime::from_timestamp_millis(start_millis).unwrap_or_default();
        let date = start.format("%Y-%m-%d");
        match self {
            Self::Hour => format!("{date_name}={date}/event_hour={:02}", start.hour()),
            Self::Day => format!("{date_name}={date}"),
        }
    }
}

/// The batch's rows by the start of their period in epoch milliseconds.
pub(super) fn split(
    batch: &RecordBatch,
    time_column: &str,
    period: Period,
) -> Result<Vec<(i64, RecordBatch)>, ArrowError> {
    let column = batch
        .column_by_name(time_column)
        .and_then(|column| column.as_any().downcast_ref::<TimestampMillisecondArray>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no time column {time_column}")))?;
    let start_of = |millis: i64| millis - millis.rem_euclid(period.millis());
    let mut starts = column.values().iter().map(|millis| start_of(*millis));
    let Some(first) = starts.next() else {
        return Ok(Vec::new());
    };
    if column.null_count() == 0 && starts.all(|start| start == first) {
        return Ok(vec![(first, batch.clone())]);
    }
    let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, millis) in (0_u32..).zip(column.iter()) {
        // A row without a time has no business here; 1970 shows it instead of losing it.
        rows.entry(start_of(millis.unwrap_or_default()))
            .or_default()
            .push(row);
    }
    rows.into_iter()
        .map(|(start, rows)| Ok((start, take_record_batch(batch, &UInt32Array::from(rows))?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use std::sync::Arc;

    #[test]
    fn rows_fall_into_their_hour_and_none_is_lost() {
        let kind = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let schema = Arc::new(Schema::new(vec![Field::new("t", kind, false)]));
        let times = vec![0, HOUR_MILLIS - 1, HOUR_MILLIS, -1, 5 * DAY_MILLIS];
        let column = TimestampMillisecondArray::from(times).with_timezone("UTC");
        let batch = RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap();
        let split = split(&batch, "t", Period::Hour).unwrap();
        let got: Vec<_> = split
            .iter()
            .map(|(start, rows)| (*start, rows.num_rows()))
            .collect();
        assert_eq!(
            got,
            [
                (-HOUR_MILLIS, 1),
                (0, 2),
                (HOUR_MILLIS, 1),
                (5 * DAY_MILLIS, 1)
            ]
        );
        assert_eq!(
            Period::Hour.folder("event_date", -HOUR_MILLIS),
            "event_date=1969-12-31/event_hour=23"
        );
    }
}
