//! A lane: opens a batch, fills it, commits it, settles its deliveries; again and again.
//!
//! In: deliveries. Out: acknowledgements. Must hold: a delivery is acknowledged only when every
//! object of it is in a committed batch (I6); a batch that fails gives all its deliveries back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use super::batch::{BatchError, OpenBatch};
use super::ingest::Ingest;
use super::piece::{End, Piece, Slot};
use crate::lake::ingest_log::Entry;
use crate::lake::source::SourceId;
use crate::limits::{BATCH_OBJECTS_MAX, FAILURE_PAUSE, PIECES_MAX};
use crate::object::fetch::FetchError;
use crate::object::key::kind_of;
use crate::object::{ObjectRef, Version};
use crate::queue::{Delivery, Receipt};

/// Deliveries for whichever lane asks first.
pub(super) type Intake = Arc<Mutex<mpsc::Receiver<Delivery>>>;

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) intake: Intake,
    pub(super) stop: CancellationToken,
}

/// A delivery of the open batch, and where each object of it stands.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) receipt: Receipt,
    pub(super) slots: Vec<Slot>,
    /// An object of it could not even be named.
    pub(super) failed: bool,
}

/// A batch with everything that hangs on it.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) open: OpenBatch,
    pub(super) held: Vec<Held>,
    by_source: HashMap<SourceId, Slot>,
    tasks: JoinSet<()>,
    in_flight: usize,
    pieces: mpsc::Sender<Piece>,
}

impl Lane {
    /// Runs until the intake ends or the lane is told to stop.
    pub(super) async fn run(self) {
        loop {
            let first = tokio::select! {
                () = self.stop.cancelled() => return,
                first = self.next() => first,
            };
            let Some(first) = first else { return };
            self.wait_for_the_lake().await;
            let (pieces, mut received) = mpsc::channel(PIECES_MAX);
            let mut filling = Filling {
                open: self.pipeline.open_batch(),
                held: Vec::new(),
                by_source: HashMap::new(),
                tasks: JoinSet::new(),
                in_flight: 0,
                pieces,
            };
            self.begin(&mut filling, first).await;
            let filled = self.fill(&mut filling, &mut received).await;
            drop(received);
            filling.tasks.shutdown().await;
            self.pipeline.settle(filling, filled).await;
        }
    }

    /// After batches that the lake failed, longer each time: nothing is gained by trying harder.
    async fn wait_for_the_lake(&self) {
        let failures = self.pipeline.lake_failures.load(Ordering::Relaxed);
        if failures > 0 {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = pause(failures - 1) => {}
            }
        }
    }

    async fn next(&self) -> Option<Delivery> {
        self.intake.lock().await.recv().await
    }

    /// Takes deliveries and pieces until the batch is full, old or idle, and every object that
    /// was begun has ended.
    async fn fill(
        &self,
        filling: &mut Filling,
        received: &mut mpsc::Receiver<Piece>,
    ) -> Result<(), BatchError> {
        let settings = &self.pipeline.settings;
        let deadline = Instant::now() + settings.batch.age_max;
        let mut closing = false;
        loop {
            closing |= self.is_full(filling);
            if closing && filling.in_flight == 0 {
                return Ok(());
            }
            let room = !closing && filling.in_flight < settings.objects_in_flight_max;
            let idle = match settings.idle_max {
                Some(idle) if filling.in_flight == 0 => Instant::now() + idle,
                _ => deadline,
            };
            tokio::select! {
                Some(piece) = received.recv(), if filling.in_flight > 0 => {
                    if filling.open.take(piece).await? {
                        filling.in_flight -= 1;
                        self.pipeline.totals.ended();
                    }
                }
                Some(ended) = filling.tasks.join_next(), if !filling.tasks.is_empty() => {
                    if ended.is_err() {
                        return Err(BatchError::Spoiled(String::from("a reading ended abnormally")));
                    }
                }
                next = self.next(), if room => match next {
                    Some(delivery) => self.begin(filling, delivery).await,
                    None => closing = true,
                },
                () = sleep_until(deadline.min(idle)), if !closing => closing = true,
                () = self.stop.cancelled(), if !closing => closing = true,
            }
        }
    }

    /// By rows, bytes or objects; by its first delivery while the one that spoils is looked for.
    fn is_full(&self, filling: &Filling) -> bool {
        let batch = &self.pipeline.settings.batch;
        filling.open.rows >= batch.rows_max
            || filling.open.bytes >= batch.bytes_max
            || filling.open.entries.len() >= BATCH_OBJECTS_MAX
            || self.pipeline.alone.load(Ordering::Relaxed) > 0
    }

    /// Begins every object of a delivery.
    async fn begin(&self, filling: &mut Filling, delivery: Delivery) {
        let Delivery {
            objects,
            receipt,
            received_at,
        } = delivery;
        let mut held = Held {
            receipt,
            slots: Vec::new(),
            failed: false,
        };
        for object in objects {
            let object = match self.resolved(object).await {
                Ok(object) => object,
                Err(why) => {
                    tracing::warn!(
                        error = why,
                        "an object cannot be named; its message goes back"
                    );
                    held.failed = true;
                    continue;
                }
            };
            let Some(source) = SourceId::of(&object) else {
                held.failed = true;
                continue;
            };
            // Announced twice within one batch: both deliveries hang on one reading.
            if let Some(slot) = filling.by_source.get(&source) {
                held.slots.push(*slot);
                continue;
            }
            let slot = filling.open.entries.len();
            let kind = kind_of(&object.key).as_str();
            let entry = Entry::begun(source.clone(), object.clone(), kind, received_at);
            filling.open.entries.push(entry);
            filling.by_source.insert(source.clone(), slot);
            held.slots.push(slot);
            filling.in_flight += 1;
            let (ingest, batch) = (self.ingest(), filling.open.id.clone());
            filling
                .tasks
                .spawn(ingest.object(object, source, batch, slot, filling.pieces.clone()));
        }
        filling.held.push(held);
    }

    async fn resolved(&self, object: ObjectRef) -> Result<ObjectRef, String> {
        if object.version.etag.is_some() {
            return Ok(object);
        }
        match self.pipeline.objects.resolve(&object).await {
            Ok(object) => Ok(object),
            // Named as it was announced, so that the reading says what is wrong with it.
            Err(FetchError::Missing) => Ok(ObjectRef {
                version: Version::of_etag("missing"),
                ..object
            }),
            Err(error) => {
                if let FetchError::Denied { by, message } = &error {
                    self.pipeline
                        .health
                        .denied("object", &format!("{by}: {message}"));
                }
                Err(error.to_string())
            }
        }
    }

    fn ingest(&self) -> Ingest {
        let pipeline = &self.pipeline;
        Ingest {
            lake: pipeline.lake.clone(),
            objects: Arc::clone(&pipeline.objects),
            networks: Arc::clone(&pipeline.networks),
            health: Arc::clone(&pipeline.health),
            reading: Arc::clone(&pipeline.reading),
        }
    }
}

/// What to do with a delivery once its batch is decided.
pub(super) enum Verdict {
    Acknowledge,
    GiveBack(Duration),
}

impl Held {
    /// A delivery is done when each of its objects is in this batch, or was committed before.
    pub(super) fn verdict(&self, left_out: &HashMap<Slot, End>) -> Verdict {
        let mut again = self.failed.then_some(FAILURE_PAUSE);
        for slot in &self.slots {
            match left_out.get(slot) {
                None | Some(End::Read(_) | End::Duplicate) => {}
                Some(End::Busy(wait)) => again = again.max(Some(*wait)),
                Some(End::Failed(_)) => again = again.max(Some(FAILURE_PAUSE)),
            }
        }
        again.map_or(Verdict::Acknowledge, Verdict::GiveBack)
    }
}

/// Waits before the next attempt, longer after each failure in a row.
pub(super) async fn pause(failures: u32) {
    let doubled = FAILURE_PAUSE.saturating_mul(2_u32.saturating_pow(failures.min(8)));
    sleep(doubled.min(crate::limits::FAILURE_PAUSE_MAX)).await;
}
