//! The rules that reviews would otherwise have to remember, executed.
//!
//! In: the source tree. Out: every breach at once, as `file:line: rule`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read the tree has failed"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A file is read in one sitting.
const FILE_LINES_MAX: usize = 500;
/// Half of the files are shorter than this.
const MEDIAN_LINES_MAX: usize = 170;
/// A function fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 7] = [
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "common",
    "process_inner",
];

/// Where a word may stand: path prefixes below `src`.
struct Door {
    words: &'static [&'static str],
    may: &'static [&'static str],
}

const DOORS: [Door; 4] = [
    Door {
        words: &[
            "aws_sdk_",
            "aws_config",
            "aws_smithy",
            "aws_credential_types",
        ],
        may: &[
            "aws.rs",
            "queue/sqs.rs",
            "queue/lease.rs",
            "object/s3",
            "lake/store.rs",
        ],
    },
    Door {
        words: &["datafusion"],
        may: &["engine/", "query/", "demo/report.rs"],
    },
    Door {
        words: &["std::env::var", "env::vars"],
        may: &["config/env.rs"],
    },
    Door {
        words: &["Utc::now", "SystemTime::now", "Instant::now()"],
        may: &["clock.rs", "pipeline/", "queue/", "telemetry/", "cli/"],
    },
];

/// The pure middle names none of these.
const PURE: [&str; 9] = [
    "notification/",
    "decode/",
    "signal/",
    "object/key.rs",
    "object/content.rs",
    "object/decompress",
    "object/digest.rs",
    "object/bucket.rs",
    "limits.rs",
];
const IMPURE: [&str; 5] = [
    "tokio",
    "reqwest",
    "object_store",
    "std::net::Tcp",
    "Utc::now",
];

/// Parts do not know the whole: module, and what it must not `use`.
const DIRECTIONS: [(&str, &[&str]); 9] = [
    (
        "decode",
        &[
            "cli",
            "service",
            "pipeline",
            "queue",
            "engine",
            "lake",
            "metrics",
            "query",
            "telemetry",
        ],
    ),
    (
        "notification",
        &[
            "cli", "service", "pipeline", "queue", "engine", "lake", "metrics", "decode",
        ],
    ),
    (
        "signal",
        &[
            "cli", "service", "pipeline", "queue", "engine", "lake", "metrics", "query",
        ],
    ),
    (
        "object",
        &[
            "cli", "service", "pipeline", "queue", "engine", "lake", "metrics", "query", "decode",
        ],
    ),
    (
        "engine",
        &[
            "cli", "service", "pipeline", "queue", "lake", "metrics", "query",
        ],
    ),
    (
        "lake",
        &[
            "cli", "service", "pipeline", "queue", "engine", "metrics", "query",
        ],
    ),
    (
        "queue",
        &[
            "cli", "service", "pipeline", "engine", "lake", "metrics", "query", "decode",
        ],
    ),
    (
        "metrics",
        &[
            "cli", "service", "pipeline", "queue", "engine", "lake", "query",
        ],
    ),
    ("pipeline", &["cli", "service", "query", "demo"]),
];

#[test]
fn every_rule_holds() {
    let mut breaches = String::new();
    let mut lengths = Vec::new();
    for (file, name) in sources() {
        let text = fs::read_to_string(&file).unwrap();
        lengths.push(text.lines().count());
        let mut report = |line: usize, rule: &str| {
            writeln!(breaches, "{}:{line}: {rule}", file.display()).unwrap();
        };
        whole_file(&name, &text, &mut report);
        for (number, line) in production(&text) {
            words(&name, line, &mut |rule| report(number, rule));
        }
        for (number, length) in functions(&text) {
            if length > FUNCTION_LINES_MAX {
                report(number, &format!("a function of {length} lines"));
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    if median > MEDIAN_LINES_MAX {
        writeln!(breaches, "pipeline/src: the median file has {median} lines").unwrap();
    }
    assert!(breaches.is_empty(), "\n{breaches}");
    println!(
        "{} files, median {median} lines, longest {}",
        lengths.len(),
        lengths[lengths.len() - 1]
    );
}

/// Every source file, and its name by module: the decoders are a package of their own.
fn sources() -> Vec<(PathBuf, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (folder, module) in [("src", ""), ("decode/src", "decode/")] {
        let source = package.join(folder);
        for file in rust_files(&source) {
            let name = file
                .strip_prefix(&source)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            found.push((file, format!("{module}{name}")));
        }
    }
    found
}

fn whole_file(name: &str, text: &str, report: &mut impl FnMut(usize, &str)) {
    if !text.starts_with("//! ") {
        report(1, "no module doc");
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        report(1, &format!("{lines} lines"));
    }
    let stem = name.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
        report(1, "a name that says nothing");
    }
}

fn words(name: &str, line: &str, report: &mut impl FnMut(&str)) {
    for door in &DOORS {
        let allowed = door.may.iter().any(|may| name.starts_with(may));
        for word in door.words {
            if !allowed && line.contains(word) {
                report(&format!("{word} belongs to {}", door.may.join(", ")));
            }
        }
    }
    if PURE.iter().any(|pure| name.starts_with(pure)) {
        for word in IMPURE {
            if line.contains(word) {
                report(&format!("{word} in the pure middle"));
            }
        }
    }
    let module = name.split(['/', '.']).next().unwrap_or_default();
    for (from, forbidden) in DIRECTIONS {
        if from != module {
            continue;
        }
        for to in forbidden {
            if line.contains(&format!("crate::{to}::")) || line.contains(&format!("crate::{to};")) {
                report(&format!("{from} must not know {to}"));
            }
        }
    }
}

/// Lines of code that ship, numbered from 1: no comments, nothing from the first test module on.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    numbered
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// First line and length of every function, by its indentation.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "const fn ",
            "pub const fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "pub(super) async fn ",
        ]
        .iter()
        .any(|start| code.starts_with(start));
        if !is_function || code.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(line.len() - code.len()));
        if let Some(end) = lines[index..].iter().position(|line| **line == closing) {
            found.push((index + 1, end + 1));
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
