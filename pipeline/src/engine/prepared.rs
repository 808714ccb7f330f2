//! A query that was planned once and runs on many inputs.
//!
//! In: SQL and the tables it may see. Out: rows for each input. Must hold: no state of one run
//! reaches the next: operators that remember (a join's build side) are reset before each; a query
//! that would see no row of its input is not run.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionConfig;

use super::group::exchanged;
use super::input::{Input, InputTable, Scan};

/// A planned query.
pub(super) struct Prepared {
    plan: Arc<dyn ExecutionPlan>,
    /// Whether an operator may keep something of a run.
    remembers: bool,
    /// Everything that the plan reads of the input.
    scans: Vec<Arc<Scan>>,
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    /// What the query gives for no rows, and so for rows of which it would see none.
    of_nothing: Vec<RecordBatch>,
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
    /// Plans a query that was optimized. The session is the one that its tables are known to.
    pub(super) async fn new(
        state: &SessionState,
        optimized: &LogicalPlan,
        table: &InputTable,
    ) -> Result<Self, DataFusionError> {
        let planner = state.query_planner();
        let plan = exchanged(planner.create_physical_plan(optimized, state).await?)?;
        let mut prepared = Self {
            remembers: remembers(&plan),
            plan,
            scans: table.take_scans(),
            config: state.config().clone(),
            runtime: Arc::clone(state.runtime_env()),
            of_nothing: Vec::new(),
        };
        prepared.of_nothing = prepared.collect(Arc::default()).await?;
        Ok(prepared)
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// Runs the query on this input.
    pub(super) async fn run(&self, input: Arc<Input>) -> Result<Vec<RecordBatch>, DataFusionError> {
        for scan in &self.scans {
            if scan.selects_any(&input)? {
                return self.collect(input).await;
            }
        }
        Ok(self.of_nothing.clone())
    }

    async fn collect(&self, input: Arc<Input>) -> Result<Vec<RecordBatch>, DataFusionError> {
        let mut plan = Arc::clone(&self.plan);
        if self.remembers {
            plan = reset_plan_states(plan)?;
        }
        // Functions are in the plan already: the context carries none, for a copy of all of them
        // costs more than most queries.
        let task = TaskContext::new(
            None,
            String::new(),
            self.config.clone().with_extension(input),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::clone(&self.runtime),
        );
        let mut rows = collect(plan, Arc::new(task)).await?;
        rows.retain(|batch| batch.num_rows() > 0);
        Ok(rows)
    }
}

/// Operators that keep nothing from one run to the next.
const FORGETFUL: [&str; 8] = [
    "CoalesceBatchesExec",
    "CooperativeExec",
    "DataSourceExec",
    "FilterExec",
    "GroupExec",
    "ProjectionExec",
    "StreamingTableExec",
    "UnionExec",
];

fn remembers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    !FORGETFUL.contains(&plan.name()) || plan.children().into_iter().any(remembers)
}
