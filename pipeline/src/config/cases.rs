//! The cases below `testdata/config`: a file, an environment or both, and what comes of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::effective::Effective;
use crate::config::{Config, Environment};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/config")
}

fn environment(case: &Path) -> Environment {
    fs::read_to_string(case.with_extension("env"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect()
}

fn file(case: &Path) -> Option<PathBuf> {
    Some(case.with_extension("toml")).filter(|file| file.exists())
}

fn without_folder(text: &str) -> String {
    text.replace(&format!("{}/", folder().display()), "")
}

/// What loading says: the findings, without the folder, or the whole configuration.
fn outcome(case: &Path) -> String {
    match Config::load(file(case).as_deref(), &environment(case)) {
        Ok(config) => format!("{config:#?}\n"),
        Err(findings) => without_folder(&format!("{findings}\n")),
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

/// Of each case that loads: what is printed, read again, is the same configuration; and is as expected, where
/// that is written down.
#[test]
fn what_is_in_force_is_a_configuration_file_itself() {
    let again = tempfile::tempdir().unwrap();
    let (mut loaded, mut compared) = (0, 0);
    for entry in fs::read_dir(folder()).unwrap() {
        let case = entry.unwrap().path();
        if case
            .extension()
            .is_none_or(|extension| extension != "expected")
        {
            continue;
        }
        let (toml, variables) = (file(&case), environment(&case));
        let Ok(config) = Config::load(toml.as_deref(), &variables) else {
            continue;
        };
        let printed = Effective::load(toml.as_deref(), &variables)
            .unwrap()
            .to_string();
        let copy = again.path().join("copy.toml");
        fs::write(&copy, &printed).unwrap();
        let read = Config::load(Some(&copy), &Environment::default());
        assert_eq!(read, Ok(config), "{}", case.display());
        loaded += 1;
        if let Ok(expected) = fs::read_to_string(case.with_extension("effective")) {
            assert_eq!(without_folder(&printed), expected, "{}", case.display());
            compared += 1;
        }
    }
    assert!(loaded >= 5, "only {loaded} cases load");
    assert!(compared >= 3, "only {compared} cases say what is printed");
}
