//! Lists the objects below a prefix, for `backfill`.
//!
//! Must hold: every page is read; the version of an object is its ETag, as in a notification from
//! an unversioned bucket.

use aws_sdk_s3::Client;

use super::s3::written_at;
use super::{ObjectRef, Version};
use crate::aws;

/// Every object of a bucket below a prefix.
pub async fn list(client: &Client, bucket: &str, prefix: &str) -> anyhow::Result<Vec<ObjectRef>> {
    let listing = client.list_objects_v2().bucket(bucket).prefix(prefix);
    let mut pages = listing.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| anyhow::anyhow!(aws::said(&error)))?;
        for object in page.contents() {
            let Some(key) = object.key() else { continue };
            // A key that ends in a slash is a folder that somebody made by hand.
            if key.ends_with('/') {
                continue;
            }
            let etag = object.e_tag().unwrap_or_default().trim_matches('"');
            let written_at = object.last_modified().and_then(written_at);
            found.push(ObjectRef {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: Version::of_etag(etag),
                size_bytes: object.size().and_then(|size| u64::try_from(size).ok()),
                written_at,
            });
        }
    }
    Ok(found)
}
