//! Runs signals on batches.
//!
//! In: a catalogue, the reference tables, batches of one table. Out: partial aggregate rows; for
//! the signals over rollups, which [`scheduled`] runs, the series as they are now.
//!
//! ```text
//! signal ─ plan ─→ query ─┐
//! batches ────── input ───┴─→ partial rows ─ merge ─→ one row a grain
//! ```
//!
//! Must hold: a query is planned once at most and sees one table only; the same batch gives the same rows
//! (I7); with `query`, this is the only place that knows DataFusion.

pub mod any_type;
mod date_bin;
pub mod dates;
mod expression;
mod group;
mod input;
mod merge;
mod mergeable;
mod output;
mod plain;
pub mod plan;
pub mod proof;
mod prepared;
pub mod reference;
pub mod scheduled;
pub mod scheduled_proof;
pub mod sql;

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tokio::sync::OnceCell;

use crate::config::Reference;
use crate::decode::Table;
use crate::finding::{Finding, Findings};
use crate::signal::{Catalog, PARTIAL, Signal, is_table};
pub use input::Input;
use merge::Merging;
pub use merge::quoted;
use plan::{Planner, Query};
use prepared::Prepared;
use scheduled::Scheduled;

/// The zone of times that name none, as all of the lake's are. Without it `now()` and TIMESTAMPTZ have no zone,
/// and AT TIME ZONE takes them for local times: another instant.
pub const TIME_ZONE: &str = "UTC";

/// Every signal, planned.
#[derive(Debug)]
pub struct Engine {
    planned: Vec<Planned>,
    scheduled: Vec<Scheduled>,
    reference: Vec<(&'static str, RecordBatch)>,
}

/// One signal with its query and its merge.
#[derive(Debug)]
pub struct Planned {
    /// The signal as its file says it.
    pub signal: Signal,
    query: Query,
    /// Known from the first use on.
    prepared: OnceCell<Prepared>,
    merge: Merging,
}

impl Engine {
    /// Plans every signal, ready to run; reports every one that cannot be planned.
    pub async fn new(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
    ) -> Result<Self, Findings> {
        let (engine, findings) = Self::survey(catalog, reference, memory_bytes_max).await?;
        findings.or(engine)
    }

    /// The same, but that only the queries of these signals are made ready, the others when they are run
    /// first: for commands that end soon, and run few of them or none.
    pub async fn when_needed(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
        at_once: impl Fn(&Signal) -> bool,
    ) -> Result<Self, Findings> {
        let (mut engine, mut findings) = Self::plan(catalog, reference, memory_bytes_max).await?;
        findings.extend(engine.ready(at_once).await);
        findings.or(engine)
    }

    /// Plans what can be planned, ready to run, and reports what cannot.
    pub async fn survey(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
    ) -> Result<(Self, Findings), Findings> {
        let (mut engine, mut findings) = Self::plan(catalog, reference, memory_bytes_max).await?;
        findings.extend(engine.ready(|_| true).await);
        Ok((engine, findings))
    }

    /// Makes queries of these signals ready to run; those that cannot be are reported, and left out.
    async fn ready(&mut self, wanted: impl Fn(&Signal) -> bool) -> Findings {
        let mut findings = Findings::default();
        for planned in std::mem::take(&mut self.planned) {
            if wanted(&planned.signal)
                && let Err(error) = planned.prepared().await
            {
                let what = plan::reason(&error);
                findings.extend(plan::at_query(&planned.signal, &what, "simplify the query"));
            } else {
                self.planned.push(planned);
            }
        }
        findings
    }

    async fn plan(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
    ) -> Result<(Self, Findings), Findings> {
        let runtime = runtime(memory_bytes_max)?;
        let bug = |error: &dyn std::fmt::Display| {
            let (what, fix) = (error.to_string(), "report this as a bug");
            Findings::from(Finding::new(Path::new("engine"), None, what, fix))
        };
        let tables = reference::tables(reference).map_err(|error| bug(&error))?;
        let planner = Planner::new(&tables, &runtime).map_err(|error| bug(&error))?;
        let mut engine = Self {
            planned: Vec::new(),
            scheduled: Vec::new(),
            reference: tables,
        };
        let mut findings = Findings::default();
        let mut refused = catalog.refused;
        let (over_tables, over_rollups): (Vec<_>, Vec<_>) = catalog
            .signals
            .into_iter()
            // It is refused by its name, and its view would be refused again, as a bug.
            .filter(|signal| !is_table(&signal.header.name))
            .partition(|signal| signal.header.source.table().is_some());
        let name = |signal: &Signal| signal.header.name.clone();
        let names: Vec<String> = over_tables.iter().map(name).collect();
        for (name, planned) in names.into_iter().zip(planner.plan_all(over_tables).await) {
            match planned {
                Ok(one) => engine.planned.push(one),
                Err(found) => {
                    findings.extend(found);
                    refused.insert(name);
                }
            }
        }
        if over_rollups.is_empty() {
            return Ok((engine, findings));
        }
        let session = scheduled::session_of_views(&engine, &runtime);
        let session = session.map_err(|error| bug(&error))?;
        for signal in over_rollups {
            match scheduled::plan(signal, &session, &refused).await {
                Ok(one) => engine.scheduled.push(one),
                Err(found) => findings.extend(found),
            }
        }
        Ok((engine, findings))
    }

    /// The signals over tables, in the order of the catalogue.
    pub fn signals(&self) -> &[Planned] {
        &self.planned
    }

    /// The signals over rollups, in the order of the catalogue.
    pub fn scheduled(&self) -> &[Scheduled] {
        &self.scheduled
    }

    /// Every signal.
    pub fn all_signals(&self) -> impl Iterator<Item = &Signal> {
        let over_tables = self.planned.iter().map(|planned| &planned.signal);
        over_tables.chain(self.scheduled.iter().map(|scheduled| &scheduled.signal))
    }

    /// The names and rows of the reference tables.
    pub fn reference(&self) -> &[(&'static str, RecordBatch)] {
        &self.reference
    }
}

impl Planned {
    /// The signal's partial rows for rows of its table.
    pub async fn evaluate(&self, input: &Arc<Input>) -> Result<Vec<RecordBatch>, DataFusionError> {
        self.prepared().await?.run(Arc::clone(input)).await
    }

    async fn prepared(&self) -> Result<&Prepared, DataFusionError> {
        let prepare = || async {
            let prepared = self.query.prepare().await?;
            // What is merged was told from what the query says.
            let said = self.merge.schema();
            let columns = output::columns(&self.signal.header);
            let given = Merging::new(&columns, &prepared.schema())?.schema();
            if given == said {
                return Ok(prepared);
            }
            Err(DataFusionError::Plan(format!(
                "its columns are {said} as it is written, and {given} as it is run: cast them"
            )))
        };
        self.prepared.get_or_try_init(prepare).await
    }

    /// Partial rows of one grain merged into one.
    pub fn merge(&self, partial: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        self.merge.run(partial)
    }

    /// Whether merging many rows makes them fewer, as far as is known.
    pub fn merging_pays(&self) -> bool {
        self.merge.pays()
    }

    /// What merging that many rows made of them.
    pub fn learn_of_merge(&self, rows: usize, merged: usize) {
        self.merge.learn(rows, merged);
    }

    /// Partial rows in the columns of merged ones.
    pub fn aligned(&self, partial: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        self.merge.aligned(partial)
    }

    /// The columns of the merged rows: grain, then measures.
    pub fn rollup_schema(&self) -> SchemaRef {
        self.merge.schema()
    }

    /// The query that merges the signal's stored rows: its view. Nothing without a rollup.
    pub fn view_sql(&self) -> Option<String> {
        let rollup = self.signal.header.rollup.as_ref()?;
        Some(merge::sql(rollup, &self.rollup_table(), None))
    }

    /// The same, of the windows that begin at this time or later.
    pub fn view_sql_since(&self, since: DateTime<Utc>) -> Option<String> {
        let rollup = self.signal.header.rollup.as_ref()?;
        let condition = format!(
            "window_start >= to_timestamp_millis({})",
            since.timestamp_millis()
        );
        Some(merge::sql(rollup, &self.rollup_table(), Some(&condition)))
    }

    /// The name under which SQL sees the partial rows of the rollup.
    pub fn rollup_table(&self) -> String {
        format!("{}{PARTIAL}", self.name())
    }

    /// The folder of the partial rows, below the lake's root.
    pub fn rollup_path(&self) -> String {
        format!("rollups/{}", self.name())
    }

    /// The table that the signal reads.
    pub fn source(&self) -> Option<Table> {
        self.signal.header.source.table()
    }

    /// The signal's name.
    pub fn name(&self) -> &str {
        &self.signal.header.name
    }
}

/// Queries of all signals share one memory budget.
fn runtime(memory_bytes_max: usize) -> Result<Arc<RuntimeEnv>, Findings> {
    RuntimeEnvBuilder::new()
        .with_memory_limit(memory_bytes_max, 1.0)
        .build_arc()
        .map_err(|error| {
            let what = format!("the query engine does not start: {error}");
            Findings::from(Finding::new(
                Path::new("engine"),
                None,
                what,
                "raise memory_bytes_max",
            ))
        })
}
