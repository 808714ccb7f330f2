//! Files of the lake that somebody chose, as a table.
//!
//! In: a schema and files. Out: their rows. Must hold: no file but those is read; a column that a file lacks is
//! empty in its rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
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
use object_store::ObjectMeta;

use super::ROOT;

/// Files of one schema.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) schema: SchemaRef,
    pub(super) files: Vec<ObjectMeta>,
}

#[async_trait]
impl TableProvider for Files {
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
