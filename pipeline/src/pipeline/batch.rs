//! The open batch of one lane: what was claimed for it, and the rows that came.
//!
//! In: pieces. Out: staged files and merged rows, ready to commit. Must hold: rows wait in memory
//! only up to [`PENDING_BYTES_MAX`], while as many are flushed; an object that failed after rows of it
//! came spoils the batch, because its rows cannot be taken out again (I1).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch, TimestampMillisecondArray};
use metrics::{counter, gauge, histogram};

use super::flush::{Flush, Flushed};
use super::hours::{Hours, Scattered};
use super::partials::{Merged, Partials};
use super::pending::Pending;
use super::piece::{End, Piece, Read, Slot};
use super::window::{EventWindow, OpenEvents};
use crate::config::Batch;
use crate::decode::Table;
use crate::engine::Engine;
use crate::lake::batch::BatchId;
use crate::lake::ingest_log::{Entry, Outcome};
use crate::lake::source::SourceId;
use crate::lake::staging::Staging;
use crate::lake::{Lake, LakeError};
use crate::limits::{BATCH_OBJECTS_MAX, CLOCKS_APART_MAX, PENDING_BYTES_MAX};
use crate::metrics::SignalMetrics;

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
    /// Its rows would be too many files.
    #[error("{error} {key}")]
    Scattered {
        /// Of the object whose rows were too much.
        key: String,
        /// What is too much.
        error: Scattered,
    },
    /// The store of an object asked for fewer requests after rows of it had come.
    #[error("throttled in the middle of {0}")]
    Throttled(String),
    /// Something of the batch has no place in it. Nothing of it is committed, or rows would be lost in
    /// silence.
    #[error("{0}: this is a bug, please report it")]
    Astray(&'static str),
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
    /// Its files, from the first flush on, unless a flush has them.
    staging: Option<Staging>,
    flush: Option<Flush>,
    lake: Lake,
    /// By slot: every object that was begun.
    pub entries: Vec<Entry>,
    /// Slots of objects that are not to be committed with this batch.
    pub left_out: BTreeMap<Slot, End>,
    pending: Pending,
    hours: Hours,
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
            staging: None,
            flush: None,
            partials: Partials::new(Arc::clone(&engine), counting),
            id,
            engine,
            window,
            events: OpenEvents::default(),
            lake,
            entries: Vec::new(),
            left_out: BTreeMap::new(),
            pending: Pending::default(),
            hours: Hours::default(),
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
                self.entry(slot)?.add_rejected(table.name(), rejected);
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
                self.entry(slot)?.suppressed +=
                    u64::try_from(admitted.suppressed).unwrap_or(u64::MAX);
                admitted.rows
            }
            Table::FlowLogs | Table::TransitGatewayFlowLogs => rows,
        };
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let span = span(&rows, table);
        self.freshen(table, &rows, span);
        if let Some(span) = span {
            let times = times(&rows, table).into_iter().flatten().flatten();
            if let Err(error) = self.hours.take(table, span, times) {
                let key = self.entry(slot)?.object.key.clone();
                return Err(BatchError::Scattered { key, error });
            }
        }
        self.entry(slot)?
            .add_rows(table.name(), rows.num_rows(), span);
        self.rows += rows.num_rows();
        self.pending.push(table, rows).map_err(LakeError::from)?;
        if self.pending.bytes() >= PENDING_BYTES_MAX {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// Takes note of the newest row of a table. What is of the future says nothing of how fresh rows are.
    fn freshen(&mut self, table: Table, rows: &RecordBatch, span: Option<(i64, i64)>) {
        let latest = (self.lake.clock.now() + CLOCKS_APART_MAX).timestamp_millis();
        let newest = match span {
            Some((_, newest)) if newest > latest => newest_until(rows, table, latest),
            Some((_, newest)) => Some(newest),
            None => None,
        };
        if let Some(newest) = newest {
            let known = self.newest.entry(table).or_insert(newest);
            *known = newest.max(*known);
        }
    }

    fn ended(&mut self, slot: Slot, end: End) -> Result<(), BatchError> {
        let entry = self.entry(slot)?;
        match end {
            End::Read(Read {
                outcome,
                detail,
                compressed_bytes,
                inflated_bytes,
                inflated_sha256,
            }) => {
                entry.outcome = match outcome {
                    // It was overwritten or deleted while it was read: what came of it is in the tables.
                    Outcome::Ignored("missing_object") if entry.has_given() => {
                        Outcome::Quarantined("missing_midway")
                    }
                    outcome => outcome,
                };
                entry.detail = detail;
                entry.compressed_bytes = compressed_bytes;
                entry.inflated_bytes = inflated_bytes;
                entry.inflated_sha256 = inflated_sha256;
                Ok(())
            }
            End::Throttled(why) if entry.has_given() => Err(BatchError::Throttled(format!(
                "{}: {why}",
                entry.object.key
            ))),
            End::Failed(why) | End::Denied(why) if entry.has_given() => Err(BatchError::Spoiled(
                format!("{} failed midway: {why}", entry.object.key),
            )),
            end @ (End::Duplicate
            | End::Own
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

    /// What is known of the object of this slot.
    fn entry(&mut self, slot: Slot) -> Result<&mut Entry, BatchError> {
        let entry = self.entries.get_mut(slot);
        entry.ok_or(BatchError::Astray(
            "a piece of an object that was not begun",
        ))
    }

    /// True when memory or a reader is better served by another batch.
    pub fn is_full(&self, limits: &Batch) -> bool {
        self.rows >= limits.rows_max
            || self.staged_bytes + self.pending.bytes() >= limits.bytes_max
            || self.entries.len() >= BATCH_OBJECTS_MAX
            || self.partials.is_full()
            || self.hours.are_many()
    }

    /// Begins to evaluate the signals on the pending rows and to stage the rows, once the flush before has
    /// ended.
    async fn flush(&mut self) -> Result<(), BatchError> {
        self.end_flush().await?;
        let mut tables = self.pending.take().map_err(LakeError::from)?;
        for (table, batches) in &mut tables {
            if *table == Table::Cloudtrail {
                let named = self.window.name_pods(std::mem::take(batches));
                *batches = named.map_err(LakeError::from)?;
            }
            let bytes = batches.iter().map(RecordBatch::get_array_memory_size);
            self.staged_bytes += bytes.sum::<usize>();
        }
        let staging = self.staging.take();
        let staging = staging.unwrap_or_else(|| Staging::new(self.lake.clone(), self.id.clone()));
        self.flush = Some(Flush::begin(Arc::clone(&self.engine), staging, tables));
        Ok(())
    }

    /// Waits for the flush before, if there is one, and takes what it found. The files are ours again.
    async fn end_flush(&mut self) -> Result<(), BatchError> {
        let mut found = Ok(Vec::new());
        if let Some(flush) = &mut self.flush {
            let Flushed { staging, partial } = flush.end().await;
            (self.flush, self.staging) = (None, Some(staging));
            found = partial;
        }
        for (place, rows) in found? {
            self.partials.take(place, rows)?;
        }
        let staging = files(&mut self.staging, &self.lake, &self.id);
        self.partials.shed(staging).await
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
        if let Some(mut flush) = self.flush.take() {
            self.staging = Some(flush.end().await.staging);
        }
        if let Some(staging) = &mut self.staging {
            staging.discard().await;
        }
    }

    async fn stage_rest(
        &mut self,
        left_out: &BTreeMap<Slot, End>,
    ) -> Result<StagedBatch, BatchError> {
        self.flush().await?;
        self.end_flush().await?;
        let entries = self.committed_entries(left_out);
        let staging = files(&mut self.staging, &self.lake, &self.id);
        staging.close_all().await?;
        let merged = self.partials.stage(staging).await?;
        let at = self.lake.clock.now();
        let log = crate::lake::ingest_log::rows(&entries, &self.id, at).map_err(LakeError::from)?;
        if log.num_rows() > 0 {
            staging.ingest("ingest_log", at, &log).await?;
        }
        let quarantine = crate::lake::ingest_log::quarantine_rows(&entries, &self.id, at);
        let quarantine = quarantine.map_err(LakeError::from)?;
        if quarantine.num_rows() > 0 {
            staging.ingest("quarantine", at, &quarantine).await?;
        }
        let rows = u32::try_from(self.rows).unwrap_or(u32::MAX);
        histogram!("trailflow_batch_rows").record(f64::from(rows));
        let files = staging.finish().await?;
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

/// The files of a batch; new ones, if it has none yet.
fn files<'a>(staging: &'a mut Option<Staging>, lake: &Lake, id: &BatchId) -> &'a mut Staging {
    staging.get_or_insert_with(|| Staging::new(lake.clone(), id.clone()))
}

/// The oldest and newest event time of a batch.
fn span(rows: &RecordBatch, table: Table) -> Option<(i64, i64)> {
    let times = times(rows, table)?;
    if times.null_count() == times.len() {
        return None;
    }
    Some((arrow::compute::min(times)?, arrow::compute::max(times)?))
}

/// The newest event time that is no later than this.
fn newest_until(rows: &RecordBatch, table: Table, latest: i64) -> Option<i64> {
    let times = times(rows, table)?.iter().flatten();
    times.filter(|time| *time <= latest).max()
}

fn times(rows: &RecordBatch, table: Table) -> Option<&TimestampMillisecondArray> {
    rows.column_by_name(table.time_column())?.as_primitive_opt()
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
        if let Outcome::Quarantined(reason) = entry.outcome {
            counter!("trailflow_quarantined_total", "reason" => reason).increment(1);
        }
    }
    tell_of_fruitless(entries);
}

/// An object of which every record was rejected looks ingested: a flow log without the time field, say.
fn tell_of_fruitless(entries: &[Entry]) {
    let is_fruitless =
        |entry: &&Entry| entry.rejected > 0 && entry.rows.is_empty() && entry.suppressed == 0;
    let objects = entries.iter().filter(is_fruitless).count();
    if let Some(entry) = entries.iter().find(is_fruitless) {
        let reasons: Vec<&str> = entry.rejected_by_reason.keys().map(|of| of.1).collect();
        tracing::warn!(
            objects,
            bucket = entry.object.bucket,
            key = entry.object.key,
            reasons = reasons.join(", "),
            "no record of these objects became a row; the table quarantine has the records, and why"
        );
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config::Reference;
    use crate::limits::MEMORY_BYTES_MAX;
    use crate::object::{ObjectRef, Version};
    use crate::signal::Catalog;

    #[tokio::test]
    async fn what_vanishes_midway_is_no_object_of_nothing() {
        let none = Catalog::default();
        let engine = Engine::new(none, &Reference::default(), MEMORY_BYTES_MAX).await;
        let engine = Arc::new(engine.unwrap());
        let mut open = OpenBatch::new(Lake::in_memory(), engine, Arc::default(), None);
        for (slot, suppressed) in [(0, 0), (1, 1)] {
            let object = ObjectRef {
                bucket: String::from("bucket"),
                key: format!("key {slot}"),
                version: Version::of_etag("e"),
                size_bytes: None,
                written_at: None,
            };
            let source = SourceId::of(&object, 0).unwrap();
            let mut entry = Entry::begun(source, object, "cloudtrail", DateTime::UNIX_EPOCH);
            entry.suppressed = suppressed;
            open.entries.push(entry);
            let missing = Read::nothing(Outcome::Ignored("missing_object"), None);
            let ended = open.take(Piece::Ended(slot, End::Read(missing))).await;
            assert!(ended.unwrap());
        }
        let outcomes: Vec<_> = open.entries.iter().map(|entry| entry.outcome).collect();
        let expected = [
            Outcome::Ignored("missing_object"),
            Outcome::Quarantined("missing_midway"),
        ];
        assert_eq!(outcomes, expected);
    }
}
