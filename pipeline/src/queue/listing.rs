//! A listing as a queue: every object that is there now, once. `backfill` reads it.
//!
//! Must hold: an object that was given back comes again; the listing ends only when every object
//! was acknowledged, or given up after [`LISTED_ATTEMPTS_MAX`] attempts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::{Delivery, Queue, QueueError, Receipt};
use crate::clock::Clock;
use crate::limits::{FAILURE_PAUSE, LISTED_ATTEMPTS_MAX, LISTING_WAIT};
use crate::object::ObjectRef;

/// Objects that were listed, and when each may come.
#[derive(Debug)]
pub struct Listing {
    waiting: Mutex<Waiting>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Waiting {
    objects: VecDeque<(Instant, ObjectRef)>,
    /// Delivered and not yet settled.
    out: usize,
    /// How often an object came back because it could not be read.
    failures: HashMap<String, u32>,
}

impl Listing {
    /// A queue of these objects.
    pub fn new(objects: Vec<ObjectRef>, clock: Arc<dyn Clock>) -> Self {
        let now = Instant::now();
        let objects = objects.into_iter().map(|object| (now, object)).collect();
        Self {
            waiting: Mutex::new(Waiting {
                objects,
                out: 0,
                failures: HashMap::new(),
            }),
            clock,
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<ObjectRef> {
        let mut waiting = self.waiting();
        let now = Instant::now();
        let due = waiting.objects.iter().position(|(at, _)| *at <= now)?;
        let (_, object) = waiting.objects.remove(due)?;
        waiting.out += 1;
        Some(object)
    }
}

#[async_trait]
impl Queue for Listing {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        if let Some(object) = self.next() {
            let receipt = Receipt::Listed(object.clone());
            let received_at = self.clock.now();
            return Ok(Some(vec![Delivery {
                objects: vec![object],
                receipt,
                received_at,
            }]));
        }
        {
            let waiting = self.waiting();
            if waiting.objects.is_empty() && waiting.out == 0 {
                return Ok(None);
            }
        }
        sleep(LISTING_WAIT).await;
        Ok(Some(Vec::new()))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(receipts.len());
    }

    async fn give_back(&self, receipt: Receipt, after: Duration) {
        let Receipt::Listed(object) = receipt else {
            return;
        };
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(1);
        if after <= FAILURE_PAUSE {
            let failures = waiting.failures.entry(object.key.clone()).or_default();
            *failures += 1;
            if *failures >= LISTED_ATTEMPTS_MAX {
                tracing::error!(key = %object.key, "cannot be read; going on without it");
                return;
            }
        }
        waiting.objects.push_back((Instant::now() + after, object));
    }
}
