//! Cross-account pairs: the two copies of one AssumeRole, delivered to two accounts, have other
//! event ids and the same `sharedEventID` (domain 2.5). Both rows stay; the later one is marked,
//! so that a signal can count the pair once.
//!
//! Must hold: a mark leans on committed batches and on the batch's own rows only (I1): a twin in
//! a batch that is abandoned must not hide its sibling. Bounded by [`PAIRS_MAX`]: the oldest go.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::error::ArrowError;

use crate::limits::PAIRS_MAX;

/// The shared ids of committed batches.
#[derive(Debug, Default)]
pub struct PairWindow {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

/// The shared ids of the batch that is open; they join the window when it commits.
#[derive(Debug, Default)]
pub struct OpenPairs {
    ids: HashSet<String>,
}

impl PairWindow {
    /// Marks the rows whose sibling was seen before.
    pub fn mark(
        &self,
        open: &mut OpenPairs,
        batch: &RecordBatch,
    ) -> Result<RecordBatch, ArrowError> {
        let schema = batch.schema();
        let (shared, seen) = (
            schema.index_of("shared_event_id")?,
            schema.index_of("shared_event_seen")?,
        );
        let ids = batch.column(shared);
        if ids.null_count() == batch.num_rows() {
            return Ok(batch.clone());
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let marks: BooleanArray = ids
            .as_string::<i32>()
            .iter()
            .map(|id| {
                id.map_or(Some(false), |id| {
                    Some(known.ids.contains(id) || !open.ids.insert(id.to_owned()))
                })
            })
            .collect();
        let mut columns = batch.columns().to_vec();
        if let Some(column) = columns.get_mut(seen) {
            *column = Arc::new(marks);
        }
        RecordBatch::try_new(schema, columns)
    }

    /// The batch is committed: its ids are known from now on.
    pub fn commit(&self, open: OpenPairs) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for id in open.ids {
            if known.ids.insert(id.clone()) {
                known.order.push_back(id);
            }
            while known.order.len() > PAIRS_MAX {
                if let Some(oldest) = known.order.pop_front() {
                    known.ids.remove(&oldest);
                }
            }
        }
    }
}
