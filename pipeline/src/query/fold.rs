//! Folds the merge of a signal's view into the grouping that a question makes of it.
//!
//! A view groups partial rows by the signal's whole grain. A question that groups the view's rows again, by
//! less of the grain, and sums what the view sums, may as well group the partial rows: merging is
//! associative (I7). A month of rollups is grouped once then, into a handful of rows.
//!
//! In: a plan that was optimized. Out: the same plan with one grouping in place of two, where nothing but
//! columns stands between them. Must hold: the same rows come out. A question that counts the view's
//! rows, looks at single measures or joins between the two keeps its view.

use std::sync::Arc;

use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Functions whose values of parts are merged by the same function.
const ASSOCIATIVE: [&str; 3] = ["sum", "min", "max"];
/// Those that do not mind how often they see a value.
const IDEMPOTENT: [&str; 2] = ["min", "max"];

/// The rule. DataFusion runs it after its own, so that filters are below the view's merge already.
#[derive(Debug, Default)]
pub(super) struct FoldMerges;

impl OptimizerRule for FoldMerges {
    fn name(&self) -> &'static str {
        "fold_merges"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        let folded = match &plan {
            LogicalPlan::Aggregate(question) => folded(question)?,
            _ => None,
        };
        Ok(folded.map_or_else(|| Transformed::no(plan), Transformed::yes))
    }
}

/// What a column between the two groupings stands for.
#[derive(Debug, Clone)]
enum Meaning {
    /// An expression of the grain, over what the merge reads.
    Grain(Expr),
    /// A measure as it is merged.
    Measure(AggregateFunction),
    /// Anything else.
    Other,
}

/// The question over the partial rows, if that is the same.
fn folded(question: &Aggregate) -> Result<Option<LogicalPlan>, DataFusionError> {
    let Some((merge, meanings)) = meanings(&question.input)? else {
        return Ok(None);
    };
    let between = question.input.schema();
    let mut groups = Vec::new();
    for expression in &question.group_expr {
        match meaning(expression, between, &meanings)? {
            Meaning::Grain(expression) => groups.push(expression),
            Meaning::Measure(_) | Meaning::Other => return Ok(None),
        }
    }
    let mut measures = Vec::new();
    for expression in &question.aggr_expr {
        match measure(expression, between, &meanings)? {
            Some(measure) => measures.push(Expr::AggregateFunction(measure)),
            None => return Ok(None),
        }
    }
    // Two columns of the view that mean the same would be two of one name.
    if repeats(&groups) || repeats(&measures) {
        return Ok(None);
    }
    let grouped = Aggregate::try_new(Arc::clone(&merge.input), groups, measures)?;
    let asked = question.schema.iter();
    let given = grouped.schema.iter().zip(asked);
    let named = given.map(|((from, field), (to, asked))| {
        let same = field.data_type() == asked.data_type();
        let column = Column::new(from.cloned(), field.name());
        same.then(|| Expr::Column(column).alias_qualified(to.cloned(), asked.name()))
    });
    let Some(named) = named.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    if named.len() != question.schema.fields().len() {
        return Ok(None);
    }
    let schema = Arc::clone(&question.schema);
    let grouped = Arc::new(LogicalPlan::Aggregate(grouped));
    let projection = Projection::try_new_with_schema(named, grouped, schema)?;
    Ok(Some(LogicalPlan::Projection(projection)))
}

fn repeats(expressions: &[Expr]) -> bool {
    let mut rest = expressions.iter();
    std::iter::from_fn(|| rest.next().map(|one| rest.as_slice().contains(one))).any(|again| again)
}

/// The merge that gives these rows, and what each of their columns means.
fn meanings(plan: &LogicalPlan) -> Result<Option<(&Aggregate, Vec<Meaning>)>, DataFusionError> {
    match plan {
        // Without a grain there is a row even of no rows.
        LogicalPlan::Aggregate(merge) if !merge.group_expr.is_empty() => {
            let is_set = |expression: &Expr| matches!(expression, Expr::GroupingSet(_));
            if merge.group_expr.iter().any(is_set) {
                return Ok(None);
            }
            let grain = merge.group_expr.iter().map(|expression| {
                if expression.is_volatile() {
                    Meaning::Other
                } else {
                    Meaning::Grain(expression.clone().unalias_nested().data)
                }
            });
            let measures = merge.aggr_expr.iter().map(|expression| {
                let expression = expression.clone().unalias_nested().data;
                match expression {
                    Expr::AggregateFunction(measure) if is_plain(&measure) => {
                        Meaning::Measure(measure)
                    }
                    _ => Meaning::Other,
                }
            });
            Ok(Some((merge, grain.chain(measures).collect())))
        }
        LogicalPlan::SubqueryAlias(alias) => meanings(&alias.input),
        LogicalPlan::Projection(projection) => {
            let Some((merge, below)) = meanings(&projection.input)? else {
                return Ok(None);
            };
            let columns = projection.expr.iter();
            let columns =
                columns.map(|expression| meaning(expression, projection.input.schema(), &below));
            Ok(Some((merge, columns.collect::<Result<_, _>>()?)))
        }
        _ => Ok(None),
    }
}

/// Whether a function sees every value, and nothing else.
fn is_plain(function: &AggregateFunction) -> bool {
    let AggregateFunctionParams {
        args,
        distinct,
        filter,
        order_by,
        null_treatment,
    } = &function.params;
    args.len() == 1
        && !distinct
        && filter.is_none()
        && order_by.is_empty()
        && null_treatment.is_none()
        && ASSOCIATIVE.contains(&function.func.name())
}

/// What an expression over columns of these meanings means itself.
fn meaning(
    expression: &Expr,
    schema: &DFSchema,
    meanings: &[Meaning],
) -> Result<Meaning, DataFusionError> {
    let expression = expression.clone().unalias_nested().data;
    let of_column = |column: &Column| {
        let place = schema.maybe_index_of_column(column);
        place.and_then(|place| meanings.get(place))
    };
    if let Expr::Column(column) = &expression {
        return Ok(of_column(column).cloned().unwrap_or(Meaning::Other));
    }
    let is_set = matches!(expression, Expr::GroupingSet(_));
    if is_set || expression.is_volatile() {
        return Ok(Meaning::Other);
    }
    let mut of_grain = true;
    let over_merged = expression.transform_down(|part| {
        Ok(match &part {
            Expr::Column(column) => {
                if let Some(Meaning::Grain(grain)) = of_column(column) {
                    // What stands there is below already: not to be looked into.
                    Transformed::new(grain.clone(), true, TreeNodeRecursion::Jump)
                } else {
                    of_grain = false;
                    Transformed::no(part)
                }
            }
            // A subquery may name columns of its own.
            Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_) => {
                of_grain = false;
                Transformed::no(part)
            }
            _ => Transformed::no(part),
        })
    });
    let over_merged = over_merged.data()?;
    Ok(if of_grain {
        Meaning::Grain(over_merged)
    } else {
        Meaning::Other
    })
}

/// The function over partial rows that says what this one says of merged ones.
fn measure(
    expression: &Expr,
    schema: &DFSchema,
    meanings: &[Meaning],
) -> Result<Option<AggregateFunction>, DataFusionError> {
    let Expr::AggregateFunction(asked) = expression.clone().unalias_nested().data else {
        return Ok(None);
    };
    if !is_plain(&asked) {
        return Ok(None);
    }
    let [value] = asked.params.args.as_slice() else {
        return Ok(None);
    };
    Ok(match meaning(value, schema, meanings)? {
        Meaning::Measure(merged) if merged.func == asked.func => Some(merged),
        Meaning::Grain(value) if IDEMPOTENT.contains(&asked.func.name()) => {
            let func = Arc::clone(&asked.func);
            Some(AggregateFunction::new_udf(
                func,
                vec![value],
                false,
                None,
                Vec::new(),
                None,
            ))
        }
        Meaning::Grain(_) | Meaning::Measure(_) | Meaning::Other => None,
    })
}

#[cfg(test)]
mod tests;
