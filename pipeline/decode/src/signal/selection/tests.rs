//! The cases below `testdata/selection`: a directory of signals, in `without` the built-in ones that are left out,
//! in `alone` that none of them runs; and which of them run then, or what is wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Selection;
use crate::signal::{Catalog, Signal};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/selection")
}

fn selection(case: &Path) -> Selection {
    let without = fs::read_to_string(case.join("without")).unwrap_or_default();
    Selection {
        directory: Some(case.to_path_buf()),
        built_in: !case.join("alone").exists(),
        without: without.lines().map(str::to_owned).collect(),
    }
}

fn names<'s>(signals: impl IntoIterator<Item = &'s Signal>) -> BTreeSet<&'s str> {
    let names = signals.into_iter().map(|signal| &*signal.header.name);
    names.collect()
}

/// The findings, without the folder; else what runs beside what is built in.
fn outcome(case: &Path) -> String {
    let selection = selection(case);
    let (catalog, findings) = selection.survey(None);
    if !findings.is_empty() {
        return format!("{findings}\n").replace(&format!("{}/", case.display()), "");
    }
    let (own, built_in): (Vec<&Signal>, Vec<&Signal>) = catalog
        .signals
        .iter()
        .partition(|signal| !signal.is_built_in());
    let mut text = String::new();
    for name in names(own) {
        writeln!(text, "own: {name}").unwrap();
    }
    if built_in.is_empty() {
        text.push_str("nothing built in\n");
        return text;
    }
    let all = Catalog::built_in().unwrap();
    for name in names(&all.signals).difference(&names(built_in)) {
        writeln!(text, "not built in: {name}").unwrap();
    }
    text
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
    assert!(cases >= 6, "only {cases} cases");
}

#[test]
fn a_copy_of_all_signals_is_the_same_catalog() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let copied = Selection {
        directory: Some(directory),
        ..Selection::default()
    };
    let (copied, built_in) = (copied.catalog().unwrap(), Selection::default());
    let order = |catalog: &Catalog| {
        let names = catalog.signals.iter();
        names
            .map(|signal| signal.header.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&copied), order(&built_in.catalog().unwrap()));
    assert_eq!(order(&copied), order(&Catalog::built_in().unwrap()));
}
