//! `trailflow check`: every mistake in configuration and signals, at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::config::{Config, Environment, Reference};
use crate::engine::Engine;
use crate::engine::{proof, scheduled_proof};
use crate::finding::Findings;
use crate::limits::MEMORY_BYTES_MAX;
use crate::pipeline::window::{EventWindow, OpenEvents};
use crate::signal::Catalog;

/// Check signals and configuration; run every signal's tests.
///
/// Prints every mistake as `file:line: what. Fix: …`. Ends with 0 when there is none, with 1 when
/// there are, with 2 when it could not check.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// A directory of signals, `<table>/<name>.sql`. Without it: those of this repository when run
    /// in it, else those built in.
    directory: Option<PathBuf>,
    /// Where the test files of signals are. Without it: `testdata` beside the directory.
    #[arg(long, value_name = "DIR")]
    testdata: Option<PathBuf>,
    #[command(flatten)]
    config: super::ConfigFile,
}

impl Check {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        let mut reference = Reference::default();
        let mut directory = self.directory.clone();
        let file = self.config.path(environment);
        if file.is_some() || environment.names_a_source_or_lake() {
            match Config::load(file.as_deref(), environment) {
                Ok(config) => {
                    directory = directory.or(config.signals);
                    reference = config.reference;
                }
                Err(found) => findings.extend(found),
            }
        }
        let here = Path::new("sql");
        let directory = directory.or_else(|| here.is_dir().then(|| here.to_path_buf()));
        let catalog = match &directory {
            Some(directory) if !directory.is_dir() => {
                super::note(&format!(
                    "trailflow: there is no directory {}",
                    directory.display()
                ));
                return Ok(ExitCode::from(2));
            }
            Some(directory) => survey(directory, &mut findings),
            None => {
                let (catalog, found) = Catalog::survey_built_in();
                findings.extend(found);
                catalog
            }
        };
        let testdata = self
            .testdata
            .unwrap_or_else(|| beside(directory.as_deref(), "testdata"));
        let (mut signals, mut tests) = (0_usize, 0_usize);
        match Engine::survey(catalog, &reference, MEMORY_BYTES_MAX).await {
            Ok((engine, found)) => {
                findings.extend(found);
                for signal in engine.all_signals() {
                    signals += 1;
                    tests += signal.header.tests.len();
                }
                for planned in engine.signals() {
                    findings.extend(proof::prove(planned, &engine, &testdata, &admitted).await);
                }
                for scheduled in engine.scheduled() {
                    let found = scheduled_proof::prove(scheduled, &engine, &testdata).await;
                    findings.extend(found);
                }
            }
            Err(found) => findings.extend(found),
        }
        if findings.is_empty() {
            let (signals, tests) = (counted(signals, "signal"), counted(tests, "test"));
            super::note(&format!("{signals}, {tests}: no findings"));
            return Ok(ExitCode::SUCCESS);
        }
        super::print(&findings.to_string())?;
        super::note(&counted(findings.len(), "finding"));
        Ok(ExitCode::from(1))
    }
}

/// What a window that has seen nothing yet makes of the rows of a test.
fn admitted(batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> {
    let (window, mut open) = (EventWindow::default(), OpenEvents::default());
    let rows = batches
        .into_iter()
        .map(|rows| Ok(window.admit(&mut open, rows)?.rows));
    rows.collect()
}

/// One thing, or several.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// The signals of a directory; alerts must name a heading of the runbooks, if there are any.
fn survey(directory: &Path, findings: &mut Findings) -> Catalog {
    let runbooks = std::fs::read_to_string(beside(Some(directory), "docs/runbooks.md")).ok();
    let (catalog, found) = Catalog::survey(directory, runbooks.as_deref());
    findings.extend(found);
    catalog
}

fn beside(directory: Option<&Path>, name: &str) -> PathBuf {
    let parent = directory.and_then(Path::parent).unwrap_or(Path::new(""));
    parent.join(name)
}
