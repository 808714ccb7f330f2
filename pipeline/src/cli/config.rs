//! `trailflow config`: the configuration that is in force, and where each of its settings comes from.

use std::process::ExitCode;

use serde_json::json;

use crate::config::Environment;
use crate::config::effective::{Effective, Origin, Setting, Value};

/// How to print the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum SettingsFormat {
    /// A configuration file.
    #[default]
    Toml,
    /// For programs: one object a line.
    Json,
}

/// Print the configuration that is in force: every setting, its unit, and where its value comes from.
///
/// What it prints is a configuration file itself: `trailflow config > trailflow.toml` keeps what variables and
/// defaults say now. Behind each setting stands its origin: `default`, the file and line, or the environment
/// variable. It shows no secret: an address with a user or a query in it is left out, and stderr says so.
/// Credentials of AWS are never part of it. Nothing is asked for over the network.
///
/// Mistakes are printed as by `check`, and it ends with 1.
#[derive(Debug, clap::Args)]
pub(super) struct Print {
    /// How to print the settings.
    #[arg(long, value_enum, default_value_t)]
    format: SettingsFormat,
    #[command(flatten)]
    config: super::ConfigFile,
}

impl Print {
    pub(super) fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let file = self.config.path(environment);
        let effective = match Effective::load(file.as_deref(), environment) {
            Ok(effective) => effective,
            Err(findings) => return super::check::report(&findings),
        };
        match self.format {
            SettingsFormat::Toml => super::print(effective.to_string().trim_end())?,
            SettingsFormat::Json => {
                for setting in &effective.settings {
                    super::print(&as_json(setting).to_string())?;
                }
                super::print(&clusters(&effective).to_string())?;
            }
        }
        if effective.hidden() > 0 {
            let hidden = super::check::counted(effective.hidden(), "setting");
            super::note(&format!(
                "{hidden} not shown: an address that may hold a secret"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(setting: &Setting) -> serde_json::Value {
    let unit = match &setting.value {
        Some(Value::Count(_) | Value::Bytes(_)) => Some(setting.note),
        _ => None,
    };
    json!({
        "key": setting.key,
        "value": setting.value.as_ref().map(plain),
        "unit": unit,
        "origin": setting.origin.to_string(),
        "note": Some(setting.note).filter(|note| setting.value.is_none() && !note.is_empty()),
    })
}

/// All clusters are one setting, as in the file.
fn clusters(effective: &Effective) -> serde_json::Value {
    let tables: Vec<serde_json::Value> = effective
        .clusters
        .iter()
        .map(|cluster| {
            let cells = cluster
                .iter()
                .map(|cell| (cell.key.to_owned(), json!(cell.value.as_ref().map(plain))));
            serde_json::Value::Object(cells.collect())
        })
        .collect();
    let first = effective
        .clusters
        .first()
        .and_then(|cluster| cluster.first());
    let origin = first.map_or(&Origin::Default, |setting| &setting.origin);
    json!({
        "key": "reference.clusters",
        "value": tables,
        "unit": null,
        "origin": origin.to_string(),
        "note": null,
    })
}

fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text),
        Value::Texts(texts) => json!(texts),
        Value::Count(number) | Value::Bytes(number) => json!(number),
        Value::Boolean(yes) => json!(yes),
    }
}
