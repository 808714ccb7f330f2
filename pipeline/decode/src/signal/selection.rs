//! Which signals run: those built in, those of a directory, or both.
//!
//! In: what the configuration says. Out: a [`Catalog`], or every mistake in any signal of it.
//!
//! Must hold: a built-in signal is missing only where somebody said so: by its name, by a file of the
//! same name in the directory, or by running the directory alone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::check;
use crate::finding::Findings;
use crate::signal::{Catalog, Signal};

/// The signals that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// A directory of signals, `<table>/<name>.sql`.
    pub directory: Option<PathBuf>,
    /// Whether those that are part of this binary run too. One that has the table and name of a file in the
    /// directory gives way to it.
    pub built_in: bool,
    /// Names of built-in signals that do not run.
    pub without: BTreeSet<String>,
}

/// What is built in.
impl Default for Selection {
    fn default() -> Self {
        Self {
            directory: None,
            built_in: true,
            without: BTreeSet::new(),
        }
    }
}

impl Selection {
    /// The signals, if there is no mistake in any.
    pub fn catalog(&self) -> Result<Catalog, Findings> {
        let (catalog, findings) = self.survey(None);
        findings.or(catalog)
    }

    /// The signals that can be read, sorted by table and name, and every mistake in all of them. With the text
    /// of `docs/runbooks.md`, alerts of the directory must name a heading of it.
    pub fn survey(&self, runbooks: Option<&str>) -> (Catalog, Findings) {
        let (own, mut findings) = match &self.directory {
            Some(directory) => Catalog::survey(directory, runbooks),
            None => (Catalog::default(), Findings::default()),
        };
        if !self.built_in {
            return (first_of_each_name(own), findings);
        }
        let (mut all, found) = Catalog::survey_built_in();
        findings.extend(found);
        all.signals.retain(|signal| {
            let is_replaced = own.signals.iter().any(|other| is_same(signal, other));
            !is_replaced && !self.without.contains(&signal.header.name)
        });
        if self.directory.is_some() {
            findings.extend(check::beside(&all, &own));
        }
        all.refused.extend(own.refused);
        all.signals.extend(own.signals);
        all.signals
            .sort_by(|one, other| place(&one.file).cmp(&place(&other.file)));
        (first_of_each_name(all), findings)
    }
}

/// Two of one name are a finding, and cannot be planned beside each other.
fn first_of_each_name(mut catalog: Catalog) -> Catalog {
    let mut taken = BTreeSet::new();
    catalog
        .signals
        .retain(|signal| taken.insert(signal.header.name.clone()));
    catalog
}

/// Whether two signals are of one name in one table.
fn is_same(one: &Signal, other: &Signal) -> bool {
    place(&one.file) == place(&other.file)
}

/// The folder and the name of a file.
fn place(file: &Path) -> (Option<&OsStr>, Option<&OsStr>) {
    (file.parent().and_then(Path::file_name), file.file_stem())
}

#[cfg(test)]
mod tests;
