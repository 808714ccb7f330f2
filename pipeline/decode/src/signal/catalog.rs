//! The signals there are: those built in, and those of a directory.
//!
//! In: `<dir>/<table>/<name>.sql`. Out: signals in the order of their files, or every mistake in
//! any of them.
//!
//! Must hold: adding a signal is adding one file; nothing else lists them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::finding::{Finding, Findings};
use crate::limits;
use crate::signal::{Signal, Source, check};

mod embedded {
    //! The files below `sql/`, as `build.rs` found them.
    include!(concat!(env!("OUT_DIR"), "/signals.rs"));
}

/// Stands for the directory of what is built in, where a finding names a file.
pub(super) const BUILT_IN: &str = "<built in>";

/// Signals in the order of their files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Sorted by file.
    pub signals: Vec<Signal>,
    /// Names of those whose headers are refused: what reads their views is not to blame that they are missing.
    pub refused: BTreeSet<String>,
}

impl Catalog {
    /// The signals that are part of this binary.
    pub fn built_in() -> Result<Self, Findings> {
        let (catalog, findings) = Self::survey_built_in();
        findings.or(catalog)
    }

    /// Whether a signal of this name is part of this binary.
    pub fn has_built_in(name: &str) -> bool {
        let mut files = embedded::BUILT_IN.iter();
        files.any(|(file, _)| Path::new(file).file_stem() == Some(OsStr::new(name)))
    }

    /// The built-in signals that can be read, and every mistake in all of them.
    pub fn survey_built_in() -> (Self, Findings) {
        let texts = embedded::BUILT_IN
            .iter()
            .map(|(path, text)| (Path::new(BUILT_IN).join(path), (*text).to_owned()));
        Self::of_texts(texts, None)
    }

    /// The signals of these files that can be read, and every mistake in all of them.
    pub fn of_texts(
        files: impl IntoIterator<Item = (PathBuf, String)>,
        runbooks: Option<&str>,
    ) -> (Self, Findings) {
        let texts = files.into_iter().map(|(file, text)| (file, Ok(text)));
        Self::read(texts.collect(), runbooks)
    }

    /// The signals of a directory that can be read, and every mistake in all of them. With the
    /// text of `docs/runbooks.md`, alerts must name a heading of it.
    pub fn survey(directory: &Path, runbooks: Option<&str>) -> (Self, Findings) {
        let (files, misplaced) = signal_files(directory);
        let texts = files
            .into_iter()
            .map(|file| {
                let text = read_text(&file);
                (file, text)
            })
            .collect();
        let (catalog, mut findings) = Self::read(texts, runbooks);
        if findings.is_empty() && misplaced.is_empty() && catalog.signals.is_empty() {
            let fix = format!("put files into {}/<table>/<name>.sql", directory.display());
            findings.push(Finding::new(
                directory,
                None,
                "there is no signal in it",
                fix,
            ));
        }
        findings.extend(misplaced);
        (catalog, findings)
    }

    fn read(
        texts: Vec<(PathBuf, Result<String, Finding>)>,
        runbooks: Option<&str>,
    ) -> (Self, Findings) {
        let mut catalog = Self::default();
        let mut findings = Findings::default();
        for (file, text) in texts {
            let text = match text {
                Ok(text) => text,
                Err(unreadable) => {
                    findings.push(unreadable);
                    continue;
                }
            };
            match Signal::read(&file, &text) {
                Ok((signal, mistakes)) if mistakes.is_empty() => catalog.signals.push(signal),
                // A refused value hides no other mistake: the rest is judged with its default.
                Ok((signal, mistakes))
                    if signal.header.can_be_judged() && none_missing(&mistakes) =>
                {
                    findings.extend(mistakes);
                    catalog.signals.push(signal);
                }
                Ok((_, mistakes)) | Err(mistakes) => {
                    findings.extend(mistakes);
                    let name = file.file_stem().map(|name| name.to_string_lossy());
                    catalog.refused.extend(name.map(Cow::into_owned));
                    // The header is refused; its query can be looked at all the same.
                    findings.extend(check::text(&file, &text));
                }
            }
        }
        // What follows from a refused value is on its line, and is no mistake of its own.
        let refused: BTreeSet<(PathBuf, Option<u32>)> = findings
            .iter()
            .map(|finding| (finding.file.clone(), finding.line))
            .collect();
        let judged = check::catalog(&catalog, runbooks).into_iter();
        findings.extend(
            judged.filter(|finding| !refused.contains(&(finding.file.clone(), finding.line))),
        );
        (catalog, findings)
    }

    /// The signal of this name.
    pub fn get(&self, name: &str) -> Option<&Signal> {
        self.signals
            .iter()
            .find(|signal| signal.header.name == name)
    }
}

/// Whether every mistake is about something that was written.
fn none_missing(mistakes: &Findings) -> bool {
    !mistakes
        .iter()
        .any(|mistake| mistake.what.ends_with(" is missing"))
}

/// The files of a directory in order, and what stands where no signal can.
fn signal_files(directory: &Path) -> (Vec<PathBuf>, Findings) {
    let mut files = Vec::new();
    let mut findings = Findings::default();
    for path in list(directory, &mut findings) {
        let found = fs::metadata(&path);
        // A name can be read in a directory that nobody here may enter.
        if let Err(error) = &found
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            findings.push(unreadable(&path, &error.to_string()));
        } else if found.is_ok_and(|found| found.is_dir()) {
            let known = Source::ALL
                .iter()
                .any(|source| path.ends_with(source.name()));
            let inside = list(&path, &mut findings);
            if known {
                findings.extend(inside.iter().filter_map(|path| passed_over(path)));
            }
            let inside: Vec<PathBuf> = inside.into_iter().filter(|path| is_sql(path)).collect();
            if known {
                files.extend(inside);
            } else if !inside.is_empty() {
                findings.push(misplaced(&path, "no table has the name of this folder"));
            }
        } else if is_sql(&path) {
            findings.push(misplaced(
                &path,
                "a signal stands outside the folder of its table",
            ));
        }
    }
    (files, findings)
}

/// What stands in the folder of a table, looks like a signal and would not run.
fn passed_over(path: &Path) -> Option<Finding> {
    let name = path.file_name()?.to_string_lossy();
    // A mounted ConfigMap has the files once more in folders of such names.
    if name.starts_with('.') {
        return None;
    }
    if path.is_dir() {
        let mut inside = fs::read_dir(path).ok()?.flatten();
        let holds_signals = inside.any(|entry| is_sql(&entry.path()));
        let finding = || {
            misplaced(
                path,
                "signals in a folder inside that of their table are not read",
            )
        };
        return holds_signals.then(finding);
    }
    let is_spelled_otherwise = !is_sql(path)
        && path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("sql"));
    is_spelled_otherwise.then(|| {
        let what = "only files whose name ends in .sql are read";
        Finding::new(path, None, what, "rename the file")
    })
}

fn misplaced(path: &Path, what: &str) -> Finding {
    let names = Source::ALL.map(Source::name).join(", ");
    Finding::new(
        path,
        None,
        what,
        format!("put the file into one of the folders {names}"),
    )
}

/// What is in a directory, sorted; a directory that cannot be read is a finding.
fn list(directory: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    match entries {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) => {
            findings.push(unreadable(directory, &error.to_string()));
            Vec::new()
        }
    }
}

fn read_text(file: &Path) -> Result<String, Finding> {
    let mut text = String::new();
    fs::File::open(file)
        .and_then(|open| {
            open.take(limits::SIGNAL_FILE_BYTES_MAX.saturating_add(1))
                .read_to_string(&mut text)
        })
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                Finding::new(file, None, "the file is not UTF-8", "save it as UTF-8")
            }
            _ => unreadable(file, &error.to_string()),
        })?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= limits::SIGNAL_FILE_BYTES_MAX) {
        // Some editors begin UTF-8 with a mark.
        return Ok(match text.strip_prefix('\u{feff}') {
            Some(unmarked) => unmarked.to_owned(),
            None => text,
        });
    }
    Err(Finding::new(
        file,
        None,
        format!(
            "the file has more than {} bytes",
            limits::SIGNAL_FILE_BYTES_MAX
        ),
        "put large test inputs into files and name them in `events`",
    ))
}

fn unreadable(path: &Path, why: &str) -> Finding {
    Finding::new(
        path,
        None,
        format!("cannot be read: {why}"),
        "correct the path or its permissions",
    )
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_has_no_mistake() {
        match Catalog::built_in() {
            Ok(catalog) => assert_eq!(catalog.signals.len(), embedded::BUILT_IN.len()),
            Err(findings) => panic!("{findings}"),
        }
    }
}
