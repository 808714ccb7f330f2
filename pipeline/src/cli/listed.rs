//! Ingests objects that are listed, with a progress bar and a report: `backfill`, and a replay of
//! what was quarantined.
//!
//! In: objects, in one pass or several. Out: a report of all passes and an exit code. Must hold: 0 only when
//! every object of every pass was done with.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::patience::Patiences;
use super::query::ReportFormat;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::object::fetch::Objects;
use crate::pipeline::totals::{Summary, Totals};
use crate::queue::listing::Listing;
use crate::queue::{Queue, Wanted};
use crate::service::{self, Listed, Mode};
use crate::telemetry::health::Health;

/// A batch that waits for nothing more closes after this time. All objects are known, so that one that
/// has not come by then will not come before others are settled.
const IDLE_MAX: Duration = Duration::from_millis(20);

#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    seconds: f64,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Objects that were quarantined.
    pub(super) quarantined: u64,
    /// 0 when every object was done with, else 1.
    pub(super) code: ExitCode,
}

/// The work of one command, pass by pass.
#[derive(Debug)]
pub(super) struct Ingestion<'a> {
    config: &'a Config,
    objects: Arc<dyn Objects>,
    format: ReportFormat,
    totals: Arc<Totals>,
    health: Arc<Health>,
    stop: CancellationToken,
    began: Instant,
    /// Objects of the passes so far, and those of them that were not done with.
    taken: usize,
    left: usize,
    /// Objects beyond the last pass.
    beyond: usize,
}

impl<'a> Ingestion<'a> {
    /// Reads from there, and will report so.
    pub(super) fn new(
        config: &'a Config,
        objects: Arc<dyn Objects>,
        format: ReportFormat,
    ) -> anyhow::Result<Self> {
        let health = Arc::new(Health::default());
        Ok(Self {
            config,
            objects,
            format,
            totals: Arc::default(),
            stop: service::stop_on_signal(Arc::clone(&health))?,
            health,
            began: Instant::now(),
            taken: 0,
            left: 0,
            beyond: 0,
        })
    }

    /// Cancelled when it is told to stop.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ingests these objects; so many come in later passes. Whether it makes sense to go on.
    pub(super) async fn pass(
        &mut self,
        wanted: Vec<Wanted>,
        beyond: usize,
    ) -> anyhow::Result<bool> {
        self.beyond = beyond;
        self.taken += wanted.len();
        let queue = Arc::new(Listing::new(wanted, Arc::new(SystemClock)));
        let dealt: Arc<dyn Queue> = Arc::<Listing>::clone(&queue);
        let mode = Mode {
            listed: Some(Listed {
                queue: dealt,
                objects: Arc::clone(&self.objects),
            }),
            idle_max: Some(IDLE_MAX),
            live: false,
            metrics: Arc::default(),
            totals: Arc::clone(&self.totals),
        };
        let pipeline = service::pipeline(self.config, mode, Arc::clone(&self.health)).await?;
        let total = u64::try_from(self.total()).unwrap_or(u64::MAX);
        let bar = progress(total);
        let running = pipeline.run(self.stop.clone());
        tokio::pin!(running);
        let mut patiences = Patiences::default();
        loop {
            tokio::select! {
                done = &mut running => break done?,
                () = tokio::time::sleep(Duration::from_millis(100)) => {
                    let summary = self.totals.summary();
                    bar.set_position(summary.ended.min(total));
                    if patiences.are_out(&self.health, summary.objects, queue.only_waits(), &bar) {
                        self.stop.cancel();
                    }
                }
            }
        }
        bar.finish_and_clear();
        // Not by the totals: what was given up is in none of them.
        let left = queue.left();
        self.left += left;
        if let Some(why) = patiences.why().filter(|_| left > 0) {
            self.report()?;
            anyhow::bail!(why);
        }
        Ok(!self.stop.is_cancelled())
    }

    /// Objects of all passes.
    fn total(&self) -> usize {
        self.taken + self.beyond
    }

    /// Reports.
    pub(super) fn end(self) -> anyhow::Result<Ended> {
        self.report()?;
        let left = self.left + self.beyond;
        let mut code = ExitCode::SUCCESS;
        if left > 0 {
            super::note(&format!(
                "trailflow: stopped with {left} of {} objects to do. Run it again: it goes on there",
                self.total()
            ));
            code = ExitCode::from(1);
        }
        let quarantined = self.totals.summary().quarantined;
        Ok(Ended { quarantined, code })
    }

    fn report(&self) -> anyhow::Result<()> {
        report(self.format, &self.totals.summary(), self.began.elapsed())
    }
}

fn report(format: ReportFormat, summary: &Summary, elapsed: Duration) -> anyhow::Result<()> {
    if format == ReportFormat::Json {
        let report = Report {
            summary,
            seconds: elapsed.as_secs_f64(),
        };
        return super::print(&serde_json::to_string(&report)?);
    }
    let line = |name: &str, count: u64| super::print(&format!("{name:<34}{count:>12}"));
    line("objects", summary.objects)?;
    line("  ingested", summary.ingested)?;
    line("  ignored", summary.ignored)?;
    for (reason, count) in &summary.ignored_by_reason {
        line(&format!("    {reason}"), *count)?;
    }
    line("  quarantined", summary.quarantined)?;
    for (reason, count) in &summary.quarantined_by_reason {
        line(&format!("    {reason}"), *count)?;
    }
    line("  committed before", summary.duplicates)?;
    if summary.own > 0 {
        line("  files of the lake", summary.own)?;
    }
    for (table, rows) in &summary.records {
        line(&format!("rows of {table}"), *rows)?;
    }
    if summary.duplicate_events > 0 {
        line("events that were known", summary.duplicate_events)?;
    }
    for (reason, count) in &summary.rejected {
        line(&format!("records rejected: {reason}"), *count)?;
    }
    Ok(())
}

/// A bar on a terminal, nothing in a pipe.
fn progress(total: u64) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(total);
    let style = indicatif::ProgressStyle::with_template(
        "{bar:40} {pos}/{len} objects, {per_sec}, {eta} to go",
    );
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
