//! A watched directory as a queue: the embedded default, no AWS needed.
//!
//! Must hold: a file is delivered only when two looks found it the same, so that one still being
//! written is left alone; one that was given back comes again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::{Delivery, Queue, QueueError, Receipt};
use crate::clock::Clock;
use crate::limits::DIRECTORY_SCAN_EVERY;
use crate::object::directory::Directory;
use crate::object::{ObjectRef, Version};

/// A directory that is looked through again and again.
#[derive(Debug)]
pub struct DirectoryQueue {
    directory: Directory,
    seen: Mutex<HashMap<String, Seen>>,
    clock: Arc<dyn Clock>,
}

/// What is known of a file: its version and what became of that.
#[derive(Debug)]
struct Seen {
    version: Version,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Found at that time; delivered if a look at least a scan later finds the same.
    New(Instant),
    /// Delivered; its receipt is out, or it is done.
    Out,
    /// Given back; to be delivered again from that time on.
    Due(Instant),
}

impl DirectoryQueue {
    /// Watches a directory.
    pub fn new(directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory,
            seen: Mutex::new(HashMap::new()),
            clock,
        }
    }

    fn due(&self, found: Vec<ObjectRef>) -> Vec<ObjectRef> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // A file that is gone needs no memory.
        let there: HashSet<&str> = found.iter().map(|object| object.key.as_str()).collect();
        seen.retain(|key, _| there.contains(key.as_str()));
        found
            .into_iter()
            .filter(|object| {
                let entry = seen.entry(object.key.clone());
                let entry = entry.or_insert_with(|| Seen {
                    version: Version::default(),
                    state: State::New(now),
                });
                if entry.version != object.version {
                    *entry = Seen {
                        version: object.version.clone(),
                        state: State::New(now),
                    };
                    return false;
                }
                let due = match entry.state {
                    State::New(at) => now.duration_since(at) >= DIRECTORY_SCAN_EVERY,
                    State::Out => false,
                    State::Due(at) => at <= now,
                };
                if due {
                    entry.state = State::Out;
                }
                due
            })
            .collect()
    }
}

#[async_trait]
impl Queue for DirectoryQueue {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let directory = self.directory.clone();
        let listing = tokio::task::spawn_blocking(move || directory.list()).await;
        let found = listing.map_err(|error| QueueError::Unavailable(error.to_string()))?;
        let due = self.due(found.map_err(|error| QueueError::Unavailable(error.to_string()))?);
        if due.is_empty() {
            sleep(DIRECTORY_SCAN_EVERY).await;
        }
        let received_at = self.clock.now();
        let deliver = |object: ObjectRef| Delivery {
            objects: vec![object.clone()],
            receipt: Receipt::Listed(object),
            received_at,
        };
        Ok(Some(due.into_iter().map(deliver).collect()))
    }

    async fn acknowledge(&self, _receipts: Vec<Receipt>) {
        // A file stays where it is: the claims in the lake say that it was read.
    }

    async fn give_back(&self, receipt: Receipt, after: Duration) {
        let Receipt::Listed(object) = receipt else {
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = seen.get_mut(&object.key) {
            entry.state = State::Due(Instant::now() + after);
        }
    }
}
