//! An EventBridge event of S3: one object, its key plain.
//!
//! In: the event's fields. Out: the one record. S3 spells `etag` and `version-id`; an emulator
//! writes `eTag`, and both are read.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Record, Records, Unreadable, UnreadableReason, time};
use crate::object::{ObjectRef, Version};

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    #[serde(default)]
    time: Value,
    #[serde(default)]
    detail: Value,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Option<Bucket>,
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Bucket {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    key: Option<String>,
    #[serde(default)]
    size: Value,
    #[serde(default)]
    etag: Value,
    #[serde(default, rename = "eTag")]
    e_tag: Value,
    #[serde(default, rename = "version-id")]
    version_id: Value,
}

/// Reads the event. An event of another service is unknown as a whole.
pub(super) fn records(fields: Map<String, Value>) -> Result<Records, Unreadable> {
    let event = Event::deserialize(Value::Object(fields))
        .map_err(|error| Unreadable::wrong_type(&error))?;
    if event.source != "aws.s3" {
        let detail = format!("source {:?}", event.source);
        return Err(Unreadable::new(UnreadableReason::NotS3, detail));
    }
    let mut records = Records::default();
    records.push(1, record(event));
    Ok(records)
}

fn record(event: Event) -> Result<Record, Unreadable> {
    if event.detail_type != "Object Created" {
        return Ok(Record::OtherEvent(event.detail_type));
    }
    if event.detail.is_null() {
        return Err(Unreadable::new(
            UnreadableReason::MissingBucket,
            "no detail",
        ));
    }
    let detail =
        Detail::deserialize(event.detail).map_err(|error| Unreadable::wrong_type(&error))?;
    let name = detail
        .bucket
        .and_then(|bucket| bucket.name)
        .filter(|name| !name.is_empty());
    let Some(bucket) = name else {
        return Err(Unreadable::new(
            UnreadableReason::MissingBucket,
            "no detail.bucket.name",
        ));
    };
    let missing_key = || Unreadable::new(UnreadableReason::MissingKey, "no detail.object.key");
    let object = detail.object.ok_or_else(missing_key)?;
    let key = object
        .key
        .filter(|key| !key.is_empty())
        .ok_or_else(missing_key)?;
    let etag = object.etag.as_str().or(object.e_tag.as_str());
    Ok(Record::Created(ObjectRef {
        bucket,
        key,
        version: Version::said(etag, object.version_id.as_str()),
        size_bytes: object.size.as_u64(),
        written_at: time(&event.time),
    }))
}
