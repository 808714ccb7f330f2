//! What a decoder made of an object, so that two runs can be compared and records counted.
//!
//! In: batches and rejected records. Out: themselves, and the numbers of their records.
//!
//! Must hold here already: no batch is empty, none is longer than its limit, each has the schema
//! of its table; an excerpt keeps its limit; no record is told twice.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use trailflow_decode::limits::{BATCH_ROWS_MAX, EXCERPT_BYTES_MAX};
use trailflow_decode::{
    Cancelled, DecodeError, Malformed, Provenance, RejectedRecord, Sink, Table,
};

/// Where every object of a target comes from.
pub const PROVENANCE: Provenance<'_> = Provenance {
    bucket: "logs",
    key: "AWSLogs/an/object",
};

/// Everything that came out of one object.
#[derive(Debug, PartialEq)]
pub struct Decoded<T> {
    pub batches: Vec<(Table, RecordBatch)>,
    pub rejected: Vec<(Table, RejectedRecord)>,
    /// What the decoder said at the end.
    pub end: Result<T, Malformed>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: Vec<(Table, RecordBatch)>,
    rejected: Vec<(Table, RejectedRecord)>,
}

impl Sink for Kept {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        assert!(batch.num_rows() > 0, "an empty batch");
        assert!(batch.num_rows() <= BATCH_ROWS_MAX, "a batch over its limit");
        assert_eq!(batch.schema(), table.batch_schema());
        self.batches.push((table, batch));
        Ok(())
    }

    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX);
        self.rejected.push((table, rejected));
        Ok(())
    }
}

impl<T> Decoded<T> {
    /// Runs a decoder. Memory neither fails nor is cancelled, so such an end is a finding.
    pub fn by(decoder: impl FnOnce(&mut dyn Sink) -> Result<T, DecodeError>) -> Self {
        let mut kept = Kept::default();
        let end = match decoder(&mut kept) {
            Ok(end) => Ok(end),
            Err(DecodeError::Malformed(malformed)) => Err(malformed),
            Err(DecodeError::Read(error)) => panic!("memory cannot fail to be read: {error}"),
            Err(DecodeError::Cancelled) => panic!("nobody cancelled"),
        };
        Self {
            batches: kept.batches,
            rejected: kept.rejected,
            end,
        }
    }

    /// The number of each row's record, in order; `column` holds it.
    pub fn row_numbers(&self, column: &str) -> Vec<u64> {
        let mut numbers = Vec::new();
        for (_, batch) in &self.batches {
            let values = batch.column_by_name(column).expect("a column of numbers");
            let values = values.as_primitive::<Int64Type>();
            numbers.extend(
                values
                    .iter()
                    .map(|number| u64::try_from(number.expect("no row lacks it")).expect("from 1")),
            );
        }
        assert!(numbers.is_sorted(), "rows are out of order");
        numbers
    }

    /// The numbers of all records that became a row or were rejected.
    pub fn told(&self, column: &str) -> BTreeSet<u64> {
        let rows = self.row_numbers(column).into_iter();
        let mut told = BTreeSet::new();
        for number in rows.chain(self.rejected.iter().map(|(_, one)| one.position)) {
            assert!(number > 0, "records are counted from 1");
            assert!(told.insert(number), "record {number} is told twice");
        }
        told
    }
}
