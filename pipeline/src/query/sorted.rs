//! The rows of many files, merged and in order, as a sealed file has them.
//!
//! In: files of one folder. Out: their rows: of events all, of a rollup one a grain. Must hold: memory is bounded,
//! and what is more is spilled to disk, however many cores there are; a file with a column that would not be written again is told apart before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::ArrowSchemaConverter;
use parquet::schema::types::SchemaDescriptor;

use super::files::Files;
use super::kept::{KeepingStore, KeptFiles};
use super::{TIME_ZONE, register_store};
use crate::decode::Table;
use crate::engine::{Engine, Planned, quoted};
use crate::lake::{Lake, ingest_log};
use crate::limits::{
    SEAL_KEPT_BYTES_MAX, SEAL_PARTITION_BYTES, SEAL_PARTITIONS_MAX, SEAL_READS_MAX,
    SEAL_ROWS_AT_A_TIME, SEAL_TWIN_PARTS, SEAL_WIDE_ROWS_AT_A_TIME,
};
use crate::signal::Merge;

/// What the files of a folder hold.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Records of logs.
    Records(Table),
    /// Partial rows of a signal.
    Partial(&'a Planned),
    /// What became of objects.
    IngestLog,
    /// What could not be read.
    Quarantine,
}

impl<'a> Rows<'a> {
    /// Those of a folder, by its path in the lake; nothing when no table and no signal has it.
    pub fn of(folder: &str, engine: &'a Engine) -> Option<Self> {
        let (table, below) = folder.split_once('/')?;
        match table {
            "ingest_log" => Some(Self::IngestLog),
            "quarantine" => Some(Self::Quarantine),
            "rollups" => {
                let (name, _) = below.split_once('/')?;
                let has_rows = |one: &&Planned| one.name() == name && one.view_sql().is_some();
                engine.signals().iter().find(has_rows).map(Self::Partial)
            }
            _ => Table::ALL
                .into_iter()
                .find(|one| one.name() == table)
                .map(Self::Records),
        }
    }

    /// The columns of the files.
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Records(table) => table.schema(),
            Self::Partial(planned) => planned.rollup_schema(),
            Self::IngestLog => ingest_log::schema(),
            Self::Quarantine => ingest_log::quarantine_schema(),
        }
    }

    /// The columns that rows are sorted by. Two rows of one event stand beside each other.
    fn order(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Records(Table::Cloudtrail) => &["event_time", "event_id", "src_key"],
            Self::Records(Table::FlowLogs) => &["ts_end", "interface_id", "src_key"],
            Self::Records(Table::TransitGatewayFlowLogs) => &["ts_end", "src_key"],
            Self::IngestLog => &["committed_at", "source"],
            Self::Quarantine => &["quarantined_at", "source", "position"],
            Self::Partial(planned) => {
                let rollup = planned.signal.header.rollup.as_ref();
                return rollup.map_or_else(Vec::new, |rollup| rollup.grain.clone());
            }
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The query of its rows, over the table that its files are.
    fn sql(self, table: &str) -> String {
        let columns = self.schema();
        let columns = columns.fields().iter().map(|field| quoted(field.name()));
        let columns: Vec<String> = columns.collect();
        let order: Vec<String> = self.order().iter().map(|name| quoted(name)).collect();
        let from = match self {
            Self::Partial(planned) => planned.view_sql(),
            _ => None,
        };
        let from = from.map_or_else(|| table.to_owned(), |merge| format!("({merge})"));
        let (columns, order) = (columns.join(", "), order.join(", "));
        format!("SELECT {columns} FROM {from} ORDER BY {order}")
    }

    /// The whole numbers that merging adds up: their totals stay.
    pub fn added(self) -> Vec<String> {
        let Self::Partial(planned) = self else {
            return Vec::new();
        };
        let schema = planned.rollup_schema();
        let is_whole = |name: &str| {
            let field = schema.field_with_name(name);
            field.is_ok_and(|field| *field.data_type() == DataType::Int64)
        };
        let rollup = planned.signal.header.rollup.as_ref();
        let measures = rollup.iter().flat_map(|rollup| &rollup.measures);
        let added = measures.filter(|(name, merge)| **merge == Merge::Sum && is_whole(name));
        added.map(|(name, _)| name.clone()).collect()
    }

    /// The name of the table that its files are.
    fn table(self) -> String {
        match self {
            Self::Partial(planned) => planned.rollup_table(),
            _ => String::from("published"),
        }
    }
}

/// How many rows are sorted at a time: so many and a copy of them must have room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtATime {
    /// As many as cost least.
    Many,
    /// So few that there is room for wide ones. Files do not tell how wide their rows are.
    Few,
}

impl AtATime {
    fn rows(self) -> usize {
        match self {
            Self::Many => SEAL_ROWS_AT_A_TIME,
            Self::Few => SEAL_WIDE_ROWS_AT_A_TIME,
        }
    }
}

/// Merges and sorts files of a lake.
#[derive(Debug)]
pub struct Sorter {
    store: Arc<dyn ObjectStore>,
    memory_bytes_max: usize,
}

impl Sorter {
    /// At most so many bytes are in memory, and beside them small files, which are read once.
    pub fn new(lake: &Lake, memory_bytes_max: usize) -> Self {
        let store = KeepingStore {
            store: Arc::clone(&lake.store),
            files: Arc::new(KeptFiles::new(SEAL_KEPT_BYTES_MAX)),
        };
        Self {
            store: Arc::new(store),
            memory_bytes_max,
        }
    }

    /// Why files cannot be written again as they are; they are in the order of the files, those that can are
    /// nothing.
    pub async fn unfit(
        &self,
        rows: Rows<'_>,
        files: &[ObjectMeta],
    ) -> Result<Vec<Option<String>>, DataFusionError> {
        let schema = ArrowSchemaConverter::new().convert(&plain(&rows.schema()))?;
        let known = leaves(&schema);
        let mut looked = Vec::new();
        for file in files {
            looked.push(self.strange(file, &known));
        }
        let looked = stream::iter(looked).buffered(SEAL_READS_MAX);
        looked.try_collect().await
    }

    /// Why a file cannot be written again with these columns.
    async fn strange(
        &self,
        file: &ObjectMeta,
        known: &BTreeSet<String>,
    ) -> Result<Option<String>, DataFusionError> {
        let read = DFParquetMetadata::new(self.store.as_ref(), file);
        let metadata = match read.fetch_metadata().await {
            Ok(metadata) => metadata,
            Err(error) if is_gone(&error) => {
                let why = "it is gone, and every query of its folder fails: bring it back, or delete the seals of its day";
                return Ok(Some(why.to_owned()));
            }
            Err(error) if is_of_the_store(&error) => return Err(error),
            Err(error) => return Ok(Some(error.find_root().strip_backtrace())),
        };
        let found = leaves(metadata.file_metadata().schema_descr());
        let strange = found.difference(known).next();
        Ok(strange
            .map(|column| format!("it has the column {column}, which this version does not write")))
    }

    /// The events that have more than one row in these files; true where one of them is in a file that stays.
    pub async fn twins(
        &self,
        files: Vec<ObjectMeta>,
        stay: Vec<ObjectMeta>,
    ) -> Result<HashMap<String, bool>, DataFusionError> {
        let rows = Rows::Records(Table::Cloudtrail);
        let session = self.session(AtATime::Many)?;
        let schema = rows.schema();
        for (name, files) in [("files", files), ("stay", stay)] {
            let schema = Arc::clone(&schema);
            session.register_table(name, Arc::new(Files { schema, files }))?;
        }
        let mut twins = HashMap::new();
        // A part of the ids at a time: each is held.
        for part in 0..SEAL_TWIN_PARTS {
            let sql = format!(
                "SELECT event_id, bool_or(stays) FROM (SELECT event_id, false AS stays FROM files UNION ALL \
                 SELECT event_id, true FROM stay) WHERE ascii(right(event_id, 1)) % {SEAL_TWIN_PARTS} = {part} \
                 GROUP BY event_id HAVING count(*) > 1"
            );
            let mut found = session.sql(&sql).await?.execute_stream().await?;
            while let Some(rows) = found.try_next().await? {
                let (ids, stays) = (rows.column(0).as_string::<i32>(), rows.column(1));
                let pairs = ids.iter().zip(stays.as_boolean());
                twins.extend(pairs.filter_map(|(id, stays)| Some((id?.to_owned(), stays?))));
            }
        }
        Ok(twins)
    }

    /// The totals of what merging adds up, over the rows of the files as they are.
    pub async fn totals(
        &self,
        rows: Rows<'_>,
        files: Vec<ObjectMeta>,
    ) -> Result<Totals, DataFusionError> {
        let mut totals = Totals::of(rows);
        if totals.0.is_empty() {
            return Ok(totals);
        }
        let sums = totals
            .0
            .keys()
            .map(|name| format!("sum({0}) AS {0}", quoted(name)));
        let sums = sums.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {sums} FROM {}", rows.table());
        let mut stream = self.run(rows, files, &sql, AtATime::Many).await?;
        while let Some(sums) = stream.try_next().await? {
            totals.add(&sums);
        }
        Ok(totals)
    }

    /// The rows of the files, merged and sorted.
    pub async fn rows(
        &self,
        rows: Rows<'_>,
        files: Vec<ObjectMeta>,
        at_a_time: AtATime,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let sql = rows.sql(&rows.table());
        self.run(rows, files, &sql, at_a_time).await
    }

    async fn run(
        &self,
        rows: Rows<'_>,
        files: Vec<ObjectMeta>,
        sql: &str,
        at_a_time: AtATime,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let session = self.session(at_a_time)?;
        let schema = rows.schema();
        session.register_table(rows.table(), Arc::new(Files { schema, files }))?;
        session.sql(sql).await?.execute_stream().await
    }

    /// With memory of its own: what one that failed still holds must not fail the next. As many partitions as
    /// memory bears: each sorts for itself.
    fn session(&self, at_a_time: AtATime) -> Result<SessionContext, DataFusionError> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.memory_bytes_max)))
            .build_arc()?;
        let partitions =
            (self.memory_bytes_max / SEAL_PARTITION_BYTES).clamp(1, SEAL_PARTITIONS_MAX);
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(at_a_time.rows());
        config.options_mut().execution.time_zone = Some(String::from(TIME_ZONE));
        let session = SessionContext::new_with_config_rt(config, runtime);
        register_store(&session, Arc::clone(&self.store))?;
        Ok(session)
    }
}

/// Totals of what merging adds up, by the name of the measure.
#[derive(Debug, PartialEq, Eq)]
pub struct Totals(BTreeMap<String, i64>);

impl Totals {
    /// Nothing yet.
    pub fn of(rows: Rows<'_>) -> Self {
        Self(rows.added().into_iter().map(|name| (name, 0)).collect())
    }

    /// With these rows.
    pub fn add(&mut self, rows: &RecordBatch) {
        for (name, total) in &mut self.0 {
            let column = rows.column_by_name(name);
            let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
            let more = column.and_then(arrow::compute::sum).unwrap_or_default();
            // As sums are in the engine.
            *total = total.wrapping_add(more);
        }
    }
}

/// Whether the store failed, and nothing is known of what it holds.
pub fn is_of_the_store(error: &DataFusionError) -> bool {
    of_the_store(error).is_some()
}

/// Whether the file is not there.
fn is_gone(error: &DataFusionError) -> bool {
    matches!(
        of_the_store(error),
        Some(object_store::Error::NotFound { .. })
    )
}

fn of_the_store(error: &DataFusionError) -> Option<&object_store::Error> {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(one) = cause {
        if let Some(boxed) = one.downcast_ref::<Box<object_store::Error>>() {
            return Some(boxed.as_ref());
        }
        if let Some(store) = one.downcast_ref() {
            return Some(store);
        }
        cause = one.source();
    }
    None
}

/// A schema as files have it: texts that are dictionaries in memory are plain there.
fn plain(schema: &SchemaRef) -> arrow::datatypes::Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, text) => {
            let field = field.as_ref().clone();
            Arc::new(field.with_data_type(text.as_ref().clone()))
        }
        _ => Arc::clone(field),
    });
    arrow::datatypes::Schema::new(fields.collect::<Vec<_>>())
}

/// The columns of a file: what is read back has the same names and types.
fn leaves(schema: &SchemaDescriptor) -> BTreeSet<String> {
    let columns = schema.columns().iter().map(|column| {
        let kind = column.physical_type();
        match column.logical_type_ref() {
            Some(logical) => format!("{} {kind} ({logical:?})", column.path()),
            None => format!("{} {kind}", column.path()),
        }
    });
    columns.collect()
}
