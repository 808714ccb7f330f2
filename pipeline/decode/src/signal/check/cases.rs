//! The cases below `testdata/signals`: a catalog each, and everything that is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::signal::Catalog;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/signals")
}

/// The findings, without the folder.
fn outcome(case: &Path) -> String {
    let runbooks = fs::read_to_string(case.join("runbooks.md")).ok();
    let (catalog, findings) = Catalog::survey(case, runbooks.as_deref());
    if findings.is_empty() {
        return format!("signals: {}, no findings\n", catalog.signals.len());
    }
    let text = format!("{findings}\n").replace(&format!("{}/", case.display()), "");
    text.replace(&case.display().to_string(), "catalog")
}

#[test]
fn every_case_says_what_is_expected() {
    let mut cases = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let case = entry.unwrap().path();
        let expected = fs::read_to_string(case.join("expected")).unwrap();
        assert_eq!(outcome(&case), expected, "{}", case.display());
        cases += 1;
    }
    assert!(cases >= 25, "only {cases} cases");
}
