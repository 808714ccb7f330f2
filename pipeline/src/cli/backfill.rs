//! `trailflow backfill`: what is there already, through the same path.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};

use super::listed;
use super::query::ReportFormat;
use crate::aws;
use crate::config::{Config, Environment, LakeUrl};
use crate::object::ObjectRef;
use crate::object::directory::Directory;
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
        let Source {
            objects,
            listed,
            unreadable,
        } = self.list(&config).await?;
        let total = listed.len();
        for path in &unreadable {
            super::note(&format!("trailflow: not looked into: {path}"));
        }
        let wanted = listed.into_iter().map(Wanted::new).collect();
        let ended = listed::ingest(&config, objects, wanted, self.format).await?;
        if ended.quarantined > 0 {
            super::note(&format!(
                "Which were quarantined, and why: trailflow quarantine list --lake '{}'",
                config.lake
            ));
        }
        if total == 0 {
            super::note(
                "No object was found. `--from` and `--to` go by the time an object was written.",
            );
        }
        if !unreadable.is_empty() {
            return Ok(ExitCode::from(1));
        }
        Ok(ended.code)
    }

    async fn list(&self, config: &Config) -> anyhow::Result<Source> {
        let mut unreadable = Vec::new();
        let (objects, mut listed): (Arc<dyn Objects>, _) = match LakeUrl::parse(&self.source) {
            Ok(LakeUrl::S3 { bucket, mut prefix }) => {
                // `logs/` must not list `logs-archive/` too.
                if !prefix.is_empty() && self.source.ends_with('/') {
                    prefix.push('/');
                }
                let client = aws::s3(&aws::sdk_config(&config.aws).await, &config.aws);
                let bar = indicatif::ProgressBar::new_spinner();
                let seen = |count| bar.set_message(format!("{count} objects listed"));
                let is_wanted = |at| self.is_wanted(at);
                let listed = s3_listing::list(&client, &bucket, &prefix, is_wanted, seen).await;
                bar.finish_and_clear();
                let listed = listed.with_context(|| format!("{} cannot be listed", self.source))?;
                (Arc::new(S3Objects::new(client)), listed)
            }
            Ok(LakeUrl::Directory(path)) => {
                let directory = Directory::new(&path);
                if directory.is_within_a_bucket() {
                    super::note(&format!(
                        "trailflow: {} is a part of a bucket's directory. The name of the directory that is given, and the path in it, are an object's identity: what was read from another one is read again. Give the same as before, or as the service watches, and narrow it with --from and --to.",
                        path.display()
                    ));
                }
                let listed = directory.list();
                let found = listed.with_context(|| format!("{} cannot be read", path.display()))?;
                unreadable = found.unreadable;
                let mut listed = found.objects;
                listed.retain(|object| self.is_wanted(object.written_at));
                (Arc::new(directory), listed)
            }
            Err(error) => anyhow::bail!("SOURCE {}. Fix: {}", error.what, error.fix),
        };
        // In the order of time, whatever trail or account: copies of an event meet in the window.
        listed.sort_by(|a, b| {
            let (a, b) = (a.key.as_str(), b.key.as_str());
            (delivered(a), a).cmp(&(delivered(b), b))
        });
        Ok(Source {
            objects,
            listed,
            unreadable,
        })
    }

    /// Whether an object that was written then is asked for.
    fn is_wanted(&self, written_at: Option<DateTime<Utc>>) -> bool {
        written_at.is_none_or(|at| {
            self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
        })
    }
}

/// What is to be read, and where.
struct Source {
    objects: Arc<dyn Objects>,
    listed: Vec<ObjectRef>,
    /// What could not be looked into.
    unreadable: Vec<String>,
}

/// The time in the name of a log file, `…_20260105T1025Z_…` (domain 1.1, 6.1).
fn delivered(key: &str) -> Option<&str> {
    let name = key.rsplit('/').next()?;
    name.split('_').find(|part| {
        let bytes = part.as_bytes();
        bytes.len() == 14 && bytes.get(8) == Some(&b'T') && bytes.ends_with(b"Z")
    })
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| String::from("write a day as 2026-01-31 or a time as 2026-01-31T08:00:00Z"))?;
    Ok(day.and_time(chrono::NaiveTime::MIN).and_utc())
}
