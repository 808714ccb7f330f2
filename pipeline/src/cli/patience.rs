//! When a command gives up on a part that refuses: a service waits until somebody has mended it, whoever sits
//! before a command is told.
//!
//! In: what health says of the parts, ten times a second. Out: a line the first time, and whether it makes no
//! sense to go on. Must hold: a part that only does not answer is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::health::{Health, Ill, Part};

/// What a command cannot go on without, and when it gives up waiting for it: it was refused so often and for so
/// long, and no object was done with meanwhile.
#[derive(Debug, Clone, Copy)]
struct Needed {
    part: Part,
    /// What people call it.
    name: &'static str,
    refusals_min: u32,
    refused_min: Duration,
    /// What it does then.
    says: &'static str,
}

/// Claims are tried again within seconds. Files are refused once a batch, whose time is that of its objects. Log
/// objects may be large, and one that is denied stands among others.
const NEEDED: [Needed; 4] = [
    Needed {
        part: Part::Lake,
        name: "the lake",
        refusals_min: 1,
        refused_min: Duration::from_secs(5),
        says: "the lake does not let anything be written",
    },
    Needed {
        part: Part::LakeFiles,
        name: "the lake",
        refusals_min: 3,
        refused_min: Duration::from_secs(5),
        says: "the lake does not let files be written",
    },
    Needed {
        part: Part::Object,
        name: "the logs' store",
        refusals_min: 3,
        refused_min: Duration::from_mins(2),
        says: "the log objects may not be read",
    },
    Needed {
        part: Part::ObjectVersion,
        name: "the logs' store",
        refusals_min: 3,
        refused_min: Duration::from_mins(2),
        says: "the log objects may not be asked for their version",
    },
];

/// With all of these parts.
#[derive(Debug)]
pub(super) struct Patiences([(Needed, Patience); 4]);

impl Default for Patiences {
    fn default() -> Self {
        Self(NEEDED.map(|needed| (needed, Patience::default())))
    }
}

impl Patiences {
    /// Looks at each part. Whether it makes no sense to go on, when so many objects are done with, and whether
    /// nothing is under way that could show that a part works again.
    pub(super) fn are_out(
        &mut self,
        health: &Health,
        done: u64,
        only_waits: bool,
        bar: &indicatif::ProgressBar,
    ) -> bool {
        let mut are_out = false;
        for (needed, patience) in &mut self.0 {
            let seen = Seen {
                now: Instant::now(),
                trouble: health.trouble(needed.part),
                refusals: health.refusals(needed.part),
                done,
                only_waits,
            };
            are_out |= patience.is_out(needed, seen, bar);
        }
        are_out
    }

    /// Why it made no sense to go on, if so.
    pub(super) fn why(&self) -> Option<String> {
        let mut parts = self.0.iter();
        let (needed, patience) = parts.find(|(_, patience)| patience.is_out)?;
        Some(format!("{}: {}", needed.says, patience.why))
    }
}

/// With one part.
#[derive(Debug, Default)]
struct Patience {
    told: bool,
    /// Since when it refuses, and how many objects were done with by then.
    refused: Option<(Instant, u64)>,
    /// What it said last.
    why: String,
    is_out: bool,
}

/// What is to be seen of a part.
#[derive(Debug)]
struct Seen {
    now: Instant,
    trouble: Option<Ill>,
    refusals: u32,
    /// Objects that are done with.
    done: u64,
    /// Nothing is under way that could show that it works again.
    only_waits: bool,
}

impl Patience {
    /// Whether it makes no sense to go on.
    fn is_out(&mut self, needed: &Needed, seen: Seen, bar: &indicatif::ProgressBar) -> bool {
        match seen.trouble {
            Some(Ill::Denied(why)) => {
                self.tell(needed, "refuses; trying on for a while", &why, bar);
                self.why = why;
                let (since, done) = self.refused.get_or_insert((seen.now, seen.done));
                if seen.done > *done {
                    (*since, *done) = (seen.now, seen.done);
                }
                let often = seen.refusals >= needed.refusals_min || seen.only_waits;
                self.is_out |= often && seen.now.duration_since(*since) >= needed.refused_min;
                return self.is_out;
            }
            Some(Ill::Unavailable(why)) => {
                self.tell(needed, "does not answer; trying on", &why, bar);
            }
            None => {}
        }
        self.refused = None;
        self.is_out
    }

    /// Says once what the part does.
    fn tell(&mut self, needed: &Needed, does: &str, why: &str, bar: &indicatif::ProgressBar) {
        if !self.told {
            self.told = true;
            bar.suspend(|| super::note(&format!("{} {does}: {why}", needed.name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second, the trouble and how often it was, the objects done, whether all wait; and whether patience is
    /// out then.
    type Step = (u64, Option<Ill>, u32, u64, bool, bool);

    fn run(part: Part, steps: &[Step]) {
        let bar = indicatif::ProgressBar::hidden();
        let needed = NEEDED
            .into_iter()
            .find(|needed| needed.part == part)
            .unwrap();
        let (mut patience, began) = (Patience::default(), Instant::now());
        for (place, (seconds, trouble, refusals, done, only_waits, is_out)) in
            steps.iter().enumerate()
        {
            let seen = Seen {
                now: began + Duration::from_secs(*seconds),
                trouble: trouble.clone(),
                refusals: *refusals,
                done: *done,
                only_waits: *only_waits,
            };
            assert_eq!(
                patience.is_out(&needed, seen, &bar),
                *is_out,
                "{part} step {place}"
            );
        }
    }

    #[test]
    fn a_part_that_refuses_ends_the_command_and_one_that_is_silent_does_not() {
        let denied = || Some(Ill::Denied(String::from("s3: AccessDenied")));
        let silent = || Some(Ill::Unavailable(String::from("connection refused")));
        run(
            Part::Lake,
            &[
                (0, None, 0, 0, false, false),
                (1, silent(), 0, 0, false, false),
                (99, silent(), 0, 0, false, false),
                // Once, and then it works.
                (100, denied(), 1, 0, false, false),
                (110, None, 0, 0, false, false),
                (111, denied(), 1, 0, false, false),
                (116, denied(), 2, 0, false, true),
            ],
        );
        // A batch that was refused, and the next, which takes its time; then no other comes.
        run(
            Part::LakeFiles,
            &[
                (0, denied(), 1, 0, false, false),
                (60, denied(), 1, 0, false, false),
                (61, denied(), 2, 0, true, true),
            ],
        );
        // One object among others that are known, and then nothing but such.
        run(
            Part::Object,
            &[
                (0, denied(), 1, 0, false, false),
                (100, denied(), 4, 50, false, false),
                (200, denied(), 5, 90, false, false),
                (319, denied(), 6, 90, false, false),
                (320, denied(), 7, 90, false, true),
            ],
        );
    }
}
