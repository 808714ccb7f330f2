//! `trailflow ddl`: the lake's tables and views, for other engines.

use std::process::ExitCode;

use crate::config::Environment;
use crate::engine::Engine;
use crate::query::ddl::{self, Target};

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EngineName {
    /// DuckDB 2.0 and later: views over the files.
    Duckdb,
    /// Amazon Athena: external tables with partition projection, and views.
    Athena,
    /// ClickHouse: views over s3() or file().
    Clickhouse,
}

/// Print the lake's tables and views in the SQL of another engine.
///
/// The tables of `trailflow query`, and a view for each signal under its own name, which merges the partial rows of
/// `<signal>_partial` as `query` does. Such a view has a column more, event_date: a condition on it leaves files out.
/// Nothing is read: the lake need not be there yet. With --config, signals of your own are among them.
///
/// Example: trailflow ddl duckdb --lake ./lake | duckdb lake.db
#[derive(Debug, clap::Args)]
pub(super) struct Ddl {
    /// The engine.
    #[arg(value_enum)]
    engine: EngineName,
    #[command(flatten)]
    lake: super::LakeName,
}

impl Ddl {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        let config = self.lake.config(environment)?;
        let mut catalog = config.signals.catalog()?;
        catalog
            .signals
            .retain(|signal| signal.header.source.table().is_some());
        let memory = config.pipeline.memory_bytes_max;
        let engine = Engine::when_needed(catalog, &config.reference, memory, |_| false).await?;
        let target = match self.engine {
            EngineName::Duckdb => Target::DuckDb,
            EngineName::Athena => Target::Athena,
            EngineName::Clickhouse => Target::ClickHouse,
        };
        let text = ddl::definitions(target, &config, engine.signals())?;
        super::print(text.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
