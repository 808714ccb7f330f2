//! A message's lease: it stays invisible to others while its objects are worked on.
//!
//! In: a received message. Out: renewals, well before each deadline. Must hold: renewal ends when
//! the lease is settled or dropped, when SQS says that the receipt is not valid any more, and
//! before SQS's limit of 12 hours (domain 8.3); the last two are told to whoever works on it.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use metrics::{counter, gauge};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::aws;
use crate::clock::Clock;
use crate::limits::LEASE_MAX;
use crate::queue::Attempt;

/// The lease of one message. Dropping it stops the renewal: the message comes again.
#[derive(Debug)]
pub struct Lease {
    /// What deletes the message.
    pub receipt_handle: String,
    /// How often it came.
    pub attempt: Attempt,
    _renewal: DropGuard,
}

impl Lease {
    /// Renews the message's invisibility at half its time until the lease is dropped. `lost` is
    /// cancelled when that is not possible any more.
    pub fn start(
        client: Client,
        queue_url: String,
        receipt_handle: String,
        attempt: Attempt,
        length: Duration,
        lost: CancellationToken,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let stop = CancellationToken::new();
        let renewal = renew(client, queue_url, receipt_handle.clone(), length, clock);
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = renewal => {
                    counter!("trailflow_sqs_visibility_lost_total").increment(1);
                    lost.cancel();
                }
            }
        });
        gauge!("trailflow_sqs_messages_in_flight").increment(1.0);
        Self {
            receipt_handle,
            attempt,
            _renewal: stop.drop_guard(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        gauge!("trailflow_sqs_messages_in_flight").decrement(1.0);
    }
}

/// SQS's words for "the message is not yours any more".
fn is_lost(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        [
            "ReceiptHandleIsInvalid",
            "MessageNotInflight",
            "InvalidParameterValue",
        ]
        .iter()
        .any(|lost| code.contains(lost))
    })
}

/// Ends when the lease is lost.
async fn renew(
    client: Client,
    queue_url: String,
    receipt_handle: String,
    length: Duration,
    clock: Arc<dyn Clock>,
) {
    let received = clock.elapsed();
    let seconds = i32::try_from(length.as_secs()).unwrap_or(i32::MAX);
    let mut wait = length / 2;
    loop {
        clock.sleep(wait).await;
        if clock.elapsed().saturating_sub(received) + length > LEASE_MAX {
            tracing::warn!(
                "a message was held for 12 hours, the most that SQS allows; it comes again"
            );
            return;
        }
        let renewed = client
            .change_message_visibility()
            .queue_url(&queue_url)
            .receipt_handle(&receipt_handle)
            .visibility_timeout(seconds)
            .send()
            .await;
        match renewed {
            Ok(_) => {
                counter!("trailflow_sqs_visibility_extensions_total").increment(1);
                wait = length / 2;
            }
            // Somebody else has the message. The claims and the commit decide whose work counts.
            Err(error) if is_lost(error.code()) => {
                tracing::warn!(error = %aws::said(&error), "lease lost");
                return;
            }
            Err(error) => {
                tracing::warn!(error = %aws::said(&error), "renewing failed; trying again");
                // Three more times before the message is anybody's.
                wait = length / 8;
            }
        }
    }
}
