//! A query that was planned once and runs on many inputs.
//!
//! In: SQL and the tables it may see. Out: rows for each input. Must hold: no state of one run
//! reaches the next, and nothing of a run is kept: each runs a copy of the plan, for operators hold
//! a join's build side, and all of them the measurements of every run. A query that would see no
//! row of its input is not run.

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
    /// Never run itself.
    plan: Arc<dyn ExecutionPlan>,
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
    let optimizer = &mut config.options_mut().optimizer;
    // It moves JSON functions below the filters, and every row would be parsed.
    optimizer.enable_leaf_expression_pushdown = false;
    // A further pass costs as much as the first, and has little left to do in queries like these.
    optimizer.max_passes = 1;
    // Dynamic filters live in the plan and would carry one run's values into the next.
    optimizer.enable_dynamic_filter_pushdown = false;
    optimizer.enable_topk_dynamic_filter_pushdown = false;
    optimizer.enable_join_dynamic_filter_pushdown = false;
    optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    config.options_mut().execution.time_zone = Some(String::from(super::TIME_ZONE));
    // VARCHAR is the text that columns have, and that our grouping takes.
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
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
        let plan = reset_plan_states(Arc::clone(&self.plan))?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Reference;
    use crate::decode::Table;
    use crate::engine::Engine;
    use crate::engine::proof::decoded;
    use crate::signal::Catalog;

    /// Measurements that the operators of a plan hold.
    fn measurements(plan: &Arc<dyn ExecutionPlan>) -> usize {
        let own = plan.metrics().map_or(0, |metrics| metrics.iter().count());
        let of_children = plan.children().into_iter().map(measurements);
        own + of_children.sum::<usize>()
    }

    #[tokio::test]
    async fn runs_leave_nothing_in_the_plan() {
        let mut catalog = Catalog::built_in().unwrap();
        catalog
            .signals
            .retain(|signal| signal.header.name == "root_use");
        let reference = Reference::default();
        let engine = Engine::new(catalog, &reference, 64 << 20);
        let engine = engine.await.unwrap();
        let prepared = engine.planned[0].prepared().await.unwrap();
        let test = &engine.planned[0].signal.header.tests[0].input;
        let rows = decoded(Table::Cloudtrail, test, Path::new("")).unwrap();
        let input = Input::new(rows);
        for _ in 0..3 {
            let rows = prepared.run(Arc::clone(&input)).await.unwrap();
            assert!(!rows.is_empty());
        }
        assert_eq!(measurements(&prepared.plan), 0);
    }
}
