//! What becomes of a delivery once its batch is decided.
//!
//! In: how each object of it ended. Out: acknowledge, or give back and why. Must hold: a wrong
//! acknowledgement loses rows, so it is given only where every object is in a committed batch (I6).

use std::collections::BTreeMap;

use super::piece::{End, Slot};
use crate::queue::{Delivery, Return};

/// A delivery of the open batch, and where each object of it stands.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) delivery: Delivery,
    pub(super) slots: Vec<Slot>,
    /// An object of it could not even be named.
    pub(super) unnamed: Option<Return>,
}

/// What to do with a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Acknowledge,
    GiveBack(Return),
}

impl Held {
    /// A delivery is done when each of its objects is in this batch, or was committed before.
    /// Else the worst of its objects says why it goes back.
    pub(super) fn verdict(&self, left_out: &BTreeMap<Slot, End>) -> Verdict {
        let mut again = self.unnamed;
        for slot in &self.slots {
            let why = match left_out.get(slot) {
                None | Some(End::Read(_) | End::Duplicate | End::Own) => None,
                Some(End::Busy(wait) | End::Unclaimed(wait)) => Some(Return::After(*wait)),
                Some(End::Lost) => Some(Return::Now),
                Some(End::Failed(_)) => Some(Return::Failed),
                Some(End::Throttled(_)) => Some(Return::Throttled),
                Some(End::Denied(_)) => Some(Return::Denied),
            };
            again = again.max(why);
        }
        again.map_or(Verdict::Acknowledge, Verdict::GiveBack)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::queue::{Attempt, Receipt};

    #[test]
    fn only_what_is_committed_is_acknowledged() {
        let busy = || End::Busy(Duration::from_secs(7));
        let failed = || End::Failed(String::new());
        let cases: [(Vec<(Slot, End)>, Verdict); 9] = [
            (vec![], Verdict::Acknowledge),
            (vec![(0, End::Duplicate)], Verdict::Acknowledge),
            (vec![(0, End::Own)], Verdict::Acknowledge),
            (
                vec![(0, End::Duplicate), (1, busy())],
                Verdict::GiveBack(Return::After(Duration::from_secs(7))),
            ),
            (
                vec![(0, busy()), (1, failed())],
                Verdict::GiveBack(Return::Failed),
            ),
            (
                vec![(0, failed()), (1, End::Denied(String::new()))],
                Verdict::GiveBack(Return::Denied),
            ),
            (vec![(1, End::Lost)], Verdict::GiveBack(Return::Now)),
            (
                vec![(1, End::Unclaimed(Duration::from_secs(7)))],
                Verdict::GiveBack(Return::After(Duration::from_secs(7))),
            ),
            (
                vec![(0, failed()), (1, End::Throttled(String::new()))],
                Verdict::GiveBack(Return::Throttled),
            ),
        ];
        for (left_out, expected) in cases {
            let held = Held {
                delivery: Delivery {
                    objects: Vec::new(),
                    receipt: Receipt::Number(1),
                    received_at: DateTime::UNIX_EPOCH,
                    sent_at: None,
                    attempt: Attempt::first(),
                    lost: CancellationToken::new(),
                },
                slots: vec![0, 1],
                unnamed: None,
            };
            assert_eq!(held.verdict(&left_out.into_iter().collect()), expected);
        }
    }
}
