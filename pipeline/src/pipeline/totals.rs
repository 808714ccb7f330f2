//! What was done so far, for reports and progress bars.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::lake::ingest_log::{Entry, Outcome};

/// Counts of committed objects and rows, shared.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Summary>);

/// The counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Objects that ended, whether their batch is committed yet or not.
    #[serde(skip)]
    pub ended: u64,
    /// Objects that were committed by this process, and whose messages will come again: their batch could not be
    /// published to its end. Then they are found committed, and were counted before.
    #[serde(skip)]
    pub unpublished: u64,
    /// Objects that are done with.
    pub objects: u64,
    /// Of these: rows are in the lake.
    pub ingested: u64,
    /// Of these: hold nothing for the tables.
    pub ignored: u64,
    /// Of these: could not be read whole.
    pub quarantined: u64,
    /// Of these: were committed before.
    pub duplicates: u64,
    /// Of these: are of the lake itself, and no logs.
    pub own: u64,
    /// Events that are no rows because another object brought them.
    pub duplicate_events: u64,
    /// Rows by table.
    pub records: BTreeMap<&'static str, u64>,
    /// Rejected records by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Ignored objects by reason.
    pub ignored_by_reason: BTreeMap<&'static str, u64>,
    /// Quarantined objects by reason.
    pub quarantined_by_reason: BTreeMap<&'static str, u64>,
    /// Bytes as stored.
    pub compressed_bytes: u64,
    /// Bytes after inflating.
    pub inflated_bytes: u64,
}

impl Totals {
    /// The counts now.
    pub fn summary(&self) -> Summary {
        self.lock().clone()
    }

    pub(super) fn ended(&self) {
        self.lock().ended += 1;
    }

    pub(super) fn duplicate(&self) {
        let mut totals = self.lock();
        if let Some(fewer) = totals.unpublished.checked_sub(1) {
            totals.unpublished = fewer;
            return;
        }
        totals.objects += 1;
        totals.duplicates += 1;
    }

    /// Objects whose batch is committed and counted come again.
    pub(super) fn unpublished(&self, objects: usize) {
        self.lock().unpublished += u64::try_from(objects).unwrap_or(u64::MAX);
    }

    pub(super) fn own(&self) {
        let mut totals = self.lock();
        totals.objects += 1;
        totals.own += 1;
    }

    pub(super) fn committed(&self, entries: &[Entry]) {
        let mut totals = self.lock();
        for entry in entries {
            totals.objects += 1;
            totals.compressed_bytes += entry.compressed_bytes;
            totals.inflated_bytes += entry.inflated_bytes;
            totals.duplicate_events += entry.suppressed;
            match entry.outcome {
                Outcome::Ingested => totals.ingested += 1,
                Outcome::Ignored(reason) => {
                    totals.ignored += 1;
                    *totals.ignored_by_reason.entry(reason).or_default() += 1;
                }
                Outcome::Quarantined(reason) => {
                    totals.quarantined += 1;
                    *totals.quarantined_by_reason.entry(reason).or_default() += 1;
                }
            }
            for (table, rows) in &entry.rows {
                *totals.records.entry(table).or_default() += rows;
            }
            for ((_, reason), count) in &entry.rejected_by_reason {
                *totals.rejected.entry(reason).or_default() += count;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Summary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_and_is_published_later_is_counted_once() {
        let totals = Totals::default();
        totals.unpublished(2);
        for _ in 0..3 {
            totals.duplicate();
        }
        let summary = totals.summary();
        assert_eq!((summary.objects, summary.duplicates), (1, 1));
    }
}
