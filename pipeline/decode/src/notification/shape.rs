//! The shapes of a message.

/// The form of a message; `as_str` is the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// S3 event notification, straight from S3 or through SNS with raw delivery.
    S3Event,
    /// What S3 sends once, when a notification is configured.
    S3TestEvent,
    /// CloudTrail's own notification, with raw delivery.
    CloudTrail,
    /// EventBridge event of S3.
    EventBridge,
    /// S3 event notification in an SNS envelope.
    SnsS3Event,
    /// S3 test event in an SNS envelope.
    SnsS3TestEvent,
    /// CloudTrail's own notification in an SNS envelope.
    SnsCloudTrail,
    /// EventBridge event of S3 in an SNS envelope.
    SnsEventBridge,
    /// Control text, somebody else's message, or no message at all.
    Unknown,
}

impl Shape {
    /// Every shape, so that a counter can stand at 0 for each from the start.
    pub const ALL: [Self; 9] = [
        Self::S3Event,
        Self::S3TestEvent,
        Self::CloudTrail,
        Self::EventBridge,
        Self::SnsS3Event,
        Self::SnsS3TestEvent,
        Self::SnsCloudTrail,
        Self::SnsEventBridge,
        Self::Unknown,
    ];

    /// Stable text for the label `shape`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3Event => "s3_event",
            Self::S3TestEvent => "s3_test_event",
            Self::CloudTrail => "cloudtrail",
            Self::EventBridge => "eventbridge",
            Self::SnsS3Event => "sns_s3_event",
            Self::SnsS3TestEvent => "sns_s3_test_event",
            Self::SnsCloudTrail => "sns_cloudtrail",
            Self::SnsEventBridge => "sns_eventbridge",
            Self::Unknown => "unknown",
        }
    }

    /// The same content in an SNS envelope.
    pub(super) const fn in_sns(self) -> Self {
        match self {
            Self::S3Event | Self::SnsS3Event => Self::SnsS3Event,
            Self::S3TestEvent | Self::SnsS3TestEvent => Self::SnsS3TestEvent,
            Self::CloudTrail | Self::SnsCloudTrail => Self::SnsCloudTrail,
            Self::EventBridge | Self::SnsEventBridge => Self::SnsEventBridge,
            Self::Unknown => Self::Unknown,
        }
    }
}
