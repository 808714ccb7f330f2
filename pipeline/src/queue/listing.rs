//! A listing as a queue: every object that is there now, once. `backfill` reads it.
//!
//! Must hold: an object that was given back comes again; the listing ends only when every object
//! was acknowledged, or given up after [`LISTED_ATTEMPTS_MAX`] attempts. One that spoils its batches is
//! quarantined by the last of as many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Attempt, Delivery, Queue, QueueError, Receipt, Return, Wanted};
use crate::clock::Clock;
use crate::limits::{FAILURE_PAUSE, LISTED_ATTEMPTS_MAX, LISTING_WAIT, RETRY_PAUSE};

/// Objects that were listed, and when each may come.
#[derive(Debug)]
pub struct Listing {
    objects: Vec<Wanted>,
    waiting: Mutex<Waiting>,
    /// Told whenever an object was settled: it may be the last, or be due again.
    settled: Notify,
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
    /// Settled for good.
    acknowledged: usize,
    /// How often each could not be read.
    failures: Vec<u32>,
    /// How often each was in a batch that was spoiled.
    spoiled: Vec<u32>,
}

impl Listing {
    /// A queue of these objects, in this order.
    pub fn new(objects: Vec<Wanted>, clock: Arc<dyn Clock>) -> Self {
        let waiting = Waiting {
            fresh: 0..objects.len(),
            again: VecDeque::new(),
            out: 0,
            acknowledged: 0,
            failures: vec![0; objects.len()],
            spoiled: vec![0; objects.len()],
        };
        Self {
            objects,
            waiting: Mutex::new(waiting),
            settled: Notify::new(),
            clock,
        }
    }

    /// How many objects have not been settled for good: they wait, or were given up.
    pub fn left(&self) -> usize {
        self.objects
            .len()
            .saturating_sub(self.waiting().acknowledged)
    }

    /// Whether all that is left was tried, and waits to be tried again.
    pub fn only_waits(&self) -> bool {
        let waiting = self.waiting();
        waiting.fresh.is_empty() && waiting.out == 0
    }

    /// Goes on without it: it is left, and `backfill` says so.
    fn give_up(&self, place: usize) {
        let key = self.objects.get(place).map(|object| &object.object.key);
        tracing::error!(key, "cannot be read; going on without it");
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of an object that is due, and how carefully it is to be read.
    fn next(&self) -> Option<(usize, Attempt)> {
        let mut waiting = self.waiting();
        let now = self.clock.elapsed();
        let due = waiting.again.iter().position(|(at, _)| *at <= now);
        let again = due.and_then(|due| waiting.again.remove(due));
        let place = match again {
            Some((_, place)) => place,
            None => waiting.fresh.next()?,
        };
        waiting.out += 1;
        let spoiled = waiting.spoiled.get(place).copied().unwrap_or_default();
        Some((place, Attempt::of(spoiled + 1, Some(LISTED_ATTEMPTS_MAX))))
    }
}

#[async_trait]
impl Queue for Listing {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let next = self.next();
        if let Some((place, attempt, object)) =
            next.and_then(|(place, attempt)| Some((place, attempt, self.objects.get(place)?)))
        {
            return Ok(Some(vec![Delivery {
                objects: vec![object.clone()],
                receipt: Receipt::Number(u64::try_from(place).unwrap_or(u64::MAX)),
                received_at: self.clock.now(),
                sent_at: None,
                attempt,
                lost: CancellationToken::new(),
            }]));
        }
        {
            let waiting = self.waiting();
            if waiting.fresh.is_empty() && waiting.again.is_empty() && waiting.out == 0 {
                return Ok(None);
            }
        }
        // A permit stays if nobody waits yet: what is settled between the look and the wait is not missed.
        tokio::select! {
            biased;
            () = self.settled.notified() => {}
            () = self.clock.sleep(LISTING_WAIT) => {}
        }
        Ok(Some(Vec::new()))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        let is_ours = |receipt: &&Receipt| matches!(receipt, Receipt::Number(_));
        let settled = receipts.iter().filter(is_ours).count();
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(settled);
        waiting.acknowledged += settled;
        drop(waiting);
        self.settled.notify_one();
    }

    async fn give_back(&self, receipt: Receipt, why: Return) {
        let Receipt::Number(number) = receipt else {
            return;
        };
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let mut waiting = self.waiting();
        waiting.out = waiting.out.saturating_sub(1);
        self.settled.notify_one();
        let pause = match why {
            Return::Now => Duration::ZERO,
            Return::After(wait) => wait,
            Return::Spoiled => {
                let spoiled = waiting.spoiled.get_mut(place);
                let spoiled = spoiled.map_or(0, |spoiled| {
                    *spoiled += 1;
                    *spoiled
                });
                // Its last try failed its batch alone, and that did not say that it is to blame.
                if spoiled >= LISTED_ATTEMPTS_MAX {
                    return self.give_up(place);
                }
                FAILURE_PAUSE
            }
            Return::Throttled => RETRY_PAUSE,
            Return::Failed | Return::Denied => {
                let failures = waiting.failures.get_mut(place);
                let failures = failures.map_or(0, |failures| {
                    *failures += 1;
                    *failures
                });
                if failures >= LISTED_ATTEMPTS_MAX {
                    return self.give_up(place);
                }
                FAILURE_PAUSE.saturating_mul(failures)
            }
        };
        waiting
            .again
            .push_back((self.clock.elapsed() + pause, place));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use uuid::Uuid;

    use super::*;
    use crate::object::{ObjectRef, Version};
    use crate::queue::Care;

    /// Time that passes when somebody waits for it.
    #[derive(Debug, Default)]
    struct Waited(Mutex<Duration>);

    impl Clock for Waited {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
            *self.0.lock().unwrap() += time;
            std::future::ready(()).boxed()
        }

        fn unique(&self) -> Uuid {
            Uuid::now_v7()
        }
    }

    #[tokio::test]
    async fn what_spoils_its_batches_comes_to_its_last_try() {
        let object = ObjectRef {
            bucket: String::from("logs"),
            key: String::from("AWSLogs/1"),
            version: Version::of_etag("e"),
            size_bytes: None,
            written_at: None,
        };
        let listing = Listing::new(vec![Wanted::new(object)], Arc::new(Waited::default()));
        let mut cares = Vec::new();
        while cares.len() < 4 {
            for delivery in listing.receive().await.unwrap().unwrap() {
                cares.push(delivery.attempt.care());
                listing.give_back(delivery.receipt, Return::Spoiled).await;
            }
        }
        assert_eq!(cares, [Care::None, Care::None, Care::Alone, Care::LastTry]);
    }
}
