//! The documented example: it loads, has every key and no other, and shows the defaults.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::place::Places;
use crate::config::raw::{CLUSTER, KEYS, RawConfig};
use crate::config::walk::Walk;
use crate::config::{Config, Environment, LakeUrl, Source};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trailflow.example.toml")
}

/// A key that has no default, or that excludes another, stands behind a `#` without a blank.
fn uncommented(text: &str) -> String {
    let is_key = |rest: &&str| !rest.is_empty() && !rest.starts_with([' ', '#']);
    let lines = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(is_key).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn without_places<'k>(names: &[&'k str], places: &Places) -> Vec<&'k str> {
    names
        .iter()
        .copied()
        .filter(|name| places.written(name).is_none())
        .collect()
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let file = path();
    let text = uncommented(&fs::read_to_string(&file).unwrap());
    let mut raw = RawConfig::default();
    let mut walk = Walk::new(&file, 1, &text);
    walk.document(KEYS, &text, &mut raw);
    let findings = walk.into_findings();
    assert!(findings.is_empty(), "{findings}");

    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(
        without_places(&names, &raw.places),
        Vec::<&str>::new(),
        "not in the example"
    );
    let names: Vec<&str> = CLUSTER.iter().map(|key| key.name).collect();
    let cluster = raw.clusters.first().unwrap();
    assert_eq!(
        without_places(&names, &cluster.places),
        Vec::<&str>::new(),
        "not in the example"
    );
}

#[test]
fn the_example_shows_the_defaults() {
    let config = Config::load(Some(&path()), &Environment::default()).unwrap();
    let Source::Sqs { queue_url, buckets } = config.source.clone() else {
        panic!("the example has a queue");
    };
    let lake = LakeUrl::parse("s3://example-lake/trailflow").unwrap();
    assert_eq!(
        config,
        Config::new(Source::Sqs { queue_url, buckets }, lake)
    );
}

#[test]
fn keys_stand_in_the_table_once() {
    let names: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), KEYS.len());
}
