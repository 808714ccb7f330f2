//! A listing as a queue: every object that is there now, once. `backfill` reads it.
//!
//! Must hold: an object that was given back comes again; the listing ends only when every object
//! was acknowledged, or given up after [`LISTED_ATTEMPTS_MAX`] attempts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Attempt, Delivery, Queue, QueueError, Receipt, Return, Wanted};
use crate::clock::Clock;
use crate::limits::{FAILURE_PAUSE, LISTED_ATTEMPTS_MAX, LISTING_WAIT};

/// Objects that were listed, and when each may come.
#[derive(Debug)]
pub struct Listing {
    objects: Vec<Wanted>,
    waiting: Mutex<Waiting>,
    clock: Arc<dyn Clock>,
}

/// Places in the list of objects.
#[derive(Debug)]
struct Waiting {
    fresh: std::ops::Range<usize>,
    /// Given back, and due at that time of the clock.
    again: VecDeque<(Duration, usize)>,
    /// Delivered and not yet settled.
    out: usize,
    /// How often each could not be read.
    failures: Vec<u32>,
}

impl Listing {
    /// A queue of these objects, in this order.
    pub fn new(objects: Vec<Wanted>, clock: Arc<dyn Clock>) -> Self {
        let waiting = Waiting {
            fresh: 0..objects.len(),
            again: VecDeque::new(),
            out: 0,
            failures: vec![0; objects.len()],
        };
        Self {
            objects,
            waiting: Mutex::new(waiting),
            clock,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<usize> {
        let mut waiting = self.waiting();
        let now = self.clock.elapsed();
        let due = waiting.again.iter().position(|(at, _)| *at <= now);
        let again = due.and_then(|due| waiting.again.remove(due));
        let place = match again {
            Some((_, place)) => place,
            None => waiting.fresh.next()?,
        };
        waiting.out += 1;
        Some(place)
    }
}

#[async_trait]
impl Queue for Listing {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let next = self.next();
        if let Some((place, object)) =
            next.and_then(|place| Some((place, self.objects.get(place)?)))
        {
            return Ok(Some(vec![Delivery {
                objects: vec![object.clone()],
                receipt: Receipt::Number(u64::try_from(place).unwrap_or(u64::MAX)),
                received_at: self.clock.now(),
                sent_at: None,
                attempt: Attempt::first(),
                lost: CancellationToken::new(),
            }]));
        }
        {
            let waiting = self.waiting();
            if waiting.fresh.is_empty() && waiting.again.is_empty() && waiting.out == 0 {
                return Ok(None);
            }
        }
        self.clock.sleep(LISTING_WAIT).await;
        Ok(Some(Vec::new()))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(receipts.len());
    }

    async fn give_back(&self, receipt: Receipt, why: Return) {
        let Receipt::Number(number) = receipt else {
            return;
        };
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(1);
        let pause = match why {
            Return::Now => Duration::ZERO,
            Return::After(wait) => wait,
            Return::Failed | Return::Denied => {
                let failures = waiting.failures.get_mut(place);
                let failures = failures.map_or(0, |failures| {
                    *failures += 1;
                    *failures
                });
                if failures >= LISTED_ATTEMPTS_MAX {
                    let key = self.objects.get(place).map(|object| &object.object.key);
                    tracing::error!(key, "cannot be read; going on without it");
                    return;
                }
                FAILURE_PAUSE.saturating_mul(failures)
            }
        };
        waiting
            .again
            .push_back((self.clock.elapsed() + pause, place));
    }
}
