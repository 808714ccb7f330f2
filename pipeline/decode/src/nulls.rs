//! The rows of a column without a value.
//!
//! In: rows, each once and in their order. Out: Arrow's bitmap of them. Must hold: a column without such
//! rows has no bitmap, and one that has no value at all costs one entry, not one a row.

use std::ops::Range;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// The rows without a value, as runs.
#[derive(Debug, Default)]
pub(crate) struct Nulls(Vec<Range<usize>>);

impl Nulls {
    /// The row has no value.
    #[inline]
    pub(crate) fn push(&mut self, row: usize) {
        self.extend(row..row + 1);
    }

    /// None of these rows has a value.
    #[inline]
    pub(crate) fn extend(&mut self, rows: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => self.0.push(rows),
        }
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        while self.0.last().is_some_and(|run| run.start >= rows) {
            self.0.pop();
        }
        if let Some(last) = self.0.last_mut() {
            last.end = last.end.min(rows);
        }
    }

    /// Of so many rows; none is known any more.
    pub(crate) fn take(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.0.is_empty() {
            return None;
        }
        let mut present = BooleanBufferBuilder::new(rows);
        for run in self.0.drain(..) {
            present.append_n(run.start.saturating_sub(present.len()), true);
            present.append_n(run.len(), false);
        }
        present.append_n(rows.saturating_sub(present.len()), true);
        Some(NullBuffer::new(present.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_rows_that_they_were_made_of() {
        let mut nulls = Nulls::default();
        assert!(nulls.take(5).is_none());
        for row in [1, 2, 5] {
            nulls.push(row);
        }
        nulls.extend(6..70);
        nulls.push(72);
        nulls.truncate(68);
        nulls.push(68);
        let taken = nulls.take(71).unwrap();
        let missing: Vec<usize> = (0..71).filter(|row| taken.is_null(*row)).collect();
        let expected: Vec<usize> = [1, 2].into_iter().chain(5..69).collect();
        assert_eq!(missing, expected);
        assert_eq!((taken.len(), taken.null_count()), (71, 66));
        nulls.truncate(0);
        assert!(nulls.take(3).is_none());
        nulls.extend(0..3);
        nulls.truncate(1);
        assert_eq!(nulls.take(1).map(|taken| taken.null_count()), Some(1));
    }
}
