//! What a signal reads, and when: rows of a table as they come, or what other signals have stored,
//! every few minutes.

use crate::Table;
use crate::keys::place::{Placed, Places};
use crate::limits::SCHEDULE_OVER;

/// What a signal's query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The rows of each batch of this table.
    Table(Table),
    /// The views of the other signals, on a [`Schedule`].
    Rollups,
}

impl Source {
    /// The folders of a catalog: a signal stands in the one that its query reads.
    pub const ALL: [Self; 4] = [
        Self::Table(Table::Cloudtrail),
        Self::Table(Table::FlowLogs),
        Self::Table(Table::TransitGatewayFlowLogs),
        Self::Rollups,
    ];

    /// The word in the header, and the name of the folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table(table) => table.name(),
            Self::Rollups => "rollups",
        }
    }

    /// The source of this name.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == word)
    }

    /// The table, if it is one.
    pub const fn table(self) -> Option<Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Rollups => None,
        }
    }
}

/// When a signal over rollups runs, and how much it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds from one run to the next.
    pub every_seconds: u64,
    /// How far back the views reach, in seconds before the run.
    pub over_seconds: u64,
    /// Where each key was written.
    pub places: Places,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every_seconds: 0,
            over_seconds: SCHEDULE_OVER.as_secs(),
            places: Places::default(),
        }
    }
}

impl Placed for Schedule {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}
