//! The path from deliveries to acknowledgements, wired together.
//!
//! ```text
//! queue ─receive→ intake ─→ lane ─ claim, fetch, decompress, decode (a task an object)
//!                            │                        │ pieces
//!                            └ open batch ←───────────┘
//!                                │ evaluate, stage
//!                                └ commit ─ count ─ publish ─ acknowledge
//! ```
//!
//! Must hold: every channel has a limit, so that a slow lake slows the queue (I4).

pub mod batch;
pub mod concurrency;
pub mod cores;
mod flush;
mod hours;
pub mod ingest;
mod lane;
mod learn;
mod naming;
pub mod partials;
mod pending;
pub mod piece;
mod settle;
pub mod totals;
mod verdict;
pub mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Batch;
use crate::decode::Table;
use crate::decode::flow_logs::OwnNetworks;
use crate::engine::Engine;
use crate::lake::Lake;
use crate::lake::batch::BatchId;
use crate::limits::{LAKE_FAILURES_ALONE, STOP_MAX};
use crate::metrics::SignalMetrics;
use crate::object::fetch::Objects;
use crate::queue::{Delivery, Queue, QueueError, Return};
use crate::telemetry::health::{Health, Part};
use batch::OpenBatch;
use concurrency::Concurrency;
use cores::Cores;
use ingest::{Decoding, Ingest};
use lane::Lane;
use learn::Learned;
use totals::Totals;
use window::EventWindow;

/// How much the pipeline does at once, and when a batch closes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When a batch closes.
    pub batch: Batch,
    /// A batch with nothing to do closes after this time; without it only age and size close it.
    pub idle_max: Option<Duration>,
    /// Objects that are read at once.
    pub objects_in_flight_max: usize,
    /// Whether signals feed the live counters. A backfill writes the lake only.
    pub live: bool,
    /// Where decoders run.
    pub decoding: Decoding,
}

/// Why nothing goes on.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum RunError {
    /// A bug. The process should end and be started again.
    #[error("the lane ended abnormally; see the log")]
    LaneDied,
    /// The store of the lake would lose and double.
    #[error(
        "the lake's store overwrites an object although it is asked not to (If-None-Match: *): objects would be \
         counted twice. Take a store with conditional writes for the lake, such as S3"
    )]
    Overwrites,
}

/// Everything that the path from receive to acknowledge needs.
#[derive(Debug)]
pub struct Pipeline {
    /// Limits.
    pub settings: Settings,
    /// Where deliveries come from and are settled.
    pub queue: Arc<dyn Queue>,
    /// Where objects are.
    pub objects: Arc<dyn Objects>,
    /// Where rows go.
    pub lake: Lake,
    /// Whether its store is known to tell who was first.
    pub is_exclusive: bool,
    /// The signals.
    pub engine: Arc<Engine>,
    /// What counts as internal.
    pub networks: Arc<OwnNetworks>,
    /// The events that were committed lately.
    pub window: Arc<EventWindow>,
    /// The batches that the window knows.
    pub learned: Mutex<Learned>,
    /// The series of the signals.
    pub metrics: Arc<SignalMetrics>,
    /// Event time of the newest committed row by table, epoch milliseconds.
    pub newest: std::sync::Mutex<BTreeMap<Table, i64>>,
    /// How many of the next batches take one delivery each, to find the one that spoils them.
    pub alone: AtomicU32,
    /// Batches in a row that the lake failed.
    pub lake_failures: AtomicU32,
    /// Batches in a row of which nothing was committed, and an object could not even be named.
    pub unnamed_batches: AtomicU32,
    /// Batches that were given up, and not yet abandoned.
    pub undecided: std::sync::Mutex<Vec<BatchId>>,
    /// Objects being read at once.
    pub concurrency: Arc<Concurrency>,
    /// Objects being claimed at once.
    pub claims: Arc<Semaphore>,
    /// The cores that decoders take.
    pub cores: Arc<Cores>,
    /// What was done so far.
    pub totals: Arc<Totals>,
    /// Whether we can work.
    pub health: Arc<Health>,
}

impl Pipeline {
    /// Works until the queue ends or `stop` is cancelled; then what was begun is finished. After an
    /// error the messages come again, to another process.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), RunError> {
        self.rebuild(&stop).await;
        // In this order: there are stores that make a missing bucket when something is put into it.
        self.prove_exclusive(&stop).await?;
        let (sender, receiver) = mpsc::channel(self.settings.objects_in_flight_max.max(1));
        let lane = Lane {
            pipeline: Arc::clone(&self),
            intake: receiver,
            stop: stop.clone(),
            next_alone: None,
        };
        let mut lane = AbortOnDropHandle::new(tokio::spawn(lane.run()));
        let (receiving, too_long) = (self.receive(sender, &stop), self.stopped_too_long(&stop));
        tokio::pin!(receiving, too_long);
        let (mut received_all, mut ended) = (false, None);
        while !(received_all && ended.is_some()) {
            tokio::select! {
                biased;
                () = &mut too_long => {
                    tracing::warn!("the end took too long; what is open is left to its lease");
                    if ended.is_none() {
                        lane.abort();
                        let _aborted = lane.await;
                    }
                    break;
                }
                () = &mut receiving, if !received_all => received_all = true,
                done = &mut lane, if ended.is_none() => {
                    if let Err(error) = &done {
                        tracing::error!(%error, "the lane ended abnormally; its messages come again");
                        // Without it the process would hold messages and do nothing.
                        stop.cancel();
                    }
                    ended = Some(done.map_err(|_| RunError::LaneDied));
                }
            }
        }
        ended.unwrap_or(Ok(()))
    }

    /// Ends when the time for stopping is over.
    async fn stopped_too_long(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        self.lake.clock.sleep(STOP_MAX).await;
    }

    async fn receive(&self, to: mpsc::Sender<Delivery>, stop: &CancellationToken) {
        let mut failures = 0;
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                received = self.queue.receive() => received,
            };
            match received {
                Ok(None) => return,
                Ok(Some(deliveries)) => {
                    failures = 0;
                    self.health.readable(Part::Queue);
                    for delivery in deliveries {
                        // Waiting for room must not outlast the order to stop.
                        let room = tokio::select! {
                            biased;
                            () = stop.cancelled() => None,
                            room = to.reserve() => room.ok(),
                        };
                        match room {
                            Some(room) => room.send(delivery),
                            None => self.queue.give_back(delivery.receipt, Return::Now).await,
                        }
                    }
                }
                Err(error) => {
                    match &error {
                        QueueError::Denied(why) => self.health.denied(Part::Queue, why),
                        QueueError::Unavailable(why) => {
                            self.health.unavailable(Part::Queue, why);
                        }
                    }
                    tracing::error!(%error, failures, "receiving failed; trying again");
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => return,
                        () = lane::pause(self.lake.clock.as_ref(), failures) => {}
                    }
                    failures += 1;
                }
            }
        }
    }

    /// Objects that are read at once: one, while the lake fails batch after batch.
    fn objects_in_flight_max(&self) -> usize {
        if self.lake_failures.load(Ordering::Relaxed) >= LAKE_FAILURES_ALONE {
            1
        } else {
            self.settings.objects_in_flight_max
        }
    }

    fn open_batch(&self) -> OpenBatch {
        OpenBatch::new(
            self.lake.clone(),
            Arc::clone(&self.engine),
            Arc::clone(&self.window),
            self.settings.live.then(|| Arc::clone(&self.metrics)),
        )
    }

    fn ingest(&self) -> Ingest {
        Ingest {
            lake: self.lake.clone(),
            objects: Arc::clone(&self.objects),
            networks: Arc::clone(&self.networks),
            health: Arc::clone(&self.health),
            concurrency: Arc::clone(&self.concurrency),
            claims: Arc::clone(&self.claims),
            cores: Arc::clone(&self.cores),
            decoding: self.settings.decoding,
        }
    }
}
