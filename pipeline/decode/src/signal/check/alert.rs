//! Checks the alerts of a signal: that each looks at its metric and has a runbook.
//!
//! In: a signal, and the anchors of the runbooks. Out: alerts that nobody could act on.

use std::collections::BTreeSet;

use crate::keys::nearest::nearest;
use crate::signal::check::{Report, is_snake_case};
use crate::signal::{Alert, Metric, Signal};

pub(super) fn check(signal: &Signal, anchors: Option<&BTreeSet<String>>, report: &mut Report<'_>) {
    for alert in &signal.header.alerts {
        name(alert, report);
        expression(alert, &signal.header.metrics, report);
        runbook(alert, anchors, report);
    }
}

fn name(alert: &Alert, report: &mut Report<'_>) {
    let Some(name) = &alert.name else { return };
    let valid = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !valid {
        let what = format!("\"{name}\" cannot name an alert");
        report.at(
            alert.places.line("name"),
            what,
            "write letters, digits and `_`",
        );
    }
}

fn expression(alert: &Alert, metrics: &[Metric], report: &mut Report<'_>) {
    let mut words = alert
        .expr
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':')));
    // A metric that cannot be named cannot be found either; that is reported where it stands.
    if metrics.iter().any(|metric| !is_snake_case(&metric.name)) {
        return;
    }
    if words.any(|word| metrics.iter().any(|metric| metric.name == word)) {
        return;
    }
    let line = alert.places.line("expr");
    match metrics.first() {
        Some(metric) => {
            let fix = format!("use {} in `expr`", metric.name);
            report.at(line, "the alert does not look at this signal's metric", fix);
        }
        None => report.at(line, "the alert has no metric to look at", "add a [metric]"),
    }
}

fn runbook(alert: &Alert, anchors: Option<&BTreeSet<String>>, report: &mut Report<'_>) {
    let line = alert.places.line("runbook");
    let anchor = alert.runbook.as_str();
    if !anchor.chars().all(is_of_anchor) {
        let what = format!("\"{anchor}\" is no anchor");
        let fix = "write the heading's anchor in docs/runbooks.md, without `#` and file name";
        report.at(line, what, fix);
        return;
    }
    let Some(anchors) = anchors else { return };
    if !anchors.contains(anchor) {
        let fix = match nearest(anchor, anchors.iter().map(String::as_str)) {
            Some(near) => format!("write \"{near}\""),
            None => format!("add a heading to docs/runbooks.md whose anchor is {anchor}"),
        };
        report.at(
            line,
            format!("docs/runbooks.md has no heading \"{anchor}\""),
            fix,
        );
    }
}

/// The anchors of a Markdown text, as forges make them from headings.
pub(super) fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
            && !in_code
        {
            let spaced = heading.trim().to_lowercase().replace(' ', "-");
            anchors.insert(
                spaced
                    .chars()
                    .filter(|letter| is_of_anchor(*letter))
                    .collect(),
            );
        }
    }
    anchors
}

fn is_of_anchor(letter: char) -> bool {
    (letter.is_alphanumeric() && !letter.is_uppercase()) || matches!(letter, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_headings() {
        let markdown =
            "# Runbooks\n\n## STS: roles that `fail`\ntext # not\n```\n# code\n```\n#no\n";
        let anchors = anchors(markdown);
        let due = ["runbooks", "sts-roles-that-fail"];
        assert!(anchors.iter().eq(due), "{anchors:?}");
    }
}
