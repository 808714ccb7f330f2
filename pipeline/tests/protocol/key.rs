//! A state in 24 bytes, the same for states that differ in names only.
//!
//! In: a state. Out: its key. Must hold: states with one key are one another's images under
//! renaming workers, batches, and sources and messages where the scenario is symmetric in them.

use super::model::Model;
use super::normal::void;
use super::state::{
    BATCHES_MAX, Batch, BatchNo, Decision, Key as ClaimKey, Move, Request, SOURCES, Set, Slot,
    State, Step, WORKERS_MAX, Worker, only,
};

/// A state in 24 bytes.
pub(crate) type Key = [u64; 3];

/// A renaming under which a scenario stays the same, but for the order of the workers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renaming {
    swap_sources: bool,
    swap_messages: bool,
}

/// Every order of the workers. Those that do not run stay last.
const ORDERS: [[usize; WORKERS_MAX]; 6] = [
    [0, 1, 2],
    [1, 0, 2],
    [0, 2, 1],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// The renamings under which a scenario stays the same.
pub(crate) fn renamings(model: &Model) -> Vec<Renaming> {
    let last = model.messages.len() - 1;
    let all = [(false, false), (true, false), (false, true), (true, true)];
    let fits = |(swap_sources, swap_messages): &(bool, bool)| {
        let image = |message: usize| {
            let place = if *swap_messages {
                last - message
            } else {
                message
            };
            swapped(model.messages[place], *swap_sources)
        };
        let same = (0..=last).all(|message| image(message) == model.messages[message]);
        same && (!swap_messages || last == 1)
    };
    let fitting = all.into_iter().filter(fits);
    let named = fitting.map(|(swap_sources, swap_messages)| Renaming {
        swap_sources,
        swap_messages,
    });
    named.collect()
}

/// The least key among all renamings that put the workers in the order of what they do.
pub(crate) fn key(model: &Model, renamings: &[Renaming], state: &State) -> Key {
    let void = if model.reduced { void(state) } else { 0 };
    let orders = match model.workers {
        1 => &ORDERS[..1],
        2 => &ORDERS[..2],
        _ => &ORDERS[..],
    };
    let mut least = [u64::MAX; 3];
    for renaming in renamings {
        let mut doing = [Doing::default(); WORKERS_MAX];
        for (doing, worker) in doing.iter_mut().zip(&state.workers[..model.workers]) {
            *doing = Doing::of(worker, *renaming);
        }
        for order in orders {
            let order = &order[..model.workers];
            let mut pairs = order.windows(2);
            if pairs.all(|pair| doing[pair[0]].bits <= doing[pair[1]].bits) {
                let mut writer = Writer::new(void);
                for worker in order {
                    writer.doing(&doing[*worker]);
                }
                least = least.min(writer.lake(model, state, *renaming));
            }
        }
    }
    least
}

fn swapped(set: Set, swap: bool) -> Set {
    if swap { (set & 1) << 1 | set >> 1 } else { set }
}

/// What a worker does, and the batches that it names, in order.
#[derive(Debug, Clone, Copy, Default)]
struct Doing {
    bits: u64,
    filled: u32,
    names: [BatchNo; 1 + SOURCES],
    named: usize,
}

impl Doing {
    fn of(worker: &Worker, renaming: Renaming) -> Self {
        let mut doing = Self::default();
        let messages = |messages| swapped(messages, renaming.swap_messages);
        match worker {
            Worker::Idle => doing.put(0, 2),
            Worker::Filling { batch, held, slots } => {
                doing.put(1, 2);
                doing.name(*batch);
                doing.put(messages(*held), 2);
                for source in renaming.sources() {
                    doing.put(slot_number(slots[source]), 5);
                    slots[source]
                        .target()
                        .into_iter()
                        .for_each(|batch| doing.name(batch));
                }
            }
            Worker::Closing {
                batch,
                sources,
                done,
                step,
            } => {
                doing.put(2, 2);
                doing.name(*batch);
                doing.put(swapped(*sources, renaming.swap_sources), 2);
                doing.put(messages(*done), 2);
                doing.put(step_number(*step), 4);
            }
            Worker::Acknowledging { done } => {
                doing.put(3, 2);
                doing.put(messages(*done), 2);
            }
        }
        doing
    }

    fn put(&mut self, value: u8, bits: u32) {
        self.bits |= u64::from(value) << self.filled;
        self.filled += bits;
    }

    fn name(&mut self, batch: BatchNo) {
        self.names[self.named] = batch;
        self.named += 1;
    }
}

impl Renaming {
    const fn sources(self) -> [usize; SOURCES] {
        if self.swap_sources { [1, 0] } else { [0, 1] }
    }
}

/// Writes what everybody does, and then what the lake has of the batches that were named.
struct Writer {
    /// Words that are full.
    whole: Key,
    words: usize,
    word: u64,
    filled: u32,
    /// By name.
    batches: [BatchNo; BATCHES_MAX],
    /// By batch, one too high; 0 has none.
    names: [u8; BATCHES_MAX],
    named: u8,
    /// Batches that are as good as one another.
    void: u32,
}

impl Writer {
    const fn new(void: u32) -> Self {
        Self {
            whole: [0; 3],
            words: 0,
            word: 0,
            filled: 0,
            batches: [0; BATCHES_MAX],
            names: [0; BATCHES_MAX],
            named: 0,
            void,
        }
    }

    fn doing(&mut self, doing: &Doing) {
        self.put(doing.bits, doing.filled);
        for batch in &doing.names[..doing.named] {
            self.batch(*batch);
        }
    }

    fn lake(mut self, model: &Model, state: &State, renaming: Renaming) -> Key {
        for source in renaming.sources() {
            match state.claims[source] {
                None => self.put(0, 4),
                Some(batch) => self.batch(batch),
            }
        }
        for request in state.in_flight.iter().take(model.delayed) {
            self.request(*request, renaming);
        }
        let acknowledged = swapped(state.acknowledged, renaming.swap_messages);
        self.put(u64::from(acknowledged), 2);
        for (number, batch) in (0..).zip(&state.batches) {
            if batch.opened && self.void >> number & 1 == 0 {
                self.name(number);
            }
        }
        for name in 0..usize::from(self.named) {
            self.contents(*state.batch(self.batches[name]), renaming);
        }
        self.whole[self.words] = self.word;
        self.whole
    }

    fn contents(&mut self, batch: Batch, renaming: Renaming) {
        let set = |sources| swapped(sources, renaming.swap_sources);
        let (decision, sources) = match batch.decision {
            Decision::Open => (0, 0),
            Decision::Committed(sources) => (1, set(sources)),
            Decision::Abandoned => (2, 0),
        };
        let files = batch.staged << 2 | batch.published;
        let contents = u16::from(decision | sources << 2 | set(batch.rows) << 4) << 4;
        self.put(u64::from(contents | u16::from(files)), 10);
    }

    fn put(&mut self, value: u64, bits: u32) {
        self.word |= value << self.filled;
        self.filled += bits;
        if self.filled >= u64::BITS {
            self.filled -= u64::BITS;
            self.whole[self.words] = self.word;
            self.words += 1;
            self.word = value >> (bits - self.filled);
        }
    }

    /// Batches are named in the order in which they occur.
    fn name(&mut self, batch: BatchNo) -> u8 {
        let name = &mut self.names[usize::from(batch)];
        if *name == 0 {
            self.batches[usize::from(self.named)] = batch;
            self.named += 1;
            *name = self.named;
        }
        *name
    }

    fn batch(&mut self, batch: BatchNo) {
        let name = if self.void >> batch & 1 == 1 {
            15
        } else {
            self.name(batch)
        };
        self.put(u64::from(name), 4);
    }

    fn request(&mut self, request: Option<Request>, renaming: Renaming) {
        let Some(request) = request else {
            return self.put(0, 3);
        };
        let (number, more) = match request {
            Request::Claim(source, _) => (1, swapped(only(source), renaming.swap_sources)),
            Request::Commit(_, sources) => (2, swapped(sources, renaming.swap_sources)),
            Request::Abandon(_) => (3, 0),
            Request::Stage(_, file) => (4, only(file)),
            Request::Copy(_, file) => (5, only(file)),
            Request::Delete(_, file) => (6, only(file)),
        };
        self.put(number | u64::from(more) << 3, 5);
        self.batch(request.batch());
    }
}

fn slot_number(slot: Slot) -> u8 {
    let file = |file: usize| u8::try_from(file).unwrap();
    match slot {
        Slot::Unnamed => 0,
        Slot::Create(key) => 1 + claim_key(key),
        Slot::Follow { newest, .. } => 4 + u8::from(newest),
        Slot::Abandon(_) => 6,
        Slot::Drop(_, of) => 7 + file(of),
        Slot::Publish(_, of, Move::Copy) => 9 + file(of),
        Slot::Publish(_, of, Move::Delete) => 11 + file(of),
        Slot::Read => 13,
        Slot::Duplicate => 14,
        Slot::Left => 15,
        Slot::Failed => 16,
    }
}

const fn claim_key(key: ClaimKey) -> u8 {
    match key {
        ClaimKey::Absent => 0,
        ClaimKey::Ours => 1,
        ClaimKey::Theirs => 2,
    }
}

fn step_number(step: Step) -> u8 {
    let file = |file: usize| u8::try_from(file).unwrap();
    match step {
        Step::Stage(of) => file(of),
        Step::Commit => 2,
        Step::Publish(of, Move::Copy) => 3 + file(of),
        Step::Publish(of, Move::Delete) => 5 + file(of),
        Step::Abandon => 7,
        Step::Drop(of) => 8 + file(of),
    }
}
