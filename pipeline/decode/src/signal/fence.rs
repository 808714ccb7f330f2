//! Splits a signal file at its fences.
//!
//! In: the text of the file. Out: the header as TOML, the query, and the line where each begins.
//!
//! Must hold: a line of the header stands on the same line of the file, counted from `header_line`.

use std::path::Path;

use crate::finding::{Finding, Findings};

/// The line before the header and after it.
const FENCE: &str = "-- ---";

/// The two parts of a signal file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) header: String,
    pub(crate) header_line: u32,
    pub(crate) sql: String,
    pub(crate) sql_line: u32,
}

/// Splits the file, or says which fence or comment sign is missing.
pub(crate) fn split(file: &Path, text: &str) -> Result<Parts, Findings> {
    let mut lines = (1_u32..).zip(text.lines());
    let mut findings = Findings::default();

    let Some((fence_line, before)) = lines
        .find(|(_, line)| is_fence(line) || !(line.trim().is_empty() || line.starts_with("--")))
    else {
        return Err(no_header(file, 1));
    };
    if !is_fence(before) {
        return Err(no_header(file, fence_line));
    }

    let mut header = String::new();
    let mut closed = None;
    for (number, line) in lines.by_ref() {
        if is_fence(line) {
            closed = Some(number);
            break;
        }
        match uncomment(line) {
            Some(toml) => header.push_str(toml),
            None => findings.push(Finding::new(
                file,
                Some(number),
                "a line of the header is not a comment",
                "begin it with `-- `, or close the header above it with `-- ---`",
            )),
        }
        header.push('\n');
    }
    let Some(closed) = closed else {
        // Without the second fence the query looks like a broken header: say it once.
        return Err(Findings::from(Finding::new(
            file,
            Some(fence_line),
            "the header has no end",
            "write `-- ---` on the line between the header and the SELECT",
        )));
    };

    let sql: Vec<&str> = lines.map(|(_, line)| line).collect();
    // Where nothing follows, what is missing is missing at the fence: no line stands below it.
    let sql_line = closed.saturating_add(u32::from(!sql.is_empty()));
    let parts = Parts {
        header,
        header_line: fence_line.saturating_add(1),
        sql: sql.join("\n").trim_end().to_owned(),
        sql_line,
    };
    findings.or(parts)
}

fn no_header(file: &Path, line: u32) -> Findings {
    Findings::from(Finding::new(
        file,
        Some(line),
        "the file has no header before its SQL",
        "begin the file with a line `-- ---`, the header in `-- ` comments, and `-- ---` again",
    ))
}

fn is_fence(line: &str) -> bool {
    line.trim_end() == FENCE
}

/// The TOML of a comment line. A blank line is an empty one, so that editors may trim.
fn uncomment(line: &str) -> Option<&str> {
    if line.trim().is_empty() {
        return Some("");
    }
    let rest = line.strip_prefix("--")?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}
