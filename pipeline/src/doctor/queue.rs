//! The queue: whether it can be asked, and whether it is set up so that nothing is lost. No message is received.

use std::time::Duration;

use super::Report;
use crate::limits::{MESSAGE_LEASES, RECEIVES_FEW};
use crate::queue::QueueError;
use crate::queue::sqs_attributes::{Client, Redrive, attributes};

pub(super) async fn examine(client: &Client, url: &str, lease: Duration, report: &mut Report<'_>) {
    let queue = format!("queue {}", url.rsplit('/').next().unwrap_or(url));
    let asked = format!("{queue}, attributes");
    let found = match attributes(client, url).await {
        Ok(found) => found,
        Err(QueueError::Denied(why)) if why.contains("AccessDenied") => {
            let what = format!("denied: {why}");
            let fix = "allow sqs:GetQueueAttributes: without it the service takes 5 for maxReceiveCount, and nothing \
                       here tells whether it may receive";
            report.warning(asked, what, fix);
            return;
        }
        Err(QueueError::Denied(why)) => {
            let fix = "name the queue's URL in `source.queue_url`, and its region in `aws.region` or AWS_REGION";
            report.failure(asked, why, fix);
            return;
        }
        Err(QueueError::Unavailable(why)) => {
            let fix = "let this place reach SQS: an endpoint in the VPC, a NAT gateway, or `aws.endpoint_url`";
            report.failure(asked, why, fix);
            return;
        }
    };
    let hidden = found.visibility.map_or_else(
        || String::from("a visibility timeout that it does not say"),
        |time| format!("a visibility timeout of {} s", time.as_secs()),
    );
    let asks = (lease * MESSAGE_LEASES).as_secs();
    let lease = lease.as_secs();
    report.ok(
        asked,
        format!(
            "{hidden}; the service asks for {asks} s with each receive, for a lease of {lease} s"
        ),
    );
    redrive(&queue, found.redrive.as_ref(), report);
    if let (Some(waiting), Some(held)) = (found.waiting, found.held) {
        let what = format!("{waiting} wait, {held} are held");
        report.ok(format!("{queue}, messages"), what);
    }
    if let Some(redrive) = &found.redrive {
        dead_letters(client, &queue, &redrive.url(url), report).await;
    }
}

fn redrive(queue: &str, policy: Option<&Redrive>, report: &mut Report<'_>) {
    let asked = format!("{queue}, redrive policy");
    let Some(policy) = policy else {
        let fix = "give it a dead-letter queue, with a maxReceiveCount of 5: without one a message that cannot be read \
                   comes again until it expires, and then nobody sees it";
        report.warning(asked, "none", fix);
        return;
    };
    let (count, target) = (policy.receives_max, policy.name());
    let what = format!("to {target} after {count} receives");
    if count < RECEIVES_FEW {
        let fix = "raise maxReceiveCount to 5: with fewer than 4 no object is read alone before its last try, and an \
                   outage of minutes sends messages to the dead-letter queue";
        report.warning(asked, what, fix);
    } else {
        report.ok(asked, what);
    }
}

async fn dead_letters(client: &Client, queue: &str, url: &str, report: &mut Report<'_>) {
    let asked = format!("{queue}, dead letters");
    match attributes(client, url).await {
        Ok(found) => match found.waiting.zip(found.held) {
            Some((0, 0)) => report.ok(asked, "none"),
            Some((waiting, held)) => {
                let fix = "see why they came there, correct it, and move them back: aws sqs start-message-move-task";
                report.warning(asked, format!("{} messages", waiting + held), fix);
            }
            None => report.ok(asked, "their number is not said"),
        },
        // The policy in infra/ does not give it, and the alarm tells.
        Err(QueueError::Denied(why)) if why.contains("AccessDenied") => {
            report.ok(
                asked,
                "not told to this role, as the policy in infra/ has it: its alarm tells",
            );
        }
        Err(QueueError::Denied(why) | QueueError::Unavailable(why)) => {
            let fix = "make the dead-letter queue that the redrive policy names: until then messages are not moved";
            report.warning(asked, why, fix);
        }
    }
}
