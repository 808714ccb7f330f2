//! The rows of a table of keys: the name of each, its type, and where its value goes.
//!
//! In: constants beside the struct that they fill. Out: what a walk may meet.

use crate::keys::walk::{Entry, Walk};

/// One key of a table: dots separate the tables that it stands in.
#[derive(Debug)]
pub struct Key<T: 'static> {
    pub name: &'static str,
    /// Missing is a mistake, if the table it stands in is there.
    pub required: bool,
    pub kind: Kind<T>,
}

/// The type of a key's value, and where it goes.
#[derive(Debug)]
pub enum Kind<T: 'static> {
    /// A string that is not blank.
    Text(fn(&mut T, String)),
    /// An array of such strings.
    Texts(fn(&mut T, Vec<String>)),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut T, &str)),
    /// A whole number, not negative.
    Count(fn(&mut T, u64)),
    /// `true` or `false`.
    Boolean(fn(&mut T, bool)),
    /// A number of bytes, or a string such as `"64 MiB"`.
    Bytes(fn(&mut T, u64)),
    /// A string such as `"5m"`; arrives in seconds.
    Seconds(fn(&mut T, u64)),
    /// A moment with its offset; arrives in milliseconds since 1970 UTC.
    Instant(fn(&mut T, i64)),
    /// A table, or an array of tables: called once for each, in order.
    Tables(fn(&mut Walk<'_>, &mut T, &Entry<'_>)),
}

impl<T> Key<T> {
    /// A key that must be there.
    pub const fn required(name: &'static str, kind: Kind<T>) -> Self {
        Self {
            name,
            required: true,
            kind,
        }
    }

    /// A key that may be left out.
    pub const fn optional(name: &'static str, kind: Kind<T>) -> Self {
        Self {
            name,
            required: false,
            kind,
        }
    }

    /// The tables that it stands in.
    pub(crate) fn parent(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(parent, _)| parent)
    }
}

impl<T> Kind<T> {
    /// The type, with its article, and an example.
    pub(crate) fn describe(&self) -> (&'static str, &'static str) {
        match self {
            Self::Text(_) | Self::Word(..) => ("a string", "put it in double quotes"),
            Self::Texts(_) => ("an array of strings", "write it as [\"…\", \"…\"]"),
            Self::Count(_) => ("a whole number", "write a number such as 1000"),
            Self::Boolean(_) => ("true or false", "write true or false without quotes"),
            Self::Bytes(_) => (
                "a size",
                "write a size such as \"64 MiB\", or a number of bytes",
            ),
            Self::Seconds(_) => ("a duration", "write a duration such as \"5m\" or \"30s\""),
            Self::Instant(_) => ("a time", "write a time such as 2024-05-01T12:00:00Z"),
            Self::Tables(_) => ("a table or an array of tables", "write it as a table"),
        }
    }
}

/// The names of the keys and tables directly below `level`.
pub(crate) fn known_at<T>(keys: &[Key<T>], level: &str) -> Vec<&'static str> {
    let mut here: Vec<&str> = Vec::new();
    for key in keys {
        let rest = if level.is_empty() {
            Some(key.name)
        } else {
            key.name
                .strip_prefix(level)
                .and_then(|rest| rest.strip_prefix('.'))
        };
        let Some(first) = rest.and_then(|rest| rest.split('.').next()) else {
            continue;
        };
        if !here.contains(&first) {
            here.push(first);
        }
    }
    here
}

/// Whether the key of this name stands in the table, or in one inside it.
pub(crate) fn is_below(name: &str, table: &str) -> bool {
    name.strip_prefix(table)
        .is_some_and(|rest| rest.starts_with('.'))
}
