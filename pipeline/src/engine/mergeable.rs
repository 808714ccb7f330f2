//! Whether what a query says of a batch can be merged with what it says of others (I7).
//!
//! In: a query as it is written, and what its header promises. Out: why it cannot. A batch is cut by time, size and
//! chance, so a query may ask each row by itself, and group and add up; it may not compare rows with each other,
//! nor judge what it has added up: that is for alerts, and for signals over rollups.
//!
//! Must hold: nothing is passed whose merged rows depend on where batches end. What cannot be told is let through
//! only where no number is made of it.

mod origin;

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, JoinType};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, LogicalPlan, Subquery};

use crate::signal::{Merge, Rollup};
use origin::{Origin, Presence, origin};

/// Why a query cannot be merged, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unmergeable {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Unmergeable {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self { what, fix }
    }

    fn compares(how: &str) -> Self {
        Self::new(
            format!("{how}, and rows that belong together may come in different batches"),
            "ask each row by itself; compare in an alert, or in a signal over rollups",
        )
    }

    fn judges(how: &str) -> Self {
        Self::new(
            format!("{how} what was added up in one batch, and the rest of it may come in another"),
            "leave it to the alert, or to a signal over rollups",
        )
    }
}

/// What is known of the rows of a plan.
struct Rows {
    /// By column.
    columns: Vec<Origin>,
    /// They are of the signal's table.
    of_table: bool,
    /// A row stands for many.
    grouped: bool,
}

/// Why the query cannot be merged as its header says; nothing: it can.
pub(super) fn unmergeable(
    plan: &LogicalPlan,
    table: &str,
    promised: &Rollup,
) -> Option<Unmergeable> {
    let rows = match Reader(table).rows(plan) {
        Ok(rows) => rows,
        Err(why) => return Some(why),
    };
    if !rows.of_table {
        return Some(Unmergeable::new(
            format!("the query does not read {table}, and gives the same rows for each batch"),
            format!("select from {table}"),
        ));
    }
    let mut fields = plan.schema().fields().iter().zip(&rows.columns);
    fields.find_map(|(field, origin)| {
        let name = field.name();
        match promised.measures.get(name) {
            Some(merge)
                if promised.window_seconds == 0
                    && matches!(origin, Origin::Measure(Merge::Min | Merge::Max, _)) =>
            {
                let merge = word(*merge);
                Some(Unmergeable::new(
                    format!("without a [rollup] {name} is merged as a {merge}, and it is none"),
                    "add a [rollup] that says how it merges",
                ))
            }
            Some(merge) => measure(name, *merge, *origin, rows.grouped),
            None => grain(name, *origin, promised),
        }
    })
}

fn measure(name: &str, merge: Merge, origin: Origin, grouped: bool) -> Option<Unmergeable> {
    let says = word(merge);
    match origin {
        Origin::Measure(made, _) if made == merge => None,
        Origin::Measure(made, _) => {
            let made = word(made);
            Some(Unmergeable::new(
                format!("{name} is a {made} in the query, and merged as a {says}"),
                format!("write {name} = \"{made}\" in `measures`, or {says}() in the query"),
            ))
        }
        Origin::Row(_) if grouped && merge == Merge::Sum => Some(Unmergeable::new(
            format!("{name} is the same for all rows of a group, and added up once for each batch"),
            format!("put {name} into the grain, or make it by count() or sum()"),
        )),
        Origin::Row(_) => None,
        Origin::Batch => Some(Unmergeable::new(
            format!(
                "the measure {name} is made of what was added up in one batch, and may not add up itself"
            ),
            "put casts and arithmetic into count(), sum(), min() or max(), or store the parts; two sums are coalesce(sum(…), 0) + coalesce(sum(…), 0)",
        )),
    }
}

fn grain(name: &str, origin: Origin, promised: &Rollup) -> Option<Unmergeable> {
    match origin {
        Origin::Row(Some(bin)) if name == "window_start" && promised.window_seconds > 0 => {
            let promised = promised.window_seconds.saturating_mul(1000);
            (u64::try_from(bin) != Ok(promised)).then(|| {
                let begins = if bin % 1000 == 0 {
                    format!("{} s", bin / 1000)
                } else {
                    format!("{bin} ms")
                };
                let window = promised / 1000;
                Unmergeable::new(
                    format!("window_start begins every {begins}, and rollup.window is {window} s"),
                    "give date_bin and `window` the same length",
                )
            })
        }
        Origin::Row(None) if name == "window_start" && promised.window_seconds > 0 => {
            Some(Unmergeable::new(
                String::from("window_start is not made by date_bin of a length"),
                "make it by date_bin(INTERVAL '5 minutes', event_time), with the length of rollup.window and no third argument",
            ))
        }
        Origin::Row(_) => None,
        Origin::Measure(..) | Origin::Batch => Some(Unmergeable::judges(&format!(
            "the grain has {name}, which is made of"
        ))),
    }
}

fn word(merge: Merge) -> &'static str {
    match merge {
        Merge::Sum => "sum",
        Merge::Min => "min",
        Merge::Max => "max",
    }
}

/// Reads plans over the table of this name.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn rows(&self, plan: &LogicalPlan) -> Result<Rows, Unmergeable> {
        self.subqueries(plan)?;
        match plan {
            LogicalPlan::TableScan(scan) => Ok(Rows {
                columns: told_by_rows(plan),
                of_table: scan.table_name.table() == self.0,
                grouped: false,
            }),
            LogicalPlan::Projection(projection) => {
                let input = self.rows(&projection.input)?;
                let schema = projection.input.schema();
                let columns = projection.expr.iter();
                let columns = columns.map(|expr| origin(expr, schema, &input.columns));
                Ok(Rows {
                    columns: columns.collect(),
                    ..input
                })
            }
            LogicalPlan::Filter(filter) => {
                let input = self.rows(&filter.input)?;
                let condition = origin(&filter.predicate, filter.input.schema(), &input.columns);
                only_of_rows(condition, "a condition (HAVING) judges")?;
                Ok(input)
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(plan, aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut rows = self.rows(input)?;
                if rows.of_table {
                    rows.grouped = true;
                    // Rows that are alike become one within a batch, and not between two.
                    rows.columns.iter_mut().for_each(Origin::judged);
                }
                Ok(rows)
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(plan, &union.inputs),
            LogicalPlan::SubqueryAlias(alias) => self.rows(&alias.input),
            LogicalPlan::Subquery(subquery) => self.rows(&subquery.subquery),
            LogicalPlan::Repartition(repartition) => self.rows(&repartition.input),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.rows(&sort.input),
            _ => self.other(plan),
        }
    }

    /// No subquery may look at the table: it would see one batch of it.
    fn subqueries(&self, plan: &LogicalPlan) -> Result<(), Unmergeable> {
        let mut found = None;
        let visited = plan.apply_subqueries(|subquery| {
            match self.rows(subquery) {
                Ok(rows) if rows.of_table => {
                    let how = format!("a subquery looks at other rows of {}", self.0);
                    found = Some(Unmergeable::compares(&how));
                }
                Ok(_) => {}
                Err(why) => found = Some(why),
            }
            Ok(TreeNodeRecursion::Continue)
        });
        match (found, visited) {
            (Some(why), _) => Err(why),
            (None, Ok(_)) => Ok(()),
            (None, Err(error)) => Err(Unmergeable::new(error.to_string(), "simplify the query")),
        }
    }

    fn aggregate(&self, plan: &LogicalPlan, aggregate: &Aggregate) -> Result<Rows, Unmergeable> {
        let input = self.rows(&aggregate.input)?;
        if !input.of_table {
            // Whole in every batch.
            return Ok(Rows {
                columns: told_by_rows(plan),
                ..input
            });
        }
        let schema = aggregate.input.schema();
        let mut columns = Vec::new();
        for key in &aggregate.group_expr {
            if matches!(key, Expr::GroupingSet(_)) {
                return Err(Unmergeable::new(
                    "the query groups in several ways at once",
                    "write a signal for each",
                ));
            }
            // To group by what was added up makes more groups, which merge. It may not be shown.
            let mut key = origin(key, schema, &input.columns);
            key.judged();
            columns.push(key);
        }
        for measure in &aggregate.aggr_expr {
            columns.push(added_up(measure, schema, &input)?);
        }
        Ok(Rows {
            columns,
            of_table: true,
            grouped: true,
        })
    }

    fn join(&self, join: &Join) -> Result<Rows, Unmergeable> {
        let (left, right) = (self.rows(&join.left)?, self.rows(&join.right)?);
        if left.of_table && right.of_table {
            let how = format!("the query joins {} with itself", self.0);
            return Err(Unmergeable::compares(&how));
        }
        let sides = [(&join.left, &left.columns), (&join.right, &right.columns)];
        let asked = join.on.iter().flat_map(|(one, other)| [one, other]);
        for part in asked.chain(&join.filter).chain(lateral(&join.right)) {
            for (side, columns) in sides {
                only_of_rows(origin(part, side.schema(), columns), "a join asks for")?;
            }
        }
        let of_table = left.of_table || right.of_table;
        let both = || [left.columns.as_slice(), &right.columns].concat();
        let (keeps_others, columns) = match join.join_type {
            JoinType::Inner => (false, both()),
            JoinType::Left => (right.of_table, both()),
            JoinType::Right => (left.of_table, both()),
            JoinType::Full => (of_table, both()),
            JoinType::LeftSemi | JoinType::LeftAnti => (right.of_table, left.columns),
            JoinType::RightSemi | JoinType::RightAnti => (left.of_table, right.columns),
            _ => (of_table, Vec::new()),
        };
        if keeps_others {
            return Err(Unmergeable::new(
                format!(
                    "a join keeps rows that are none of {}, once for each batch",
                    self.0
                ),
                format!("begin with {} and join the other table to it", self.0),
            ));
        }
        Ok(Rows {
            columns,
            of_table,
            grouped: left.grouped || right.grouped,
        })
    }

    /// Each input sees each row by itself, so the table may be read several times.
    fn union(&self, plan: &LogicalPlan, inputs: &[Arc<LogicalPlan>]) -> Result<Rows, Unmergeable> {
        let mut all = Rows {
            columns: Vec::new(),
            of_table: false,
            grouped: false,
        };
        let inputs = inputs.iter().map(|input| self.rows(input));
        let inputs: Vec<Rows> = inputs.collect::<Result<_, _>>()?;
        if inputs.iter().any(|rows| rows.of_table) && !inputs.iter().all(|rows| rows.of_table) {
            return Err(Unmergeable::new(
                format!(
                    "a part of the UNION does not read {}, and comes with each batch",
                    self.0
                ),
                format!("select from {} in each part", self.0),
            ));
        }
        for rows in &inputs {
            if all.columns.is_empty() {
                all.columns.clone_from(&rows.columns);
            }
            for (known, also) in all.columns.iter_mut().zip(&rows.columns) {
                *known = match (*known, *also) {
                    (one, other) if one == other => one,
                    (Origin::Row(_), Origin::Row(_)) => Origin::Row(None),
                    _ => Origin::Batch,
                };
            }
            all.of_table |= rows.of_table;
            all.grouped |= rows.grouped;
        }
        debug_assert_eq!(all.columns.len(), plan.schema().fields().len());
        Ok(all)
    }

    /// Windows, LIMIT and whatever else: fine where they do not see the table.
    fn other(&self, plan: &LogicalPlan) -> Result<Rows, Unmergeable> {
        let (mut of_table, mut grouped, mut added_up) = (false, false, false);
        for input in plan.inputs() {
            let rows = self.rows(input)?;
            of_table |= rows.of_table;
            grouped |= rows.grouped;
            added_up |= rows
                .columns
                .iter()
                .any(|one| !matches!(one, Origin::Row(_)));
        }
        if of_table && !matches!(plan, LogicalPlan::Unnest(_)) {
            let node = plan.display().to_string();
            let node = node.split([':', ' ']).next().unwrap_or_default().to_owned();
            return Err(Unmergeable::compares(&format!(
                "{node} puts rows of {} beside each other",
                self.0
            )));
        }
        let mut columns = told_by_rows(plan);
        if added_up {
            columns.fill(Origin::Batch);
        }
        Ok(Rows {
            columns,
            of_table,
            grouped,
        })
    }
}

fn told_by_rows(plan: &LogicalPlan) -> Vec<Origin> {
    vec![Origin::Row(None); plan.schema().fields().len()]
}

/// What a lateral subquery takes from the rows before it.
fn lateral(plan: &LogicalPlan) -> &[Expr] {
    match plan {
        LogicalPlan::Subquery(Subquery {
            outer_ref_columns, ..
        }) => outer_ref_columns,
        LogicalPlan::SubqueryAlias(alias) => lateral(&alias.input),
        _ => &[],
    }
}

fn only_of_rows(origin: Origin, how: &str) -> Result<(), Unmergeable> {
    match origin {
        Origin::Row(_) => Ok(()),
        Origin::Measure(..) | Origin::Batch => Err(Unmergeable::judges(how)),
    }
}

/// What an aggregate makes of rows, or of groups that were added up before.
fn added_up(measure: &Expr, schema: &DFSchema, input: &Rows) -> Result<Origin, Unmergeable> {
    let Expr::AggregateFunction(call) = measure.clone().unalias() else {
        return Ok(Origin::Batch);
    };
    let merge = match call.func.name() {
        "count" | "sum" => Merge::Sum,
        "min" => Merge::Min,
        "max" => Merge::Max,
        name => {
            return Err(Unmergeable::new(
                format!("{name}() cannot be merged with that of another batch"),
                "use count, sum, min or max",
            ));
        }
    };
    if let Some(filter) = &call.params.filter {
        only_of_rows(origin(filter, schema, &input.columns), "a FILTER judges")?;
    }
    let parts = call.params.args.iter();
    let mut parts = parts.map(|part| origin(part, schema, &input.columns));
    let is_least_or_greatest = merge != Merge::Sum;
    let counts = call.func.name() == "count";
    let fits = parts.all(|part| match part {
        Origin::Row(_) => is_least_or_greatest || !input.grouped,
        Origin::Measure(before, _) => before == merge && !counts,
        Origin::Batch => false,
    });
    // Groups of one batch are counted, and come again in the next.
    let fits =
        fits && (!counts || !input.grouped) && (is_least_or_greatest || !call.params.distinct);
    if fits {
        let presence = if counts {
            Presence::Always
        } else {
            Presence::Perhaps
        };
        return Ok(Origin::Measure(merge, presence));
    }
    Err(Unmergeable::judges(&format!(
        "{}() is made of",
        call.func.name()
    )))
}

#[cfg(test)]
mod tests;
