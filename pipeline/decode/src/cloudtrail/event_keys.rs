//! The newest of the ids that were seen.
//!
//! In: keys of ids. Out: whether one was there before. Must hold: at least half of
//! [`WINDOW_EVENTS_MAX`] are remembered, and no more than all of them; the oldest go first.

use std::collections::HashSet;
use std::mem;

use foldhash::fast::RandomState;

use super::EventKey;
use crate::limits::WINDOW_EVENTS_MAX;

/// Two sets, of which the older is dropped whole when the newer is full: no id costs more than its
/// place in a set. Ids are random already, or the head of a SHA-256; the seed is the process's own.
#[derive(Debug, Default)]
pub struct EventKeys {
    newer: HashSet<EventKey, RandomState>,
    older: HashSet<EventKey, RandomState>,
}

impl EventKeys {
    /// Whether the id is among the newest.
    pub fn holds(&self, key: EventKey) -> bool {
        self.newer.contains(&key) || self.older.contains(&key)
    }

    /// Remembers an id.
    pub fn insert(&mut self, key: EventKey) {
        if self.newer.len() >= WINDOW_EVENTS_MAX / 2 {
            // The next one will be as large: growing step by step would copy it over and over.
            let next = HashSet::with_capacity_and_hasher(self.newer.len(), RandomState::default());
            self.older = mem::replace(&mut self.newer, next);
        }
        self.newer.insert(key);
    }

    /// Remembers the id; true if it was not there.
    pub fn admit(&mut self, key: EventKey) -> bool {
        if !self.older.is_empty() && self.older.contains(&key) {
            return false;
        }
        // One look for both the question and the insertion, but for the one that fills the set.
        if self.newer.len() < WINDOW_EVENTS_MAX / 2 {
            return self.newer.insert(key);
        }
        let new = !self.newer.contains(&key);
        if new {
            self.insert(key);
        }
        new
    }

    /// Takes all ids of the other, the oldest first.
    pub fn extend(&mut self, other: Self) {
        if self.newer.is_empty() && self.older.is_empty() {
            *self = other;
            return;
        }
        for key in other.older.into_iter().chain(other.newer) {
            self.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> EventKey {
        EventKey::of(&number.to_string())
    }

    #[test]
    fn the_oldest_go_and_half_stay() {
        let mut keys = EventKeys::default();
        for number in 0..=WINDOW_EVENTS_MAX {
            assert!(keys.admit(key(number)), "{number}");
        }
        assert!(!keys.holds(key(0)));
        for held in [WINDOW_EVENTS_MAX / 2 + 1, WINDOW_EVENTS_MAX] {
            assert!(keys.holds(key(held)) && !keys.admit(key(held)), "{held}");
        }
        assert!(keys.newer.len() + keys.older.len() <= WINDOW_EVENTS_MAX);
    }

    #[test]
    fn what_another_remembers_is_taken_over() {
        let mut keys = EventKeys::default();
        for others in [0..3, 3..5, 2..4] {
            let mut other = EventKeys::default();
            for number in others {
                other.insert(key(number));
            }
            keys.extend(other);
        }
        assert!((0..5).all(|number| keys.holds(key(number))));
        assert_eq!(keys.newer.len(), 5);
    }
}
