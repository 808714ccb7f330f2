//! What a failing lake asks for: a person, less haste, or patience.
//!
//! In: a [`LakeError`]. Out: a [`Trouble`], for `/readyz` and for the pace. S3's own words reach us
//! as the text of the store's error.

use std::io::{self, ErrorKind};

use super::LakeError;
use crate::causes::{causes, told};
use crate::telemetry::health::{Health, Part};

/// Words of S3 and STS for "you may not".
const DENIED: [&str; 14] = [
    "AccessDenied",
    "AllAccessDisabled",
    // Of a list the store keeps the status alone.
    "status code: 403 Forbidden",
    "RequestTimeTooSkewed",
    // It is in another region.
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "redirect without LOCATION",
    "NoSuchBucket",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "provide_credentials",
];
/// How a refusal begins that is the key's: an error code, or an action.
const KMS: [&str; 2] = ["KMS.", "kms:"];
/// Words for "not so fast". A number alone may be part of a path.
const THROTTLED: [&str; 4] = [
    "SlowDown",
    "503 Service Unavailable",
    "429 Too Many Requests",
    "TooManyRequests",
];

/// Why the lake does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A person must act.
    Denied(String),
    /// Fewer requests.
    Throttled(String),
    /// Try again.
    Unavailable(String),
}

impl LakeError {
    /// What it means for the next attempt.
    pub fn trouble(&self) -> Trouble {
        let text = told(self.to_string(), self);
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let refused = matches!(
            self,
            Self::Store(
                object_store::Error::PermissionDenied { .. }
                    | object_store::Error::Unauthenticated { .. }
            )
        );
        if is_forbidden(self) {
            Trouble::Denied(format!("file system: {text}"))
        } else if refused || says(&DENIED) || says(&KMS) {
            // A file of the lake may have that in its name.
            let by = if says(&KMS) { "kms" } else { "s3" };
            Trouble::Denied(format!("{by}: {text}"))
        } else if says(&THROTTLED) {
            Trouble::Throttled(text)
        } else {
            Trouble::Unavailable(text)
        }
    }
}

impl Trouble {
    /// Shows on `/readyz` that the part has it.
    pub fn tell(&self, part: Part, health: &Health) {
        match self {
            Self::Denied(why) => health.denied(part, why),
            Self::Throttled(why) | Self::Unavailable(why) => health.unavailable(part, why),
        }
    }
}

/// Whether a file system said no.
fn is_forbidden(error: &LakeError) -> bool {
    causes(error).any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> LakeError {
        LakeError::Store(object_store::Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        })
    }

    #[test]
    fn the_words_of_s3_and_kms_are_told_apart() {
        let denied =
            said("<Code>AccessDenied</Code> not authorized to perform: kms:GenerateDataKey");
        assert!(matches!(denied.trouble(), Trouble::Denied(why) if why.starts_with("kms: ")));
        let expired = said("status 400: <Code>ExpiredToken</Code>");
        assert!(matches!(expired.trouble(), Trouble::Denied(why) if why.starts_with("s3: ")));
        assert!(matches!(
            said("503: SlowDown").trouble(),
            Trouble::Throttled(_)
        ));
        assert!(matches!(
            said("Server returned non-2xx status code: 503 Service Unavailable: ").trouble(),
            Trouble::Throttled(_)
        ));
        let in_a_path = said("cannot write _trailflow/claims/37683f503429/0");
        assert!(matches!(in_a_path.trouble(), Trouble::Unavailable(_)));
        for elsewhere in [
            "Server returned non-2xx status code: 301 Moved Permanently: <Code>PermanentRedirect</Code>",
            "400 Bad Request: <Code>AuthorizationHeaderMalformed</Code> expecting 'us-east-1'",
            "Received redirect without LOCATION, this normally indicates an incorrectly configured region",
            "List failed: Server returned non-2xx status code: 403 Forbidden: ",
            "403 Forbidden: <Code>RequestTimeTooSkewed</Code>",
            "cannot write rollups/kms_throttles/1.parquet: <Code>AccessDenied</Code>",
        ] {
            let why = said(elsewhere).trouble();
            assert!(
                matches!(&why, Trouble::Denied(why) if why.starts_with("s3: ")),
                "{why:?}"
            );
        }
        let no_bucket = said("404 Not Found: <Code>NoSuchBucket</Code>");
        assert!(matches!(no_bucket.trouble(), Trouble::Denied(_)));
        let read_only = LakeError::Store(object_store::Error::Generic {
            store: "LocalFileSystem",
            source: io::Error::from(ErrorKind::PermissionDenied).into(),
        });
        let why = read_only.trouble();
        assert!(matches!(why, Trouble::Denied(why) if why.starts_with("file system: ")));
        assert!(matches!(
            said("connection reset").trouble(),
            Trouble::Unavailable(_)
        ));
    }
}
