//! Why a message, or one record of it, was not understood.

use crate::limits::EXCERPT_BYTES_MAX;

/// Why a message or a record was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Stable, for labels and for the decision what to do.
    pub reason: UnreadableReason,
    /// For a person, at most [`EXCERPT_BYTES_MAX`] bytes.
    pub detail: String,
}

/// The reasons of [`Unreadable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnreadableReason {
    /// The body has no bytes.
    Empty,
    /// The body is longer than SQS allows.
    TooLong,
    /// Envelope in envelope in envelope.
    TooDeep,
    /// Not JSON.
    NotJson,
    /// JSON, but not an object where one is due.
    NotAnObject,
    /// A subscription to confirm, or CloudTrail's validation text.
    ControlText,
    /// A JSON object of no known shape.
    Unrecognised,
    /// A known shape with an empty list.
    NoRecords,
    /// A record or event of another service.
    NotS3,
    /// An S3 event record of another version than 2.x.
    EventVersion,
    /// A field is of the wrong type.
    WrongType,
    /// No event name, so that a removal could not be told from a creation.
    MissingEventName,
    /// No bucket name, or an empty one.
    MissingBucket,
    /// No object key, or an empty one.
    MissingKey,
    /// The key is not UTF-8 once decoded. Guessing it would read another object, or none.
    KeyEncoding,
}

impl Unreadable {
    pub(super) fn new(reason: UnreadableReason, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(detail.floor_char_boundary(EXCERPT_BYTES_MAX));
        Self { reason, detail }
    }

    /// A typed read that failed.
    pub(super) fn wrong_type(error: &serde_json::Error) -> Self {
        Self::new(UnreadableReason::WrongType, error.to_string())
    }
}

impl UnreadableReason {
    /// Stable text for labels and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::ControlText => "control_text",
            Self::Unrecognised => "unrecognised",
            Self::NoRecords => "no_records",
            Self::NotS3 => "not_s3",
            Self::EventVersion => "event_version",
            Self::WrongType => "wrong_type",
            Self::MissingEventName => "missing_event_name",
            Self::MissingBucket => "missing_bucket",
            Self::MissingKey => "missing_key",
            Self::KeyEncoding => "key_encoding",
        }
    }
}
