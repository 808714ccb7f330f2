//! The environment variables: the only place that reads them.
//!
//! In: the environment of the process, once. Out: values that win over those of the file.
//!
//! Must hold: a variable is a row here or is not read. An empty one counts as not set, because
//! templates of containers leave such behind.

use std::collections::BTreeMap;
use std::env::VarError;
use std::path::Path;

use crate::config::place::{ENVIRONMENT, Place};
use crate::config::raw::{KEYS, RawConfig, SourceKind};
use crate::config::walk::Walk;
use crate::finding::Findings;

/// Names the configuration file when the command line does not.
pub const CONFIG_FILE: &str = "TRAILFLOW_CONFIG";

const QUEUE_URL: &str = "TRAILFLOW_QUEUE_URL";
const DIRECTORY: &str = "TRAILFLOW_DIRECTORY";

/// The key that either of them decides too.
const KIND: &str = "source.kind";

/// Each variable, and the key of the file that it stands for.
pub const VARIABLES: &[(&str, &str)] = &[
    (QUEUE_URL, "source.queue_url"),
    ("TRAILFLOW_BUCKETS", "source.buckets"),
    (DIRECTORY, "source.directory"),
    ("TRAILFLOW_LAKE", "lake.url"),
    ("TRAILFLOW_LAKE_ENDPOINT_URL", "lake.endpoint_url"),
    ("TRAILFLOW_LISTEN", "listen.address"),
    ("TRAILFLOW_LOG_LEVEL", "telemetry.log_level"),
    ("TRAILFLOW_LOG_FORMAT", "telemetry.log_format"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// The variables that are set.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    set: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the variables of this process.
    pub fn read() -> Self {
        let names = VARIABLES.iter().map(|(name, _)| *name).chain([CONFIG_FILE]);
        names
            .filter_map(|name| variable(name).map(|value| (name, value)))
            .collect()
    }

    /// The file that `TRAILFLOW_CONFIG` names.
    pub fn config_file(&self) -> Option<&Path> {
        self.get(CONFIG_FILE).map(Path::new)
    }

    /// Lets each variable win over its key. A queue or a directory also decides the kind.
    pub(crate) fn apply(&self, raw: &mut RawConfig) -> Findings {
        let mut walk = Walk::new(Path::new(ENVIRONMENT), 1, "");
        match (self.get(QUEUE_URL), self.get(DIRECTORY)) {
            (Some(_), None) => {
                raw.source_kind = Some(SourceKind::Sqs);
                raw.places.record(KIND, Place::Variable(QUEUE_URL));
                raw.directory = None;
            }
            (None, Some(_)) => {
                raw.source_kind = Some(SourceKind::Directory);
                raw.places.record(KIND, Place::Variable(DIRECTORY));
                raw.queue_url = None;
                raw.buckets = None;
            }
            // Both, or neither: the rules of the source say what is wrong.
            (Some(_), Some(_)) | (None, None) => {}
        }
        for (variable, key) in VARIABLES {
            if let Some(text) = self.get(variable) {
                walk.variable(KEYS, key, variable, text, raw);
            }
        }
        walk.into_findings()
    }

    /// Whether the variables are meant to configure a service.
    pub(crate) fn names_a_source_or_lake(&self) -> bool {
        [QUEUE_URL, DIRECTORY, "TRAILFLOW_BUCKETS", "TRAILFLOW_LAKE"]
            .iter()
            .any(|name| self.get(name).is_some())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.set
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    }
}

/// One that is not UTF-8 is read as one that no rule accepts, and so is reported by its name.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
        Err(VarError::NotPresent) => None,
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let set = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self { set }
    }
}
