//! The only door to the wall clock, so that tests and replays hold the hands.
//!
//! Must hold: nothing in the pure middle (notification, decompress, decode, signal) has a clock.

use std::fmt::Debug;

use chrono::{DateTime, Utc};

/// Tells the time of day.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
