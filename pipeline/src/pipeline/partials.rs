//! Partial rows of an open batch, by signal.
//!
//! In: what the signals' queries gave, flush by flush. Out: merged rows. Must hold: memory is
//! bounded however many grains the rows have (I4): what has become too much is staged as it is,
//! for the rows of a rollup may come in any number of parts (I7), and what it will count is
//! tallied, to be counted when the batch is committed (I2).

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::batch::BatchError;
use crate::engine::{Engine, Planned};
use crate::lake::LakeError;
use crate::lake::staging::Staging;
use crate::limits::{PARTIAL_BYTES_MAX, PARTIALS_BYTES_MAX};
use crate::metrics::{SignalMetrics, Tally};

/// Partial rows of all signals, in the engine's order.
#[derive(Debug)]
pub(super) struct Partials {
    engine: Arc<Engine>,
    /// What the rows feed, once the batch is committed; nothing: they are for the lake alone.
    counting: Option<Arc<SignalMetrics>>,
    by_signal: Vec<Partial>,
}

/// Partial rows of one signal.
#[derive(Debug, Default)]
struct Partial {
    rows: Vec<RecordBatch>,
    /// Of the rows when they were last merged: merging again before they have doubled gains little.
    merged_bytes: usize,
    tallies: Vec<Tally>,
}

/// What a batch holds of one signal.
#[derive(Debug)]
pub struct Merged {
    /// One row a grain, but for what was staged before.
    pub rows: Vec<RecordBatch>,
    /// What was staged before, by metric.
    pub tallies: Vec<Tally>,
}

impl Partials {
    pub(super) fn new(engine: Arc<Engine>, counting: Option<Arc<SignalMetrics>>) -> Self {
        let by_signal = engine.signals().iter().map(|_| Partial::default());
        Self {
            by_signal: by_signal.collect(),
            engine,
            counting,
        }
    }

    /// Takes rows of the signal at this place, and merges them when they have become many.
    pub(super) fn take(&mut self, place: usize, rows: Vec<RecordBatch>) -> Result<(), BatchError> {
        let signals = self.engine.signals();
        let (Some(planned), Some(partial)) = (signals.get(place), self.by_signal.get_mut(place))
        else {
            return Err(BatchError::Astray("rows of a signal that does not run"));
        };
        partial.rows.extend(rows);
        let many = partial.bytes() > PARTIAL_BYTES_MAX.max(2 * partial.merged_bytes);
        if many && planned.merging_pays() {
            partial.merge(planned)?;
        }
        Ok(())
    }

    /// Stages what is too much to hold until the batch is full.
    pub(super) async fn shed(&mut self, staging: &mut Staging) -> Result<(), BatchError> {
        let bytes: usize = self.by_signal.iter().map(Partial::bytes).sum();
        let most = if bytes > PARTIALS_BYTES_MAX {
            PARTIAL_BYTES_MAX / 16
        } else {
            PARTIAL_BYTES_MAX
        };
        for (planned, partial) in self.engine.signals().iter().zip(&mut self.by_signal) {
            if partial.bytes() <= most {
                continue;
            }
            let counting = self.counting.as_deref();
            let stays = counting.is_some() && SignalMetrics::tallies(&planned.signal).is_none();
            if stays || planned.merging_pays() {
                partial.merge(planned)?;
                if stays || partial.merged_bytes <= most {
                    continue;
                }
            }
            partial.shed(planned, counting, staging).await?;
        }
        Ok(())
    }

    /// Whether more is held than a batch should have: after shedding, of signals whose rows must
    /// stay together.
    pub(super) fn is_full(&self) -> bool {
        let bytes: usize = self.by_signal.iter().map(|one| one.merged_bytes).sum();
        bytes >= PARTIALS_BYTES_MAX
    }

    /// The batch takes nothing more: stages the rollups, and hands out what is to be counted.
    pub(super) async fn stage(&mut self, staging: &mut Staging) -> Result<Vec<Merged>, BatchError> {
        let mut all = Vec::new();
        let by_signal = std::mem::take(&mut self.by_signal);
        for (planned, mut partial) in self.engine.signals().iter().zip(by_signal) {
            partial.merge(planned)?;
            stage(planned, &partial.rows, staging).await?;
            all.push(Merged {
                rows: partial.rows,
                tallies: partial.tallies,
            });
        }
        Ok(all)
    }
}

impl Partial {
    fn bytes(&self) -> usize {
        let bytes = self.rows.iter().map(RecordBatch::get_array_memory_size);
        bytes.sum()
    }

    fn count(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }

    /// One row a grain.
    fn merge(&mut self, planned: &Planned) -> Result<(), BatchError> {
        let (bytes, count) = (self.bytes(), self.count());
        let merged = planned.merge(&self.rows);
        let parts = std::mem::replace(
            &mut self.rows,
            merged.map_err(|error| failed(planned, &error))?,
        );
        // A few rows, or those of one query alone, say nothing of what merging is good for.
        if parts.len() > 1 && bytes >= PARTIAL_BYTES_MAX / 2 {
            planned.learn_of_merge(count, self.count());
        }
        self.merged_bytes = self.bytes();
        Ok(())
    }

    /// Stages the rows and keeps what they will count.
    async fn shed(
        &mut self,
        planned: &Planned,
        counting: Option<&SignalMetrics>,
        staging: &mut Staging,
    ) -> Result<(), BatchError> {
        let aligned = planned.aligned(&self.rows);
        self.rows = aligned.map_err(|error| failed(planned, &error))?;
        if let Some(metrics) = counting {
            if self.tallies.is_empty() {
                self.tallies = SignalMetrics::tallies(&planned.signal).unwrap_or_default();
            }
            let tallied = metrics.tally(&planned.signal, &mut self.tallies, &self.rows);
            tallied.map_err(LakeError::from)?;
        }
        stage(planned, &self.rows, staging).await?;
        self.rows.clear();
        self.merged_bytes = 0;
        Ok(())
    }
}

/// Into the files of the rollup, if there is one.
async fn stage(
    planned: &Planned,
    rows: &[RecordBatch],
    staging: &mut Staging,
) -> Result<(), BatchError> {
    if planned.signal.header.rollup.is_some() {
        staging.rollup(planned.name(), rows).await?;
    }
    Ok(())
}

fn failed(planned: &Planned, error: &impl std::fmt::Display) -> BatchError {
    BatchError::Signal {
        signal: planned.name().to_owned(),
        error: error.to_string(),
    }
}
