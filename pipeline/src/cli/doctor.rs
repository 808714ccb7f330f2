//! `trailflow doctor`: whether the service would work, tried from where this runs.

use std::process::ExitCode;

use serde_json::json;

use super::check::{self, counted};
use crate::config::{Config, Environment, LakeUrl, Source};
use crate::doctor::{self, Check, Report, Verdict};
use crate::object::{ObjectRef, Version};

/// How to print checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum ChecksFormat {
    /// A line for people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// Try whether the service would work from here, with this configuration and these credentials.
///
/// Prints a line for each check: ok, warning or failure, what was asked, what was found, and the fix. It asks the
/// queue for its attributes, reads one object of each log bucket, and creates, reads, lists, copies and deletes an
/// object of its own in the lake. It takes no message and leaves nothing behind. Run it where the service runs, with
/// its role: `kubectl exec`, or as a task of its own.
///
/// Ends with 0 when nothing failed (a warning is no failure), with 1 when something did, with 2 when it could not
/// try.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// An object of a log bucket that is read, where the role may not list; may be given several times.
    #[arg(long, value_name = "s3://BUCKET/KEY", value_parser = object)]
    object: Vec<ObjectRef>,
    /// How to print checks.
    #[arg(long, value_enum, default_value_t)]
    format: ChecksFormat,
    #[command(flatten)]
    config: super::ConfigFile,
}

/// What was told, and whether it could be.
struct Told {
    format: ChecksFormat,
    checks: usize,
    warnings: usize,
    failures: usize,
    printed: anyhow::Result<()>,
}

impl Doctor {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        let file = self.config.path(environment);
        let mut told = Told::new(self.format);
        let mut tell = |check: Check| told.add(&check);
        let mut report = Report::new(&mut tell);
        match Config::load(file.as_deref(), environment) {
            Ok(config) => {
                report.ok("configuration", "no mistakes");
                signals(&config, &mut report).await;
                let named = self.named(&config)?;
                doctor::examine(&config, &named, &mut report).await;
            }
            Err(findings) => {
                for finding in &findings {
                    let file = finding.file.display();
                    let asked = match finding.line {
                        Some(line) => format!("configuration {file}:{line}"),
                        None => format!("configuration {file}"),
                    };
                    report.failure(asked, &finding.what, &finding.fix);
                }
            }
        }
        told.printed?;
        super::note(&format!(
            "{}: {}, {}",
            counted(told.checks, "check"),
            counted(told.warnings, "warning"),
            counted(told.failures, "failure")
        ));
        Ok(ExitCode::from(u8::from(told.failures > 0)))
    }

    /// The objects that are named, which the service would read.
    fn named(self, config: &Config) -> anyhow::Result<Vec<ObjectRef>> {
        for object in &self.object {
            let is_read = match &config.source {
                Source::Sqs { buckets, .. } => buckets.contains(&object.bucket),
                Source::Directory { .. } => false,
            };
            if !is_read {
                anyhow::bail!(
                    "--object names the bucket {}, which is not in `source.buckets`: the service never reads it",
                    object.bucket
                );
            }
        }
        Ok(self.object)
    }
}

async fn signals(config: &Config, report: &mut Report<'_>) {
    let (findings, proved) = check::signals(&config.signals, &config.reference, None).await;
    if findings.is_empty() {
        report.ok("signals", proved.to_string());
    } else {
        let what = counted(findings.len(), "finding");
        report.failure("signals", what, "see `trailflow check`, and correct them");
    }
}

fn object(text: &str) -> Result<ObjectRef, String> {
    match LakeUrl::parse(text) {
        Ok(LakeUrl::S3 { bucket, prefix }) if !prefix.is_empty() => Ok(ObjectRef {
            bucket,
            key: prefix,
            version: Version::default(),
            size_bytes: None,
            written_at: None,
        }),
        _ => Err(String::from("write s3://, the bucket, and the whole key")),
    }
}

impl Told {
    fn new(format: ChecksFormat) -> Self {
        Self {
            format,
            checks: 0,
            warnings: 0,
            failures: 0,
            printed: Ok(()),
        }
    }

    fn add(&mut self, check: &Check) {
        self.checks += 1;
        match check.verdict {
            Verdict::Ok => {}
            Verdict::Warning => self.warnings += 1,
            Verdict::Failure => self.failures += 1,
        }
        let verdict = check.verdict.as_str();
        let line = match (self.format, &check.fix) {
            (ChecksFormat::Text, None) => format!("{verdict:<8} {}: {}", check.asked, check.found),
            (ChecksFormat::Text, Some(fix)) => {
                format!("{verdict:<8} {}: {}. Fix: {fix}.", check.asked, check.found)
            }
            (ChecksFormat::Json, fix) => {
                json!({"verdict": verdict, "asked": check.asked, "found": check.found, "fix": fix})
                    .to_string()
            }
        };
        if self.printed.is_ok() {
            self.printed = super::print(&line);
        }
    }
}
