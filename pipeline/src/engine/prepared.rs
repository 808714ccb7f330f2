//! A query that was planned once and runs on many inputs.
//!
//! In: SQL and the tables it may see. Out: rows for each input. Must hold: no state of one run
//! reaches the next: operators that remember (a join's build side) are reset before each.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::input::Input;

/// A planned query.
pub(super) struct Prepared {
    plan: Arc<dyn ExecutionPlan>,
    context: SessionContext,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("schema", &self.plan.schema())
            .finish_non_exhaustive()
    }
}

/// One partition: a batch is small, and other batches use the other cores.
pub(super) fn session_config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_information_schema(false)
        .with_batch_size(crate::limits::BATCH_ROWS_MAX);
    // Dynamic filters live in the plan and would carry one run's values into the next.
    let optimizer = &mut config.options_mut().optimizer;
    // It moves JSON functions below the filters, and every row would be parsed.
    optimizer.enable_leaf_expression_pushdown = false;
    optimizer.enable_dynamic_filter_pushdown = false;
    optimizer.enable_topk_dynamic_filter_pushdown = false;
    optimizer.enable_join_dynamic_filter_pushdown = false;
    optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    config
}

impl Prepared {
    pub(super) async fn new(
        context: &SessionContext,
        logical: &LogicalPlan,
    ) -> Result<Self, DataFusionError> {
        let plan = context.state().create_physical_plan(logical).await?;
        Ok(Self {
            plan,
            context: context.clone(),
        })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// Runs the query on these batches.
    pub(super) async fn run(
        &self,
        batches: Vec<RecordBatch>,
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        let plan = reset_plan_states(Arc::clone(&self.plan))?;
        let state = self.context.state();
        let config = state
            .config()
            .clone()
            .with_extension(Arc::new(Input(batches)));
        let task = TaskContext::from(&state).with_session_config(config);
        let rows = collect(plan, Arc::new(task)).await?;
        Ok(rows
            .into_iter()
            .filter(|batch| batch.num_rows() > 0)
            .collect())
    }
}
