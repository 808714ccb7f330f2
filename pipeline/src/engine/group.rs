//! Grouping inside a plan: DataFusion's operator, exchanged for our own.
//!
//! In: a physical plan. Out: the same plan, in which rows are grouped by [`trailflow_grouping`]
//! wherever that can do what the query asks: plain grouping by texts, numbers and times; count, sum,
//! least and greatest. Anything else stays DataFusion's, and reads texts that are spelled out. Must
//! hold: the same rows come out, in another order perhaps.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::TryStreamExt as _;
use trailflow_grouping::{Function, Grouping, Measure};

use super::expression::Expression;
use super::plain::PlainExec;

/// The plan with our operator in place of DataFusion's.
pub(super) fn exchanged(
    plan: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let plan = plan.transform_up(|node| {
        if node.is::<StreamingTableExec>() {
            let spelled_out: Arc<dyn ExecutionPlan> = Arc::new(PlainExec::new(node));
            return Ok(Transformed::yes(spelled_out));
        }
        let group = node.downcast_ref::<AggregateExec>().and_then(GroupExec::of);
        Ok(match group {
            Some(group) => Transformed::yes(Arc::new(group)),
            None => Transformed::no(node),
        })
    })?;
    Ok(plan.data)
}

/// Groups all rows of its input.
#[derive(Debug)]
struct GroupExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Vec<Expression>,
    measures: Vec<Measured>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

/// One measure of the query.
#[derive(Debug, Clone)]
struct Measured {
    function: Function,
    /// Nothing: every row counts.
    value: Option<Expression>,
    filter: Option<Expression>,
}

/// What a grouping reads: a scan as it is, for dictionaries are welcome here, or what its plan says.
struct Source<'a> {
    input: Arc<dyn ExecutionPlan>,
    /// What stood between the scan and the grouping.
    projection: Option<&'a ProjectionExec>,
}

impl<'a> Source<'a> {
    fn of(input: &'a Arc<dyn ExecutionPlan>) -> Self {
        let scan_of = |plan: &Arc<dyn ExecutionPlan>| {
            let plain = plan.downcast_ref::<PlainExec>();
            plain.map(|plain| Arc::clone(plain.scan()))
        };
        if let Some(scan) = scan_of(input) {
            return Self {
                input: scan,
                projection: None,
            };
        }
        // What is said of one column is said of its distinct texts: it may be said more than once. What
        // reads several stays, for DataFusion has put it there to be worked out only once.
        let projection = input.downcast_ref::<ProjectionExec>().filter(|projection| {
            let mut parts = projection.expr().iter();
            parts.all(|part| collect_columns(&part.expr).len() <= 1)
        });
        let scan = projection.and_then(|projection| scan_of(projection.input()));
        Self {
            projection: projection.filter(|_| scan.is_some()),
            input: scan.unwrap_or_else(|| Arc::clone(input)),
        }
    }

    /// The expression over the columns of what is read.
    fn expression(&self, expression: &Arc<dyn PhysicalExpr>) -> Option<Expression> {
        let mut expression = Arc::clone(expression);
        if let Some(projection) = self.projection {
            let over_scan = expression.transform(|part| {
                let column = part.downcast_ref::<Column>().map(Column::index);
                let projected = column.and_then(|column| projection.expr().get(column));
                Ok(match projected {
                    // What stands there already is over the scan: not to be looked into.
                    Some(projected) => {
                        Transformed::new(Arc::clone(&projected.expr), true, TreeNodeRecursion::Jump)
                    }
                    None => Transformed::no(part),
                })
            });
            expression = over_scan.ok()?.data;
        }
        Expression::new(expression, &self.input.schema()).ok()
    }
}

impl GroupExec {
    /// The same grouping, if it can be done here.
    fn of(node: &AggregateExec) -> Option<Self> {
        let group = node.group_expr();
        let single = matches!(
            node.mode(),
            AggregateMode::Single | AggregateMode::SinglePartitioned
        );
        if !single
            || !group.is_single()
            || group.expr().is_empty()
            || node.limit_options().is_some()
        {
            return None;
        }
        let schema = node.schema();
        let source = Source::of(node.input());
        let over_input = |expression: &Arc<dyn PhysicalExpr>| source.expression(expression);
        let keys = group.expr().iter().map(|(key, _)| over_input(key));
        let keys: Vec<_> = keys.collect::<Option<_>>()?;
        let (key_fields, measure_fields) = schema.fields().split_at_checked(keys.len())?;
        if !key_fields
            .iter()
            .all(|field| Grouping::takes(field.data_type()))
        {
            return None;
        }
        let mut measures = Vec::new();
        let asked = node.aggr_expr().iter().zip(node.filter_expr());
        for ((measure, filter), field) in asked.zip(measure_fields) {
            let function = match measure.fun().name() {
                "count" => Function::Count,
                "sum" => Function::Sum,
                "min" => Function::Min,
                "max" => Function::Max,
                _ => return None,
            };
            let plain = !measure.is_distinct() && measure.order_bys().is_empty();
            let arguments = measure.expressions();
            let [value] = arguments.as_slice() else {
                return None;
            };
            if !plain || !Measure::takes(function, field.data_type()) {
                return None;
            }
            let counts_all = function == Function::Count
                && value
                    .downcast_ref::<Literal>()
                    .is_some_and(|literal| !literal.value().is_null());
            let value = if counts_all {
                None
            } else {
                Some(over_input(value)?)
            };
            let filter = match filter {
                Some(filter) => Some(over_input(filter)?),
                None => None,
            };
            measures.push(Measured {
                function,
                value,
                filter,
            });
        }
        Some(Self {
            input: source.input,
            keys,
            measures,
            schema,
            properties: Arc::clone(node.properties()),
        })
    }

    fn group(&self) -> Result<Group, DataFusionError> {
        let kinds: Vec<_> = self
            .schema
            .fields()
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let (keys, measures) = kinds
            .split_at_checked(self.keys.len())
            .unwrap_or((&kinds, &[]));
        let measure = |(measured, kind): (&Measured, _)| Measure::new(measured.function, kind);
        Ok(Group {
            keys: self.keys.clone(),
            measured: self.measures.clone(),
            grouping: Grouping::new(keys)?,
            measures: self
                .measures
                .iter()
                .zip(measures)
                .map(measure)
                .collect::<Result<_, _>>()?,
            numbers: Vec::new(),
            schema: Arc::clone(&self.schema),
        })
    }
}

/// A grouping under way.
struct Group {
    keys: Vec<Expression>,
    measured: Vec<Measured>,
    grouping: Grouping,
    measures: Vec<Measure>,
    /// The group of each row of the batch at hand.
    numbers: Vec<u32>,
    schema: SchemaRef,
}

impl Group {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        let keys = self.keys.iter().map(|key| key.key(batch));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        self.grouping.assign(&keys, &mut self.numbers)?;
        for (measured, measure) in self.measured.iter().zip(&mut self.measures) {
            let value = measured.value.as_ref();
            let value = value.map(|value| value.evaluate(batch)).transpose()?;
            let filter = match &measured.filter {
                Some(filter) => Some(truths(&filter.evaluate(batch)?)?),
                None => None,
            };
            measure.add(
                &self.numbers,
                self.grouping.len(),
                value.as_ref(),
                filter.as_ref(),
            )?;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let measures: usize = self.measures.iter().map(Measure::bytes).sum();
        self.grouping.bytes() + measures
    }

    fn finish(&self) -> Result<Option<RecordBatch>, DataFusionError> {
        if self.grouping.is_empty() {
            return Ok(None);
        }
        let mut columns = self.grouping.finish()?;
        for measure in &self.measures {
            columns.push(measure.finish()?);
        }
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?))
    }
}

fn truths(value: &ArrayRef) -> Result<BooleanArray, DataFusionError> {
    value.as_boolean_opt().cloned().ok_or_else(|| {
        DataFusionError::Internal(String::from("the filter of a measure is no condition"))
    })
}

impl ExecutionPlan for GroupExec {
    fn name(&self) -> &'static str {
        "GroupExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        let measured = self.measures.iter();
        let parts = measured.flat_map(|measure| measure.value.iter().chain(&measure.filter));
        for expression in self.keys.iter().chain(parts) {
            if visit(expression.whole())? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return Err(DataFusionError::Internal(String::from(
                "a grouping has one input",
            )));
        };
        Ok(Arc::new(Self {
            input,
            keys: self.keys.clone(),
            measures: self.measures.clone(),
            schema: Arc::clone(&self.schema),
            properties: Arc::clone(&self.properties),
        }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let mut input = self.input.execute(partition, Arc::clone(&context))?;
        let mut group = self.group()?;
        let grouped = async move {
            // Counts against the memory that all queries share.
            let reservation = MemoryConsumer::new("grouping").register(context.memory_pool());
            while let Some(batch) = input.try_next().await? {
                group.add(&batch)?;
                reservation.try_resize(group.bytes())?;
            }
            group.finish()
        };
        let rows = futures::stream::once(grouped);
        let rows = rows.try_filter_map(|rows| futures::future::ready(Ok(rows)));
        let schema = Arc::clone(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

impl DisplayAs for GroupExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GroupExec: {} keys, {} measures",
            self.keys.len(),
            self.measures.len()
        )
    }
}
