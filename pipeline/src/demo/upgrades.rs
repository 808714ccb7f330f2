//! Which targets came and went in the hour after an upgrade began.
//!
//! Must hold: a cluster is known by its name, and a caller's cluster by the sessions of its pods.

use std::collections::{BTreeMap, BTreeSet};

use super::aftermath::window;
use super::truth::Counts;
use super::world::CLUSTERS;

/// How long after its begin an upgrade is looked at.
const OPEN_SECONDS: i64 = 3600;
/// How long ago it may have begun.
const BEGUN_SECONDS: i64 = 7200;

/// Upgrades, targets and pods, as they were planted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Upgrades {
    /// Account, region and cluster, by the windows in which something was begun.
    begun: BTreeMap<[String; 3], BTreeSet<i64>>,
    /// Account, region, target group, API and caller, by window.
    moved: BTreeMap<([String; 5], i64), u64>,
    /// The clusters in which pods have a role.
    pods: BTreeMap<String, BTreeSet<String>>,
}

impl Upgrades {
    /// Something of a cluster is updated.
    pub(super) fn begun(&mut self, kind: &str, of: [&str; 3], epoch: i64) {
        if kind != "addon" {
            let windows = self.begun.entry(of.map(str::to_owned)).or_default();
            windows.insert(window(epoch));
        }
    }

    /// Targets were registered or taken off.
    pub(super) fn moved(&mut self, of: [&str; 5], targets: u64, epoch: i64) {
        let key = (of.map(str::to_owned), window(epoch));
        *self.moved.entry(key).or_default() += targets;
    }

    /// A pod took a role.
    pub(super) fn pod(&mut self, cluster: &str, role: &str) {
        if CLUSTERS.iter().any(|known| known.name == cluster) {
            let clusters = self.pods.entry(role.to_owned()).or_default();
            clusters.insert(cluster.to_owned());
        }
    }

    /// The targets that moved while a window was open, each once for each cluster.
    pub(super) fn targets(&self, now: i64) -> Counts {
        let mut counts = Counts::new();
        for ([account, region, cluster], begun) in &self.begun {
            for (([in_account, in_region, group, api, caller], at), targets) in &self.moved {
                let mut recent = begun.range(now - BEGUN_SECONDS + 1..=now);
                let is_open = recent.any(|begun| (*begun..begun + OPEN_SECONDS).contains(at));
                if !is_open || (in_account, in_region) != (account, region) {
                    continue;
                }
                let clusters = self.pods.get(caller).filter(|known| known.len() == 1);
                let matched_by = match clusters {
                    Some(clusters) if clusters.contains(cluster) => "cluster",
                    Some(_) => continue,
                    None => "region",
                };
                let labels = [account.as_str(), region, cluster, group, api, matched_by];
                *counts.entry(labels.join(" ")).or_default() += targets;
            }
        }
        counts
    }
}
