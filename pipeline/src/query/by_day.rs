//! Tables that lie in folders by day, asked by time.
//!
//! In: a query's conditions on the column of time. Out: the files of the days that can meet them.
//! Must hold: a row lies in the folder of its time's day in UTC (I10), so no row that is asked for is
//! passed over; the conditions themselves are still applied.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::DateTime;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::listing::ListingTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType, col, lit,
};
use datafusion::physical_plan::ExecutionPlan;

/// The folder's name and column.
const DAY: &str = "event_date";

/// The files of one table.
#[derive(Debug)]
pub(super) struct ByDay {
    files: ListingTable,
    /// The column whose day names the folder.
    time: String,
}

impl ByDay {
    pub(super) fn new(files: ListingTable, time: &str) -> Self {
        let time = time.to_owned();
        Self { files, time }
    }
}

#[async_trait]
impl TableProvider for ByDay {
    fn schema(&self) -> SchemaRef {
        self.files.schema()
    }

    fn table_type(&self) -> TableType {
        self.files.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.files.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let days = filters.iter().filter_map(|filter| days(filter, &self.time));
        let filters: Vec<Expr> = filters.iter().cloned().chain(days).collect();
        self.files.scan(state, projection, &filters, limit).await
    }
}

/// What a condition on the time says of the day. Nothing, if it is of another kind.
fn days(filter: &Expr, time: &str) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (column, op, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) => (column, *op, value),
        (Expr::Literal(value, _), Expr::Column(column)) => (column, op.swap()?, value),
        _ => return None,
    };
    let day = (column.name == time).then(|| day_of(value)).flatten()?;
    match op {
        Operator::Gt | Operator::GtEq => Some(col(DAY).gt_eq(lit(day))),
        Operator::Lt | Operator::LtEq => Some(col(DAY).lt_eq(lit(day))),
        Operator::Eq => Some(col(DAY).eq(lit(day))),
        _ => None,
    }
}

/// The day of a time, as folders are named. Only of years that have four digits: others do not sort.
fn day_of(value: &ScalarValue) -> Option<String> {
    let time = match value {
        ScalarValue::TimestampSecond(Some(value), _) => DateTime::from_timestamp(*value, 0)?,
        ScalarValue::TimestampMillisecond(Some(value), _) => {
            DateTime::from_timestamp_millis(*value)?
        }
        ScalarValue::TimestampMicrosecond(Some(value), _) => {
            DateTime::from_timestamp_micros(*value)?
        }
        ScalarValue::TimestampNanosecond(Some(value), _) => DateTime::from_timestamp_nanos(*value),
        _ => return None,
    };
    let day = time.format("%Y-%m-%d").to_string();
    (day.len() == 10 && !day.starts_with('-')).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(filter: &Expr) -> Option<String> {
        days(filter, "window_start").map(|days| days.to_string())
    }

    #[test]
    fn a_time_names_its_day_and_other_conditions_name_none() {
        let utc = Some(Arc::from("UTC"));
        // 2026-01-05T23:59:59.999Z, a millisecond before the next day.
        let millis = ScalarValue::TimestampMillisecond(Some(1_767_657_599_999), utc.clone());
        let time = || Expr::Literal(millis.clone(), None);
        let column = || col("window_start");
        for (filter, expected) in [
            (column().gt_eq(time()), "event_date >= Utf8(\"2026-01-05\")"),
            (column().gt(time()), "event_date >= Utf8(\"2026-01-05\")"),
            (column().lt(time()), "event_date <= Utf8(\"2026-01-05\")"),
            (column().eq(time()), "event_date = Utf8(\"2026-01-05\")"),
            (time().lt_eq(column()), "event_date >= Utf8(\"2026-01-05\")"),
        ] {
            assert_eq!(told(&filter).as_deref(), Some(expected), "{filter}");
        }
        for other in [
            column().not_eq(time()),
            col("last_seen").gt(time()),
            column().gt(lit(5)),
            column().is_null(),
        ] {
            assert_eq!(told(&other), None, "{other}");
        }
        let far = ScalarValue::TimestampSecond(Some(-70_000_000_000), utc);
        assert_eq!(day_of(&far), None);
    }
}
