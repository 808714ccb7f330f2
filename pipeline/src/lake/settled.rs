//! Batches that are known to be committed and published.
//!
//! In: decisions that were followed to their end. Out: whether a source is done with. Must hold:
//! what is in here stays true for ever: a decision never changes (I1), and what is published stays
//! published; a batch that is not in here may be settled all the same.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::batch::BatchId;
use super::source::SourceId;
use crate::limits::{BATCH_OBJECTS_MAX, SETTLED_BATCHES_MAX};

/// The batches that this process has met last. A backfill of what is known already meets the same
/// few for thousands of objects.
#[derive(Debug, Default)]
pub struct Settled {
    batches: Mutex<VecDeque<(BatchId, HashSet<SourceId>)>>,
}

impl Settled {
    /// Whether the batch is known to be published with the source in it.
    pub(super) fn has(&self, batch: &BatchId, source: &SourceId) -> bool {
        let batches = self.lock();
        let mut found = batches.iter().filter(|(known, _)| known == batch);
        found.any(|(_, sources)| sources.contains(source))
    }

    /// The batch is committed with these sources and published. The oldest makes room.
    pub(super) fn insert(&self, batch: &BatchId, sources: &[SourceId]) {
        // From a time when batches took more, or one message named them all.
        if sources.len() > BATCH_OBJECTS_MAX {
            return;
        }
        let mut batches = self.lock();
        if batches.iter().any(|(known, _)| known == batch) {
            return;
        }
        if batches.len() >= SETTLED_BATCHES_MAX {
            batches.pop_front();
        }
        batches.push_back((batch.clone(), sources.iter().cloned().collect()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(BatchId, HashSet<SourceId>)>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{ObjectRef, Version};

    fn source(key: &str) -> SourceId {
        let object = ObjectRef {
            bucket: String::from("bucket"),
            key: key.to_owned(),
            version: Version::of_etag("e"),
            size_bytes: None,
            written_at: None,
        };
        SourceId::of(&object, 0).unwrap()
    }

    fn batch(number: usize) -> BatchId {
        BatchId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012}")).unwrap()
    }

    #[test]
    fn only_the_sources_of_a_batch_are_done_and_the_oldest_batch_goes() {
        let settled = Settled::default();
        settled.insert(&batch(0), &[source("a"), source("b")]);
        assert!(settled.has(&batch(0), &source("a")));
        assert!(!settled.has(&batch(0), &source("c")));
        assert!(!settled.has(&batch(1), &source("a")));
        for number in 1..=SETTLED_BATCHES_MAX {
            settled.insert(&batch(number), &[source("c")]);
        }
        assert!(!settled.has(&batch(0), &source("a")));
        assert!(settled.has(&batch(SETTLED_BATCHES_MAX), &source("c")));
    }
}
