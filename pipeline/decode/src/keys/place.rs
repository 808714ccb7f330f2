//! Where a value was written: a line of a file, or an environment variable.
//!
//! In: places, as the walk meets them. Out: the place of any key, for a finding.

use std::collections::BTreeMap;
use std::path::Path;

use crate::finding::Finding;

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the file, from 1.
    Line(u32),
    /// In an environment variable.
    Variable(&'static str),
}

/// Where the values of one table were written, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    table: Option<Place>,
    keys: BTreeMap<String, Place>,
}

/// What the walk fills: it remembers where its values stand.
pub trait Placed {
    fn places(&mut self) -> &mut Places;
}

/// The file that a mistake in a variable is reported in.
pub const ENVIRONMENT: &str = "environment";

impl Places {
    /// Where this key was written, or else the table that it would stand in.
    pub fn of(&self, key: &str) -> Option<Place> {
        self.keys.get(key).copied().or(self.table)
    }

    /// The line of this key, or else of its table.
    pub fn line(&self, key: &str) -> Option<u32> {
        match self.of(key) {
            Some(Place::Line(line)) => Some(line),
            Some(Place::Variable(_)) | None => None,
        }
    }

    /// The line on which the table begins.
    pub fn table_line(&self) -> Option<u32> {
        match self.table {
            Some(Place::Line(line)) => Some(line),
            Some(Place::Variable(_)) | None => None,
        }
    }

    /// Where this key was written, if it was.
    pub fn written(&self, key: &str) -> Option<Place> {
        self.keys.get(key).copied()
    }

    /// Remembers where the table begins.
    pub fn begin(&mut self, place: Place) {
        self.table = Some(place);
    }

    /// Remembers where this key was written.
    pub fn record(&mut self, key: &str, place: Place) {
        self.keys.insert(key.to_owned(), place);
    }
}

/// A finding at a place. One in a variable is reported under [`ENVIRONMENT`] and names it.
pub fn finding(file: &Path, place: Option<Place>, what: &str, fix: &str) -> Finding {
    match place {
        Some(Place::Line(line)) => Finding::new(file, Some(line), what, fix),
        Some(Place::Variable(name)) => {
            Finding::new(Path::new(ENVIRONMENT), None, format!("{name}: {what}"), fix)
        }
        None => Finding::new(file, None, what, fix),
    }
}
