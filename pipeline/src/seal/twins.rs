//! The last copies of events: two workers held the same event at the same moment.
//!
//! In: the ids that stand more than once in a folder, and its rows. Out: the rows without copies. Must hold: of
//! each event one row stays, the first that comes, or one that is in a file which stays as it is.

use std::collections::HashMap;

use arrow::array::{AsArray as _, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Takes rows of events, batch by batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Twins {
    /// The ids that stand more than once, and whether a row of theirs was there already.
    seen: HashMap<String, bool>,
    /// Rows that were left out.
    pub(super) copies: u64,
}

impl Twins {
    /// Those with these ids; true where a row is in a file that stays.
    pub(super) fn of(seen: HashMap<String, bool>) -> Self {
        Self { seen, copies: 0 }
    }

    /// The rows that are no copies.
    pub(super) fn without(&mut self, rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.seen.is_empty() {
            return Ok(rows);
        }
        let ids = rows
            .column_by_name("event_id")
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or_else(|| ArrowError::SchemaError(String::from("no text column event_id")))?;
        let mut is_first = |id: &str| {
            let seen = self.seen.get_mut(id);
            seen.is_none_or(|seen| !std::mem::replace(seen, true))
        };
        // Decoding rejects an event without an id; a null could not be told apart.
        let keep: Vec<bool> = ids.iter().map(|id| id.is_none_or(&mut is_first)).collect();
        let keep = BooleanArray::from(keep);
        let copies = keep.len() - keep.true_count();
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
        let seen = [("a", false), ("b", false), ("d", true)];
        let seen = seen.map(|(id, seen)| (id.to_owned(), seen));
        let mut twins = Twins::of(HashMap::from(seen));
        let mut kept = Vec::new();
        for ids in [
            &[Some("a"), Some("a"), Some("b")][..],
            &[Some("b"), None, None, Some("c"), Some("d")],
            &[],
            &[Some("a"), Some("c")],
        ] {
            let column: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
            let rows = RecordBatch::try_from_iter([("event_id", column)]).unwrap();
            let rows = twins.without(rows).unwrap();
            let ids = rows.column(0).as_string::<i32>();
            kept.extend(ids.iter().map(|id| id.unwrap_or("-").to_owned()));
        }
        assert_eq!(kept, ["a", "b", "-", "-", "c", "c"]);
        assert_eq!(twins.copies, 4);
    }
}
