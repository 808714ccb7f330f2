//! `trailflow signals`: what there is.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::json;

use super::catalogue;
use crate::config::{Config, Environment};
use crate::signal::{Catalog, Rollup, Signal};

/// How to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum ListFormat {
    /// For people.
    #[default]
    Table,
    /// For programs: one object a line.
    Json,
    /// For a wiki or a repository: the whole catalogue as one document.
    Markdown,
}

/// List the signals: what each finds, its metrics and labels, and what it cannot tell.
#[derive(Debug, clap::Args)]
pub(super) struct Signals {
    /// How to list.
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
    #[command(flatten)]
    config: super::ConfigFile,
}

impl Signals {
    pub(super) fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let catalog = match self.config.path(environment) {
            Some(file) => {
                let (selection, findings) = Config::signals(Some(&file), environment)?;
                findings.or(selection)?.catalog()?
            }
            None => Catalog::built_in()?,
        };
        if self.format == ListFormat::Markdown {
            super::print(catalogue::markdown(&catalog).trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        for signal in &catalog.signals {
            match self.format {
                ListFormat::Json => super::print(&as_json(signal).to_string())?,
                ListFormat::Table | ListFormat::Markdown => print_text(signal)?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_text(signal: &Signal) -> anyhow::Result<()> {
    let header = &signal.header;
    super::print(&format!(
        "{} ({}, {})",
        header.name,
        header.source.name(),
        header.status.as_str()
    ))?;
    super::print(&format!("  {}", header.summary))?;
    if let Some(limit) = &header.cannot_tell {
        let limit = limit.split_whitespace().collect::<Vec<_>>().join(" ");
        super::print(&format!("  cannot tell: {limit}"))?;
    }
    for metric in &header.metrics {
        let labels = metric.labels.join(", ");
        super::print(&format!(
            "  {} {} {{{labels}}}",
            metric.kind.as_str(),
            metric.name
        ))?;
    }
    if let Some(rollup) = &header.rollup {
        let measures = rollup
            .measures
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        super::print(&format!(
            "  view    {}({}, {measures})",
            header.name,
            rollup.grain.join(", ")
        ))?;
    }
    super::print("")
}

fn as_json(signal: &Signal) -> serde_json::Value {
    let header = &signal.header;
    let merges = |rollup: &Rollup| -> BTreeMap<String, &str> {
        let measures = rollup.measures.iter();
        measures
            .map(|(name, merge)| (name.clone(), merge.as_str()))
            .collect()
    };
    let metrics: Vec<_> = header
        .metrics
        .iter()
        .map(|metric| {
            json!({
                "name": metric.name,
                "type": metric.kind.as_str(),
                "help": metric.help,
                "value": metric.value,
                "labels": metric.labels,
                "series_max": metric.series_max,
            })
        })
        .collect();
    json!({
        "name": header.name,
        "table": header.source.name(),
        "status": header.status.as_str(),
        "summary": header.summary,
        "cannot_tell": header.cannot_tell,
        "metrics": metrics,
        "every_seconds": header.schedule.as_ref().map(|schedule| schedule.every_seconds),
        "grain": header.rollup.as_ref().map(|rollup| &rollup.grain),
        "measures": header.rollup.as_ref().map(|rollup| rollup.measures.keys().collect::<Vec<_>>()),
        "merge": header.rollup.as_ref().map(merges),
        "tests": header.tests.len(),
    })
}
