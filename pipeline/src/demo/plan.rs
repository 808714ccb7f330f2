//! How much to generate, from which seed, and for which hour.

use chrono::{DateTime, Utc};

/// CloudTrail and flow logs publish every five minutes; the generator thinks in the same steps.
pub(super) const SLOT_SECONDS: i64 = 300;

/// What to generate. The same plan always gives the same objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Seed of every random choice.
    pub seed: u64,
    /// Event time ends before this, rounded down to five minutes.
    pub end: DateTime<Utc>,
    /// Minutes of event time, rounded up to five and at least ten.
    pub minutes: u32,
    /// CloudTrail objects of five minutes; at least four, one for each account and region.
    pub cloudtrail_objects_per_slot: u32,
    /// Events of one CloudTrail object, on average.
    pub events_per_object: u32,
    /// Lines of one flow-log object, without the header.
    pub flow_lines_per_object: u32,
    /// How many events are delivered once more, with the same id, in a later object.
    pub repeated_events: u32,
}

impl Plan {
    /// The load of the demo: the hour before `now`, about 15,000 events in 60 CloudTrail objects
    /// and 40,000 lines in 40 flow-log objects.
    pub fn demo(seed: u64, now: DateTime<Utc>) -> Self {
        Self {
            seed,
            end: now,
            minutes: 60,
            cloudtrail_objects_per_slot: 5,
            events_per_object: 250,
            flow_lines_per_object: 1000,
            repeated_events: 0,
        }
    }

    /// The end of the last slot: no event is younger.
    pub fn last_moment(&self) -> DateTime<Utc> {
        let end = self.end.timestamp() - self.end.timestamp().rem_euclid(SLOT_SECONDS);
        DateTime::from_timestamp(end, 0).unwrap_or_default()
    }

    /// The five-minute slots of the plan, oldest first.
    pub(super) fn slots(&self) -> Vec<Slot> {
        let end = self.last_moment().timestamp();
        // A repeated event needs a later object, so there are always two slots.
        let count = self.minutes.div_ceil(5).max(2);
        (0..count)
            .map(|index| Slot {
                index,
                start: end - i64::from(count - index) * SLOT_SECONDS,
                incident: index >= count / 2,
                breaks: index == count / 2,
                left: count - 1 - index,
            })
            .collect()
    }
}

/// Five minutes of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Place in the plan, from 0.
    pub(super) index: u32,
    /// Epoch seconds of its start.
    pub(super) start: i64,
    /// In the second half of the plan things break, so that a rate has something to show.
    pub(super) incident: bool,
    /// The first slot of that half: what breaks is changed here.
    pub(super) breaks: bool,
    /// How many come after it.
    pub(super) left: u32,
}

impl Slot {
    /// `calm` in the first half of the plan, `broken` in the second.
    pub(super) const fn times(self, calm: u32, broken: u32) -> u32 {
        if self.incident { broken } else { calm }
    }
}
