//! The log buckets: whether one object of each can be read. Listing them is for backfills alone.

use super::{Report, Verdict};
use crate::config::LakeUrl;
use crate::limits::DOCTOR_KEYS_MAX;
use crate::object::ObjectRef;
use crate::object::fetch::{FetchError, Objects as _};
use crate::object::key::{KeyKind, kind_of};
use crate::object::s3::S3Objects;
use crate::object::s3_listing;

pub(super) async fn examine(
    objects: &S3Objects,
    bucket: &str,
    lake: &LakeUrl,
    named: &[ObjectRef],
    report: &mut Report<'_>,
) {
    feedback(bucket, lake, report);
    let mut named = named
        .iter()
        .filter(|object| object.bucket == bucket)
        .peekable();
    if named.peek().is_some() {
        for object in named {
            read(objects, object, report).await;
        }
        return;
    }
    let asked = format!("bucket {bucket}, list");
    let found = match s3_listing::first(objects, bucket, DOCTOR_KEYS_MAX).await {
        Ok(found) => found,
        Err(FetchError::Denied { by, message }) if message.starts_with("AccessDenied") => {
            let fix = "nothing, if no backfill lists it; s3:ListBucket on the bucket allows it";
            report.warning(asked, format!("denied by {by}: {message}"), fix);
            not_tried(bucket, "no key of it is known", report);
            return;
        }
        Err(error) => {
            let fix = "name a bucket that is there, in the region that is asked, and that can be reached from here";
            report.failure(asked, error.to_string(), fix);
            return;
        }
    };
    report.ok(
        asked,
        format!("permitted, {} of its keys seen", found.len()),
    );
    // A role may be given some prefixes alone: what the service would read is the better sample.
    let logs = found.iter().find(|object| is_log(object));
    let is_other =
        |object: &&ObjectRef| object.size_bytes != Some(0) && kind_of(&object.key) != KeyKind::Own;
    let other = || found.iter().find(is_other);
    match logs.or_else(other) {
        Some(object) => read(objects, object, report).await,
        None => not_tried(bucket, "there is no object among the first keys", report),
    }
}

/// Whether the service would read it.
fn is_log(object: &ObjectRef) -> bool {
    let kind = kind_of(&object.key);
    matches!(
        kind,
        KeyKind::CloudTrail { .. } | KeyKind::CloudTrailInsight | KeyKind::FlowLogs { .. }
    )
}

/// The lake's own files would be announced as logs.
fn feedback(bucket: &str, lake: &LakeUrl, report: &mut Report<'_>) {
    let LakeUrl::S3 {
        bucket: of_lake,
        prefix,
    } = lake
    else {
        return;
    };
    if of_lake != bucket {
        return;
    }
    let asked = format!("bucket {bucket}, lake in it");
    let what = format!("the lake is in this log bucket, below \"{prefix}\"");
    let fix = "leave that prefix out of what the bucket announces, or put the lake into another bucket: each of its files \
               would be a message that is received and passed over";
    report.warning(asked, what, fix);
}

fn not_tried(bucket: &str, why: &str, report: &mut Report<'_>) {
    let fix = format!("name a log object: trailflow doctor --object s3://{bucket}/KEY");
    report.warning(
        format!("bucket {bucket}, read"),
        format!("not tried: {why}"),
        &fix,
    );
}

async fn read(objects: &S3Objects, object: &ObjectRef, report: &mut Report<'_>) {
    let fetched = async {
        let object = match object.version.etag {
            Some(_) => object.clone(),
            None => objects.resolve(object).await?,
        };
        // A HEAD has no body to say who denies, and needs no key: the object itself is begun, and let go.
        objects.fetch(&object).await.map(drop)
    };
    let asked = format!("bucket {}, read", object.bucket);
    match fetched.await {
        Ok(()) => report.ok(asked, object.key.clone()),
        Err(error) => {
            // A listed object has its version; one that a person named has none.
            let is_due = is_log(object) || object.version.etag.is_none();
            let (verdict, fix) = judged(&error, is_due);
            let what = format!("{}: {error}", object.key);
            report.add(verdict, asked, what, Some(fix.to_owned()));
        }
    }
}

/// How bad it is, and what to do. `is_due`: the service would read that object.
fn judged(error: &FetchError, is_due: bool) -> (Verdict, &'static str) {
    match error {
        FetchError::Denied { by: "kms", .. } => (
            Verdict::Failure,
            "allow kms:Decrypt on the key that the object is encrypted with, in the role and in the key's policy",
        ),
        FetchError::Denied { .. } if !is_due => (
            Verdict::Warning,
            "name a log object with --object: this one is none, and may lie below no prefix of the role",
        ),
        FetchError::Denied { .. } => (
            Verdict::Failure,
            "allow s3:GetObject and s3:GetObjectVersion on the bucket's objects, in the role and, of another account, in \
             the bucket's policy",
        ),
        FetchError::Archived(_) => (
            Verdict::Warning,
            "name another with --object: this one is in an archive",
        ),
        FetchError::Throttled(_) => (Verdict::Warning, "ask again later"),
        FetchError::Missing => (Verdict::Failure, "name an object that is there"),
        FetchError::Refused(_) | FetchError::Unavailable(_) => {
            (Verdict::Failure, "let this place reach S3, and ask again")
        }
    }
}
