//! The cases below `testdata/config`: a file, an environment or both, and what comes of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Config, Environment};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/config")
}

/// What loading says: the findings, without the folder, or the whole configuration.
fn outcome(case: &Path) -> String {
    let toml = case.with_extension("toml");
    let environment: Environment = fs::read_to_string(case.with_extension("env"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let file = toml.exists().then_some(toml.as_path());
    match Config::load(file, &environment) {
        Ok(config) => format!("{config:#?}\n"),
        Err(findings) => format!("{findings}\n").replace(&format!("{}/", folder().display()), ""),
    }
}

#[test]
fn every_case_says_what_is_expected() {
    let mut cases = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let case = entry.unwrap().path();
        if case
            .extension()
            .is_some_and(|extension| extension == "expected")
        {
            let expected = fs::read_to_string(&case).unwrap();
            assert_eq!(outcome(&case), expected, "{}", case.display());
            cases += 1;
        }
    }
    assert!(cases >= 20, "only {cases} cases");
}
