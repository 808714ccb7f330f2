//! Writes the inputs that every target starts from, and the words that it may put together.
//!
//! In: `testdata/` and `sql/` of the repository, and a folder. Out: `<folder>/<target>/…`, and
//! `<folder>/<target>.dict` in libFuzzer's form.
//!
//! Must hold: a target without seeds is an error, so that a fixture that moves is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Parquet, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
// The instrumented code calls into libFuzzer, also where nothing is fuzzed.
use libfuzzer_sys as _;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Fewer seeds than this of any target, and a fixture has moved.
const SEEDS_MIN: usize = 10;
/// Words of a dictionary; libFuzzer tries them all alike.
const WORDS_MAX: usize = 1000;
const WORD_BYTES: std::ops::RangeInclusive<usize> = 3..=48;

fn main() -> Fallible<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: seeds FOLDER")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = |folder: &str| root.join("testdata").join(folder);

    let bodies = files(
        &[
            data("notifications"),
            data("bad_input/notifications"),
            data("hostile"),
        ],
        &["json"],
    )?;
    let documents = files(
        &[
            data("cloudtrail"),
            data("bad_input/cloudtrail"),
            data("hostile"),
        ],
        &["json", "ndjson"],
    )?;
    let logs = files(
        &[
            data("flow_logs"),
            data("bad_input/flow_logs"),
            data("objects/flow_log_text"),
        ],
        &["log"],
    )?;
    let signals = files(
        &[data("signals"), data("bad_input/signals"), root.join("sql")],
        &["sql"],
    )?;
    let mut tables = described(&data("flow_logs"))?;
    tables.extend(files(
        &[data("flow_logs"), data("bad_input/parquet")],
        &["parquet"],
    )?);
    let mut stored = files(&[data("bad_input/gzip"), data("hostile")], &["bin", "gz"])?;
    for seed in documents.iter().chain(&logs).step_by(8) {
        stored.push(gzip(seed)?);
        stored.push(deflate(seed)?);
    }

    write(&folder, "notification", &bodies)?;
    write(&folder, "decompress", &stored)?;
    write(&folder, "cloudtrail", &documents)?;
    write(&folder, "flow_log_text", &logs)?;
    write(&folder, "flow_log_parquet", &tables)?;
    write(&folder, "signal", &signals)
}

/// What stands in the files of these kinds, however deep; what they should become is left out.
fn files(folders: &[PathBuf], kinds: &[&str]) -> Fallible<Vec<Vec<u8>>> {
    let mut paths = BTreeSet::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if kinds.iter().any(|kind| name.ends_with(&format!(".{kind}")))
                && !name.ends_with(".expected.json")
            {
                paths.insert(path);
            }
        }
    }
    let read = paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    Ok(read)
}

fn gzip(content: &[u8]) -> Fallible<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// Without the frame that gzip puts around it, which the target makes itself.
fn deflate(content: &[u8]) -> Fallible<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// The tables that `<case>.columns.json` describes, as Parquet, under every compression in turn.
fn described(folder: &Path) -> Fallible<Vec<Vec<u8>>> {
    let mut tables = Vec::new();
    for described in files(&[folder.to_path_buf()], &["columns.json"])? {
        let described: Value = serde_json::from_slice(&described)?;
        let mut columns = Vec::new();
        for column in described["columns"].as_array().ok_or("no columns")? {
            let name = column["name"].as_str().ok_or("no name")?.to_owned();
            columns.push((name, array(column)?, true));
        }
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let compression = match tables.len() % 4 {
            0 => Parquet::UNCOMPRESSED,
            1 => Parquet::SNAPPY,
            2 => Parquet::ZSTD(ZstdLevel::default()),
            _ => Parquet::GZIP(GzipLevel::default()),
        };
        let properties = WriterProperties::builder().set_compression(compression);
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties.build()))?;
        writer.write(&batch)?;
        writer.close()?;
        tables.push(file);
    }
    Ok(tables)
}

fn array(column: &Value) -> Fallible<ArrayRef> {
    let values = column["values"].as_array().ok_or("no values")?;
    let integers = values.iter().map(Value::as_i64);
    let texts = values.iter().map(Value::as_str);
    Ok(match column["type"].as_str().ok_or("no type")? {
        "int32" => Arc::new(
            integers
                .map(|value| value.and_then(|value| i32::try_from(value).ok()))
                .collect::<Int32Array>(),
        ),
        "int64" => Arc::new(integers.collect::<Int64Array>()),
        "uint64" => Arc::new(values.iter().map(Value::as_u64).collect::<UInt64Array>()),
        "float64" => Arc::new(values.iter().map(Value::as_f64).collect::<Float64Array>()),
        "timestamp_us" => Arc::new(integers.collect::<TimestampMicrosecondArray>()),
        // Each character stands for the byte of its number, so that a byte need not be UTF-8.
        "bytes" => Arc::new(
            texts
                .map(|text| text.map(|text| text.chars().map(|one| one as u8).collect::<Vec<_>>()))
                .collect::<BinaryArray>(),
        ),
        // Parquet knows one kind of text.
        "text" | "large_text" | "dictionary" => Arc::new(texts.collect::<StringArray>()),
        other => return Err(format!("{other} is not a type of the fixtures").into()),
    })
}

/// The seeds as files, named by their number, and the words that stand in them.
fn write(folder: &Path, target: &str, seeds: &[Vec<u8>]) -> Fallible<()> {
    if seeds.len() < SEEDS_MIN {
        return Err(format!("{target}: only {} seeds", seeds.len()).into());
    }
    let inside = folder.join(target);
    if inside.exists() {
        fs::remove_dir_all(&inside)?;
    }
    fs::create_dir_all(&inside)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(inside.join(format!("{number:03}")), seed)?;
    }
    fs::write(folder.join(format!("{target}.dict")), dictionary(seeds))?;
    println!("{target}: {} seeds", seeds.len());
    Ok(())
}

/// The names and words that most seeds have: comparisons of whole slices do not tell libFuzzer
/// what they compare with.
fn dictionary(seeds: &[Vec<u8>]) -> String {
    let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
    for seed in seeds {
        let words: BTreeSet<&[u8]> = seed
            .split(|byte| !(byte.is_ascii_alphanumeric() || b"-_:.$".contains(byte)))
            .filter(|word| WORD_BYTES.contains(&word.len()))
            .collect();
        for word in words {
            *seen.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(usize, &[u8])> = seen
        .into_iter()
        .map(|(word, times)| (times, word))
        .collect();
    words.sort_by_key(|(times, word)| (std::cmp::Reverse(*times), *word));
    let lines = words.iter().take(WORDS_MAX).map(|(_, word)| {
        // Only letters, digits and signs that need no escape.
        format!("\"{}\"\n", String::from_utf8_lossy(word))
    });
    lines.collect()
}
