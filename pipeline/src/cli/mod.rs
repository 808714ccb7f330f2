//! The commands. Each turns its arguments into ready parts and runs them.
//!
//! Must hold: data goes to stdout, everything else to stderr; exit code 0 is success, 1 is "done,
//! with findings", 2 is "could not".

mod backfill;
mod catalogue;
mod check;
mod compact;
mod config;
mod ddl;
mod demo;
mod doctor;
mod listed;
mod patience;
mod quarantine;
mod query;
mod run;
mod signals;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::causes;
use crate::config::{Config, Environment, LogFormat, Telemetry};
use crate::finding::Findings;
use crate::limits::SEAL_PARTITIONS_MAX;
use crate::telemetry;

/// CloudTrail and VPC Flow Logs in S3, to Prometheus series and Parquet.
///
/// Try `trailflow demo`: it needs no AWS account. Then `trailflow query --lake LAKE` to look at
/// what was found, and `trailflow run` for the service.
#[derive(Debug, Parser)]
#[command(name = "trailflow", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Backfill(backfill::Backfill),
    Query(query::Query),
    Compact(compact::Compact),
    Check(check::Check),
    Config(config::Print),
    Ddl(ddl::Ddl),
    Doctor(doctor::Doctor),
    Quarantine(quarantine::Quarantine),
    Signals(signals::Signals),
}

impl Arguments {
    /// How many threads do the command's work, if that is not for the cores to say. Memory that a thread freed stays
    /// with it for a while, so that sealing on many cores would hold much.
    pub fn threads_max(&self) -> Option<usize> {
        matches!(self.command, Command::Compact(_)).then_some(SEAL_PARTITIONS_MAX)
    }
}

/// Runs the command that the arguments name.
pub async fn run(arguments: Arguments) -> ExitCode {
    let environment = Environment::read();
    let done = match arguments.command {
        Command::Demo(demo) => demo.run(&environment).await,
        Command::Run(run) => run.run(&environment).await,
        Command::Backfill(backfill) => backfill.run(&environment).await,
        Command::Query(query) => query.run(&environment).await,
        Command::Compact(compact) => compact.run(&environment).await,
        Command::Check(check) => check.run(&environment).await,
        Command::Config(config) => config.run(&environment),
        Command::Ddl(ddl) => ddl.run(&environment).await,
        Command::Doctor(doctor) => doctor.run(&environment).await,
        Command::Quarantine(quarantine) => quarantine.run(&environment).await,
        Command::Signals(signals) => signals.run(&environment),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // A reader that closed the pipe has seen enough.
            if !is_broken_pipe(&error) {
                let text = causes::told(error.to_string(), error.as_ref());
                note(&format!("trailflow: {text}"));
            }
            ExitCode::from(2)
        }
    }
}

/// Starts logging for a command that people run by hand: warnings only, unless asked.
fn quiet_logs(environment: &Environment) -> anyhow::Result<telemetry::Guard> {
    let log_level = environment
        .get("TRAILFLOW_LOG_LEVEL")
        .unwrap_or("warn")
        .to_owned();
    let settings = Telemetry {
        log_format: LogFormat::Text,
        log_level,
        otlp_endpoint: None,
    };
    Ok(telemetry::start(&settings)?)
}

/// A line for people, on stderr.
fn note(line: &str) {
    // Nobody is left to be told when stderr is gone.
    let _gone = writeln!(std::io::stderr(), "{line}");
}

/// A line of data, on stdout.
fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
            // The CSV writer keeps only the text of what went wrong.
            || cause.to_string().contains("Broken pipe")
    })
}

/// The `--lake` of several commands, and the file that may say it instead.
#[derive(Debug, clap::Args)]
struct LakeName {
    /// The lake: a directory, or s3://bucket/prefix; also TRAILFLOW_LAKE, or lake.url of the configuration file.
    #[arg(long, value_name = "LAKE")]
    lake: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

impl LakeName {
    /// The configuration of a command about this lake.
    fn config(&self, environment: &Environment) -> Result<Config, Findings> {
        let file = self.config.path(environment);
        Config::for_lake(file.as_deref(), environment, self.lake.as_deref())
    }
}

/// The `--config` of several commands.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// Configuration file; also TRAILFLOW_CONFIG.
    #[arg(long = "config", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl ConfigFile {
    fn path(&self, environment: &Environment) -> Option<PathBuf> {
        self.file
            .clone()
            .or_else(|| environment.config_file().map(PathBuf::from))
    }
}
