//! The series that a metric has, up to its limit.

use std::collections::HashSet;

use crate::limits::LABEL_BYTES_MAX;

/// Label values of the series that exist.
#[derive(Debug)]
pub(super) struct SeriesSet {
    series_max: usize,
    known: HashSet<Vec<String>>,
}

impl SeriesSet {
    pub(super) fn new(series_max: usize) -> Self {
        Self {
            series_max,
            known: HashSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether the series exists.
    pub(super) fn has(&self, labels: &[String]) -> bool {
        self.known.contains(labels)
    }

    /// The labels if their series exists or may begin to; else how many labels there are.
    pub(super) fn admit(&mut self, labels: Vec<String>) -> Result<Vec<String>, usize> {
        if self.known.contains(&labels) {
            return Ok(labels);
        }
        if self.known.len() >= self.series_max {
            return Err(labels.len());
        }
        self.known.insert(labels.clone());
        Ok(labels)
    }
}

/// A label value within its limit.
pub(super) fn cut(mut label: String) -> String {
    let mut end = LABEL_BYTES_MAX.min(label.len());
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    label.truncate(end);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_full_at_its_limit_and_keeps_what_it_has() {
        let mut set = SeriesSet::new(2);
        let label = |text: &str| vec![text.to_owned()];
        assert_eq!(set.admit(label("a")), Ok(label("a")));
        assert_eq!(set.admit(label("b")), Ok(label("b")));
        assert_eq!(set.admit(label("c")), Err(1));
        assert_eq!(set.admit(label("a")), Ok(label("a")));
        let long = "é".repeat(LABEL_BYTES_MAX);
        assert!((LABEL_BYTES_MAX - 1..=LABEL_BYTES_MAX).contains(&cut(long).len()));
    }
}
