//! The files of a rollup that may hold windows since a time.
//!
//! In: a signal and two times. Out: the files of rows that were published lately. Must hold: no
//! file with a row of a window since then is passed over; a lake of years is asked no more than one
//! of a day.
//!
//! Rows lie in the folder of their day, in files that are named after their batch, and a batch is
//! named after the time at which it was opened; a sealed file after the newest batch that is in it. A window cannot have been written before it began,
//! so files of older batches are not even listed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::files::Files;
use crate::engine::Planned;
use crate::lake::batch::BatchId;
use crate::limits::BATCH_OPEN_MAX;

/// Lists the days from `since` to `at`, in the lake as readers see it.
pub(super) async fn list(
    planned: &Planned,
    lake: &dyn ObjectStore,
    lease: Duration,
    since: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<Files, DataFusionError> {
    // Clocks of workers differ, and a batch is open for a while before its rows come.
    let opened = BatchId::lowest_at(since - BATCH_OPEN_MAX - lease);
    let days = since.date_naive().iter_days();
    let mut files = Vec::new();
    for day in days.take_while(|day| *day <= at.date_naive()) {
        let folder = format!("{}/event_date={day}", planned.rollup_path());
        let after = Path::from(format!("{folder}/{}", opened.as_str()));
        let folder = Path::from(folder);
        let listed = lake.list_with_offset(Some(&folder), &after);
        let listed: Vec<_> = listed.try_collect().await?;
        let is_rows = |file: &ObjectMeta| file.location.extension() == Some("parquet");
        files.extend(listed.into_iter().filter(is_rows));
    }
    Ok(Files {
        schema: planned.rollup_schema(),
        files,
    })
}
