//! Lists the objects below a prefix, for `backfill`.
//!
//! Must hold: every page is read; the version of an object is its ETag, as in a notification from
//! an unversioned bucket, and one that a store lists without is asked for before the claim.

use super::s3::{S3Objects, written_at};
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
        for object in page.contents() {
            let Some(key) = object.key() else { continue };
            // A key that ends in a slash is a folder that somebody made by hand.
            if key.ends_with('/') {
                continue;
            }
            take(ObjectRef {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: Version::said(object.e_tag(), None),
                size_bytes: object.size().and_then(|size| u64::try_from(size).ok()),
                written_at: object.last_modified().and_then(written_at),
            });
        }
    }
    Ok(())
}
