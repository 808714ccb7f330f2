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
            "queue/sqs",
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
        words: &[
            "Utc::now",
            "SystemTime::now",
            "Instant::now",
            "time::sleep",
            "now_v7",
            "new_v4",
        ],
        may: &["clock.rs", "telemetry/", "cli/", "metrics/server.rs"],
    },
];

/// The package that reads foreign bytes, and what it names never. Its manifest keeps out the rest.
const PURE: &str = "decode/";
const IMPURE: [&str; 7] = [
    "std::fs",
    "tokio",
    "reqwest",
    "object_store",
    "std::net::Tcp",
    "std::net::Udp",
    "Utc::now",
];

/// The file of it that looks into a directory: signals are files.
const SIGNALS: &str = "decode/signal/catalog.rs";

/// Parts do not know the whole: module, and what it must not `use`.
const DIRECTIONS: [(&str, &[&str]); 15] = [
    ("decode/cloudtrail", NOT_OF_DECODERS),
    ("decode/flow_logs", NOT_OF_DECODERS),
    ("decode/json", NOT_OF_DECODERS),
    (
        "decode/notification",
        &["cloudtrail", "flow_logs", "json", "signal", "keys"],
    ),
    (
        "decode/object",
        &[
            "notification",
            "cloudtrail",
            "flow_logs",
            "json",
            "signal",
            "keys",
        ],
    ),
    (
        "decode/signal",
        &["notification", "object", "cloudtrail", "flow_logs", "json"],
    ),
    (
        "decode/keys",
        &[
            "notification",
            "object",
            "cloudtrail",
            "flow_logs",
            "json",
            "signal",
        ],
    ),
    (
        "decode/finding",
        &["notification", "object", "signal", "keys", "limits"],
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
    ("pipeline", &["cli", "service", "query", "demo", "seal"]),
    (
        "seal",
        &["cli", "service", "pipeline", "queue", "metrics", "demo"],
    ),
];
/// A decoder is handed a reader: it does not know where bytes come from, nor who asks.
const NOT_OF_DECODERS: &[&str] = &["notification", "object", "signal", "keys", "finding"];

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

/// Every source file, and its name by module: what reads foreign bytes is a package of its own.
fn sources() -> Vec<(PathBuf, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let folders = [
        ("src", ""),
        ("decode/src", "decode/"),
        ("grouping/src", "grouping/"),
        ("parquet/src", "parquet/"),
        ("fuzz/src", "fuzz/"),
        ("fuzz/targets", "fuzz/"),
    ];
    for (folder, module) in folders {
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
    if name.starts_with(PURE) {
        for word in IMPURE {
            let of_tests = ["/tests.rs", "/tests/", "/cases.rs"];
            let of_tests = of_tests.iter().any(|part| name.contains(part));
            let looks = word == "std::fs" && (name == SIGNALS || of_tests);
            if line.contains(word) && !looks {
                report(&format!("{word} in the pure middle"));
            }
        }
    }
    for (from, forbidden) in DIRECTIONS {
        let below = name.strip_prefix(from);
        if !below.is_some_and(|below| below.starts_with(['/', '.'])) {
            continue;
        }
        for to in forbidden {
            if line.contains(&format!("crate::{to}::")) || line.contains(&format!("crate::{to};")) {
                report(&format!("{from} must not know {to}"));
            }
        }
    }
}

/// Lines of code that ship, numbered from 1: no comments, and no item that only tests see.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut of_tests = false;
    let shipped = text.lines().enumerate().filter(move |(_, line)| {
        if line.starts_with("#[cfg(test)]") {
            of_tests = true;
        }
        let ships = !of_tests;
        // An item ends with its own brace, or is a line.
        let ends = *line == "}" || !line.starts_with(['#', ' ', '/']) && line.ends_with(';');
        of_tests &= !ends;
        ships
    });
    let numbered = shipped.map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// First line and length of every function, by its indentation.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let seen = ["pub(crate) ", "pub(super) ", "pub ", ""];
        let of = ["const ", "async ", ""];
        let is_function = seen.iter().any(|seen| {
            let rest = code.strip_prefix(seen);
            rest.is_some_and(|rest| of.iter().any(|of| rest.starts_with(&format!("{of}fn "))))
        });
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
