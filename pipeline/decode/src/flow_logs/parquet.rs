//! Decodes flow logs written as Parquet.
//!
//! In: the bytes of a file. Out: batches and rejected rows, into the sink.
//!
//! Must hold: a column is found by its name, in either spelling, and cast to our type; a row with
//! a value that cannot be cast is rejected alone. Columns that name Hive partitions are left out,
//! because the key says the same; nested columns too, for no field of a flow log is one.

use std::collections::{BTreeMap, HashSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use super::batch::{Assembly, LoggedColumns, value};
use super::columns::ExtraColumn;
use super::conversion::{self, Converted};
use super::fields::{self, Format, Kind};
use super::networks::OwnNetworks;
use super::text::invalid_columns;
use super::thrift::Thrift;
use crate::excerpt::beginning;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_ROWS_MAX, EXCERPT_BYTES_MAX, OBJECT_INFLATED_BYTES_MAX,
    PARQUET_ROWS_PER_BYTE_MAX,
};
use crate::redact::redacted_words;
use crate::{DecodeError, Malformed, Provenance, RejectReason, RejectedRecord, Sink};

/// Partition columns of the Hive layout, should a writer have put them into the file as well.
const HIVE_PARTITIONS: [&str; 7] = [
    "aws-account-id",
    "aws-service",
    "aws-region",
    "year",
    "month",
    "day",
    "hour",
];

/// Decodes the whole file.
pub(super) fn decode(
    bytes: Bytes,
    provenance: Provenance<'_>,
    networks: &OwnNetworks,
    sink: &mut dyn Sink,
) -> Result<(), DecodeError> {
    if !footer(&bytes).is_some_and(Thrift::is_walkable) {
        return Err(DecodeError::Malformed(Malformed::NotParquet));
    }
    let file = undamaged(|| metadata(&bytes))?;
    let inflated = file
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::total_byte_size);
    if inflated.map(i64::unsigned_abs).fold(0, u64::saturating_add) > OBJECT_INFLATED_BYTES_MAX {
        return Err(DecodeError::Malformed(Malformed::ParquetTooLarge));
    }
    let pages = undamaged(|| Some(super::pages::check(&bytes, file.metadata())))?;
    pages.map_err(DecodeError::Malformed)?;
    let rows_due: i64 = file
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .fold(0, i64::saturating_add);
    let rows_due =
        usize::try_from(rows_due).map_err(|_| DecodeError::Malformed(Malformed::NotParquet))?;
    if rows_due > bytes.len().saturating_mul(PARQUET_ROWS_PER_BYTE_MAX) {
        return Err(DecodeError::Malformed(Malformed::ParquetTooLarge));
    }
    let mapping =
        Mapping::of(file.schema()).ok_or(DecodeError::Malformed(Malformed::NotFlowLogs))?;
    let columns = ProjectionMask::roots(file.parquet_schema(), mapping.columns.iter().copied());
    let mut reader = undamaged(|| {
        ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, file)
            .with_projection(columns)
            .with_batch_size(BATCH_ROWS_MAX)
            .build()
            .ok()
    })?;
    let mut decoder = Decoder {
        sink,
        mapping,
        assembly: Assembly::new(provenance, networks),
        rows_before: 0,
    };
    while let Some(batch) = undamaged(|| reader.next().transpose().ok())? {
        decoder.batch(&batch)?;
        // The library gives what the pages hold, whatever the footer says: a run of nulls of a few
        // bytes may be as long as its number.
        if decoder.rows_before > rows_due {
            break;
        }
    }
    if decoder.rows_before == rows_due {
        Ok(())
    } else {
        Err(DecodeError::Malformed(Malformed::NotParquet))
    }
}

/// The bytes of the footer: before its length and the magic at the end.
fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, _magic) = bytes.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    rest.get(rest.len().checked_sub(length)?..)
}

/// The footer, with text to be read as views: rows that repeat a long value of a dictionary then
/// cost sixteen bytes each, so that a small file cannot fill the memory. The Arrow schema that
/// some writers embed is passed over; it may ask for types that no flow log needs.
fn metadata(bytes: &Bytes) -> Option<ArrowReaderMetadata> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::load(bytes, options).ok()?;
    let columns = plain
        .schema()
        .fields()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8 => column.as_ref().clone().with_data_type(DataType::Utf8View),
            DataType::Binary => column.as_ref().clone().with_data_type(DataType::BinaryView),
            _ => column.as_ref().clone(),
        });
    let views = Schema::new(columns.collect::<Vec<_>>());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(views));
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).ok()
}

/// One step of the reader. It does not only return errors: on some damaged files it panics (a page
/// that refers to a dictionary which is not there, for one), and one object must not end a worker.
/// Behind a panic the reader is only dropped.
fn undamaged<T>(step: impl FnOnce() -> Option<T>) -> Result<T, DecodeError> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(step));
    outcome
        .ok()
        .flatten()
        .ok_or(DecodeError::Malformed(Malformed::NotParquet))
}

/// Which column becomes which field. Columns are counted among those that are read.
#[derive(Debug)]
struct Mapping {
    format: Format,
    /// The columns of the file that are read.
    columns: Vec<usize>,
    /// Column, position among the format's fields, and how it is read.
    known: Vec<(usize, usize, Kind)>,
    /// Column, and the key under which `extra` keeps it.
    unknown: Vec<(usize, String)>,
}

impl Mapping {
    /// `None` when these are not the columns of a flow log.
    fn of(schema: &Schema) -> Option<Self> {
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|column| fields::normal_name(column.name()))
            .collect();
        if !names
            .iter()
            .any(|name| name == "end" || name == "log-status")
        {
            return None;
        }
        let format = Format::of(names.iter().map(String::as_str));
        let mut mapping = Self {
            format,
            columns: Vec::new(),
            known: Vec::new(),
            unknown: Vec::new(),
        };
        let mut seen = HashSet::with_capacity(names.len());
        for (place, (name, column)) in names.iter().zip(schema.fields()).enumerate() {
            let is_partition = HIVE_PARTITIONS.contains(&name.as_str());
            if is_partition || column.data_type().is_nested() || !seen.insert(name) {
                continue;
            }
            let read = mapping.columns.len();
            mapping.columns.push(place);
            match format.position(name) {
                Some(position) => {
                    let kind = format
                        .fields()
                        .get(position)
                        .map_or(Kind::Text, |field| field.kind);
                    mapping.known.push((read, position, kind));
                }
                None => mapping.unknown.push((read, fields::extra_name(name))),
            }
        }
        Some(mapping)
    }
}

struct Decoder<'a> {
    sink: &'a mut dyn Sink,
    mapping: Mapping,
    assembly: Assembly<'a>,
    rows_before: usize,
}

/// Rows that cannot be kept: why, and the column of the file that shows it.
type Faults = BTreeMap<usize, (RejectReason, Option<usize>)>;

impl Decoder<'_> {
    /// Hands on the rows, in halves when their text is more than a batch may hold.
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), DecodeError> {
        let rows = batch.num_rows();
        if text_bytes(batch) <= BATCH_BYTES_MAX {
            return self.rows(batch);
        }
        if rows > 1 {
            self.batch(&batch.slice(0, rows / 2))?;
            return self.batch(&batch.slice(rows / 2, rows - rows / 2));
        }
        let fault = (RejectReason::TooLong, None);
        self.reject(batch, &Faults::from([(0, fault)]))?;
        self.rows_before += rows;
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), DecodeError> {
        let (mut logged, faults) = self.logged(batch).map_err(invalid_columns)?;
        self.reject(batch, &faults)?;
        self.rows_before += batch.num_rows();
        if !faults.is_empty() {
            let kept = (0..batch.num_rows()).map(|row| Some(!faults.contains_key(&row)));
            logged = logged.kept(&kept.collect()).map_err(invalid_columns)?;
        }
        if logged.rows > 0 {
            let batch = self.assembly.batch(logged).map_err(invalid_columns)?;
            self.sink.batch(self.mapping.format.table(), batch)?;
        }
        Ok(())
    }

    fn reject(&mut self, batch: &RecordBatch, faults: &Faults) -> Result<(), DecodeError> {
        for (row, (reason, column)) in faults {
            let rejected = RejectedRecord {
                reason: *reason,
                position: u64::try_from(self.rows_before + row + 1).unwrap_or(u64::MAX),
                excerpt: excerpt(batch, *row, *column),
            };
            self.sink.reject(self.mapping.format.table(), rejected)?;
        }
        Ok(())
    }

    fn logged(&self, batch: &RecordBatch) -> Result<(LoggedColumns, Faults), ArrowError> {
        let rows = batch.num_rows();
        let mut logged = LoggedColumns::without_values(self.mapping.format, rows);
        let mut faults = Faults::new();
        let mut has_end = false;
        for (column, position, kind) in &self.mapping.known {
            let array = converted(batch, *column, *kind, &mut faults)?;
            if *kind == Kind::End {
                has_end = true;
                for row in (0..rows).filter(|row| array.is_null(*row)) {
                    faults.entry(row).or_insert((RejectReason::NoEndTime, None));
                }
            }
            logged.set(*position, array);
        }
        if !has_end {
            faults.extend((0..rows).map(|row| (row, (RejectReason::NoEndTime, None))));
        }
        logged.extra = self.extra(batch, &mut faults)?;
        let numbers = self.rows_before + 1..=self.rows_before + rows;
        logged.line_numbers = numbers
            .map(|row| i64::try_from(row).unwrap_or(i64::MAX))
            .collect();
        Ok((logged, faults))
    }

    fn extra(
        &self,
        batch: &RecordBatch,
        faults: &mut Faults,
    ) -> Result<Option<ArrayRef>, ArrowError> {
        if self.mapping.unknown.is_empty() {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(self.mapping.unknown.len());
        for (column, name) in &self.mapping.unknown {
            columns.push((name, converted(batch, *column, Kind::Text, faults)?));
        }
        let mut extra = ExtraColumn::new();
        for row in 0..batch.num_rows() {
            for (name, column) in &columns {
                if let Some(value) = value(column.as_string_opt(), row) {
                    extra.append(name.as_bytes(), value.as_bytes());
                }
            }
            extra.end_row();
        }
        extra.take().map(Some)
    }
}

/// Bytes of text and binary values.
fn text_bytes(batch: &RecordBatch) -> usize {
    let length = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let bytes_of = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(length).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(length).sum(),
        _ => 0_usize,
    };
    batch
        .columns()
        .iter()
        .map(bytes_of)
        .fold(0, usize::saturating_add)
}

fn converted(
    batch: &RecordBatch,
    column: usize,
    kind: Kind,
    faults: &mut Faults,
) -> Result<ArrayRef, ArrowError> {
    let Converted {
        array,
        misfits,
        reason,
    } = conversion::convert(batch.column(column), kind)?;
    for row in misfits {
        faults.entry(row).or_insert((reason, Some(column)));
    }
    Ok(array)
}

/// The beginning of a row as `name=value` pairs; the column at fault stands first.
fn excerpt(batch: &RecordBatch, row: usize, at_fault: Option<usize>) -> String {
    let others = (0..batch.num_columns()).filter(|column| Some(*column) != at_fault);
    let mut excerpt = String::new();
    for column in at_fault.into_iter().chain(others) {
        if excerpt.len() >= EXCERPT_BYTES_MAX {
            break;
        }
        let schema = batch.schema_ref();
        let value = array_value_to_string(batch.column(column), row).unwrap_or_default();
        excerpt.push_str(schema.field(column).name());
        excerpt.push('=');
        excerpt.push_str(&value);
        excerpt.push(' ');
    }
    let mut excerpt = beginning(redacted_words(excerpt));
    excerpt.truncate(excerpt.trim_end().len());
    excerpt
}
