//! Documents that state facts about the code, compared with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trailflow::decode::Table;
use trailflow::signal::Catalog;
use trailflow::telemetry::own::{COUNTERS, GAUGES, HISTOGRAMS, SIGNAL_COUNTERS};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn metrics_md_lists_exactly_the_own_metrics() {
    let text = fs::read_to_string(repository().join("docs/metrics.md")).unwrap();
    let listed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `trailflow_"))
        .filter_map(|row| row.split('`').next())
        .collect();
    let counters = COUNTERS
        .iter()
        .chain(&SIGNAL_COUNTERS)
        .map(|(name, _)| *name);
    let gauges = GAUGES.iter().map(|(name, _)| *name);
    let histograms = HISTOGRAMS.iter().map(|(name, _, _)| *name);
    let own: BTreeSet<&str> = counters
        .chain(gauges)
        .chain(histograms)
        .map(|name| name.strip_prefix("trailflow_").unwrap())
        .collect();
    assert_eq!(listed, own);
}

#[test]
fn signals_md_is_what_the_headers_say() {
    let listed = Command::new(env!("CARGO_BIN_EXE_trailflow"))
        .args(["signals", "--format", "markdown"])
        .output()
        .unwrap();
    let text = fs::read_to_string(repository().join("docs/signals.md")).unwrap();
    assert!(
        listed.status.success() && text == String::from_utf8(listed.stdout).unwrap(),
        "run `cargo run --release -- signals --format markdown > docs/signals.md`"
    );
    let runbooks = fs::read_to_string(repository().join("docs/runbooks.md")).unwrap();
    let headings: BTreeSet<String> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_lowercase)
        .collect();
    let missing: Vec<&str> = text
        .split("](runbooks.md#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|runbook| !headings.contains(*runbook))
        .collect();
    assert!(missing.is_empty(), "docs/runbooks.md lacks {missing:?}");
}

/// The owner of a VPC endpoint logs others' calls a second time (domain 1.8).
#[test]
fn every_signal_over_cloudtrail_says_what_it_does_with_network_activity() {
    let silent: Vec<String> = Catalog::built_in()
        .unwrap()
        .signals
        .into_iter()
        .filter(|signal| signal.header.source.table() == Some(Table::Cloudtrail))
        .filter(|signal| {
            let mut code = signal
                .sql
                .lines()
                .filter_map(|line| line.split("--").next());
            !code.any(|line| line.contains("event_category"))
        })
        .map(|signal| signal.header.name)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_file_that_architecture_md_names_is_there() {
    let text = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let source = repository().join("pipeline/src");
    let decode = repository().join("pipeline/decode/src");
    let mut missing = Vec::new();
    for name in text.split('`').skip(1).step_by(2) {
        let path = name.split_whitespace().next().unwrap_or_default();
        let is_file = Path::new(path)
            .extension()
            .is_some_and(|end| end == "rs" || end == "md");
        if !is_file || path.contains('*') {
            continue;
        }
        let in_decode = path.strip_prefix("decode/").map(|below| decode.join(below));
        let there = source.join(path).exists()
            || repository().join(path).exists()
            || decode.join(path).exists()
            || in_decode.is_some_and(|file| file.exists());
        if !there {
            missing.push(path);
        }
    }
    assert!(missing.is_empty(), "docs/architecture.md names {missing:?}");
}

#[test]
fn every_invariant_that_code_names_is_numbered() {
    let text = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let numbered: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- **I"))
        .filter_map(|rest| rest.split("**").next())
        .map(str::to_owned)
        .collect();
    let expected: BTreeSet<String> = (1..=numbered.len()).map(|n| n.to_string()).collect();
    assert_eq!(numbered, expected, "numbers without a gap");
    let mut named = BTreeSet::new();
    let mut folders = vec![repository().join("pipeline"), repository().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|end| end.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(extension, Some("rs" | "py")) {
                named.extend(invariants(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert_eq!(named, numbered, "named in code, and numbered");
}

/// The invariants that the comments of a file name: `(I3)`, `(I1, I6)`.
fn invariants(text: &str) -> Vec<String> {
    let brackets = text.split('(').skip(1);
    let inside = brackets.filter_map(|rest| rest.split_once(')'));
    inside
        .flat_map(|(inside, _)| inside.split(", "))
        .filter_map(|name| name.strip_prefix('I'))
        .filter(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// What is fuzzed is what is shipped: both lock files name the same version of a crate.
#[test]
fn the_fuzz_targets_lock_what_is_shipped() {
    let locked = |path: &str| -> BTreeSet<(String, String)> {
        let text = fs::read_to_string(repository().join(path)).unwrap();
        let package = |text: &str| {
            let value = |key: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(key))?;
                Some(line.trim_matches('"').to_owned())
            };
            Some((value("name = ")?, value("version = ")?))
        };
        text.split("[[package]]").filter_map(package).collect()
    };
    let shipped = locked("Cargo.lock");
    let names: BTreeSet<&String> = shipped.iter().map(|(name, _)| name).collect();
    let fuzzed = locked("pipeline/fuzz/Cargo.lock");
    let other: Vec<&(String, String)> = fuzzed
        .iter()
        .filter(|package| names.contains(&package.0) && !shipped.contains(*package))
        .collect();
    assert!(
        other.is_empty(),
        "pipeline/fuzz/Cargo.lock has {other:?}; copy Cargo.lock there, and run cargo update --workspace in pipeline/fuzz"
    );
    assert!(fuzzed.iter().any(|(name, _)| name == "parquet"));
}
