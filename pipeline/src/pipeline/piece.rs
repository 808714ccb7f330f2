//! What travels from the decoding of objects to the lane that owns the batch.
//!
//! Must hold: every object that was begun sends exactly one [`Piece::Ended`], as its last piece.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use tokio::sync::mpsc::Sender;

use crate::decode::{Cancelled, RejectedRecord, Sink, Table};
use crate::lake::ingest_log::Outcome;

/// The place of an object in its batch.
pub type Slot = usize;

/// Something that one object gave.
#[derive(Debug)]
pub enum Piece {
    /// Rows of a table.
    Rows(Slot, Table, RecordBatch),
    /// A record that could not become a row.
    Rejected(Slot, Table, RejectedRecord),
    /// The object is done with.
    Ended(Slot, End),
}

/// How an object ended.
#[derive(Debug)]
pub enum End {
    /// It was read, as far as it can be.
    Read(Read),
    /// A committed batch has it already.
    Duplicate,
    /// Another worker is at it.
    Busy(Duration),
    /// It could not be read now. Its rows, if any came, must not count.
    Failed(String),
}

/// What reading an object told.
#[derive(Debug)]
pub struct Read {
    /// What became of it.
    pub outcome: Outcome,
    /// Bytes as stored.
    pub compressed_bytes: u64,
    /// Bytes after inflating.
    pub inflated_bytes: u64,
    /// Their sha256, when all of them were read.
    pub inflated_sha256: Option<String>,
}

/// Sends a decoder's output to the lane. Used on a blocking thread.
#[derive(Debug)]
pub(super) struct PieceSink {
    pub(super) slot: Slot,
    pub(super) pieces: Sender<Piece>,
}

impl Sink for PieceSink {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        self.pieces
            .blocking_send(Piece::Rows(self.slot, table, batch))
            .map_err(|_| Cancelled)
    }

    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        self.pieces
            .blocking_send(Piece::Rejected(self.slot, table, rejected))
            .map_err(|_| Cancelled)
    }
}
