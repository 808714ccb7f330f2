//! The files of a rollup that may hold windows since a time.
//!
//! In: a signal and two times. Out: a table of the rows that were published lately. Must hold: no
//! file with a row of a window since then is passed over; a lake of years is asked no more than one
//! of a day.
//!
//! Rows lie in the folder of their day, in files that are named after their batch, and a batch is
//! named after the time at which it was opened. A window cannot have been written before it began,
//! so files of older batches are not even listed.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat as _;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore as _};

use super::ROOT;
use crate::engine::Planned;
use crate::lake::Lake;
use crate::lake::batch::BatchId;
use crate::limits::BATCH_OPEN_MAX;

/// Files of one rollup.
#[derive(Debug)]
pub(super) struct Recent {
    schema: SchemaRef,
    files: Vec<ObjectMeta>,
}

impl Recent {
    /// Lists the days from `since` to `at`.
    pub(super) async fn list(
        planned: &Planned,
        lake: &Lake,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<Self, DataFusionError> {
        // Clocks of workers differ, and a batch is open for a while before its rows come.
        let opened = BatchId::lowest_at(since - BATCH_OPEN_MAX - lake.lease);
        let days = since.date_naive().iter_days();
        let mut files = Vec::new();
        for day in days.take_while(|day| *day <= at.date_naive()) {
            let folder = format!("{}/event_date={day}", planned.rollup_path());
            let after = Path::from(format!("{folder}/{}", opened.as_str()));
            let folder = Path::from(folder);
            let listed = lake.store.list_with_offset(Some(&folder), &after);
            let listed: Vec<_> = listed.try_collect().await?;
            let is_rows = |file: &ObjectMeta| file.location.extension() == Some("parquet");
            files.extend(listed.into_iter().filter(is_rows));
        }
        Ok(Self {
            schema: planned.rollup_schema(),
            files,
        })
    }
}

#[async_trait]
impl TableProvider for Recent {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        if self.files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => self.schema(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let format = ParquetFormat::default();
        let schema = TableSchema::from(Arc::clone(&self.schema));
        let files = self.files.iter().cloned().map(PartitionedFile::from);
        let groups =
            FileGroup::new(files.collect()).split_files(state.config().target_partitions());
        let scan =
            FileScanConfigBuilder::new(ObjectStoreUrl::parse(ROOT)?, format.file_source(schema))
                .with_file_groups(groups)
                .with_projection_indices(projection.cloned())?
                .with_limit(limit);
        format.create_physical_plan(state, scan.build()).await
    }
}
