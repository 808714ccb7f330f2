//! Proves where objects come from and where rows go.

use std::path::PathBuf;

use crate::config::proof::Proof;
use crate::config::raw::{RawConfig, SourceKind};
use crate::config::{LakeUrl, Source, names};

impl Proof<'_> {
    pub(super) fn source(&mut self, raw: &RawConfig) -> Option<Source> {
        let kind = match (raw.source_kind, &raw.queue_url, &raw.directory) {
            (Some(kind), _, _) => kind,
            (None, Some(_), None) => SourceKind::Sqs,
            (None, None, Some(_)) => SourceKind::Directory,
            (None, Some(_), Some(_)) => {
                self.at(
                    "source.directory",
                    "a queue and a directory are both given",
                    "keep one of them",
                );
                return None;
            }
            (None, None, None) => {
                self.missing(
                    &["source.kind", "source.queue_url", "source.directory"],
                    "it is not said where the objects come from",
                    "set `source.kind` to \"sqs\" or \"directory\", or set TRAILFLOW_QUEUE_URL",
                );
                return None;
            }
        };
        match kind {
            SourceKind::Sqs => self.sqs(raw),
            SourceKind::Directory => self.directory(raw),
        }
    }

    fn sqs(&mut self, raw: &RawConfig) -> Option<Source> {
        if raw.directory.is_some() {
            self.unused("source.directory", "a source of kind \"sqs\"");
        }
        match &raw.queue_url {
            Some(url) => self.name(
                "source.queue_url",
                url,
                names::queue_url,
                "write the queue's URL: https://sqs.<region>.amazonaws.com/<account>/<name>",
            ),
            None => self.missing(
                &["source.queue_url"],
                "a source of kind \"sqs\" has no queue",
                "set `source.queue_url`, or TRAILFLOW_QUEUE_URL",
            ),
        }
        self.queue_of_region(raw);
        let buckets = raw.buckets.clone().unwrap_or_default();
        if buckets.is_empty() {
            let what = "no bucket may be read: the allow-list is empty";
            let fix = "list the buckets of your logs in `source.buckets`, or in TRAILFLOW_BUCKETS";
            if raw.buckets.is_some() {
                self.at("source.buckets", what, fix);
            } else {
                self.missing(&["source.buckets"], what, fix);
            }
        }
        self.names(
            "source.buckets",
            &buckets,
            names::bucket,
            "write the name of a bucket, without s3:// and without a prefix",
        );
        Some(Source::Sqs {
            queue_url: raw.queue_url.clone()?,
            buckets,
        })
    }

    fn directory(&mut self, raw: &RawConfig) -> Option<Source> {
        for (key, written) in [
            ("source.queue_url", raw.queue_url.is_some()),
            ("source.buckets", raw.buckets.is_some()),
        ] {
            if written {
                self.unused(key, "a source of kind \"directory\"");
            }
        }
        if raw.directory.is_none() {
            self.missing(
                &["source.directory"],
                "a source of kind \"directory\" has no directory",
                "set `source.directory`, or TRAILFLOW_DIRECTORY",
            );
        }
        Some(Source::Directory {
            path: PathBuf::from(raw.directory.clone()?),
        })
    }

    /// The region that is asked is the configuration's, whatever the queue's URL says.
    fn queue_of_region(&mut self, raw: &RawConfig) {
        let url = raw.queue_url.as_deref().unwrap_or_default();
        let host = url.strip_prefix("https://sqs.");
        let host = host.and_then(|rest| rest.split_once(".amazonaws.com"));
        if let (Some((queue, _)), Some(region), None) = (host, &raw.region, &raw.endpoint_url)
            && queue != region.as_str()
            && names::region(queue).is_ok()
        {
            let what = format!("the queue is in {queue}, and `aws.region` is {region}");
            let fix = format!("set `aws.region` to {queue}, or name a queue of {region}");
            self.at("source.queue_url", &what, &fix);
        }
    }

    pub(super) fn lake(&mut self, text: Option<&str>) -> Option<LakeUrl> {
        let Some(text) = text else {
            self.missing(
                &["lake.url"],
                "it is not said where the lake is",
                "set `lake.url` to s3://bucket/prefix or a directory, or set TRAILFLOW_LAKE",
            );
            return None;
        };
        LakeUrl::parse(text)
            .and_then(LakeUrl::is_as_written)
            .map_err(|error| {
                self.at(
                    "lake.url",
                    &format!("`lake.url` {}", error.what),
                    &error.fix,
                );
            })
            .ok()
    }

    /// A lake inside the directory that is watched would be read as logs.
    pub(super) fn lake_outside_source(&mut self, source: Option<&Source>, lake: Option<&LakeUrl>) {
        if let (Some(Source::Directory { path }), Some(LakeUrl::Directory(lake))) = (source, lake)
            && lake.starts_with(path)
        {
            self.at(
                "lake.url",
                "the lake is inside the directory that is watched",
                "put the lake beside the directory, not into it",
            );
        }
    }
}
