//! Batches end at their limits, long lines are passed over, faults of the reader come last.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use bytes::Bytes;

use super::{Collected, PROVENANCE, decode_text, parquet_bytes};
use crate::flow_logs::{OwnNetworks, decode_parquet};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_ROWS_MAX, EXCERPT_BYTES_MAX, LINE_BYTES_MAX, PARQUET_ROWS_PER_BYTE_MAX,
    REJECTS_KEPT_MAX,
};
use crate::{Cancelled, DecodeError, Malformed, RejectReason, RejectedRecord, Sink, Table};

const HEADER: &str = "interface-id srcaddr dstaddr srcport dstport protocol start end action\n";

fn line(number: usize) -> String {
    format!(
        "eni-1 10.0.0.1 203.0.113.7 {} 443 6 1747004400 1747004459 ACCEPT\n",
        number % 65536
    )
}

fn decode(text: &str, collected: &mut Collected) -> Result<(), DecodeError> {
    decode_text(
        text.as_bytes(),
        PROVENANCE,
        &OwnNetworks::default(),
        collected,
    )
}

/// Spelled out, where it is a dictionary.
fn text_column(batch: &RecordBatch, name: &str) -> StringArray {
    let texts = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    texts.as_string().clone()
}

#[test]
fn a_batch_ends_at_its_rows() {
    let rows = 2 * BATCH_ROWS_MAX + 5;
    let text: String = HEADER.to_owned() + &(0..rows).map(line).collect::<String>();
    let mut collected = Collected::default();
    decode(&text, &mut collected).unwrap();
    let sizes: Vec<usize> = collected
        .batches
        .iter()
        .map(|(_, batch)| batch.num_rows())
        .collect();
    assert_eq!(sizes, [BATCH_ROWS_MAX, BATCH_ROWS_MAX, 5]);
    let last = &collected.batches[2].1;
    let numbers = last
        .column_by_name("line_no")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(numbers.value(4), i64::try_from(rows + 1).unwrap());
}

#[test]
fn a_batch_ends_at_its_bytes() {
    let name = "unknown-".repeat(100);
    let mut text = format!("end {name} vpc-id\n");
    for _ in 0..1000 {
        writeln!(text, "1747004459 x {}", "v".repeat(30_000)).unwrap();
    }
    let mut collected = Collected::default();
    decode(&text, &mut collected).unwrap();
    assert_eq!(collected.rows(), 1000);
    assert!(collected.batches.len() >= 3);
    for (_, batch) in &collected.batches {
        let bytes = text_column(batch, "vpc_id").value_data().len();
        assert!(bytes < BATCH_BYTES_MAX + LINE_BYTES_MAX);
        let names = batch
            .column_by_name("extra")
            .unwrap()
            .as_map()
            .keys()
            .as_string::<i32>();
        assert_eq!(names.value_data().len(), batch.num_rows() * name.len());
    }
}

#[test]
fn a_reply_is_found_only_beside_its_request() {
    let reply = "eni-1 203.0.113.7 10.0.0.1 443 7 6 1747004400 1747004459 REJECT\n";
    for (rows_between, class) in [(10, "nacl_reply"), (BATCH_ROWS_MAX, "external")] {
        let between: String = (100..100 + rows_between).map(line).collect();
        let text = HEADER.to_owned() + &line(7) + &between + reply;
        let mut collected = Collected::default();
        decode(&text, &mut collected).unwrap();
        let (_, last) = collected.batches.last().unwrap();
        let classes = text_column(last, "reject_class");
        assert_eq!(classes.value(classes.len() - 1), class);
    }
}

#[test]
fn a_line_over_the_limit_is_passed_over() {
    let long = "9".repeat(LINE_BYTES_MAX + 1);
    for text in [
        format!("{HEADER}{}{long}\n{}", line(1), line(2)),
        format!("{HEADER}{}{}{long}", line(1), line(2)),
    ] {
        let mut collected = Collected::default();
        decode(&text, &mut collected).unwrap();
        assert_eq!(collected.rows(), 2);
        let (table, rejected) = &collected.rejected[0];
        assert_eq!(
            (*table, rejected.reason),
            (Table::FlowLogs, RejectReason::TooLong)
        );
        assert_eq!(rejected.excerpt.len(), EXCERPT_BYTES_MAX);
        assert_eq!(collected.rejected.len(), 1);
    }
}

/// CloudTrail's records under a flow log's key.
#[test]
fn a_line_of_json_shows_no_secret() {
    let record = r#"{"eventID":"e","responseElements":{"credentials":{"sessionToken":"x-hush"}}}"#;
    let half = record.trim_end_matches('}');
    let behind = format!("2026-01-05T10:20:00Z stdout F {record}");
    let long = format!(
        r#"{{"sessionToken":"x-hush","a":"{}"}}"#,
        "a".repeat(LINE_BYTES_MAX)
    );
    let text = [record, half, &behind, &long].join("\n");
    for header in ["", HEADER] {
        let mut collected = Collected::default();
        decode(&(header.to_owned() + &text), &mut collected).unwrap();
        assert_eq!(collected.rejected.len(), 4);
        let excerpts: Vec<&str> = collected
            .rejected
            .iter()
            .map(|(_, rejected)| rejected.excerpt.as_str())
            .collect();
        assert_eq!(excerpts[0], record.replace("x-hush", "REDACTED"));
        assert_eq!(excerpts[2], behind.replace("x-hush", "REDACTED"));
        assert!(!excerpts.concat().contains("-hush"), "{excerpts:?}");
    }
}

#[test]
fn no_more_excerpts_are_made_than_are_kept() {
    let mut collected = Collected::default();
    decode(&"short\n".repeat(REJECTS_KEPT_MAX + 1), &mut collected).unwrap();
    let (last, kept) = collected.rejected.split_last().unwrap();
    assert!(kept.iter().all(|(_, rejected)| rejected.excerpt == "short"));
    assert_eq!(
        (kept.len(), last.1.excerpt.as_str()),
        (REJECTS_KEPT_MAX, "")
    );
}

#[test]
fn rows_before_a_fault_of_the_reader_are_handed_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "gone"))
        }
    }
    let text = HEADER.to_owned() + &line(1) + &line(2) + "eni-1 10.0.";
    let input = BufReader::new(text.as_bytes().chain(Broken));
    let mut collected = Collected::default();
    let outcome = decode_text(input, PROVENANCE, &OwnNetworks::default(), &mut collected);
    assert!(matches!(outcome, Err(DecodeError::Read(error))
        if error.kind() == io::ErrorKind::ConnectionReset));
    assert_eq!((collected.rows(), collected.rejected.len()), (2, 0));
}

#[test]
fn a_sink_that_is_gone_ends_the_decoding() {
    let text: String = HEADER.to_owned() + &(0..5 * BATCH_ROWS_MAX).map(line).collect::<String>();
    let mut collected = Collected {
        batches_wanted: Some(2),
        ..Collected::default()
    };
    assert!(matches!(
        decode(&text, &mut collected),
        Err(DecodeError::Cancelled)
    ));
    assert_eq!(collected.batches.len(), 2);
}

#[test]
fn a_small_parquet_file_cannot_fill_the_memory() {
    let value = "v".repeat(BATCH_BYTES_MAX / 32);
    let too_long = "w".repeat(BATCH_BYTES_MAX + 1);
    let values = (0..400).map(|row| if row == 234 { &too_long } else { &value });
    let values: ArrayRef = Arc::new(StringViewArray::from_iter_values(values));
    let times: ArrayRef = Arc::new(Int64Array::from(vec![1_747_004_459; 400]));
    let batch = RecordBatch::try_from_iter([("end", times), ("new_field", values)]).unwrap();
    let file = parquet_bytes(&batch);
    assert!(file.len() < 2 * BATCH_BYTES_MAX, "{} bytes", file.len());
    let mut largest = Largest::default();
    decode_parquet(file, PROVENANCE, &OwnNetworks::default(), &mut largest).unwrap();
    assert_eq!(
        (largest.rows, largest.rejected),
        (399, vec![(RejectReason::TooLong, 235)])
    );
    assert!(
        largest.batch_rows <= 32,
        "{} rows in one batch",
        largest.batch_rows
    );
}

#[test]
fn a_small_parquet_file_cannot_hold_a_day_of_work() {
    let outcome = |rows: usize| {
        let times: ArrayRef = Arc::new(Int64Array::from(vec![1_747_004_459; rows]));
        let batch = RecordBatch::try_from_iter([("end", times)]).unwrap();
        let file = parquet_bytes(&batch);
        let most = file.len() * PARQUET_ROWS_PER_BYTE_MAX;
        let mut largest = Largest::default();
        let decoded = decode_parquet(file, PROVENANCE, &OwnNetworks::default(), &mut largest);
        (decoded, largest.rows, most)
    };
    let (decoded, rows, most) = outcome(50_000);
    assert!(decoded.is_ok() && rows == 50_000 && most > rows);
    let (decoded, rows, most) = outcome(10_000_000);
    assert!(most < 10_000_000, "{most}");
    assert!(matches!(
        decoded,
        Err(DecodeError::Malformed(Malformed::ParquetTooLarge))
    ));
    assert_eq!(rows, 0);
}

/// Keeps no batch.
#[derive(Debug, Default)]
struct Largest {
    rows: usize,
    batch_rows: usize,
    rejected: Vec<(RejectReason, u64)>,
}

impl Sink for Largest {
    fn batch(&mut self, _: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        self.rows += batch.num_rows();
        self.batch_rows = self.batch_rows.max(batch.num_rows());
        Ok(())
    }

    fn reject(&mut self, _: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX);
        self.rejected.push((rejected.reason, rejected.position));
        Ok(())
    }
}

#[test]
fn what_is_no_parquet_is_refused() {
    let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let batch = RecordBatch::try_from_iter([("end", times)]).unwrap();
    let whole = parquet_bytes(&batch);
    let refused = |bytes| {
        let mut collected = Collected::default();
        let outcome = decode_parquet(bytes, PROVENANCE, &OwnNetworks::default(), &mut collected);
        matches!(outcome, Err(DecodeError::Malformed(Malformed::NotParquet)))
    };
    assert!(!refused(whole.clone()));
    assert!(refused(whole.slice(..whole.len() - 1)));
    assert!(refused(whole.slice(1..)));
    assert!(refused(Bytes::new()));
    assert!(refused(Bytes::from_static(b"PAR1PAR1PAR1PAR1")));
    assert!(refused(Bytes::from_static(HEADER.as_bytes())));
}
