//! A claim, request by request: `Lake::claim`, `follow` and `undecided` of `lake/claim.rs`, with
//! `create_if_absent` of `lake/create.rs`.
//!
//! Refused creates and readings of what never changes again are taken together with the next
//! request: done later, they would give the same answer.

use super::model::{Model, Out};
use super::request::Publication;
use super::sabotage::Sabotage;
use super::state::{BatchNo, Decision, Key, Move, Request, Slot, State, Worker, holds, only};
use super::text::{B, S, W};

impl Model {
    /// Everything that the claim of one source can do next.
    pub(crate) fn slot(
        &self,
        state: &State,
        worker: usize,
        source: usize,
        slot: Slot,
        out: &mut Out<'_>,
    ) {
        if slot.is_ended() {
            return;
        }
        let at = Place {
            model: self,
            state,
            worker,
            source,
        };
        match slot {
            Slot::Create(Key::Absent) => at.create(out),
            Slot::Create(Key::Theirs) => at.newest(out),
            Slot::Create(Key::Ours) => at.mine(state, "finds its own claim", out),
            Slot::Follow { batch, newest } => at.follow(batch, newest, out),
            Slot::Abandon(batch) => at.abandon(batch, out),
            Slot::Drop(batch, file) => at.drop_file(batch, file, out),
            Slot::Publish(batch, file, request) => at.publish(batch, file, request, out),
            Slot::Unnamed | Slot::Read | Slot::Duplicate | Slot::Left | Slot::Failed => {}
        }
        let text = format_args!("{}'s claim of {} fails", W(worker), S(only(source)));
        out.fault(at.with(Slot::Left), text);
    }

    /// What a decision means for a source that was claimed for its batch. Nothing while there is
    /// none.
    pub(crate) fn followed(
        &self,
        decision: Decision,
        batch: BatchNo,
        source: usize,
        newest: bool,
    ) -> Option<Slot> {
        match decision {
            Decision::Open => None,
            Decision::Committed(sources)
                if holds(sources, source) || self.breaks(Sabotage::BelieveCommitWithout) =>
            {
                Some(if self.breaks(Sabotage::DoneUnpublished) {
                    Slot::Duplicate
                } else {
                    Slot::Publish(batch, 0, self.first_move())
                })
            }
            Decision::Abandoned if self.breaks(Sabotage::AbandonedIsBusy) => Some(Slot::Left),
            Decision::Committed(_) | Decision::Abandoned if newest => {
                Some(Slot::Create(Key::Absent))
            }
            Decision::Committed(_) | Decision::Abandoned => Some(Slot::Create(Key::Theirs)),
        }
    }
}

/// A source of an open batch.
#[derive(Clone, Copy)]
struct Place<'a> {
    model: &'a Model,
    state: &'a State,
    worker: usize,
    source: usize,
}

impl Place<'_> {
    fn set(&self, state: &mut State, slot: Slot) {
        if let Worker::Filling { slots, .. } = &mut state.workers[self.worker] {
            slots[self.source] = slot;
        }
    }

    fn with(&self, slot: Slot) -> State {
        let mut next = *self.state;
        self.set(&mut next, slot);
        next
    }

    fn own(&self) -> BatchNo {
        let own = self.state.workers[self.worker].batch();
        own.expect("a worker that claims has a batch")
    }

    /// Creates a claim where none is.
    fn create(&self, out: &mut Out<'_>) {
        let request = Request::Claim(self.source, self.own());
        let mut claimed = *self.state;
        claimed.execute(request);
        self.mine(&claimed, "creates the claim", out);
        self.model
            .request_faults(self.state, self.worker, request, out);
        if self.model.breaks(Sabotage::UnansweredClaimIsOurs) {
            self.mine(self.state, "has no answer to the claim", out);
        }
    }

    /// The source is ours: reads the object, or fails to.
    fn mine(&self, claimed: &State, how: &str, out: &mut Out<'_>) {
        let (name, own, source) = (W(self.worker), B(self.own()), S(only(self.source)));
        let mut next = *claimed;
        self.set(&mut next, Slot::Failed);
        let text = format_args!("{name} {how} of {source} for {own}, and cannot read it");
        out.fault(next, text);
        next.batch_mut(self.own()).rows |= only(self.source);
        if self.model.breaks(Sabotage::MidwayFailureIsKept) {
            let text = format_args!("{name} {how} of {source} for {own}, and reads half of it");
            out.fault(next, text);
        }
        self.set(&mut next, Slot::Read);
        out.step(
            next,
            format_args!("{name} {how} of {source} for {own}, and reads it"),
        );
    }

    /// The create is refused: reads the newest claim.
    fn newest(&self, out: &mut Out<'_>) {
        let batch = self.state.claims[self.source].expect("a claim that refused a create");
        if batch == self.own() || self.model.breaks(Sabotage::RefusedClaimIsOurs) {
            return self.mine(self.state, "finds a claim", out);
        }
        let newest = true;
        let (name, source, b) = (W(self.worker), S(only(self.source)), B(batch));
        let decision = self.state.batch(batch).decision;
        out.step(
            self.with(Slot::Follow { batch, newest }),
            format_args!("{name} finds {source} claimed for {b}, which is {decision}"),
        );
    }

    /// Reads the decision on the claim's batch.
    fn follow(&self, batch: BatchNo, newest: bool, out: &mut Out<'_>) {
        let decision = self.state.batch(batch).decision;
        let Some(next) = self.model.followed(decision, batch, self.source, newest) else {
            let key = if newest { Key::Absent } else { Key::Theirs };
            return self.undecided(batch, key, out);
        };
        let (name, source) = (W(self.worker), S(only(self.source)));
        out.step(
            self.with(next),
            format_args!("{name}, for {source}, reads: {} is {decision}", B(batch)),
        );
    }

    /// Waits for an undecided batch, or presumes its worker dead. The lease may be judged wrongly
    /// at any moment.
    fn undecided(&self, batch: BatchNo, key: Key, out: &mut Out<'_>) {
        let model = self.model;
        let (name, source) = (W(self.worker), S(only(self.source)));
        out.step(
            self.with(Slot::Left),
            format_args!("{name} leaves {source} to {}", B(batch)),
        );
        let next = if model.breaks(Sabotage::LeaseNeverEnds) {
            return;
        } else if model.breaks(Sabotage::ClaimWhileOpen) {
            Slot::Create(key)
        } else if model.breaks(Sabotage::DropBeforeAbandon) {
            Slot::Drop(batch, 0)
        } else {
            Slot::Abandon(batch)
        };
        let next = self.with(next);
        if self.state.is_owned(batch) {
            out.fault(
                next,
                format_args!("{name} presumes {} dead wrongly", B(batch)),
            );
        } else {
            out.step(next, format_args!("{name} presumes {} dead", B(batch)));
        }
    }

    fn abandon(&self, batch: BatchNo, out: &mut Out<'_>) {
        let request = Request::Abandon(batch);
        let name = W(self.worker);
        if self.model.breaks(Sabotage::AbandonOverwrites) {
            let mut next = self.with(Slot::Drop(batch, 0));
            next.overwrite(batch, Decision::Abandoned);
            return out.step(next, format_args!("{name}: {request}"));
        }
        if self.state.batch(batch).decision != Decision::Open {
            return self.abandoned(batch, out);
        }
        let mut next = self.with(self.after_abandon(batch));
        next.execute(request);
        out.step(next, format_args!("{name}: {request}"));
        let unanswered = if self.model.breaks(Sabotage::UnansweredAbandonIsBelieved) {
            Slot::Drop(batch, 0)
        } else {
            Slot::Abandon(batch)
        };
        self.model
            .request_faults(&self.with(unanswered), self.worker, request, out);
    }

    /// Reads the decision that is there: whoever wrote it, it stays.
    fn abandoned(&self, batch: BatchNo, out: &mut Out<'_>) {
        let decision = self.state.batch(batch).decision;
        let next = match decision {
            Decision::Open => Slot::Abandon(batch),
            Decision::Abandoned => self.after_abandon(batch),
            Decision::Committed(_) => Slot::Create(Key::Theirs),
        };
        let name = W(self.worker);
        out.step(
            self.with(next),
            format_args!("{name} reads back: {} is {decision}", B(batch)),
        );
    }

    fn after_abandon(&self, batch: BatchNo) -> Slot {
        if self.model.breaks(Sabotage::DropBeforeAbandon) {
            Slot::Create(Key::Theirs)
        } else {
            Slot::Drop(batch, 0)
        }
    }

    /// Deletes a staged file of an abandoned batch. An error leaves the rest.
    fn drop_file(&self, batch: BatchNo, file: usize, out: &mut Out<'_>) {
        let request = Request::Delete(batch, file);
        let early = self.model.breaks(Sabotage::DropBeforeAbandon);
        let next = if file + 1 < self.model.files {
            Slot::Drop(batch, file + 1)
        } else if early {
            Slot::Abandon(batch)
        } else {
            Slot::Create(Key::Theirs)
        };
        let mut next = self.with(next);
        next.execute(request);
        out.step(next, format_args!("{}: {request}", W(self.worker)));
        let failed = self.with(Slot::Create(Key::Theirs));
        self.model
            .request_faults(&failed, self.worker, request, out);
    }

    /// Finishes what another worker committed, or finds the mark: it comes after the last file, at any time.
    fn publish(&self, batch: BatchNo, file: usize, request: Move, out: &mut Out<'_>) {
        if self.state.batch(batch).published == self.model.all_files() {
            let (name, b) = (W(self.worker), B(batch));
            let text = format_args!("{name} finds {b} marked as published");
            out.step(self.with(Slot::Duplicate), text);
        }
        let go = |next: &mut State, publication| {
            let slot = match publication {
                Publication::At(file, request) => Slot::Publish(batch, file, request),
                Publication::Finished => Slot::Duplicate,
                Publication::Failed => Slot::Left,
            };
            self.set(next, slot);
        };
        let who = (self.worker, batch);
        self.model
            .publish(self.state, who, (file, request), &go, out);
    }
}
