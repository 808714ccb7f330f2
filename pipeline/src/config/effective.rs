//! The configuration that is in force: every setting, its unit, and where its value comes from.
//!
//! In: file and environment, as for [`Config::load`]. Out: [`Effective`], and its text: TOML that is a
//! configuration file itself.
//!
//! Must hold: that text, read again, is the same configuration; every key of the file has a row here;
//! what may be a secret is not shown.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::place::{Place, Places};
use crate::config::raw::RawConfig;
use crate::config::{Config, Environment, Source, proved, written};
use crate::finding::Findings;

/// Every setting, in the order of the documented example.
#[derive(Debug)]
pub struct Effective {
    /// All but the clusters.
    pub settings: Vec<Setting>,
    /// The names of clusters: id and name of each.
    pub clusters: Vec<[Setting; 2]>,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its key, with the tables it stands in.
    pub key: &'static str,
    /// Nothing where it is not set and has no default, or is not shown.
    pub value: Option<Value>,
    /// What a number counts, or what it means that there is no value; may be empty.
    pub note: &'static str,
    /// Who says so.
    pub origin: Origin,
}

/// The value of a setting.
#[derive(Debug)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A number.
    Count(u64),
    /// A size.
    Bytes(u64),
    /// Yes or no.
    Boolean(bool),
}

/// Where a value comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File(PathBuf, u32),
    /// An environment variable.
    Variable(&'static str),
}

/// How one key of the file is read back from a proved configuration.
struct Row {
    key: &'static str,
    /// The unit of a number, or what it means that there is no value.
    note: &'static str,
    value: fn(&Config) -> Option<Value>,
}

/// What stands in place of a value that may hold a secret.
const HIDDEN: &str = "set, and not shown: it may hold a secret. Set it where it is set now";

const ROWS: &[Row] = &[
    row("source.kind", "", |c| {
        Some(text(match c.source {
            Source::Sqs { .. } => "sqs",
            Source::Directory { .. } => "directory",
        }))
    }),
    row("source.queue_url", "", |c| match &c.source {
        Source::Sqs { queue_url, .. } => Some(text(queue_url)),
        Source::Directory { .. } => None,
    }),
    row("source.buckets", "", |c| match &c.source {
        Source::Sqs { buckets, .. } => Some(texts(buckets)),
        Source::Directory { .. } => None,
    }),
    row("source.directory", "", |c| match &c.source {
        Source::Sqs { .. } => None,
        Source::Directory { path } => Some(text(path.display())),
    }),
    row("aws.region", "the one that the AWS SDK finds", |c| {
        c.aws.region.as_ref().map(text)
    }),
    row("aws.endpoint_url", "AWS's own", |c| {
        c.aws.endpoint_url.as_ref().map(text)
    }),
    row("aws.force_path_style", "", |c| {
        Some(Value::Boolean(c.aws.force_path_style))
    }),
    row("lake.url", "", |c| Some(text(&c.lake))),
    row("lake.endpoint_url", "as aws.endpoint_url", |c| {
        c.aws.lake_endpoint_url.as_ref().map(text)
    }),
    row("listen.address", "", |c| Some(text(c.listen))),
    row("signals.directory", "those built in alone", |c| {
        let directory = c.signals.directory.as_ref();
        directory.map(|directory| text(directory.display()))
    }),
    row("signals.built_in", "", |c| {
        Some(Value::Boolean(c.signals.built_in))
    }),
    row("signals.without", "", |c| Some(texts(&c.signals.without))),
    row("batch.bytes_max", "bytes", |c| bytes(c.batch.bytes_max)),
    row("batch.rows_max", "rows", |c| count(c.batch.rows_max)),
    row("batch.age_seconds_max", "seconds", |c| {
        Some(Value::Count(c.batch.age_max.as_secs()))
    }),
    row("pipeline.memory_bytes_max", "bytes", |c| {
        bytes(c.pipeline.memory_bytes_max)
    }),
    row("pipeline.objects_in_flight_max", "objects", |c| {
        count(c.pipeline.objects_in_flight_max)
    }),
    row("pipeline.lease_seconds", "seconds", |c| {
        Some(Value::Count(c.pipeline.lease.as_secs()))
    }),
    row("telemetry.log_format", "", |c| {
        Some(text(c.telemetry.log_format.as_str()))
    }),
    row("telemetry.log_level", "", |c| {
        Some(text(&c.telemetry.log_level))
    }),
    row("telemetry.otlp_endpoint", "no traces are made", |c| {
        c.telemetry.otlp_endpoint.as_ref().map(text)
    }),
    row("reference.expected_audiences", "", |c| {
        Some(texts(&c.reference.expected_audiences))
    }),
    row("reference.own_networks", "", |c| {
        Some(texts(&c.reference.own_networks))
    }),
    row("reference.node_roles", "", |c| {
        Some(texts(&c.reference.node_roles))
    }),
    row("reference.watched_roles", "", |c| {
        Some(texts(&c.reference.watched_roles))
    }),
];

const fn row(key: &'static str, note: &'static str, value: fn(&Config) -> Option<Value>) -> Row {
    Row { key, note, value }
}

fn text(text: impl fmt::Display) -> Value {
    Value::Text(text.to_string())
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Value {
    Value::Texts(texts.into_iter().cloned().collect())
}

fn count(count: usize) -> Option<Value> {
    u64::try_from(count).ok().map(Value::Count)
}

fn bytes(bytes: usize) -> Option<Value> {
    u64::try_from(bytes).ok().map(Value::Bytes)
}

impl Effective {
    /// Reads file and environment as [`Config::load`] does, and fails as it does.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Findings> {
        let file = file.or_else(|| environment.config_file());
        let (raw, findings) = written(file, environment)?;
        let config = proved(file, &raw, findings)?;
        let origin = |places: &Places, key: &str| origin(file, places.written(key));
        let settings = ROWS.iter().map(|row| {
            let value = (row.value)(&config);
            let hides = value.as_ref().is_some_and(Value::may_hold_a_secret);
            Setting {
                key: row.key,
                note: if hides { HIDDEN } else { row.note },
                origin: origin(&raw.places, says(row.key, &raw)),
                value: value.filter(|_| !hides),
            }
        });
        let clusters = raw.clusters.iter().map(|raw| {
            let cell = |key, written: &String| Setting {
                key,
                value: Some(text(written)),
                note: "",
                origin: origin(&raw.places, key),
            };
            [
                cell("oidc_id", &raw.cluster.oidc_id),
                cell("name", &raw.cluster.name),
            ]
        });
        Ok(Self {
            settings: settings.collect(),
            clusters: clusters.collect(),
        })
    }

    /// How many settings are not shown.
    pub fn hidden(&self) -> usize {
        let hidden = self.settings.iter();
        hidden.filter(|setting| setting.note == HIDDEN).count()
    }
}

/// The key that says what this one is. Without `source.kind` a queue or a directory says the kind.
fn says(key: &'static str, raw: &RawConfig) -> &'static str {
    if key != "source.kind" || raw.places.written(key).is_some() {
        key
    } else if raw.queue_url.is_some() {
        "source.queue_url"
    } else {
        "source.directory"
    }
}

fn origin(file: Option<&Path>, place: Option<Place>) -> Origin {
    match (place, file) {
        (Some(Place::Variable(name)), _) => Origin::Variable(name),
        (Some(Place::Line(line)), Some(file)) => Origin::File(file.to_path_buf(), line),
        (Some(Place::Line(_)) | None, _) => Origin::Default,
    }
}

impl Value {
    fn may_hold_a_secret(&self) -> bool {
        matches!(self, Self::Text(text) if may_hold_a_secret(text))
    }
}

/// Whether an address has a user or a query in it: names and passwords stand there, and keys.
pub fn may_hold_a_secret(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@') || rest.contains('?')
}

/// TOML, each line with its unit and its origin behind it.
impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# The configuration that is in force, as a configuration file. Behind each setting stand its unit and\n\
             # where it comes from. A key behind a `#` is not set.\n",
        )?;
        let mut inside = "";
        for setting in &self.settings {
            let (table, _) = setting.key.split_once('.').unwrap_or_default();
            if table != inside {
                write!(f, "\n[{table}]\n")?;
                inside = table;
            }
            writeln!(f, "{setting}")?;
        }
        if self.clusters.is_empty() {
            writeln!(f, "clusters = []  # default")?;
        }
        for cluster in &self.clusters {
            f.write_str("\n[[reference.clusters]]\n")?;
            for setting in cluster {
                writeln!(f, "{setting}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.rsplit('.').next().unwrap_or(self.key);
        match &self.value {
            None if self.note == HIDDEN => write!(f, "#{key} =  # {HIDDEN}: {}", self.origin),
            None if self.note.is_empty() => write!(f, "#{key} =  # not set"),
            None => write!(f, "#{key} =  # not set: {}", self.note),
            // Its unit is part of it.
            Some(value @ Value::Bytes(bytes)) if in_units(*bytes).is_some() => {
                write!(f, "{key} = {value}  # {}", self.origin)
            }
            Some(value @ (Value::Count(_) | Value::Bytes(_))) => {
                write!(f, "{key} = {value}  # {}; {}", self.note, self.origin)
            }
            Some(value) => write!(f, "{key} = {value}  # {}", self.origin),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Count(count) => write!(f, "{count}"),
            Self::Bytes(bytes) => match in_units(*bytes) {
                Some((number, unit)) => write!(f, "\"{number} {unit}\""),
                None => write!(f, "{bytes}"),
            },
            Self::Boolean(yes) => write!(f, "{yes}"),
        }
    }
}

impl fmt::Display for Origin {
    /// On one line, whatever the file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => {
                let file = file.display().to_string();
                for letter in file.chars() {
                    if letter.is_control() {
                        write!(f, "{}", letter.escape_default())?;
                    } else {
                        write!(f, "{letter}")?;
                    }
                }
                write!(f, ":{line}")
            }
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// A basic string of TOML: that of JSON, but for one letter.
fn quoted(text: &str) -> String {
    let text = serde_json::Value::from(text).to_string();
    text.replace('\u{7f}', "\\u007f")
}

/// A size in the largest unit that it is a whole number of.
fn in_units(bytes: u64) -> Option<(u64, &'static str)> {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let mut units = units.iter();
    let (size, unit) = units.find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size))?;
    Some((bytes / size, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::KEYS;

    #[test]
    fn every_key_has_a_row() {
        let rows: Vec<&str> = ROWS.iter().map(|row| row.key).collect();
        let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        // Clusters are tables, and come last.
        assert_eq!(rows, keys[..keys.len() - 1]);
        assert_eq!(keys.last(), Some(&"reference.clusters"));
    }

    #[test]
    fn an_address_with_a_user_or_a_query_is_not_shown() {
        for (address, hides) in [
            ("http://localhost:4318", false),
            ("http://localhost:4318/v1/a@b", false),
            ("https://user:word@collector:4318", true),
            ("https://user@collector", true),
            ("https://collector/v1?api-key=word", true),
            ("/var/log/a@b", false),
        ] {
            assert_eq!(
                Value::Text(address.to_owned()).may_hold_a_secret(),
                hides,
                "{address}"
            );
        }
    }
}
