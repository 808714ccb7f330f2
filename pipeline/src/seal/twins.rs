//! The last copies of events: two workers held the same event at the same moment.
//!
//! In: rows in the order of time and id. Out: those whose event was not there before. Must hold: copies have the
//! same id and, as they are of one event, the same time, so that they stand beside each other; the first stays.

use arrow::array::{AsArray as _, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Takes rows of events, batch by batch.
#[derive(Debug, Default)]
pub(super) struct Twins {
    last: Option<String>,
    /// Rows that were left out.
    pub(super) copies: u64,
}

impl Twins {
    /// The rows that are no copies.
    pub(super) fn without(&mut self, rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let ids = rows
            .column_by_name("event_id")
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or_else(|| ArrowError::SchemaError(String::from("no text column event_id")))?;
        let mut before = self.last.as_deref();
        let keep: Vec<bool> = ids
            .iter()
            // Decoding rejects an event without an id; a null could not be told apart.
            .map(|id| id.is_none_or(|id| before.replace(id) != Some(id)))
            .collect();
        let keep = BooleanArray::from(keep);
        let copies = keep.len() - keep.true_count();
        self.last = before.map(str::to_owned);
        self.copies += u64::try_from(copies).unwrap_or(u64::MAX);
        if copies == 0 {
            return Ok(rows);
        }
        filter_record_batch(&rows, &keep)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn one_row_of_each_event_stays_across_batches_too() {
        let mut twins = Twins::default();
        let mut kept = Vec::new();
        for ids in [
            &[Some("a"), Some("a"), Some("b")][..],
            &[Some("b"), Some("b"), None, None, Some("c")],
            &[Some("c")],
            &[],
            &[Some("a")],
        ] {
            let column: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
            let rows = RecordBatch::try_from_iter([("event_id", column)]).unwrap();
            let rows = twins.without(rows).unwrap();
            let ids = rows.column(0).as_string::<i32>();
            kept.extend(ids.iter().map(|id| id.unwrap_or("-").to_owned()));
        }
        assert_eq!(kept, ["a", "b", "-", "-", "c", "a"]);
        assert_eq!(twins.copies, 4);
    }
}
