//! Ingests objects that are listed, with a progress bar and a report: `backfill`, and a replay of
//! what was quarantined.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::query::ReportFormat;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::lake::Lake;
use crate::object::fetch::Objects;
use crate::pipeline::totals::Summary;
use crate::queue::listing::Listing;
use crate::queue::{Queue, Wanted};
use crate::service::{self, Listed, Mode};
use crate::telemetry::health::{Health, Ill};

/// A batch that waits for nothing more closes after this time. All objects are known, so that one that
/// has not come by then will not come before others are settled.
const IDLE_MAX: Duration = Duration::from_millis(20);

/// A lake that refuses for so long is not refusing by chance: one answer of many, or a token that has ended.
const REFUSED_MAX: Duration = Duration::from_secs(5);

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

/// Ingests these objects and reports.
pub(super) async fn ingest(
    config: &Config,
    objects: Arc<dyn Objects>,
    wanted: Vec<Wanted>,
    format: ReportFormat,
) -> anyhow::Result<Ended> {
    let total = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
    let queue = Arc::new(Listing::new(wanted, Arc::new(SystemClock)));
    let dealt: Arc<dyn Queue> = Arc::<Listing>::clone(&queue);
    let health = Arc::new(Health::default());
    let mode = Mode {
        listed: Some(Listed {
            queue: dealt,
            objects,
        }),
        idle_max: Some(IDLE_MAX),
        live: false,
        metrics: Arc::default(),
    };
    let pipeline = service::pipeline(config, mode, Arc::clone(&health)).await?;
    let stop = service::stop_on_signal(Arc::clone(&health))?;
    let bar = progress(total);
    let started = Instant::now();
    let totals = Arc::clone(&pipeline.totals);
    let running = pipeline.run(stop.clone());
    tokio::pin!(running);
    let mut lake = Patience::default();
    loop {
        tokio::select! {
            done = &mut running => break done?,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                bar.set_position(totals.summary().ended.min(total));
                if lake.is_out(Instant::now(), &health, &bar) {
                    stop.cancel();
                }
            }
        }
    }
    bar.finish_and_clear();
    let summary = totals.summary();
    report(format, &summary, started.elapsed())?;
    let quarantined = summary.quarantined;
    // Not by the totals: what was committed and is finished by a later delivery is in them twice.
    let left = queue.left();
    if let Some((_, why)) = lake.refusal.filter(|_| left > 0) {
        anyhow::bail!("the lake does not let anything be written: {why}");
    }
    if left > 0 {
        super::note(&format!(
            "trailflow: stopped with {left} of {total} objects to do. Run it again: it goes on there"
        ));
        return Ok(Ended {
            quarantined,
            code: ExitCode::from(1),
        });
    }
    Ok(Ended {
        quarantined,
        code: ExitCode::SUCCESS,
    })
}

/// With a lake that does not do what it is asked. A service waits until somebody has mended it; whoever
/// sits before a command is told.
#[derive(Debug, Default)]
struct Patience {
    told: bool,
    /// Since when it refuses, and why.
    refusal: Option<(Instant, String)>,
}

impl Patience {
    /// Whether it makes no sense to go on.
    fn is_out(&mut self, now: Instant, health: &Health, bar: &indicatif::ProgressBar) -> bool {
        match health.trouble(Lake::PART) {
            Some(Ill::Denied(why)) => {
                let (since, _) = self.refusal.get_or_insert((now, why));
                return now.duration_since(*since) >= REFUSED_MAX;
            }
            Some(Ill::Unavailable(why)) if !self.told => {
                self.told = true;
                bar.suspend(|| super::note(&format!("the lake does not answer; trying on: {why}")));
            }
            Some(Ill::Unavailable(_)) | None => {}
        }
        self.refusal = None;
        false
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_that_refuses_ends_the_command_and_one_that_is_silent_does_not() {
        let (health, bar) = (Health::default(), indicatif::ProgressBar::hidden());
        let mut lake = Patience::default();
        let began = Instant::now();
        assert!(!lake.is_out(began, &health, &bar));
        health.unavailable(Lake::PART, "connection refused");
        assert!(!lake.is_out(began + REFUSED_MAX, &health, &bar) && lake.told);
        // Once, and then it works.
        health.denied(Lake::PART, "s3: ExpiredToken");
        assert!(!lake.is_out(began, &health, &bar));
        health.readable(Lake::PART);
        assert!(!lake.is_out(began + REFUSED_MAX, &health, &bar) && lake.refusal.is_none());
        health.denied(Lake::PART, "s3: AccessDenied");
        assert!(!lake.is_out(began, &health, &bar));
        assert!(lake.is_out(began + REFUSED_MAX, &health, &bar));
        let why = lake.refusal.map(|(_, why)| why);
        assert_eq!(why.as_deref(), Some("s3: AccessDenied"));
    }
}
