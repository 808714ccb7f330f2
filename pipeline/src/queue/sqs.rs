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
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::{Attempt, Delivery, Queue, QueueError, Receipt, Return, Wanted};
use crate::aws;
use crate::clock::Clock;
use crate::limits::{
    RECEIVE_MESSAGES_MAX, RECEIVE_WAIT, RECEIVES_MAX_DEFAULT, REDRIVE_POLICY_AGE_MAX,
    REDRIVE_POLICY_ASSUMED, UNREADABLE_RETURN,
};
use crate::notification::{self, Announced, Records, UnreadableRecord};
use crate::object::ObjectRef;
use crate::object::bucket::BucketAllowList;

/// An SQS queue that S3, SNS, EventBridge or CloudTrail writes to.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    lease: Duration,
    buckets: BucketAllowList,
    /// The `maxReceiveCount` of the queue's redrive policy.
    receives_max: Mutex<Option<ReceivesMax>>,
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
            receives_max: Mutex::default(),
            clock,
        }
    }

    /// A delivery, or nothing when the message is settled already.
    async fn delivery(&self, message: Message) -> Option<Delivery> {
        let attempt = Attempt::of(receive_count(&message), Some(self.receives_max().await));
        let sent_at = sent_at(&message);
        let handle = message.receipt_handle?;
        let received_at = self.clock.now();
        if let (1, Some(sent_at)) = (attempt.number(), sent_at) {
            let waited = (received_at - sent_at).to_std().unwrap_or_default();
            histogram!("trailflow_lag_seconds", "stage" => "message_to_received")
                .record(waited.as_secs_f64());
        }
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
            count_foreign(object);
        }
        for record in &records.unreadable {
            count_unreadable(record, message.message_id.as_deref());
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
        let lost = CancellationToken::new();
        let lease = Lease::start(
            self.client.clone(),
            self.url.clone(),
            handle,
            attempt,
            self.lease,
            lost.clone(),
            Arc::clone(&self.clock),
        );
        let receipt = if left {
            Receipt::SqsLeft(lease)
        } else {
            Receipt::Sqs(lease)
        };
        Some(Delivery {
            objects: permitted.into_iter().map(Wanted::new).collect(),
            receipt,
            received_at,
            sent_at,
            attempt,
            lost,
        })
    }

    /// Asked now and then: a person may give messages more time while something is down. What is
    /// not known is as it was, or as the default.
    async fn receives_max(&self) -> u32 {
        let mut known = self.receives_max.lock().await;
        let now = self.clock.elapsed();
        let last = known.as_ref().map(|known| known.count);
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return known.count;
        }
        let (count, age_max) = match self.redrive_policy().await {
            // Without a redrive policy nothing else ends a message that fails for ever.
            Ok(count) => (
                count.unwrap_or(RECEIVES_MAX_DEFAULT),
                REDRIVE_POLICY_AGE_MAX,
            ),
            Err(error) => {
                let assumed = last.unwrap_or(RECEIVES_MAX_DEFAULT);
                tracing::warn!(
                    error,
                    assumed,
                    "the queue's redrive policy cannot be read; allow sqs:GetQueueAttributes"
                );
                (assumed, REDRIVE_POLICY_ASSUMED)
            }
        };
        *known = Some(ReceivesMax {
            count,
            until: now + age_max,
        });
        count
    }

    /// `maxReceiveCount`, if there is one.
    async fn redrive_policy(&self) -> Result<Option<u32>, String> {
        let attributes = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::RedrivePolicy);
        let found = attributes.send().await;
        let found = found.map_err(|error| aws::said(&error))?;
        let mut all = found.attributes.unwrap_or_default();
        let policy = all.remove(&QueueAttributeName::RedrivePolicy);
        Ok(policy.as_deref().and_then(max_receive_count))
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
            tracing::debug!(error = %aws::said(&error), "returning failed; the lease runs out by itself");
        }
    }

    /// Deletes in tens; what fails is delivered again and found committed then.
    async fn delete(&self, handles: Vec<String>) {
        for ten in handles.chunks(10) {
            let deleting = self.client.delete_message_batch().queue_url(&self.url);
            match deleting.set_entries(Some(entries(ten))).send().await {
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
                    tracing::warn!(error = %aws::said(&error), "messages were not deleted; they come again");
                }
            }
        }
    }
}

/// How often the queue lets a message be received, as far as is known.
#[derive(Debug)]
struct ReceivesMax {
    count: u32,
    /// By the clock that never goes back: then it is asked again.
    until: Duration,
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
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| refused(&error))?;
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
                left @ Receipt::SqsLeft(_) => {
                    self.give_back(left, Return::After(UNREADABLE_RETURN)).await;
                }
                Receipt::Number(_) | Receipt::OfNone => {}
            }
        }
        self.delete(handles.into_iter().collect()).await;
    }

    async fn give_back(&self, receipt: Receipt, why: Return) {
        let (Receipt::Sqs(lease) | Receipt::SqsLeft(lease)) = receipt else {
            return;
        };
        let handle = lease.receipt_handle.clone();
        let after = lease.attempt.pause(why);
        // First the renewal ends, or it might make the message invisible again.
        drop(lease);
        self.hide(handle, after).await;
    }
}

/// What an error of SQS means for the next request.
pub(super) fn refused<E>(error: &SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let text = aws::said(error);
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    if status == Some(403)
        || [
            "AccessDenied",
            "Token",
            "NonExistentQueue",
            "QueueDoesNotExist",
        ]
        .iter()
        .any(|one| code.contains(one))
    {
        // Nobody mends it by waiting. A queue of another region is not there either.
        QueueError::Denied(text)
    } else {
        QueueError::Unavailable(text)
    }
}

/// Ids are positions: one message delivered twice may be in one call, and SQS refuses a call whose
/// ids are not distinct.
fn entries(handles: &[String]) -> Vec<DeleteMessageBatchRequestEntry> {
    let entry = |(position, handle): (usize, &String)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(position.to_string());
        entry.receipt_handle(handle).build().ok()
    };
    handles.iter().enumerate().filter_map(entry).collect()
}

fn count_foreign(object: &ObjectRef) {
    counter!("trailflow_notifications_foreign_bucket_total").increment(1);
    tracing::warn!(
        bucket = %object.bucket, key = %object.key,
        "announced by a bucket that is not in `buckets`, left for the dead-letter queue"
    );
}

fn count_unreadable(record: &UnreadableRecord, message_id: Option<&str>) {
    let reason = record.unreadable.reason.as_str();
    counter!("trailflow_notification_records_unreadable_total", "reason" => reason).increment(1);
    tracing::warn!(
        message_id, reason, detail = %record.unreadable.detail,
        "a record announces nothing readable"
    );
}

fn attribute(message: &Message, name: &MessageSystemAttributeName) -> Option<i64> {
    message.attributes.as_ref()?.get(name)?.parse().ok()
}

fn receive_count(message: &Message) -> u32 {
    let count = attribute(
        message,
        &MessageSystemAttributeName::ApproximateReceiveCount,
    );
    count
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(1)
}

/// `SentTimestamp` is in epoch milliseconds.
fn sent_at(message: &Message) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(attribute(
        message,
        &MessageSystemAttributeName::SentTimestamp,
    )?)
}

/// AWS writes a number, some tools a text.
pub(super) fn max_receive_count(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let count = policy.get("maxReceiveCount")?;
    let number = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_batch_are_distinct_whatever_the_handles() {
        let handles = vec![String::from("the same message, received twice"); 10];
        let ids: HashSet<String> = entries(&handles)
            .iter()
            .map(|entry| entry.id().to_owned())
            .collect();
        assert_eq!(ids.len(), 10);
        assert!(ids.iter().all(|id| id.len() <= 80));
    }
}
