//! `trailflow quarantine`: what could not be read, why, and reading it again.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::listed::Ingestion;
use super::query::{self, ReportFormat, Views};
use crate::aws;
use crate::config::{Config, Environment, LakeUrl};
use crate::object::directory::Directory;
use crate::object::fetch::Objects;
use crate::object::s3::S3Objects;
use crate::query::output::{self, Format};
use crate::query::quarantine::{self, Chosen};

/// List, show and replay what could not be read.
///
/// An object ends here when its bytes are damaged or foreign, or when it failed every time it was
/// received. Its message is gone, the reason is kept, and a replay reads it again.
#[derive(Debug, clap::Args)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Show(Show),
    Replay(Replay),
}

/// List the objects whose newest reading ended in quarantine.
#[derive(Debug, clap::Args)]
struct List {
    /// Only those with this reason.
    #[arg(long)]
    reason: Option<String>,
    /// How to write the rows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    lake: super::LakeName,
}

/// Show every reading of an object, and the records of it that were rejected.
#[derive(Debug, clap::Args)]
struct Show {
    /// Its key, or its source id.
    object: String,
    /// How to write the rows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    lake: super::LakeName,
}

/// Read quarantined objects again: after a fix, a restore, or a permission that came.
///
/// Each replay of an object counts once, however often this runs and beside whatever runs. Rows
/// that an earlier reading gave are in the lake already and are left out. Ends with 0 when every
/// object was read, also if it was quarantined again.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
struct Replay {
    /// Those with this reason.
    #[arg(long, group = "which")]
    reason: Option<String>,
    /// The one with this key.
    #[arg(long, group = "which")]
    key: Option<String>,
    /// All of them.
    #[arg(long, group = "which")]
    all: bool,
    /// The directory that they were read from; without it they are read from S3.
    #[arg(long, value_name = "DIR")]
    source: Option<String>,
    /// How to report: a table for people, or JSON as the last line of stdout.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    lake: super::LakeName,
}

impl Quarantine {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        match self.what {
            What::List(list) => list.run(environment).await,
            What::Show(show) => show.run(environment).await,
            What::Replay(replay) => replay.run(environment).await,
        }
    }
}

impl List {
    async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let lake = query::open(&self.lake, environment, Views::None).await?;
        let session = lake.session;
        let chosen = self.reason.map_or(Chosen::All, Chosen::Reason);
        let (schema, rows) = session.rows(&quarantine::list_sql(&chosen)).await?;
        output::write(self.format, schema, &rows, io::stdout())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let lake = query::open(&self.lake, environment, Views::None).await?;
        let session = lake.session;
        let (schema, readings) = session
            .rows(&quarantine::readings_sql(&self.object))
            .await?;
        if readings.is_empty() {
            anyhow::bail!(
                "no object has the key or the source id {}. `trailflow quarantine list` shows them",
                self.object
            );
        }
        output::write(self.format, schema, &readings, io::stdout())?;
        let (schema, records) = session.rows(&quarantine::records_sql(&self.object)).await?;
        output::write(self.format, schema, &records, io::stdout())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Replay {
    async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let query::Opened {
            config, session, ..
        } = query::open(&self.lake, environment, Views::None).await?;
        let chosen = match (self.reason, self.key) {
            (Some(reason), _) => Chosen::Reason(reason),
            (None, Some(key)) => Chosen::Key(key),
            (None, None) => Chosen::All,
        };
        let quarantine::Found {
            mut wanted,
            forgotten,
        } = quarantine::wanted(&session, &chosen).await?;
        for key in &forgotten {
            super::note(&format!(
                "trailflow: {key} is left out: a file of ingest_log that told of an earlier reading of it is gone, and what that gave would count twice. Backfill it into another lake"
            ));
        }
        if wanted.is_empty() && !forgotten.is_empty() {
            return Ok(ExitCode::from(1));
        }
        let found = wanted.len();
        if found == 0 {
            if let Chosen::Key(key) = &chosen {
                anyhow::bail!(
                    "no object with the key {key} is quarantined. `trailflow quarantine list` shows them"
                );
            }
            super::note("Nothing is quarantined that fits.");
            return Ok(ExitCode::SUCCESS);
        }
        let objects: Arc<dyn Objects> = match &self.source {
            Some(directory) => {
                let directory = directory_of(directory)?;
                wanted.retain(|wanted| wanted.object.bucket == directory.bucket());
                Arc::new(directory)
            }
            None => Arc::new(s3(&config).await),
        };
        if wanted.is_empty() {
            anyhow::bail!(
                "none of the {found} objects was read from a directory of that name: `trailflow quarantine list` shows the buckets"
            );
        }
        let mut ingestion = Ingestion::new(&config, objects, self.format)?;
        ingestion.pass(wanted, 0).await?;
        let ended = ingestion.end()?;
        if ended.quarantined > 0 {
            super::note(&format!(
                "{} are quarantined again: trailflow quarantine list --lake '{}'",
                ended.quarantined, config.lake
            ));
        }
        if !forgotten.is_empty() {
            return Ok(ExitCode::from(1));
        }
        Ok(ended.code)
    }
}

fn directory_of(text: &str) -> anyhow::Result<Directory> {
    match LakeUrl::parse(text) {
        Ok(LakeUrl::Directory(path)) if path.is_dir() => Ok(Directory::new(path)),
        _ => anyhow::bail!("{text} is no directory. Leave --source out for objects in S3"),
    }
}

async fn s3(config: &Config) -> S3Objects {
    let sdk = aws::sdk_config(&config.aws).await;
    S3Objects::new(aws::s3(&sdk, &config.aws))
}
