//! Rows that wait for evaluation, by table.
//!
//! In: rows as objects give them, a handful of each where objects are small. Out: batches that are
//! worth a run of the queries. Must hold: the order of rows stays; what waits is counted in bytes.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;

use crate::decode::Table;
use crate::limits::{JOIN_BATCHES_MAX, JOIN_BYTES_MAX, JOIN_ROWS_MIN};

/// The rows of an open batch that no query has seen yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    tables: BTreeMap<Table, Waiting>,
}

/// The rows of one table.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    bytes: usize,
    /// The last of the batches, which are too small to stay alone.
    small: usize,
    small_bytes: usize,
}

impl Pending {
    /// Takes rows.
    pub(super) fn push(&mut self, table: Table, rows: RecordBatch) -> Result<(), ArrowError> {
        self.tables.entry(table).or_default().push(rows)
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.tables.values().map(|waiting| waiting.bytes).sum()
    }

    /// Everything that waits; nothing does from now on.
    pub(super) fn take(&mut self) -> Result<Vec<(Table, Vec<RecordBatch>)>, ArrowError> {
        let tables = std::mem::take(&mut self.tables).into_iter();
        let joined = tables.map(|(table, mut waiting)| {
            waiting.join()?;
            Ok((table, waiting.batches))
        });
        joined.collect()
    }
}

impl Waiting {
    fn push(&mut self, rows: RecordBatch) -> Result<(), ArrowError> {
        let bytes = rows.get_array_memory_size();
        if stays_alone(rows.num_rows(), bytes) {
            self.join()?;
            self.small = 0;
            self.small_bytes = 0;
            self.bytes += bytes;
            self.batches.push(rows);
            return Ok(());
        }
        self.small += 1;
        self.small_bytes += bytes;
        self.bytes += bytes;
        self.batches.push(rows);
        if self.small >= JOIN_BATCHES_MAX || self.small_bytes >= JOIN_BYTES_MAX {
            self.join()?;
        }
        Ok(())
    }

    /// Makes one batch of the small ones.
    fn join(&mut self) -> Result<(), ArrowError> {
        if self.small < 2 {
            return Ok(());
        }
        let small = self.batches.split_off(self.batches.len() - self.small);
        let Some(first) = small.first() else {
            return Ok(());
        };
        let joined = concat_batches(&first.schema(), &small)?;
        let bytes = joined.get_array_memory_size();
        self.bytes = self.bytes - self.small_bytes + bytes;
        let is_small = !stays_alone(joined.num_rows(), bytes);
        self.small = usize::from(is_small);
        self.small_bytes = if is_small { bytes } else { 0 };
        self.batches.push(joined);
        Ok(())
    }
}

/// Whether rows are not joined any more. Half of the limit, so that what was joined by its bytes
/// is not joined with each batch that follows, over and over.
fn stays_alone(rows: usize, bytes: usize) -> bool {
    rows >= JOIN_ROWS_MIN || bytes >= JOIN_BYTES_MAX / 2
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray as _, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn rows(first: i64, count: i64) -> RecordBatch {
        let numbers: ArrayRef = Arc::new((first..first + count).collect::<Int64Array>());
        RecordBatch::try_from_iter([("n", numbers)]).unwrap()
    }

    #[test]
    fn small_batches_join_and_no_row_is_lost_or_moved() {
        let mut pending = Pending::default();
        let large = i64::try_from(JOIN_ROWS_MIN).unwrap();
        let (mut next, mut pushed) = (0, 0);
        // Handfuls, then a large one between handfuls, then more than one join.
        let counts = std::iter::repeat_n(5, 7).chain([large, 3]);
        for count in counts.chain(std::iter::repeat_n(5, 3 * JOIN_BATCHES_MAX)) {
            pending.push(Table::Cloudtrail, rows(next, count)).unwrap();
            next += count;
            pushed += 1;
        }
        let taken = pending.take().unwrap();
        let [(Table::Cloudtrail, batches)] = taken.as_slice() else {
            panic!("one table: {taken:?}");
        };
        assert!(batches.len() < pushed / 20, "{} of {pushed}", batches.len());
        let numbers = batches.iter().flat_map(|batch| {
            let column = batch.column(0).as_primitive::<Int64Type>();
            column.values().to_vec()
        });
        assert!(numbers.eq(0..next));
        assert_eq!(pending.bytes(), 0);
        assert!(pending.take().unwrap().is_empty());
    }

    #[test]
    fn long_rows_are_not_copied_again_and_again() {
        let text = "x".repeat(16 * 1024);
        let row = || -> RecordBatch {
            let texts: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
            RecordBatch::try_from_iter([("t", texts)]).unwrap()
        };
        let mut waiting = Waiting::default();
        let (mut copied, pushes) = (0, 1000);
        for _ in 0..pushes {
            let before = waiting.batches.len();
            waiting.push(row()).unwrap();
            if waiting.batches.len() <= before {
                copied += waiting.batches.last().unwrap().num_rows();
            }
        }
        assert!(copied < 4 * pushes, "{copied} rows copied of {pushes}");
        assert!(waiting.batches.len() < pushes / 10);
    }
}
