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
use crate::object::fetch::Objects;
use crate::pipeline::totals::Summary;
use crate::queue::listing::Listing;
use crate::queue::{Queue, Wanted};
use crate::service::{self, Listed, Mode};
use crate::telemetry::health::{Health, Ill, Part};

/// A batch that waits for nothing more closes after this time. All objects are known, so that one that
/// has not come by then will not come before others are settled.
const IDLE_MAX: Duration = Duration::from_millis(20);

/// A lake that refuses for so long is not refusing by chance: one answer of many, or a token that has ended.
const LAKE_REFUSED_MAX: Duration = Duration::from_secs(5);
/// Log objects that may not be read, one after another and none between them that may. Longer: others may be large.
const OBJECTS_REFUSED_MAX: Duration = Duration::from_mins(1);

/// What a command cannot go on without: the part, what people call it, how long it may refuse, and what it
/// does then.
const NEEDED: [(Part, &str, Duration, &str); 4] = [
    (
        Part::Lake,
        "the lake",
        LAKE_REFUSED_MAX,
        "the lake does not let anything be written",
    ),
    (
        Part::LakeFiles,
        "the lake",
        LAKE_REFUSED_MAX,
        "the lake does not let files be written",
    ),
    (
        Part::Object,
        "the logs' store",
        OBJECTS_REFUSED_MAX,
        "the log objects may not be read",
    ),
    (
        Part::ObjectVersion,
        "the logs' store",
        OBJECTS_REFUSED_MAX,
        "the log objects may not be asked for their version",
    ),
];

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
    let mut patience = NEEDED.map(|(part, ..)| (part, Patience::default()));
    loop {
        tokio::select! {
            done = &mut running => break done?,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                bar.set_position(totals.summary().ended.min(total));
                let now = Instant::now();
                for ((part, patience), needed) in patience.iter_mut().zip(NEEDED) {
                    if patience.is_out(now, health.trouble(*part), needed, &bar) {
                        stop.cancel();
                    }
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
    for ((_, patience), (.., what)) in patience.into_iter().zip(NEEDED) {
        if let Some((_, why)) = patience.refusal.filter(|_| left > 0) {
            anyhow::bail!("{what}: {why}");
        }
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

/// With a part that does not do what it is asked. A service waits until somebody has mended it; whoever
/// sits before a command is told.
#[derive(Debug, Default)]
struct Patience {
    told: bool,
    /// Since when it refuses, and why.
    refusal: Option<(Instant, String)>,
}

impl Patience {
    /// Whether it makes no sense to go on.
    fn is_out(
        &mut self,
        now: Instant,
        trouble: Option<Ill>,
        (_, name, refused_max, _): (Part, &str, Duration, &str),
        bar: &indicatif::ProgressBar,
    ) -> bool {
        let says = match &trouble {
            Some(Ill::Denied(why)) => Some(format!("{name} refuses; trying on for a while: {why}")),
            Some(Ill::Unavailable(why)) => {
                Some(format!("{name} does not answer; trying on: {why}"))
            }
            None => None,
        };
        if let Some(says) = says.filter(|_| !self.told) {
            self.told = true;
            bar.suspend(|| super::note(&says));
        }
        if let Some(Ill::Denied(why)) = trouble {
            let (since, _) = self.refusal.get_or_insert((now, why));
            return now.duration_since(*since) >= refused_max;
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
    fn a_part_that_refuses_ends_the_command_and_one_that_is_silent_does_not() {
        let (health, bar) = (Health::default(), indicatif::ProgressBar::hidden());
        let needed = NEEDED[0];
        let mut lake = Patience::default();
        let began = Instant::now();
        let mut is_out = |after: Duration| {
            let out = lake.is_out(began + after, health.trouble(needed.0), needed, &bar);
            (out, lake.refusal.as_ref().map(|(_, why)| why.clone()))
        };
        let (none, long) = (Duration::ZERO, LAKE_REFUSED_MAX);
        assert_eq!(is_out(none), (false, None));
        health.unavailable(Part::Lake, "connection refused");
        assert_eq!(is_out(long), (false, None));
        // Once, and then it works.
        health.denied(Part::Lake, "s3: ExpiredToken");
        assert!(!is_out(none).0);
        health.readable(Part::Lake);
        assert_eq!(is_out(long), (false, None));
        health.denied(Part::Lake, "s3: AccessDenied");
        assert!(!is_out(none).0);
        assert_eq!(is_out(long), (true, Some(String::from("s3: AccessDenied"))));
    }
}
