//! A watched directory as a queue: the embedded default, no AWS needed.
//!
//! Must hold: a file is delivered only when two looks found it the same, so that one still being
//! written is left alone; one that was given back comes again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Attempt, Delivery, Queue, QueueError, Receipt, Return, Wanted};
use crate::clock::Clock;
use crate::limits::{DIRECTORY_SCAN_EVERY, RECEIVES_MAX_DEFAULT};
use crate::object::directory::Directory;
use crate::object::{ObjectRef, Version};

/// A directory that is looked through again and again.
#[derive(Debug)]
pub struct DirectoryQueue {
    directory: Directory,
    seen: Mutex<Book>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Book {
    files: HashMap<String, Seen>,
    /// Keys of the files that are delivered, by the number of their delivery.
    out: HashMap<u64, String>,
    deliveries: u64,
    /// What was told last.
    unreadable: Vec<String>,
}

/// What is known of a file: its version and what became of that.
#[derive(Debug)]
struct Seen {
    version: Version,
    state: State,
    /// How often it could not be read, or spoiled its batch.
    failures: u32,
}

#[derive(Debug)]
enum State {
    /// Found at that time; delivered if a look at least a scan later finds the same.
    New(Duration),
    /// Delivered; its receipt is out, or it is done.
    Out,
    /// Given back; to be delivered again from that time on.
    Due(Duration),
}

impl DirectoryQueue {
    /// Watches a directory.
    pub fn new(directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory,
            seen: Mutex::default(),
            clock,
        }
    }

    /// Says what cannot be looked into, when that has changed.
    fn tell(&self, unreadable: Vec<String>) {
        let mut book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if book.unreadable != unreadable {
            for path in &unreadable {
                tracing::warn!(path, "this cannot be looked into; everything else goes on");
            }
            book.unreadable = unreadable;
        }
    }

    /// What is to be delivered now, with the number and the attempt of its delivery.
    fn due(&self, found: Vec<ObjectRef>) -> Vec<(u64, Attempt, ObjectRef)> {
        let mut book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        // A file that is gone needs no memory.
        let there: HashSet<&str> = found.iter().map(|object| object.key.as_str()).collect();
        book.files.retain(|key, _| there.contains(key.as_str()));
        let mut due = Vec::new();
        for object in found {
            let new = || Seen {
                version: object.version.clone(),
                state: State::New(now),
                failures: 0,
            };
            let seen = book.files.entry(object.key.clone()).or_insert_with(new);
            if seen.version != object.version {
                *seen = new();
            }
            let is_due = match seen.state {
                State::New(at) => now.saturating_sub(at) >= DIRECTORY_SCAN_EVERY,
                State::Out => false,
                State::Due(at) => at <= now,
            };
            if is_due {
                seen.state = State::Out;
                let attempt = Attempt::of(seen.failures + 1, Some(RECEIVES_MAX_DEFAULT));
                book.deliveries += 1;
                let number = book.deliveries;
                book.out.insert(number, object.key.clone());
                due.push((number, attempt, object));
            }
        }
        due
    }
}

#[async_trait]
impl Queue for DirectoryQueue {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let directory = self.directory.clone();
        let listing = tokio::task::spawn_blocking(move || directory.list()).await;
        let found = listing.map_err(|error| QueueError::Unavailable(error.to_string()))?;
        let found = found.map_err(|error| {
            QueueError::Unavailable(format!("{}: {error}", self.directory.root().display()))
        })?;
        self.tell(found.unreadable);
        let due = self.due(found.objects);
        if due.is_empty() {
            self.clock.sleep(DIRECTORY_SCAN_EVERY).await;
        }
        let received_at = self.clock.now();
        let deliver = |(number, attempt, object)| Delivery {
            objects: vec![Wanted::new(object)],
            receipt: Receipt::Number(number),
            received_at,
            sent_at: None,
            attempt,
            lost: CancellationToken::new(),
        };
        Ok(Some(due.into_iter().map(deliver).collect()))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        // A file stays where it is: the claims in the lake say that it was read.
        let mut book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for receipt in receipts {
            if let Receipt::Number(number) = receipt {
                book.out.remove(&number);
            }
        }
    }

    async fn give_back(&self, receipt: Receipt, why: Return) {
        let Receipt::Number(number) = receipt else {
            return;
        };
        let mut book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = book.out.remove(&number) else {
            return;
        };
        let now = self.clock.elapsed();
        if let Some(seen) = book.files.get_mut(&key) {
            let attempt = Attempt::of(seen.failures + 1, None);
            if matches!(why, Return::Failed | Return::Spoiled) {
                seen.failures += 1;
            }
            seen.state = State::Due(now + attempt.pause(why));
        }
    }
}
