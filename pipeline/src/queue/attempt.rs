//! How often a delivery came, and how it is treated for that.
//!
//! In: SQS's `ApproximateReceiveCount` and the `maxReceiveCount` of the queue's redrive policy.
//! Out: with how much care to read. Must hold: what fails every time is quarantined before the
//! queue gives it up; what only shared a batch with it is not.

use std::time::Duration;

use super::Return;
use crate::limits::{DENIED_PAUSE, FAILURE_PAUSE, RETRY_PAUSE, RETRY_PAUSE_MAX, THROTTLED_PAUSE};

/// The number of this delivery, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    /// The queue gives up after this many.
    max: Option<u32>,
}

/// How a delivery is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Care {
    /// Together with others.
    None,
    /// In a batch of its own, so that only it can fail it.
    Alone,
    /// The same; if it fails again, it is quarantined.
    LastTry,
    /// The same; and not at all if workers died of it: it is quarantined then.
    Unread,
}

impl Attempt {
    /// The first receive, of a queue that never gives up.
    pub const fn first() -> Self {
        Self {
            number: 1,
            max: None,
        }
    }

    /// The `number`-th of a queue that gives up after `max`.
    pub fn of(number: u32, max: Option<u32>) -> Self {
        Self {
            number: number.max(1),
            max,
        }
    }

    /// Counted from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// A queue with one receive has no second try; one with two has no third, and so on.
    pub fn care(self) -> Care {
        let Some(max) = self.max.filter(|max| *max > 1) else {
            return Care::None;
        };
        match max.saturating_sub(self.number) {
            0 if max > 2 => Care::Unread,
            0 | 1 if self.number > 1 => Care::LastTry,
            2 if self.number > 1 => Care::Alone,
            _ => Care::None,
        }
    }

    /// How long a delivery stays away.
    pub fn pause(self, why: Return) -> Duration {
        let first = match why {
            Return::Now => return Duration::ZERO,
            Return::After(wait) => return wait,
            Return::Spoiled => return FAILURE_PAUSE,
            Return::Failed => RETRY_PAUSE,
            Return::Throttled => THROTTLED_PAUSE,
            Return::Denied => DENIED_PAUSE,
        };
        let times = 3_u32.saturating_pow(self.number.saturating_sub(1));
        first.saturating_mul(times).min(RETRY_PAUSE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn care_grows_towards_the_last_receive() {
        use Care::{Alone, LastTry, None as Not, Unread};
        let cases: [(Option<u32>, &[Care]); 6] = [
            (None, &[Not, Not, Not, Not, Not, Not]),
            (Some(1), &[Not]),
            (Some(2), &[Not, LastTry]),
            (Some(3), &[Not, LastTry, Unread]),
            (Some(4), &[Not, Alone, LastTry, Unread]),
            (Some(5), &[Not, Not, Alone, LastTry, Unread, Unread]),
        ];
        for (max, cares) in cases {
            for (number, care) in (1..).zip(cares) {
                assert_eq!(
                    Attempt::of(number, max).care(),
                    *care,
                    "{number} of {max:?}"
                );
            }
        }
    }

    #[test]
    fn pauses_grow_to_their_limit() {
        let pause = |number| Attempt::of(number, Some(5)).pause(Return::Failed);
        assert_eq!(pause(1), RETRY_PAUSE);
        assert_eq!(pause(2), RETRY_PAUSE * 3);
        assert_eq!(pause(40), RETRY_PAUSE_MAX);
        assert_eq!(Attempt::first().pause(Return::Now), Duration::ZERO);
    }
}
