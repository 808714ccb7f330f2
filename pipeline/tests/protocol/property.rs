//! What must hold in every state.
//!
//! In: a state, or a step. Out: the property that it breaks, if any.

use super::model::Model;
use super::state::{Batch, Decision, Set, State, members};

/// What the protocol promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    /// No source is in two committed batches.
    OneCommit,
    /// A decision is never replaced by another.
    OneDecision,
    /// Each source of an acknowledged message is in a committed batch whose files, with its rows,
    /// are all published.
    AcknowledgedIsPublished,
    /// A source's rows stand at most once where readers look. With the property before: when all
    /// is acknowledged, exactly once.
    RowsOnce,
    /// No file of an abandoned or undecided batch is where readers look.
    OnlyCommittedIsPublished,
    /// A committed batch has no file that is neither staged nor published.
    NoFileLost,
    /// From every state something leads, without further faults, to everything acknowledged.
    NoDeadEnd,
}

/// The property that a step breaks.
pub(crate) fn broken(model: &Model, from: &State, to: &State) -> Option<Property> {
    let replaced = |(from, to): (&Batch, &Batch)| {
        from.decision != Decision::Open && from.decision != to.decision
    };
    if from.batches.iter().zip(&to.batches).any(replaced) {
        return Some(Property::OneDecision);
    }
    let (mut committed, mut committed_twice): (Set, Set) = (0, 0);
    let (mut shown, mut shown_twice): (Set, Set) = (0, 0);
    let mut complete: Set = 0;
    for batch in to.batches.iter().filter(|batch| batch.opened) {
        if let Decision::Committed(sources) = batch.decision {
            committed_twice |= committed & sources;
            committed |= sources;
            if batch.staged | batch.published != model.all_files() {
                return Some(Property::NoFileLost);
            }
            if batch.published == model.all_files() {
                complete |= sources & batch.rows;
            }
        } else if batch.published != 0 {
            return Some(Property::OnlyCommittedIsPublished);
        }
        if batch.published != 0 {
            shown_twice |= shown & batch.rows;
            shown |= batch.rows;
        }
    }
    if committed_twice != 0 {
        return Some(Property::OneCommit);
    }
    if shown_twice != 0 {
        return Some(Property::RowsOnce);
    }
    let acknowledged = members(to.acknowledged).map(|message| model.messages[message]);
    let owed = acknowledged.fold(0, |owed, sources| owed | sources);
    (owed & !complete != 0).then_some(Property::AcknowledgedIsPublished)
}

/// True when nothing is left to do.
pub(crate) fn is_goal(model: &Model, state: &State) -> bool {
    state.acknowledged == model.all_messages()
}
