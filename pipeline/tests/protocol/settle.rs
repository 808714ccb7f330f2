//! The end of a batch, request by request: stage, commit, publish, or give up
//! (`pipeline/settle.rs`, `lake/batch.rs`, `lake/publish.rs`).

use super::model::{Model, Out, closing, released};
use super::request::Publication;
use super::sabotage::Sabotage;
use super::state::{BatchNo, Decision, Move, Request, Set, State, Step, Worker};
use super::text::{B, W};

impl Model {
    /// Everything that a closing batch can do next.
    pub(crate) fn close(&self, state: &State, worker: usize, out: &mut Out<'_>) {
        let Worker::Closing {
            batch,
            sources,
            done,
            step,
        } = state.workers[worker]
        else {
            return;
        };
        let at = Closing {
            model: self,
            state,
            worker,
            batch,
            sources,
            done,
        };
        match step {
            Step::Stage(file) => at.stage(file, out),
            Step::Commit => at.commit(out),
            Step::Publish(file, request) => at.publish(file, request, out),
            Step::Abandon => at.abandon(out),
            Step::Drop(file) => at.drop_file(file, out),
        }
    }
}

/// A batch that takes no more.
#[derive(Clone, Copy)]
struct Closing<'a> {
    model: &'a Model,
    state: &'a State,
    worker: usize,
    batch: BatchNo,
    sources: Set,
    done: Set,
}

impl Closing<'_> {
    fn at(&self, step: Step) -> State {
        self.at_with(step, self.done)
    }

    fn at_with(&self, step: Step, done: Set) -> State {
        let mut next = *self.state;
        next.workers[self.worker] = closing(self.batch, self.sources, done, step);
        next
    }

    /// Only the queue is left to be told that these messages are done, and the others not.
    fn release(&self, done: Set) -> State {
        let mut next = *self.state;
        next.workers[self.worker] = released(done);
        next
    }

    fn faults(&self, failed: &State, request: Request, out: &mut Out<'_>) {
        self.model.request_faults(failed, self.worker, request, out);
    }

    fn stage(&self, file: usize, out: &mut Out<'_>) {
        let request = Request::Stage(self.batch, file);
        let name = W(self.worker);
        let publish_next = self.model.breaks(Sabotage::PublishBeforeCommit)
            || self.model.breaks(Sabotage::CommitBeforeStage);
        let next = if file + 1 < self.model.files {
            Step::Stage(file + 1)
        } else if publish_next {
            Step::Publish(0, self.model.first_move())
        } else {
            Step::Commit
        };
        let mut staged = self.at(next);
        staged.execute(request);
        out.step(staged, format_args!("{name}: {request}"));
        // The store's client had no answer, sent it again, and the first one is executed later.
        if staged.delay(request, self.model.delayed) {
            let text = format_args!("{name}: {request}, and the same stays on its way");
            out.fault(staged, text);
        }
        self.faults(&self.at_with(Step::Abandon, 0), request, out);
    }

    fn commit(&self, out: &mut Out<'_>) {
        let request = Request::Commit(self.batch, self.sources);
        let name = W(self.worker);
        if self.model.breaks(Sabotage::CommitOverwrites) {
            let mut next = self.committed();
            next.overwrite(self.batch, Decision::Committed(self.sources));
            return out.step(next, format_args!("{name}: {request}"));
        }
        self.unknown(out);
        if self.state.batch(self.batch).decision != Decision::Open {
            return self.decided(out);
        }
        let mut next = self.committed();
        next.execute(request);
        out.step(next, format_args!("{name}: {request}"));
        self.faults(self.state, request, out);
    }

    /// Neither the create nor the reading back told whether the commit landed.
    fn unknown(&self, out: &mut Out<'_>) {
        let next = if self.model.breaks(Sabotage::DropAfterUnknownCommit) {
            self.at_with(Step::Drop(0), 0)
        } else {
            self.release(0)
        };
        let (name, batch) = (W(self.worker), B(self.batch));
        out.fault(
            next,
            format_args!("{name} does not learn whether {batch} is committed"),
        );
    }

    /// A decision is there. A commit is an earlier attempt of this worker's own.
    fn decided(&self, out: &mut Out<'_>) {
        let decision = self.state.batch(self.batch).decision;
        let is_ours = matches!(decision, Decision::Committed(_))
            && !self.model.breaks(Sabotage::RefusedCommitIsTheirs)
            || self.model.breaks(Sabotage::RefusedCommitIsOurs);
        let next = if is_ours {
            self.committed()
        } else if self.model.breaks(Sabotage::FencedIsDone) {
            self.release(self.done)
        } else {
            self.at_with(Step::Drop(0), 0)
        };
        let (name, batch) = (W(self.worker), B(self.batch));
        out.step(next, format_args!("{name} reads: {batch} is {decision}"));
    }

    fn committed(&self) -> State {
        if self.model.breaks(Sabotage::AcknowledgeBeforePublish)
            || self.model.breaks(Sabotage::PublishBeforeCommit)
        {
            self.release(self.done)
        } else if self.model.breaks(Sabotage::CommitBeforeStage) {
            self.at(Step::Stage(0))
        } else {
            self.at(Step::Publish(0, self.model.first_move()))
        }
    }

    fn publish(&self, file: usize, request: Move, out: &mut Out<'_>) {
        let go = |next: &mut State, publication| {
            *next = match publication {
                Publication::At(file, request) => self.at(Step::Publish(file, request)),
                Publication::Finished if self.model.breaks(Sabotage::PublishBeforeCommit) => {
                    self.at(Step::Commit)
                }
                Publication::Finished => self.release(self.done),
                Publication::Failed => self.release(0),
            };
        };
        let who = (self.worker, self.batch);
        self.model
            .publish(self.state, who, (file, request), &go, out);
    }

    /// The batch is given up, so that others need not wait for its lease.
    fn abandon(&self, out: &mut Out<'_>) {
        self.not_abandoned(out);
        if self.state.batch(self.batch).decision != Decision::Open {
            return self.abandon_decided(out);
        }
        let request = Request::Abandon(self.batch);
        let mut next = self.at(Step::Drop(0));
        next.execute(request);
        out.step(next, format_args!("{}: {request}", W(self.worker)));
        self.faults(self.state, request, out);
    }

    fn abandon_decided(&self, out: &mut Out<'_>) {
        let decision = self.state.batch(self.batch).decision;
        let next = if decision == Decision::Abandoned {
            self.at(Step::Drop(0))
        } else {
            self.release(self.done)
        };
        let (name, batch) = (W(self.worker), B(self.batch));
        out.step(next, format_args!("{name} reads: {batch} is {decision}"));
    }

    fn not_abandoned(&self, out: &mut Out<'_>) {
        let (name, batch) = (W(self.worker), B(self.batch));
        let text = format_args!("{name} does not learn whether {batch} is abandoned");
        out.fault(self.release(self.done), text);
    }

    /// Deletes a staged file. An error leaves the rest.
    fn drop_file(&self, file: usize, out: &mut Out<'_>) {
        let request = Request::Delete(self.batch, file);
        let mut next = if file + 1 < self.model.files {
            self.at(Step::Drop(file + 1))
        } else {
            self.release(self.done)
        };
        next.execute(request);
        out.step(next, format_args!("{}: {request}", W(self.worker)));
        self.faults(&self.release(self.done), request, out);
    }
}
