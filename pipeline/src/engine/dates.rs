//! Days beside times: what DataFusion cuts off in silence, kept.
//!
//! In: an expression. Out: the same, with a date made a time where hours are added. Must hold: a date and whole
//! days are a date, as in `event_date >= current_date - INTERVAL '7 days'`.
//!
//! DataFusion adds eight hours to a date and gives the date.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable as _, Operator, cast};

const DAY_MILLIS: i32 = 86_400_000;
const DAY_NANOS: i64 = 86_400_000_000_000;

/// Makes a session see to it.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<(), DataFusionError> {
    registry.register_function_rewrite(Arc::new(DatesAsTimes))
}

#[derive(Debug)]
struct DatesAsTimes;

impl FunctionRewrite for DatesAsTimes {
    fn name(&self) -> &'static str {
        "dates_as_times"
    }

    fn rewrite(
        &self,
        expression: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>, DataFusionError> {
        let changed = match &expression {
            Expr::BinaryExpr(binary) if adds(binary.op) => shifted(binary, schema),
            _ => None,
        };
        Ok(changed.map_or_else(|| Transformed::no(expression), Transformed::yes))
    }
}

fn adds(operator: Operator) -> bool {
    matches!(operator, Operator::Plus | Operator::Minus)
}

fn is_date(expression: &Expr, schema: &DFSchema) -> bool {
    let kind = expression.get_type(schema);
    matches!(kind, Ok(DataType::Date32 | DataType::Date64))
}

/// A date and an interval that is not of whole days, as far as is known: a time.
fn shifted(binary: &BinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let BinaryExpr { left, op, right } = binary;
    let needs = |date: &Expr, interval: &Expr| {
        let is_interval = matches!(interval.get_type(schema), Ok(DataType::Interval(_)));
        is_interval && is_date(date, schema) && !is_of_days(interval)
    };
    let time = |date: &Expr| {
        cast(
            date.clone(),
            DataType::Timestamp(TimeUnit::Nanosecond, None),
        )
    };
    let (left, right) = if needs(left, right) {
        (time(left), right.as_ref().clone())
    } else if needs(right, left) {
        (left.as_ref().clone(), time(right))
    } else {
        return None;
    };
    let shifted = BinaryExpr::new(left.into(), *op, right.into());
    Some(Expr::BinaryExpr(shifted))
}

/// Whether an interval is known to be of whole days.
fn is_of_days(interval: &Expr) -> bool {
    match interval {
        Expr::Literal(value, _) => match value {
            ScalarValue::IntervalYearMonth(_) => true,
            ScalarValue::IntervalDayTime(value) => {
                value.is_none_or(|value| value.milliseconds % DAY_MILLIS == 0)
            }
            ScalarValue::IntervalMonthDayNano(value) => {
                value.is_none_or(|value| value.nanoseconds % DAY_NANOS == 0)
            }
            ScalarValue::Utf8(_) | ScalarValue::Utf8View(_) | ScalarValue::LargeUtf8(_) => {
                let unit = DataType::Interval(IntervalUnit::MonthDayNano);
                let value = value.cast_to(&unit);
                value.is_ok_and(|value| is_of_days(&Expr::Literal(value, None)))
            }
            _ => false,
        },
        Expr::Negative(inner) => is_of_days(inner),
        Expr::Alias(alias) => is_of_days(&alias.expr),
        Expr::Cast(cast) => is_of_days(&cast.expr),
        Expr::BinaryExpr(both) if adds(both.op) => {
            is_of_days(&both.left) && is_of_days(&both.right)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// What is asked, and the answer.
    const ASKED: [(&str, &str); 13] = [
        (
            "DATE '2026-03-01' + INTERVAL '8 hours'",
            "2026-03-01T08:00:00",
        ),
        (
            "INTERVAL '90 minutes' + DATE '2026-03-01'",
            "2026-03-01T01:30:00",
        ),
        (
            "DATE '2026-03-01' - INTERVAL '36 hours'",
            "2026-02-27T12:00:00",
        ),
        (
            "DATE '2026-03-01' + INTERVAL '1 month 1 hour'",
            "2026-04-01T01:00:00",
        ),
        (
            "DATE '2026-03-01' + '8 hours'::interval",
            "2026-03-01T08:00:00",
        ),
        (
            "DATE '2026-03-01' + INTERVAL '1 day' + INTERVAL '1 hour'",
            "2026-03-02T01:00:00",
        ),
        (
            "DATE '2026-03-01' + i FROM (SELECT INTERVAL '8 hours' AS i)",
            "2026-03-01T08:00:00",
        ),
        (
            "d FROM (SELECT DATE '2026-03-01' + INTERVAL '8 hours' AS d) WHERE d > DATE '2026-03-01'",
            "2026-03-01T08:00:00",
        ),
        // Whole days stay days.
        ("DATE '2026-03-01' + INTERVAL '1 day'", "2026-03-02"),
        (
            "DATE '2026-03-01' - (INTERVAL '1 month' + INTERVAL '1 day')",
            "2026-01-31",
        ),
        ("DATE '2026-03-01' + INTERVAL '48 hours'", "2026-03-03"),
        ("DATE '2026-03-01' - '400 days'::interval", "2025-01-25"),
        (
            "'2026-03-02' >= DATE '2026-03-03' - INTERVAL '1 day'",
            "true",
        ),
    ];

    #[tokio::test]
    async fn hours_are_kept() {
        let mut context = SessionContext::new();
        register(&mut context).unwrap();
        let table = "SELECT arrow_cast('2026-03-01T02:00:00Z', 'Timestamp(Millisecond, Some(\"UTC\"))') AS t, DATE '2026-03-01' AS d";
        let view = context.sql(table).await.unwrap().into_view();
        context.register_table("t", view).unwrap();
        for (asked, expected) in ASKED {
            let frame = context.sql(&format!("SELECT {asked}")).await.unwrap();
            let rows = frame.collect().await.unwrap();
            let rows: Vec<_> = rows.iter().filter(|rows| rows.num_rows() > 0).collect();
            let got = array_value_to_string(rows[0].column(0), 0).unwrap();
            assert_eq!(got, expected, "{asked}");
        }
    }
}
