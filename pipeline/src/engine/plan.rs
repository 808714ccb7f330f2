//! From a signal's text to its planned query and merge, or to everything that is wrong with it.
//!
//! In: a signal whose header is proved. Out: [`Planned`], and later its [`Prepared`] query: what a query
//! says is looked at in any case, how it is best run only when it will be. Must hold: what is planned sees its own
//! table and the reference tables only, is deterministic, and yields the columns that the header
//! promises (I7).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Volatility};
use datafusion::prelude::SessionContext;
use tokio::sync::{Mutex, OnceCell};

use super::date_bin::date_bin;
use super::input::InputTable;
use super::merge::Merging;
use super::mergeable::{Unmergeable, unmergeable};
use super::prepared::{Prepared, session_config};
use super::{Planned, any_type, output, reference, sql};
use crate::decode::Table;
use crate::finding::{Finding, Findings};
use crate::running::Running;
use crate::signal::Signal;

/// Plans signals: what each of them sees is made once.
#[derive(Debug)]
pub(super) struct Planner {
    sessions: BTreeMap<Table, Arc<Session>>,
}

/// What a query over one table sees.
struct Session {
    state: SessionState,
    table: Arc<InputTable>,
    /// Held while a query is prepared: the table gathers its scans.
    preparing: Mutex<()>,
}

/// What a signal's query says.
#[derive(Debug)]
pub(super) struct Query {
    session: Arc<Session>,
    logical: LogicalPlan,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Planner {
    /// A planner with these reference tables.
    pub(super) fn new(
        reference: &[(&'static str, RecordBatch)],
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Self, DataFusionError> {
        let mut sessions = BTreeMap::new();
        for table in Table::ALL {
            sessions.insert(table, Arc::new(Session::new(table, reference, runtime)?));
        }
        Ok(Self { sessions })
    }

    /// Plans all of them, as many at once as there are cores; in their order.
    pub(super) async fn plan_all(self, signals: Vec<Signal>) -> Vec<Result<Planned, Findings>> {
        let planner = Arc::new(self);
        let begun = signals.into_iter().map(|signal| {
            let planner = Arc::clone(&planner);
            Running::begin(async move { planner.plan(signal).await })
        });
        let begun: Vec<_> = begun.collect();
        let mut all = Vec::new();
        for mut signal in begun {
            all.push(signal.end().await);
        }
        all
    }

    /// Plans a signal's query and the merge of its rows.
    pub(super) async fn plan(&self, signal: Signal) -> Result<Planned, Findings> {
        // Signals over rollups are planned elsewhere.
        let source = signal.header.source.table().unwrap_or(Table::Cloudtrail);
        let Some(session) = self.sessions.get(&source) else {
            return Err(at_query(
                &signal,
                "its table is unknown",
                "report this as a bug",
            ));
        };
        let logical = sql::plan(&session.state, &signal.sql).await;
        let logical = logical.map_err(|error| {
            let fix = match error.find_root() {
                DataFusionError::SchemaError(..) => {
                    format!("use the columns of the table {}", source.name())
                }
                DataFusionError::Plan(what) if what.contains("table '") => {
                    format!("read from {} and the reference tables", source.name())
                }
                _ => String::from("correct the SQL"),
            };
            at_query(&signal, &reason(&error), &fix)
        })?;
        let mut findings = Findings::default();
        findings.extend(volatile(&logical).map(|function| {
            let what = format!("{function} does not give the same value for the same rows");
            finding(&signal, &what, "use the event's own time, and no chance")
        }));
        // What is built in has passed `check`, as files: it costs to look.
        if !signal.is_built_in() {
            let misused = any_type::misused(&logical);
            findings.extend(misused.map(|what| finding(&signal, &what, any_type::FIX)));
        }
        if compares_with_a_condition(&logical) {
            let what = "IS DISTINCT FROM takes in all that stands behind it, AND and OR too";
            findings.extend(at_query(
                &signal,
                what,
                "put the comparison into parentheses",
            ));
        }
        let columns = output::columns(&signal.header);
        let output = logical.schema().as_arrow();
        findings.extend(output::mismatches(&signal, &columns, output));
        if let Some(Unmergeable { what, fix }) = unmergeable(&logical, source.name(), &columns) {
            findings.extend(at_query(&signal, &what, &fix));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let merge = Merging::new(&columns, output);
        let merge = merge.map_err(|error| {
            let fix = "cast it: grain to VARCHAR, BIGINT or a time, measures to BIGINT or DOUBLE";
            at_query(&signal, &error.to_string(), fix)
        })?;
        Ok(Planned {
            signal,
            query: Query {
                session: Arc::clone(session),
                logical,
            },
            prepared: OnceCell::new(),
            merge,
        })
    }
}

impl Query {
    /// Works out how the query is run.
    pub(super) async fn prepare(&self) -> Result<Prepared, DataFusionError> {
        let Session {
            state,
            table,
            preparing,
        } = self.session.as_ref();
        let optimized = state.optimize(&self.logical)?;
        let _alone = preparing.lock().await;
        Prepared::new(state, &optimized, table).await
    }
}

impl Session {
    fn new(
        source: Table,
        reference: &[(&'static str, RecordBatch)],
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Self, DataFusionError> {
        let mut context = SessionContext::new_with_config_rt(session_config(), Arc::clone(runtime));
        let table = InputTable::new(source.schema());
        let provider: Arc<dyn TableProvider> = Arc::<InputTable>::clone(&table);
        context.register_table(source.name(), provider)?;
        reference::register(&mut context, reference)?;
        context.register_udf(date_bin());
        Ok(Self {
            state: context.state(),
            table,
            preparing: Mutex::new(()),
        })
    }
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

/// Whether a comparison by IS DISTINCT FROM has an AND or an OR as its right side: the parser binds it more
/// loosely than both, and nobody means that.
fn compares_with_a_condition(plan: &LogicalPlan) -> bool {
    let is_condition = |side: &Expr| matches!(side, Expr::BinaryExpr(binary) if matches!(binary.op, Operator::And | Operator::Or));
    let mut found = false;
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|inner| {
                let Expr::BinaryExpr(binary) = inner else {
                    return Ok(false);
                };
                let by_distinct = matches!(
                    binary.op,
                    Operator::IsDistinctFrom | Operator::IsNotDistinctFrom
                );
                Ok(by_distinct && is_condition(&binary.right))
            })?;
            Ok(TreeNodeRecursion::Continue)
        })
    });
    visited.is_ok() && found
}

/// DataFusion's message without its frames.
pub(super) fn reason(error: &DataFusionError) -> String {
    let message = match error {
        DataFusionError::SQL(error, _) => error.to_string(),
        // What it was doing when it failed tells little.
        _ => error.find_root().strip_backtrace(),
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().trim_end_matches('.');
    // A regular expression is told about over several lines, the last of which says what is wrong.
    match lines.next_back().filter(|_| first.ends_with(':')) {
        Some(last) => format!("{first} {}", last.trim()),
        None => first.to_owned(),
    }
}

pub(super) fn at_query(signal: &Signal, what: &str, fix: &str) -> Findings {
    Findings::from(finding(signal, what, fix))
}

pub(super) fn finding(signal: &Signal, what: &str, fix: &str) -> Finding {
    Finding::new(&signal.file, Some(signal.sql_line), what, fix)
}
