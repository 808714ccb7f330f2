//! Signals over rollups: queries that see what the other signals have stored, every few minutes.
//!
//! In: a session that has the signals' views, and the moment of the run. Out: the series as they
//! are now. Must hold: a query takes the time from the table `schedule` and from nowhere else, so
//! that the same rollups and the same moment give the same series.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionContext;

use super::plan::{at_query, finding, reason, volatile};
use super::prepared::session_config;
use super::{Engine, any_type, output, reference, sql};
use crate::finding::Findings;
use crate::limits::SCHEDULE_FILES_MAX;
use crate::signal::{Schedule, Signal};

/// The table of one row that says when the run is.
pub(super) const SCHEDULE: &str = "schedule";

/// A signal over rollups that was planned once, so that it can be planned again.
#[derive(Debug)]
pub struct Scheduled {
    /// The signal as its file says it.
    pub signal: Signal,
}

impl Scheduled {
    /// The signal's name.
    pub fn name(&self) -> &str {
        &self.signal.header.name
    }

    /// When it runs.
    pub fn schedule(&self) -> Schedule {
        self.signal.header.schedule.clone().unwrap_or_default()
    }

    /// Whether its query may name this view: SQL takes names in any case.
    pub fn may_name(&self, view: &str) -> bool {
        self.signal.sql.to_ascii_lowercase().contains(view)
    }

    /// Runs it in a session that has the views.
    pub async fn run(&self, session: &SessionContext) -> Result<Vec<RecordBatch>, DataFusionError> {
        let plan = sql::plan(&session.state(), &self.signal.sql).await?;
        session.execute_logical_plan(plan).await?.collect().await
    }
}

/// A session at this moment, with the reference tables, the JSON functions and no views yet.
pub fn session(
    tables: &[(&'static str, RecordBatch)],
    at: DateTime<Utc>,
    runtime: &Arc<RuntimeEnv>,
) -> Result<SessionContext, DataFusionError> {
    // Many small files are read, and each waits for the store: several at once.
    let config = session_config().with_target_partitions(SCHEDULE_FILES_MAX);
    let mut session = SessionContext::new_with_config_rt(config, Arc::clone(runtime));
    reference::register(&mut session, tables)?;
    let moment = moment(at)?;
    let table = MemTable::try_new(moment.schema(), vec![vec![moment]])?;
    session.register_table(SCHEDULE, Arc::new(table))?;
    Ok(session)
}

fn moment(at: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let kind = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let schema = Schema::new(vec![Field::new("at", kind, false)]);
    let at = TimestampMillisecondArray::from(vec![at.timestamp_millis()]).with_timezone("UTC");
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(at)])
}

/// A session with an empty view for each signal that has one.
pub(super) fn session_of_views(
    engine: &Engine,
    runtime: &Arc<RuntimeEnv>,
) -> Result<SessionContext, DataFusionError> {
    let session = session(&engine.reference, DateTime::UNIX_EPOCH, runtime)?;
    for (name, schema) in views(engine) {
        let view = MemTable::try_new(schema, vec![Vec::new()])?;
        session.register_table(name, Arc::new(view))?;
    }
    Ok(session)
}

/// Proves that the signal's query can be planned over the views there are. One that reads a view of a signal that is
/// refused cannot run, and has no mistake of its own: nothing is found.
pub(super) async fn plan(
    signal: Signal,
    session: &SessionContext,
    refused: &BTreeSet<String>,
) -> Result<Scheduled, Findings> {
    let failed = |error: &DataFusionError| {
        let name = &signal.header.name;
        let fix = if signal.is_built_in() {
            format!(
                "put \"{name}\" into `signals.without` too, or let the signals that it reads run as they are"
            )
        } else {
            String::from("use the views of other signals and their columns")
        };
        at_query(&signal, &reason(error), &fix)
    };
    let logical = sql::plan(&session.state(), &signal.sql)
        .await
        .map_err(|error| {
            let what = error.to_string();
            let reads = |name: &String| what.contains(&format!(".{name}' not found"));
            if refused.iter().any(reads) {
                return Findings::default();
            }
            failed(&error)
        })?;
    let mut findings = Findings::default();
    findings.extend(volatile(&logical).map(|function| {
        let what = format!("{function} does not give the same value for the same rows");
        finding(&signal, &what, "take the time from schedule.at")
    }));
    findings.extend(any_type::misused(&logical).map(|what| finding(&signal, &what, any_type::FIX)));
    let columns = output::columns(&signal.header);
    findings.extend(output::mismatches(
        &signal,
        &columns,
        logical.schema().as_arrow(),
    ));
    findings.or(Scheduled { signal })
}

/// The views that a run sees: of every signal with a rollup.
pub(super) fn views(engine: &Engine) -> impl Iterator<Item = (&str, SchemaRef)> {
    engine
        .planned
        .iter()
        .filter(|planned| planned.signal.header.rollup.is_some())
        .map(|planned| (planned.name(), planned.rollup_schema()))
}
