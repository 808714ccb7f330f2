//! Days beside times: what DataFusion cuts off in silence, kept.
//!
//! In: an expression. Out: the same, with a date made a time where it meets one. Must hold: a date and whole
//! days are a date, as in `event_date >= current_date - INTERVAL '7 days'`; of UTC nothing changes.
//!
//! DataFusion adds eight hours to a date and gives the date. And it compares a local time, which
//! AT TIME ZONE gives, with a date's midnight in UTC. The difference of two times it compares with an interval
//! by months, then days, then the rest: two days in nanoseconds are less than a day.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::{Between, InList};
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
            Expr::BinaryExpr(binary) if is_comparison(binary.op) => {
                let sides = [binary.left.as_ref(), binary.right.as_ref()];
                aligned(sides, schema).map(|[left, right]| {
                    Expr::BinaryExpr(BinaryExpr::new(left.into(), binary.op, right.into()))
                })
            }
            Expr::Between(between) => {
                let sides = [&between.expr, &between.low, &between.high];
                aligned(sides.map(AsRef::as_ref), schema).map(|[asked, low, high]| {
                    let negated = between.negated;
                    let between = Between::new(asked.into(), negated, low.into(), high.into());
                    Expr::Between(between)
                })
            }
            Expr::InList(list) => within(list, schema),
            _ => None,
        };
        Ok(changed.map_or_else(|| Transformed::no(expression), Transformed::yes))
    }
}

fn adds(operator: Operator) -> bool {
    matches!(operator, Operator::Plus | Operator::Minus)
}

pub(super) fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
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

/// What is compared, made comparable.
fn aligned<const N: usize>(sides: [&Expr; N], schema: &DFSchema) -> Option<[Expr; N]> {
    local(sides, schema).or_else(|| lengths(sides, schema))
}

/// Intervals as the length that the difference of two times has.
fn lengths<const N: usize>(sides: [&Expr; N], schema: &DFSchema) -> Option<[Expr; N]> {
    let is_length = |side: &Expr| matches!(side.get_type(schema), Ok(DataType::Duration(_)));
    if !sides.iter().any(|side| is_length(side)) {
        return None;
    }
    let changed = sides.map(|side| {
        if is_length(side) {
            return Some(cast(side.clone(), DataType::Duration(TimeUnit::Nanosecond)));
        }
        let nanos = ScalarValue::DurationNanosecond(Some(nanos(side)?));
        Some(Expr::Literal(nanos, None))
    });
    // Of other kinds than these DataFusion decides.
    let all: Vec<_> = changed.into_iter().collect::<Option<_>>()?;
    all.try_into().ok()
}

/// The length of an interval that is written out; a month has 30 days here, as in PostgreSQL.
fn nanos(interval: &Expr) -> Option<i64> {
    let interval = match interval {
        Expr::Alias(alias) => return nanos(&alias.expr),
        Expr::Negative(inner) => return nanos(inner)?.checked_neg(),
        Expr::BinaryExpr(both) if adds(both.op) => {
            let (left, right) = (nanos(&both.left)?, nanos(&both.right)?);
            return match both.op {
                Operator::Plus => left.checked_add(right),
                _ => left.checked_sub(right),
            };
        }
        Expr::Cast(cast) if matches!(cast.field.data_type(), DataType::Interval(_)) => {
            return nanos(&cast.expr);
        }
        Expr::Literal(value, _) => value,
        _ => return None,
    };
    let unit = DataType::Interval(IntervalUnit::MonthDayNano);
    let ScalarValue::IntervalMonthDayNano(Some(value)) = interval.cast_to(&unit).ok()? else {
        return None;
    };
    let days = i64::from(value.months) * 30 + i64::from(value.days);
    days.checked_mul(DAY_NANOS)?.checked_add(value.nanoseconds)
}

/// Dates as their midnight in the zone of the local time that they are compared with.
fn local<const N: usize>(sides: [&Expr; N], schema: &DFSchema) -> Option<[Expr; N]> {
    let local = sides
        .iter()
        .find_map(|side| match side.get_type(schema).ok()? {
            DataType::Timestamp(_, Some(zone)) if !is_utc(&zone) => Some(zone),
            _ => None,
        })?;
    if !sides.iter().any(|side| is_date(side, schema)) {
        return None;
    }
    let kind = DataType::Timestamp(TimeUnit::Nanosecond, Some(local));
    Some(sides.map(|side| {
        if is_date(side, schema) {
            let midnight = cast(
                side.clone(),
                DataType::Timestamp(TimeUnit::Nanosecond, None),
            );
            cast(midnight, kind.clone())
        } else {
            side.clone()
        }
    }))
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Z" | "+00:00" | "+00")
}

/// The same of a list.
fn within(asked: &InList, schema: &DFSchema) -> Option<Expr> {
    let (mut list, mut changed) = (Vec::new(), false);
    let mut expression = asked.expr.as_ref().clone();
    for one in &asked.list {
        match aligned([asked.expr.as_ref(), one], schema) {
            Some([left, right]) => {
                expression = left;
                list.push(right);
                changed = true;
            }
            None => list.push(one.clone()),
        }
    }
    let list = InList::new(expression.into(), list, asked.negated);
    changed.then_some(Expr::InList(list))
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// What is asked, and the answer.
    const ASKED: [(&str, &str); 26] = [
        (
            "TIMESTAMP '2026-03-03' - TIMESTAMP '2026-03-01' > INTERVAL '1 day'",
            "true",
        ),
        (
            "INTERVAL '1 day' > t - TIMESTAMP '2026-02-28' FROM t",
            "false",
        ),
        (
            "t - TIMESTAMP '2026-03-01' BETWEEN INTERVAL '1 hour' AND '1 day'::interval FROM t",
            "true",
        ),
        (
            "t - TIMESTAMP '2026-01-01' < INTERVAL '1 month' FROM t",
            "false",
        ),
        (
            "t - TIMESTAMP '2026-03-01' = INTERVAL '120 minutes' FROM t",
            "true",
        ),
        ("t - NULL > INTERVAL '1 day' IS NULL FROM t", "true"),
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
        // 2026-03-01T02:00Z is on the 28th in New York.
        (
            "t AT TIME ZONE 'America/New_York' < DATE '2026-03-01' FROM t",
            "true",
        ),
        (
            "DATE '2026-03-01' <= t AT TIME ZONE 'America/New_York' FROM t",
            "false",
        ),
        (
            "t AT TIME ZONE 'America/New_York' BETWEEN d AND DATE '2026-03-02' FROM t",
            "false",
        ),
        ("t AT TIME ZONE 'America/New_York' >= d FROM t", "false"),
        (
            "date_trunc('day', t AT TIME ZONE 'America/New_York') IN (DATE '2026-02-28', DATE '2026-02-27') FROM t",
            "true",
        ),
        (
            "count(*) FROM t JOIN (SELECT DATE '2026-02-28' AS day) c ON date_trunc('day', t AT TIME ZONE 'America/New_York') = c.day",
            "1",
        ),
        ("t >= DATE '2026-03-01' FROM t", "true"),
    ];

    #[tokio::test]
    async fn hours_and_midnights_are_kept() {
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
