//! `ingest_log`: a row for every source object, whatever became of it; `quarantine` for those,
//! and the records in them, that could not be read.
//!
//! In: an [`Entry`] an object. Out: rows of the two tables. Must hold: an object whose message is
//! acknowledged has a row that says why (I6).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

use super::batch::BatchId;
use super::source::SourceId;
use crate::decode::RejectedRecord;
use crate::limits::REJECTS_KEPT_MAX;
use crate::object::ObjectRef;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its rows are in the lake.
    Ingested,
    /// It holds nothing for the tables, and that is as it should be.
    Ignored(&'static str),
    /// It could not be read, or not to its end; what was read before that is in the lake.
    Quarantined(&'static str),
}

/// What is known of one object when its batch commits.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its identity.
    pub source: SourceId,
    /// Its name and version.
    pub object: ObjectRef,
    /// What the key says it is.
    pub kind: &'static str,
    /// 0, or the number of this replay of it.
    pub generation: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// More about the outcome, for people.
    pub detail: Option<String>,
    /// Rows by table name.
    pub rows: Vec<(&'static str, u64)>,
    /// Rows that were left out, because their event is in the lake already.
    pub suppressed: u64,
    /// How many records were rejected.
    pub rejected: u64,
    /// The same, by table and reason.
    pub rejected_by_reason: BTreeMap<(&'static str, &'static str), u64>,
    /// The first of them, up to a limit.
    pub rejects: Vec<(&'static str, RejectedRecord)>,
    /// Bytes read from the source.
    pub compressed_bytes: u64,
    /// Bytes after inflating.
    pub inflated_bytes: u64,
    /// sha256 of the inflated bytes, as a digest file states it; nothing if they were not all read, and
    /// for flow logs, which no digest file names.
    pub inflated_sha256: Option<String>,
    /// Event time of the oldest and the newest row, epoch milliseconds.
    pub event_millis: Option<(i64, i64)>,
    /// When the queue got the object's message, where there was one.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the object's message was received, or its file was found.
    pub received_at: DateTime<Utc>,
}

impl Outcome {
    /// The label of metrics and the column `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingested => "ingested",
            Self::Ignored(_) => "ignored",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// Why, where there is a why.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ingested => None,
            Self::Ignored(reason) | Self::Quarantined(reason) => Some(reason),
        }
    }
}

impl Entry {
    /// An object that was begun: nothing is known of it but its name.
    pub fn begun(
        source: SourceId,
        object: ObjectRef,
        kind: &'static str,
        received_at: DateTime<Utc>,
    ) -> Self {
        Self {
            source,
            object,
            kind,
            generation: 0,
            outcome: Outcome::Ingested,
            detail: None,
            rows: Vec::new(),
            suppressed: 0,
            rejected: 0,
            rejected_by_reason: BTreeMap::new(),
            rejects: Vec::new(),
            compressed_bytes: 0,
            inflated_bytes: 0,
            inflated_sha256: None,
            event_millis: None,
            sent_at: None,
            received_at,
        }
    }

    /// Rows of it came, with the oldest and newest event time among them.
    pub fn add_rows(&mut self, table: &'static str, rows: usize, span: Option<(i64, i64)>) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        match self.rows.iter_mut().find(|(name, _)| *name == table) {
            Some((_, count)) => *count += rows,
            None => self.rows.push((table, rows)),
        }
        self.event_millis = match (self.event_millis, span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (known, new) => known.or(new),
        };
    }

    /// A record of it was rejected.
    pub fn add_rejected(&mut self, table: &'static str, record: RejectedRecord) {
        self.rejected += 1;
        let of_reason = (table, record.reason.as_str());
        *self.rejected_by_reason.entry(of_reason).or_default() += 1;
        if self.rejects.len() < REJECTS_KEPT_MAX {
            self.rejects.push((table, record));
        }
    }

    /// Whether anything came of it: suppressed rows too, for their twins may have been rows of this very object.
    pub fn has_given(&self) -> bool {
        self.row_count() + self.suppressed > 0
    }

    /// Rows of all tables.
    pub fn row_count(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn schema_of(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields: Vec<Field> = fields
        .iter()
        .map(|(name, kind)| Field::new(*name, kind.clone(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// Columns of `ingest_log`.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        use DataType::{Int64, Utf8};
        schema_of(&[
            ("source", Utf8),
            ("bucket", Utf8),
            ("key", Utf8),
            ("version_id", Utf8),
            ("etag", Utf8),
            ("kind", Utf8),
            ("outcome", Utf8),
            ("reason", Utf8),
            ("rows", Int64),
            ("suppressed", Int64),
            ("rejected", Int64),
            ("compressed_bytes", Int64),
            ("inflated_bytes", Int64),
            ("inflated_sha256", Utf8),
            ("event_time_min", time()),
            ("event_time_max", time()),
            ("written_at", time()),
            ("sent_at", time()),
            ("received_at", time()),
            ("committed_at", time()),
            ("generation", Int64),
            ("batch", Utf8),
        ])
    });
    Arc::clone(&SCHEMA)
}

/// Columns of `quarantine`. `position` is null where the object as a whole is meant.
pub fn quarantine_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        use DataType::{Int64, Utf8};
        schema_of(&[
            ("source", Utf8),
            ("bucket", Utf8),
            ("key", Utf8),
            ("version_id", Utf8),
            ("etag", Utf8),
            ("scope", Utf8),
            ("reason", Utf8),
            ("table_name", Utf8),
            ("position", Int64),
            ("excerpt", Utf8),
            ("quarantined_at", time()),
            ("batch", Utf8),
        ])
    });
    Arc::clone(&SCHEMA)
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn numbers(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(
        values
            .map(|value| value.and_then(|v| i64::try_from(v).ok()))
            .collect::<Int64Array>(),
    )
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(
        values
            .collect::<TimestampMillisecondArray>()
            .with_timezone("UTC"),
    )
}

fn version_id(object: &ObjectRef) -> Option<&str> {
    object.version.version_id.as_deref()
}

fn etag(object: &ObjectRef) -> Option<&str> {
    object.version.etag.as_deref()
}

/// The rows of `ingest_log`.
pub fn rows(
    entries: &[Entry],
    batch: &BatchId,
    committed_at: DateTime<Utc>,
) -> Result<RecordBatch, ArrowError> {
    let each = || entries.iter();
    let at = committed_at.timestamp_millis();
    RecordBatch::try_new(
        schema(),
        vec![
            texts(each().map(|e| Some(e.source.as_str()))),
            texts(each().map(|e| Some(e.object.bucket.as_str()))),
            texts(each().map(|e| Some(e.object.key.as_str()))),
            texts(each().map(|e| version_id(&e.object))),
            texts(each().map(|e| etag(&e.object))),
            texts(each().map(|e| Some(e.kind))),
            texts(each().map(|e| Some(e.outcome.as_str()))),
            texts(each().map(|e| e.outcome.reason())),
            numbers(each().map(|e| Some(e.row_count()))),
            numbers(each().map(|e| Some(e.suppressed))),
            numbers(each().map(|e| Some(e.rejected))),
            numbers(each().map(|e| Some(e.compressed_bytes))),
            numbers(each().map(|e| Some(e.inflated_bytes))),
            texts(each().map(|e| e.inflated_sha256.as_deref())),
            times(each().map(|e| e.event_millis.map(|(oldest, _)| oldest))),
            times(each().map(|e| e.event_millis.map(|(_, newest)| newest))),
            times(each().map(|e| e.object.written_at.map(|at| at.timestamp_millis()))),
            times(each().map(|e| e.sent_at.map(|at| at.timestamp_millis()))),
            times(each().map(|e| Some(e.received_at.timestamp_millis()))),
            times(each().map(|_| Some(at))),
            numbers(each().map(|e| Some(e.generation))),
            texts(each().map(|_| Some(batch.as_str()))),
        ],
    )
}

/// The rows of `quarantine`: one for each quarantined object, one for each rejected record kept.
pub fn quarantine_rows(
    entries: &[Entry],
    batch: &BatchId,
    at: DateTime<Utc>,
) -> Result<RecordBatch, ArrowError> {
    type Line<'a> = (
        &'a Entry,
        &'static str,
        Option<(&'static str, &'a RejectedRecord)>,
    );
    let mut lines: Vec<Line<'_>> = Vec::new();
    for entry in entries {
        if let Outcome::Quarantined(reason) = entry.outcome {
            lines.push((entry, reason, None));
        }
        for (table, record) in &entry.rejects {
            lines.push((entry, record.reason.as_str(), Some((*table, record))));
        }
    }
    let each = || lines.iter();
    let scope = |record: bool| if record { "record" } else { "object" };
    RecordBatch::try_new(
        quarantine_schema(),
        vec![
            texts(each().map(|(e, _, _)| Some(e.source.as_str()))),
            texts(each().map(|(e, _, _)| Some(e.object.bucket.as_str()))),
            texts(each().map(|(e, _, _)| Some(e.object.key.as_str()))),
            texts(each().map(|(e, _, _)| version_id(&e.object))),
            texts(each().map(|(e, _, _)| etag(&e.object))),
            texts(each().map(|(_, _, record)| Some(scope(record.is_some())))),
            texts(each().map(|(_, reason, _)| Some(*reason))),
            texts(each().map(|(_, _, record)| record.map(|(table, _)| table))),
            numbers(each().map(|(_, _, record)| record.map(|(_, r)| r.position))),
            texts(each().map(|(e, _, record)| {
                record.map_or(e.detail.as_deref(), |(_, r)| Some(r.excerpt.as_str()))
            })),
            times(each().map(|_| Some(at.timestamp_millis()))),
            texts(each().map(|_| Some(batch.as_str()))),
        ],
    )
}
