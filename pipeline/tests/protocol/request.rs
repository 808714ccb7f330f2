//! What can become of a request: it fails, it is executed and nobody learns it, it is executed late.
//!
//! In: a request and its sender's state after an error. Out: the successors. Must hold: after an
//! error nobody knows whether the request was executed, or will be.

use super::model::{Model, Out};
use super::sabotage::Sabotage;
use super::state::{BatchNo, Move, Request, State, holds};
use super::text::{B, F, W};

/// Where the publication of a batch stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Publication {
    At(usize, Move),
    Finished,
    Failed,
}

impl Model {
    /// The faults of any request whose sender stops at an error.
    pub(crate) fn request_faults(
        &self,
        failed: &State,
        worker: usize,
        request: Request,
        out: &mut Out<'_>,
    ) {
        let name = W(worker);
        out.fault(*failed, format_args!("{name} fails to: {request}"));
        let mut executed = *failed;
        executed.execute(request);
        out.fault(
            executed,
            format_args!("{name} has no answer, though executed: {request}"),
        );
        let mut late = *failed;
        if late.delay(request, self.delayed) {
            out.fault(
                late,
                format_args!("{name} has no answer, and on its way stays: {request}"),
            );
        }
    }

    /// One of the two requests that publish a file (`Lake::publish`). `go` says what comes after.
    pub(crate) fn publish(
        &self,
        state: &State,
        (worker, batch): (usize, BatchNo),
        (file, request): (usize, Move),
        go: &dyn Fn(&mut State, Publication),
        out: &mut Out<'_>,
    ) {
        let first = self.first_move();
        let next_file = if file + 1 < self.files {
            Publication::At(file + 1, first)
        } else {
            Publication::Finished
        };
        let at = |publication| {
            let mut next = *state;
            go(&mut next, publication);
            next
        };
        let of = state.batch(batch);
        if request == Move::Copy && !holds(of.staged, file) {
            let (name, b, f) = (W(worker), B(batch), F(file));
            if holds(of.published, file) && !self.breaks(Sabotage::GoneIsAnError) {
                let text = format_args!("{name} finds {b}'s {f} published before");
                out.step(at(next_file), text);
            } else {
                let text = format_args!("{name} does not find {b}'s {f}");
                out.step(at(Publication::Failed), text);
            }
            return;
        }
        let (request, after) = match request {
            Move::Copy if first == Move::Copy => (
                Request::Copy(batch, file),
                Publication::At(file, Move::Delete),
            ),
            Move::Copy => (Request::Copy(batch, file), next_file),
            Move::Delete if first == Move::Copy => (Request::Delete(batch, file), next_file),
            Move::Delete => (
                Request::Delete(batch, file),
                Publication::At(file, Move::Copy),
            ),
        };
        let mut next = at(after);
        next.execute(request);
        out.step(next, format_args!("{}: {request}", W(worker)));
        self.request_faults(&at(Publication::Failed), worker, request, out);
    }

    /// What publishing a file begins with.
    pub(crate) fn first_move(&self) -> Move {
        if self.breaks(Sabotage::DeleteBeforeCopy) {
            Move::Delete
        } else {
            Move::Copy
        }
    }
}
