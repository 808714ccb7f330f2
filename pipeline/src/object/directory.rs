//! Objects that are files: a directory in the layout of S3 keys.
//!
//! In: a directory. Out: its files as objects. Must hold: a file's version is its size and the
//! time it was changed, so that a rewritten file is another object (I3).

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::fetch::{Body, FetchError, Objects};
use super::{ObjectRef, Version};
use crate::limits::FILE_READ_BYTES;

/// A directory and the name that stands for its bucket.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
    bucket: String,
}

impl Directory {
    /// The directory's own name is the bucket.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root: PathBuf = root.into();
        let full = fs::canonicalize(&root).unwrap_or_else(|_| root.clone());
        let bucket = full.file_name().map_or_else(
            || String::from("directory"),
            |name| name.to_string_lossy().into_owned(),
        );
        Self { root, bucket }
    }

    /// The name that stands for the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Every file, by key. Hidden files and those that end in `.tmp` are still being written.
    pub fn list(&self) -> io::Result<Vec<ObjectRef>> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        // A link may lead back to where it came from: each folder is entered once.
        let mut entered: HashSet<PathBuf> = fs::canonicalize(&self.root).into_iter().collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let hidden = name.as_encoded_bytes().starts_with(b".");
                if hidden || name.as_encoded_bytes().ends_with(b".tmp") {
                    continue;
                }
                // Follows links, so that a file mounted into place is a file.
                let metadata = match fs::metadata(entry.path()) {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                if metadata.is_dir() {
                    if entered.insert(fs::canonicalize(entry.path())?) {
                        folders.push(entry.path());
                    }
                } else if metadata.is_file() {
                    found.push(self.object(&entry.path(), &metadata));
                }
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn object(&self, path: &Path, metadata: &Metadata) -> ObjectRef {
        let key = path.strip_prefix(&self.root).unwrap_or(path);
        let written_at: Option<DateTime<Utc>> = metadata.modified().ok().map(DateTime::from);
        let changed = written_at
            .and_then(|at| at.timestamp_nanos_opt())
            .unwrap_or_default();
        ObjectRef {
            bucket: self.bucket.clone(),
            key: key.to_string_lossy().into_owned(),
            version: Version::of_etag(format!("{:x}-{changed:x}", metadata.len())),
            size_bytes: Some(metadata.len()),
            written_at,
        }
    }
}

#[async_trait]
impl Objects for Directory {
    async fn fetch(&self, object: &ObjectRef) -> Result<Body, FetchError> {
        let path = self.root.join(&object.key);
        let file = File::open(&path).map_err(|error| refused(&error))?;
        let metadata = file.metadata().map_err(|error| refused(&error))?;
        if self.object(&path, &metadata).version != object.version {
            return Err(FetchError::Missing);
        }
        Ok(Box::new(BufReader::with_capacity(FILE_READ_BYTES, file)))
    }

    async fn resolve(&self, object: &ObjectRef) -> Result<ObjectRef, FetchError> {
        let path = self.root.join(&object.key);
        let metadata = fs::metadata(&path).map_err(|error| refused(&error))?;
        Ok(self.object(&path, &metadata))
    }
}

fn refused(error: &io::Error) -> FetchError {
    match error.kind() {
        ErrorKind::NotFound => FetchError::Missing,
        ErrorKind::PermissionDenied => FetchError::Denied {
            by: "file_system",
            message: error.to_string(),
        },
        _ => FetchError::Unavailable(error.to_string()),
    }
}
