//! What a value depends on.
//!
//! In: an expression, and what the columns that it reads depend on. Out: one row, what was added up, or the
//! batch. Must hold: what is said to be added up in some way is, when the parts of two batches are joined in that
//! way, what the rows of both would have given; whatever is not known to be so depends on the batch.

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Exists, InSubquery, ScalarFunction, SetComparison};
use datafusion::logical_expr::{Expr, ExprSchemable as _, Operator, Subquery};

use crate::signal::Merge;

/// What a value of a row depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// On one row of the table, or on rows that are alike in it. With the length of its window in milliseconds,
    /// if it is one.
    Row(Option<i64>),
    /// Added up so, and so with that of other batches.
    Measure(Merge, Presence),
    /// On where the batch ends.
    Batch,
}

/// Whether there is a value in each group. A sum of nothing is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Always,
    Perhaps,
}

impl Origin {
    /// What was added up is looked at as it is in one batch.
    pub(super) fn judged(&mut self) {
        if let Self::Measure(..) = self {
            *self = Self::Batch;
        }
    }
}

/// What a value depends on, over columns that depend on these.
pub(super) fn origin(expr: &Expr, schema: &DFSchema, columns: &[Origin]) -> Origin {
    let of = |part: &Expr| origin(part, schema, columns);
    match expr {
        Expr::Column(column) => of_column(column, schema, columns),
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Cast(cast) => converted(of(&cast.expr), &cast.expr, schema, cast.field.data_type()),
        Expr::TryCast(cast) => {
            converted(of(&cast.expr), &cast.expr, schema, cast.field.data_type())
        }
        Expr::ScalarFunction(call) => of_function(call, &of),
        Expr::Negative(part) => match of(part) {
            added @ Origin::Measure(Merge::Sum, _) => added,
            other => together([other]),
        },
        Expr::BinaryExpr(sum) if matches!(sum.op, Operator::Plus | Operator::Minus) => {
            // What is missing in one batch would take the other part with it.
            let added = Origin::Measure(Merge::Sum, Presence::Always);
            alike([of(&sum.left), of(&sum.right)], added)
        }
        // In another unit.
        Expr::BinaryExpr(times) if times.op == Operator::Multiply => {
            match (of(&times.left), of(&times.right)) {
                (added @ Origin::Measure(Merge::Sum, _), _) if is_constant(&times.right) => added,
                (_, added @ Origin::Measure(Merge::Sum, _)) if is_constant(&times.left) => added,
                (left, right) => together([left, right]),
            }
        }
        // Of whole numbers the rest is lost.
        Expr::BinaryExpr(part) if part.op == Operator::Divide && is_float(&part.right) => {
            match of(&part.left) {
                added @ Origin::Measure(Merge::Sum, _) => added,
                other => together([other]),
            }
        }
        other => together(parts_of(other, schema, columns)),
    }
}

fn of_column(column: &Column, schema: &DFSchema, columns: &[Origin]) -> Origin {
    let place = schema.maybe_index_of_column(column);
    let known = place.and_then(|place| columns.get(place));
    known.copied().unwrap_or(Origin::Row(None))
}

fn of_function(call: &ScalarFunction, of: &impl Fn(&Expr) -> Origin) -> Origin {
    let parts = || call.args.iter().map(of);
    match (call.name(), call.args.as_slice()) {
        ("date_bin", [length, time]) if matches!(of(time), Origin::Row(_)) => {
            Origin::Row(milliseconds(length))
        }
        // What stands for a sum of nothing is added up, too.
        ("coalesce" | "nvl" | "ifnull", [sum, others @ ..]) if others.iter().all(is_zero) => {
            match of(sum) {
                Origin::Measure(Merge::Sum, _) => Origin::Measure(Merge::Sum, Presence::Always),
                other => together([other]),
            }
        }
        ("greatest", _) => alike(parts(), Origin::Measure(Merge::Max, Presence::Perhaps)),
        ("least", _) => alike(parts(), Origin::Measure(Merge::Min, Presence::Perhaps)),
        // A later time is a greater number.
        ("to_unixtime", [time]) => ordered(of(time)),
        ("date_part", [Expr::Literal(part, _), time]) if is_epoch(part) => ordered(of(time)),
        _ => together(parts()),
    }
}

/// A value in another type. Where the cast may round, wrap or fail, it belongs into the function: the parts of two
/// batches would be rounded, and not their whole.
fn converted(value: Origin, expr: &Expr, schema: &DFSchema, to: &DataType) -> Origin {
    let Origin::Measure(merge, _) = value else {
        return value;
    };
    let is_exact = match merge {
        Merge::Sum => *to == DataType::Float64,
        // Numbers and times keep their order; texts have one of their own.
        Merge::Min | Merge::Max => {
            let from = expr.get_type(schema);
            from.is_ok_and(|from| from.is_numeric() || matches!(from, DataType::Timestamp(..)))
                && matches!(
                    to,
                    DataType::Int64 | DataType::Float64 | DataType::Timestamp(..)
                )
        }
    };
    if is_exact { value } else { Origin::Batch }
}

/// The least and the greatest keep their places.
fn ordered(value: Origin) -> Origin {
    match value {
        Origin::Measure(Merge::Min | Merge::Max, _) => value,
        other => together([other]),
    }
}

/// That, if all parts are; else what they are together.
fn alike(parts: impl IntoIterator<Item = Origin>, alike: Origin) -> Origin {
    let parts: Vec<Origin> = parts.into_iter().collect();
    if parts.iter().all(|part| *part == alike) {
        return alike;
    }
    together(parts)
}

/// Of a value that is made of these in a way that is not known.
fn together(parts: impl IntoIterator<Item = Origin>) -> Origin {
    let mut parts = parts.into_iter();
    if parts.all(|part| matches!(part, Origin::Row(_))) {
        Origin::Row(None)
    } else {
        Origin::Batch
    }
}

/// The columns that an expression reads, and those that its subqueries take from the rows around them.
fn parts_of(expr: &Expr, schema: &DFSchema, columns: &[Origin]) -> Vec<Origin> {
    let mut parts = Vec::new();
    let visited = expr.apply(|part| {
        match part {
            Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => {
                parts.push(of_column(column, schema, columns));
            }
            Expr::ScalarSubquery(subquery)
            | Expr::Exists(Exists { subquery, .. })
            | Expr::InSubquery(InSubquery { subquery, .. })
            | Expr::SetComparison(SetComparison { subquery, .. }) => {
                let Subquery {
                    outer_ref_columns, ..
                } = subquery;
                for outer in outer_ref_columns {
                    if let Expr::OuterReferenceColumn(_, column) = outer {
                        parts.push(of_column(column, schema, columns));
                    }
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if visited.is_err() {
        parts.push(Origin::Batch);
    }
    parts
}

/// Numbers and what is made of them alone.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => !value.is_null(),
        Expr::Cast(cast) => is_constant(&cast.expr),
        Expr::BinaryExpr(both) => is_constant(&both.left) && is_constant(&both.right),
        _ => false,
    }
}

fn is_float(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Float64(Some(_)), _))
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => {
            ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value)
        }
        Expr::Cast(cast) => is_zero(&cast.expr),
        _ => false,
    }
}

fn is_epoch(part: &ScalarValue) -> bool {
    let part = part.try_as_str().flatten();
    part.is_some_and(|part| part.eq_ignore_ascii_case("epoch"))
}

/// The length of an interval that is always as long.
fn milliseconds(length: &Expr) -> Option<i64> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(length)), _) = length else {
        return None;
    };
    let IntervalMonthDayNano {
        months,
        days,
        nanoseconds,
    } = *length;
    let of_days = i64::from(days).checked_mul(86_400_000)?;
    (months == 0).then(|| of_days.checked_add(nanoseconds / 1_000_000))?
}
