//! What a queue says about itself, without a message being taken from it.
//!
//! In: a queue URL. Out: its [`Attributes`], or why they are not told.

use std::collections::HashMap;
use std::time::Duration;

pub use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;

use super::QueueError;
use super::sqs::{max_receive_count, refused};

/// What is asked of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// How long a message is hidden that is received by somebody who does not say how long.
    pub visibility: Option<Duration>,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
    /// Messages that wait, about.
    pub waiting: Option<u64>,
    /// Messages that somebody holds, about.
    pub held: Option<u64>,
}

/// A redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub target: String,
    /// Its `maxReceiveCount`.
    pub receives_max: u32,
}

impl Redrive {
    /// The name of the dead-letter queue.
    pub fn name(&self) -> &str {
        self.target.rsplit(':').next().unwrap_or(&self.target)
    }

    /// Its URL: it is of the same account and region as the queue at `url`.
    pub fn url(&self, url: &str) -> String {
        let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
        format!("{folder}/{}", self.name())
    }
}

/// Asks a queue.
pub async fn attributes(client: &Client, url: &str) -> Result<Attributes, QueueError> {
    let asked = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(Name::VisibilityTimeout)
        .attribute_names(Name::RedrivePolicy)
        .attribute_names(Name::ApproximateNumberOfMessages)
        .attribute_names(Name::ApproximateNumberOfMessagesNotVisible);
    let found = asked.send().await.map_err(|error| refused(&error))?;
    let all = found.attributes.unwrap_or_default();
    Ok(Attributes {
        visibility: number(&all, &Name::VisibilityTimeout).map(Duration::from_secs),
        redrive: all
            .get(&Name::RedrivePolicy)
            .and_then(|policy| redrive(policy)),
        waiting: number(&all, &Name::ApproximateNumberOfMessages),
        held: number(&all, &Name::ApproximateNumberOfMessagesNotVisible),
    })
}

fn number(all: &HashMap<Name, String>, name: &Name) -> Option<u64> {
    all.get(name)?.parse().ok()
}

fn redrive(policy: &str) -> Option<Redrive> {
    let receives_max = max_receive_count(policy)?;
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let target = policy.get("deadLetterTargetArn")?.as_str()?.to_owned();
    Some(Redrive {
        target,
        receives_max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_letter_queue_stands_beside_the_queue() {
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:trail-dead","maxReceiveCount":"5"}"#;
        let redrive = redrive(policy).unwrap();
        assert_eq!((redrive.name(), redrive.receives_max), ("trail-dead", 5));
        let url = redrive.url("https://sqs.eu-west-1.amazonaws.com/111122223333/trail");
        assert_eq!(
            url,
            "https://sqs.eu-west-1.amazonaws.com/111122223333/trail-dead"
        );
    }
}
