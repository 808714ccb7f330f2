//! `trailflow compact`: many files become few.

use std::process::ExitCode;

use chrono::NaiveDate;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::query::{self, ReportFormat};
use crate::config::Environment;
use crate::engine::Engine;
use crate::seal::{Progress, Report, Sealing};
use crate::service;

/// Seal days: their many files become few, sorted, with one row a grain and one row an event.
///
/// Every batch writes a file for each table and hour, and for each rollup and day. This merges them, also of the day
/// that goes on, and leaves out the copies of an event that two workers held at the same moment. It is safe beside
/// the service, beside queries and beside itself: run it every hour. What readers see does not change at any moment;
/// the files that were merged are deleted 48 hours later, by a later run.
///
/// Ends with 0 when everything that was due was sealed, here or by another; with 1 when files stayed as they are: it
/// says which, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Compact {
    /// Only days from this one on: 2026-01-31. Days are of event time, in UTC.
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Only days up to this one, and this one too.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// How to report: a table for people, or JSON as the last line of stdout.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    lake: super::LakeName,
}

impl Compact {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            anyhow::bail!("--from {from} is after --to {to}: no day can be in between");
        }
        let config = query::config_of(&self.lake, environment)?;
        let memory = config.pipeline.memory_bytes_max;
        // Rows of a signal that is left out by now are merged all the same.
        let mut all = config.signals.clone();
        all.without.clear();
        let mut catalog = all.catalog().or_else(|_| config.signals.catalog())?;
        catalog
            .signals
            .retain(|signal| signal.header.source.table().is_some());
        let engine = Engine::when_needed(catalog, &config.reference, memory, |_| false).await?;
        let lake = service::lake(&config).await?;
        query::begun(&config, &lake).await?;
        if !lake.keeps_what_is_there().await? {
            anyhow::bail!(
                "the lake's store overwrites what is there although it is asked not to: nothing can be sealed. `trailflow doctor` says more"
            );
        }
        let bar = Bar::new();
        let sealing = Sealing::begin(&lake, &engine, memory).await?;
        let done = sealing.run(self.from, self.to, &bar).await;
        bar.0.finish_and_clear();
        self.tell(&done?)
    }

    fn tell(&self, report: &Report) -> anyhow::Result<ExitCode> {
        for one in &report.unsealed {
            super::note(&format!("{}: {}", one.place, one.why));
        }
        if report.days_of_others > 0 {
            let days = report.days_of_others;
            super::note(&format!(
                "{days} days were sealed by another process meanwhile, and left to that"
            ));
        }
        let line = match self.format {
            ReportFormat::Json => serde_json::to_string(report)?,
            ReportFormat::Table => told(report),
        };
        super::print(&line)?;
        Ok(ExitCode::from(u8::from(!report.unsealed.is_empty())))
    }
}

/// A report for people.
fn told(report: &Report) -> String {
    let count = |number: u64| HumanCount(number).to_string();
    let lines = [
        ("days", count(report.days)),
        ("days sealed", count(report.days_sealed)),
        ("of others", count(report.days_of_others)),
        ("folders merged", count(report.folders)),
        (
            "files",
            format!(
                "{} ({}) became {} ({})",
                count(report.files_before),
                HumanBytes(report.bytes_before),
                count(report.files_after),
                HumanBytes(report.bytes_after)
            ),
        ),
        ("rows", count(report.rows)),
        ("copies left out", count(report.copies)),
        ("files deleted", count(report.deleted)),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<16}{value}"));
    lines.join("\n")
}

/// Days, and the folder that is merged.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} days  {elapsed}  {msg}");
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }
}

impl Progress for Bar {
    fn days(&self, count: usize) {
        self.0.set_length(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn day(&self, day: NaiveDate) {
        self.0.set_message(day.to_string());
    }

    fn folder(&self, folder: &str, files: usize) {
        self.0.set_message(format!("{folder}, {files} files"));
    }

    fn day_ended(&self) {
        self.0.inc(1);
    }
}
