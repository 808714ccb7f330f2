//! Where objects are announced: SQS, a watched directory, a listing.
//!
//! Out: [`Delivery`]s. Must hold: every delivery is settled exactly once, by acknowledging it or
//! by giving it back (I6); one that is never settled comes again by itself.

pub mod attempt;
pub mod directory;
pub mod lease;
pub mod listing;
pub mod sqs;
pub mod sqs_attributes;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::object::ObjectRef;
pub use attempt::{Attempt, Care};

/// Objects that were announced together and are acknowledged together.
#[derive(Debug)]
pub struct Delivery {
    /// Every object of the message.
    pub objects: Vec<Wanted>,
    /// What settles it.
    pub receipt: Receipt,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When the queue got it; a listing has no such time.
    pub sent_at: Option<DateTime<Utc>>,
    /// How often it came, this time included.
    pub attempt: Attempt,
    /// Cancelled when the lease is lost: what is not claimed by then is left to whoever gets the
    /// message next.
    pub lost: CancellationToken,
}

impl Delivery {
    /// Each of its objects by itself, settled with the whole.
    pub fn one_by_one(&self) -> Vec<Self> {
        let one = |wanted: &Wanted| Self {
            objects: vec![wanted.clone()],
            receipt: Receipt::OfNone,
            received_at: self.received_at,
            sent_at: self.sent_at,
            attempt: self.attempt,
            lost: self.lost.clone(),
        };
        self.objects.iter().map(one).collect()
    }
}

/// An object, and whether it is read anew.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name and version.
    pub object: ObjectRef,
    /// Set where a quarantined object is read again.
    pub replay: Option<Replay>,
}

/// What is known of an object that is read again after its quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// How many times it was committed before: part of the identity of this reading.
    pub generation: u64,
    /// What earlier readings gave.
    pub known: Known,
}

/// What earlier readings of an object gave, from its beginning: it is in the lake, and left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// Rows, those among them that were twins of others.
    pub rows: u64,
    /// Rejected records.
    pub rejected: u64,
}

impl Wanted {
    /// For the first time.
    pub const fn new(object: ObjectRef) -> Self {
        Self {
            object,
            replay: None,
        }
    }
}

/// The right to settle a delivery.
#[derive(Debug)]
pub enum Receipt {
    /// An SQS message, kept invisible by a lease.
    Sqs(lease::Lease),
    /// An SQS message that also announces what cannot be read: its objects are ingested, and it is
    /// left for the dead-letter queue.
    SqsLeft(lease::Lease),
    /// A delivery of a queue that keeps its own book, by its number there.
    Number(u64),
    /// None: one object of a delivery, tried before the whole is settled.
    OfNone,
}

/// Why a delivery goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Return {
    /// We stop, or were fenced: at once, to anybody.
    Now,
    /// Nothing is wrong with it: another worker is at it, or the lake is down.
    After(Duration),
    /// Its batch was spoiled, by it or by a neighbour: soon, and alone.
    Spoiled,
    /// An object of it could not be read.
    Failed,
    /// The store of an object of it asks for fewer requests.
    Throttled,
    /// Reading an object of it is denied.
    Denied,
}

/// A source of deliveries.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// The next deliveries: waits for them, up to the queue's own limit, and may come back with
    /// none. `None`: there will be no more.
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError>;

    /// Its objects are committed: the delivery is done with.
    async fn acknowledge(&self, receipts: Vec<Receipt>);

    /// Its objects are not committed: it should come again.
    async fn give_back(&self, receipt: Receipt, why: Return);
}

/// Why a queue gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// A person must act.
    #[error("the queue denies access: {0}")]
    Denied(String),
    /// Try again.
    #[error("the queue cannot be reached: {0}")]
    Unavailable(String),
}
