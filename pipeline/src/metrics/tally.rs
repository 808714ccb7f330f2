//! What rows that left memory early will add to a metric, once their batch is committed.
//!
//! In: label values and a value, row by row. Out: one value a series, in the order in which the
//! series came. Must hold: what is added up here counts as the rows themselves would have (I2, I8),
//! but that a series which another batch begins, or takes the place of, meanwhile may get less, and
//! `other` more; at most twice `series_max` series are held, whatever the rows say (I4).

use std::collections::HashMap;

use crate::signal::{Merge, MetricKind};

/// What a metric gets from the rows of one open batch that are staged already.
#[derive(Debug)]
pub struct Tally {
    /// How two values of one series become one.
    join: fn(f64, f64) -> f64,
    /// By label values.
    series: HashMap<Vec<String>, Sum>,
    /// How many of them the metric did not have when they came.
    new: usize,
    /// What goes to `other` anyway, because more new series came before than the metric may have.
    pub(super) rest: Option<Rest>,
}

/// The rows of one series.
#[derive(Debug)]
struct Sum {
    /// In the order of coming.
    place: usize,
    value: f64,
    rows: u64,
}

/// The sum of rows that cannot have a series of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rest {
    pub(super) value: f64,
    pub(super) rows: u64,
}

impl Tally {
    /// Of a metric of this kind, whose value merges so.
    pub(super) fn new(kind: MetricKind, merge: Merge) -> Self {
        Self {
            join: joining(kind, Some(merge)),
            series: HashMap::new(),
            new: 0,
            rest: None,
        }
    }

    /// Adds a row. `is_known`: the metric has that series now.
    pub(super) fn add(
        &mut self,
        labels: Vec<String>,
        value: f64,
        series_max: usize,
        is_known: impl FnOnce(&[String]) -> bool,
    ) {
        if let Some(known) = self.series.get_mut(&labels) {
            known.value = (self.join)(known.value, value);
            known.rows += 1;
            return;
        }
        let is_new = !is_known(&labels);
        if is_new && self.new >= series_max {
            let rest = self.rest.get_or_insert(Rest { value, rows: 0 });
            if rest.rows > 0 {
                rest.value = (self.join)(rest.value, value);
            }
            rest.rows += 1;
            return;
        }
        self.new += usize::from(is_new);
        let place = self.series.len();
        let rows = 1;
        self.series.insert(labels, Sum { place, value, rows });
    }

    /// The series, their values and how many rows they had, first come first.
    pub(super) fn in_order(&self) -> Vec<(&Vec<String>, f64, u64)> {
        let mut series: Vec<_> = self.series.iter().collect();
        series.sort_unstable_by_key(|(_, sum)| sum.place);
        let series = series.into_iter();
        let series = series.map(|(labels, sum)| (labels, sum.value, sum.rows));
        series.collect()
    }
}

/// How two values of one series become one. A gauge shows the largest, or the smallest, of all batches
/// where its measure merges so, for batches do not come in the order of their events; else the last.
pub(super) fn joining(kind: MetricKind, merge: Option<Merge>) -> fn(f64, f64) -> f64 {
    match (kind, merge) {
        (_, Some(Merge::Min)) => f64::min,
        (_, Some(Merge::Max)) => f64::max,
        (MetricKind::Counter, Some(Merge::Sum) | None) => |known, value| known + value,
        (MetricKind::Gauge, Some(Merge::Sum) | None) => |_, value| value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn series_add_up_and_what_is_too_many_is_one_sum() {
        let mut tally = Tally::new(MetricKind::Counter, Merge::Sum);
        for (text, value) in [("b", 1.0), ("a", 2.0), ("b", 3.0), ("c", 4.0), ("d", 5.0)] {
            tally.add(label(text), value, 2, |_| false);
        }
        assert_eq!(
            tally.in_order(),
            [(&label("b"), 4.0, 2), (&label("a"), 2.0, 1)]
        );
        assert_eq!(
            tally.rest,
            Some(Rest {
                value: 9.0,
                rows: 2
            })
        );
    }

    #[test]
    fn a_series_that_the_metric_has_is_kept_however_many_came_before() {
        let mut tally = Tally::new(MetricKind::Gauge, Merge::Max);
        for (text, value) in [("a", 1.0), ("b", 2.0), ("known", 3.0), ("known", 1.0)] {
            tally.add(label(text), value, 1, |labels| labels == label("known"));
        }
        assert_eq!(
            tally.in_order(),
            [(&label("a"), 1.0, 1), (&label("known"), 3.0, 2)]
        );
        assert_eq!(
            tally.rest,
            Some(Rest {
                value: 2.0,
                rows: 1
            })
        );
    }
}
