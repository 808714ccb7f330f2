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
//! Must hold: a query is planned once and sees one table only; the same batch gives the same rows
//! (I7); with `query`, this is the only place that knows DataFusion.

mod input;
mod merge;
mod output;
pub mod plan;
pub mod proof;
mod prepared;
pub mod reference;
pub mod scheduled;
pub mod scheduled_proof;

use std::path::Path;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::config::Reference;
use crate::decode::Table;
use crate::finding::{Finding, Findings};
use crate::signal::{Catalog, Signal};
pub use input::Input;
use prepared::Prepared;
use scheduled::Scheduled;

/// Every signal, planned.
#[derive(Debug)]
pub struct Engine {
    planned: Vec<Planned>,
    scheduled: Vec<Scheduled>,
    reference: Vec<(&'static str, RecordBatch)>,
}

/// One signal with its two queries.
#[derive(Debug)]
pub struct Planned {
    /// The signal as its file says it.
    pub signal: Signal,
    evaluate: Prepared,
    merge: Prepared,
}

impl Engine {
    /// Plans every signal; reports every one that cannot be planned.
    pub async fn new(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
    ) -> Result<Self, Findings> {
        let (engine, findings) = Self::survey(catalog, reference, memory_bytes_max).await?;
        findings.or(engine)
    }

    /// Plans what can be planned, and reports what cannot.
    pub async fn survey(
        catalog: Catalog,
        reference: &Reference,
        memory_bytes_max: usize,
    ) -> Result<(Self, Findings), Findings> {
        let runtime = runtime(memory_bytes_max)?;
        let tables = reference::tables(reference).map_err(|error| {
            let fix = "report this as a bug";
            Findings::from(Finding::new(
                Path::new("engine"),
                None,
                error.to_string(),
                fix,
            ))
        })?;
        let mut engine = Self {
            planned: Vec::new(),
            scheduled: Vec::new(),
            reference: tables,
        };
        let mut findings = Findings::default();
        let (over_tables, over_rollups): (Vec<_>, Vec<_>) = catalog
            .signals
            .into_iter()
            .partition(|signal| signal.header.source.table().is_some());
        for signal in over_tables {
            match plan::plan(signal, &engine.reference, &runtime).await {
                Ok(one) => engine.planned.push(one),
                Err(found) => findings.extend(found),
            }
        }
        for signal in over_rollups {
            match scheduled::plan(signal, &engine, &runtime).await {
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
        self.evaluate.run(Arc::clone(input)).await
    }

    /// Partial rows of one grain merged into one.
    pub async fn merge(
        &self,
        partial: Vec<RecordBatch>,
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        let schema = self.evaluate.schema();
        let partial = partial
            .iter()
            .map(|rows| as_evaluated(rows, &schema))
            .collect::<Result<_, _>>()?;
        self.merge.run(Input::new(partial)).await
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

    /// The same, of the windows that begin at this time or later; `event_date` is the folder that
    /// they are in.
    pub fn view_sql_since(&self, since: DateTime<Utc>) -> Option<String> {
        let rollup = self.signal.header.rollup.as_ref()?;
        let condition = format!(
            "event_date >= '{}' AND window_start >= to_timestamp_millis({})",
            since.format("%Y-%m-%d"),
            since.timestamp_millis()
        );
        Some(merge::sql(rollup, &self.rollup_table(), Some(&condition)))
    }

    /// The name under which SQL sees the partial rows of the rollup.
    pub fn rollup_table(&self) -> String {
        format!("{}_partial", self.name())
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

/// Rows that were merged before have other types than the query's own (milliseconds instead of
/// nanoseconds), and are merged again like those.
fn as_evaluated(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
    let mut columns = Vec::new();
    for field in schema.fields() {
        let column = rows.column_by_name(field.name()).ok_or_else(|| {
            ArrowError::SchemaError(format!("no column {} in partial rows", field.name()))
        })?;
        columns.push(cast(column, field.data_type())?);
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
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
