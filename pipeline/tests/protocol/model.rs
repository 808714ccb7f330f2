//! The protocol and its adversary: every step that can follow a state.
//!
//! In: a state. Out: its successors, each with a sentence. A step is one request to the store or
//! the queue, with what the code does by itself until the next one. Must hold: between any two
//! requests of a worker everybody else may go on, and the worker may die.

use std::fmt;

use super::sabotage::Sabotage;
use super::state::{BatchNo, Key, SOURCES, Set, Slot, State, Step, Worker, holds, members, only};
use super::text::{B, S, W};

/// What is explored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// How many workers run at once.
    pub(crate) workers: usize,
    /// The sources that each message names.
    pub(crate) messages: &'static [Set],
    /// How many files a batch has.
    pub(crate) files: usize,
    /// How many requests may be on their way at once, given up by their senders.
    pub(crate) delayed: usize,
    /// Messages come again after they were acknowledged, any number of times.
    pub(crate) again: bool,
    /// States of one future are taken for one.
    pub(crate) reduced: bool,
    /// The rule that is broken, if any.
    pub(crate) sabotage: Option<Sabotage>,
}

/// Where successors go.
pub(crate) struct Out<'a> {
    /// Told the successor, whether a fault made it, and what happened.
    pub(crate) take: &'a mut dyn FnMut(State, bool, fmt::Arguments<'_>),
}

impl Out<'_> {
    /// As it should be.
    pub(crate) fn step(&mut self, next: State, what: fmt::Arguments<'_>) {
        (self.take)(next, false, what);
    }

    /// The adversary did it.
    pub(crate) fn fault(&mut self, next: State, what: fmt::Arguments<'_>) {
        (self.take)(next, true, what);
    }
}

impl Model {
    /// True when this rule is broken.
    pub(crate) fn breaks(&self, rule: Sabotage) -> bool {
        self.sabotage == Some(rule)
    }

    /// Every message.
    pub(crate) fn all_messages(&self) -> Set {
        only(self.messages.len()) - 1
    }

    /// Every file of a batch.
    pub(crate) fn all_files(&self) -> Set {
        only(self.files) - 1
    }

    /// Everything that can happen next.
    pub(crate) fn successors(&self, state: &State, out: &mut Out<'_>) {
        for worker in 0..self.workers {
            self.receive(state, worker, out);
            match state.workers[worker] {
                Worker::Idle => continue,
                Worker::Filling { slots, .. } => {
                    for (source, slot) in slots.into_iter().enumerate() {
                        self.slot(state, worker, source, slot, out);
                    }
                    self.fill(state, worker, out);
                }
                Worker::Closing { .. } => self.close(state, worker, out),
                Worker::Acknowledging { done } => acknowledge(state, worker, done, out),
            }
            let mut dead = *state;
            dead.workers[worker] = Worker::Idle;
            out.fault(dead, format_args!("{} dies; another starts", W(worker)));
        }
        for (place, request) in state.in_flight.iter().enumerate() {
            let Some(request) = *request else { continue };
            let mut next = *state;
            next.in_flight[place] = None;
            out.fault(next, format_args!("never executed: {request}"));
            next.execute(request);
            out.fault(next, format_args!("executed late: {request}"));
        }
    }

    /// A delivery, to a worker that waits or to an open batch (`Lane::begin`).
    fn receive(&self, state: &State, worker: usize, out: &mut Out<'_>) {
        let (now, batch) = match state.workers[worker] {
            Worker::Idle => (0, None),
            Worker::Filling { held, batch, .. } => (held, Some(batch)),
            Worker::Closing { .. } | Worker::Acknowledging { .. } => return,
        };
        for message in members(self.all_messages() & !now) {
            let again = holds(state.acknowledged, message);
            if again && !self.again {
                continue;
            }
            let mut next = *state;
            let batch = batch.unwrap_or_else(|| next.open());
            let mut slots = match state.workers[worker] {
                Worker::Filling { slots, .. } => slots,
                _ => [Slot::Unnamed; SOURCES],
            };
            for source in members(self.messages[message]) {
                // Announced twice within one batch: both messages hang on one reading.
                if slots[source] == Slot::Unnamed {
                    slots[source] = Slot::Create(match state.claims[source] {
                        None => Key::Absent,
                        Some(_) => Key::Theirs,
                    });
                }
            }
            let held = now | only(message);
            next.workers[worker] = Worker::Filling { batch, held, slots };
            let text = format_args!("{} receives m{} for {}", W(worker), message + 1, B(batch));
            if again || is_held(state, message) {
                out.fault(next, text);
            } else {
                out.step(next, text);
            }
        }
    }

    /// The batch closes when every object of it has ended, or is given up (`Pipeline::settle`).
    fn fill(&self, state: &State, worker: usize, out: &mut Out<'_>) {
        let Worker::Filling { batch, held, slots } = state.workers[worker] else {
            return;
        };
        let mut next = *state;
        next.workers[worker] = closing(batch, 0, 0, Step::Abandon);
        let name = W(worker);
        out.fault(next, format_args!("{name} gives {} up", B(batch)));
        if !slots.iter().all(|slot| slot.is_ended()) {
            return;
        }
        let with = |wanted: fn(&Slot) -> bool| {
            let found = (0..SOURCES).filter(|source| wanted(&slots[*source]));
            found.fold(0, |set, source| set | only(source))
        };
        let read = with(|slot| *slot == Slot::Read);
        let failed = with(|slot| *slot == Slot::Failed);
        let mut ended = read | with(|slot| *slot == Slot::Duplicate);
        let mut sources = read;
        if self.breaks(Sabotage::BusyIsDone) {
            ended |= with(|slot| *slot == Slot::Left);
        }
        if self.breaks(Sabotage::FailedIsCommitted) {
            (sources, ended) = (sources | failed, ended | failed);
        }
        let held = members(held).filter(|message| self.messages[*message] & !ended == 0);
        let done = held.fold(0, |set, message| set | only(message));
        next.workers[worker] = match (sources, failed) {
            (0, 0) => released(done),
            (0, _) => closing(batch, 0, done, Step::Abandon),
            (_, _) if self.breaks(Sabotage::CommitBeforeStage) => {
                closing(batch, sources, done, Step::Commit)
            }
            (_, _) => closing(batch, sources, done, Step::Stage(0)),
        };
        out.step(
            next,
            format_args!("{name} closes {}, to commit {}", B(batch), S(sources)),
        );
    }
}

/// A closing worker.
pub(crate) const fn closing(batch: BatchNo, sources: Set, done: Set, step: Step) -> Worker {
    Worker::Closing {
        batch,
        sources,
        done,
        step,
    }
}

/// A worker that has these messages to acknowledge, and gives the others back.
pub(crate) const fn released(done: Set) -> Worker {
    match done {
        0 => Worker::Idle,
        done => Worker::Acknowledging { done },
    }
}

/// Deletes the first message that is done from the queue, or fails to: then it comes again.
fn acknowledge(state: &State, worker: usize, done: Set, out: &mut Out<'_>) {
    let Some(message) = members(done).next() else {
        return;
    };
    let mut next = *state;
    next.workers[worker] = released(done & !only(message));
    let (name, m) = (W(worker), message + 1);
    out.fault(next, format_args!("{name} fails to acknowledge m{m}"));
    next.acknowledged |= only(message);
    out.step(next, format_args!("{name} acknowledges m{m}"));
}

/// True when some worker has the message, and may yet acknowledge it.
fn is_held(state: &State, message: usize) -> bool {
    state.workers.iter().any(|worker| match worker {
        Worker::Idle => false,
        Worker::Filling { held, .. } => holds(*held, message),
        Worker::Closing { done, .. } | Worker::Acknowledging { done } => holds(*done, message),
    })
}
