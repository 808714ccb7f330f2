//! The lake as signals over rollups see it: the views of the other signals, as far back as asked.
//!
//! In: a lake, and the moment of a run. Out: the rows of a scheduled signal. Must hold: only the
//! days that are asked for are listed and read; each run lists them anew, so that it sees what was
//! published since the run before.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::cache::cache_manager::{CacheManagerConfig, FileMetadataCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use super::kept::{KeepingStore, KeptFiles};
use super::{recent, register_store};
use crate::engine::Engine;
use crate::engine::scheduled::{self, Scheduled};
use crate::lake::Lake;
use crate::lake::as_sealed::AsSealed;
use crate::limits::{SCHEDULE_FILES_BYTES_MAX, SCHEDULE_FOOTERS_BYTES_MAX};

/// Runs signals over rollups, within one budget of memory.
#[derive(Debug)]
pub struct Rollups {
    memory: Arc<dyn MemoryPool>,
    /// Footers of files, which do not change once they are published.
    footers: Arc<FileMetadataCache>,
    /// And the files.
    files: Arc<KeptFiles>,
}

impl Rollups {
    /// All runs together hold at most so many bytes.
    pub fn new(memory_bytes_max: usize) -> Self {
        Self {
            memory: Arc::new(GreedyMemoryPool::new(memory_bytes_max)),
            footers: Arc::new(DefaultCache::new(SCHEDULE_FOOTERS_BYTES_MAX)),
            files: Arc::new(KeptFiles::new(SCHEDULE_FILES_BYTES_MAX)),
        }
    }

    /// What one run works in. Nothing but files and their footers outlives it: a listing that did would hide all
    /// that is published later. A service may have no disk to spill to, so none is used.
    fn runtime(&self) -> Result<Arc<RuntimeEnv>, DataFusionError> {
        let caches = CacheManagerConfig::default()
            .with_list_files_cache_limit(0)
            .with_file_statistics_cache_limit(0)
            .with_metadata_cache_limit(SCHEDULE_FOOTERS_BYTES_MAX)
            .with_file_metadata_cache(Some(Arc::clone(&self.footers)));
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&self.memory))
            .with_disk_manager_builder(disk)
            .with_cache_manager(caches)
            .build_arc()
    }

    /// The rows of one signal at this moment.
    pub async fn rows(
        &self,
        signal: &Scheduled,
        lake: &Lake,
        engine: &Engine,
        at: DateTime<Utc>,
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        let session = scheduled::session(engine.reference(), at, &self.runtime()?)?;
        let store = KeepingStore {
            store: Arc::clone(&lake.store),
            files: Arc::clone(&self.files),
        };
        let store = Arc::new(AsSealed::new(Arc::new(store), Arc::clone(&lake.clock)));
        register_store(&session, Arc::<AsSealed>::clone(&store))?;
        let since = at - Duration::from_secs(signal.schedule().over_seconds);
        for planned in engine.signals() {
            let Some(view) = planned.view_sql_since(since) else {
                continue;
            };
            // A view that the query does not name costs nothing more than its planning.
            if !signal.may_name(planned.name()) {
                continue;
            }
            let files = recent::list(planned, store.as_ref(), lake.lease, since, at).await?;
            session.register_table(planned.rollup_table(), Arc::new(files))?;
            let view = session.sql(&view).await?.into_view();
            session.register_table(planned.name(), view)?;
        }
        signal.run(&session).await
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Int64Type;
    use arrow::json::ReaderBuilder;
    use object_store::{ObjectStoreExt as _, path::Path};
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::config::Reference;
    use crate::lake::batch::BatchId;
    use crate::limits::SCHEDULE_BYTES_MAX;
    use crate::signal::Catalog;

    /// 2026-01-06T12:00:00Z.
    const AT: i64 = 1_767_700_800;

    async fn engine() -> Engine {
        let mut catalog = Catalog::built_in().unwrap();
        let wanted = |name: &str| matches!(name, "long_lived_keys" | "long_lived_key_age");
        catalog.signals.retain(|signal| wanted(&signal.header.name));
        Engine::new(catalog, &Reference::default(), SCHEDULE_BYTES_MAX)
            .await
            .unwrap()
    }

    /// A file of one use of a key, as a batch publishes it.
    async fn publish(lake: &Lake, engine: &Engine, opened: i64, last_seen: i64) {
        let line = format!(
            r#"{{"window_start":"2026-01-06T11:55:00Z","account_id":"1","user_name":"backup",
            "service":"s3","access_key_id":"AKIA1","calls":1,"first_seen":1,"last_seen":{last_seen}}}"#
        );
        let schema = engine.signals()[0].rollup_schema();
        let mut reader = ReaderBuilder::new(Arc::clone(&schema))
            .build(line.as_bytes())
            .unwrap();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, schema, None).unwrap();
        writer.write(&reader.next().unwrap().unwrap()).unwrap();
        writer.close().unwrap();
        let batch = BatchId::lowest_at(DateTime::from_timestamp(opened, 0).unwrap());
        let batch = batch.as_str();
        let path = format!("rollups/long_lived_keys/event_date=2026-01-06/{batch}.parquet");
        let path = Path::from(path);
        lake.store.put(&path, file.into()).await.unwrap();
    }

    #[tokio::test]
    async fn a_run_sees_what_was_published_after_the_run_before() {
        let lake = Lake::in_memory();
        let engine = engine().await;
        let rollups = Rollups::new(SCHEDULE_BYTES_MAX);
        let at = DateTime::from_timestamp(AT, 0).unwrap();
        // Of a batch that was opened long before any window that is looked at: not even read.
        publish(&lake, &engine, AT - 40 * 86_400, AT - 50).await;
        for last_seen in [AT - 300, AT - 200, AT - 100] {
            publish(&lake, &engine, last_seen, last_seen).await;
            let signal = &engine.scheduled()[0];
            let rows = rollups.rows(signal, &lake, &engine, at).await.unwrap();
            let age = rows[0].column_by_name("last_use_seconds").unwrap();
            assert_eq!(age.as_primitive::<Int64Type>().value(0), last_seen);
        }
    }
}
