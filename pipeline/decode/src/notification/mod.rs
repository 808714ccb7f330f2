//! Turns the body of one SQS message into the objects it announces.
//!
//! In: the body. Out: [`ObjectRef`]s, or why there are none. What the body is, is told by its
//! structure and never by configuration, so all shapes can meet in one queue.
//! Envelopes, outermost first: SQS body, SNS `Message`, and in it an S3 event, an EventBridge
//! event or CloudTrail's own notification.
//!
//! Must hold: every record of a message is returned or reported; nothing is passed over in
//! silence. A detail goes into the log: it names fields and places, and at most the value of a field that
//! should have been something else. It never quotes a message whose fields are not known, because a
//! subscription confirmation carries a token.
//! Not here: which buckets may be read ([`crate::object::bucket`]), what becomes of a message.

mod shape;
mod s3_event;
mod form;
mod event_bridge;
mod cloudtrail;
mod unreadable;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

pub use shape::Shape;
pub use unreadable::{Unreadable, UnreadableReason};

use crate::limits::{NOTIFICATION_BYTES_MAX, NOTIFICATION_NESTING_MAX};
use crate::object::ObjectRef;

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// How it says it.
    pub shape: Shape,
    /// What it says.
    pub announced: Announced,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// Records about objects, at least one.
    Records(Records),
    /// A test that calls for nothing.
    Test,
    /// Nothing that is understood.
    Unknown(Unreadable),
}

/// The records of a message, each in exactly one of the three lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Objects that were created, in the order of the message.
    pub objects: Vec<ObjectRef>,
    /// Names of events that create no object, such as `ObjectRemoved:Delete`.
    pub other_events: Vec<String>,
    /// Records that name no object that could be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// One record of a message that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRecord {
    /// Its place in the message, from 1.
    pub position: usize,
    /// What is wrong with it.
    pub unreadable: Unreadable,
}

/// Reads one message. It never fails: what is not understood is [`Announced::Unknown`].
pub fn parse(body: &str) -> Notification {
    match content(body) {
        Ok((shape, announced)) => Notification { shape, announced },
        Err(unreadable) => Notification {
            shape: Shape::Unknown,
            announced: Announced::Unknown(unreadable),
        },
    }
}

/// Takes the SNS envelopes off and reads what is in them.
fn content(body: &str) -> Result<(Shape, Announced), Unreadable> {
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > NOTIFICATION_BYTES_MAX {
        let detail = format!("{} bytes; SQS carries {NOTIFICATION_BYTES_MAX}", body.len());
        return Err(Unreadable::new(UnreadableReason::TooLong, detail));
    }
    let mut fields = json_object(body)?;
    let mut in_sns = false;
    for _ in 0..=NOTIFICATION_NESTING_MAX {
        let Some(message) = sns_message(&fields)? else {
            let (shape, announced) = announced(fields)?;
            return Ok((if in_sns { shape.in_sns() } else { shape }, announced));
        };
        fields = json_object(message)?;
        in_sns = true;
    }
    let detail = format!("more than {NOTIFICATION_NESTING_MAX} envelopes");
    Err(Unreadable::new(UnreadableReason::TooDeep, detail))
}

/// Tells the shapes apart.
fn announced(mut fields: Map<String, Value>) -> Result<(Shape, Announced), Unreadable> {
    if let Some(records) = fields.remove("Records") {
        return Ok((
            Shape::S3Event,
            Announced::Records(s3_event::records(records)?),
        ));
    }
    if fields.contains_key("s3Bucket") && fields.contains_key("s3ObjectKey") {
        return Ok((
            Shape::CloudTrail,
            Announced::Records(cloudtrail::records(fields)?),
        ));
    }
    if fields.contains_key("detail-type") && fields.contains_key("source") {
        return Ok((
            Shape::EventBridge,
            Announced::Records(event_bridge::records(fields)?),
        ));
    }
    if is_text(&fields, "Event", "s3:TestEvent") && is_text(&fields, "Service", "Amazon S3") {
        return Ok((Shape::S3TestEvent, Announced::Test));
    }
    let names: Vec<&str> = fields.keys().take(8).map(String::as_str).collect();
    Err(Unreadable::new(
        UnreadableReason::Unrecognised,
        format!("an object with {names:?}"),
    ))
}

fn json_object(text: &str) -> Result<Map<String, Value>, Unreadable> {
    if text.trim().is_empty() {
        return Err(Unreadable::new(UnreadableReason::Empty, "no text"));
    }
    // What CloudTrail sends to its topic when the topic is configured.
    if text.starts_with("CloudTrail validation message") {
        return Err(Unreadable::new(
            UnreadableReason::ControlText,
            "CloudTrail validation message",
        ));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Unreadable::new(
            UnreadableReason::NotAnObject,
            format!("JSON {}", kind(&other)),
        )),
        Err(error) => Err(Unreadable::new(
            UnreadableReason::NotJson,
            error.to_string(),
        )),
    }
}

/// The text in an SNS envelope, or `None` when there is no envelope.
fn sns_message(fields: &Map<String, Value>) -> Result<Option<&str>, Unreadable> {
    match (
        fields.get("Type").and_then(Value::as_str),
        fields.get("Message"),
    ) {
        (Some("Notification"), Some(Value::String(message))) => Ok(Some(message)),
        (Some("Notification"), Some(other)) => {
            let detail = format!("SNS Message is {}, not a string", kind(other));
            Err(Unreadable::new(UnreadableReason::WrongType, detail))
        }
        (Some(name @ ("SubscriptionConfirmation" | "UnsubscribeConfirmation")), _) => {
            let topic = fields
                .get("TopicArn")
                .and_then(Value::as_str)
                .unwrap_or("no topic");
            let detail = format!("{name} of {topic}");
            Err(Unreadable::new(UnreadableReason::ControlText, detail))
        }
        _ => Ok(None),
    }
}

fn is_text(fields: &Map<String, Value>, name: &str, text: &str) -> bool {
    fields.get(name).and_then(Value::as_str) == Some(text)
}

/// What a JSON value is, for a detail that must not quote it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The time of an event. S3 writes RFC 3339 in UTC; emulators leave out the `Z`.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    zoned
        .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()))
        .ok()
}

/// What one record turned out to be, before it joins the others.
enum Record {
    Created(ObjectRef),
    OtherEvent(String),
}

impl Records {
    fn push(&mut self, position: usize, record: Result<Record, Unreadable>) {
        match record {
            Ok(Record::Created(object)) => self.objects.push(object),
            Ok(Record::OtherEvent(name)) => self.other_events.push(name),
            Err(unreadable) => self.unreadable.push(UnreadableRecord {
                position,
                unreadable,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
