//! SQS as one worker sees it, over messages that all share: at least once, in any order.
//!
//! Must hold: a message that nobody acknowledged is delivered again, until the queue's limit of
//! receives sends it to the dead letters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use tokio_util::sync::CancellationToken;
use trailflow::object::ObjectRef;
use trailflow::queue::{Attempt, Delivery, Queue, QueueError, Receipt, Return, Wanted};

use super::life::{Fate, Life};
use super::time::Time;

/// How long a receive hides a message, unless it is renewed.
const VISIBILITY: Duration = Duration::from_mins(1);
/// How long a receive waits when there is nothing.
const POLL: Duration = Duration::from_secs(2);

/// The messages.
#[derive(Debug, Default)]
pub(crate) struct Messages(Mutex<Vec<Message>>);

#[derive(Debug)]
struct Message {
    objects: Vec<ObjectRef>,
    visible_at: Duration,
    receives: u32,
    /// The life that renews its lease.
    held: Option<Arc<Life>>,
    deleted: bool,
    dead_letter: bool,
}

impl Messages {
    pub(crate) fn send(&self, objects: Vec<ObjectRef>, at: Duration) {
        self.0.lock().unwrap().push(Message {
            objects,
            visible_at: at,
            receives: 0,
            held: None,
            deleted: false,
            dead_letter: false,
        });
    }

    pub(crate) fn all_gone(&self) -> bool {
        let messages = self.0.lock().unwrap();
        messages.iter().all(|message| message.deleted)
    }

    pub(crate) fn dead_letters(&self) -> usize {
        let messages = self.0.lock().unwrap();
        messages
            .iter()
            .filter(|message| message.dead_letter)
            .count()
    }

    pub(crate) fn receives(&self) -> u32 {
        let messages = self.0.lock().unwrap();
        messages.iter().map(|message| message.receives).sum()
    }

    pub(crate) fn receives_max(&self) -> u32 {
        let messages = self.0.lock().unwrap();
        messages
            .iter()
            .map(|message| message.receives)
            .max()
            .unwrap_or(0)
    }
}

/// The queue of one life.
#[derive(Debug)]
pub(crate) struct SimQueue {
    pub(crate) messages: Arc<Messages>,
    pub(crate) life: Arc<Life>,
    pub(crate) time: Time,
    /// After so many receives a message is a dead letter.
    pub(crate) receives_max: Option<u32>,
}

impl SimQueue {
    /// The messages of one receive: some of the visible ones, in any order.
    fn take(&self) -> Vec<(u64, u32, Vec<ObjectRef>)> {
        let now = self.time.now();
        let mut messages = self.messages.0.lock().unwrap();
        let mut taken = Vec::new();
        for (number, message) in (0_u64..).zip(messages.iter_mut()) {
            let alive = |life: &Arc<Life>| !life.dead.load(std::sync::atomic::Ordering::Relaxed);
            let held = message.held.as_ref().is_some_and(alive);
            if message.deleted || message.dead_letter || held || message.visible_at > now {
                continue;
            }
            if self.life.below(4) == 0 {
                continue;
            }
            message.receives += 1;
            if self.receives_max.is_some_and(|max| message.receives > max) {
                message.dead_letter = true;
                continue;
            }
            message.visible_at = now + VISIBILITY;
            // One lease in eight is not renewed, and one delivery in sixteen hides nothing.
            message.held = (self.life.below(8) > 0).then(|| Arc::clone(&self.life));
            if self.life.below(16) == 0 {
                message.visible_at = now;
                message.held = None;
            }
            taken.push((number, message.receives, message.objects.clone()));
        }
        if taken.len() > 1 && self.life.below(2) == 0 {
            taken.reverse();
        }
        taken
    }
}

#[async_trait]
impl Queue for SimQueue {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let (step, fate) = self.life.step().await;
        if fate == Fate::Fails {
            return Err(QueueError::Unavailable(String::from("simulated")));
        }
        let taken = self.take();
        self.life.stepped(step).await;
        if fate != Fate::Done {
            // The reply is lost: nobody renews, and the messages are hidden until their time is over.
            for (number, ..) in taken {
                self.change(number, |message| message.held = None);
            }
            return Err(QueueError::Unavailable(String::from("simulated")));
        }
        if taken.is_empty() {
            self.time.sleep(POLL).await;
        }
        let deliver = |(number, receives, objects): (u64, u32, Vec<ObjectRef>)| Delivery {
            objects: objects.into_iter().map(Wanted::new).collect(),
            receipt: Receipt::Number(number),
            received_at: DateTime::UNIX_EPOCH + self.time.now(),
            sent_at: None,
            attempt: Attempt::of(receives, self.receives_max),
            lost: CancellationToken::new(),
        };
        Ok(Some(taken.into_iter().map(deliver).collect()))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            let Receipt::Number(number) = receipt else {
                continue;
            };
            let (step, fate) = self.life.step().await;
            if matches!(fate, Fate::Done | Fate::ReplyLost) {
                self.change(number, |message| message.deleted = true);
            } else {
                self.change(number, |message| message.held = None);
            }
            self.life.stepped(step).await;
        }
    }

    async fn give_back(&self, receipt: Receipt, why: Return) {
        let Receipt::Number(number) = receipt else {
            return;
        };
        let (step, _) = self.life.step().await;
        let now = self.time.now();
        self.change(number, |message| {
            message.held = None;
            message.visible_at = now + Attempt::of(message.receives, None).pause(why);
        });
        self.life.stepped(step).await;
    }
}

impl SimQueue {
    fn change(&self, number: u64, change: impl FnOnce(&mut Message)) {
        let mut messages = self.messages.0.lock().unwrap();
        let place = usize::try_from(number).unwrap();
        change(&mut messages[place]);
    }
}
