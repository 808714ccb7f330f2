//! A mistake in a file that a person wrote: where it stands, what is wrong, how to put it right.
//!
//! In: whatever reads configuration and signals. Out: one line of text for each mistake.
//!
//! Must hold: all mistakes are collected before any is reported, in the order of the files.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake. Its text is `file:line: what. Fix: fix.`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, or `environment` for a variable.
    pub file: PathBuf,
    /// From 1; none when the mistake has no line, such as a missing file.
    pub line: Option<u32>,
    /// What is wrong, without a period at the end.
    pub what: String,
    /// What to do about it, without a period at the end.
    pub fix: String,
}

/// Mistakes, sorted by file and line. Empty means that there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    sorted: Vec<Finding>,
}

impl Finding {
    /// A mistake at a place.
    pub fn new(
        file: &Path,
        line: Option<u32>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_path_buf(),
            line,
            what: one_line(what.into()),
            fix: one_line(fix.into()),
        }
    }
}

/// What a file says may stand in a message; its line breaks may not, for a finding is one line.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

impl Findings {
    /// Adds one, in its place. The same finding twice is one.
    pub fn push(&mut self, finding: Finding) {
        if let Err(index) = self.sorted.binary_search(&finding) {
            self.sorted.insert(index, finding);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// By file and line.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.sorted.iter()
    }

    /// The value when nothing was found, else the findings.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        let mut sorted = Self::default();
        sorted.extend(findings);
        sorted
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self {
            sorted: vec![finding],
        }
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}. Fix: {}.", self.what, self.fix)
    }
}

/// One finding a line, no newline after the last.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.sorted.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
