//! Checks the rollup of a signal: its window, its grain and its measures.
//!
//! In: a signal. Out: what would not merge.

use crate::signal::Signal;
use crate::signal::check::{Report, is_snake_case};

const HOUR_SECONDS: u64 = 3_600;
/// The folders of a rollup are a column too, whatever the files have.
const PARTITION: &str = "event_date";

pub(super) fn check(signal: &Signal, report: &mut Report<'_>) {
    let Some(rollup) = &signal.header.rollup else {
        return;
    };
    let places = &signal.header.places;

    let window = rollup.window_seconds;
    if HOUR_SECONDS.checked_rem(window) != Some(0) {
        let what = format!("a window of {window} seconds does not divide one hour");
        let fix = "write one that does, such as \"1m\", \"5m\", \"15m\" or \"1h\"";
        report.at(places.line("rollup.window"), what, fix);
    }

    if rollup.grain.first().map(String::as_str) != Some("window_start") {
        let what = "the grain does not begin with `window_start`";
        report.at(
            places.line("rollup.grain"),
            what,
            "put \"window_start\" first",
        );
    }
    for (index, column) in rollup.grain.iter().enumerate() {
        let line = places.line(&format!("rollup.grain[{index}]"));
        let rest = rollup
            .grain
            .get(index.saturating_add(1)..)
            .unwrap_or_default();
        if !is_snake_case(column) {
            let what = format!("\"{column}\" cannot name a column");
            report.at(line, what, "write lower-case letters, digits and `_`");
        } else if column == PARTITION {
            partition(line, report);
        } else if rest.contains(column) {
            let what = format!("`{column}` is in the grain twice");
            report.at(line, what, "keep one of the two");
        }
    }

    let line = places.line("rollup.measures");
    if rollup.measures.is_empty() {
        let fix = "add one, such as measures = { calls = \"sum\" }";
        report.at(line, "the rollup has no measure", fix);
    }
    for measure in rollup.measures.keys() {
        if rollup.grain.contains(measure) {
            let what = format!("`{measure}` is both a measure and in the grain");
            report.at(
                line,
                what,
                "a column names the row or is merged: remove it from one of them",
            );
        } else if !is_snake_case(measure) {
            let what = format!("\"{measure}\" cannot name a column");
            report.at(line, what, "write lower-case letters, digits and `_`");
        } else if measure == PARTITION {
            partition(line, report);
        }
    }
}

fn partition(line: Option<u32>, report: &mut Report<'_>) {
    let what = format!("`{PARTITION}` is the name of the folders that the rollup's files are in");
    report.at(line, what, "name the column otherwise, such as `day`");
}
