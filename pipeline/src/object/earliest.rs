//! The objects of a listing that come first in time, as many as memory is meant to hold.
//!
//! In: objects in any order. Out: the earliest of them in order, and how many come after them. Must hold: passes
//! that each begin behind the [`Last`] of the one before meet every object once, in one order, however few a pass
//! may hold.

use std::cmp::Ordering;

use super::ObjectRef;

/// The last object of a pass, by its key: the next pass begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last(String);

/// Objects as they are listed.
#[derive(Debug)]
pub struct Earliest {
    room: usize,
    behind: Option<Last>,
    kept: Vec<ObjectRef>,
    listed: usize,
}

/// A pass: the earliest objects.
#[derive(Debug)]
pub struct Pass {
    /// In the order of time, whatever trail or account: copies of an event meet in the window.
    pub objects: Vec<ObjectRef>,
    /// How many objects were listed that come after these.
    pub beyond: usize,
    /// Where the next pass begins, when there is one.
    pub last: Option<Last>,
}

impl Earliest {
    /// Of the objects behind this one, or of all, so many.
    pub fn new(room: usize, behind: Option<Last>) -> Self {
        Self {
            room: room.max(1),
            behind,
            kept: Vec::new(),
            listed: 0,
        }
    }

    /// An object was listed.
    pub fn offer(&mut self, object: ObjectRef) {
        let behind = self.behind.as_ref();
        if behind.is_some_and(|last| in_time(&object.key, &last.0).is_le()) {
            return;
        }
        self.listed += 1;
        self.kept.push(object);
        // A quarter more than there is room for: what is too late is looked for once for many objects.
        if self.kept.len() > self.room + self.room / 4 {
            self.drop_the_late();
        }
    }

    fn drop_the_late(&mut self) {
        if self.kept.len() > self.room {
            self.kept
                .select_nth_unstable_by(self.room, |a, b| in_time(&a.key, &b.key));
            self.kept.truncate(self.room);
        }
    }

    /// Everything was listed.
    pub fn pass(mut self) -> Pass {
        self.drop_the_late();
        self.kept.sort_unstable_by(|a, b| in_time(&a.key, &b.key));
        let beyond = self.listed - self.kept.len();
        let last = self.kept.last().filter(|_| beyond > 0);
        Pass {
            last: last.map(|last| Last(last.key.clone())),
            beyond,
            objects: self.kept,
        }
    }
}

/// The order in which objects are read: by the time in their names, then by key.
fn in_time(a: &str, b: &str) -> Ordering {
    (delivered(a), a).cmp(&(delivered(b), b))
}

/// The time in the name of a log file, `…_20260105T1025Z_…` (domain 1.1, 6.1).
fn delivered(key: &str) -> Option<&str> {
    let name = key.rsplit('/').next()?;
    name.split('_').find(|part| {
        let bytes = part.as_bytes();
        bytes.len() == 14 && bytes.get(8) == Some(&b'T') && bytes.ends_with(b"Z")
    })
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::seq::SliceRandom as _;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::object::Version;

    fn object(key: &str) -> ObjectRef {
        ObjectRef {
            bucket: String::from("logs"),
            key: key.to_owned(),
            version: Version::of_etag("e"),
            size_bytes: None,
            written_at: None,
        }
    }

    #[test]
    fn passes_of_any_room_meet_every_object_once_in_the_order_of_time() {
        let seed = rand::random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..200 {
            let count = random.random_range(0..60);
            let mut keys: Vec<String> = (0..count)
                .map(|number| {
                    let (account, minute) = (random.random_range(0..3), random.random_range(0..9));
                    match random.random_range(0..8) {
                        0 => format!("{account}/other-{number}.json.gz"),
                        _ => format!(
                            "{account}/{account}_CloudTrail_20260105T102{minute}Z_{number}.json.gz"
                        ),
                    }
                })
                .collect();
            let room = random.random_range(1..20);
            let (mut met, mut behind, mut listed_before) = (Vec::new(), None, keys.len());
            loop {
                keys.shuffle(&mut random);
                let mut earliest = Earliest::new(room, behind);
                for key in &keys {
                    earliest.offer(object(key));
                    assert!(earliest.kept.len() <= room + room / 4);
                }
                let pass = earliest.pass();
                assert!(pass.objects.len() <= room);
                assert_eq!(
                    pass.objects.len() + pass.beyond,
                    listed_before,
                    "room {room}"
                );
                listed_before = pass.beyond;
                met.extend(pass.objects.into_iter().map(|object| object.key));
                behind = pass.last;
                if behind.is_none() {
                    break;
                }
            }
            assert_eq!(listed_before, 0);
            keys.sort_by(|a, b| in_time(a, b));
            assert_eq!(met, keys, "room {room}");
        }
    }

    #[test]
    fn the_time_is_that_in_the_name() {
        let cloudtrail = "AWSLogs/1/CloudTrail/us-east-1/2026/01/05/1_CloudTrail_us-east-1_20260105T1025Z_x.json.gz";
        assert_eq!(delivered(cloudtrail), Some("20260105T1025Z"));
        assert_eq!(delivered("AWSLogs/20260105T1025Z_/x.json.gz"), None);
    }
}
