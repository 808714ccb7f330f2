//! Virtual time: it stands still while anybody works, and jumps to the next timer when nobody can.
//!
//! In: sleeps. Out: wake-ups in the order of their time. Must hold: the same seed gives the same
//! order, so nothing here looks at the machine's clock.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use trailflow::clock::Clock;
use uuid::Uuid;

/// Longer sleeps never end.
const FOREVER: Duration = Duration::from_hours(24 * 365);
/// When every simulation begins, epoch seconds.
const BEGIN_SECONDS: i64 = 1_767_600_000;

/// The time that all workers of one simulation share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Time(Arc<Mutex<Timers>>);

#[derive(Debug, Default)]
struct Timers {
    now: Duration,
    waiting: BTreeMap<(Duration, u64), Waker>,
    registered: u64,
}

impl Time {
    pub(crate) fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    /// Nobody can go on: on to the next timer. False when there is none: all wait for each other.
    pub(crate) fn advance(&self) -> bool {
        let waker = {
            let mut timers = self.0.lock().unwrap();
            let Some(((due, _), waker)) = timers.waiting.pop_first() else {
                return false;
            };
            timers.now = due;
            waker
        };
        waker.wake();
        true
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        Sleep {
            time: self.clone(),
            due: self.now().saturating_add(time),
            forever: time >= FOREVER,
            place: None,
        }
    }
}

/// A timer; dropping it takes it out.
#[derive(Debug)]
pub(crate) struct Sleep {
    time: Time,
    due: Duration,
    forever: bool,
    place: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut timers = time.0.lock().unwrap();
        if timers.now >= self.due {
            return Poll::Ready(());
        }
        if self.forever {
            return Poll::Pending;
        }
        let place = if let Some(place) = self.place {
            place
        } else {
            timers.registered += 1;
            (self.due, timers.registered)
        };
        timers.waiting.insert(place, context.waker().clone());
        drop(timers);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.time.0.lock().unwrap().waiting.remove(&place);
        }
    }
}

/// The clock of one worker: its wall clock may be wrong, and jump.
#[derive(Debug)]
pub(crate) struct WorkerClock {
    time: Time,
    wrong_by_millis: AtomicI64,
    dice: Mutex<StdRng>,
}

impl WorkerClock {
    pub(crate) fn new(time: Time, seed: u64, wrong_by_millis: i64) -> Self {
        Self {
            time,
            wrong_by_millis: AtomicI64::new(wrong_by_millis),
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    pub(crate) fn jump_to(&self, millis: i64) {
        self.wrong_by_millis.store(millis, Ordering::Relaxed);
    }
}

impl Clock for WorkerClock {
    fn now(&self) -> DateTime<Utc> {
        let begin = DateTime::from_timestamp(BEGIN_SECONDS, 0).unwrap();
        let wrong = TimeDelta::milliseconds(self.wrong_by_millis.load(Ordering::Relaxed));
        begin + self.time.now() + wrong
    }

    fn elapsed(&self) -> Duration {
        self.time.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.time.sleep(time).boxed()
    }

    fn unique(&self) -> Uuid {
        let mut random = [0; 10];
        self.dice.lock().unwrap().fill_bytes(&mut random);
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
