//! Grouping inside a plan: DataFusion's operator, exchanged for our own.
//!
//! In: a physical plan. Out: the same plan, in which rows are grouped by [`trailflow_grouping`]
//! wherever that can do what the query asks: plain grouping by texts, numbers and times; count, sum,
//! least and greatest. Anything else stays DataFusion's. Must hold: the same rows come out, in
//! another order perhaps.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::TryStreamExt as _;
use trailflow_grouping::{Function, Grouping, Measure};

/// The plan with our operator in place of DataFusion's.
pub(super) fn exchanged(
    plan: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let plan = plan.transform_up(|node| {
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
    keys: Vec<Arc<dyn PhysicalExpr>>,
    measures: Vec<Measured>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

/// One measure of the query.
#[derive(Debug, Clone)]
struct Measured {
    function: Function,
    /// Nothing: every row counts.
    value: Option<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
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
        let keys: Vec<_> = group
            .expr()
            .iter()
            .map(|(key, _)| Arc::clone(key))
            .collect();
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
            measures.push(Measured {
                function,
                value: (!counts_all).then(|| Arc::clone(value)),
                filter: filter.clone(),
            });
        }
        Some(Self {
            input: Arc::clone(node.input()),
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
    keys: Vec<Arc<dyn PhysicalExpr>>,
    measured: Vec<Measured>,
    grouping: Grouping,
    measures: Vec<Measure>,
    /// The group of each row of the batch at hand.
    numbers: Vec<u32>,
    schema: SchemaRef,
}

impl Group {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        let rows = batch.num_rows();
        let keys = self
            .keys
            .iter()
            .map(|key| key.evaluate(batch)?.into_array(rows));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        self.grouping.assign(&keys, &mut self.numbers)?;
        for (measured, measure) in self.measured.iter().zip(&mut self.measures) {
            let value = measured
                .value
                .as_ref()
                .map(|value| value.evaluate(batch)?.into_array(rows));
            let filter = match &measured.filter {
                Some(filter) => Some(truths(&filter.evaluate(batch)?, rows)?),
                None => None,
            };
            let value = value.transpose()?;
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

fn truths(value: &ColumnarValue, rows: usize) -> Result<BooleanArray, DataFusionError> {
    let array = value.to_array(rows)?;
    array.as_boolean_opt().cloned().ok_or_else(|| {
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
            if visit(expression)? == TreeNodeRecursion::Stop {
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
