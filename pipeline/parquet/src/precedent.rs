//! How the chunks of a table's columns were written before.
//!
//! In: what the first page of a chunk showed to take less. Out: the same for the chunks of that column
//! that come next, so that not every one is written in all ways to see which is the shortest. Must
//! hold: a precedent decides how many bytes a chunk takes, never what it says; one that does not fit
//! any more is followed for [`CHUNKS_MAX`] chunks at most.

use std::sync::{Mutex, PoisonError};

use crate::compression::Codec;

/// Chunks that follow a precedent before one is weighed anew: a sixteenth of the work stays.
const CHUNKS_MAX: u8 = 15;
/// Fewer values show nothing of a column, and cost little to be weighed.
pub(crate) const VALUES_MIN: usize = 1024;

/// How the values of a chunk are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As numbers of distinct values.
    Dictionary,
    /// Each by itself: texts behind their lengths, numbers as differences.
    Direct,
}

/// How a chunk was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Precedent {
    pub(crate) form: Form,
    pub(crate) codec: Codec,
}

/// What a chunk says of the ones that come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// It had too few values, or did as the one before.
    Nothing,
    /// It was weighed.
    Weighed(Precedent),
    /// The form that it began with did not do.
    Unfit,
}

/// How the last chunks of each column of one table were written. Shared by the writers of its files.
#[derive(Debug, Default)]
pub struct Precedents(Mutex<Vec<Followed>>);

/// Of one column.
#[derive(Debug, Default, Clone, Copy)]
struct Followed {
    precedent: Option<Precedent>,
    /// By so many chunks.
    chunks: u8,
}

impl Precedents {
    /// What a new chunk of the column at this place follows; nothing: it is weighed.
    pub(crate) fn follow(&self, place: usize) -> Option<Precedent> {
        self.with(place, |column| {
            if column.chunks >= CHUNKS_MAX {
                return None;
            }
            column.chunks += 1;
            column.precedent
        })
    }

    pub(crate) fn learn(&self, place: usize, lesson: Lesson) {
        let precedent = match lesson {
            Lesson::Nothing => return,
            Lesson::Weighed(precedent) => Some(precedent),
            Lesson::Unfit => None,
        };
        self.with(place, |column| {
            *column = Followed {
                precedent,
                chunks: 0,
            };
        });
    }

    fn with<T>(&self, place: usize, then: impl FnOnce(&mut Followed) -> T) -> T {
        let mut columns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if columns.len() <= place {
            columns.resize(place + 1, Followed::default());
        }
        let mut beyond = Followed::default();
        then(columns.get_mut(place).unwrap_or(&mut beyond))
    }
}
