//! Parquet files whose errors say which file it is.
//!
//! In: a file of the lake. Out: what [`ParquetFormat`] says of it. Must hold: an error in a footer, which a
//! file that was cut or overwritten has, names the file: a lake has a hundred thousand of them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Statistics;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::file_format::{FileFormat, FileMeta};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};

/// The lake's files.
#[derive(Debug, Default)]
pub(super) struct LakeFiles(ParquetFormat);

/// The error, and which file it is about.
fn of(object: &ObjectMeta) -> impl FnOnce(DataFusionError) -> DataFusionError {
    let file = object.location.to_string();
    move |error| error.context(format!("{file} cannot be read"))
}

#[async_trait]
impl FileFormat for LakeFiles {
    fn get_ext(&self) -> String {
        self.0.get_ext()
    }

    fn get_ext_with_compression(
        &self,
        compression: &FileCompressionType,
    ) -> Result<String, DataFusionError> {
        self.0.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.0.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef, DataFusionError> {
        self.0.infer_schema(state, store, objects).await
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics, DataFusionError> {
        let found = self.0.infer_stats(state, store, schema, object).await;
        found.map_err(of(object))
    }

    async fn infer_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Option<LexOrdering>, DataFusionError> {
        let found = self.0.infer_ordering(state, store, schema, object).await;
        found.map_err(of(object))
    }

    async fn infer_stats_and_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<FileMeta, DataFusionError> {
        let found = self
            .0
            .infer_stats_and_ordering(state, store, schema, object);
        found.await.map_err(of(object))
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        scan: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        self.0.create_physical_plan(state, scan).await
    }

    fn file_source(&self, schema: TableSchema) -> Arc<dyn FileSource> {
        self.0.file_source(schema)
    }
}
