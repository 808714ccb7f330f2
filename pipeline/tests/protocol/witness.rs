//! What must be possible: the crossings that the protocol is made for.
//!
//! In: a state. Out: which crossings it shows. Must hold: a search of the real protocol meets all
//! of them; one that it never met would prove nothing.

use super::state::{Batch, BatchNo, Decision, Request, Slot, State, Step, Worker, holds};

/// A crossing, and how it is recognised.
type Witness = (&'static str, fn(&State) -> bool);

/// Every crossing that is looked for.
pub(crate) const WITNESSES: [Witness; 8] = [
    ("two workers publish one batch at once", |state| {
        state.any_crossing(|owner, slot, batch| {
            matches!(
                (owner, slot),
                (Step::Publish(..), Slot::Publish(of, ..)) if of == batch
            )
        })
    }),
    (
        "staging is dropped while its zombie still stages",
        |state| {
            state.any_crossing(|owner, slot, batch| {
                matches!((owner, slot), (Step::Stage(_), Slot::Drop(of, _)) if of == batch)
            })
        },
    ),
    ("staging is dropped while its zombie commits", |state| {
        state.any_crossing(|owner, slot, batch| {
            matches!((owner, slot), (Step::Commit, Slot::Drop(of, _)) if of == batch)
        })
    }),
    ("a commit and an abandonment race", |state| {
        state.any_crossing(|owner, slot, batch| {
            matches!((owner, slot), (Step::Commit, Slot::Abandon(of)) if of == batch)
        })
    }),
    ("a late commit meets an abandonment", |state| {
        let mut late = state.in_flight.iter().flatten();
        late.any(|request| {
            matches!(request, Request::Commit(batch, _)
                if state.slots().any(|slot| slot == Slot::Abandon(*batch)))
        })
    }),
    (
        "a source is committed after a batch that left it out",
        |state| {
            let without = |batch: &&Batch| matches!(batch.decision, Decision::Committed(sources) if sources != 0b11);
            state.batches.iter().filter(without).count() == 2
        },
    ),
    ("a published file may be staged again, late", |state| {
        let mut late = state.in_flight.iter().flatten();
        late.any(|request| match request {
            Request::Stage(of, file) => {
                let of = state.batch(*of);
                holds(of.published & !of.staged, *file)
            }
            _ => false,
        })
    }),
    ("a dead worker's publication is finished", |state| {
        let unowned = |slot| matches!(slot, Slot::Publish(of, ..) if !state.is_owned(of));
        state.slots().any(unowned)
    }),
];

/// The crossings that a state shows, a bit each.
pub(crate) fn seen(state: &State) -> u32 {
    let shown = WITNESSES.iter().map(|(_, shows)| u32::from(shows(state)));
    (0..)
        .zip(shown)
        .fold(0, |seen, (place, shown)| seen | shown << place)
}

impl State {
    /// The claims that are being made.
    fn slots(&self) -> impl Iterator<Item = Slot> {
        let filling = self.workers.iter().filter_map(|worker| match worker {
            Worker::Filling { slots, .. } => Some(*slots),
            _ => None,
        });
        filling.flatten()
    }

    /// The batches that are closing.
    fn closing(&self) -> impl Iterator<Item = (Step, BatchNo)> {
        self.workers.iter().filter_map(|worker| match worker {
            Worker::Closing { step, batch, .. } => Some((*step, *batch)),
            _ => None,
        })
    }

    /// True when some closing batch and some claim are so.
    fn any_crossing(&self, is: fn(Step, Slot, BatchNo) -> bool) -> bool {
        self.closing()
            .any(|(step, batch)| self.slots().any(|slot| is(step, slot, batch)))
    }
}
