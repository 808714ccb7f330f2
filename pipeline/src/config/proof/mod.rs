//! Proves what was written: a [`RawConfig`] becomes a [`Config`], or a list of mistakes.
//!
//! In: values of the right types. Out: valid ones, and every rule that some of them break.
//!
//! Must hold: a key that the walk refused is not reported a second time as missing.

mod source;
mod amounts;
mod reference;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::config::place::{self, Places};
use crate::config::raw::RawConfig;
use crate::config::{Aws, Config, LISTEN_DEFAULT, Telemetry, names};
use crate::finding::Findings;
use crate::signal::{Catalog, Selection};

/// The configuration, if it has a source and a lake, and every mistake in it.
pub(crate) fn prove(file: &Path, raw: &RawConfig) -> (Option<Config>, Findings) {
    let mut proof = Proof {
        file,
        places: &raw.places,
        findings: Findings::default(),
    };
    let source = proof.source(raw);
    let lake = proof.lake(raw.lake.as_deref());
    proof.lake_outside_source(source.as_ref(), lake.as_ref());
    let aws = proof.aws(raw);
    let listen = proof.listen(raw.listen.as_deref());
    let (batch, pipeline) = proof.limits(raw);
    let telemetry = proof.telemetry(raw);
    let reference = proof.reference(raw);
    let signals = proof.signals(raw);
    let findings = proof.findings;

    let (Some(source), Some(lake)) = (source, lake) else {
        return (None, findings);
    };
    let config = Config {
        source,
        aws,
        lake,
        listen,
        signals,
        batch,
        pipeline,
        telemetry,
        reference,
    };
    (Some(config), findings)
}

/// Which signals run, and every mistake in what says so.
pub(crate) fn signals(file: &Path, raw: &RawConfig) -> (Selection, Findings) {
    let mut proof = Proof {
        file,
        places: &raw.places,
        findings: Findings::default(),
    };
    let selection = proof.signals(raw);
    (selection, proof.findings)
}

struct Proof<'p> {
    file: &'p Path,
    places: &'p Places,
    findings: Findings,
}

impl Proof<'_> {
    fn aws(&mut self, raw: &RawConfig) -> Aws {
        if let Some(region) = &raw.region {
            self.name(
                "aws.region",
                region,
                names::region,
                "write one such as \"eu-west-1\"",
            );
        }
        if let Some(url) = &raw.endpoint_url {
            self.name(
                "aws.endpoint_url",
                url,
                names::endpoint,
                "write one such as \"http://localhost:4566\", or leave it out for AWS itself",
            );
        }
        if let Some(url) = &raw.lake_endpoint_url {
            self.name(
                "lake.endpoint_url",
                url,
                names::endpoint,
                "write one such as \"http://localhost:8333\", or leave it out for AWS itself",
            );
        }
        Aws {
            lake_endpoint_url: raw.lake_endpoint_url.clone(),
            region: raw.region.clone(),
            endpoint_url: raw.endpoint_url.clone(),
            force_path_style: raw.force_path_style.unwrap_or_default(),
        }
    }

    fn listen(&mut self, text: Option<&str>) -> SocketAddr {
        let Some(text) = text else {
            return LISTEN_DEFAULT;
        };
        text.parse().unwrap_or_else(|_| {
            let what = format!("`listen.address` is \"{text}\", not an IP address with a port");
            let fix =
                "write one such as \"127.0.0.1:9464\", or \"0.0.0.0:9464\" for every interface";
            self.at("listen.address", &what, fix);
            LISTEN_DEFAULT
        })
    }

    fn signals(&mut self, raw: &RawConfig) -> Selection {
        let built_in = raw.built_in.unwrap_or(true);
        let without: BTreeSet<String> = raw.without.iter().flatten().cloned().collect();
        for name in &without {
            if !Catalog::has_built_in(name) {
                let what = format!("`signals.without` names \"{name}\", which is not built in");
                let fix = "write names as `trailflow signals` lists them; a signal of your own is left out by \
                           taking its file away";
                self.at("signals.without", &what, fix);
            }
        }
        if !built_in && !without.is_empty() {
            let what = "`signals.without` has no meaning where no built-in signal runs";
            let fix = "remove it, or `signals.built_in`";
            self.at("signals.without", what, fix);
        }
        if !built_in && raw.signals.is_none() {
            let what = "`signals.built_in` is false and there are no others";
            let fix = "name a directory of signals in `signals.directory`, or remove it";
            self.at("signals.built_in", what, fix);
        }
        Selection {
            directory: raw.signals.as_ref().map(PathBuf::from),
            built_in,
            without,
        }
    }

    fn telemetry(&mut self, raw: &RawConfig) -> Telemetry {
        let default = Telemetry::default();
        if let Some(level) = &raw.log_level {
            self.name(
                "telemetry.log_level",
                level,
                log_level,
                "write off, error, warn, info, debug or trace; by module as \"info,trailflow=debug\"",
            );
        }
        if let Some(url) = &raw.otlp_endpoint {
            self.name(
                "telemetry.otlp_endpoint",
                url,
                names::endpoint,
                "write one such as \"http://localhost:4318\"",
            );
        }
        Telemetry {
            log_format: raw.log_format.unwrap_or_default(),
            log_level: raw.log_level.clone().unwrap_or(default.log_level),
            otlp_endpoint: raw.otlp_endpoint.clone(),
        }
    }

    fn name(
        &mut self,
        key: &str,
        text: &str,
        rule: fn(&str) -> Result<(), &'static str>,
        fix: &str,
    ) {
        if let Err(why) = rule(text) {
            self.at(key, &format!("`{key}` is \"{text}\", which {why}"), fix);
        }
    }

    /// Every name of a list by the same rule, and none twice.
    fn names(
        &mut self,
        key: &str,
        texts: &[String],
        rule: fn(&str) -> Result<(), &'static str>,
        fix: &str,
    ) {
        let mut seen = BTreeSet::new();
        for (index, text) in texts.iter().enumerate() {
            let place = format!("{key}[{index}]");
            if let Err(why) = rule(text) {
                self.at(&place, &format!("`{key}` has \"{text}\", which {why}"), fix);
            } else if !seen.insert(text) {
                let what = format!("`{key}` has \"{text}\" twice");
                self.at(&place, &what, "keep one of the two");
            }
        }
    }

    fn unused(&mut self, key: &str, by: &str) {
        self.at(
            key,
            &format!("`{key}` is not used by {by}"),
            "remove it, or change `source.kind`",
        );
    }

    /// Something is missing, unless one of these keys was written and refused already.
    fn missing(&mut self, keys: &[&str], what: &str, fix: &str) {
        if keys.iter().any(|key| self.places.written(key).is_some()) {
            return;
        }
        let table = keys.first().and_then(|key| key.split('.').next());
        let place = table.and_then(|table| self.places.written(table));
        self.findings
            .push(place::finding(self.file, place, what, fix));
    }

    fn at(&mut self, key: &str, what: &str, fix: &str) {
        self.findings
            .push(place::finding(self.file, self.places.of(key), what, fix));
    }

    /// At the first key if it was written, else at the second.
    fn at_either(&mut self, first: &str, second: &str, what: &str, fix: &str) {
        self.at(
            if self.places.written(first).is_some() {
                first
            } else {
                second
            },
            what,
            fix,
        );
    }
}

/// A level, or levels by module.
fn log_level(text: &str) -> Result<(), &'static str> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |directive: &str| {
        let level = directive
            .rsplit_once('=')
            .map_or(directive, |(_, level)| level);
        LEVELS.contains(&level.trim())
    };
    if text.split(',').all(is_level) {
        Ok(())
    } else {
        Err("is not a level")
    }
}
