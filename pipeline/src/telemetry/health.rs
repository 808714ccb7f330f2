//! Whether the service can work: what `/readyz` says, and why not.
//!
//! Must hold: a denied read or receive turns it red with AWS's own words, and the next success
//! turns it green again; nothing stalls in silence.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::gauge;

/// Troubles by the part that has them; ready when there are none and the start is over.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopping: bool,
    troubles: BTreeMap<Part, Ill>,
    /// How often a part that is refused was, since it last worked.
    refusals: BTreeMap<Part, u32>,
}

/// What the service needs, each with its own next success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Where objects are announced.
    Queue,
    /// The log buckets.
    Object,
    /// The same, while versions may not be asked for. Apart from the readings: a HEAD needs no key, and an
    /// object that turns out to be known is never read.
    ObjectVersion,
    /// The claims and decisions of the lake.
    Lake,
    /// The files of its tables: staging and publishing may be refused where claims are not.
    LakeFiles,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "queue",
            Self::Object => "object",
            Self::ObjectVersion => "object version",
            Self::Lake => "lake",
            Self::LakeFiles => "lake files",
        })
    }
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ill {
    /// It is refused; a person must act.
    Denied(String),
    /// It cannot be reached; it is tried again.
    Unavailable(String),
}

impl fmt::Display for Ill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Unavailable(why) => write!(f, "unavailable: {why}"),
        }
    }
}

impl Health {
    /// The start is over.
    pub fn started(&self) {
        self.change(|state| state.started = true);
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.change(|state| state.stopping = true);
    }

    /// The part is refused; a person must act.
    pub fn denied(&self, part: Part, why: &str) {
        let ill = Ill::Denied(why.to_owned());
        self.change(|state| {
            state.troubles.insert(part, ill);
            *state.refusals.entry(part).or_default() += 1;
        });
    }

    /// The part cannot be reached; it is tried again.
    pub fn unavailable(&self, part: Part, why: &str) {
        let ill = Ill::Unavailable(why.to_owned());
        self.change(|state| drop(state.troubles.insert(part, ill)));
    }

    /// An object was read: its bytes, and before that its version.
    pub fn object_is_read(&self) {
        self.readable(Part::ObjectVersion);
        self.readable(Part::Object);
    }

    /// The part works.
    pub fn readable(&self, part: Part) {
        let troubled = self.lock().troubles.contains_key(&part);
        if troubled {
            self.change(|state| {
                state.troubles.remove(&part);
                state.refusals.remove(&part);
            });
        }
    }

    /// What is wrong with that part now.
    pub fn trouble(&self, part: Part) -> Option<Ill> {
        self.lock().troubles.get(&part).cloned()
    }

    /// How often it was refused since it last worked.
    pub fn refusals(&self, part: Part) -> u32 {
        self.lock().refusals.get(&part).copied().unwrap_or_default()
    }

    /// Nothing, or why not.
    pub fn not_ready(&self) -> Option<String> {
        reasons(&self.lock())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        gauge!("trailflow_ready").set(if reasons(&state).is_none() { 1.0 } else { 0.0 });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reasons(state: &State) -> Option<String> {
    if state.stopping {
        return Some(String::from("stopping"));
    }
    if !state.started {
        return Some(String::from("starting"));
    }
    if state.troubles.is_empty() {
        return None;
    }
    let lines = state
        .troubles
        .iter()
        .map(|(part, why)| format!("{part}: {why}"));
    Some(lines.collect::<Vec<_>>().join("\n"))
}
