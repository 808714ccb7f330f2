//! From a signal's text to two planned queries, or to everything that is wrong with it.
//!
//! In: a signal whose header is proved. Out: [`Planned`]. Must hold: what is planned sees its own
//! table and the reference tables only, is deterministic, and yields the columns that the header
//! promises (I7).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::prelude::SessionContext;

use super::input::InputTable;
use super::prepared::{Prepared, session_config};
use super::{Planned, merge, output, reference};
use crate::decode::{Table, cloudtrail, flow_logs};
use crate::finding::{Finding, Findings};
use crate::signal::Signal;

/// The name of the table that a merge reads.
const PARTIAL: &str = "partial";

/// The columns of a table.
pub fn schema_of(table: Table) -> SchemaRef {
    match table {
        Table::Cloudtrail => cloudtrail::schema(),
        Table::FlowLogs => flow_logs::schema(),
        Table::TransitGatewayFlowLogs => flow_logs::transit_gateway_schema(),
    }
}

/// Plans a signal's query and the merge of its rows.
pub(super) async fn plan(
    signal: Signal,
    reference: &[(&'static str, RecordBatch)],
    runtime: &Arc<RuntimeEnv>,
) -> Result<Planned, Findings> {
    let mut context = SessionContext::new_with_config_rt(session_config(), Arc::clone(runtime));
    let failed = |error: &DataFusionError, fix: &str| at_query(&signal, &reason(error), fix);
    // Signals over rollups are planned elsewhere.
    let source = signal.header.source.table().unwrap_or(Table::Cloudtrail);
    let table = register(&mut context, source, reference)
        .map_err(|error| failed(&error, "report this as a bug"))?;
    let logical = context
        .state()
        .create_logical_plan(&signal.sql)
        .await
        .map_err(|error| {
            failed(
                &error,
                &format!("use the columns of the table {}", source.name()),
            )
        })?;
    let mut findings = Findings::default();
    findings.extend(volatile(&logical).map(|function| {
        let what = format!("{function} does not give the same value for the same rows");
        finding(&signal, &what, "use the event's own time, and no chance")
    }));
    let columns = output::columns(&signal.header);
    findings.extend(output::mismatches(
        &signal,
        &columns,
        logical.schema().as_arrow(),
    ));
    if !findings.is_empty() {
        return Err(findings);
    }
    let optimized = context.state().optimize(&logical);
    let optimized = optimized.map_err(|error| failed(&error, "simplify the query"))?;
    let evaluate = Prepared::new(&context, &optimized, &table).await;
    let evaluate = evaluate.map_err(|error| failed(&error, "simplify the query"))?;
    let merge = merging(&columns, evaluate.schema(), runtime).await;
    let merge = merge.map_err(|error| failed(&error, "make every measure a number"))?;
    Ok(Planned {
        signal,
        evaluate,
        merge,
    })
}

fn register(
    context: &mut SessionContext,
    source: Table,
    reference: &[(&'static str, RecordBatch)],
) -> Result<Arc<InputTable>, DataFusionError> {
    let table = InputTable::new(schema_of(source));
    context.register_table(source.name(), Arc::clone(&table) as Arc<dyn TableProvider>)?;
    reference::register(context, reference)?;
    Ok(table)
}

async fn merging(
    columns: &crate::signal::Rollup,
    partial: SchemaRef,
    runtime: &Arc<RuntimeEnv>,
) -> Result<Prepared, DataFusionError> {
    let context = SessionContext::new_with_config_rt(session_config(), Arc::clone(runtime));
    let table = InputTable::new(partial);
    context.register_table(PARTIAL, Arc::clone(&table) as Arc<dyn TableProvider>)?;
    let logical = context
        .state()
        .create_logical_plan(&merge::sql(columns, PARTIAL, None))
        .await?;
    let optimized = context.state().optimize(&logical)?;
    Prepared::new(&context, &optimized, &table).await
}

/// The first function that depends on more than its arguments. Looked for before the optimizer
/// replaces `now()` by a constant.
pub(super) fn volatile(plan: &LogicalPlan) -> Option<String> {
    let mut found = None;
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|inner| {
                if let Expr::ScalarFunction(call) = inner
                    && call.func.signature().volatility != Volatility::Immutable
                {
                    found = Some(format!("{}()", call.func.name()));
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    match visited {
        Ok(_) => found,
        Err(error) => Some(reason(&error)),
    }
}

/// DataFusion's message without its frames.
pub(super) fn reason(error: &DataFusionError) -> String {
    let message = error.strip_backtrace();
    message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned()
}

pub(super) fn at_query(signal: &Signal, what: &str, fix: &str) -> Findings {
    Findings::from(finding(signal, what, fix))
}

pub(super) fn finding(signal: &Signal, what: &str, fix: &str) -> Finding {
    Finding::new(&signal.file, Some(signal.sql_line), what, fix)
}
