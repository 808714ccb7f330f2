//! Commit, count, publish, acknowledge: the end of a batch.
//!
//! In: a batch that took all its objects, or failed to. Out: settled deliveries. Must hold: the
//! order. Counters advance only after the commit (I2), and at once: a publish that fails is finished by
//! whoever gets the messages, who counts nothing. Nothing is acknowledged before the publish (I6).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};

use super::Pipeline;
use super::batch::{self, BatchError, StagedBatch};
use super::lane::{self, Filling, Renewal};
use super::partials::Merged;
use super::piece::{End, Slot};
use super::verdict::{Held, Verdict};
use crate::lake::LakeError;
use crate::lake::batch::{BatchId, Commit, StagedFile};
use crate::lake::ingest_log::Entry;
use crate::lake::source::SourceId;
use crate::limits::{ALONE_BATCHES, UNDECIDED_BATCHES_MAX};
use crate::queue::{Care, Delivery, Receipt, Return};
use crate::telemetry::health::Part;
use crate::telemetry::timed;

/// A delivery that fails every batch it is in, and has no further try.
#[derive(Debug)]
pub(super) struct SetAside {
    pub(super) delivery: Delivery,
    pub(super) because: Because,
}

/// Why objects are quarantined without being read.
#[derive(Debug, Clone)]
pub(super) struct Because {
    /// For `quarantine.reason`.
    pub(super) reason: &'static str,
    pub(super) why: String,
    /// The key of the one that it is about, if that is known; else all of its delivery.
    pub(super) key: Option<String>,
}

impl Because {
    /// What it says of this object.
    pub(super) fn of(&self, key: &str) -> Option<(&'static str, String)> {
        let is_meant = self.key.as_deref().is_none_or(|meant| meant == key);
        is_meant.then(|| (self.reason, self.why.clone()))
    }
}

/// The objects of a batch that are not to be committed with it.
struct Left {
    out: BTreeMap<Slot, End>,
    /// Kind and key, for counting and logging.
    names: BTreeMap<Slot, (&'static str, String)>,
}

impl Left {
    fn of(entries: &[Entry], out: BTreeMap<Slot, End>) -> Self {
        let name = |slot: &Slot| {
            let entry = entries.get(*slot)?;
            Some((*slot, (entry.kind, entry.object.key.clone())))
        };
        let names = out.keys().filter_map(name).collect();
        Self { out, names }
    }
}

impl Pipeline {
    /// Ends a batch, whatever became of it. A delivery that comes back is to be set aside.
    pub(super) async fn settle(
        &self,
        filling: Filling,
        filled: Result<(), BatchError>,
    ) -> Option<SetAside> {
        let Filling {
            mut open,
            held,
            renewal,
            ..
        } = filling;
        let id = open.id.clone();
        let left = Left::of(&open.entries, std::mem::take(&mut open.left_out));
        if filled.is_ok() && open.entries.len() == left.out.len() {
            self.lake_answered(&left);
            // What was claimed and not read must not look busy to whoever gets it next, nor its worker dead.
            let claimed = |end: &End| {
                matches!(
                    end,
                    End::Failed(_) | End::Throttled(_) | End::Denied(_) | End::Lost
                )
            };
            if left.out.values().any(claimed) {
                self.give_up(&id).await;
            } else if left
                .out
                .values()
                .any(|end| matches!(end, End::Unclaimed(_)))
            {
                // It may be claimed all the same. The lake fails: there is time until it answers.
                self.give_up_later(&id);
            }
            if held.iter().any(|held| held.is_unnamed(&self.concurrency)) {
                self.unnamed_batches.fetch_add(1, Ordering::Relaxed);
            } else if !open.entries.is_empty() {
                self.unnamed_batches.store(0, Ordering::Relaxed);
            }
            self.end_renewal(&id, renewal).await;
            self.release(held, &left).await;
            return None;
        }
        let staged = match filled {
            Ok(()) => open.stage(&left.out).await,
            Err(error) => {
                open.discard().await;
                Err(error)
            }
        };
        match staged {
            Ok(staged) => self.commit(&id, staged, held, &left, renewal).await,
            Err(error) => {
                tracing::error!(batch = %id, %error, "the batch is given up; its messages come again");
                let why = self.failed(&error);
                self.give_up(&id).await;
                self.end_renewal(&id, renewal).await;
                return self.set_aside_or_give_back(held, &error, why).await;
            }
        }
        None
    }

    /// Learns from a batch of which nothing is to be committed whether the lake works.
    fn lake_answered(&self, left: &Left) {
        let asked = || left.out.values().filter(|end| !matches!(end, End::Own));
        if asked().any(|end| matches!(end, End::Unclaimed(_))) {
            self.lake_failures.fetch_add(1, Ordering::Relaxed);
        } else if asked().next().is_some() {
            self.lake_failures.store(0, Ordering::Relaxed);
        }
    }

    /// Learns from a failed batch, and says when its deliveries may come again.
    fn failed(&self, error: &BatchError) -> Return {
        match error {
            BatchError::Lake(error) => self.lake_failed(error),
            BatchError::Signal { .. }
            | BatchError::Spoiled(_)
            | BatchError::Scattered { .. }
            | BatchError::Astray(_) => {
                self.alone.store(ALONE_BATCHES, Ordering::Relaxed);
                // Most of them are innocent, and each comes alone now.
                Return::Spoiled
            }
            BatchError::Throttled(_) => Return::Throttled,
            BatchError::Stopped => Return::Now,
        }
    }

    /// A lake that fails is no fault of the messages: they stay away for a lease, so that they do
    /// not run into the dead-letter queue meanwhile.
    fn lake_failed(&self, error: &LakeError) -> Return {
        self.lake_failures.fetch_add(1, Ordering::Relaxed);
        error.trouble().tell(Part::LakeFiles, &self.health);
        Return::After(self.lake.lease)
    }

    /// A delivery that fails its batch alone, at its last try, is quarantined by the next batch.
    async fn set_aside_or_give_back(
        &self,
        mut held: Vec<Held>,
        error: &BatchError,
        why: Return,
    ) -> Option<SetAside> {
        let reason = match error {
            BatchError::Signal { .. } => Some("signal_failed"),
            BatchError::Scattered { .. } => Some("scattered_times"),
            // It was read in part: its bucket can be read.
            BatchError::Spoiled(_) if !self.concurrency.is_outage() => Some("unreadable"),
            BatchError::Spoiled(_)
            | BatchError::Throttled(_)
            | BatchError::Lake(_)
            | BatchError::Astray(_)
            | BatchError::Stopped => None,
        };
        let alone = held.len() == 1;
        let last = held
            .pop_if(|held| alone && held.delivery.attempt.care() >= Care::LastTry)
            .map(|held| held.delivery);
        match (reason, last) {
            (Some(reason), Some(delivery)) => {
                let key = match error {
                    BatchError::Scattered { key, .. } => Some(key.clone()),
                    _ => None,
                };
                let why = error.to_string();
                let because = Because { reason, why, key };
                Some(SetAside { delivery, because })
            }
            (_, last) => {
                self.give_all_back(held, why).await;
                if let Some(delivery) = last {
                    self.queue.give_back(delivery.receipt, why).await;
                }
                None
            }
        }
    }

    async fn commit(
        &self,
        id: &BatchId,
        staged: StagedBatch,
        held: Vec<Held>,
        left: &Left,
        renewal: Renewal,
    ) {
        let StagedBatch {
            files,
            sources,
            merged,
            entries,
            events,
            newest,
        } = staged;
        let committed = timed("commit", self.commit_until_known(id, &files, &sources)).await;
        let files = match committed {
            Commit::Committed(files) => files,
            Commit::Fenced => {
                counter!("trailflow_commits_total", "result" => "fenced").increment(1);
                tracing::warn!(batch = %id, "fenced: another worker took over; nothing of it counts");
                dropped(self.lake.drop_staging(id, &files).await);
                self.end_renewal(id, renewal).await;
                return self.give_all_back(held, Return::Now).await;
            }
        };
        self.end_renewal(id, renewal).await;
        counter!("trailflow_commits_total", "result" => "created").increment(1);
        self.unnamed_batches.store(0, Ordering::Relaxed);
        let one_less = |alone: u32| alone.checked_sub(1);
        // Nothing to take when no batch was spoiled.
        let _none = self
            .alone
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        self.window.commit(events);
        self.learned.lock().await.insert(id.clone());
        self.count(&entries, &merged);
        {
            let mut known = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            batch::freshness(&newest, &mut known);
        }
        match timed("publish", self.lake.publish(id, &files)).await {
            Ok(()) => {
                self.lake_failures.store(0, Ordering::Relaxed);
                self.health.readable(Part::Lake);
                self.health.readable(Part::LakeFiles);
                tracing::info!(batch = %id, objects = entries.len(), files = files.len(), "committed");
                self.release(held, left).await;
            }
            Err(error) => {
                tracing::error!(batch = %id, %error, "publishing is unfinished; whoever gets the messages finishes it");
                self.totals.unpublished(entries.len());
                let why = self.lake_failed(&error);
                self.give_all_back(held, why).await;
            }
        }
    }

    /// Asks until it is known whether the batch counts. Going on without knowing would leave a
    /// batch that did land out of the counters; and with a lake that does not answer there is
    /// nothing else to do.
    async fn commit_until_known(
        &self,
        id: &BatchId,
        files: &[StagedFile],
        sources: &[SourceId],
    ) -> Commit {
        let mut failures = 0;
        loop {
            match self.lake.commit(id, files.to_vec(), sources.to_vec()).await {
                Ok(commit) => return commit,
                Err(error) => {
                    counter!("trailflow_commits_total", "result" => "unknown").increment(1);
                    tracing::error!(batch = %id, %error, failures, "not known whether the batch is committed; asking again");
                    error.trouble().tell(Part::Lake, &self.health);
                    lane::pause(self.lake.clock.as_ref(), failures).await;
                    failures += 1;
                }
            }
        }
    }

    fn count(&self, entries: &[Entry], merged: &[Merged]) {
        let counted: &[Merged] = if self.settings.live { merged } else { &[] };
        let now = self.lake.clock.elapsed();
        for (planned, Merged { rows, tallies }) in self.engine.signals().iter().zip(counted) {
            if let Err(error) = self.metrics.count(&planned.signal, tallies, rows, now) {
                tracing::error!(signal = planned.name(), %error, "committed rows are not in the counters");
            }
        }
        // Last: whoever sees that an object was counted sees what it counted for.
        self.totals.committed(entries);
        batch::count(entries);
        self.lag(entries);
    }

    /// Event → object → received → committed, an observation an object.
    fn lag(&self, entries: &[Entry]) {
        let now = self.lake.clock.now();
        let observe = |stage: &'static str, millis: i64| {
            let seconds = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
            histogram!("trailflow_lag_seconds", "stage" => stage).record(seconds.as_secs_f64());
        };
        for entry in entries {
            let received = entry.received_at;
            if let (Some(written), Some((_, newest))) =
                (entry.object.written_at, entry.event_millis)
            {
                observe("event_to_object", written.timestamp_millis() - newest);
            }
            if let Some(written) = entry.object.written_at {
                observe(
                    "object_to_received",
                    (received - written).num_milliseconds(),
                );
            }
            observe("received_to_committed", (now - received).num_milliseconds());
        }
    }

    fn count_left_out(&self, left: &Left) {
        let mut own = 0;
        for (slot, end) in &left.out {
            let Some((kind, key)) = left.names.get(slot) else {
                continue;
            };
            let outcome = match end {
                End::Duplicate => {
                    counter!("trailflow_duplicates_suppressed_total", "level" => "object")
                        .increment(1);
                    self.totals.duplicate();
                    "duplicate"
                }
                End::Own => {
                    own += 1;
                    self.totals.own();
                    "ignored"
                }
                End::Failed(why) | End::Throttled(why) | End::Denied(why) => {
                    tracing::warn!(key, error = why, "not read; its message comes again");
                    "retried"
                }
                End::Busy(_) | End::Unclaimed(_) | End::Lost | End::Read(_) => "retried",
            };
            counter!("trailflow_objects_total", "kind" => *kind, "outcome" => outcome).increment(1);
        }
        if own > 0 {
            tracing::warn!(
                own,
                "files of the lake are announced or listed as logs, and passed over: leave the lake's prefix out"
            );
        }
    }

    async fn release(&self, held: Vec<Held>, left: &Left) {
        self.count_left_out(left);
        let mut done: Vec<Receipt> = Vec::new();
        for held in held {
            match held.verdict(&left.out) {
                Verdict::Acknowledge => done.push(held.delivery.receipt),
                Verdict::GiveBack(why) => self.queue.give_back(held.delivery.receipt, why).await,
            }
        }
        if !done.is_empty() {
            self.queue.acknowledge(done).await;
        }
    }

    async fn give_all_back(&self, held: Vec<Held>, why: Return) {
        for held in held {
            self.queue.give_back(held.delivery.receipt, why).await;
        }
    }

    /// The batch is decided: its lease is of no more use. One that is left tells nobody anything.
    async fn end_renewal(&self, id: &BatchId, renewal: Renewal) {
        if renewal.end()
            && let Err(error) = self.lake.end_renewal(id).await
        {
            tracing::debug!(batch = %id, %error, "a lease is left for the lifecycle rule");
        }
    }

    /// Abandons the batch, so that others need not wait for its lease and take this worker for dead.
    async fn give_up(&self, id: &BatchId) {
        if let Err(error) = self.abandoned(id).await {
            tracing::warn!(batch = %id, %error, "not abandoned yet; the lease runs out by itself");
            self.give_up_later(id);
        }
    }

    fn give_up_later(&self, id: &BatchId) {
        let mut undecided = self.undecided();
        if undecided.len() < UNDECIDED_BATCHES_MAX {
            undecided.push(id.clone());
        }
    }

    fn undecided(&self) -> MutexGuard<'_, Vec<BatchId>> {
        self.undecided
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Abandons what was left when it was given up, as far as the lake answers.
    pub(super) async fn give_up_the_rest(&self) {
        let next = || self.undecided().pop();
        while let Some(id) = next() {
            if let Err(error) = self.abandoned(&id).await {
                tracing::debug!(batch = %id, %error, "still not abandoned");
                return self.give_up_later(&id);
            }
        }
    }

    async fn abandoned(&self, id: &BatchId) -> Result<(), LakeError> {
        // Committed after all: an earlier attempt landed. Redelivery finds it and publishes.
        if self.lake.abandon(id).await?.is_none() {
            counter!("trailflow_commits_total", "result" => "abandoned").increment(1);
            dropped(self.lake.drop_batch_staging(id).await);
        }
        Ok(())
    }
}

/// What could not be dropped costs storage, not rows.
fn dropped(dropped: Result<(), LakeError>) {
    if let Err(error) = dropped {
        tracing::warn!(%error, "staged files are left for the lifecycle rule");
    }
}
