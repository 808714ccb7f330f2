//! Decodes every fixture of `testdata/flow_logs` and compares with what stands beside it.
//!
//! `<case>.log` is the text itself, `<case>.columns.json` the columns of a Parquet file, and
//! `<case>.parquet` a damaged file that no writer would make.
//! `<case>.expected.json` holds `table`, `rows` (without nulls and provenance) and `rejected`; or
//! `malformed`, when the object as a whole is refused. `table` is empty when nothing came out.

mod damage;
mod limits;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use arrow::json::ArrayWriter;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use super::{OwnNetworks, decode_parquet, decode_text};
use crate::limits::EXCERPT_BYTES_MAX;
use crate::{Cancelled, DecodeError, Provenance, RejectedRecord, Sink, Table};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/flow_logs");
const PROVENANCE: Provenance<'_> = Provenance {
    bucket: "flow-logs",
    key: "AWSLogs/a.log.gz",
};

#[derive(Debug, Default)]
struct Collected {
    batches: Vec<(Table, RecordBatch)>,
    rejected: Vec<(Table, RejectedRecord)>,
    batches_wanted: Option<usize>,
}

impl Sink for Collected {
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        assert!(batch.num_rows() > 0, "an empty batch");
        assert_eq!(batch.schema(), table.batch_schema());
        self.batches.push((table, batch));
        if self.batches_wanted == Some(self.batches.len()) {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX);
        self.rejected.push((table, rejected));
        Ok(())
    }
}

impl Collected {
    fn rows(&self) -> usize {
        self.batches.iter().map(|(_, batch)| batch.num_rows()).sum()
    }

    /// As the expectation is written.
    fn shown(&self, outcome: &Result<(), DecodeError>) -> Value {
        if let Err(DecodeError::Malformed(malformed)) = outcome {
            return json!({ "malformed": malformed.as_str() });
        }
        assert!(outcome.is_ok(), "{outcome:?}");
        let tables: BTreeSet<&str> = (self.batches.iter().map(|(table, _)| table.name()))
            .chain(self.rejected.iter().map(|(table, _)| table.name()))
            .collect();
        let rows: Vec<Value> = self
            .batches
            .iter()
            .flat_map(|(_, batch)| rows_of(batch))
            .collect();
        let rejected: Vec<Value> = (self.rejected.iter())
            .map(|(_, one)| json!({ "reason": one.reason.as_str(), "position": one.position }))
            .collect();
        let table = tables.into_iter().collect::<Vec<_>>().join(", ");
        json!({ "table": table, "rows": rows, "rejected": rejected })
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Value> {
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    let mut rows: Vec<Map<String, Value>> = serde_json::from_slice(&writer.into_inner()).unwrap();
    for row in &mut rows {
        assert_eq!(row.remove("src_bucket"), Some(json!(PROVENANCE.bucket)));
        assert_eq!(row.remove("src_key"), Some(json!(PROVENANCE.key)));
    }
    rows.into_iter().map(Value::Object).collect()
}

fn decoded_text(input: impl BufRead) -> Value {
    let mut collected = Collected::default();
    let outcome = decode_text(input, PROVENANCE, &OwnNetworks::default(), &mut collected);
    collected.shown(&outcome)
}

fn decoded_parquet(bytes: Bytes) -> Value {
    let mut collected = Collected::default();
    let outcome = decode_parquet(bytes, PROVENANCE, &OwnNetworks::default(), &mut collected);
    collected.shown(&outcome)
}

#[test]
fn every_fixture_decodes_as_expected() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for input in fixtures() {
        let name = input.file_name().unwrap().to_str().unwrap().to_owned();
        let (case, decoded) = if let Some(case) = name.strip_suffix(".log") {
            let text = fs::read(&input).unwrap();
            let decoded = decoded_text(&text[..]);
            let in_pieces = decoded_text(BufReader::with_capacity(7, &text[..]));
            assert_eq!(
                decoded, in_pieces,
                "{name}: depends on the size of the buffer"
            );
            (case, decoded)
        } else if let Some(case) = name.strip_suffix(".columns.json") {
            (case, decoded_parquet(parquet_of(&input)))
        } else if let Some(case) = name.strip_suffix(".parquet") {
            (case, decoded_parquet(fs::read(&input).unwrap().into()))
        } else {
            assert!(name.ends_with(".expected.json"), "{name}: what is it?");
            continue;
        };
        cases += 1;
        let expected = input.with_file_name(format!("{case}.expected.json"));
        let expected: Value = fs::read(&expected)
            .map(|text| serde_json::from_slice(&text).unwrap())
            .unwrap_or_default();
        if decoded != expected {
            wrong.push(format!(
                "{name} gives\n{decoded:#}\nbut expected is\n{expected:#}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(cases >= 50, "only {cases} fixtures were found");
}

fn fixtures() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn parquet_of(path: &Path) -> Bytes {
    let described: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let columns = described["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            let values = column["values"].as_array().unwrap();
            let kind = column["type"].as_str().unwrap();
            (
                column["name"].as_str().unwrap(),
                array_of(kind, values),
                true,
            )
        });
    parquet_bytes(&RecordBatch::try_from_iter_with_nullable(columns).unwrap())
}

fn parquet_bytes(batch: &RecordBatch) -> Bytes {
    let mut file = Vec::new();
    // Room for every value in the dictionary, as a file that is made to be small would have.
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(usize::MAX);
    let mut writer =
        ArrowWriter::try_new(&mut file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file.into()
}

fn array_of(kind: &str, values: &[Value]) -> ArrayRef {
    let integers = values.iter().map(Value::as_i64);
    let texts = values.iter().map(Value::as_str);
    match kind {
        "int32" => {
            let narrow = |value: Option<i64>| value.map(|value| i32::try_from(value).unwrap());
            Arc::new(integers.map(narrow).collect::<Int32Array>())
        }
        "int64" => Arc::new(integers.collect::<Int64Array>()),
        "uint64" => Arc::new(values.iter().map(Value::as_u64).collect::<UInt64Array>()),
        "float64" => {
            let float = |value: &Value| value.as_str().map_or(value.as_f64(), |_| Some(f64::NAN));
            Arc::new(values.iter().map(float).collect::<Float64Array>())
        }
        "timestamp_us" => Arc::new(integers.collect::<TimestampMicrosecondArray>()),
        "text" => Arc::new(texts.collect::<StringArray>()),
        "large_text" => Arc::new(texts.collect::<LargeStringArray>()),
        // Each character stands for the byte of its number, so that a byte need not be UTF-8.
        "bytes" => {
            let bytes = |text: &str| text.chars().map(|one| u8::try_from(one).unwrap()).collect();
            let values: Vec<Option<Vec<u8>>> = texts.map(|text| text.map(bytes)).collect();
            Arc::new(values.into_iter().collect::<BinaryArray>())
        }
        "dictionary" => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()),
        other => panic!("{other}: not a type of the fixtures"),
    }
}
