//! The records of an S3 event notification.
//!
//! In: the value of `Records`. Out: each record, told apart. Versions 2.x are read, unknown
//! fields are ignored, and keys are form-decoded.
//!
//! A field that only describes the object (size, time, ETag) is left out when it has the wrong
//! type; one that names it makes the record unreadable.

use serde::Deserialize;
use serde_json::Value;

use super::{Record, Records, Unreadable, UnreadableReason, form, kind, time};
use crate::object::{ObjectRef, Version};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord {
    event_version: Option<String>,
    event_source: Option<String>,
    event_name: Option<String>,
    #[serde(default)]
    event_time: Value,
    s3: Option<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Option<Bucket>,
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Bucket {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: Option<String>,
    #[serde(default)]
    size: Value,
    #[serde(default)]
    e_tag: Value,
    #[serde(default)]
    version_id: Value,
}

/// Reads every record. When none is of S3 in a version that is known, the message is not an S3
/// event at all.
pub(super) fn records(value: Value) -> Result<Records, Unreadable> {
    let Value::Array(values) = value else {
        let detail = format!("Records is {}, not an array", kind(&value));
        return Err(Unreadable::new(UnreadableReason::WrongType, detail));
    };
    let mut records = Records::default();
    let mut known = 0_usize;
    for (index, value) in values.into_iter().enumerate() {
        let record = record(value);
        known += usize::from(!record.as_ref().is_err_and(is_foreign));
        records.push(index + 1, record);
    }
    if known > 0 {
        return Ok(records);
    }
    let first = records
        .unreadable
        .into_iter()
        .next()
        .map(|first| first.unreadable);
    let empty = || Unreadable::new(UnreadableReason::NoRecords, "Records is empty");
    Err(first.unwrap_or_else(empty))
}

fn is_foreign(unreadable: &Unreadable) -> bool {
    matches!(
        unreadable.reason,
        UnreadableReason::NotAnObject | UnreadableReason::NotS3 | UnreadableReason::EventVersion
    )
}

fn record(value: Value) -> Result<Record, Unreadable> {
    if !value.is_object() {
        return Err(Unreadable::new(UnreadableReason::NotAnObject, kind(&value)));
    }
    let record = EventRecord::deserialize(value).map_err(|error| Unreadable::wrong_type(&error))?;
    if record.event_source.as_deref() != Some("aws:s3") {
        let detail = format!("eventSource {:?}", record.event_source);
        return Err(Unreadable::new(UnreadableReason::NotS3, detail));
    }
    if !record.event_version.as_deref().is_some_and(is_version_2) {
        let detail = format!("eventVersion {:?}", record.event_version);
        return Err(Unreadable::new(UnreadableReason::EventVersion, detail));
    }
    let Some(event_name) = record.event_name else {
        return Err(Unreadable::new(
            UnreadableReason::MissingEventName,
            "no eventName",
        ));
    };
    if !event_name.starts_with("ObjectCreated:") {
        return Ok(Record::OtherEvent(event_name));
    }
    let written_at = time(&record.event_time);
    let (bucket, object) = record.s3.map_or((None, None), |s3| (s3.bucket, s3.object));
    let Some(bucket) = bucket
        .and_then(|bucket| bucket.name)
        .filter(|name| !name.is_empty())
    else {
        return Err(Unreadable::new(
            UnreadableReason::MissingBucket,
            "no s3.bucket.name",
        ));
    };
    let missing_key = || Unreadable::new(UnreadableReason::MissingKey, "no s3.object.key");
    let object = object.ok_or_else(missing_key)?;
    let encoded = object
        .key
        .filter(|key| !key.is_empty())
        .ok_or_else(missing_key)?;
    let key = form::decoded(&encoded).map_err(|error| {
        Unreadable::new(
            UnreadableReason::KeyEncoding,
            format!("{encoded:?}: {error}"),
        )
    })?;
    Ok(Record::Created(ObjectRef {
        bucket,
        key,
        version: Version::said(object.e_tag.as_str(), object.version_id.as_str()),
        size_bytes: object.size.as_u64(),
        written_at,
    }))
}

fn is_version_2(version: &str) -> bool {
    let minor = version.strip_prefix("2.").unwrap_or_default();
    !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
}
