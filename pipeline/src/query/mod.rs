//! SQL over the lake: its tables, and a view for each signal over tables.
//!
//! In: a lake. Out: rows for any query. Tables `cloudtrail`, `flow_logs`,
//! `transit_gateway_flow_logs`, `ingest_log`, `quarantine`; a view per signal that merges its
//! rollup's partial rows. Must hold: read-only; a lake without a table's files is an empty table,
//! not an error.

mod any_type;
mod by_day;
mod date_trunc;
pub mod ddl;
pub mod explained;
mod files;
mod fold;
mod kept;
pub mod output;
mod parquet_format;
pub mod quarantine;
mod read_over;
mod recent;
pub mod rollups;
pub mod sorted;

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};
use object_store::ObjectStore;
use url::Url;

use by_day::ByDay;
use date_trunc::date_trunc;
use fold::FoldMerges;
use parquet_format::LakeFiles;

use crate::decode::Table;
use crate::engine::{self, Engine, Planned, TIME_ZONE, dates, sql};
use crate::lake::as_sealed::AsSealed;
use crate::lake::{Lake, ingest_log};

/// A session over one lake.
pub struct LakeSession {
    context: SessionContext,
}

impl std::fmt::Debug for LakeSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeSession").finish_non_exhaustive()
    }
}

impl LakeSession {
    /// Registers the tables and views.
    pub async fn open(
        lake: &Lake,
        engine: &Engine,
        memory_bytes_max: usize,
    ) -> Result<Self, DataFusionError> {
        let runtime = bounded(memory_bytes_max)?;
        let mut config = SessionConfig::new().with_information_schema(true);
        // It moves JSON functions below the filters, and every row would be parsed.
        config
            .options_mut()
            .optimizer
            .enable_leaf_expression_pushdown = false;
        config.options_mut().execution.time_zone = Some(String::from(TIME_ZONE));
        let mut context = SessionContext::new_with_config_rt(config, runtime);
        context.add_optimizer_rule(Arc::new(FoldMerges));
        context.register_udf(date_trunc());
        datafusion_functions_json::register_all(&mut context)?;
        dates::register(&mut context)?;
        let (store, clock) = (Arc::clone(&lake.store), Arc::clone(&lake.clock));
        register_store(&context, Arc::new(AsSealed::new(store, clock)))?;
        let session = Self { context };
        for (folder, schema) in table_folders() {
            register_folder(&session.context, &folder, schema)?;
        }
        for planned in engine.signals() {
            let Some(merge) = planned.view_sql() else {
                continue;
            };
            register_rollup(&session.context, planned)?;
            let view = session.context.sql(&merge).await?.into_view();
            session.context.register_table(planned.name(), view)?;
        }
        Ok(session)
    }

    /// Plans a query. Statements that would change something are refused.
    pub async fn sql(&self, text: &str) -> Result<DataFrame, DataFusionError> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false);
        let state = self.context.state();
        let statement = sql::statement(&state, text)?;
        if read_over::is_in(&statement) {
            return Err(DataFusionError::Plan(String::from(read_over::REFUSAL)));
        }
        let plan = state.statement_to_plan(statement).await?;
        options.verify_plan(&plan)?;
        engine::any_type::refuse(&plan)?;
        self.context.execute_logical_plan(plan).await
    }

    /// Runs a query whose rows are taken as they come.
    pub async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, DataFusionError> {
        self.sql(sql).await?.execute_stream().await
    }

    /// Runs a query of few rows.
    pub async fn rows(&self, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>), DataFusionError> {
        let frame = self.sql(sql).await?;
        let schema = Arc::clone(frame.schema().inner());
        Ok((schema, frame.collect().await?))
    }
}

/// The statements of a text, each up to its semicolon; a text that cannot be read whole stays as it is, so
/// that its own error is told.
pub fn statements(text: &str) -> Vec<&str> {
    let text = text.trim_start_matches('\u{feff}');
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
    let Ok(tokens) = tokens else {
        return vec![text];
    };
    let (mut statements, mut from, mut is_empty) = (Vec::new(), 0, true);
    for token in &tokens {
        match token.token {
            Token::SemiColon => {
                let end = place(text, token.span.start);
                if !is_empty {
                    statements.push(text.get(from..end).unwrap_or_default().trim());
                }
                (from, is_empty) = (end + 1, true);
            }
            // Comments are white space.
            Token::Whitespace(_) => {}
            _ => is_empty = false,
        }
    }
    if !is_empty {
        statements.push(text.get(from..).unwrap_or_default().trim());
    }
    statements
}

/// Whether a text ends with its last statement's semicolon, which is in no comment and no string.
pub fn is_ended(text: &str) -> bool {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize();
    let last = |tokens: Vec<Token>| {
        let mut told = tokens.into_iter().rev();
        told.find(|token| !matches!(token, Token::Whitespace(_)))
    };
    tokens.is_ok_and(|tokens| last(tokens) == Some(Token::SemiColon))
}

/// Where in a text this is; lines and columns count from 1, columns in characters.
fn place(text: &str, at: Location) -> usize {
    let behind = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(behind(at.line)).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    let column = line.char_indices().nth(behind(at.column));
    before + column.map_or(line.len(), |(column, _)| column)
}

/// Memory for queries: at most so many bytes.
fn bounded(memory_bytes_max: usize) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    RuntimeEnvBuilder::new()
        .with_memory_limit(memory_bytes_max, 1.0)
        .build_arc()
}

/// Where sessions see the lake.
const ROOT: &str = "lake://root/";

/// Makes the lake's files readable under [`ROOT`].
fn register_store(
    context: &SessionContext,
    store: Arc<dyn ObjectStore>,
) -> Result<(), DataFusionError> {
    let root = Url::parse(ROOT).map_err(|e| DataFusionError::External(e.into()))?;
    context.register_object_store(&root, store);
    Ok(())
}

/// Makes the partial rows of a signal a table.
fn register_rollup(context: &SessionContext, planned: &Planned) -> Result<(), DataFusionError> {
    let (name, path) = (planned.rollup_table(), planned.rollup_path());
    let folder = Folder::of_rollup(&name, &path);
    register_folder(context, &folder, planned.rollup_schema())
}

/// A folder of the lake, as a table.
struct Folder<'a> {
    /// The table.
    name: &'a str,
    /// Below the lake's root.
    path: &'a str,
    /// Its Hive partitions.
    partitions: &'a [&'a str],
    /// The column whose day is `event_date`.
    time: Option<&'a str>,
}

impl<'a> Folder<'a> {
    /// That of a signal's partial rows.
    fn of_rollup(name: &'a str, path: &'a str) -> Self {
        Self {
            name,
            path,
            partitions: &["event_date"],
            time: Some("window_start"),
        }
    }
}

/// Every table but those of rollups, with its columns.
fn table_folders() -> Vec<(Folder<'static>, SchemaRef)> {
    let tables = Table::ALL.iter().map(|table| {
        let folder = Folder {
            name: table.name(),
            path: table.name(),
            partitions: &["event_date", "event_hour"],
            time: Some(table.time_column()),
        };
        (folder, table.schema())
    });
    let logs = [
        ("ingest_log", ingest_log::schema()),
        ("quarantine", ingest_log::quarantine_schema()),
    ];
    let logs = logs.into_iter().map(|(name, schema)| {
        let folder = Folder {
            name,
            path: name,
            partitions: &["ingest_date"],
            time: None,
        };
        (folder, schema)
    });
    tables.chain(logs).collect()
}

/// Makes the Parquet files of a folder a table. A folder that is not there is an empty one.
fn register_folder(
    context: &SessionContext,
    folder: &Folder<'_>,
    schema: SchemaRef,
) -> Result<(), DataFusionError> {
    let url = ListingTableUrl::parse(format!("{ROOT}{}/", folder.path))?;
    let partitions = folder
        .partitions
        .iter()
        .map(|column| ((*column).to_owned(), DataType::Utf8))
        .collect();
    let options = ListingOptions::new(Arc::new(LakeFiles::default()))
        .with_file_extension(".parquet")
        .with_table_partition_cols(partitions);
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(schema);
    let files = ListingTable::try_new(config)?;
    let table: Arc<dyn TableProvider> = match folder.time {
        Some(time) => Arc::new(ByDay::new(files, time)),
        None => Arc::new(files),
    };
    context.register_table(folder.name, table)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_ended, statements};

    #[test]
    fn statements_end_at_semicolons_that_are_no_text() {
        let text =
            "SELECT 1; SELECT 'it''s; só' -- not; here\n, E'a\\'b' ;\n ; SELECT \"a;b\" ; -- done";
        let expected = [
            "SELECT 1",
            "SELECT 'it''s; só' -- not; here\n, E'a\\'b'",
            "SELECT \"a;b\"",
        ];
        assert_eq!(statements(text), expected);
        let open = "SELECT 'open; SELECT 2";
        assert_eq!(statements(open), [open]);
        for (text, expected) in [
            ("SELECT 1;\n", true),
            ("SELECT 1 -- note;\n", false),
            ("SELECT 'a;\n", false),
            ("/* a;\n", false),
            ("SELECT 'a;\nb'; -- done\n", true),
            ("\n", false),
        ] {
            assert_eq!(is_ended(text), expected, "{text}");
        }
        assert_eq!(statements(" ; "), [""; 0]);
    }
}
