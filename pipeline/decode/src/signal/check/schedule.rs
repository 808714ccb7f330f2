//! Checks what belongs to a signal over rollups, and to no other.
//!
//! In: a signal. Out: a schedule that is missing or out of place, and what a run could not keep.

use crate::limits::{SCHEDULE_EVERY_MIN, SCHEDULE_OVER_MAX};
use crate::signal::check::Report;
use crate::signal::{MetricKind, Signal, Source};

pub(super) fn check(signal: &Signal, report: &mut Report<'_>) {
    let header = &signal.header;
    let line = header.places.line("source");
    match (header.source, &header.schedule) {
        (Source::Rollups, None) => {
            let fix = "add [schedule] with every = \"5m\"";
            report.at(line, "a signal over rollups has no schedule", fix);
        }
        (Source::Table(_), Some(schedule)) => {
            let fix = "remove [schedule], or write source = \"rollups\"";
            let what = "a signal over a table runs with every batch, and has a schedule";
            report.at(schedule.places.table_line(), what, fix);
        }
        (Source::Table(_), None) | (Source::Rollups, Some(_)) => {}
    }
    if let Some(schedule) = &header.schedule {
        let (every, over) = (schedule.every_seconds, schedule.over_seconds);
        if every < SCHEDULE_EVERY_MIN.as_secs() {
            let fix = format!("write \"{}s\" or more", SCHEDULE_EVERY_MIN.as_secs());
            let what = format!("a run every {every} seconds reads the lake too often");
            report.at(schedule.places.line("every"), what, fix);
        }
        if over < every || over > SCHEDULE_OVER_MAX.as_secs() {
            let days = SCHEDULE_OVER_MAX.as_secs() / 86_400;
            let what = format!("the views reach back {over} seconds");
            let fix = format!("write at least `every`, and at most \"{days}d\"");
            report.at(schedule.places.line("over"), what, fix);
        }
    }
    let scheduled = header.source == Source::Rollups;
    if scheduled && header.rollup.is_some() {
        let fix = "remove [rollup]: what it would store is in the rollups it reads";
        report.at(
            header.places.line("rollup"),
            "a signal over rollups has a rollup",
            fix,
        );
    }
    for metric in &header.metrics {
        if scheduled && metric.kind != MetricKind::Gauge {
            let what = format!("a run sets series, and {} is no gauge", metric.name);
            report.at(metric.places.line("type"), what, "write type = \"gauge\"");
        }
    }
    for test in &header.tests {
        if scheduled != test.at_millis.is_some() {
            let (what, fix) = if scheduled {
                (
                    "the test does not say when the run is",
                    "add at = 2026-01-05T11:00:00Z",
                )
            } else {
                ("a test of rows has a time of a run", "remove `at`")
            };
            report.at(test.places.line("name"), what, fix);
        }
    }
}
