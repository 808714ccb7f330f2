//! Learning what was committed: by this worker before a restart, and by others beside it.
//!
//! In: the lake's decisions. Out: ids in the window of events, and the
//! keys of pods. Must hold: only committed batches
//! are learned (I11), the newest ones first in line for the room there is.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::{Pipeline, RunError, lane};
use crate::lake::LakeError;
use crate::lake::batch::{BatchId, StagedFile};
use crate::limits::{
    BATCH_OPEN_MAX, LEARN_DECISIONS_MAX, LEARN_EVERY, LEARN_FILES_MAX, WINDOW_AGE_MAX,
    WINDOW_EVENTS_MAX,
};
use crate::telemetry::health::Part;

/// Which batches the window has seen.
#[derive(Debug, Default)]
pub struct Learned {
    batches: BTreeSet<BatchId>,
    /// By the clock that never goes back.
    at: Option<Duration>,
}

impl Learned {
    /// The window knows this batch.
    pub fn insert(&mut self, batch: BatchId) {
        self.batches.insert(batch);
    }
}

impl Pipeline {
    /// Before anything is taken: some stores that speak S3's protocol take the condition of a create and
    /// ignore it. On those every redelivery would be counted once more. Tries until the lake answers.
    pub(super) async fn prove_exclusive(&self, stop: &CancellationToken) -> Result<(), RunError> {
        if self.is_exclusive {
            return Ok(());
        }
        let mut failures = 0;
        loop {
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                answer = self.lake.keeps_what_is_there() => answer,
            };
            match answer {
                Ok(true) => {
                    self.health.readable(Part::Lake);
                    return Ok(());
                }
                Ok(false) => return Err(RunError::Overwrites),
                Err(error) => self.wait_for_lake(&error, &mut failures, stop).await,
            }
        }
    }

    /// Tells why the lake cannot be used, and waits, longer each time.
    async fn wait_for_lake(&self, error: &LakeError, failures: &mut u32, stop: &CancellationToken) {
        tracing::error!(%error, failures, "the lake cannot be read; trying again");
        error.trouble().tell(Part::Lake, &self.health);
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = lane::pause(self.lake.clock.as_ref(), *failures) => {}
        }
        *failures += 1;
    }

    /// Before the first batch: rebuilds the window. Tries until the lake answers.
    pub(super) async fn rebuild(&self, stop: &CancellationToken) {
        let mut failures = 0;
        loop {
            let since = self.lake.clock.now() - WINDOW_AGE_MAX;
            let learned = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                learned = self.learn(since) => learned,
            };
            match learned {
                Ok(batches) => {
                    self.health.readable(Part::Lake);
                    if batches > 0 {
                        tracing::info!(batches, "the window of events is rebuilt from the lake");
                    }
                    return;
                }
                Err(error) => self.wait_for_lake(&error, &mut failures, stop).await,
            }
        }
    }

    /// Before a batch is opened: what others committed since, looked for once in a while: batches that close by
    /// their size may follow each other fast.
    /// A failure costs precision between workers, not exactness, so the batch goes on.
    pub(super) async fn catch_up(&self, stop: &CancellationToken) {
        let clock = &self.lake.clock;
        let last = self.learned.lock().await.at;
        match last {
            None => return self.rebuild(stop).await,
            Some(at) => {
                let every = LEARN_EVERY.min(self.settings.batch.age_max);
                if clock.elapsed().saturating_sub(at) < every {
                    return;
                }
            }
        }
        let since = clock.now() - BATCH_OPEN_MAX - self.lake.lease;
        if let Err(error) = self.learn(since).await {
            tracing::warn!(%error, "what other workers committed is not known; copies of their events may count");
        }
    }

    /// Learns the batches since then that are new to the window; says how many.
    async fn learn(&self, since: DateTime<Utc>) -> Result<usize, LakeError> {
        let mut learned = self.learned.lock().await;
        let decided = self.lake.decided_since(since).await?;
        let horizon = BatchId::lowest_at(since);
        learned.batches.retain(|batch| *batch >= horizon);
        let new: Vec<BatchId> = decided
            .into_iter()
            .filter(|batch| !learned.batches.contains(batch))
            .collect();
        for files in self.newest(&new).await?.into_iter().rev() {
            self.learn_files(files).await?;
        }
        let count = new.len();
        learned.batches.extend(new);
        learned.at = Some(self.lake.clock.elapsed());
        Ok(count)
    }

    /// The event files of the newest batches, newest first, as many as the window has room for.
    async fn newest(&self, batches: &[BatchId]) -> Result<Vec<Vec<StagedFile>>, LakeError> {
        let newest_first: Vec<BatchId> = batches.iter().rev().cloned().collect();
        let event_files = |batch| {
            let lake = self.lake.clone();
            async move { lake.event_files(&batch).await }
        };
        let mut decisions = stream::iter(newest_first)
            .map(event_files)
            .buffered(LEARN_DECISIONS_MAX);
        let mut newest = Vec::new();
        let mut room = u64::try_from(WINDOW_EVENTS_MAX / 2).unwrap_or(u64::MAX);
        while let Some(files) = decisions.next().await {
            let files = match files {
                Ok(files) => files,
                // Nor may it keep the service from working. Claims that meet it still stop at it.
                Err(error @ LakeError::Foreign { .. }) => {
                    tracing::error!(%error, "a decision cannot be read; copies of its events may count");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let rows: u64 = files.iter().map(|file| file.rows).sum();
            newest.push(files);
            room = room.saturating_sub(rows);
            if room == 0 {
                break;
            }
        }
        Ok(newest)
    }

    async fn learn_files(&self, files: Vec<StagedFile>) -> Result<(), LakeError> {
        let read = |file: StagedFile| {
            let lake = self.lake.clone();
            async move {
                let rows = lake.event_ids(&file).await;
                (file, rows)
            }
        };
        let mut read = stream::iter(files).map(read).buffered(LEARN_FILES_MAX);
        while let Some((file, rows)) = read.next().await {
            match rows.and_then(|rows| self.learn_rows(&rows)) {
                Ok(()) => {}
                // It cannot be learned by trying again, and must not keep the service from working.
                Err(error @ (LakeError::Parquet(_) | LakeError::Arrow(_))) => {
                    tracing::error!(file = file.published, %error, "a committed file cannot be read; copies of its events may count");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn learn_rows(&self, rows: &[RecordBatch]) -> Result<(), LakeError> {
        for rows in rows {
            self.window.learn(rows)?;
            self.window.learn_keys(rows)?;
        }
        Ok(())
    }
}
