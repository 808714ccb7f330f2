//! The body of a message, against what `notification` promises.
//!
//! Must hold: reading is repeatable; an object has a bucket and a key; every record is told once,
//! as many as serde_json counts; no detail quotes the token of a subscription; an envelope around a
//! body changes how it is said and not what.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use trailflow_decode::limits::{EXCERPT_BYTES_MAX, NOTIFICATION_BYTES_MAX};
use trailflow_decode::notification::{
    Announced, Records, Shape, Unreadable, UnreadableReason, parse,
};

/// A shorter token could be part of a word in a detail.
const TOKEN_BYTES_MIN: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = str::from_utf8(bytes) else {
        return;
    };
    let notification = parse(body);
    assert_eq!(notification, parse(body), "reading it again");

    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let unreadable: Vec<&Unreadable> = match &notification.announced {
        Announced::Test => Vec::new(),
        Announced::Unknown(unreadable) => vec![unreadable],
        Announced::Records(records) => {
            let total = check(records);
            let listed = match notification.shape {
                Shape::S3Event => json["Records"].as_array().map(Vec::len),
                Shape::CloudTrail => json["s3ObjectKey"].as_array().map(Vec::len),
                Shape::EventBridge => Some(1),
                _ => None,
            };
            assert!(listed.is_none_or(|listed| listed == total), "lost a record");
            let records = records.unreadable.iter();
            records.map(|record| &record.unreadable).collect()
        }
    };
    for unreadable in unreadable {
        assert!(unreadable.detail.len() <= EXCERPT_BYTES_MAX);
        let token = json["Token"].as_str().unwrap_or_default();
        let is_once = body.matches(token).count() == 1;
        if token.len() >= TOKEN_BYTES_MIN && is_once {
            assert!(!unreadable.detail.contains(token), "quotes the token");
        }
    }

    let enveloped = json!({"Type": "Notification", "Message": body}).to_string();
    let is_long = u64::try_from(enveloped.len()).is_ok_and(|bytes| bytes > NOTIFICATION_BYTES_MAX);
    let within = parse(&enveloped).announced;
    let is_deep = matches!(
        &within,
        Announced::Unknown(unreadable) if unreadable.reason == UnreadableReason::TooDeep
    );
    if !is_long && !is_deep {
        assert_eq!(within, notification.announced, "in an envelope");
    }
});

/// Checks the records on their own, and counts them.
fn check(records: &Records) -> usize {
    let total = records.objects.len() + records.other_events.len() + records.unreadable.len();
    assert!(total > 0, "no records are no announcement");
    for object in &records.objects {
        assert!(!object.bucket.is_empty(), "no bucket");
        assert!(!object.key.is_empty(), "no key");
        assert_ne!(object.version.etag.as_deref(), Some(""));
        let version_id = object.version.version_id.as_deref();
        assert!(!matches!(version_id, Some("" | "null")));
    }
    let mut before = 0;
    for record in &records.unreadable {
        assert!(record.position > before && record.position <= total);
        before = record.position;
    }
    total
}
