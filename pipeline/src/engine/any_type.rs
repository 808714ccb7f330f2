//! Values of any type, which `->` and `json_get` give, where they would be taken wrongly.
//!
//! In: a plan as it is written. Out: the first place at which DataFusion sorts, groups, joins or compares such
//! values: it takes them for equal, or orders them by nothing, and says no word. Must hold: what is taken
//! further is let pass: a cast, `->>` and the JSON functions, a comparison with a value of one type.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable as _, LogicalPlan};
use datafusion_functions_json::JSON_UNION_DATA_TYPE;

use super::dates::is_comparison;

/// What to write instead.
pub const FIX: &str =
    "`->` gives a value of any type: use `->>` or json_get_int, json_get_str or json_get_json";

/// What such a value is called in place of its type's long name.
pub const NAME: &str = "JSON of any type";

/// The first misuse, in words.
pub fn misused(plan: &LogicalPlan) -> Option<String> {
    let mut found = None;
    let visited = plan.apply_with_subqueries(|node| {
        found = found.take().or_else(|| in_node(node));
        Ok(if found.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    let place = match visited {
        Ok(_) => found.or_else(|| nested(plan.schema())),
        Err(error) => return Some(error.strip_backtrace()),
    };
    place.map(|place| format!("{place} takes no {NAME}"))
}

/// The same as an error of a question.
pub fn refuse(plan: &LogicalPlan) -> Result<(), DataFusionError> {
    match misused(plan) {
        Some(what) => Err(DataFusionError::Plan(format!("{what}. {FIX}"))),
        None => Ok(()),
    }
}

/// Whether it is one such value, not a list of them.
pub fn is_one(kind: &DataType) -> bool {
    *kind == *JSON_UNION_DATA_TYPE
}

/// Whether there is such a value in it.
fn is_in(kind: &DataType) -> bool {
    match kind {
        DataType::Union(..) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_in(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_in(field.data_type())),
        DataType::Dictionary(_, value) => is_in(value),
        _ => false,
    }
}

/// No format can write them in a list.
fn nested(schema: &DFSchemaRef) -> Option<String> {
    let mut kinds = schema.fields().iter().map(|field| field.data_type());
    let found = kinds.any(|kind| is_in(kind) && !is_one(kind));
    found.then(|| String::from("a list or structure of the answer"))
}

fn in_node(node: &LogicalPlan) -> Option<String> {
    let inputs = merge_schema(&node.inputs());
    let any = |expression: &Expr| {
        let kind = expression.get_type(&inputs);
        kind.is_ok_and(|kind| is_in(&kind))
    };
    let columns = |schema: &DFSchema| {
        let mut kinds = schema.fields().iter().map(|field| field.data_type());
        kinds.any(is_in)
    };
    let place = match node {
        LogicalPlan::Sort(sort) => sorts(&sort.expr, any).then_some("ORDER BY"),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            columns(input.schema()).then_some("DISTINCT or UNION")
        }
        LogicalPlan::Distinct(Distinct::On(on)) => on.on_expr.iter().any(any).then_some("DISTINCT"),
        LogicalPlan::RecursiveQuery(query) => {
            (query.is_distinct && columns(&query.schema)).then_some("UNION")
        }
        LogicalPlan::Join(join) => {
            let mut keys = join.on.iter().flat_map(|(left, right)| [left, right]);
            keys.any(any).then_some("a JOIN")
        }
        // A grouping set has no type; its columns do.
        LogicalPlan::Aggregate(aggregate) => {
            columns(&aggregate.schema).then_some("GROUP BY, min, max or a list")
        }
        _ => None,
    };
    in_expressions(node, &any).or_else(|| place.map(String::from))
}

fn sorts(keys: &[Sort], any: impl Fn(&Expr) -> bool) -> bool {
    keys.iter().any(|key| any(&key.expr))
}

fn in_expressions(node: &LogicalPlan, any: &impl Fn(&Expr) -> bool) -> Option<String> {
    let mut found = None;
    let visited = node.apply_expressions(|expression| {
        expression.apply(|part| {
            found = found.take().or_else(|| in_part(part, any));
            Ok(if found.is_some() {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })
    });
    visited.is_ok().then_some(found).flatten()
}

fn in_part(part: &Expr, any: &impl Fn(&Expr) -> bool) -> Option<String> {
    let compares = |left: &Expr, right: &Expr| any(left) && any(right);
    match part {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => {
            compares(&binary.left, &binary.right)
                .then(|| format!("a comparison of two by {}", binary.op))
        }
        Expr::Between(between) => {
            let ends = [&between.low, &between.high];
            let found = ends.iter().any(|end| compares(&between.expr, end));
            found.then(|| String::from("BETWEEN of two"))
        }
        Expr::InList(list) => {
            let found = list.list.iter().any(|one| compares(&list.expr, one));
            found.then(|| String::from("IN"))
        }
        Expr::InSubquery(subquery) => {
            let asked = subquery.subquery.subquery.schema();
            let mut kinds = asked.fields().iter().map(|field| field.data_type());
            let found = any(&subquery.expr) && kinds.any(is_in);
            found.then(|| String::from("IN"))
        }
        Expr::Case(case) => {
            let asked = case.expr.as_ref()?;
            let mut values = case.when_then_expr.iter();
            let found = values.any(|(when, _)| compares(asked, when));
            found.then(|| String::from("CASE"))
        }
        Expr::AggregateFunction(call) => {
            let counts = call.func.name() == "count" && !call.params.distinct;
            let found =
                sorts(&call.params.order_by, any) || !counts && call.params.args.iter().any(any);
            found.then(|| format!("{}()", call.func.name()))
        }
        Expr::WindowFunction(call) => {
            let params = &call.params;
            let counts = call.fun.name() == "count" && !params.distinct;
            let found = sorts(&params.order_by, any)
                || params.partition_by.iter().any(any)
                || !counts && params.args.iter().any(any);
            found.then(|| format!("{}() OVER", call.fun.name()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::engine::sql;

    /// What takes it wrongly.
    const REFUSED: [&str; 18] = [
        "SELECT i FROM t ORDER BY j->'n' LIMIT 1",
        "SELECT x FROM (SELECT json_get(j, 'n') AS x FROM t) ORDER BY x",
        "SELECT DISTINCT j->'n' FROM t",
        "SELECT DISTINCT ON (j->'n') i FROM t",
        "SELECT j->'n' FROM t UNION SELECT j->'s' FROM t",
        "SELECT j->'n' FROM t EXCEPT SELECT j->'s' FROM t",
        "SELECT j->'n', count(*) FROM t GROUP BY 1",
        "SELECT count(*) FROM t GROUP BY ROLLUP (i, j->'n')",
        "SELECT min(j->'n') FROM t",
        "SELECT count(DISTINCT j->'n') FROM t",
        "SELECT array_agg(i ORDER BY j->'n') FROM t",
        "SELECT row_number() OVER (PARTITION BY j->'n') FROM t",
        "SELECT lag(j->'n') OVER (ORDER BY i) FROM t",
        "SELECT a.i FROM t a JOIN t b ON a.j->'n' = b.j->'n'",
        "SELECT i FROM t WHERE EXISTS (SELECT 1 FROM t b WHERE b.j->'n' > t.j->'n')",
        "SELECT i FROM t WHERE j->'n' IN (SELECT j->'s' FROM t)",
        "SELECT CASE j->'n' WHEN j->'s' THEN 1 END FROM t",
        "SELECT make_array(j->'n') FROM t",
    ];

    /// What takes it further.
    const TAKEN: [&str; 12] = [
        "SELECT j->'n', j->'o'->'n', json_get(j, 'n') AS x FROM t",
        "SELECT (j->'o'->'n')::int FROM t ORDER BY (j->'n')::int",
        "SELECT i FROM t WHERE j->'n' > 100 AND j->'s' IN ('a', 'b') AND j->'n' BETWEEN 1 AND 2",
        "SELECT j->>'s', count(*) FROM t GROUP BY 1 ORDER BY j->>'s'",
        "SELECT count(j->'n'), count(*) FILTER (WHERE j->'n' = 1) FROM t",
        "SELECT count(j->'n') OVER (PARTITION BY i) FROM t",
        "SELECT DISTINCT json_get_json(j, 'n') FROM t",
        "SELECT a.i FROM t a JOIN t b ON a.j->'n' = b.i",
        "SELECT i FROM t WHERE j->'n' IN (SELECT i FROM t)",
        "SELECT j->'n' FROM t UNION ALL SELECT j->'s' FROM t",
        "SELECT max(x) FROM (SELECT (j->'n')::int AS x FROM t)",
        "SELECT CASE j->'n' WHEN 1 THEN 'one' END, (j->'n') IS NULL FROM t",
    ];

    #[tokio::test]
    async fn what_takes_a_value_of_any_type_wrongly_is_refused() {
        let mut context = SessionContext::new();
        datafusion_functions_json::register_all(&mut context).unwrap();
        let table = "SELECT '{\"n\": 1}' AS j, 1 AS i";
        let view = context.sql(table).await.unwrap().into_view();
        context.register_table("t", view).unwrap();
        let state = context.state();
        for text in REFUSED {
            let plan = sql::plan(&state, text).await.unwrap();
            let error = refuse(&plan).unwrap_err().to_string();
            assert!(
                error.contains(FIX) && error.contains(NAME),
                "{text}: {error}"
            );
        }
        for text in TAKEN {
            let plan = sql::plan(&state, text).await.unwrap();
            assert_eq!(misused(&plan), None, "{text}");
            let frame = context.execute_logical_plan(plan).await.unwrap();
            frame.collect().await.unwrap();
        }
    }
}
