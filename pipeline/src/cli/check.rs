//! `trailflow check`: every mistake in configuration and signals, at once.

use std::fmt;
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
use crate::signal::{Selection, Signal};

/// Check signals and configuration; run every signal's tests.
///
/// Prints every mistake as `file:line: what. Fix: …`. Ends with 0 when there is none, with 1 when
/// there are, with 2 when it could not check.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// A directory of signals, `<table>/<name>.sql`, beside those built in unless the configuration says
    /// otherwise. Without it: that of the configuration, those of this repository when run in it, or
    /// those built in.
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
        let mut selection = Selection::default();
        let file = self.config.path(environment);
        if file.is_some() || environment.names_a_source_or_lake() {
            match Config::load(file.as_deref(), environment) {
                Ok(config) => {
                    selection = config.signals;
                    reference = config.reference;
                }
                Err(found) => {
                    findings.extend(found);
                    // Whatever is wrong elsewhere: its signals are looked at all the same.
                    if let Ok((said, _)) = Config::signals(file.as_deref(), environment) {
                        selection = said;
                    }
                }
            }
        }
        let here = Path::new("sql");
        let directory = self.directory.or(selection.directory);
        selection.directory = directory.or_else(|| here.is_dir().then(|| here.to_path_buf()));
        if let Some(directory) = selection.directory.as_ref().filter(|path| !path.is_dir()) {
            let path = directory.display();
            super::note(&if directory.is_file() {
                format!(
                    "trailflow: {path} is a file: name the directory that holds cloudtrail/, flow_logs/ and the like"
                )
            } else {
                format!("trailflow: there is no directory {path}")
            });
            return Ok(ExitCode::from(2));
        }
        let (found, proved) = signals(&selection, &reference, self.testdata).await;
        findings.extend(found);
        if findings.is_empty() {
            super::note(&proved.to_string());
            return Ok(ExitCode::SUCCESS);
        }
        report(&findings)
    }
}

/// Every mistake in the signals that are selected, and what their tests showed.
pub(super) async fn signals(
    selection: &Selection,
    reference: &Reference,
    testdata: Option<PathBuf>,
) -> (Findings, Proved) {
    let directory = selection.directory.as_deref();
    let testdata = testdata.unwrap_or_else(|| beside(directory, "testdata"));
    // Alerts must name a heading of the runbooks, if there are any.
    let runbooks = std::fs::read_to_string(beside(directory, "docs/runbooks.md"));
    let (catalog, mut findings) = selection.survey(runbooks.ok().as_deref());
    match Engine::survey(catalog, reference, MEMORY_BYTES_MAX).await {
        Ok((engine, found)) => {
            findings.extend(found);
            let mut proved = Proved::of(&engine, selection, &testdata).await;
            findings.extend(std::mem::take(&mut proved.findings));
            (findings, proved)
        }
        Err(found) => {
            findings.extend(found);
            (findings, Proved::default())
        }
    }
}

/// Mistakes, one a line, and how many on stderr.
pub(super) fn report(findings: &Findings) -> anyhow::Result<ExitCode> {
    super::print(&findings.to_string())?;
    super::note(&counted(findings.len(), "finding"));
    Ok(ExitCode::from(1))
}

/// What the tests of signals showed: of a directory's if there is one, for those built in have passed theirs.
#[derive(Debug, Default)]
pub(super) struct Proved {
    signals: usize,
    tests: usize,
    findings: Findings,
}

impl Proved {
    async fn of(engine: &Engine, selection: &Selection, testdata: &Path) -> Self {
        let mut proved = Self::default();
        let is_due = |signal: &Signal| selection.directory.is_none() || !signal.is_built_in();
        for signal in engine.all_signals().filter(|signal| is_due(signal)) {
            proved.signals += 1;
            proved.tests += signal.header.tests.len();
        }
        for planned in engine.signals() {
            if is_due(&planned.signal) {
                let found = proof::prove(planned, engine, testdata, &admitted).await;
                proved.findings.extend(found);
            }
        }
        for scheduled in engine.scheduled() {
            if is_due(&scheduled.signal) {
                let found = scheduled_proof::prove(scheduled, engine, testdata).await;
                proved.findings.extend(found);
            }
        }
        proved
    }
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (signals, tests) = (counted(self.signals, "signal"), counted(self.tests, "test"));
        write!(f, "{signals}, {tests}: no findings")
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
pub(super) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

fn beside(directory: Option<&Path>, name: &str) -> PathBuf {
    let parent = directory.and_then(Path::parent).unwrap_or(Path::new(""));
    parent.join(name)
}
