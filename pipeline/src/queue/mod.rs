//! Where objects are announced: SQS, a watched directory, a listing.
//!
//! Out: [`Delivery`]s. Must hold: every delivery is settled exactly once, by acknowledging it or
//! by giving it back (I6); one that is never settled comes again by itself.

pub mod directory;
pub mod lease;
pub mod listing;
pub mod sqs;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::object::ObjectRef;

/// Objects that were announced together and are acknowledged together.
#[derive(Debug)]
pub struct Delivery {
    /// Every object of the message.
    pub objects: Vec<ObjectRef>,
    /// What settles it.
    pub receipt: Receipt,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

/// The right to settle a delivery.
#[derive(Debug)]
pub enum Receipt {
    /// An SQS message, kept invisible by a lease.
    Sqs(lease::Lease),
    /// An SQS message that also announces what cannot be read: its objects are ingested, and it is
    /// left for the dead-letter queue.
    SqsLeft(lease::Lease),
    /// A file or a listed object, by its place in its queue.
    Listed(ObjectRef),
}

/// A source of deliveries.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// The next deliveries: waits for them, up to the queue's own limit, and may come back with
    /// none. `None`: there will be no more.
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError>;

    /// Its objects are committed: the delivery is done with.
    async fn acknowledge(&self, receipts: Vec<Receipt>);

    /// Its objects are not committed: it should come again after this time.
    async fn give_back(&self, receipt: Receipt, after: Duration);
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
