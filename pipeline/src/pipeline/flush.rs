//! Rows that waited, on their way into files and through the signals' queries, beside what the lane
//! takes meanwhile.
//!
//! In: rows by table, and the files that the batch has open. Out: the files again, and the partial rows of
//! each signal. Must hold: a batch flushes once at a time, because the files go from one flush to the
//! next; what is flushed and what waits are both within [`crate::limits::PENDING_BYTES_MAX`] (I4); nothing
//! goes on when this is dropped.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::batch::BatchError;
use crate::decode::Table;
use crate::engine::{Engine, Input};
use crate::lake::staging::Staging;
use crate::running::Running;
use crate::telemetry::{timed, timed_query};

/// The rows of one query, or why there are none.
type Evaluated = Result<Vec<RecordBatch>, BatchError>;
/// A query that runs, until this is dropped.
type Evaluation = AbortOnDropHandle<Evaluated>;

/// A flush that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Flush(Running<Flushed>);

/// A flush that has ended.
#[derive(Debug)]
pub(super) struct Flushed {
    /// Whatever came of it: what was staged so far.
    pub(super) staging: Staging,
    /// The partial rows of signals, by their place.
    pub(super) partial: Result<Vec<(usize, Vec<RecordBatch>)>, BatchError>,
}

impl Flush {
    /// Begins to evaluate the signals on these rows, and to stage the rows.
    pub(super) fn begin(
        engine: Arc<Engine>,
        mut staging: Staging,
        tables: Vec<(Table, Vec<RecordBatch>)>,
    ) -> Self {
        let work = async move {
            let mut partial = Vec::new();
            let mut outcome = Ok(());
            for (table, rows) in tables {
                outcome = flush(&engine, &mut staging, table, rows, &mut partial).await;
                if outcome.is_err() {
                    break;
                }
            }
            Flushed {
                staging,
                partial: outcome.map(|()| partial),
            }
        };
        Self(Running::begin(work))
    }

    /// Waits for its end.
    pub(super) async fn end(&mut self) -> Flushed {
        self.0.end().await
    }
}

/// The rows of one table.
async fn flush(
    engine: &Arc<Engine>,
    staging: &mut Staging,
    table: Table,
    rows: Vec<RecordBatch>,
    partial: &mut Vec<(usize, Vec<RecordBatch>)>,
) -> Result<(), BatchError> {
    let evaluations = evaluate(engine, table, rows.clone());
    for batch in &rows {
        timed("stage", staging.events(table, batch)).await?;
    }
    for (place, evaluation) in evaluations {
        partial.push((place, partial_rows(engine, place, evaluation.await)?));
    }
    Ok(())
}

/// Begins the queries of the table's signals, by their place: they run beside the staging and beside
/// each other, as far as there are cores.
fn evaluate(
    engine: &Arc<Engine>,
    table: Table,
    rows: Vec<RecordBatch>,
) -> Vec<(usize, Evaluation)> {
    let input = Input::new(rows);
    let signals = engine.signals().iter().enumerate();
    let of_table = signals.filter(|(_, planned)| planned.source() == Some(table));
    let begun = of_table.map(|(place, _)| {
        let (engine, input) = (Arc::clone(engine), Arc::clone(&input));
        let evaluation = async move {
            let Some(planned) = engine.signals().get(place) else {
                return Err(BatchError::Astray("a query of a signal that does not run"));
            };
            let rows = timed_query(planned.name(), planned.evaluate(&input)).await;
            rows.map_err(|error| BatchError::Signal {
                signal: planned.name().to_owned(),
                error: error.to_string(),
            })
        };
        let evaluation = evaluation.instrument(tracing::Span::current());
        (place, AbortOnDropHandle::new(tokio::spawn(evaluation)))
    });
    begun.collect()
}

/// The partial rows of the signal at this place.
fn partial_rows(
    engine: &Engine,
    place: usize,
    evaluated: Result<Evaluated, JoinError>,
) -> Result<Vec<RecordBatch>, BatchError> {
    evaluated.unwrap_or_else(|error| {
        let planned = engine.signals().get(place);
        Err(BatchError::Signal {
            signal: planned.map_or_else(String::new, |planned| planned.name().to_owned()),
            error: format!("its query ended abnormally: {error}"),
        })
    })
}
