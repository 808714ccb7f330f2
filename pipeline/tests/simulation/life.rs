//! One life of a worker: from its start to its end, or to the step at which it is killed.
//!
//! Every request to the store, the queue or an object is a step. Must hold: after the kill nothing
//! of this life happens any more, but what was already on its way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;

use super::time::Time;

/// How likely which fault is, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// The request fails and was not carried out.
    pub(crate) fails: u32,
    /// It was carried out, and its reply is lost.
    pub(crate) reply_lost: u32,
    /// A create is refused by a conflict, although the key stays absent.
    pub(crate) conflict: u32,
    /// It fails, and is carried out later.
    pub(crate) late: u32,
    /// It takes minutes.
    pub(crate) slow: u32,
}

impl Faults {
    /// One of so many.
    pub(crate) fn fewer(self, share: u32) -> Self {
        Self {
            fails: self.fails / share,
            reply_lost: self.reply_lost / share,
            conflict: self.conflict / share,
            late: self.late / share,
            slow: self.slow / share,
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Fails,
    ReplyLost,
    Conflict,
    Late,
}

/// A life, shared by everything the worker talks through.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) time: Time,
    pub(crate) dead: AtomicBool,
    pub(crate) died: Notify,
    /// Steps taken.
    pub(crate) steps: AtomicU64,
    /// The step to be killed at: before it is carried out, or after.
    kill: Option<(u64, Kill)>,
    faults: Faults,
    /// Shared: when it is set, the world is at peace and everything works.
    peace: Arc<AtomicBool>,
    dice: Mutex<StdRng>,
}

/// On which side of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    Before,
    After,
}

impl Life {
    pub(crate) fn new(
        time: Time,
        seed: u64,
        kill: Option<(u64, Kill)>,
        faults: Faults,
        peace: Arc<AtomicBool>,
    ) -> Self {
        Self {
            time,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            steps: AtomicU64::new(0),
            kill,
            faults,
            peace,
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// Whether everything works by now.
    pub(crate) fn is_at_peace(&self) -> bool {
        self.peace.load(Ordering::Relaxed)
    }

    /// Begins a step: waits as long as it takes, and says what becomes of it. Never returns in a
    /// life that is over.
    pub(crate) async fn step(&self) -> (u64, Fate) {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        let (wait, fate) = self.dice();
        self.time.sleep(wait).await;
        if self.kill == Some((step, Kill::Before)) {
            self.die().await;
        }
        self.die_if_dead().await;
        (step, fate)
    }

    /// The step was carried out.
    pub(crate) async fn stepped(&self, step: u64) {
        if self.kill == Some((step, Kill::After)) {
            self.die().await;
        }
        self.die_if_dead().await;
    }

    /// A number below `below`.
    pub(crate) fn below(&self, below: u64) -> u64 {
        self.dice.lock().unwrap().random_range(0..below)
    }

    async fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.died.notify_one();
        std::future::pending::<()>().await;
    }

    async fn die_if_dead(&self) {
        if self.dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    fn dice(&self) -> (Duration, Fate) {
        let mut dice = self.dice.lock().unwrap();
        let usual = Duration::from_millis(dice.random_range(1..30));
        if self.peace.load(Ordering::Relaxed) {
            return (usual, Fate::Done);
        }
        let faults = self.faults;
        let wait = if dice.random_range(0..1000) < faults.slow {
            Duration::from_millis(dice.random_range(1_000..300_000))
        } else {
            usual
        };
        let mut roll = dice.random_range(0..1000);
        for (chance, fate) in [
            (faults.fails, Fate::Fails),
            (faults.reply_lost, Fate::ReplyLost),
            (faults.conflict, Fate::Conflict),
            (faults.late, Fate::Late),
        ] {
            if roll < chance {
                return (wait, fate);
            }
            roll -= chance;
        }
        (wait, Fate::Done)
    }
}
