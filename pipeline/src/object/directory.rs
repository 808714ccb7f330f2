//! Objects that are files: a directory in the layout of S3 keys.
//!
//! In: a directory. Out: its files as objects. Must hold: a file's version is its size and the
//! time it was changed, so that a rewritten file is another object, and the one before is not read to its
//! end (I3).

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::fetch::{Body, FetchError, Objects};
use super::{ObjectRef, Version};
use crate::limits::FILE_READ_BYTES;

/// What a directory holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Its files.
    pub objects: Vec<ObjectRef>,
    /// Paths that could not be looked into, each with the reason.
    pub unreadable: Vec<String>,
}

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

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name that stands for the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Whether AWS's own folder leads to it: then it is a part of what stands for the bucket.
    pub fn is_within_a_bucket(&self) -> bool {
        let full = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        full.components().any(|part| part.as_os_str() == "AWSLogs")
    }

    /// Every file, by key.
    pub fn list(&self) -> io::Result<Found> {
        let mut objects = Vec::new();
        let unreadable = self.each(|object| objects.push(object))?;
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Found {
            objects,
            unreadable,
        })
    }

    /// Hands on every file. Hidden files and those that end in `.tmp` are still being written. What below
    /// the directory cannot be looked into is told, each with the reason, and is no reason to leave the rest.
    pub fn each(&self, mut take: impl FnMut(ObjectRef)) -> io::Result<Vec<String>> {
        let mut unreadable = Vec::new();
        let mut folders = Folders::default();
        let mut found = Looked {
            take: &mut take,
            unreadable: &mut unreadable,
        };
        self.look_into(&self.root, &mut found, &mut folders)?;
        // A link may lead back to where it came from: each folder is entered once.
        let mut entered: HashSet<PathBuf> = fs::canonicalize(&self.root).into_iter().collect();
        while let Some(folder) = folders.next() {
            let looked = fs::canonicalize(&folder).and_then(|full| {
                if entered.insert(full) {
                    self.look_into(&folder, &mut found, &mut folders)
                } else {
                    Ok(())
                }
            });
            if let Err(error) = looked {
                let unreadable = format!("{}: {error}", folder.display());
                found.unreadable.push(unreadable);
            }
        }
        Ok(unreadable)
    }

    /// Whether this file of it can be opened, or why not.
    pub fn opens(&self, object: &ObjectRef) -> io::Result<()> {
        File::open(self.root.join(&object.key)).map(drop)
    }

    fn look_into(
        &self,
        folder: &Path,
        found: &mut Looked<'_>,
        folders: &mut Folders,
    ) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if hidden || name.as_encoded_bytes().ends_with(b".tmp") {
                continue;
            }
            let path = entry.path();
            // Follows links, so that a file mounted into place is a file.
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    let is_link = entry.file_type()?.is_symlink();
                    folders.add(path, is_link);
                }
                Ok(metadata) if metadata.is_file() => {
                    (found.take)(self.object(&path, &metadata));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => found
                    .unreadable
                    .push(format!("{}: {error}", path.display())),
            }
        }
        Ok(())
    }

    fn object(&self, path: &Path, metadata: &Metadata) -> ObjectRef {
        let key = path.strip_prefix(&self.root).unwrap_or(path);
        ObjectRef {
            bucket: self.bucket.clone(),
            key: key.to_string_lossy().into_owned(),
            version: version(metadata),
            size_bytes: Some(metadata.len()),
            written_at: written_at(metadata),
        }
    }
}

/// Where that goes which is found.
struct Looked<'a> {
    take: &'a mut dyn FnMut(ObjectRef),
    unreadable: &'a mut Vec<String>,
}

/// Folders that are to be looked into: first those that are there, then what links lead to, each in the order of
/// their names. What a link leads to may be there as well, and an object keeps its key.
#[derive(Debug, Default)]
struct Folders {
    there: BTreeSet<PathBuf>,
    linked: BTreeSet<PathBuf>,
}

impl Folders {
    fn add(&mut self, folder: PathBuf, is_link: bool) {
        let folders = if is_link {
            &mut self.linked
        } else {
            &mut self.there
        };
        folders.insert(folder);
    }

    fn next(&mut self) -> Option<PathBuf> {
        self.there.pop_first().or_else(|| self.linked.pop_first())
    }
}

#[async_trait]
impl Objects for Directory {
    async fn fetch(&self, object: &ObjectRef) -> Result<Body, FetchError> {
        let path = self.root.join(&object.key);
        let file = File::open(&path).map_err(|error| refused(&error))?;
        let whole = AsClaimed {
            version: object.version.clone(),
            file,
        };
        whole.is_it().map_err(|error| refused(&error))?;
        Ok(Box::new(BufReader::with_capacity(FILE_READ_BYTES, whole)))
    }

    async fn resolve(&self, object: &ObjectRef) -> Result<ObjectRef, FetchError> {
        let path = self.root.join(&object.key);
        let metadata = fs::metadata(&path).map_err(|error| refused(&error))?;
        Ok(self.object(&path, &metadata))
    }
}

fn written_at(metadata: &Metadata) -> Option<DateTime<Utc>> {
    metadata.modified().ok().map(DateTime::from)
}

/// What tells two contents of a file apart.
fn version(metadata: &Metadata) -> Version {
    let changed = written_at(metadata).and_then(|at| at.timestamp_nanos_opt());
    let changed = changed.unwrap_or_default();
    Version::of_etag(format!("{:x}-{changed:x}", metadata.len()))
}

/// A file that is still what was claimed when it has been read to its end: one that is written to in place
/// changes under the reader, and no open file shows that.
#[derive(Debug)]
struct AsClaimed {
    version: Version,
    file: File,
}

impl AsClaimed {
    /// The open file is asked: one that was replaced under its name is still whole.
    fn is_it(&self) -> io::Result<()> {
        if version(&self.file.metadata()?) == self.version {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::NotFound, FetchError::Missing))
    }
}

impl Read for AsClaimed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.is_it()?;
        }
        Ok(read)
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_written_to_while_it_is_read_is_missing_at_its_end() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::new(place.path());
        let (path, beside) = (place.path().join("1.log"), place.path().join(".2.log"));
        let long = vec![b'a'; 3 * FILE_READ_BYTES];
        fs::write(&path, &long).unwrap();
        let object = directory.list().unwrap().objects.remove(0);
        let mut bytes = Vec::new();

        // Put in its place: the open file is as it was.
        let mut body = directory.fetch(&object).await.unwrap();
        body.read_exact(&mut [0; 8]).unwrap();
        fs::write(&beside, "b").unwrap();
        fs::rename(&beside, &path).unwrap();
        assert_eq!(body.read_to_end(&mut bytes).unwrap(), long.len() - 8);

        fs::write(&path, &long).unwrap();
        let object = directory.list().unwrap().objects.remove(0);
        let mut body = directory.fetch(&object).await.unwrap();
        body.read_exact(&mut [0; 8]).unwrap();
        fs::write(&path, vec![b'b'; 2 * FILE_READ_BYTES]).unwrap();
        let error = body.read_to_end(&mut bytes).unwrap_err();
        let said = error.get_ref().and_then(|inner| inner.downcast_ref());
        assert!(matches!(said, Some(FetchError::Missing)), "{error:?}");
    }

    #[test]
    fn a_file_has_one_key_whatever_links_lead_to_it() {
        let place = tempfile::tempdir().unwrap();
        let (root, beside) = (place.path().join("logs"), place.path().join("beside"));
        for folder in [root.join("b/c"), beside.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        for file in [
            root.join("b/c/1.json"),
            root.join(".hidden"),
            root.join("2.tmp"),
            beside.join("3.json"),
        ] {
            fs::write(file, "{}").unwrap();
        }
        // To a folder that is there too, to one that is not, and back to where it came from.
        symlink(root.join("b/c"), root.join("a")).unwrap();
        symlink(&beside, root.join("linked")).unwrap();
        symlink(&root, root.join("b/up")).unwrap();
        symlink(root.join("nowhere"), root.join("broken")).unwrap();
        let found = Directory::new(&root).list().unwrap();
        let keys: Vec<&str> = found
            .objects
            .iter()
            .map(|object| object.key.as_str())
            .collect();
        assert_eq!(keys, ["b/c/1.json", "linked/3.json"]);
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    }
}
