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

/// What a command cannot go on without, and when it gives up waiting for it: it was refused so often and for so
/// long, and no object was done with meanwhile.
#[derive(Debug, Clone, Copy)]
struct Needed {
    part: Part,
    /// What people call it.
    name: &'static str,
    refusals_min: u32,
    refused_min: Duration,
    /// What it does then.
    says: &'static str,
}

/// Claims are tried again within seconds. Files are refused once a batch, whose time is that of its objects. Log
/// objects may be large, and one that is denied stands among others.
const NEEDED: [Needed; 4] = [
    Needed {
        part: Part::Lake,
        name: "the lake",
        refusals_min: 1,
        refused_min: Duration::from_secs(5),
        says: "the lake does not let anything be written",
    },
    Needed {
        part: Part::LakeFiles,
        name: "the lake",
        refusals_min: 3,
        refused_min: Duration::from_secs(5),
        says: "the lake does not let files be written",
    },
    Needed {
        part: Part::Object,
        name: "the logs' store",
        refusals_min: 3,
        refused_min: Duration::from_mins(2),
        says: "the log objects may not be read",
    },
    Needed {
        part: Part::ObjectVersion,
        name: "the logs' store",
        refusals_min: 3,
        refused_min: Duration::from_mins(2),
        says: "the log objects may not be asked for their version",
    },
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
    let mut patience = NEEDED.map(|needed| (needed, Patience::default()));
    loop {
        tokio::select! {
            done = &mut running => break done?,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                let summary = totals.summary();
                bar.set_position(summary.ended.min(total));
                for (needed, patience) in &mut patience {
                    let seen = Seen {
                        now: Instant::now(),
                        trouble: health.trouble(needed.part),
                        refusals: health.refusals(needed.part),
                        done: summary.objects,
                        only_waits: queue.only_waits(),
                    };
                    if patience.is_out(needed, seen, &bar) {
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
    let out = patience.iter().find(|(_, patience)| patience.is_out);
    if let Some((needed, patience)) = out.filter(|_| left > 0) {
        anyhow::bail!("{}: {}", needed.says, patience.why);
    }
    let mut code = ExitCode::SUCCESS;
    if left > 0 {
        super::note(&format!(
            "trailflow: stopped with {left} of {total} objects to do. Run it again: it goes on there"
        ));
        code = ExitCode::from(1);
    }
    Ok(Ended { quarantined, code })
}

/// With a part that does not do what it is asked. A service waits until somebody has mended it; whoever
/// sits before a command is told.
#[derive(Debug, Default)]
struct Patience {
    told: bool,
    /// Since when it refuses, and how many objects were done with by then.
    refused: Option<(Instant, u64)>,
    /// What it said last.
    why: String,
    is_out: bool,
}

/// What is to be seen of a part.
#[derive(Debug)]
struct Seen {
    now: Instant,
    trouble: Option<Ill>,
    refusals: u32,
    /// Objects that are done with.
    done: u64,
    /// Nothing is under way that could show that it works again.
    only_waits: bool,
}

impl Patience {
    /// Whether it makes no sense to go on.
    fn is_out(&mut self, needed: &Needed, seen: Seen, bar: &indicatif::ProgressBar) -> bool {
        match seen.trouble {
            Some(Ill::Denied(why)) => {
                self.tell(needed, "refuses; trying on for a while", &why, bar);
                self.why = why;
                let (since, done) = self.refused.get_or_insert((seen.now, seen.done));
                if seen.done > *done {
                    (*since, *done) = (seen.now, seen.done);
                }
                let often = seen.refusals >= needed.refusals_min || seen.only_waits;
                self.is_out |= often && seen.now.duration_since(*since) >= needed.refused_min;
                return self.is_out;
            }
            Some(Ill::Unavailable(why)) => {
                self.tell(needed, "does not answer; trying on", &why, bar);
            }
            None => {}
        }
        self.refused = None;
        self.is_out
    }

    /// Says once what the part does.
    fn tell(&mut self, needed: &Needed, does: &str, why: &str, bar: &indicatif::ProgressBar) {
        if !self.told {
            self.told = true;
            bar.suspend(|| super::note(&format!("{} {does}: {why}", needed.name)));
        }
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

    /// The second, the trouble and how often it was, the objects done, whether all wait; and whether patience is
    /// out then.
    type Step = (u64, Option<Ill>, u32, u64, bool, bool);

    fn run(part: Part, steps: &[Step]) {
        let bar = indicatif::ProgressBar::hidden();
        let needed = NEEDED
            .into_iter()
            .find(|needed| needed.part == part)
            .unwrap();
        let (mut patience, began) = (Patience::default(), Instant::now());
        for (place, (seconds, trouble, refusals, done, only_waits, is_out)) in
            steps.iter().enumerate()
        {
            let seen = Seen {
                now: began + Duration::from_secs(*seconds),
                trouble: trouble.clone(),
                refusals: *refusals,
                done: *done,
                only_waits: *only_waits,
            };
            assert_eq!(
                patience.is_out(&needed, seen, &bar),
                *is_out,
                "{part} step {place}"
            );
        }
    }

    #[test]
    fn a_part_that_refuses_ends_the_command_and_one_that_is_silent_does_not() {
        let denied = || Some(Ill::Denied(String::from("s3: AccessDenied")));
        let silent = || Some(Ill::Unavailable(String::from("connection refused")));
        run(
            Part::Lake,
            &[
                (0, None, 0, 0, false, false),
                (1, silent(), 0, 0, false, false),
                (99, silent(), 0, 0, false, false),
                // Once, and then it works.
                (100, denied(), 1, 0, false, false),
                (110, None, 0, 0, false, false),
                (111, denied(), 1, 0, false, false),
                (116, denied(), 2, 0, false, true),
            ],
        );
        // A batch that was refused, and the next, which takes its time; then no other comes.
        run(
            Part::LakeFiles,
            &[
                (0, denied(), 1, 0, false, false),
                (60, denied(), 1, 0, false, false),
                (61, denied(), 2, 0, true, true),
            ],
        );
        // One object among others that are known, and then nothing but such.
        run(
            Part::Object,
            &[
                (0, denied(), 1, 0, false, false),
                (100, denied(), 4, 50, false, false),
                (200, denied(), 5, 90, false, false),
                (319, denied(), 6, 90, false, false),
                (320, denied(), 7, 90, false, true),
            ],
        );
    }
}
