//! A signal: one `.sql` file that carries its query, its metric, its rollup, its alert and its tests.
//!
//! In: the text of the file. Out: a [`Signal`], or everything that is wrong with the text.
//! [`catalog`] reads many of them, `check` proves what can be proved without running the query.
//!
//! Must hold: a header is read by the rows of [`header`] only, and a key without a row is refused;
//! lines are those of the file. Not here: planning and running the query (`engine`).

pub mod catalog;
mod check;
pub mod header;
mod fence;
mod reference;
mod selection;
mod source;
mod tokens;

use std::path::{Path, PathBuf};

use crate::finding::Findings;
pub use crate::signal::catalog::Catalog;
pub use crate::signal::check::{PARTIAL, is_table};
pub use crate::signal::header::{
    Alert, Header, Merge, Metric, MetricKind, Rollup, Severity, Status, Test, TestInput, TestValue,
};
pub use crate::signal::reference::{TestCluster, TestReference};
pub use crate::signal::selection::Selection;
pub use crate::signal::source::{Schedule, Source};

/// One signal, read and not yet planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What the file says about itself.
    pub header: Header,
    /// The query: everything after the header.
    pub sql: String,
    /// The file, as findings name it.
    pub file: PathBuf,
    /// The line of the file on which `sql` begins.
    pub sql_line: u32,
}

impl Signal {
    /// Reads a signal from the text of its file. Reports every mistake in the header at once.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Findings> {
        let (signal, findings) = Self::read(file, text)?;
        findings.or(signal)
    }

    /// Whether it is part of this binary.
    pub fn is_built_in(&self) -> bool {
        self.file.starts_with(catalog::BUILT_IN)
    }

    /// The signal as far as it can be read, and every mistake in its header; an error when the
    /// header cannot even be found.
    pub(crate) fn read(file: &Path, text: &str) -> Result<(Self, Findings), Findings> {
        let parts = fence::split(file, text)?;
        let (header, findings) = Header::read(file, &parts.header, parts.header_line);
        let signal = Self {
            header,
            sql: parts.sql,
            file: file.to_path_buf(),
            sql_line: parts.sql_line,
        };
        Ok((signal, findings))
    }
}
