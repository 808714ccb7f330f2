//! The store: what a request does when it is executed, at once or late.
//!
//! Must hold: every change of the lake is made here, one request at a time, as S3 and a local file
//! system do it; only a sabotaged rule writes a decision that is there already.

use super::state::{BatchNo, Decision, IN_FLIGHT_MAX, Key, Request, Slot, State, Worker, only};

impl State {
    /// Executes a request. Creates of keys that are there do nothing.
    pub(crate) fn execute(&mut self, request: Request) {
        match request {
            Request::Claim(source, batch) => self.create_claim(source, batch),
            Request::Commit(batch, sources) => self.decide(batch, Decision::Committed(sources)),
            Request::Abandon(batch) => self.decide(batch, Decision::Abandoned),
            Request::Stage(batch, file) => self.batch_mut(batch).staged |= only(file),
            Request::Copy(batch, file) => {
                let batch = self.batch_mut(batch);
                batch.published |= batch.staged & only(file);
            }
            Request::Delete(batch, file) => self.batch_mut(batch).staged &= !only(file),
        }
    }

    /// Creates the claim after the newest one. Everybody who was about to create the same key finds
    /// it taken from now on.
    fn create_claim(&mut self, source: usize, batch: BatchNo) {
        self.claims[source] = Some(batch);
        for worker in &mut self.workers {
            let Worker::Filling {
                batch: own, slots, ..
            } = worker
            else {
                continue;
            };
            let taken = if *own == batch {
                Key::Ours
            } else {
                Key::Theirs
            };
            match &mut slots[source] {
                Slot::Create(key) if *key == Key::Absent => *key = taken,
                Slot::Follow { newest, .. } => *newest = false,
                _ => {}
            }
        }
        for late in &mut self.in_flight {
            if matches!(late, Some(Request::Claim(of, _)) if *of == source) {
                *late = None;
            }
        }
    }

    fn decide(&mut self, batch: BatchNo, decision: Decision) {
        let of = self.batch_mut(batch);
        if of.decision == Decision::Open {
            of.decision = decision;
        }
    }

    /// Writes a decision over whatever is there: no rule of the protocol does.
    pub(crate) fn overwrite(&mut self, batch: BatchNo, decision: Decision) {
        self.batch_mut(batch).decision = decision;
    }

    /// Leaves a request on its way, if there is room for one more.
    pub(crate) fn delay(&mut self, request: Request, room: usize) -> bool {
        let room = self.in_flight.iter_mut().take(room.min(IN_FLIGHT_MAX));
        let mut free = room.filter(|late| late.is_none());
        match free.next() {
            Some(late) => {
                *late = Some(request);
                true
            }
            None => false,
        }
    }
}
