//! Everything that reads bytes and text from elsewhere, and the decoders above all: they turn
//! inflated bytes into Arrow batches of one table, and say what they had to leave out.
//!
//! In: a `BufRead` and where it came from. Out: batches and rejected records, into a [`Sink`]. The
//! modules beside the decoders say for themselves what flows through them.
//!
//! Must hold: decoding never fails as a whole because of one record (I5); no secret passes (I9);
//! no clock, no network, no DataFusion here.

pub mod limits;
pub mod finding;

// From a message to the object's inflated bytes.
pub mod notification;
pub mod object;

// From bytes to rows.
pub mod cloudtrail;
pub mod flow_logs;
mod escapes;
mod json;
mod redact;
mod excerpt;
mod members;
mod names;
mod nulls;

// What people write: signals, and the keys of any TOML.
pub mod signal;
pub mod keys;

use std::fmt;
use std::io;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

/// The tables that log objects decode into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// CloudTrail events of every category, Insights among them.
    Cloudtrail,
    /// VPC Flow Logs, versions 2 to 11.
    FlowLogs,
    /// Transit gateway flow logs.
    TransitGatewayFlowLogs,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 3] = [
        Self::Cloudtrail,
        Self::FlowLogs,
        Self::TransitGatewayFlowLogs,
    ];
}

/// What some editors and exports begin a text file with.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a batch came from: the values of `src_bucket` and `src_key`.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// Bucket of the source object.
    pub bucket: &'a str,
    /// Key of the source object.
    pub key: &'a str,
}

/// A record that could not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Why, as the `reason` label of the metric.
    pub reason: RejectReason,
    /// Record number (CloudTrail) or line number (flow logs), from 1.
    pub position: u64,
    /// The first [`crate::limits::EXCERPT_BYTES_MAX`] bytes, secrets removed, lossy UTF-8. Empty
    /// for those of an object that come after [`crate::limits::REJECTS_KEPT_MAX`] others.
    pub excerpt: String,
}

/// Why a record was rejected. `as_str` is the metric's label and the quarantine's `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// The record's JSON is broken; the next record was found again by its braces.
    MalformedJson,
    /// An element of `Records` that is not an object.
    NotAnObject,
    /// No `eventTime`, or one that is not a time.
    EventTime,
    /// No `eventID`, so that it cannot be told from its twin.
    EventId,
    /// Not UTF-8.
    Utf8,
    /// Longer than the limit.
    TooLong,
    /// Nested deeper than the limit.
    TooDeep,
    /// A flow-log line with fewer values than the header has names.
    ShortLine,
    /// A flow-log line with more values than the header has names.
    LongLine,
    /// A flow-log value that is not of its column's type.
    FieldValue,
    /// A flow-log record without `end`, so that it belongs to no window.
    NoEndTime,
}

/// Takes what a decoder makes, in order. Returning [`Cancelled`] ends the decoding.
pub trait Sink {
    /// A batch of rows of one table. Never empty.
    fn batch(&mut self, table: Table, batch: RecordBatch) -> Result<(), Cancelled>;
    /// One record that could not become a row.
    fn reject(&mut self, table: Table, rejected: RejectedRecord) -> Result<(), Cancelled>;
}

/// The receiver of the batches is gone: stop, and report nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// Why an object could not be decoded to its end. Rows before that point were handed on.
#[derive(Debug)]
pub enum DecodeError {
    /// The bytes could not be read. Its source tells damage from a failed transport:
    /// `object::decompress::Damage` inside means that reading again will not help.
    Read(io::Error),
    /// The bytes are not what the object should hold; reading again will not help.
    Malformed(Malformed),
    /// The sink asked to stop.
    Cancelled,
}

/// What is wrong with an object as a whole; `as_str` is the `reason` of its quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Not JSON where JSON is due.
    NotJson,
    /// JSON, but no events in any shape that is known.
    NoRecords,
    /// The JSON ends in the middle.
    TruncatedJson,
    /// Neither CloudTrail nor flow logs, by key and by content.
    UnknownContent,
    /// Not a Parquet file, or a damaged one.
    NotParquet,
    /// A Parquet file without the columns of a flow log.
    NotFlowLogs,
    /// A Parquet file over the limit; it would have to be held whole.
    ParquetTooLarge,
}

impl From<Cancelled> for DecodeError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<io::Error> for DecodeError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Table {
    /// The table's name in SQL and its folder in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cloudtrail => "cloudtrail",
            Self::FlowLogs => "flow_logs",
            Self::TransitGatewayFlowLogs => "transit_gateway_flow_logs",
        }
    }

    /// Its columns, as SQL and files have them.
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Cloudtrail => cloudtrail::schema(),
            Self::FlowLogs => flow_logs::schema(),
            Self::TransitGatewayFlowLogs => flow_logs::transit_gateway_schema(),
        }
    }

    /// The columns of its batches: the same, but texts that repeat are dictionaries there.
    pub fn batch_schema(self) -> SchemaRef {
        match self {
            Self::Cloudtrail => cloudtrail::batch_schema(),
            Self::FlowLogs => flow_logs::batch_schema(),
            Self::TransitGatewayFlowLogs => flow_logs::transit_gateway_batch_schema(),
        }
    }
}

impl Table {
    /// The column that says when, and so in which hour's folder a row is kept.
    pub const fn time_column(self) -> &'static str {
        match self {
            Self::Cloudtrail => "event_time",
            Self::FlowLogs | Self::TransitGatewayFlowLogs => "ts_end",
        }
    }
}

impl RejectReason {
    /// Stable text for labels, `ingest_log` and quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::EventTime => "event_time",
            Self::EventId => "event_id",
            Self::Utf8 => "utf8",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::ShortLine => "short_line",
            Self::LongLine => "long_line",
            Self::FieldValue => "field_value",
            Self::NoEndTime => "no_end_time",
        }
    }
}

impl Malformed {
    /// Stable text for labels, `ingest_log` and quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NoRecords => "no_records",
            Self::TruncatedJson => "truncated_json",
            Self::UnknownContent => "unknown_content",
            Self::NotParquet => "not_parquet",
            Self::NotFlowLogs => "not_flow_logs",
            Self::ParquetTooLarge => "parquet_too_large",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
