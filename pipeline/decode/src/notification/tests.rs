//! Every body in `testdata/notifications` against what it should say, and bodies that no service
//! ever sent.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{Announced, Notification, Shape, UnreadableReason, parse};
use crate::limits::{EXCERPT_BYTES_MAX, NOTIFICATION_BYTES_MAX, NOTIFICATION_NESTING_MAX};
use crate::object::{ObjectRef, Version};

const NOTIFICATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/notifications");
const HOSTILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/hostile");

/// Bodies of a folder with their path, in the order of their names.
fn bodies(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.is_file() && !path.to_string_lossy().ends_with(".expected.json"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(&path).expect("a file")))
        .collect()
}

/// The notification as the expectation files write it; details are for people and left out.
fn rendered(notification: &Notification) -> Value {
    let mut rendered = json!({ "shape": notification.shape.as_str() });
    match &notification.announced {
        Announced::Test => rendered["test"] = json!(true),
        Announced::Unknown(why) => rendered["unknown"] = json!(why.reason.as_str()),
        Announced::Records(records) => {
            let objects: Vec<Value> = records.objects.iter().map(rendered_object).collect();
            rendered["objects"] = json!(objects);
            rendered["other_events"] = json!(records.other_events);
            rendered["unreadable"] = records
                .unreadable
                .iter()
                .map(|record| {
                    json!({ "record": record.position, "reason": record.unreadable.reason.as_str() })
                })
                .collect();
        }
    }
    rendered
}

fn rendered_object(object: &ObjectRef) -> Value {
    let version = match &object.version {
        Version {
            etag: None,
            version_id: None,
        } => json!("unresolved"),
        Version {
            etag,
            version_id: None,
        } => json!({ "etag": etag }),
        Version {
            etag: None,
            version_id,
        } => json!({ "version_id": version_id }),
        Version { etag, version_id } => json!({ "etag": etag, "version_id": version_id }),
    };
    json!({
        "bucket": object.bucket,
        "key": object.key,
        "version": version,
        "size_bytes": object.size_bytes,
        "written_at": object.written_at.map(|time| time.to_rfc3339()),
    })
}

#[test]
fn every_body_says_what_its_expectation_says() {
    let mut shapes_seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, body) in bodies(NOTIFICATIONS) {
        let body = String::from_utf8(body).expect("bodies are UTF-8; others are hostile");
        let notification = parse(&body);
        shapes_seen.insert(notification.shape.as_str());
        let expected = fs::read_to_string(path.with_extension("expected.json"))
            .unwrap_or_else(|error| panic!("{}: no expectation: {error}", path.display()));
        let expected: Value = serde_json::from_str(&expected).expect("the expectation is JSON");
        let actual = rendered(&notification);
        if actual != expected {
            wrong.push(format!(
                "{}\nexpected {expected:#}\nactual {actual:#}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let shapes: BTreeSet<&str> = Shape::ALL.iter().map(|shape| shape.as_str()).collect();
    assert_eq!(shapes_seen, shapes, "every shape has a body");
}

#[test]
fn envelopes_and_length_have_a_limit() {
    let wrapped = |times: usize| {
        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string();
        (0..times).fold(test, |message, _| {
            json!({ "Type": "Notification", "Message": message }).to_string()
        })
    };
    let allowed = parse(&wrapped(NOTIFICATION_NESTING_MAX));
    assert_eq!(allowed.shape, Shape::SnsS3TestEvent);
    assert_eq!(
        reason(&parse(&wrapped(NOTIFICATION_NESTING_MAX + 1))),
        UnreadableReason::TooDeep
    );

    let length = usize::try_from(NOTIFICATION_BYTES_MAX).expect("a megabyte");
    assert_eq!(reason(&parse(&" ".repeat(length))), UnreadableReason::Empty);
    assert_eq!(
        reason(&parse(&" ".repeat(length + 1))),
        UnreadableReason::TooLong
    );
}

#[test]
fn a_detail_is_short_and_holds_no_token() {
    let long_name = format!("{{\"{}\":1}}", "é".repeat(EXCERPT_BYTES_MAX));
    let confirmation = json!({
        "Type": "SubscriptionConfirmation", "Token": "secret-token",
        "SubscribeURL": "https://example.com/?Token=secret-token", "Message": "confirm",
    });
    for body in [long_name, confirmation.to_string()] {
        let Announced::Unknown(why) = parse(&body).announced else {
            panic!("{body} is unknown")
        };
        assert!(why.detail.len() <= EXCERPT_BYTES_MAX, "{}", why.detail);
        assert!(!why.detail.contains("secret-token"), "{}", why.detail);
    }
}

#[test]
fn a_hostile_body_is_unknown() {
    for (path, body) in bodies(HOSTILE) {
        let notification = parse(&String::from_utf8_lossy(&body));
        assert_eq!(notification.shape, Shape::Unknown, "{}", path.display());
    }
}

#[test]
fn a_damaged_body_never_panics_and_no_record_is_lost() {
    let bodies = bodies(NOTIFICATIONS);
    for seed in 0..3000_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let (path, body) = &bodies[random.random_range(0..bodies.len())];
        let mut body = body.clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..=body.len());
            match random.random_range(0..3) {
                0 => body.insert(at, random.random()),
                1 => body.truncate(at),
                _ => drop(body.drain(at..body.len().min(at + 9))),
            }
        }
        let body = String::from_utf8_lossy(&body);
        let notification = parse(&body);
        if let Announced::Records(records) = notification.announced {
            let count =
                records.objects.len() + records.other_events.len() + records.unreadable.len();
            assert!(
                count > 0,
                "seed {seed}, {}: nothing returned or reported",
                path.display()
            );
        }
    }
}

#[test]
fn random_text_never_panics() {
    for seed in 0..2000_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let bytes: Vec<u8> = (0..random.random_range(0..200))
            .map(|_| random.random())
            .collect();
        let notification = parse(&String::from_utf8_lossy(&bytes));
        assert_eq!(notification.shape, Shape::Unknown, "seed {seed}");
    }
}

fn reason(notification: &Notification) -> UnreadableReason {
    match &notification.announced {
        Announced::Unknown(why) => why.reason,
        known => panic!("{known:?} is known"),
    }
}
