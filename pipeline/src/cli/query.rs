//! `trailflow query`: SQL over a lake.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use futures::TryStreamExt as _;

use crate::config::{Config, Environment, LakeUrl};
use crate::engine::Engine;
use crate::lake::Lake;
use crate::query::explained::{Names, QueryError, explained};
use crate::query::output::{Format, Output};
use crate::query::{self, LakeSession};
use crate::service;
use crate::signal::Signal;

/// How `backfill` and a replay report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum ReportFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Ask the lake in SQL.
///
/// Tables: cloudtrail, flow_logs, transit_gateway_flow_logs, ingest_log, quarantine; and a view for
/// each signal over the logs, under its own name (`trailflow signals` lists them; those over
/// rollups have no view). `SHOW TABLES` and `DESCRIBE cloudtrail` work. Without SQL it reads
/// statements from the prompt or a pipe, each up to its `;`.
#[derive(Debug, clap::Args)]
pub(super) struct Query {
    /// How to write the rows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The query.
    #[arg(allow_hyphen_values = true)]
    sql: Option<String>,
    #[command(flatten)]
    lake: super::LakeName,
}

/// Which views a session needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Views<'a> {
    /// Those of every signal.
    All,
    /// Those that this text may name: planning a signal takes longer than many a query.
    NamedIn(&'a str),
    /// None: the tables are enough.
    None,
}

impl Views<'_> {
    /// Whether the view of that signal is needed, or the rows that it merges.
    fn need(self, signal: &str) -> bool {
        match self {
            Self::All => true,
            Self::NamedIn(sql) => {
                let sql = sql.to_ascii_lowercase();
                let lists = ["show", "information_schema"];
                sql.contains(signal) || lists.iter().any(|word| sql.contains(word))
            }
            Self::None => false,
        }
    }
}

/// A lake that can be asked.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) session: LakeSession,
    /// What a question may name.
    names: Names,
}

/// The configuration of a command about a lake that is there.
pub(super) fn config_of(
    lake: &super::LakeName,
    environment: &Environment,
) -> anyhow::Result<Config> {
    let config = lake.config(environment)?;
    if let LakeUrl::Directory(path) = &config.lake
        && !path.is_dir()
    {
        anyhow::bail!(
            "there is no lake at {}. Run `trailflow demo` or `backfill` first",
            path.display()
        );
    }
    if let LakeUrl::Directory(path) = &config.lake
        && !path.join("_trailflow").is_dir()
    {
        anyhow::bail!(
            "{} is a directory, but no lake: nothing was ever committed in it. Name the directory that holds `_trailflow`",
            path.display()
        );
    }
    Ok(config)
}

/// Whether it is a lake, where that takes a look into its store.
pub(super) async fn begun(config: &Config, lake: &Lake) -> anyhow::Result<()> {
    if let LakeUrl::S3 { bucket, prefix } = &config.lake
        && !lake.is_begun().await?
    {
        anyhow::bail!(
            "there is no lake at s3://{bucket}/{prefix}: nothing was ever committed there. Name the prefix that `_trailflow/` is under"
        );
    }
    Ok(())
}

/// Opens a lake to be asked.
pub(super) async fn open(
    lake: &super::LakeName,
    environment: &Environment,
    views: Views<'_>,
) -> anyhow::Result<Opened> {
    let config = config_of(lake, environment)?;
    let memory = config.pipeline.memory_bytes_max;
    let mut catalog = config.signals.catalog()?;
    let names = Names::of(&catalog);
    let is_needed =
        |signal: &Signal| signal.header.source.table().is_some() && views.need(&signal.header.name);
    catalog.signals.retain(is_needed);
    let engine = Engine::when_needed(catalog, &config.reference, memory, |_| false).await?;
    let lake = service::lake(&config).await?;
    begun(&config, &lake).await?;
    let session = LakeSession::open(&lake, &engine, memory).await?;
    Ok(Opened {
        config,
        session,
        names,
    })
}

const PROMPT_HELP: &str = "SHOW TABLES; lists the tables and views, DESCRIBE cloudtrail; the columns of one. A statement ends with a semicolon, may have many lines, and is SQL as DataFusion has it. exit leaves.";

/// SQL may begin with a comment, and an option that does not exist looks like one.
fn nothing_asked(sql: &str) -> String {
    let word = sql.split_whitespace().next().unwrap_or_default();
    if word.starts_with("--") && word.len() > 2 {
        return format!("there is no option {word}: see `trailflow query --help`");
    }
    String::from("the query has no statement: ask one, such as SHOW TABLES")
}

impl Query {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        let views = self.sql.as_deref().map_or(Views::All, Views::NamedIn);
        let lake = open(&self.lake, environment, views).await?;
        match &self.sql {
            Some(sql) => {
                let statements = query::statements(sql);
                if statements.is_empty() {
                    anyhow::bail!("{}", nothing_asked(sql));
                }
                self.one_file(statements.len())?;
                for sql in statements {
                    self.answer(&lake, sql).await?;
                }
                Ok(ExitCode::SUCCESS)
            }
            None => self.prompt(&lake).await,
        }
    }

    /// Parquet files that follow each other are none.
    fn one_file(&self, statements: usize) -> anyhow::Result<()> {
        if self.format == Format::Parquet && statements > 1 {
            anyhow::bail!("--format parquet writes one file: ask one statement at a time");
        }
        Ok(())
    }

    async fn answer(&self, lake: &Opened, sql: &str) -> anyhow::Result<()> {
        let failed = |error: QueryError| {
            let text = explained(&error, sql, &lake.names);
            anyhow::anyhow!("{text}")
        };
        let mut rows = lake.session.stream(sql).await.map_err(failed)?;
        let schema = rows.schema();
        // What fails at once leaves no heading.
        let mut next = rows.try_next().await.map_err(failed)?;
        let mut output = Output::begin(self.format, schema, io::stdout())?;
        while let Some(batch) = next {
            output.write(&batch)?;
            next = rows.try_next().await.map_err(failed)?;
        }
        output.end()
    }

    /// Statements from stdin, each up to its semicolon or the end.
    async fn prompt(&self, lake: &Opened) -> anyhow::Result<ExitCode> {
        let terminal = io::stdin().is_terminal();
        let (mut text, mut answered) = (String::new(), 0);
        loop {
            if terminal {
                let mark = if text.is_empty() {
                    "trailflow> "
                } else {
                    "        -> "
                };
                write!(io::stderr(), "{mark}")?;
                io::stderr().flush()?;
            }
            let before = text.len();
            let ended = io::stdin().lock().read_line(&mut text)? == 0;
            let line = text.get(before..).unwrap_or_default();
            // Only these can end a statement: the text so far is not looked at after every line.
            let may_end = line.contains(';') || line.contains("*/");
            let word = line.trim().trim_end_matches(';');
            let begins = text
                .get(..before)
                .is_some_and(|text| text.trim().is_empty());
            // A script's statement may have a line of that word.
            let asks_to_leave = (terminal || begins) && matches!(word, "exit" | "quit" | "\\q");
            if terminal && begins && matches!(word, "help" | "\\h" | "?") {
                super::note(PROMPT_HELP);
                text.clear();
                continue;
            }
            if asks_to_leave || (ended && text.trim().is_empty()) {
                return Ok(ExitCode::SUCCESS);
            }
            if !(ended || may_end && query::is_ended(&text)) {
                continue;
            }
            let whole = std::mem::take(&mut text);
            for sql in query::statements(&whole) {
                answered += 1;
                self.one_file(answered)?;
                match self.answer(lake, sql).await {
                    Ok(()) => {}
                    // A person at a prompt tries again; a script has failed.
                    Err(error) if terminal => super::note(&format!("{error:#}")),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
