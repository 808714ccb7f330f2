//! The SQS queue.
//!
//! In: a queue URL. Out: deliveries with leases. Must hold: a message that announces nothing we
//! may read is settled here: a test event is deleted, an unknown shape is left for the
//! dead-letter queue, both counted (I6).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use metrics::counter;

use super::lease::Lease;
use super::{Delivery, Queue, QueueError, Receipt};
use crate::clock::Clock;
use crate::limits::{RECEIVE_MESSAGES_MAX, RECEIVE_WAIT, UNREADABLE_RETURN};
use crate::notification::{self, Announced, Records};
use crate::object::bucket::BucketAllowList;

/// An SQS queue that S3, SNS, EventBridge or CloudTrail writes to.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    lease: Duration,
    buckets: BucketAllowList,
    clock: Arc<dyn Clock>,
}

impl SqsQueue {
    /// Receives from `url`; objects outside `buckets` are counted and never fetched.
    pub fn new(
        client: Client,
        url: String,
        lease: Duration,
        buckets: BucketAllowList,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            url,
            lease,
            buckets,
            clock,
        }
    }

    /// A delivery, or nothing when the message is settled already.
    async fn delivery(&self, message: Message) -> Option<Delivery> {
        let handle = message.receipt_handle?;
        let parsed = notification::parse(message.body.as_deref().unwrap_or_default());
        counter!("trailflow_notifications_total", "shape" => parsed.shape.as_str()).increment(1);
        let records = match parsed.announced {
            Announced::Records(records) => records,
            Announced::Test => Records::default(),
            Announced::Unknown(unreadable) => {
                let reason = unreadable.reason.as_str();
                let message_id = message.message_id.as_deref().unwrap_or_default();
                tracing::warn!(
                    message_id, reason, detail = %unreadable.detail,
                    "a message that is no notification, left for the dead-letter queue"
                );
                self.hide(handle, UNREADABLE_RETURN).await;
                return None;
            }
        };
        let (permitted, foreign): (Vec<_>, Vec<_>) = records
            .objects
            .into_iter()
            .partition(|object| self.buckets.permits(&object.bucket));
        for object in &foreign {
            counter!("trailflow_notifications_foreign_bucket_total").increment(1);
            tracing::warn!(
                bucket = %object.bucket, key = %object.key,
                "announced by a bucket that is not in `buckets`, left for the dead-letter queue"
            );
        }
        for record in &records.unreadable {
            let reason = record.unreadable.reason.as_str();
            counter!("trailflow_notification_records_unreadable_total", "reason" => reason)
                .increment(1);
            tracing::warn!(reason, detail = %record.unreadable.detail, "a record announces nothing readable");
        }
        let left = !foreign.is_empty() || !records.unreadable.is_empty();
        if permitted.is_empty() {
            if left {
                self.hide(handle, UNREADABLE_RETURN).await;
            } else {
                self.delete(vec![handle]).await;
            }
            return None;
        }
        let lease = Lease::start(self.client.clone(), self.url.clone(), handle, self.lease);
        let receipt = if left {
            Receipt::SqsLeft(lease)
        } else {
            Receipt::Sqs(lease)
        };
        Some(Delivery {
            objects: permitted,
            receipt,
            received_at: self.clock.now(),
        })
    }

    /// Returns a message: it comes again after this time.
    async fn hide(&self, handle: String, time: Duration) {
        counter!("trailflow_sqs_messages_returned_total").increment(1);
        let hiding = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(handle)
            .visibility_timeout(i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX));
        if let Err(error) = hiding.send().await {
            tracing::debug!(error = %DisplayErrorContext(&error), "returning failed; the lease runs out by itself");
        }
    }

    /// Deletes in tens; what fails is delivered again and found committed then.
    async fn delete(&self, handles: Vec<String>) {
        for ten in handles.chunks(10) {
            // Ids are positions: one message delivered twice may be in one call.
            let entries = ten.iter().enumerate().filter_map(|(position, handle)| {
                let entry = DeleteMessageBatchRequestEntry::builder();
                entry
                    .id(position.to_string())
                    .receipt_handle(handle)
                    .build()
                    .ok()
            });
            let deleting = self.client.delete_message_batch().queue_url(&self.url);
            match deleting.set_entries(Some(entries.collect())).send().await {
                Ok(deleted) => {
                    let count = u64::try_from(deleted.successful().len()).unwrap_or_default();
                    counter!("trailflow_sqs_messages_deleted_total").increment(count);
                    for failed in deleted.failed() {
                        tracing::warn!(
                            code = failed.code(),
                            "a message was not deleted; it comes again"
                        );
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %DisplayErrorContext(&error), "messages were not deleted; they come again");
                }
            }
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(&self) -> Result<Option<Vec<Delivery>>, QueueError> {
        let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(RECEIVE_MESSAGES_MAX)
            .wait_time_seconds(seconds(RECEIVE_WAIT))
            .visibility_timeout(seconds(self.lease))
            .send()
            .await
            .map_err(|error| {
                let text = DisplayErrorContext(&error).to_string();
                let status = error
                    .raw_response()
                    .map(|response| response.status().as_u16());
                let code = error.code().unwrap_or_default();
                if status == Some(403) || code.contains("AccessDenied") || code.contains("Token") {
                    QueueError::Denied(text)
                } else {
                    QueueError::Unavailable(text)
                }
            })?;
        let messages = received.messages.unwrap_or_default();
        let count = u64::try_from(messages.len()).unwrap_or_default();
        counter!("trailflow_sqs_messages_received_total").increment(count);
        let mut deliveries = Vec::new();
        for message in messages {
            deliveries.extend(self.delivery(message).await);
        }
        Ok(Some(deliveries))
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) {
        let mut handles = HashSet::new();
        for receipt in receipts {
            match receipt {
                Receipt::Sqs(lease) => drop(handles.insert(lease.receipt_handle.clone())),
                left @ Receipt::SqsLeft(_) => self.give_back(left, UNREADABLE_RETURN).await,
                Receipt::Listed(_) => {}
            }
        }
        self.delete(handles.into_iter().collect()).await;
    }

    async fn give_back(&self, receipt: Receipt, after: Duration) {
        let (Receipt::Sqs(lease) | Receipt::SqsLeft(lease)) = receipt else {
            return;
        };
        let handle = lease.receipt_handle.clone();
        // First the renewal ends, or it might make the message invisible again.
        drop(lease);
        self.hide(handle, after).await;
    }
}
