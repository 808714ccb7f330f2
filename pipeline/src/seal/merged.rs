//! The files of one folder become one.
//!
//! In: a folder and its files. Out: sealed files, which nobody reads before a seal names them. Must hold: each row
//! of a file that is replaced is in one of them, but for the copies of events, which are counted; what cannot be
//! read, or would lose a column, stays as it is and is told.

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt as _;
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::errors::ParquetError;

use super::heap::{Heap, Merged};
use super::twins::Twins;
use super::{SealError, Sealing};
use crate::decode::Table;
use crate::lake::batch::BatchId;
use crate::lake::file::OpenFile;
use crate::lake::seals::{SealedFile, sealed_path};
use crate::lake::{Lake, LakeError};
use crate::limits::SEALED_FILE_BYTES_MAX;
use crate::query::explained::QueryError;
use crate::query::sorted::{Rows, is_of_the_store};

/// Why the files of a folder were not merged. They stay as they are.
#[derive(Debug, thiserror::Error)]
enum MergeError {
    #[error("their rows cannot be merged: {}", .0.find_root().strip_backtrace())]
    Query(#[from] QueryError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error("{read} rows were read and {written} written: report this as a bug")]
    Lost { read: u64, written: u64 },
}

impl From<arrow::error::ArrowError> for MergeError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Lake(LakeError::from(error))
    }
}

/// The files that rows are written to, one after another.
struct Parts<'a> {
    lake: &'a Lake,
    folder: &'a str,
    newest: &'a BatchId,
    /// In the names of the files.
    begun: String,
    open: Option<(String, OpenFile)>,
    done: Vec<SealedFile>,
}

impl Sealing<'_> {
    /// Merges the files of a folder. Nothing when less than two can be.
    pub(super) async fn merge(
        &mut self,
        folder: &str,
        heap: &Heap,
    ) -> Result<Option<Merged>, SealError> {
        let Some(rows) = Rows::of(folder, self.engine) else {
            let (rollup, _) = folder.rsplit_once('/').unwrap_or((folder, ""));
            let why = "no signal of this name is known, so that its rows cannot be merged: name the configuration file that its signals are in";
            if !self.report.unsealed.iter().any(|one| one.place == rollup) {
                self.leave(rollup, why);
            }
            return Ok(None);
        };
        let Some(inputs) = self.fit(rows, heap).await? else {
            return Ok(None);
        };
        match self.write(rows, folder, &inputs).await {
            Ok(files) => {
                let is_sealed = |path: &str| heap.sealed.iter().any(|file| file.path == path);
                let (sealed, published): (Vec<_>, Vec<_>) = inputs
                    .into_iter()
                    .map(|file| file.location)
                    .partition(|path| is_sealed(path.as_ref()));
                Ok(Some(Merged {
                    published: published.into_iter().collect(),
                    sealed: sealed.iter().map(Path::to_string).collect(),
                    files,
                }))
            }
            // None of these is of the folder: the next would fail as well.
            Err(MergeError::Lake(
                error @ (LakeError::Store(_) | LakeError::Parquet(ParquetError::External(_))),
            )) => Err(error.into()),
            Err(MergeError::Query(error)) if is_of_the_store(&error) => Err(error.into()),
            Err(error) => {
                self.leave(folder, error.to_string());
                Ok(None)
            }
        }
    }

    /// The files that can be written again as they are; nothing when there is nothing to merge.
    async fn fit(
        &mut self,
        rows: Rows<'_>,
        heap: &Heap,
    ) -> Result<Option<Vec<ObjectMeta>>, SealError> {
        let sealed = heap.sealed.iter().map(|file| ObjectMeta {
            location: Path::from(file.path.as_str()),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: file.bytes,
            e_tag: None,
            version: None,
        });
        let inputs: Vec<ObjectMeta> = sealed.chain(heap.published.iter().cloned()).collect();
        let unfit = self.sorter.unfit(rows, &inputs).await;
        let mut fit = Vec::new();
        for (file, unfit) in inputs.into_iter().zip(unfit?) {
            match unfit {
                None => fit.push(file),
                Some(why) => self.leave(file.location.to_string(), why),
            }
        }
        Ok((fit.len() > 1).then_some(fit))
    }

    /// Writes the rows of the files into new ones.
    async fn write(
        &mut self,
        rows: Rows<'_>,
        folder: &str,
        inputs: &[ObjectMeta],
    ) -> Result<Vec<SealedFile>, MergeError> {
        let newest = inputs.iter().filter_map(|file| newest_in(&file.location));
        let Some(newest) = newest.max() else {
            return Ok(Vec::new());
        };
        let mut parts = Parts {
            lake: self.lake,
            folder,
            newest: &newest,
            begun: self.lake.clock.unique().to_string(),
            open: None,
            done: Vec::new(),
        };
        let is_events = matches!(rows, Rows::Records(Table::Cloudtrail));
        let (mut twins, mut read) = (Twins::default(), 0);
        let mut stream = self.sorter.rows(rows, inputs.to_vec()).await?;
        while let Some(batch) = stream.try_next().await? {
            read += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            let batch = if is_events {
                twins.without(batch)?
            } else {
                batch
            };
            parts.append(rows, &batch).await?;
        }
        let files = parts.finish().await?;
        let written: u64 = files.iter().map(|file| file.rows).sum();
        if written + twins.copies != read {
            return Err(MergeError::Lost { read, written });
        }
        let report = &mut self.report;
        report.folders += 1;
        report.files_before += u64::try_from(inputs.len()).unwrap_or(u64::MAX);
        report.bytes_before += inputs.iter().map(|file| file.size).sum::<u64>();
        report.files_after += u64::try_from(files.len()).unwrap_or(u64::MAX);
        report.bytes_after += files.iter().map(|file| file.bytes).sum::<u64>();
        report.rows += written;
        report.copies += twins.copies;
        Ok(files)
    }
}

impl Parts<'_> {
    async fn append(&mut self, rows: Rows<'_>, batch: &RecordBatch) -> Result<(), MergeError> {
        // Not null in the file, and perhaps null as the query has it.
        let batch = RecordBatch::try_new(rows.schema(), batch.columns().to_vec())?;
        let (_, file) = match &mut self.open {
            Some(open) => open,
            open => {
                let part = self.done.len();
                let path = sealed_path(self.folder, self.newest, &self.begun, part);
                let at = Path::from(path.as_str());
                let file = OpenFile::create(self.lake, at, self.folder, rows.schema())?;
                open.insert((path, file))
            }
        };
        file.append(&batch).await?;
        if file.written().bytes >= SEALED_FILE_BYTES_MAX {
            self.close().await?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), MergeError> {
        if let Some((path, file)) = self.open.take() {
            let written = file.finish().await?;
            self.done.push(SealedFile {
                path,
                rows: written.rows,
                bytes: written.bytes,
            });
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<SealedFile>, MergeError> {
        self.close().await?;
        Ok(self.done)
    }
}

/// The newest batch whose rows are in a file, by its name.
fn newest_in(file: &Path) -> Option<BatchId> {
    BatchId::of_file(file).or_else(|| BatchId::parse(file.filename()?.get(..36)?))
}
