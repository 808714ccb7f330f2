//! The inflated bytes of a CloudTrail object, against what `cloudtrail` promises.
//!
//! Must hold: pieces, and where the window ends, change nothing; every record becomes a row or is
//! rejected, as many as serde_json counts, in their order; a value under
//! a secret name never comes out (I9).
#![no_main]

use std::collections::BTreeMap;

use arrow::array::AsArray;
use libfuzzer_sys::fuzz_target;
use memchr::memmem;
use serde_json::Value;
use trailflow_decode::cloudtrail::{Document, decode};
use trailflow_decode::limits::WINDOW_READ_BYTES;
use trailflow_fuzz::cut::Cut;
use trailflow_fuzz::decoded::{Decoded, PROVENANCE};
use trailflow_fuzz::number_below;

/// A shorter secret could be part of another value.
const SECRET_BYTES_MIN: usize = 8;
const SECRET_NAMES: [&str; 6] = [
    "sessionToken",
    "secretAccessKey",
    "password",
    "clientSecret",
    "privateKey",
    "sAMLAssertion",
];
/// One of so many inputs is read across two windows: it takes a hundred times as long.
const SHIFTED_OF: usize = 8;
/// Members whose JSON is kept.
const KEPT: [&str; 4] = [
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "serviceEventDetails",
];

fuzz_target!(|bytes: &[u8]| {
    let whole = Decoded::by(|sink| decode(bytes, PROVENANCE, sink));
    let cut = Cut::of(bytes).interrupted();
    let cut = Decoded::by(|sink| decode(cut, PROVENANCE, sink));
    assert_eq!(cut, whole, "in pieces");
    if !bytes.starts_with(b"\xef\xbb\xbf") && number_below(bytes, SHIFTED_OF) == 0 {
        let shifted = behind_blanks(bytes);
        let shifted = Decoded::by(|sink| decode(&shifted[..], PROVENANCE, sink));
        assert_eq!(shifted, whole, "across two windows");
    }

    let told = whole.told("row_no");
    let count = u64::try_from(told.len()).expect("a length");
    match whole.end {
        Ok(Document::Events) => assert_eq!(told.last().copied().unwrap_or(0), count, "a gap"),
        Ok(Document::Digest) => assert_eq!(count, 0, "not events"),
        Err(_) => {}
    }
    if let Some(records) = listed(bytes) {
        match whole.end {
            Ok(Document::Events) => assert_eq!(told.len(), records.len(), "lost a record"),
            Ok(Document::Digest) | Err(_) => panic!("{:?} of a whole document", whole.end),
        }
        same_events(&whole, &records, bytes);
        no_secrets(&whole, &records, bytes);
    }
});

/// The document with as much white space before it as puts the end of a window inside it.
fn behind_blanks(bytes: &[u8]) -> Vec<u8> {
    let blanks = WINDOW_READ_BYTES - number_below(bytes, bytes.len().clamp(1, WINDOW_READ_BYTES));
    let mut shifted = vec![b' '; blanks];
    shifted.extend_from_slice(bytes);
    shifted
}

/// The records, when the bytes are one JSON object that has nothing but records, listed once.
fn listed(bytes: &[u8]) -> Option<Vec<Value>> {
    let document: BTreeMap<String, Value> = serde_json::from_slice(bytes).ok()?;
    let is_once = memmem::find_iter(bytes, b"\"Records\"").count() == 1 && document.len() == 1;
    match document.into_iter().next() {
        Some((name, Value::Array(records))) if name == "Records" && is_once => Some(records),
        _ => None,
    }
}

/// A row has the event id of the record with its number, unless a name is there twice.
fn same_events(whole: &Decoded<Document>, records: &[Value], bytes: &[u8]) {
    if memmem::find_iter(bytes, b"eventID").count() > records.len() || bytes.contains(&b'\\') {
        return;
    }
    let ids = whole.batches.iter().flat_map(|(_, batch)| {
        let ids = batch.column_by_name("event_id").expect("a column");
        ids.as_string::<i32>().iter().flatten()
    });
    for (number, id) in whole.row_numbers("row_no").into_iter().zip(ids) {
        let record = usize::try_from(number - 1)
            .ok()
            .and_then(|at| records.get(at));
        let due = &record.expect("a record has this number")["eventID"];
        match due {
            Value::String(due) => assert_eq!(id, due),
            due => assert_eq!(id.parse::<Value>().as_ref().ok(), Some(due)),
        }
    }
}

/// Secrets that stand nowhere else in the document are nowhere in what came out.
fn no_secrets(whole: &Decoded<Document>, records: &[Value], bytes: &[u8]) {
    let mut secrets = Vec::new();
    for record in records {
        for name in KEPT {
            secrets_in(&record[name], &mut secrets);
        }
    }
    secrets.retain(|secret| {
        secret.len() >= SECRET_BYTES_MIN
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && *secret != "HIDDEN_DUE_TO_SECURITY_REASONS"
            && memmem::find_iter(bytes, secret).count() == 1
    });
    if !secrets.is_empty() {
        let out = format!("{whole:?}");
        for secret in secrets {
            assert!(!out.contains(secret), "{secret} came out");
        }
    }
}

fn secrets_in<'v>(value: &'v Value, secrets: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(secret) if SECRET_NAMES.contains(&name.as_str()) => {
                        secrets.push(secret);
                    }
                    value => secrets_in(value, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secrets_in(item, secrets)),
        _ => {}
    }
}
