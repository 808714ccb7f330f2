//! The hours and days that the rows of a batch are of: each is a file of its table or of rollups.
//!
//! In: the oldest and newest time of rows. Out: whether the batch should close, or cannot be committed. Must hold:
//! the files of a batch, and the decision that names them, are bounded whatever the times of its rows (I4).

use std::collections::BTreeSet;

use crate::decode::Table;
use crate::limits::{BATCH_DAYS_FULL, BATCH_DAYS_MAX, BATCH_HOURS_FULL, BATCH_HOURS_MAX};

const HOUR_MILLIS: i64 = 3_600_000;
const HOURS_A_DAY: i64 = 24;

/// Hours with rows, of each table, and days.
#[derive(Debug, Default)]
pub(super) struct Hours {
    hours: BTreeSet<(Table, i64)>,
    days: BTreeSet<(Table, i64)>,
}

/// Rows of one batch are of more hours or days than it may have files for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rows of one batch are of more than {BATCH_HOURS_MAX} hours or {BATCH_DAYS_MAX} days: look at the times in"
)]
pub struct Scattered;

impl Hours {
    /// Takes note of rows with these times, epoch milliseconds, and the span of them.
    pub(super) fn take(
        &mut self,
        table: Table,
        (oldest, newest): (i64, i64),
        times: impl Iterator<Item = i64>,
    ) -> Result<(), Scattered> {
        let (first, last) = (hour_of(oldest), hour_of(newest));
        // Nearly always one hour, or two.
        if last - first <= HOURS_A_DAY {
            (first..=last).for_each(|hour| self.insert(table, hour));
        } else {
            for time in times {
                self.insert(table, hour_of(time));
                if self.are_too_many() {
                    break;
                }
            }
        }
        if self.are_too_many() {
            return Err(Scattered);
        }
        Ok(())
    }

    fn insert(&mut self, table: Table, hour: i64) {
        if self.hours.insert((table, hour)) {
            self.days.insert((table, hour.div_euclid(HOURS_A_DAY)));
        }
    }

    fn are_too_many(&self) -> bool {
        self.hours.len() > BATCH_HOURS_MAX || self.days.len() > BATCH_DAYS_MAX
    }

    /// Whether further rows are better in another batch: history that is backfilled, a day an object.
    pub(super) fn are_many(&self) -> bool {
        self.hours.len() >= BATCH_HOURS_FULL || self.days.len() >= BATCH_DAYS_FULL
    }
}

fn hour_of(millis: i64) -> i64 {
    millis.div_euclid(HOUR_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are so many hours apart.
    fn taken(hours: &mut Hours, count: usize, apart: i64) -> Result<(), Scattered> {
        let times: Vec<i64> = (0..)
            .step_by(usize::try_from(apart * HOUR_MILLIS).unwrap())
            .take(count)
            .collect();
        let span = (times[0], times[count - 1]);
        hours.take(Table::FlowLogs, span, times.into_iter())
    }

    #[test]
    fn rows_of_few_hours_fill_no_batch_and_rows_of_all_times_are_refused() {
        let cases = [
            // Count, hours apart, full, refused.
            (1, 1, false, false),
            (BATCH_HOURS_FULL - 1, 1, false, false),
            (BATCH_HOURS_FULL, 1, true, false),
            (BATCH_HOURS_MAX, 1, true, false),
            (BATCH_HOURS_MAX + 1, 1, true, true),
            (BATCH_DAYS_FULL - 1, 24, false, false),
            (BATCH_DAYS_FULL, 24, true, false),
            (BATCH_DAYS_MAX, 24, true, false),
            (BATCH_DAYS_MAX + 1, 24, true, true),
        ];
        for (count, apart, full, refused) in cases {
            let mut hours = Hours::default();
            let taken = taken(&mut hours, count, apart);
            let found = (hours.are_many(), taken.is_err());
            assert_eq!(found, (full, refused), "{count} rows {apart} h apart");
        }
    }

    #[test]
    fn hours_count_once_and_before_1970_too() {
        let mut hours = Hours::default();
        for span in [(-1, 0), (-HOUR_MILLIS, 1), (0, HOUR_MILLIS - 1)] {
            hours.take(Table::FlowLogs, span, [].into_iter()).unwrap();
        }
        assert_eq!((hours.hours.len(), hours.days.len()), (2, 2));
        hours
            .take(Table::Cloudtrail, (0, 0), [].into_iter())
            .unwrap();
        assert_eq!(hours.hours.len(), 3);
    }
}
