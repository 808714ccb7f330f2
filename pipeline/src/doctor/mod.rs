//! Whether the service would work from here: each thing that it needs is tried once.
//!
//! In: a proved configuration. Out: [`Check`]s, one as soon as it is made. Must hold: nothing that matters is
//! changed: no message is received or deleted, and what is written into the lake is removed again. A check that
//! fails hides no other that could be made without it.

mod buckets;
mod lake;
mod queue;
mod surroundings;

use crate::aws::{self, SdkConfig};
use crate::config::{Config, LakeUrl, Source};
use crate::object::ObjectRef;
use crate::object::directory::Directory;
use crate::object::s3::S3Objects;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The service works, and something is worth a look.
    Warning,
    /// The service would not work, or not for long.
    Failure,
}

/// What was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How it ended.
    pub verdict: Verdict,
    /// What was asked, and of whom.
    pub asked: String,
    /// What was found.
    pub found: String,
    /// What to do about it, if anything.
    pub fix: Option<String>,
}

/// Where checks go as they are made.
pub struct Report<'r> {
    tell: &'r mut dyn FnMut(Check),
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").finish_non_exhaustive()
    }
}

impl Verdict {
    /// The word that a line begins with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl<'r> Report<'r> {
    /// To whoever is told.
    pub fn new(tell: &'r mut dyn FnMut(Check)) -> Self {
        Self { tell }
    }

    /// It is as it should be.
    pub fn ok(&mut self, asked: impl Into<String>, found: impl Into<String>) {
        self.add(Verdict::Ok, asked.into(), found.into(), None);
    }

    /// Somebody should look at it.
    pub fn warning(&mut self, asked: impl Into<String>, found: impl Into<String>, fix: &str) {
        let fix = Some(fix.to_owned());
        self.add(Verdict::Warning, asked.into(), found.into(), fix);
    }

    /// It does not work.
    pub fn failure(&mut self, asked: impl Into<String>, found: impl Into<String>, fix: &str) {
        let fix = Some(fix.to_owned());
        self.add(Verdict::Failure, asked.into(), found.into(), fix);
    }

    /// What others say may have line breaks in it; a check is one line.
    fn add(&mut self, verdict: Verdict, asked: String, found: String, fix: Option<String>) {
        let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        (self.tell)(Check {
            verdict,
            asked: one_line(asked),
            found: one_line(found),
            fix: fix.map(one_line),
        });
    }
}

/// Makes every check that the configuration has a use for. `named` are objects of its buckets that are read, where
/// a role may not list.
pub async fn examine(config: &Config, named: &[ObjectRef], report: &mut Report<'_>) {
    surroundings::listen(config.listen, report).await;
    if let Some(endpoint) = &config.telemetry.otlp_endpoint {
        surroundings::collector(endpoint, report).await;
    }
    let uses_aws = config.lake.is_s3() || matches!(config.source, Source::Sqs { .. });
    let sdk = if uses_aws {
        Some(aws::sdk_config(&config.aws).await)
    } else {
        None
    };
    let sdk = match &sdk {
        Some(sdk) if account(config, sdk, report).await => Some(sdk),
        Some(_) => {
            not_asked(config, report);
            None
        }
        None => None,
    };
    match (&config.source, sdk) {
        (Source::Sqs { queue_url, buckets }, Some(sdk)) => {
            queue::examine(&aws::sqs(sdk), queue_url, config.pipeline.lease, report).await;
            let objects = S3Objects::new(aws::s3(sdk, &config.aws));
            for bucket in buckets {
                buckets::examine(&objects, bucket, &config.lake, named, report).await;
            }
        }
        (Source::Directory { path }, _) => directory(&Directory::new(path), report),
        (Source::Sqs { .. }, None) => {}
    }
    if sdk.is_some() || !config.lake.is_s3() {
        lake::examine(config, sdk, report).await;
    }
}

/// What cannot be asked without credentials.
fn not_asked(config: &Config, report: &mut Report<'_>) {
    let of_source = matches!(config.source, Source::Sqs { .. }).then_some("queue and buckets");
    let of_lake = config.lake.is_s3().then_some("lake");
    let parts: Vec<&str> = of_source.into_iter().chain(of_lake).collect();
    let fix = "correct what is said above, and ask again";
    report.warning(parts.join(", "), "not asked", fix);
}

/// Where AWS is, and who asks it. Whether the rest can be asked.
async fn account(config: &Config, sdk: &SdkConfig, report: &mut Report<'_>) -> bool {
    let Some(region) = sdk.region() else {
        let fix = "set AWS_REGION, or `region` under [aws]";
        report.failure("region", "none is known", fix);
        return false;
    };
    let by = if config.aws.region.is_some() {
        "aws.region"
    } else {
        "the AWS SDK"
    };
    report.ok("region", format!("{region}, from {by}"));
    match aws::credentials(sdk).await {
        Ok(found) => {
            let until = found.expires.map_or_else(
                || String::from("without an end"),
                |at| format!("until {}", at.format("%Y-%m-%dT%H:%M:%SZ")),
            );
            let key = found.access_key_id;
            report.ok("credentials", format!("access key {key}, valid {until}"));
        }
        Err(why) => {
            let fix = "give the process a role (IRSA, Pod Identity, ECS, instance profile), a profile, or the \
                       variables of a key";
            report.failure("credentials", format!("none: {why}"), fix);
            return false;
        }
    }
    match aws::caller(sdk).await {
        Ok(arn) => report.ok("credentials, whose", arn),
        Err(why) => {
            let fix = "nothing, if STS cannot be reached from here on purpose; else renew the credentials";
            report.warning(
                "credentials, whose",
                format!("STS does not say: {why}"),
                fix,
            );
        }
    }
    if let Some(address) = store_address(config, sdk) {
        surroundings::clock(&address, report).await;
    }
    true
}

/// A store that is asked anyway.
fn store_address(config: &Config, sdk: &SdkConfig) -> Option<String> {
    let path_style = config.aws.force_path_style;
    let (bucket, endpoint) = match (&config.lake, &config.source) {
        (LakeUrl::S3 { bucket, .. }, _) => (bucket, config.aws.lake_endpoint_url.as_deref()),
        (LakeUrl::Directory(_), Source::Sqs { buckets, .. }) => (buckets.first()?, None),
        (LakeUrl::Directory(_), Source::Directory { .. }) => return None,
    };
    aws::s3_address(sdk, bucket, endpoint, path_style).ok()
}

/// The directory that is watched.
fn directory(watched: &Directory, report: &mut Report<'_>) {
    let asked = format!("directory {}, read", watched.root().display());
    match watched.list() {
        Err(error) => {
            let fix = "make it, let the process read it, or correct `source.directory`";
            report.failure(asked, error.to_string(), fix);
        }
        Ok(found) => {
            let count = found.objects.len();
            match found.unreadable.first() {
                Some(first) => {
                    let what = format!("{count} files, and what cannot be looked into: {first}");
                    report.warning(asked, what, "let the process read it");
                }
                None => report.ok(asked, format!("{count} files")),
            }
            if watched.is_within_a_bucket() {
                let asked = format!("directory {}, place", watched.root().display());
                let fix = "watch the directory that holds AWSLogs: its name and the path in it are an object's identity";
                report.warning(asked, "it is a part of a bucket's directory", fix);
            }
            let sample = found.objects.first();
            if let Some(Err(error)) = sample.map(|object| watched.opens(object)) {
                let asked = format!("directory {}, open", watched.root().display());
                report.failure(
                    asked,
                    error.to_string(),
                    "let the process read the files in it",
                );
            }
        }
    }
}

/// An amount of bytes for people.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes / (1024 * 1024))
}
