//! The lane: opens a batch, fills it, commits it, settles its deliveries; again and again.
//!
//! In: deliveries. Out: acknowledgements. Must hold: a delivery is acknowledged only when every
//! object of it is in a committed batch (I6); a batch that fails gives all its deliveries back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Pipeline;
use super::batch::{BatchError, OpenBatch};
use super::concurrency::Concurrency;
use super::ingest::Begun;
use super::piece::{End, Piece, Slot};
use super::settle::{Because, SetAside};
use super::verdict::Held;
use crate::clock::Clock;
use crate::lake::Lake;
use crate::lake::batch::BatchId;
use crate::lake::ingest_log::Entry;
use crate::lake::source::SourceId;
use crate::limits::{
    BATCH_OPEN_MAX, BLAME_SEARCHES_MAX, FAILURE_PAUSE, FAILURE_PAUSE_MAX, PIECES_MAX,
    RENEWALS_PER_LEASE, STOP_FILL_MAX,
};
use crate::object::key::kind_of;
use crate::queue::{Delivery, Known, Return};

/// Works on one batch at a time.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) pipeline: Arc<Pipeline>,
    /// What was received.
    pub(super) intake: mpsc::Receiver<Delivery>,
    pub(super) stop: CancellationToken,
    /// A delivery that wants a batch of its own, and came while another was open.
    pub(super) next_alone: Option<Delivery>,
}

/// A batch with everything that hangs on it.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) open: OpenBatch,
    pub(super) held: Vec<Held>,
    by_source: HashMap<SourceId, Slot>,
    tasks: JoinSet<()>,
    in_flight: usize,
    /// Objects that the lake did not let us claim.
    unclaimed: usize,
    /// Takes nothing more: its delivery wants to be alone.
    alone: bool,
    pieces: mpsc::Sender<Piece>,
    pub(super) renewal: Renewal,
}

/// Says that the batch is alive, until it is decided.
#[derive(Debug)]
pub(super) struct Renewal {
    task: AbortOnDropHandle<()>,
    /// Whether it was said, or tried to.
    said: Arc<AtomicBool>,
}

impl Lane {
    /// Runs until the intake ends or the lane is told to stop; what it did not begin goes back at once.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.next_first().await {
            self.wait_after_failures().await;
            self.pipeline.give_up_the_rest().await;
            self.pipeline.catch_up(&self.stop).await;
            if self.stop.is_cancelled() {
                self.pipeline
                    .queue
                    .give_back(first.receipt, Return::Now)
                    .await;
                break;
            }
            let set_aside = self.batch(first, &[]).await;
            self.set_aside(set_aside).await;
        }
        self.intake.close();
        let queue = &self.pipeline.queue;
        if let Some(alone) = self.next_alone.take() {
            queue.give_back(alone.receipt, Return::Now).await;
        }
        while let Some(delivery) = self.intake.recv().await {
            queue.give_back(delivery.receipt, Return::Now).await;
        }
    }

    /// What fails a batch by itself, and has no further try, goes into the next one unread. Of a delivery
    /// with several objects only those that are to blame: where that is not known each is tried by
    /// itself, and those that are whole are committed so.
    async fn set_aside(&mut self, mut failed: Option<SetAside>) {
        let (mut unread, mut looked_for) = (Vec::new(), 0);
        while let Some(SetAside { delivery, because }) = failed {
            if self.stop.is_cancelled() {
                let queue = &self.pipeline.queue;
                return queue.give_back(delivery.receipt, Return::Now).await;
            }
            let is_known = because.key.is_some() || delivery.objects.len() == 1;
            // A search may have met a lake that failed, and found nothing for that reason.
            if is_known || looked_for >= BLAME_SEARCHES_MAX {
                unread.push(because);
            } else {
                looked_for += 1;
                for one in delivery.one_by_one() {
                    if let Some(SetAside { delivery, because }) = self.batch(one, &unread).await {
                        let key = delivery.objects.first().map(|one| one.object.key.clone());
                        unread.push(Because { key, ..because });
                    }
                }
            }
            failed = self.batch(delivery, &unread).await;
        }
    }

    async fn next_first(&mut self) -> Option<Delivery> {
        if self.stop.is_cancelled() {
            return None;
        }
        if let Some(alone) = self.next_alone.take() {
            return Some(alone);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            first = self.intake.recv() => first,
        }
    }

    /// One batch, from its first delivery to its end.
    async fn batch(&mut self, first: Delivery, unread: &[Because]) -> Option<SetAside> {
        let (pieces, mut received) = mpsc::channel(PIECES_MAX);
        let open = self.pipeline.open_batch();
        let mut filling = Filling {
            renewal: Renewal::begin(self.pipeline.lake.clone(), open.id.clone()),
            open,
            held: Vec::new(),
            by_source: HashMap::new(),
            tasks: JoinSet::new(),
            in_flight: 0,
            unclaimed: 0,
            alone: self.pipeline.is_to_be_alone(&first),
            pieces,
        };
        self.begin(&mut filling, first, unread).await;
        let filled = self.fill(&mut filling, &mut received).await;
        drop(received);
        filling.tasks.shutdown().await;
        self.pipeline.settle(filling, filled).await
    }

    /// After batches that the lake failed, or whose objects cannot be named, longer each time: nothing is gained
    /// by trying harder, and each try uses up a receive.
    async fn wait_after_failures(&self) {
        let of_lake = self.pipeline.lake_failures.load(Ordering::Relaxed);
        let unnamed = self.pipeline.unnamed_batches.load(Ordering::Relaxed);
        let failures = of_lake.max(unnamed);
        if failures > 0 {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = pause(self.pipeline.lake.clock.as_ref(), failures - 1) => {}
            }
        }
    }

    /// Takes deliveries and pieces until the batch is full, old or idle, and every object that
    /// was begun has ended.
    async fn fill(
        &mut self,
        filling: &mut Filling,
        received: &mut mpsc::Receiver<Piece>,
    ) -> Result<(), BatchError> {
        let pipeline = Arc::clone(&self.pipeline);
        let (settings, clock) = (&pipeline.settings, pipeline.lake.clock.as_ref());
        let mut old = clock.sleep(settings.batch.age_max);
        let mut stopped = clock.sleep(Duration::MAX);
        let mut closing = false;
        let mut stopping = false;
        loop {
            closing |= filling.alone
                || filling.open.is_full(&settings.batch)
                || filling.is_refused(&pipeline.concurrency)
                || pipeline.alone.load(Ordering::Relaxed) > 0;
            if closing && filling.in_flight == 0 {
                return Ok(());
            }
            let room = !closing && filling.in_flight < pipeline.objects_in_flight_max();
            let idle = match settings.idle_max {
                Some(idle) if filling.in_flight == 0 && !closing => clock.sleep(idle),
                _ => clock.sleep(Duration::MAX),
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !stopping => {
                    closing = true;
                    stopping = true;
                    stopped = clock.sleep(STOP_FILL_MAX);
                }
                () = &mut stopped, if stopping => return Err(BatchError::Stopped),
                next = self.intake.recv(), if room => match next {
                    Some(delivery) if pipeline.is_to_be_alone(&delivery) => {
                        self.next_alone = Some(delivery);
                        closing = true;
                    }
                    Some(delivery) => self.begin(filling, delivery, &[]).await,
                    None => closing = true,
                },
                Some(piece) = received.recv(), if filling.in_flight > 0 => {
                    let unclaimed = matches!(piece, Piece::Ended(_, End::Unclaimed(_)));
                    filling.unclaimed += usize::from(unclaimed);
                    if filling.open.take(piece).await? {
                        filling.in_flight -= 1;
                        pipeline.totals.ended();
                    }
                }
                Some(ended) = filling.tasks.join_next(), if !filling.tasks.is_empty() => {
                    if let Err(error) = ended {
                        return Err(BatchError::Spoiled(format!("a reading ended abnormally: {error}")));
                    }
                }
                () = &mut old, if !closing => closing = true,
                () = idle, if !closing => closing = true,
            }
        }
    }

    /// Begins every object of a delivery, but for those that are not to be read.
    async fn begin(&self, filling: &mut Filling, delivery: Delivery, unread: &[Because]) {
        let care = delivery.attempt.care();
        let (mut slots, mut unnamed) = (Vec::new(), None);
        for wanted in delivery.objects.clone() {
            let generation = wanted.replay.map_or(0, |replay| replay.generation);
            let object = match self.pipeline.resolved(wanted.object).await {
                Ok(object) => object,
                Err(why) => {
                    unnamed = unnamed.max(Some(why));
                    continue;
                }
            };
            let Some(source) = SourceId::of(&object, generation) else {
                unnamed = unnamed.max(Some(Return::Failed));
                continue;
            };
            // Announced twice within one batch: both deliveries hang on one reading.
            if let Some(slot) = filling.by_source.get(&source) {
                slots.push(*slot);
                continue;
            }
            let slot = filling.open.entries.len();
            let kind = kind_of(&object.key).as_str();
            let mut entry =
                Entry::begun(source.clone(), object.clone(), kind, delivery.received_at);
            entry.sent_at = delivery.sent_at;
            entry.generation = generation;
            filling.open.entries.push(entry);
            filling.by_source.insert(source.clone(), slot);
            slots.push(slot);
            filling.in_flight += 1;
            let mut unread = unread.iter();
            let begun = Begun {
                set_aside: unread.find_map(|because| because.of(&object.key)),
                object,
                source,
                slot,
                care,
                known: wanted
                    .replay
                    .map_or_else(Known::default, |replay| replay.known),
                lost: delivery.lost.clone(),
            };
            let ingest = self.pipeline.ingest().object(
                begun,
                filling.open.id.clone(),
                filling.pieces.clone(),
            );
            filling.tasks.spawn(ingest);
        }
        filling.held.push(Held {
            delivery,
            slots,
            unnamed,
        });
    }
}

impl Filling {
    /// Whether nothing came of all that has ended, because the lake does not answer or objects cannot be
    /// named: to receive more would use up more receives.
    fn is_refused(&self, concurrency: &Concurrency) -> bool {
        let ended = self.open.entries.len() - self.in_flight;
        let unnamed = || self.held.iter().any(|held| held.is_unnamed(concurrency));
        let nothing_came = self.open.left_out.len() == ended;
        nothing_came && (self.unclaimed > 0 || self.in_flight == 0 && unnamed())
    }
}

impl Renewal {
    fn begin(lake: Lake, batch: BatchId) -> Self {
        let said = Arc::new(AtomicBool::new(false));
        let renewing = renew(lake, batch, Arc::clone(&said));
        Self {
            task: AbortOnDropHandle::new(tokio::spawn(renewing)),
            said,
        }
    }

    /// Stops renewing; true if a renewal was ever tried.
    pub(super) fn end(self) -> bool {
        drop(self.task);
        self.said.load(Ordering::Relaxed)
    }
}

/// Renews the lease of an open batch. A batch that hangs is left to others in the end.
async fn renew(lake: Lake, batch: BatchId, said: Arc<AtomicBool>) {
    let opened = lake.clock.elapsed();
    while lake.clock.elapsed().saturating_sub(opened) < BATCH_OPEN_MAX {
        lake.clock.sleep(lake.lease / RENEWALS_PER_LEASE).await;
        said.store(true, Ordering::Relaxed);
        if let Err(error) = lake.renew(&batch).await {
            tracing::warn!(%batch, %error, "the batch's lease was not renewed; trying again");
        }
    }
}

/// Waits before the next attempt, longer after each failure in a row.
pub(super) async fn pause(clock: &dyn Clock, failures: u32) {
    let doubled = FAILURE_PAUSE.saturating_mul(2_u32.saturating_pow(failures.min(8)));
    clock.sleep(doubled.min(FAILURE_PAUSE_MAX)).await;
}
