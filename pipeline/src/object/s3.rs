//! Objects in S3.
//!
//! In: an [`ObjectRef`]. Out: its bytes, streamed. Must hold: GET names the version that was
//! claimed, or its ETag in `If-Match` (I3); a connection that breaks in mid-object is resumed at
//! the byte where it broke, under the same condition.

use std::io;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::fetch::{Body, FetchError, Objects};
use super::stream::{ChunkReader, END};
use super::{ObjectRef, Version};
use crate::aws;
use crate::causes;
use crate::limits::{BODY_CHUNKS_MAX, GET_ATTEMPTS_MAX};

/// The S3 client as a place of objects.
#[derive(Debug, Clone)]
pub struct S3Objects {
    pub(super) client: Client,
}

impl S3Objects {
    /// Reads through this client: its region, credentials and retries are the SDK's.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn open(&self, object: &ObjectRef, from: u64) -> Result<ByteStream, FetchError> {
        let mut get = self
            .client
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key);
        let Version { etag, version_id } = &object.version;
        if let Some(etag) = etag {
            get = get.if_match(format!("\"{etag}\""));
        }
        if let Some(id) = version_id {
            get = get.version_id(id);
        }
        if from > 0 {
            get = get.range(format!("bytes={from}-"));
        }
        match get.send().await {
            Ok(found) => Ok(found.body),
            Err(error) => Err(classified(&error)),
        }
    }

    /// Sends the body's chunks, opening it again where the connection broke.
    async fn pump(self, object: ObjectRef, first: ByteStream, to: mpsc::Sender<io::Result<Bytes>>) {
        let mut body = first;
        let mut sent = 0_u64;
        // Of one place in the object: a large one may meet many breaks and still come.
        let (mut attempts, mut broke_at) = (1, 0);
        loop {
            let error = match body.try_next().await {
                Ok(None) => {
                    // If the reader is gone, nobody is left to tell.
                    let _gone = to.send(Ok(END)).await;
                    return;
                }
                Ok(Some(chunk)) if chunk.is_empty() => continue,
                Ok(Some(chunk)) => {
                    sent += u64::try_from(chunk.len()).unwrap_or_default();
                    if to.send(Ok(chunk)).await.is_err() {
                        return;
                    }
                    continue;
                }
                Err(error) => FetchError::Unavailable(causes::told(error.to_string(), &error)),
            };
            if sent > broke_at {
                (attempts, broke_at) = (1, sent);
            }
            let again = if attempts < GET_ATTEMPTS_MAX {
                attempts += 1;
                tracing::debug!(key = %object.key, %error, sent, "resuming a broken download");
                match self.open(&object, sent).await {
                    // There is nothing behind what came, and yet it broke: at its checksum, for one. That says
                    // nothing of the object.
                    Err(FetchError::Refused(_)) => Err(error),
                    opened => opened,
                }
            } else {
                Err(error)
            };
            match again {
                Ok(resumed) => body = resumed,
                Err(error) => {
                    // If the reader is gone, nobody is left to tell.
                    let _gone = to.send(Err(io::Error::other(error))).await;
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn fetch(&self, object: &ObjectRef) -> Result<Body, FetchError> {
        let body = self.open(object, 0).await?;
        let (sender, receiver) = mpsc::channel(BODY_CHUNKS_MAX);
        tokio::spawn(self.clone().pump(object.clone(), body, sender));
        Ok(Box::new(ChunkReader::new(receiver)))
    }

    async fn resolve(&self, object: &ObjectRef) -> Result<ObjectRef, FetchError> {
        let head = self
            .client
            .head_object()
            .bucket(&object.bucket)
            .key(&object.key);
        let head = head
            .set_version_id(object.version.version_id.clone())
            .send()
            .await;
        let head = head.map_err(|error| of_head(classified(&error), &error, object))?;
        let version = Version::said(head.e_tag(), object.version.version_id.as_deref());
        if version.etag.is_none() {
            return Err(FetchError::Unavailable(String::from("S3 named no ETag")));
        }
        let written_at = head.last_modified().and_then(written_at);
        let size_bytes = head
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        Ok(ObjectRef {
            version,
            size_bytes,
            written_at,
            ..object.clone()
        })
    }
}

/// S3's time as ours.
pub(super) fn written_at(at: &aws_sdk_s3::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.secs(), at.subsec_nanos())
}

/// What the error of a HEAD means. It has no body, so that 400 stands for what S3 says there of the request:
/// credentials that have run out, or another region. And whoever mends it must know of what it was said.
fn of_head<E: ProvideErrorMetadata + std::error::Error + 'static>(
    meant: FetchError,
    error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
    object: &ObjectRef,
) -> FetchError {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let (ObjectRef { bucket, key, .. }, is_bare) = (object, error.message().is_none());
    let of = format!("HEAD of s3://{bucket}/{key}");
    match (meant, status) {
        (FetchError::Denied { by, .. }, Some(status)) if is_bare => FetchError::Denied {
            by,
            message: format!("HTTP status {status} to {of}"),
        },
        (FetchError::Refused(_), Some(400)) if is_bare => FetchError::Denied {
            by: "s3",
            message: format!(
                "HTTP status 400 to {of}: credentials that have run out, or a bucket in another region"
            ),
        },
        (FetchError::Denied { by, message }, _) => FetchError::Denied {
            by,
            message: format!("{message} ({of})"),
        },
        (meant, _) => meant,
    }
}

/// What an S3 error means for the message. A HEAD has no body, so only its status tells.
pub fn classified<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
) -> FetchError {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or_default();
    match (code, status) {
        // A HEAD has no body, so its 404 has no better code than NotFound.
        ("NoSuchKey" | "NoSuchVersion" | "PreconditionFailed" | "NotFound", _) | (_, Some(412)) => {
            FetchError::Missing
        }
        // A bucket that is not there, or in another region, is a mistake in the set-up: nothing may be
        // acknowledged.
        ("NoSuchBucket", _) | (_, Some(301 | 307)) => FetchError::Denied {
            by: "s3",
            message: aws::said(error),
        },
        ("InvalidObjectState", _) => FetchError::Archived(aws::said(error)),
        // The last three answer 400, and are as little about the object as the others.
        (
            "AccessDenied"
            | "InvalidAccessKeyId"
            | "ExpiredToken"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        )
        | (_, Some(401 | 403)) => {
            let by = if message.contains("kms:") {
                "kms"
            } else {
                "s3"
            };
            FetchError::Denied {
                by,
                message: aws::said(error),
            }
        }
        ("SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded", _)
        | (_, Some(429 | 503)) => FetchError::Throttled(aws::said(error)),
        // A key that is disabled or deleted answers 400 (domain 4.2).
        (code, _) if code.starts_with("KMS.") => FetchError::Denied {
            by: "kms",
            message: aws::said(error),
        },
        ("RequestTimeout", _) | (_, Some(408)) => FetchError::Unavailable(aws::said(error)),
        (_, Some(400..=499)) => FetchError::Refused(aws::said(error)),
        _ => FetchError::Unavailable(aws::said(error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn answered(status: u16, code: &str, message: &str) -> SdkError<GetObjectError, HttpResponse> {
        let mut said = ErrorMetadata::builder();
        if !code.is_empty() {
            said = said.code(code);
        }
        if !message.is_empty() {
            said = said.message(message);
        }
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        SdkError::service_error(GetObjectError::generic(said.build()), answer)
    }

    /// The kind of what it means, and who denies.
    fn kind(meant: &FetchError) -> String {
        match meant {
            FetchError::Missing => String::from("missing"),
            FetchError::Denied { by, .. } => format!("denied by {by}"),
            FetchError::Archived(_) => String::from("archived"),
            FetchError::Throttled(_) => String::from("throttled"),
            FetchError::Refused(_) => String::from("refused"),
            FetchError::Unavailable(_) => String::from("unavailable"),
        }
    }

    #[test]
    fn what_s3_answers_means_one_thing() {
        let on_a_key = "is not authorized to perform: kms:Decrypt on this resource";
        for (status, code, message, expected) in [
            (404, "NoSuchKey", "", "missing"),
            (404, "NoSuchVersion", "", "missing"),
            (412, "PreconditionFailed", "", "missing"),
            (404, "NoSuchBucket", "", "denied by s3"),
            (301, "PermanentRedirect", "", "denied by s3"),
            (403, "AccessDenied", "Access Denied", "denied by s3"),
            (403, "AccessDenied", on_a_key, "denied by kms"),
            (400, "KMS.DisabledException", "", "denied by kms"),
            (400, "ExpiredToken", "", "denied by s3"),
            (403, "InvalidObjectState", "", "archived"),
            (503, "SlowDown", "", "throttled"),
            (429, "", "", "throttled"),
            (408, "RequestTimeout", "", "unavailable"),
            (416, "InvalidRange", "", "refused"),
            (405, "MethodNotAllowed", "", "refused"),
            (500, "InternalError", "", "unavailable"),
        ] {
            let meant = classified(&answered(status, code, message));
            assert_eq!(kind(&meant), expected, "{status} {code} {message}");
        }
    }

    #[test]
    fn a_head_says_of_what_it_was_denied() {
        let object = ObjectRef {
            bucket: String::from("logs"),
            key: String::from("a.json.gz"),
            version: Version::default(),
            size_bytes: None,
            written_at: None,
        };
        for (status, code, message, expected) in [
            (
                403,
                "",
                "",
                Some("HTTP status 403 to HEAD of s3://logs/a.json.gz"),
            ),
            (
                400,
                "",
                "",
                Some(
                    "HTTP status 400 to HEAD of s3://logs/a.json.gz: credentials that have run out, or a bucket in another region",
                ),
            ),
            (
                403,
                "AccessDenied",
                "no",
                Some("AccessDenied: no (HEAD of s3://logs/a.json.gz)"),
            ),
            (404, "NotFound", "", None),
            (503, "", "", None),
        ] {
            let error = answered(status, code, message);
            let meant = of_head(classified(&error), &error, &object);
            let said = match &meant {
                FetchError::Denied { by: "s3", message } => Some(message.as_str()),
                _ => None,
            };
            assert_eq!(said, expected, "{status} {code}");
        }
    }
}
