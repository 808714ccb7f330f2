//! The lake as signals over rollups see it: the views of the other signals, as far back as asked.
//!
//! In: a lake, and the moment of a run. Out: the rows of a scheduled signal. Must hold: only the
//! days that are asked for are listed and read.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::{register_rollup, register_store};
use crate::engine::Engine;
use crate::engine::scheduled::{self, Scheduled};
use crate::lake::Lake;

/// Runs signals over rollups, within one budget of memory.
#[derive(Debug)]
pub struct Rollups {
    runtime: Arc<RuntimeEnv>,
}

impl Rollups {
    /// All runs together hold at most so many bytes.
    pub fn new(memory_bytes_max: usize) -> Result<Self, DataFusionError> {
        Ok(Self {
            runtime: super::bounded(memory_bytes_max)?,
        })
    }

    /// The rows of one signal at this moment.
    pub async fn rows(
        &self,
        signal: &Scheduled,
        lake: &Lake,
        engine: &Engine,
        at: DateTime<Utc>,
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        let session = scheduled::session(engine.reference(), at, &self.runtime)?;
        register_store(&session, lake)?;
        let since = at - Duration::from_secs(signal.schedule().over_seconds);
        for planned in engine.signals() {
            let Some(view) = planned.view_sql_since(since) else {
                continue;
            };
            // A view that the query does not name costs nothing more than its planning.
            if !signal.signal.sql.contains(planned.name()) {
                continue;
            }
            register_rollup(&session, planned)?;
            let view = session.sql(&view).await?.into_view();
            session.register_table(planned.name(), view)?;
        }
        signal.run(&session).await
    }
}
