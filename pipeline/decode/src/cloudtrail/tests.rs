//! The decoder against `testdata/cloudtrail`: each case is a document and what must come of it.
//!
//! `<case>.expected.json` names the document's kind or error, the rejected records, and for every
//! row the columns worth asserting: a `null` asserts a null, a list is compared whole, and
//! `{"contains": […], "lacks": […]}` looks into a text whose exact spelling does not matter.
//! A value that must never be seen again contains `-hush` in every fixture.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, SecondsFormat};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use super::{Document, decode};
use crate::limits::{
    BATCH_ROWS_MAX, EXCERPT_BYTES_MAX, RECORD_BYTES_MAX, REJECTS_KEPT_MAX, WINDOW_READ_BYTES,
};
use crate::{Cancelled, DecodeError, Provenance, RejectedRecord, Sink, Table};

/// What a document became, in the words of the expectation files.
#[derive(Debug, Default, PartialEq)]
struct Decoded {
    document: Value,
    error: Value,
    rows: Vec<Map<String, Value>>,
    rejected: Vec<Value>,
    excerpts: Vec<String>,
    batches: usize,
}

impl Sink for Decoded {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        assert_eq!(table, Table::Cloudtrail);
        assert_eq!(batch.schema(), Table::Cloudtrail.batch_schema());
        assert!(batch.num_rows() > 0, "an empty batch");
        self.batches += 1;
        for row in 0..batch.num_rows() {
            let names = batch
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.name().clone());
            self.rows.push(
                names
                    .zip(batch.columns().iter().map(|c| value(c, row)))
                    .collect(),
            );
        }
        Ok(())
    }

    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        assert_eq!(table, Table::Cloudtrail);
        assert!(
            rejected.excerpt.len() <= EXCERPT_BYTES_MAX,
            "{}",
            rejected.excerpt
        );
        let (reason, position) = (rejected.reason.as_str(), rejected.position);
        self.rejected
            .push(json!({"reason": reason, "position": position}));
        self.excerpts.push(rejected.excerpt);
        Ok(())
    }
}

/// One cell as JSON.
fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => {
            let millis = column.as_primitive::<TimestampMillisecondType>().value(row);
            let time = DateTime::from_timestamp_millis(millis).expect("a time chrono can show");
            json!(time.to_rfc3339_opts(SecondsFormat::Millis, true))
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Dictionary(..) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            value(
                dictionary.values(),
                dictionary.key(row).expect("checked for null"),
            )
        }
        other => panic!("no expectation can be written for {other}"),
    }
}

fn decoded(input: impl BufRead, case: &str) -> Decoded {
    let mut decoded = Decoded::default();
    let outcome = decode(
        input,
        Provenance {
            bucket: "logs",
            key: case,
        },
        &mut decoded,
    );
    match outcome {
        Ok(Document::Events) => decoded.document = json!("events"),
        Ok(Document::Digest) => decoded.document = json!("digest"),
        Err(DecodeError::Malformed(malformed)) => decoded.error = json!(malformed.as_str()),
        Err(error) => panic!("{case}: {error:?}"),
    }
    decoded
}

struct Case {
    name: String,
    input: Vec<u8>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cloudtrail");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).expect("testdata/cloudtrail") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a UTF-8 name");
        let Some(name) = name
            .strip_suffix(".json")
            .or_else(|| name.strip_suffix(".ndjson"))
        else {
            panic!("{name} is no case");
        };
        if name.ends_with(".expected") {
            continue;
        }
        let expected = fs::read(folder.join(format!("{name}.expected.json"))).expect(name);
        cases.push(Case {
            name: name.to_owned(),
            input: fs::read(&path).expect(name),
            expected: serde_json::from_slice(&expected).expect(name),
        });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(
        cases.len() >= 40,
        "only {} cases in {}",
        cases.len(),
        folder.display()
    );
    cases
}

#[test]
fn every_document_becomes_what_its_expectation_says() {
    let mut mismatches = String::new();
    for case in cases() {
        let got = decoded(case.input.as_slice(), &case.name);
        for (what, expected, got) in [
            ("document", &case.expected["document"], &got.document),
            ("error", &case.expected["error"], &got.error),
            ("rejected", &case.expected["rejected"], &json!(got.rejected)),
        ] {
            if expected != got {
                report(&mut mismatches, &case.name, what, expected, got);
            }
        }
        let rows = case.expected["rows"].as_array().expect("rows");
        if rows.len() != got.rows.len() {
            report(
                &mut mismatches,
                &case.name,
                "rows",
                &rows.len(),
                &got.rows.len(),
            );
        }
        for (number, (expected, got)) in rows.iter().zip(&got.rows).enumerate() {
            for (column, expected) in expected.as_object().expect("a row") {
                let seen = got.get(column);
                if !seen.is_some_and(|seen| matches(seen, expected)) {
                    let place = format!("row {} column {column}", number + 1);
                    report(&mut mismatches, &case.name, &place, expected, &json!(seen));
                }
            }
        }
        if format!("{got:?}").contains("-hush") {
            report(&mut mismatches, &case.name, "a secret", &"none", &got);
        }
    }
    assert!(mismatches.is_empty(), "\n{mismatches}");
}

fn matches(seen: &Value, expected: &Value) -> bool {
    let Some(parts) = expected.as_object() else {
        return seen == expected;
    };
    let text = seen.as_str().unwrap_or_default();
    let holds = |name: &str, wanted: bool| {
        let parts = parts
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        parts
            .filter_map(Value::as_str)
            .all(|part| text.contains(part) == wanted)
    };
    holds("contains", true) && holds("lacks", false)
}

fn report(
    mismatches: &mut String,
    case: &str,
    place: &str,
    expected: &dyn std::fmt::Debug,
    got: &dyn std::fmt::Debug,
) {
    writeln!(
        mismatches,
        "{case}: {place}: expected {expected:?}, got {got:?}"
    )
    .expect("a String");
}

#[test]
fn the_size_of_a_read_changes_nothing() {
    for case in cases() {
        let whole = decoded(case.input.as_slice(), &case.name);
        for bytes in [1, 7, 4096] {
            let input = BufReader::with_capacity(bytes, case.input.as_slice());
            assert_eq!(
                decoded(input, &case.name),
                whole,
                "{} by {bytes}",
                case.name
            );
        }
    }
}

#[test]
fn damage_is_counted_and_never_a_panic() {
    const SEED: u64 = 20_260_105;
    const MUTATIONS: usize = 60;
    println!("seed {SEED}");
    let mut random = StdRng::seed_from_u64(SEED);
    for case in cases() {
        for _ in 0..MUTATIONS {
            let damaged = mutated(&case.input, &mut random);
            let got = decoded(damaged.as_slice(), &case.name);
            assert!(
                got.document.is_null() != got.error.is_null(),
                "{}",
                case.name
            );
            accounted(&got, &damaged, &case.name);
        }
    }
}

/// Every record up to the last that was seen is a row or a reject, and never both.
fn accounted(got: &Decoded, input: &[u8], case: &str) {
    let rows = got.rows.iter().map(|row| row["row_no"].as_u64());
    let rejected = got
        .rejected
        .iter()
        .map(|rejected| rejected["position"].as_u64());
    let seen: Vec<u64> = rows
        .chain(rejected)
        .map(|number| number.expect("a number"))
        .collect();
    let distinct: BTreeSet<u64> = seen.iter().copied().collect();
    let text = String::from_utf8_lossy(input);
    assert_eq!(
        distinct.len(),
        seen.len(),
        "{case}: a record counted twice in {text}"
    );
    let last = distinct.last().copied().unwrap_or_default();
    assert_eq!(
        u64::try_from(seen.len()),
        Ok(last),
        "{case}: a record not counted in {text}"
    );
}

fn mutated(input: &[u8], random: &mut StdRng) -> Vec<u8> {
    const TELLING: &[u8] = b"\"\\{}[],: \n0n";
    let mut bytes = input.to_vec();
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..6) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = TELLING[random.random_range(0..TELLING.len())],
            2 => bytes.insert(at, TELLING[random.random_range(0..TELLING.len())]),
            3 => drop(bytes.remove(at)),
            4 => bytes.truncate(at),
            _ => {
                let end = bytes.len().min(at + random.random_range(1..40));
                drop(bytes.drain(at..end));
            }
        }
    }
    bytes
}

fn event(number: usize, extra: &str) -> String {
    format!(r#"{{"eventID":"e{number}","eventTime":"2026-01-05T10:20:00Z","requestID":"{extra}"}}"#)
}

#[test]
fn a_record_over_the_limit_is_left_out_and_the_next_one_read() {
    let long = event(2, &"x".repeat(RECORD_BYTES_MAX + 1));
    let input = format!(
        r#"{{"Records":[{},{long},{}]}}"#,
        event(1, ""),
        event(3, "")
    );
    for got in [
        decoded(input.as_bytes(), "long"),
        decoded(BufReader::with_capacity(4096, input.as_bytes()), "long"),
    ] {
        assert_eq!(got.rejected, [json!({"reason": "too_long", "position": 2})]);
        let ids: Vec<&Value> = got.rows.iter().map(|row| &row["event_id"]).collect();
        assert_eq!(ids, ["e1", "e3"]);
    }
    let whole = event(1, &"x".repeat(RECORD_BYTES_MAX / 2));
    assert_eq!(
        decoded(format!("[{whole}]").as_bytes(), "long").rows.len(),
        1
    );
}

#[test]
fn an_excerpt_is_made_across_windows_and_as_often_as_it_is_kept() {
    let blanks = " ".repeat(WINDOW_READ_BYTES - 5);
    let got = decoded(format!(r#"[{blanks}"across"]"#).as_bytes(), "across");
    assert_eq!(got.excerpts, [r#""across""#]);

    let many = format!("[{}1]", "1,".repeat(REJECTS_KEPT_MAX));
    let got = decoded(many.as_bytes(), "many");
    let (last, kept) = got.excerpts.split_last().expect("all are rejected");
    assert_eq!(kept, vec!["1"; REJECTS_KEPT_MAX]);
    assert_eq!(last, "");
}

#[test]
fn a_full_batch_is_handed_on() {
    let events: Vec<String> = (0..=BATCH_ROWS_MAX)
        .map(|number| event(number, ""))
        .collect();
    let got = decoded(format!("[{}]", events.join(",")).as_bytes(), "many");
    assert_eq!((got.batches, got.rows.len()), (2, BATCH_ROWS_MAX + 1));
    assert_eq!(
        got.rows[BATCH_ROWS_MAX]["event_id"],
        format!("e{BATCH_ROWS_MAX}")
    );
}

/// Fails in the middle, as a damaged gzip stream does.
struct Failing<'a>(&'a [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read == 0 {
            Err(std::io::Error::other("damaged"))
        } else {
            Ok(read)
        }
    }
}

#[test]
fn rows_before_a_failed_read_are_handed_on() {
    let input = format!(
        r#"{{"Records":[{},{},{{"eventID":"#,
        event(1, ""),
        event(2, "")
    );
    let mut got = Decoded::default();
    let outcome = decode(
        BufReader::new(Failing(input.as_bytes())),
        Provenance {
            bucket: "logs",
            key: "failing",
        },
        &mut got,
    );
    assert!(matches!(outcome, Err(DecodeError::Read(_))), "{outcome:?}");
    assert_eq!(got.rows.len(), 2);
}

#[test]
fn a_damaged_end_is_seen_behind_the_last_record() {
    let events = format!(r#"{{"Records":[{}]}}"#, event(1, ""));
    let digest = r#"{"awsAccountId":"111122223333","digestStartTime":"2026-01-05T09:00:00Z"}"#;
    for input in [events.as_str(), digest] {
        let mut got = Decoded::default();
        let provenance = Provenance {
            bucket: "logs",
            key: "failing",
        };
        let outcome = decode(
            BufReader::new(Failing(input.as_bytes())),
            provenance,
            &mut got,
        );
        assert!(
            matches!(outcome, Err(DecodeError::Read(_))),
            "{input}: {outcome:?}"
        );
    }
}

struct Gone;

impl Sink for Gone {
    fn batch(&mut self, _: Table, _: RecordBatch) -> Result<(), Cancelled> {
        Err(Cancelled)
    }

    fn reject(&mut self, _: Table, _: RejectedRecord) -> Result<(), Cancelled> {
        Err(Cancelled)
    }
}

#[test]
fn a_sink_that_is_gone_ends_the_decoding() {
    for input in [
        format!("[{}]", event(1, "")),
        String::from("[17]"),
        event(1, ""),
    ] {
        let provenance = Provenance {
            bucket: "logs",
            key: "gone",
        };
        let outcome = decode(input.as_bytes(), provenance, &mut Gone);
        assert!(
            matches!(outcome, Err(DecodeError::Cancelled)),
            "{input}: {outcome:?}"
        );
    }
}
