//! The files of one folder become few.
//!
//! In: a folder and its files. Out: sealed files, which nobody reads before a seal names them. Must hold: each row
//! of a file that is replaced is in one of them, but for the copies of events, which are counted; what a rollup's
//! rows add up to stays the same; what cannot be read, or would lose a column, stays as it is and is told.

use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use futures::TryStreamExt as _;
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::errors::ParquetError;

use super::groups::{Input, Plan, plan};
use super::heap::{Heap, Merged};
use super::twins::Twins;
use super::{SealError, Sealing};
use crate::decode::Table;
use crate::lake::LakeError;
use crate::lake::file::OpenFile;
use crate::lake::seals::{SealedFile, newest_in, sealed_path};
use crate::query::explained::QueryError;
use crate::query::sorted::{AtATime, Rows, Totals, is_of_the_store};

/// Why the files of a folder were not merged. They stay as they are.
#[derive(Debug, thiserror::Error)]
enum MergeError {
    #[error("their rows cannot be merged: {}. More memory (pipeline.memory_bytes_max) or room in TMPDIR may help", .0.find_root().strip_backtrace())]
    Query(#[from] QueryError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error("{read} rows were read and {written} written: report this as a bug")]
    Lost { read: u64, written: u64 },
    #[error(
        "they add up to {before:?}, and to {after:?} when they are merged: report this as a bug"
    )]
    Differs { before: Totals, after: Totals },
}

impl From<arrow::error::ArrowError> for MergeError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Lake(LakeError::from(error))
    }
}

/// Where rows go, and how.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    folder: &'a str,
    path: &'a str,
    at_a_time: AtATime,
}

impl Sealing<'_> {
    /// Merges the files of a folder. Nothing when none can be that is not sealed.
    pub(super) async fn merge(
        &mut self,
        folder: &str,
        heap: &Heap,
    ) -> Result<Option<Merged>, SealError> {
        let Some(rows) = Rows::of(folder, self.engine) else {
            let (rollup, _) = folder.rsplit_once('/').unwrap_or((folder, ""));
            let why = "no signal of this name is known, so that its rows cannot be merged: name the configuration file that its signals are in, or delete the folder if the signal is gone for good";
            if !self.report.unsealed.iter().any(|one| one.place == rollup) {
                self.leave(rollup, why);
            }
            return Ok(None);
        };
        let inputs = self.fit(rows, heap).await?;
        let plan = plan(inputs, self.input_bytes_max);
        if plan.groups.is_empty() {
            return Ok(None);
        }
        match self.write_all(rows, folder, &plan).await {
            Ok(merged) => Ok(Some(merged)),
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

    /// The files that can be written again as they are.
    async fn fit(&mut self, rows: Rows<'_>, heap: &Heap) -> Result<Vec<Input>, SealError> {
        let sealed = heap.sealed.iter().map(|file| Input {
            file: file.listed_at(Path::from(file.path.as_str()), DateTime::UNIX_EPOCH),
            is_sealed: true,
        });
        let published = heap.published.iter().cloned().map(|file| Input {
            file,
            is_sealed: false,
        });
        let inputs: Vec<Input> = sealed.chain(published).collect();
        let files: Vec<ObjectMeta> = inputs.iter().map(|input| input.file.clone()).collect();
        let unfit = self.sorter.unfit(rows, &files).await?;
        let mut fit = Vec::new();
        for (input, unfit) in inputs.into_iter().zip(unfit) {
            match unfit {
                None => fit.push(input),
                Some(why) => self.leave(input.file.location.to_string(), why),
            }
        }
        Ok(fit)
    }

    /// Writes the rows of each group into a file.
    async fn write_all(
        &self,
        rows: Rows<'_>,
        folder: &str,
        plan: &Plan,
    ) -> Result<Merged, MergeError> {
        let mut twins = Twins::default();
        if matches!(rows, Rows::Records(Table::Cloudtrail)) {
            let merged = plan.groups.iter().flatten();
            let merged = merged.map(|input| input.file.clone()).collect();
            twins = Twins::of(self.sorter.twins(merged, plan.stay.clone()).await?);
        }
        let begun = self.lake.clock.unique().to_string();
        let mut merged = Merged::default();
        for (part, group) in plan.groups.iter().enumerate() {
            let newest = group
                .iter()
                .filter_map(|input| newest_in(&input.file.location));
            let Some(newest) = newest.max() else {
                continue;
            };
            let path = sealed_path(folder, &newest, &begun, part);
            let files: Vec<_> = group.iter().map(|input| input.file.clone()).collect();
            let target = Target {
                folder,
                path: &path,
                at_a_time: AtATime::Many,
            };
            let before = twins.clone();
            let mut file = self.write(rows, files.clone(), target, &mut twins).await;
            if let Err(MergeError::Query(error)) = &file
                && !is_of_the_store(error)
            {
                tracing::debug!(folder, %error, "merged anew, few rows at a time");
                let target = Target {
                    at_a_time: AtATime::Few,
                    ..target
                };
                twins = before;
                file = self.write(rows, files, target, &mut twins).await;
            }
            merged.files.push(file?);
            for Input { file, is_sealed } in group {
                merged.bytes += file.size;
                if *is_sealed {
                    merged.sealed.insert(file.location.to_string());
                } else {
                    merged.published.insert(file.location.clone());
                }
            }
        }
        merged.copies = twins.copies;
        Ok(merged)
    }

    /// Writes the rows of some files into one.
    async fn write(
        &self,
        rows: Rows<'_>,
        files: Vec<ObjectMeta>,
        target: Target<'_>,
        twins: &mut Twins,
    ) -> Result<SealedFile, MergeError> {
        let path = Path::from(target.path);
        let mut file = OpenFile::create(self.lake, path, target.folder, rows.schema())?;
        let before = self.sorter.totals(rows, files.clone()).await?;
        let (mut after, mut read, copies) = (Totals::of(rows), 0, twins.copies);
        let mut stream = self.sorter.rows(rows, files, target.at_a_time).await?;
        while let Some(batch) = stream.try_next().await? {
            read += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            let batch = twins.without(batch)?;
            after.add(&batch);
            // Not null in the file, and perhaps null as the query has it.
            let batch = RecordBatch::try_new(rows.schema(), batch.columns().to_vec())?;
            file.append(&batch).await?;
        }
        let written = file.finish().await?;
        if written.rows + (twins.copies - copies) != read {
            let written = written.rows;
            return Err(MergeError::Lost { read, written });
        }
        if before != after {
            return Err(MergeError::Differs { before, after });
        }
        Ok(SealedFile {
            path: target.path.to_owned(),
            rows: written.rows,
            bytes: written.bytes,
        })
    }
}
