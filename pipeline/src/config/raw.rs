//! The keys of the configuration, one row each.
//!
//! In: TOML and variables, by way of the walk. Out: a [`RawConfig`]: of the right types, not proved.

use crate::config::key::{Key, Kind};
use crate::config::place::{Placed, Places};
use crate::config::walk::{Entry, Walk};
use crate::config::{Cluster, LogFormat};

/// What was written; `None` where nothing was.
#[derive(Debug, Default)]
pub(crate) struct RawConfig {
    pub(crate) source_kind: Option<SourceKind>,
    pub(crate) queue_url: Option<String>,
    pub(crate) buckets: Option<Vec<String>>,
    pub(crate) directory: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) force_path_style: Option<bool>,
    pub(crate) lake: Option<String>,
    pub(crate) lake_endpoint_url: Option<String>,
    pub(crate) listen: Option<String>,
    pub(crate) signals: Option<String>,
    pub(crate) built_in: Option<bool>,
    pub(crate) without: Option<Vec<String>>,
    pub(crate) batch_bytes_max: Option<u64>,
    pub(crate) batch_rows_max: Option<u64>,
    pub(crate) batch_age_seconds_max: Option<u64>,
    pub(crate) memory_bytes_max: Option<u64>,
    pub(crate) objects_in_flight_max: Option<u64>,
    pub(crate) lease_seconds: Option<u64>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log_level: Option<String>,
    pub(crate) otlp_endpoint: Option<String>,
    pub(crate) expected_audiences: Option<Vec<String>>,
    pub(crate) own_networks: Option<Vec<String>>,
    pub(crate) node_roles: Option<Vec<String>>,
    pub(crate) watched_roles: Option<Vec<String>>,
    pub(crate) clusters: Vec<RawCluster>,
    pub(crate) places: Places,
}

/// A cluster as it was written, and where.
#[derive(Debug)]
pub(crate) struct RawCluster {
    pub(crate) cluster: Cluster,
    pub(crate) places: Places,
}

/// The word of `source.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    Sqs,
    Directory,
}

/// Every key of the file.
pub(crate) const KEYS: &[Key<RawConfig>] = &[
    Key::optional(
        "source.kind",
        Kind::Word(&["sqs", "directory"], |c, word| {
            c.source_kind = Some(source_kind(word));
        }),
    ),
    Key::optional(
        "source.queue_url",
        Kind::Text(|c, text| c.queue_url = Some(text)),
    ),
    Key::optional(
        "source.buckets",
        Kind::Texts(|c, texts| c.buckets = Some(texts)),
    ),
    Key::optional(
        "source.directory",
        Kind::Text(|c, text| c.directory = Some(text)),
    ),
    Key::optional("aws.region", Kind::Text(|c, text| c.region = Some(text))),
    Key::optional(
        "aws.endpoint_url",
        Kind::Text(|c, text| c.endpoint_url = Some(text)),
    ),
    Key::optional(
        "aws.force_path_style",
        Kind::Boolean(|c, yes| c.force_path_style = Some(yes)),
    ),
    Key::optional("lake.url", Kind::Text(|c, text| c.lake = Some(text))),
    Key::optional(
        "lake.endpoint_url",
        Kind::Text(|c, text| c.lake_endpoint_url = Some(text)),
    ),
    Key::optional(
        "listen.address",
        Kind::Text(|c, text| c.listen = Some(text)),
    ),
    Key::optional(
        "signals.directory",
        Kind::Text(|c, text| c.signals = Some(text)),
    ),
    Key::optional(
        "signals.built_in",
        Kind::Boolean(|c, yes| c.built_in = Some(yes)),
    ),
    Key::optional(
        "signals.without",
        Kind::Texts(|c, texts| c.without = Some(texts)),
    ),
    Key::optional(
        "batch.bytes_max",
        Kind::Bytes(|c, bytes| c.batch_bytes_max = Some(bytes)),
    ),
    Key::optional(
        "batch.rows_max",
        Kind::Count(|c, rows| c.batch_rows_max = Some(rows)),
    ),
    Key::optional(
        "batch.age_seconds_max",
        Kind::Count(|c, seconds| c.batch_age_seconds_max = Some(seconds)),
    ),
    Key::optional(
        "pipeline.memory_bytes_max",
        Kind::Bytes(|c, bytes| c.memory_bytes_max = Some(bytes)),
    ),
    Key::optional(
        "pipeline.objects_in_flight_max",
        Kind::Count(|c, objects| c.objects_in_flight_max = Some(objects)),
    ),
    Key::optional(
        "pipeline.lease_seconds",
        Kind::Count(|c, seconds| c.lease_seconds = Some(seconds)),
    ),
    Key::optional(
        "telemetry.log_format",
        Kind::Word(&["auto", "text", "json"], |c, word| {
            c.log_format = Some(log_format(word));
        }),
    ),
    Key::optional(
        "telemetry.log_level",
        Kind::Text(|c, text| c.log_level = Some(text)),
    ),
    Key::optional(
        "telemetry.otlp_endpoint",
        Kind::Text(|c, text| c.otlp_endpoint = Some(text)),
    ),
    Key::optional(
        "reference.expected_audiences",
        Kind::Texts(|c, texts| c.expected_audiences = Some(texts)),
    ),
    Key::optional(
        "reference.own_networks",
        Kind::Texts(|c, texts| c.own_networks = Some(texts)),
    ),
    Key::optional(
        "reference.node_roles",
        Kind::Texts(|c, texts| c.node_roles = Some(texts)),
    ),
    Key::optional(
        "reference.watched_roles",
        Kind::Texts(|c, texts| c.watched_roles = Some(texts)),
    ),
    Key::optional("reference.clusters", Kind::Tables(cluster)),
];

/// Every key of one `[[reference.clusters]]`.
pub(crate) const CLUSTER: &[Key<RawCluster>] = &[
    Key::required("oidc_id", Kind::Text(|c, text| c.cluster.oidc_id = text)),
    Key::required("name", Kind::Text(|c, text| c.cluster.name = text)),
];

fn cluster(walk: &mut Walk<'_>, config: &mut RawConfig, entry: &Entry<'_>) {
    let cluster = Cluster {
        oidc_id: String::new(),
        name: String::new(),
    };
    let mut cluster = RawCluster {
        cluster,
        places: Places::default(),
    };
    walk.table(CLUSTER, entry, &mut cluster);
    config.clusters.push(cluster);
}

// The walk has compared the words already, so these know each of them.

fn source_kind(word: &str) -> SourceKind {
    if word == "sqs" {
        SourceKind::Sqs
    } else {
        SourceKind::Directory
    }
}

fn log_format(word: &str) -> LogFormat {
    match word {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => LogFormat::Auto,
    }
}

impl Placed for RawConfig {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Placed for RawCluster {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}
