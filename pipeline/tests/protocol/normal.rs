//! States that have the same future are made the same.
//!
//! In: a state. Out: one that can do exactly what it could. Must hold: only these are touched:
//! readings whose answer can never change again are taken at once; requests that change nothing
//! are passed over; what nobody can read any more is forgotten.

use super::model::{Model, closing, released};
use super::sabotage::Sabotage;
use super::state::{
    Batch, BatchNo, Decision, IN_FLIGHT_MAX, Key, Move, Request, Set, Slot, State, Step,
    WORKERS_MAX, Worker, holds,
};

impl Model {
    /// Makes states of one future the same.
    pub(crate) fn normalize(&self, state: &mut State) {
        if !self.reduced {
            return;
        }
        state.forget_contents();
        if self.sabotage.is_some_and(Sabotage::changes_waiting) {
            return;
        }
        for worker in 0..WORKERS_MAX {
            match state.workers[worker] {
                Worker::Filling {
                    batch,
                    held,
                    mut slots,
                } => {
                    for (source, slot) in slots.iter_mut().enumerate() {
                        *slot = self.ahead(state, source, *slot);
                    }
                    state.workers[worker] = Worker::Filling { batch, held, slots };
                }
                Worker::Closing {
                    batch,
                    sources,
                    done,
                    step,
                } => {
                    let sets = (sources, done & !state.acknowledged);
                    state.workers[worker] = self.closed_ahead(state, batch, sets, step);
                }
                Worker::Acknowledging { done } => {
                    state.workers[worker] = released(done & !state.acknowledged);
                }
                Worker::Idle => {}
            }
        }
    }

    /// Where a claim stands when it has done what changes nothing.
    fn ahead(&self, state: &State, source: usize, slot: Slot) -> Slot {
        let Some(batch) = slot.target() else {
            return slot;
        };
        let slot = match slot {
            Slot::Follow { batch, newest } => {
                let decision = state.batch(batch).decision;
                let next = self.followed(decision, batch, source, newest);
                next.unwrap_or(slot)
            }
            slot => slot,
        };
        let of = state.batch(batch);
        match (slot, of.decision) {
            (Slot::Abandon(_), Decision::Committed(_)) => Slot::Create(Key::Theirs),
            (Slot::Abandon(_) | Slot::Drop(..), Decision::Abandoned)
                if of.staged == 0 && !state.may_stage(batch) =>
            {
                Slot::Create(Key::Theirs)
            }
            (Slot::Publish(_, file, request), _) => {
                let (file, request) = self.unpublished(state, batch, (file, request));
                Slot::Publish(batch, file, request)
            }
            _ => slot,
        }
    }

    /// The same for a closing batch, without what it does not need any more: the sources once it
    /// cannot commit them, and messages that others acknowledged.
    fn closed_ahead(
        &self,
        state: &State,
        batch: BatchNo,
        (sources, done): (Set, Set),
        step: Step,
    ) -> Worker {
        let of = state.batch(batch);
        match (step, of.decision) {
            (Step::Publish(file, request), _) => {
                let (file, request) = self.unpublished(state, batch, (file, request));
                closing(batch, 0, done, Step::Publish(file, request))
            }
            // It will be fenced.
            (Step::Stage(_) | Step::Commit, Decision::Abandoned) => closing(batch, 0, 0, step),
            (Step::Drop(_), Decision::Abandoned)
                if of.staged == 0 && !state.has_late_stage(batch) =>
            {
                released(done)
            }
            (Step::Abandon | Step::Drop(_), _) => closing(batch, 0, done, step),
            (Step::Stage(_) | Step::Commit, _) => closing(batch, sources, done, step),
        }
    }

    /// The next request of a publication that changes something, or the last one. A copy changes
    /// nothing when the file is published; a deletion, when it is not staged.
    fn unpublished(
        &self,
        state: &State,
        batch: BatchNo,
        (mut file, mut request): (usize, Move),
    ) -> (usize, Move) {
        let of = state.batch(batch);
        if state.may_stage(batch) {
            return (file, request);
        }
        loop {
            let idle = match request {
                Move::Copy => holds(of.published, file),
                Move::Delete => holds(of.published, file) && !holds(of.staged, file),
            };
            (file, request) = match request {
                _ if !idle => return (file, request),
                Move::Copy => (file, Move::Delete),
                Move::Delete if file + 1 < self.files => (file + 1, Move::Copy),
                Move::Delete => return (file, request),
            };
        }
    }
}

impl State {
    /// True while a file of the batch may still turn up in its staging.
    fn may_stage(&self, batch: BatchNo) -> bool {
        self.owner_may_stage(batch) || self.has_late_stage(batch)
    }

    fn owner_may_stage(&self, batch: BatchNo) -> bool {
        self.workers.iter().any(|worker| match worker {
            Worker::Filling { batch: own, .. } => *own == batch,
            Worker::Closing {
                batch: own, step, ..
            } => *own == batch && matches!(step, Step::Stage(_)),
            Worker::Idle | Worker::Acknowledging { .. } => false,
        })
    }

    fn has_late_stage(&self, batch: BatchNo) -> bool {
        let mut late = self.in_flight.iter().flatten();
        late.any(|request| matches!(request, Request::Stage(of, _) if *of == batch))
    }

    /// Forgets rows and files that can never count, and requests that can never change anything.
    fn forget_contents(&mut self) {
        for place in 0..IN_FLIGHT_MAX {
            if let Some(request) = self.in_flight[place]
                && self.is_idle(request)
            {
                self.in_flight[place] = None;
            }
        }
        for number in 0..self.batches.len() {
            if !self.batches[number].opened {
                continue;
            }
            let name = u8::try_from(number).unwrap();
            let counts = self.may_count(name);
            let batch = &mut self.batches[number];
            if batch.decision == Decision::Abandoned {
                batch.rows = 0;
            }
            if !counts {
                (batch.rows, batch.staged) = (0, 0);
            }
        }
    }

    /// True when files of the batch were published, or still may be.
    fn may_count(&self, batch: BatchNo) -> bool {
        let late = |request: &Request| {
            request.batch() == batch && matches!(request, Request::Commit(..) | Request::Copy(..))
        };
        matches!(self.batch(batch).decision, Decision::Committed(_))
            || self.is_owned(batch)
            || self.in_flight.iter().flatten().any(late)
    }

    /// True when a late request cannot change anything that counts.
    fn is_idle(&self, request: Request) -> bool {
        let batch = request.batch();
        let of = self.batch(batch);
        let returns = |file: usize| {
            let late = |other: &Request| *other == Request::Stage(batch, file);
            self.owner_may_stage(batch) || self.in_flight.iter().flatten().any(late)
        };
        match request {
            Request::Claim(..) => false,
            Request::Commit(..) | Request::Abandon(_) => of.decision != Decision::Open,
            Request::Stage(..) => !self.may_count(batch),
            Request::Copy(_, file) => {
                holds(of.published, file) || !holds(of.staged, file) && !returns(file)
            }
            Request::Delete(_, file) => {
                !self.may_count(batch) || !holds(of.staged, file) && !returns(file)
            }
        }
    }

    /// Forgets batches that nobody can name any more.
    pub(crate) fn forget(&mut self) {
        let named = self.named();
        for place in &mut self.in_flight {
            *place = place.filter(|request| named >> request.batch() & 1 == 1);
        }
        for (number, batch) in self.batches.iter_mut().enumerate() {
            if named >> number & 1 == 0 {
                *batch = Batch::default();
            }
        }
    }

    /// The batches whose name somebody has or may still read, a bit each.
    fn named(&self) -> u32 {
        let mut named = 0;
        let mut name = |batch: BatchNo| named |= 1_u32 << batch;
        for worker in &self.workers {
            worker.batch().into_iter().for_each(&mut name);
            if let Worker::Filling { slots, .. } = worker {
                let targets = slots.iter().filter_map(Slot::target);
                targets.for_each(&mut name);
            }
        }
        self.claims.into_iter().flatten().for_each(&mut name);
        for request in self.in_flight.into_iter().flatten() {
            if matches!(
                request,
                Request::Claim(..) | Request::Commit(..) | Request::Abandon(_)
            ) {
                name(request.batch());
            }
        }
        for (number, batch) in (0..).zip(&self.batches) {
            if matches!(batch.decision, Decision::Committed(_)) {
                name(number);
            }
        }
        named
    }
}

/// Batches that are abandoned and have neither an owner nor files, a bit each: one is as good as
/// another.
pub(crate) fn void(state: &State) -> u32 {
    let mut void = 0;
    for (number, batch) in (0..).zip(&state.batches) {
        let is_void = batch.decision == Decision::Abandoned
            && batch.staged | batch.published == 0
            && !state.is_owned(number)
            && !state
                .in_flight
                .iter()
                .flatten()
                .any(|late| late.batch() == number);
        void |= u32::from(is_void) << number;
    }
    void
}
