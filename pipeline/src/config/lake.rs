//! The address of a lake: `s3://bucket/prefix`, or a directory.
//!
//! In: what a person wrote, in a file or on the command line. Out: a [`LakeUrl`].

use std::fmt;
use std::path::PathBuf;

use crate::config::names;

/// Where a lake is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeUrl {
    /// In S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// Below this, without slashes at either end; may be empty.
        prefix: String,
    },
    /// On this machine.
    Directory(PathBuf),
}

/// Why a text is not the address of a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotALake {
    /// What is wrong with it.
    pub what: String,
    /// What to write.
    pub fix: String,
}

impl LakeUrl {
    /// Reads `s3://bucket/prefix`, or takes the text as a directory.
    pub fn parse(text: &str) -> Result<Self, NotALake> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NotALake::new(
                "is empty",
                "write s3://bucket/prefix or a directory",
            ));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some(("s3", _)) => Err(NotALake::new(
                    "lacks the slashes of a URL",
                    "write s3://bucket/prefix",
                )),
                _ => Ok(Self::Directory(PathBuf::from(text))),
            };
        };
        if scheme != "s3" {
            let what = format!("has the scheme \"{scheme}\", and only s3 is known");
            return Err(NotALake::new(
                &what,
                "write s3://bucket/prefix or a directory",
            ));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if let Err(why) = names::bucket(bucket) {
            let what = format!("names a bucket \"{bucket}\" that {why}");
            return Err(NotALake::new(
                &what,
                "write s3:// and the name of a bucket, not its ARN",
            ));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty()
            && prefix
                .split('/')
                .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(NotALake::new(
                "has an empty part, `.` or `..` in its prefix",
                "write the prefix with single slashes between plain names",
            ));
        }
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl LakeUrl {
    /// Refuses a prefix that would be stored under another name: policies, lifecycle rules and other
    /// engines go by the one that was written.
    pub fn is_as_written(self) -> Result<Self, NotALake> {
        const ENCODED: &str = "\\{^}%`]\">[~<#|*?";
        let is_encoded = |one: char| !one.is_ascii() || one.is_control() || ENCODED.contains(one);
        if let Self::S3 { prefix, .. } = &self
            && let Some(one) = prefix.chars().find(|one| is_encoded(*one))
        {
            return Err(NotALake::new(
                &format!("has {one:?} in its prefix, which would be stored in another spelling"),
                "write the prefix with letters, digits and - _ . / = + & ( )",
            ));
        }
        Ok(self)
    }
}

impl NotALake {
    fn new(what: &str, fix: &str) -> Self {
        Self {
            what: what.to_owned(),
            fix: fix.to_owned(),
        }
    }
}

impl LakeUrl {
    /// Whether it is in S3.
    pub fn is_s3(&self) -> bool {
        matches!(self, Self::S3 { .. })
    }
}

impl fmt::Display for LakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for NotALake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the address of the lake {}. Fix: {}.",
            self.what, self.fix
        )
    }
}

impl std::error::Error for NotALake {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_s3_or_a_directory() {
        for (text, due) in [
            ("s3://example-lake", Some("s3://example-lake")),
            ("s3://example-lake/", Some("s3://example-lake")),
            (
                "s3://example-lake/trail/flow/",
                Some("s3://example-lake/trail/flow"),
            ),
            ("./lake", Some("./lake")),
            ("/var/lib/trailflow", Some("/var/lib/trailflow")),
            ("s3://", None),
            ("s3:example-lake", None),
            ("s3://Example/x", None),
            ("s3://example-lake//x", None),
            ("s3://example-lake/../x", None),
            ("gs://example-lake", None),
            ("file:///lake", None),
            ("  ", None),
        ] {
            let parsed = LakeUrl::parse(text).ok().map(|lake| lake.to_string());
            assert_eq!(parsed.as_deref(), due, "{text}");
        }
    }
}
