//! The inflated bytes of a text flow log, against what `flow_logs` promises.
//!
//! Must hold: pieces change nothing; every line is a row, a header, blank or rejected; a row has
//! the time that stands in its line; the same values in a Parquet file become the same rows.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;
use libfuzzer_sys::fuzz_target;
use parquet::arrow::ArrowWriter;
use trailflow_decode::flow_logs::{OwnNetworks, decode_parquet, decode_text};
use trailflow_decode::limits::LINE_BYTES_MAX;
use trailflow_fuzz::cut::Cut;
use trailflow_fuzz::decoded::{Decoded, PROVENANCE};
use trailflow_fuzz::number_below;

/// One of so many inputs is written as Parquet, too: it takes ten times as long.
const PARQUET_OF: usize = 8;
const PARTITIONS: [&str; 7] = [
    "aws-account-id",
    "aws-service",
    "aws-region",
    "year",
    "month",
    "day",
    "hour",
];

fuzz_target!(|bytes: &[u8]| {
    let whole = decoded(bytes);
    assert_eq!(decoded(Cut::of(bytes).interrupted()), whole, "in pieces");
    assert_eq!(whole.end, Ok(()), "no text is refused as a whole");

    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let told = whole.told("line_no");
    let at = |number: &u64| {
        usize::try_from(number - 1)
            .ok()
            .and_then(|at| lines.get(at))
    };
    for number in &told {
        let line = at(number).expect("a line has this number");
        assert!(!line.trim_ascii_end().is_empty(), "line {number} is blank");
    }
    let untold = (1_u64..)
        .zip(&lines)
        .filter(|(number, _)| !told.contains(number));
    let headers: Vec<(u64, &[u8])> = untold
        .map(|(number, line)| (number, *line))
        .filter(|(_, line)| !line.trim_ascii_end().is_empty())
        .collect();
    for (number, line) in &headers {
        let alone = decoded(*line);
        assert!(alone.told("line_no").is_empty(), "line {number} got lost");
    }
    if let [(1, header)] = headers.as_slice()
        && let Some(values) = Values::of(&whole, header, &lines)
    {
        values.same_times(&whole);
        if number_below(bytes, PARQUET_OF) == 0 {
            values.same_in_parquet(&whole);
        }
    }
});

fn decoded(input: impl std::io::BufRead) -> Decoded<()> {
    let networks = OwnNetworks::default();
    Decoded::by(|sink| decode_text(input, PROVENANCE, &networks, sink))
}

/// The rows of a log as text, by the one header before them.
struct Values<'a> {
    names: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Values<'a> {
    /// Nothing when the header is one that is not simply cut at its spaces, or has a name twice.
    fn of(whole: &Decoded<()>, header: &'a [u8], lines: &[&'a [u8]]) -> Option<Self> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let header = str::from_utf8(header)
            .ok()
            .filter(|header| header.is_ascii())?;
        let names: Vec<&str> = words(header).collect();
        let distinct: BTreeSet<String> = names.iter().map(|name| name.replace('_', "-")).collect();
        if header.contains(',') || distinct.len() < names.len() {
            return None;
        }
        let mut rows = Vec::new();
        for number in whole.row_numbers("line_no") {
            let line = lines[usize::try_from(number - 1).expect("a line")];
            assert!(line.len() <= LINE_BYTES_MAX);
            let values: Vec<&str> = words(str::from_utf8(line).expect("a row is text")).collect();
            assert_eq!(values.len(), names.len(), "line {number}");
            rows.push(values);
        }
        Some(Self { names, rows })
    }

    fn same_times(&self, whole: &Decoded<()>) {
        let Some(end) = self.names.iter().position(|name| *name == "end") else {
            return;
        };
        let times = whole.batches.iter().flat_map(|(_, batch)| {
            let times = batch.column_by_name("ts_end").expect("a column");
            times.as_primitive::<TimestampMillisecondType>().values()
        });
        for (row, time) in self.rows.iter().zip(times) {
            // Converters write whole numbers as `5.0` too.
            let whole = row[end].split('.').next().unwrap_or_default();
            let seconds: i64 = whole.parse().expect("a number of seconds");
            assert_eq!(*time, seconds * 1000);
        }
    }

    /// Writes the values as text columns. Left out: words that mean a missing value in one of the
    /// two, and names that Hive's folders have already.
    fn same_in_parquet(&self, whole: &Decoded<()>) {
        let [(table, batch)] = whole.batches.as_slice() else {
            return;
        };
        let is_partition = |name: &&str| PARTITIONS.contains(&name.replace('_', "-").as_str());
        if self.names.iter().any(is_partition) || self.rows.iter().flatten().any(|v| *v == "None") {
            return;
        }
        let columns = self.names.iter().enumerate().map(|(place, name)| {
            let values = self.rows.iter().map(|row| row[place]);
            let array: ArrayRef = Arc::new(StringArray::from_iter_values(values));
            (*name, array)
        });
        let columns = RecordBatch::try_from_iter(columns).expect("as many values as names");
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, columns.schema(), None).expect("a writer");
        writer.write(&columns).expect("memory takes everything");
        writer.close().expect("memory takes everything");

        let networks = OwnNetworks::default();
        let again = Decoded::by(|sink| decode_parquet(file.into(), PROVENANCE, &networks, sink));
        assert_eq!(again.rejected, [], "rejected in Parquet");
        let [(again_table, again)] = again.batches.as_slice() else {
            panic!("{} batches of Parquet", again.batches.len());
        };
        assert_eq!(again_table, table);
        let place = batch.schema().index_of("line_no").expect("a column");
        for (at, (text, parquet)) in batch.columns().iter().zip(again.columns()).enumerate() {
            let name = batch.schema();
            assert!(
                at == place || text == parquet,
                "{} differs",
                name.field(at).name()
            );
        }
    }
}

/// Values are separated by spaces, and lines may end in any white space.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let line = line.trim_end_matches(|letter: char| letter.is_ascii_whitespace());
    line.split(' ').filter(|word| !word.is_empty())
}
