//! The open batch of one lane: what was claimed for it, and the rows that came.
//!
//! In: pieces. Out: staged files and merged rows, ready to commit. Must hold: rows wait in memory
//! only up to [`PENDING_BYTES_MAX`]; an object that failed after rows of it came spoils the batch,
//! because its rows cannot be taken out again (I1).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use metrics::{counter, gauge, histogram};
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::partials::{Merged, Partials};
use super::pending::Pending;
use super::piece::{End, Piece, Read, Slot};
use super::window::{EventWindow, OpenEvents};
use crate::config::Batch;
use crate::decode::Table;
use crate::engine::{Engine, Input};
use crate::lake::batch::BatchId;
use crate::lake::ingest_log::Entry;
use crate::lake::source::SourceId;
use crate::lake::staging::Staging;
use crate::lake::{Lake, LakeError};
use crate::limits::{BATCH_OBJECTS_MAX, PENDING_BYTES_MAX, REJECTS_KEPT_MAX};
use crate::metrics::SignalMetrics;
use crate::telemetry::timed;

/// The rows of one query, or why there are none; nothing, if the signal is not there.
type Evaluated = Option<Result<Vec<RecordBatch>, String>>;
/// A query that runs, until this is dropped.
type Evaluation = AbortOnDropHandle<Evaluated>;

/// Why a batch cannot be committed.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A signal failed on these rows.
    #[error("the signal {signal} failed: {error}")]
    Signal {
        /// Its name.
        signal: String,
        /// What DataFusion said.
        error: String,
    },
    /// An object failed after rows of it had come.
    #[error("{0}")]
    Spoiled(String),
    /// The store of an object asked for fewer requests after rows of it had come.
    #[error("throttled in the middle of {0}")]
    Throttled(String),
    /// We were told to stop, and an object did not end in time.
    #[error("told to stop before every object of the batch was read")]
    Stopped,
}

/// A batch that takes objects.
#[derive(Debug)]
pub struct OpenBatch {
    pub id: BatchId,
    engine: Arc<Engine>,
    window: Arc<EventWindow>,
    events: OpenEvents,
    staging: Staging,
    lake: Lake,
    /// By slot: every object that was begun.
    pub entries: Vec<Entry>,
    /// Slots of objects that are not to be committed with this batch.
    pub left_out: BTreeMap<Slot, End>,
    pending: Pending,
    /// Event time of the newest row, epoch milliseconds.
    newest: BTreeMap<Table, i64>,
    partials: Partials,
    pub rows: usize,
    /// In memory, of the rows that are staged by now.
    staged_bytes: usize,
}

/// A batch whose files are staged.
#[derive(Debug)]
pub struct StagedBatch {
    pub files: Vec<crate::lake::batch::StagedFile>,
    pub sources: Vec<SourceId>,
    /// What is to be counted, by signal in the engine's order.
    pub merged: Vec<Merged>,
    pub entries: Vec<Entry>,
    /// What the window learns when this batch is committed.
    pub events: OpenEvents,
    /// Event time of the newest row by table, epoch milliseconds.
    pub newest: BTreeMap<Table, i64>,
}

impl OpenBatch {
    /// A new batch; nothing is written before its first rows. `counting`: what its rows will feed
    /// once it is committed; nothing, where only the lake is written.
    pub fn new(
        lake: Lake,
        engine: Arc<Engine>,
        window: Arc<EventWindow>,
        counting: Option<Arc<SignalMetrics>>,
    ) -> Self {
        let id = BatchId::new(lake.clock.as_ref());
        Self {
            staging: Staging::new(lake.clone(), id.clone()),
            partials: Partials::new(Arc::clone(&engine), counting),
            id,
            engine,
            window,
            events: OpenEvents::default(),
            lake,
            entries: Vec::new(),
            left_out: BTreeMap::new(),
            pending: Pending::default(),
            newest: BTreeMap::new(),
            rows: 0,
            staged_bytes: 0,
        }
    }

    /// Takes a piece. True: an object ended with it.
    pub async fn take(&mut self, piece: Piece) -> Result<bool, BatchError> {
        match piece {
            Piece::Rows(slot, table, rows) => {
                self.rows(slot, table, rows).await?;
                Ok(false)
            }
            Piece::Rejected(slot, table, rejected) => {
                if let Some(entry) = self.entries.get_mut(slot) {
                    entry.rejected += 1;
                    *entry
                        .rejected_by_reason
                        .entry((table.name(), rejected.reason.as_str()))
                        .or_default() += 1;
                    if entry.rejects.len() < REJECTS_KEPT_MAX {
                        entry.rejects.push((table.name(), rejected));
                    }
                }
                Ok(false)
            }
            Piece::Ended(slot, end) => {
                self.ended(slot, end)?;
                Ok(true)
            }
        }
    }

    async fn rows(
        &mut self,
        slot: Slot,
        table: Table,
        rows: RecordBatch,
    ) -> Result<(), BatchError> {
        let rows = match table {
            Table::Cloudtrail => {
                let admitted = self.window.admit(&mut self.events, rows);
                let admitted = admitted.map_err(LakeError::from)?;
                if let Some(entry) = self.entries.get_mut(slot) {
                    entry.suppressed += u64::try_from(admitted.suppressed).unwrap_or(u64::MAX);
                }
                admitted.rows
            }
            Table::FlowLogs | Table::TransitGatewayFlowLogs => rows,
        };
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let span = span(&rows, table);
        if let Some((_, newest)) = span {
            let known = self.newest.entry(table).or_insert(newest);
            *known = newest.max(*known);
        }
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.add_rows(table.name(), rows.num_rows(), span);
        }
        self.rows += rows.num_rows();
        self.pending.push(table, rows).map_err(LakeError::from)?;
        if self.pending.bytes() >= PENDING_BYTES_MAX {
            self.flush().await
        } else {
            Ok(())
        }
    }

    fn ended(&mut self, slot: Slot, end: End) -> Result<(), BatchError> {
        let Some(entry) = self.entries.get_mut(slot) else {
            return Ok(());
        };
        match end {
            End::Read(Read {
                outcome,
                detail,
                compressed_bytes,
                inflated_bytes,
                inflated_sha256,
            }) => {
                entry.outcome = outcome;
                entry.detail = detail;
                entry.compressed_bytes = compressed_bytes;
                entry.inflated_bytes = inflated_bytes;
                entry.inflated_sha256 = inflated_sha256;
                Ok(())
            }
            // Suppressed rows count too: their twins may have been rows of this very object.
            End::Throttled(why) if entry.row_count() + entry.suppressed > 0 => Err(
                BatchError::Throttled(format!("{}: {why}", entry.object.key)),
            ),
            End::Failed(why) | End::Denied(why) if entry.row_count() + entry.suppressed > 0 => Err(
                BatchError::Spoiled(format!("{} failed midway: {why}", entry.object.key)),
            ),
            end @ (End::Duplicate
            | End::Busy(_)
            | End::Unclaimed(_)
            | End::Lost
            | End::Failed(_)
            | End::Throttled(_)
            | End::Denied(_)) => {
                self.left_out.insert(slot, end);
                Ok(())
            }
        }
    }

    /// True when memory or a reader is better served by another batch.
    pub fn is_full(&self, limits: &Batch) -> bool {
        self.rows >= limits.rows_max
            || self.staged_bytes + self.pending.bytes() >= limits.bytes_max
            || self.entries.len() >= BATCH_OBJECTS_MAX
            || self.partials.is_full()
    }

    /// Evaluates the signals on the pending rows, and stages the rows.
    async fn flush(&mut self) -> Result<(), BatchError> {
        for (table, mut batches) in self.pending.take().map_err(LakeError::from)? {
            if table == Table::Cloudtrail {
                let named = self.window.name_pods(batches);
                batches = named.map_err(LakeError::from)?;
            }
            let evaluations = self.evaluate(table, batches.clone());
            for batch in &batches {
                self.staged_bytes += batch.get_array_memory_size();
                timed("stage", self.staging.events(table, batch)).await?;
            }
            for (place, evaluation) in evaluations {
                self.take_partial(place, evaluation.await)?;
            }
        }
        self.partials.shed(&mut self.staging).await
    }

    /// Begins the queries of the table's signals, by their place: they run beside the staging and
    /// beside each other, as far as there are cores.
    fn evaluate(&self, table: Table, rows: Vec<RecordBatch>) -> Vec<(usize, Evaluation)> {
        let input = Input::new(rows);
        let signals = self.engine.signals().iter().enumerate();
        let of_table = signals.filter(|(_, planned)| planned.source() == Some(table));
        let begun = of_table.map(|(place, _)| {
            let (engine, input) = (Arc::clone(&self.engine), Arc::clone(&input));
            let evaluation = async move {
                let planned = engine.signals().get(place)?;
                let started = Instant::now();
                let rows = timed("evaluate", planned.evaluate(&input)).await;
                histogram!("trailflow_sql_duration_seconds", "signal" => planned.name().to_owned())
                    .record(started.elapsed().as_secs_f64());
                Some(rows.map_err(|error| error.to_string()))
            };
            let evaluation = evaluation.instrument(tracing::Span::current());
            (place, AbortOnDropHandle::new(tokio::spawn(evaluation)))
        });
        begun.collect()
    }

    /// Takes the partial rows of one signal.
    fn take_partial(
        &mut self,
        place: usize,
        evaluated: Result<Evaluated, JoinError>,
    ) -> Result<(), BatchError> {
        let rows = match evaluated {
            Ok(rows) => rows.unwrap_or_else(|| Ok(Vec::new())),
            Err(error) => Err(format!("its query ended abnormally: {error}")),
        };
        let signal = || {
            let planned = self.engine.signals().get(place);
            planned.map_or_else(String::new, |planned| planned.name().to_owned())
        };
        let rows = rows.map_err(|error| BatchError::Signal {
            signal: signal(),
            error,
        })?;
        self.partials.take(place, rows)
    }

    /// Everything came: merges, stages what is left, closes the files.
    /// `left_out` holds the slots that are not to be committed.
    pub async fn stage(
        mut self,
        left_out: &BTreeMap<Slot, End>,
    ) -> Result<StagedBatch, BatchError> {
        let staged = self.stage_rest(left_out).await;
        if staged.is_err() {
            self.discard().await;
        }
        staged
    }

    /// The batch is given up: nothing of it goes to the store any more.
    pub async fn discard(&mut self) {
        self.staging.discard().await;
    }

    async fn stage_rest(
        &mut self,
        left_out: &BTreeMap<Slot, End>,
    ) -> Result<StagedBatch, BatchError> {
        self.flush().await?;
        self.staging.close_all().await?;
        let entries = self.committed_entries(left_out);
        let merged = self.partials.stage(&mut self.staging).await?;
        let at = self.lake.clock.now();
        let log = crate::lake::ingest_log::rows(&entries, &self.id, at).map_err(LakeError::from)?;
        if log.num_rows() > 0 {
            self.staging.ingest("ingest_log", at, &log).await?;
        }
        let quarantine = crate::lake::ingest_log::quarantine_rows(&entries, &self.id, at);
        let quarantine = quarantine.map_err(LakeError::from)?;
        if quarantine.num_rows() > 0 {
            self.staging.ingest("quarantine", at, &quarantine).await?;
        }
        let rows = u32::try_from(self.rows).unwrap_or(u32::MAX);
        histogram!("trailflow_batch_rows").record(f64::from(rows));
        let files = self.staging.finish().await?;
        let sources = entries.iter().map(|entry| entry.source.clone()).collect();
        Ok(StagedBatch {
            files,
            sources,
            merged,
            entries,
            events: std::mem::take(&mut self.events),
            newest: std::mem::take(&mut self.newest),
        })
    }

    fn committed_entries(&mut self, left_out: &BTreeMap<Slot, End>) -> Vec<Entry> {
        let entries = std::mem::take(&mut self.entries).into_iter().enumerate();
        let kept = entries.filter(|(slot, _)| !left_out.contains_key(slot));
        kept.map(|(_, entry)| entry).collect()
    }
}

/// The oldest and newest event time of a batch.
fn span(rows: &RecordBatch, table: Table) -> Option<(i64, i64)> {
    let times = rows.column_by_name(table.time_column())?;
    let times = times.as_primitive_opt::<TimestampMillisecondType>()?;
    if times.null_count() == times.len() {
        return None;
    }
    Some((arrow::compute::min(times)?, arrow::compute::max(times)?))
}

/// Shows how fresh the committed rows are. Never backwards: a late object does not make them old.
pub fn freshness(newest: &BTreeMap<Table, i64>, known: &mut BTreeMap<Table, i64>) {
    for (table, millis) in newest {
        let latest = known.entry(*table).or_insert(*millis);
        *latest = (*latest).max(*millis);
        let seconds = u32::try_from(latest.div_euclid(1000)).unwrap_or_default();
        gauge!("trailflow_newest_event_timestamp_seconds", "table" => table.name())
            .set(f64::from(seconds));
    }
}

/// Counts what a committed batch held.
pub fn count(entries: &[Entry]) {
    for entry in entries {
        let outcome = entry.outcome.as_str();
        counter!("trailflow_objects_total", "kind" => entry.kind, "outcome" => outcome)
            .increment(1);
        counter!("trailflow_object_bytes_total", "form" => "compressed")
            .increment(entry.compressed_bytes);
        counter!("trailflow_object_bytes_total", "form" => "inflated")
            .increment(entry.inflated_bytes);
        for (table, rows) in &entry.rows {
            counter!("trailflow_records_total", "table" => *table).increment(*rows);
        }
        counter!("trailflow_duplicates_suppressed_total", "level" => "event")
            .increment(entry.suppressed);
        for ((table, reason), count) in &entry.rejected_by_reason {
            counter!("trailflow_records_rejected_total", "table" => *table, "reason" => *reason)
                .increment(*count);
        }
        if let crate::lake::ingest_log::Outcome::Quarantined(reason) = entry.outcome {
            counter!("trailflow_quarantined_total", "reason" => reason).increment(1);
        }
    }
}
