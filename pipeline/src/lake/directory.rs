//! What a lake in a directory does otherwise than one in a bucket: how a staged file gets its name, and that
//! nobody else clears up behind a batch.
//!
//! In: paths in the lake. Out: a file under its second name; a batch's staging, gone. Must hold: a reader
//! that takes every file of a folder sees each row once, whoever died while the file was named.

use std::io::ErrorKind;

use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _};

use super::batch::BatchId;
use super::{Lake, protocol_path};

impl Lake {
    /// Gives a staged file its name in a table as well. Done before is done.
    ///
    /// `object_store` overwrites by way of a third name, which it renames. A rename to another name of the same
    /// file does nothing, by POSIX, so that the third one would stay in the table after a second attempt.
    /// A file's name has its batch in it: what has it already is the file.
    pub(super) async fn give_name(&self, staged: &Path, published: &Path) -> Result<(), Error> {
        if self.directory.is_none() {
            // The copy is whole or absent on S3.
            return self.store.copy(staged, published).await;
        }
        match self.store.copy_if_not_exists(staged, published).await {
            Err(Error::AlreadyExists { .. }) => Ok(()),
            done => done,
        }
    }

    /// Removes what is left of a batch's staging in a directory: folders, and files that were not written to
    /// their end, which the store does not list. In a bucket nothing is left but what lifecycle rules take.
    pub(super) async fn clear_staging(&self, batch: &BatchId) {
        let Some(directory) = &self.directory else {
            return;
        };
        let staging = directory.join(protocol_path(&["staging", batch.as_str()]).as_ref());
        match tokio::fs::remove_dir_all(&staging).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // It costs storage, not rows.
            Err(error) => tracing::debug!(%batch, %error, "something of its staging is left"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::PutPayload;
    use object_store::local::LocalFileSystem;

    use super::*;
    use crate::lake::batch::StagedFile;

    #[tokio::test]
    async fn a_file_that_was_named_before_has_one_name_in_its_table() {
        let place = tempfile::tempdir().unwrap();
        let mut lake = Lake::in_memory();
        lake.store = Arc::new(LocalFileSystem::new_with_prefix(place.path()).unwrap());
        lake.directory = Some(place.path().to_owned());
        let batch = BatchId::new(lake.clock.as_ref());
        let staging = place.path().join("_trailflow/staging").join(batch.as_str());
        let file = StagedFile {
            staged: format!("_trailflow/staging/{batch}/rows/{batch}.parquet"),
            published: format!("rows/{batch}.parquet"),
            rows: 1,
            bytes: 1,
        };
        let staged = Path::from(file.staged.as_str());
        lake.store
            .put(&staged, PutPayload::from_static(b"1"))
            .await
            .unwrap();
        // Whoever died had named the file, and had begun another.
        std::fs::create_dir_all(place.path().join("rows")).unwrap();
        std::fs::hard_link(
            place.path().join(&file.staged),
            place.path().join(&file.published),
        )
        .unwrap();
        std::fs::write(staging.join("rows/other.parquet#1"), "half").unwrap();

        for _again in 0..2 {
            lake.publish(&batch, std::slice::from_ref(&file))
                .await
                .unwrap();
            let names: Vec<_> = std::fs::read_dir(place.path().join("rows"))
                .unwrap()
                .collect();
            assert_eq!(names.len(), 1, "{names:?}");
            assert!(!staging.exists());
        }
    }
}
