//! `trailflow backfill`: what is there already, through the same path.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};

use super::listed::Ingestion;
use super::query::ReportFormat;
use crate::aws;
use crate::config::{Config, Environment, LakeUrl};
use crate::limits::LISTED_OBJECTS_MAX;
use crate::object::ObjectRef;
use crate::object::directory::Directory;
use crate::object::earliest::{Earliest, Last, Pass};
use crate::object::fetch::Objects;
use crate::object::s3::S3Objects;
use crate::object::s3_listing;
use crate::queue::Wanted;

/// Ingest objects that are there already.
///
/// Every object goes down the same path as in the service, with the same claims: safe beside it,
/// and safe twice. Ends with 0 only when everything was looked into, and every object is committed,
/// ignored or quarantined.
#[derive(Debug, clap::Args)]
pub(super) struct Backfill {
    /// s3://bucket/prefix, or a directory in the layout of S3 keys. A directory's name stands for the bucket:
    /// an object is known again only below the same directory that was given before, or is watched.
    source: String,
    /// Only objects written at or after this time: 2026-01-31, or 2026-01-31T08:00:00Z.
    #[arg(long, value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Only objects written before this time.
    #[arg(long, value_parser = instant)]
    to: Option<DateTime<Utc>>,
    /// Objects that are held in memory at a time, some 350 bytes each. Where there are more, the earliest are
    /// ingested first, and the source is listed again for those behind them.
    #[arg(long, value_name = "OBJECTS", default_value_t = LISTED_OBJECTS_MAX)]
    listed_max: usize,
    /// How to report: a table for people, or JSON as the last line of stdout.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    lake: super::LakeName,
}

impl Backfill {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            anyhow::bail!("--from {from} is not before --to {to}: no object can be in between");
        }
        let config = self.lake.config(environment)?;
        let place = self.place(&config).await?;
        let mut ingestion = Ingestion::new(&config, place.objects(), self.format)?;
        let stop = ingestion.stop();
        let (mut unreadable, mut behind) = (BTreeSet::new(), None);
        loop {
            let first = behind.is_none();
            let listed = tokio::select! {
                listed = self.list(&place, behind) => listed,
                () = stop.cancelled() => {
                    super::note("trailflow: stopped while the source was listed. Run it again: it goes on there");
                    ingestion.end()?;
                    return Ok(ExitCode::from(1));
                }
            };
            let (pass, not_looked_into) = listed?;
            for path in not_looked_into {
                if unreadable.insert(path.clone()) {
                    super::note(&format!("trailflow: not looked into: {path}"));
                }
            }
            if first && pass.objects.is_empty() {
                super::note(
                    "No object was found. `--from` and `--to` go by the time an object was written.",
                );
            }
            let wanted = pass.objects.into_iter().map(Wanted::new).collect();
            let goes_on = ingestion.pass(wanted, pass.beyond).await?;
            match pass.last {
                Some(last) if goes_on => behind = Some(last),
                _ => break,
            }
        }
        let ended = ingestion.end()?;
        if ended.quarantined > 0 {
            super::note(&format!(
                "Which were quarantined, and why: trailflow quarantine list --lake '{}'",
                config.lake
            ));
        }
        if !unreadable.is_empty() {
            return Ok(ExitCode::from(1));
        }
        Ok(ended.code)
    }

    async fn place(&self, config: &Config) -> anyhow::Result<Place> {
        match LakeUrl::parse(&self.source) {
            Ok(LakeUrl::S3 { bucket, mut prefix }) => {
                // `logs/` must not list `logs-archive/` too.
                if !prefix.is_empty() && self.source.ends_with('/') {
                    prefix.push('/');
                }
                let client = aws::s3(&aws::sdk_config(&config.aws).await, &config.aws);
                Ok(Place::S3 {
                    objects: S3Objects::new(client),
                    bucket,
                    prefix,
                })
            }
            Ok(LakeUrl::Directory(path)) => {
                let directory = Directory::new(&path);
                if directory.is_within_a_bucket() {
                    super::note(&format!(
                        "trailflow: {} is a part of a bucket's directory. The name of the directory that is given, and the path in it, are an object's identity: what was read from another one is read again. Give the same as before, or as the service watches, and narrow it with --from and --to.",
                        path.display()
                    ));
                }
                Ok(Place::Directory(directory))
            }
            Err(error) => anyhow::bail!("SOURCE {}. Fix: {}", error.what, error.fix),
        }
    }

    /// The next pass, and what could not be looked into.
    async fn list(
        &self,
        place: &Place,
        behind: Option<Last>,
    ) -> anyhow::Result<(Pass, Vec<String>)> {
        let mut earliest = Earliest::new(self.listed_max, behind);
        let take = |object: ObjectRef| {
            if self.is_wanted(object.written_at) {
                earliest.offer(object);
            }
        };
        let unreadable = match place {
            Place::S3 {
                objects,
                bucket,
                prefix,
            } => {
                let bar = indicatif::ProgressBar::new_spinner();
                let seen = |count| bar.set_message(format!("{count} objects listed"));
                let listed = s3_listing::list(objects, bucket, prefix, take, seen).await;
                bar.finish_and_clear();
                listed.with_context(|| format!("{} cannot be listed", self.source))?;
                Vec::new()
            }
            Place::Directory(directory) => {
                let listed = directory.each(take);
                listed.with_context(|| format!("{} cannot be read", directory.root().display()))?
            }
        };
        Ok((earliest.pass(), unreadable))
    }

    /// Whether an object that was written then is asked for.
    fn is_wanted(&self, written_at: Option<DateTime<Utc>>) -> bool {
        written_at.is_none_or(|at| {
            self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
        })
    }
}

/// Where objects are listed and read.
enum Place {
    S3 {
        objects: S3Objects,
        bucket: String,
        prefix: String,
    },
    Directory(Directory),
}

impl Place {
    fn objects(&self) -> Arc<dyn Objects> {
        match self {
            Self::S3 { objects, .. } => Arc::new(objects.clone()),
            Self::Directory(directory) => Arc::new(directory.clone()),
        }
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
