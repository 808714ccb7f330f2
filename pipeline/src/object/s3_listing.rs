//! Lists the objects below a prefix, for `backfill`, and some of a bucket, for `doctor`.
//!
//! Must hold: every page is read; the version of an object is its ETag, as in a notification from
//! an unversioned bucket, and one that a store lists without is asked for before the claim.

use aws_sdk_s3::types::Object;

use super::fetch::FetchError;
use super::s3::{S3Objects, classified, written_at};
use super::{ObjectRef, Version};
use crate::aws;

/// Hands on the objects of a bucket below a prefix, page by page: the archive of an organization has millions.
/// `seen` is told how many there were.
pub async fn list(
    objects: &S3Objects,
    bucket: &str,
    prefix: &str,
    mut take: impl FnMut(ObjectRef),
    seen: impl Fn(usize),
) -> anyhow::Result<()> {
    let mut count = 0;
    let listing = objects
        .client
        .list_objects_v2()
        .bucket(bucket)
        .prefix(prefix);
    let mut pages = listing.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| anyhow::anyhow!(aws::said(&error)))?;
        count += page.contents().len();
        seen(count);
        let found = page.contents().iter();
        found
            .filter_map(|object| listed(bucket, object))
            .for_each(&mut take);
    }
    Ok(())
}

/// Some objects of a bucket: one request.
pub async fn first(
    objects: &S3Objects,
    bucket: &str,
    count: i32,
) -> Result<Vec<ObjectRef>, FetchError> {
    let listing = objects.client.list_objects_v2().bucket(bucket);
    let page = listing.max_keys(count).send().await;
    let page = page.map_err(|error| classified(&error))?;
    let found = page.contents().iter();
    Ok(found.filter_map(|object| listed(bucket, object)).collect())
}

fn listed(bucket: &str, object: &Object) -> Option<ObjectRef> {
    // A key that ends in a slash is a folder that somebody made by hand.
    let key = object.key().filter(|key| !key.ends_with('/'))?;
    Some(ObjectRef {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: Version::said(object.e_tag(), None),
        size_bytes: object.size().and_then(|size| u64::try_from(size).ok()),
        written_at: object.last_modified().and_then(written_at),
    })
}
