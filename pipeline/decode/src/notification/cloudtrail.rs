//! CloudTrail's own notification: a bucket and the keys of new log files, plain.
//!
//! It names neither version nor size, so each object's version is resolved later.

use serde_json::{Map, Value};

use super::{Record, Records, Unreadable, UnreadableReason, kind};
use crate::object::{ObjectRef, Version};

/// Reads `s3Bucket` and every element of `s3ObjectKey`.
pub(super) fn records(mut fields: Map<String, Value>) -> Result<Records, Unreadable> {
    let named = (fields.remove("s3Bucket"), fields.remove("s3ObjectKey"));
    let (Some(Value::String(bucket)), Some(Value::Array(keys))) = named else {
        let detail = "s3Bucket is not a string or s3ObjectKey is not an array";
        return Err(Unreadable::new(UnreadableReason::WrongType, detail));
    };
    if keys.is_empty() {
        return Err(Unreadable::new(
            UnreadableReason::NoRecords,
            "s3ObjectKey is empty",
        ));
    }
    let mut records = Records::default();
    for (index, key) in keys.into_iter().enumerate() {
        records.push(index + 1, record(&bucket, key));
    }
    Ok(records)
}

fn record(bucket: &str, key: Value) -> Result<Record, Unreadable> {
    if bucket.is_empty() {
        return Err(Unreadable::new(
            UnreadableReason::MissingBucket,
            "s3Bucket is empty",
        ));
    }
    match key {
        Value::String(key) if !key.is_empty() => Ok(Record::Created(ObjectRef {
            bucket: bucket.to_owned(),
            key,
            version: Version::default(),
            size_bytes: None,
            written_at: None,
        })),
        Value::String(_) => Err(Unreadable::new(
            UnreadableReason::MissingKey,
            "an empty key",
        )),
        other => {
            let detail = format!("s3ObjectKey holds {}", kind(&other));
            Err(Unreadable::new(UnreadableReason::WrongType, detail))
        }
    }
}
