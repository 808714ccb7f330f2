//! The configuration: what a person wrote, proved once, and typed from then on.
//!
//! In: a TOML file, if there is one, and the environment, which wins. Out: a [`Config`], or every
//! mistake in both.
//!
//! ```text
//! file ─ walk ─┐
//!              ├─► RawConfig ─ proof ─► Config
//! environment ─┘
//! ```
//!
//! Must hold: after [`Config::load`] nobody checks a setting again; only `env` reads the
//! environment.

pub mod effective;
pub mod env;
pub mod lake;
mod names;
mod network;
mod proof;
mod raw;

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use trailflow_decode::keys::{key, place, walk};

pub use crate::config::env::Environment;
pub use crate::config::lake::LakeUrl;
use crate::config::raw::RawConfig;
use crate::config::walk::Walk;
use crate::decode::flow_logs::OWN_NETWORKS_DEFAULT;
use crate::finding::{Finding, Findings};
use crate::limits;
use crate::signal::Selection;

/// Where metrics and health are served unless configured: reachable from this machine only.
pub const LISTEN_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// Everything that the service needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where objects are announced.
    pub source: Source,
    /// How AWS is reached, beyond the SDK's own variables.
    pub aws: Aws,
    /// Where rows go.
    pub lake: LakeUrl,
    /// Where metrics and health are served.
    pub listen: SocketAddr,
    /// Which signals run.
    pub signals: Selection,
    /// When a batch of the lake closes.
    pub batch: Batch,
    /// What the pipeline may hold at once.
    pub pipeline: PipelineLimits,
    /// What the service says about itself.
    pub telemetry: Telemetry,
    /// What signals may compare with.
    pub reference: Reference,
}

/// Where objects are announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An SQS queue of notifications.
    Sqs {
        /// `https://…/<account>/<name>`.
        queue_url: String,
        /// The only buckets that objects are read from; never empty.
        buckets: Vec<String>,
    },
    /// A directory in the layout of S3 keys.
    Directory {
        /// Its path.
        path: PathBuf,
    },
}

/// How AWS is reached. What is not said here, the SDK takes from where it always does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// Region of the queue and the buckets.
    pub region: Option<String>,
    /// Another endpoint for every service, such as an emulator's.
    pub endpoint_url: Option<String>,
    /// Another endpoint for the lake alone; wins over the one for every service.
    pub lake_endpoint_url: Option<String>,
    /// Bucket in the path instead of the host name.
    pub force_path_style: bool,
}

/// When a batch of the lake closes: whatever comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Bytes in memory.
    pub bytes_max: usize,
    /// Rows of all tables.
    pub rows_max: usize,
    /// Since it was opened.
    pub age_max: Duration,
}

/// What the pipeline may hold at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineLimits {
    /// For rows and queries.
    pub memory_bytes_max: usize,
    /// Objects being fetched and decoded.
    pub objects_in_flight_max: usize,
    /// How long a claim, and a message, is held without renewal.
    pub lease: Duration,
}

/// What the service says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// How a log line looks.
    pub log_format: LogFormat,
    /// A level, or levels by module: `info`, `warn,trailflow=debug`.
    pub log_level: String,
    /// Where traces go; none are made without it.
    pub otlp_endpoint: Option<String>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What signals may compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The audiences that a web identity token should bear; never empty.
    pub expected_audiences: Vec<String>,
    /// CIDR blocks that count as internal, in their canonical form.
    pub own_networks: Vec<String>,
    /// Names of clusters, by the id in their OIDC issuer.
    pub clusters: Vec<Cluster>,
    /// ARNs of the roles of worker nodes.
    pub node_roles: Vec<String>,
    /// ARNs of the roles that somebody waits for.
    pub watched_roles: Vec<String>,
}

/// The name of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The last part of its OIDC issuer's address.
    pub oidc_id: String,
    /// As the team calls it.
    pub name: String,
}

impl Config {
    /// A configuration with every default, for uses that have no file.
    pub fn new(source: Source, lake: LakeUrl) -> Self {
        Self {
            source,
            aws: Aws::default(),
            lake,
            listen: LISTEN_DEFAULT,
            signals: Selection::default(),
            batch: Batch::default(),
            pipeline: PipelineLimits::default(),
            telemetry: Telemetry::default(),
            reference: Reference::default(),
        }
    }

    /// Reads the file, if there is one here or in `TRAILFLOW_CONFIG`, then the environment.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Findings> {
        let file = file.or_else(|| environment.config_file());
        let (raw, findings) = written(file, environment)?;
        proved(file, &raw, findings)
    }

    /// The same for a command that has no source, or names it itself, and may name the lake: what it does
    /// not say, a file and the environment may. The source is a directory that is never read.
    pub fn for_lake(
        file: Option<&Path>,
        environment: &Environment,
        lake: Option<&str>,
    ) -> Result<Self, Findings> {
        let file = file.or_else(|| environment.config_file());
        let (mut raw, findings) = written(file, environment)?;
        raw.source_kind = Some(raw::SourceKind::Directory);
        raw.queue_url = None;
        raw.buckets = None;
        raw.directory = Some(NO_SOURCE.to_owned());
        if let Some(lake) = lake {
            raw.lake = Some(lake.to_owned());
        }
        if raw.lake.is_none() {
            let fix =
                "name it with --lake, as s3://bucket/prefix or a directory, or set TRAILFLOW_LAKE";
            let file = file.unwrap_or(Path::new(place::ENVIRONMENT));
            return Err(Finding::new(file, None, "no lake is named", fix).into());
        }
        proved(file, &raw, findings)
    }

    /// Which signals run, for a command that looks at nothing else; by default what is built in.
    pub fn signals(
        file: Option<&Path>,
        environment: &Environment,
    ) -> Result<(Selection, Findings), Findings> {
        let file = file.or_else(|| environment.config_file());
        let (raw, _of_other_tables) = written(file, environment)?;
        let file = file.unwrap_or(Path::new(place::ENVIRONMENT));
        Ok(proof::signals(file, &raw))
    }
}

/// Stands for the source of a command that reads none.
const NO_SOURCE: &str = "/nonexistent";

/// What file and environment say, of the right types.
fn written(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(RawConfig, Findings), Findings> {
    let mut raw = RawConfig::default();
    let mut findings = Findings::default();
    if let Some(file) = file {
        let text = read_text(file)?;
        let mut walk = Walk::new(file, 1, &text);
        let is_toml = walk.document(raw::KEYS, &text, &mut raw);
        findings.extend(walk.into_findings());
        if !is_toml {
            return Err(findings);
        }
    }
    findings.extend(environment.apply(&mut raw));
    Ok((raw, findings))
}

fn proved(
    file: Option<&Path>,
    raw: &RawConfig,
    mut findings: Findings,
) -> Result<Config, Findings> {
    let file = file.unwrap_or(Path::new(place::ENVIRONMENT));
    let (config, mistakes) = proof::prove(file, raw);
    findings.extend(mistakes);
    match config {
        Some(config) => findings.or(config),
        None => Err(findings),
    }
}

fn read_text(file: &Path) -> Result<String, Finding> {
    let mut text = String::new();
    fs::File::open(file)
        .and_then(|open| {
            open.take(limits::CONFIG_FILE_BYTES_MAX.saturating_add(1))
                .read_to_string(&mut text)
        })
        .map_err(|error| {
            let what = format!("cannot be read: {error}");
            Finding::new(
                file,
                None,
                what,
                "correct the path given by --config or TRAILFLOW_CONFIG",
            )
        })?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= limits::CONFIG_FILE_BYTES_MAX) {
        return Ok(text);
    }
    let what = format!(
        "the file has more than {} bytes",
        limits::CONFIG_FILE_BYTES_MAX
    );
    Err(Finding::new(file, None, what, "name a configuration file"))
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes_max: limits::LAKE_BATCH_BYTES_MAX,
            rows_max: limits::LAKE_BATCH_ROWS_MAX,
            age_max: limits::LAKE_BATCH_AGE_MAX,
        }
    }
}

impl Default for PipelineLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: limits::MEMORY_BYTES_MAX,
            objects_in_flight_max: limits::OBJECTS_IN_FLIGHT_MAX,
            lease: limits::LEASE,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Auto,
            log_level: "info".to_owned(),
            otlp_endpoint: None,
        }
    }
}

impl Default for Reference {
    /// The audience that EKS uses, and the networks that are nobody else's.
    fn default() -> Self {
        Self {
            expected_audiences: vec!["sts.amazonaws.com".to_owned()],
            own_networks: OWN_NETWORKS_DEFAULT.map(str::to_owned).to_vec(),
            clusters: Vec::new(),
            node_roles: Vec::new(),
            watched_roles: Vec::new(),
        }
    }
}

impl LogFormat {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod example;
