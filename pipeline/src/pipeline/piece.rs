//! What travels from the decoding of objects to the lane that owns the batch.
//!
//! Must hold: every object that was begun sends exactly one [`Piece::Ended`], as its last piece.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use tokio::sync::mpsc::Sender;

use crate::decode::{Cancelled, RejectedRecord, Sink, Table};
use crate::lake::ingest_log::Outcome;
use crate::queue::Known;

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
    /// It is of the lake itself. A claim on it would be announced in turn, and so on without end.
    Own,
    /// Another worker is at it.
    Busy(Duration),
    /// The lake did not answer when it was to be claimed.
    Unclaimed(Duration),
    /// The lease of its message was lost before it was claimed.
    Lost,
    /// It could not be read now. Its rows, if any came, must not count.
    Failed(String),
    /// Its store asks for fewer requests, and nothing is wrong with it. The same holds for its rows.
    Throttled(String),
    /// Reading it is denied. The same holds for its rows.
    Denied(String),
}

/// What reading an object told.
#[derive(Debug)]
pub struct Read {
    /// What became of it.
    pub outcome: Outcome,
    /// More about that, for people.
    pub detail: Option<String>,
    /// Bytes as stored.
    pub compressed_bytes: u64,
    /// Bytes after inflating.
    pub inflated_bytes: u64,
    /// Their sha256, when all of them were read and they are no flow logs.
    pub inflated_sha256: Option<String>,
}

impl Read {
    /// An object that ends without its bytes having been looked at.
    pub fn nothing(outcome: Outcome, detail: Option<String>) -> Self {
        Self {
            outcome,
            detail,
            compressed_bytes: 0,
            inflated_bytes: 0,
            inflated_sha256: None,
        }
    }
}

/// Sends a decoder's output to the lane.
#[derive(Debug)]
pub(super) struct PieceSink {
    slot: Slot,
    to: To,
    /// What earlier readings gave and is still to be left out. Rows come a batch at a time, and rejected
    /// records at once: the order of the two tells nothing, each is counted for itself.
    known: Known,
}

#[derive(Debug)]
enum To {
    /// From a blocking thread.
    Lane(Sender<Piece>),
    /// Kept until the decoder is done.
    Kept(Vec<Piece>),
}

impl PieceSink {
    /// Sends as it decodes; to be used on a blocking thread. What is `known` is left out.
    pub(super) fn to_lane(slot: Slot, known: Known, lane: Sender<Piece>) -> Self {
        Self {
            slot,
            to: To::Lane(lane),
            known,
        }
    }

    /// Keeps the pieces.
    pub(super) fn keeping(slot: Slot, known: Known) -> Self {
        Self {
            slot,
            to: To::Kept(Vec::new()),
            known,
        }
    }

    /// What was kept.
    pub(super) fn into_kept(self) -> Vec<Piece> {
        match self.to {
            To::Lane(_) => Vec::new(),
            To::Kept(pieces) => pieces,
        }
    }

    fn send(&mut self, piece: Piece) -> Result<(), Cancelled> {
        match &mut self.to {
            To::Lane(lane) => lane.blocking_send(piece).map_err(|_| Cancelled),
            To::Kept(pieces) => {
                pieces.push(piece);
                Ok(())
            }
        }
    }
}

impl Sink for PieceSink {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        let known = self.known.rows.min(rows);
        self.known.rows -= known;
        if known == rows {
            return Ok(());
        }
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let new = batch.slice(known, batch.num_rows() - known);
        self.send(Piece::Rows(self.slot, table, new))
    }

    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        if self.known.rejected > 0 {
            self.known.rejected -= 1;
            return Ok(());
        }
        self.send(Piece::Rejected(self.slot, table, rejected))
    }
}
