//! `trailflow backfill`: what is there already, through the same path.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio::time::Instant;

use super::query::ReportFormat;
use crate::aws;
use crate::clock::SystemClock;
use crate::config::{Config, Environment, LakeUrl};
use crate::object::ObjectRef;
use crate::object::directory::Directory;
use crate::object::fetch::Objects;
use crate::object::s3::S3Objects;
use crate::object::s3_listing;
use crate::pipeline::totals::Summary;
use crate::queue::Wanted;
use crate::queue::listing::Listing;
use crate::service::{self, Listed, Mode};
use crate::telemetry::health::Health;

/// A batch that waits for nothing more closes after this time.
const IDLE_MAX: Duration = Duration::from_millis(200);

/// Ingest objects that are there already.
///
/// Every object goes down the same path as in the service, with the same claims: safe beside it,
/// and safe twice. Ends with 0 only when every object is committed, ignored or quarantined.
#[derive(Debug, clap::Args)]
pub(super) struct Backfill {
    /// s3://bucket/prefix, or a directory in the layout of S3 keys.
    source: String,
    /// The lake: a directory, or s3://bucket/prefix.
    #[arg(long, env = "TRAILFLOW_LAKE")]
    lake: String,
    /// Only objects written at or after this time: 2026-01-31, or 2026-01-31T08:00:00Z.
    #[arg(long, value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Only objects written before this time.
    #[arg(long, value_parser = instant)]
    to: Option<DateTime<Utc>>,
    /// How to report: a table for people, or JSON as the last line of stdout.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    config: super::ConfigFile,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    seconds: f64,
}

impl Backfill {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            anyhow::bail!("--from {from} is not before --to {to}: no object can be in between");
        }
        let file = self.config.path(environment);
        let config = Config::for_lake(file.as_deref(), environment, &self.lake)?;
        let (objects, listed) = self.list(&config).await?;
        let total = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let listed = listed.into_iter().map(Wanted::new).collect();
        let queue = Arc::new(Listing::new(listed, Arc::new(SystemClock)));
        let health = Arc::new(Health::default());
        let listed = Some(Listed { queue, objects });
        let mode = Mode {
            listed,
            idle_max: Some(IDLE_MAX),
            live: false,
        };
        let pipeline = service::pipeline(&config, mode, Arc::clone(&health)).await?;
        let stop = service::stop_on_signal(health)?;
        let bar = progress(total);
        let started = Instant::now();
        let totals = Arc::clone(&pipeline.totals);
        let running = pipeline.run(stop.clone());
        tokio::pin!(running);
        loop {
            tokio::select! {
                done = &mut running => break done?,
                () = tokio::time::sleep(Duration::from_millis(100)) => {
                    bar.set_position(totals.summary().ended.min(total));
                }
            }
        }
        bar.finish_and_clear();
        let summary = totals.summary();
        self.report(&summary, started.elapsed())?;
        if summary.quarantined > 0 {
            super::note(&format!(
                "Which were quarantined, and why: trailflow query --lake '{}' \"SELECT key, reason, position FROM quarantine\"",
                self.lake
            ));
        }
        if total == 0 {
            super::note(
                "No object was found. `--from` and `--to` go by the time an object was written.",
            );
        }
        if summary.objects < total {
            let missing = total - summary.objects;
            super::note(&format!(
                "trailflow: stopped with {missing} of {total} objects to do. Run it again: it goes on there"
            ));
            return Ok(ExitCode::from(1));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, config: &Config) -> anyhow::Result<(Arc<dyn Objects>, Vec<ObjectRef>)> {
        let (objects, mut listed): (Arc<dyn Objects>, _) = match LakeUrl::parse(&self.source) {
            Ok(LakeUrl::S3 { bucket, mut prefix }) => {
                // `logs/` must not list `logs-archive/` too.
                if !prefix.is_empty() && self.source.ends_with('/') {
                    prefix.push('/');
                }
                let client = aws::s3(&aws::sdk_config(&config.aws).await, &config.aws);
                let listed = s3_listing::list(&client, &bucket, &prefix).await;
                let listed = listed.with_context(|| format!("{} cannot be listed", self.source))?;
                (Arc::new(S3Objects::new(client)), listed)
            }
            Ok(LakeUrl::Directory(path)) => {
                let directory = Directory::new(&path);
                let listed = directory.list();
                let listed =
                    listed.with_context(|| format!("{} cannot be read", path.display()))?;
                (Arc::new(directory), listed)
            }
            Err(error) => anyhow::bail!("SOURCE {}. Fix: {}", error.what, error.fix),
        };
        listed.retain(|object| {
            object.written_at.is_none_or(|at| {
                self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
            })
        });
        Ok((objects, listed))
    }

    fn report(&self, summary: &Summary, elapsed: Duration) -> anyhow::Result<()> {
        if self.format == ReportFormat::Json {
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
        for (table, rows) in &summary.records {
            line(&format!("rows of {table}"), *rows)?;
        }
        for (reason, count) in &summary.rejected {
            line(&format!("records rejected: {reason}"), *count)?;
        }
        Ok(())
    }
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

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| String::from("write a day as 2026-01-31 or a time as 2026-01-31T08:00:00Z"))?;
    Ok(day.and_time(chrono::NaiveTime::MIN).and_utc())
}
