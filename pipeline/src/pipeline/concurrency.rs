//! How many objects are read at once: as many as the store bears.
//!
//! One more after a round of successes, half as many after a throttle (`SlowDown`, 503); one at a
//! time, with growing pauses, while everything fails. In: what became of each reading. Out:
//! permits. Must hold: never more than the configured number (I4), never fewer than one; a bucket
//! that denies us does not hold up another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::gauge;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::limits::{
    FAILURE_PAUSE, FAILURE_PAUSE_MAX, OUTAGE_FAILURES, READ_LATELY, THROTTLE_COOLDOWN,
};

/// The permits.
#[derive(Debug)]
pub struct Concurrency {
    state: Mutex<State>,
    freed: Notify,
    max: usize,
    /// How many buckets there are to read from.
    buckets: usize,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    /// Permits that may be out.
    level: usize,
    out: usize,
    /// Since the level last changed.
    successes: usize,
    /// In a row, of whatever objects.
    failures: u32,
    /// When the level was last halved.
    halved_at: Option<Duration>,
    /// The buckets that denied us last.
    denied: BTreeSet<String>,
    /// When each bucket was last read from.
    read_at: BTreeMap<String, Duration>,
}

/// The right to read one object. Dropping it gives it back.
#[derive(Debug)]
pub struct Permit {
    of: Arc<Concurrency>,
}

impl Concurrency {
    /// Permits for up to `max` objects of so many buckets; it begins with all of them.
    pub fn new(max: usize, buckets: usize, clock: Arc<dyn Clock>) -> Self {
        let level = max.max(1);
        show(level);
        Self {
            state: Mutex::new(State {
                level,
                out: 0,
                successes: 0,
                failures: 0,
                halved_at: None,
                denied: BTreeSet::new(),
                read_at: BTreeMap::new(),
            }),
            freed: Notify::new(),
            max: level,
            buckets,
            clock,
        }
    }

    /// Waits for a permit, and during an outage for the pause that it deserves.
    pub async fn acquire(self: &Arc<Self>) -> Permit {
        loop {
            // Registered before the look, so that no permit is freed unseen in between.
            let freed = self.freed.notified();
            let pause = {
                let mut state = self.lock();
                let room = state.out < state.allowed();
                room.then(|| {
                    state.out += 1;
                    outage_pause(state.failures)
                })
            };
            if let Some(pause) = pause {
                let permit = Permit {
                    of: Arc::clone(self),
                };
                if pause > Duration::ZERO {
                    self.clock.sleep(pause).await;
                }
                return permit;
            }
            freed.await;
        }
    }

    /// True while one object after another fails: then it is not the objects.
    pub fn is_outage(&self) -> bool {
        self.lock().failures >= OUTAGE_FAILURES
    }

    /// Whether something else in the bucket could be read since an object was tried before: then it is
    /// the object that cannot.
    pub fn reads_from(&self, bucket: &str) -> bool {
        let now = self.clock.elapsed();
        let state = self.lock();
        let at = state.read_at.get(bucket);
        at.is_some_and(|at| now.saturating_sub(*at) <= READ_LATELY)
    }

    /// The bucket denies us. While another does not, or has not been asked, its objects must come
    /// past these: a pause for each would keep them waiting for hours. If all deny us, trying harder only
    /// uses up receives.
    pub fn denied(&self, bucket: &str) {
        let mut state = self.lock();
        if state.denied.insert(bucket.to_owned()) {
            show_denied(bucket, true);
        }
        if state.denied.len() >= self.buckets {
            state.failures = state.failures.saturating_add(1);
        }
    }

    /// Whether the bucket denied us, and nothing of it was read since.
    pub fn is_denied(&self, bucket: &str) -> bool {
        self.lock().denied.contains(bucket)
    }

    /// Whether there is a bucket that does not deny us, as far as is known.
    pub fn is_denied_everywhere(&self) -> bool {
        self.lock().denied.len() >= self.buckets
    }

    /// A store asked for less, this or the lake. Several such answers to one burst count as one.
    pub fn slow_down(&self) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        let burst = |at: Duration| now.saturating_sub(at) < THROTTLE_COOLDOWN;
        if state.halved_at.is_some_and(burst) {
            return;
        }
        state.halved_at = Some(now);
        state.level = (state.level / 2).max(1);
        state.successes = 0;
        tracing::info!(
            level = state.level,
            "throttled: reading fewer objects at once"
        );
        show(state.level);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The bucket's store answered as it should.
    pub fn succeeded(&self, bucket: &str) {
        let now = self.of.clock.elapsed();
        let mut state = self.of.lock();
        state.failures = 0;
        if state.denied.remove(bucket) {
            show_denied(bucket, false);
        }
        state.read_at.insert(bucket.to_owned(), now);
        state.successes += 1;
        if state.successes >= state.level && state.level < self.of.max {
            state.level += 1;
            state.successes = 0;
            show(state.level);
        }
        drop(state);
        self.of.freed.notify_waiters();
    }

    /// The store asked for less.
    pub fn throttled(&self) {
        self.failed();
        self.of.slow_down();
    }

    /// The store failed otherwise.
    pub fn failed(&self) {
        let mut state = self.of.lock();
        state.failures = state.failures.saturating_add(1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        state.out = state.out.saturating_sub(1);
        drop(state);
        self.of.freed.notify_waiters();
    }
}

impl State {
    fn allowed(&self) -> usize {
        if self.failures >= OUTAGE_FAILURES {
            1
        } else {
            self.level
        }
    }
}

fn outage_pause(failures: u32) -> Duration {
    match failures.checked_sub(OUTAGE_FAILURES) {
        None => Duration::ZERO,
        Some(beyond) => FAILURE_PAUSE
            .saturating_mul(2_u32.saturating_pow(beyond.min(8)))
            .min(FAILURE_PAUSE_MAX),
    }
}

fn show(level: usize) {
    let level = u32::try_from(level).unwrap_or(u32::MAX);
    gauge!("trailflow_concurrency_level").set(f64::from(level));
}

/// There are as many series as buckets that we may read.
fn show_denied(bucket: &str, denied: bool) {
    gauge!("trailflow_bucket_denied", "bucket" => bucket.to_owned()).set(f64::from(denied));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn concurrency(max: usize) -> Arc<Concurrency> {
        Arc::new(Concurrency::new(max, 2, Arc::new(SystemClock)))
    }

    fn level(of: &Arc<Concurrency>) -> usize {
        of.lock().level
    }

    #[tokio::test]
    async fn a_throttle_halves_once_and_successes_add_one_a_round() {
        let of = concurrency(8);
        let permit = of.acquire().await;
        permit.throttled();
        permit.throttled();
        assert_eq!(level(&of), 4);
        for _ in 0..3 {
            permit.succeeded("logs");
        }
        assert_eq!(level(&of), 4);
        permit.succeeded("logs");
        assert_eq!(level(&of), 5);
        for _ in 0..100 {
            permit.succeeded("logs");
        }
        assert_eq!(level(&of), 8);
    }

    #[tokio::test]
    async fn no_more_permits_than_the_level_are_out() {
        let of = concurrency(2);
        let first = of.acquire().await;
        let _second = of.acquire().await;
        let third = {
            let of = Arc::clone(&of);
            tokio::spawn(async move { of.acquire().await })
        };
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap();
    }

    #[tokio::test]
    async fn when_everything_fails_it_is_an_outage_until_something_works() {
        let of = concurrency(8);
        let permit = of.acquire().await;
        for _ in 0..OUTAGE_FAILURES {
            assert!(!of.is_outage());
            permit.failed();
        }
        assert!(of.is_outage());
        assert_eq!(of.lock().allowed(), 1);
        permit.succeeded("logs");
        assert!(!of.is_outage());
        assert!(outage_pause(OUTAGE_FAILURES + 20) == FAILURE_PAUSE_MAX);
    }

    #[tokio::test]
    async fn a_bucket_that_denies_is_an_outage_only_when_every_other_does_too() {
        let of = concurrency(8);
        let permit = of.acquire().await;
        for _ in 0..2 * OUTAGE_FAILURES {
            of.denied("flows");
        }
        assert!(!of.is_outage());
        assert!(of.is_denied("flows") && !of.is_denied("logs") && !of.is_denied_everywhere());
        assert!(!of.reads_from("logs"));
        for _ in 0..OUTAGE_FAILURES {
            of.denied("logs");
        }
        assert!(of.is_outage());
        assert!(of.is_denied_everywhere());
        permit.succeeded("logs");
        assert!(!of.is_outage() && !of.is_denied_everywhere());
        assert!(of.reads_from("logs") && !of.reads_from("flows"));
        for _ in 0..2 * OUTAGE_FAILURES {
            of.denied("flows");
        }
        assert!(!of.is_outage());
    }
}
