//! Which roles are nodes', as the load shows, and what else than a node's own calls was made with
//! them.
//!
//! Must hold: a role is a node's only by what its agents call, and never by its name.

use std::collections::{BTreeMap, BTreeSet};

use super::aftermath::{LOOK_BACK_SECONDS, window};
use super::truth::Counts;

/// Evidence and calls, as they were planted. All evidence of the load is younger than a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KnownNodes {
    roles: BTreeMap<String, Evidence>,
    /// By role, service and outcome, and then by window.
    calls: BTreeMap<(String, String, String), BTreeMap<i64, u64>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Evidence {
    clusters: BTreeSet<String>,
    fetched_credentials: bool,
}

impl KnownNodes {
    /// A call that only a node's agent makes.
    pub(super) fn shown(&mut self, role: &str, cluster: &str, evidence: &str) {
        let known = self.roles.entry(role.to_owned()).or_default();
        if cluster != "unknown" {
            known.clusters.insert(cluster.to_owned());
        }
        known.fetched_credentials |= evidence == "pod_identity";
    }

    /// A call with an instance's role that is none of a node's own.
    pub(super) fn called(&mut self, (role, service, outcome): (&str, &str, &str), epoch: i64) {
        let of = (role.to_owned(), service.to_owned(), outcome.to_owned());
        let windows = self.calls.entry(of).or_default();
        *windows.entry(window(epoch)).or_default() += 1;
    }

    /// The calls of the last hour whose role is known to be a node's.
    pub(super) fn calls(&self, now: i64) -> Counts {
        let mut counts = Counts::new();
        for ((role, service, outcome), windows) in &self.calls {
            let Some(known) = self.roles.get(role) else {
                continue;
            };
            let mut clusters = known.clusters.iter();
            let cluster = match (clusters.next(), clusters.next()) {
                (Some(_), Some(_)) => "several",
                (Some(one), None) => one,
                (None, _) => "unknown",
            };
            let known_by = if known.fetched_credentials {
                "pod_identity"
            } else {
                "node_agent"
            };
            let recent = windows.range(now - LOOK_BACK_SECONDS..=now);
            let calls: u64 = recent.map(|(_, calls)| calls).sum();
            if calls > 0 {
                let labels = [role, cluster, known_by, service, outcome];
                counts.insert(labels.join(" "), calls);
            }
        }
        counts
    }
}
