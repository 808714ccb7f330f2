//! What was planted, counted while planting it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::aftermath::Aftermath;

/// Numbers by what they are of: the values of a signal's labels, in the order of its header, with
/// a space between them.
pub type Counts = BTreeMap<String, u64>;

/// The answers to what the generated load contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Objects of all kinds.
    pub objects: u64,
    /// CloudTrail objects among them, without those of Insights.
    pub cloudtrail_objects: u64,
    /// CloudTrail Insights objects among them.
    pub insight_objects: u64,
    /// Flow-log objects among them.
    pub flow_objects: u64,
    /// CloudTrail records written, repeated ones included, without those of Insights.
    pub cloudtrail_events: u64,
    /// CloudTrail Insights records written.
    pub insight_records: u64,
    /// Distinct `eventID`s among the records that are no Insights.
    pub distinct_event_ids: u64,
    /// Flow-log lines without headers, NODATA and SKIPDATA included.
    pub flow_rows: u64,
    /// No event is younger: the moment at which signals over rollups are asked.
    pub last_moment: DateTime<Utc>,
    /// What several records together say, counted at the end.
    pub(super) aftermath: Aftermath,
    /// By signal and measure: what its rows must add up to. A maximum is the largest, not a sum.
    pub signals: BTreeMap<(&'static str, &'static str), Counts>,
}

impl Truth {
    /// What a measure of a signal must show; empty when nothing was planted for it.
    pub fn of(&self, signal: &str, measure: &str) -> Counts {
        // The keys are static, what is asked for is not.
        let mut signals = self.signals.iter();
        let found = signals.find(|((name, of), _)| *name == signal && *of == measure);
        found.map(|(_, counts)| counts.clone()).unwrap_or_default()
    }

    pub(super) fn add(
        &mut self,
        (signal, measure): (&'static str, &'static str),
        labels: &[&str],
        amount: u64,
    ) {
        *self.count((signal, measure), labels.join(" ")) += amount;
    }

    /// The measure is the time of the youngest event.
    pub(super) fn newest(&mut self, of: (&'static str, &'static str), labels: &[&str], epoch: i64) {
        let newest = self.count(of, labels.join(" "));
        *newest = (*newest).max(u64::try_from(epoch).unwrap_or_default());
    }

    /// All is planted: counts what only several records together say.
    pub(super) fn conclude(&mut self) {
        let now = self.last_moment.timestamp();
        let spans = self.aftermath.spans(now);
        self.signals.insert(("ecr_pull_span", "spans"), spans);
        let begun = self.aftermath.begun(now);
        self.signals
            .insert(("rejects_after_change", "records"), begun);
        let calls = self.aftermath.nodes.calls(now);
        self.signals.insert(("known_node_fallback", "calls"), calls);
        let targets = self.aftermath.upgrades.targets(now);
        self.signals
            .insert(("target_churn_in_upgrades", "targets"), targets);
    }

    /// Plants what a record of this time adds.
    pub(super) fn plant(&mut self, fact: &Fact, epoch: i64) {
        let count = self.count((fact.signal, fact.measure), fact.labels.clone());
        match fact.adds {
            Adds::Number(number) => *count += number,
            Adds::Time => *count = (*count).max(u64::try_from(epoch).unwrap_or_default()),
        }
    }

    fn count(&mut self, key: (&'static str, &'static str), labels: String) -> &mut u64 {
        self.signals
            .entry(key)
            .or_default()
            .entry(labels)
            .or_default()
    }
}

/// What one record adds to one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) signal: &'static str,
    pub(super) measure: &'static str,
    pub(super) labels: String,
    pub(super) adds: Adds,
}

/// How it adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adds {
    /// To a sum.
    Number(u64),
    /// Its time, to the youngest of all.
    Time,
}
