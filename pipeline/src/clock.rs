//! The only door to time and chance, so that a test can decide both.
//!
//! Must hold: nothing in the pure middle (notification, decompress, decode, signal) has a clock;
//! between `receive` and `acknowledge` nobody waits, and nothing is named, but through this.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;
use uuid::Uuid;

/// Tells the time, waits, and makes names that nobody else has.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, UTC. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some moment in this process's life. It never goes back.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;

    /// A UUIDv7: ordered by the wall clock, unique by chance.
    fn unique(&self) -> Uuid;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }

    fn unique(&self) -> Uuid {
        Uuid::now_v7()
    }
}
