//! Checks the tests of a signal: that they can prove something.
//!
//! In: a signal. Out: tests that are missing, alike or about other columns.

use std::collections::BTreeSet;
use std::path::Component;

use crate::keys::nearest::nearest;
use crate::signal::check::Report;
use crate::signal::{Rollup, Signal, Test, TestInput};

pub(super) fn check(signal: &Signal, report: &mut Report<'_>) {
    let header = &signal.header;
    let line = header.places.line("test");
    if header.tests.iter().all(|test| test.rows.is_empty()) {
        let fix = "add a [[test]] with a [[test.rows]] that its events give";
        report.at(line, "no test finds anything", fix);
    }
    if header.tests.iter().all(|test| !test.rows.is_empty()) {
        let fix = "add a [[test]] with rows = [], of events that look alike and do not count";
        report.at(line, "no test stays silent", fix);
    }

    let mut names = BTreeSet::new();
    for test in &header.tests {
        if !names.insert(&test.name) {
            let what = format!("two tests are named \"{}\"", test.name);
            report.at(
                test.places.line("name"),
                what,
                "say in the name what the test shows",
            );
        }
        events(test, report);
        if let Some(rollup) = &header.rollup {
            columns(test, rollup, report);
        }
    }
}

/// A file of events stays below `testdata`.
fn events(test: &Test, report: &mut Report<'_>) {
    let TestInput::File(path) = &test.input else {
        return;
    };
    if path
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        let what = format!("the events {} are not below testdata", path.display());
        let fix = "write a path relative to testdata, without `..`";
        report.at(test.places.line("events"), what, fix);
    }
}

/// A row names columns of the rollup, and the grain at least.
fn columns(test: &Test, rollup: &Rollup, report: &mut Report<'_>) {
    let known: Vec<&str> = rollup
        .grain
        .iter()
        .chain(rollup.measures.keys())
        .map(String::as_str)
        .collect();
    for (index, row) in test.rows.iter().enumerate() {
        let row_line = test.places.line(&format!("rows[{index}]"));
        for column in row
            .keys()
            .filter(|column| !known.contains(&column.as_str()))
        {
            let line = test
                .places
                .line(&format!("rows[{index}].{column}"))
                .or(row_line);
            let fix = match nearest(column, known.iter().copied()) {
                Some(near) => format!("write `{near}`"),
                None => "name a column of the grain or a measure".to_owned(),
            };
            report.at(line, format!("the rollup has no column `{column}`"), fix);
        }
    }
}
