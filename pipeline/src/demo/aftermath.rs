//! What only several records together say: how long a pull took, and which rejects a change began.
//!
//! In: what was planted, by when it happened. Out: the numbers that the signals over rollups must
//! show at the last moment of the load. Must hold: it is counted from what was planted, by the
//! words of the signals' headers, and never from what the lake holds.

use std::collections::{BTreeMap, BTreeSet};

use super::known_nodes::KnownNodes;
use super::truth::Counts;
use super::upgrades::Upgrades;

/// Windows of the rollups.
const WINDOW_SECONDS: i64 = 300;
/// How far back the signals look for pulls, changes and calls.
pub(super) const LOOK_BACK_SECONDS: i64 = 3600;
/// Requests of one pull are closer than this.
const PULL_GAP_SECONDS: i64 = 60;
/// Rejects after a change, and those before it that they are compared with.
const AFTER_SECONDS: i64 = 900;
const BEFORE_SECONDS: i64 = 1800;
/// As many times more after as before are a sharp beginning.
const SHARP: u64 = 5;
/// Buckets of the histogram of spans, in seconds; the last takes all.
const BUCKETS: [(&str, i64); 9] = [
    ("1", 1),
    ("5", 5),
    ("10", 10),
    ("30", 30),
    ("60", 60),
    ("120", 120),
    ("300", 300),
    ("600", 600),
    ("+Inf", i64::MAX),
];

/// What was planted, by when it happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Aftermath {
    /// By repository, node and window.
    pulls: BTreeMap<(String, String, i64), Requests>,
    /// Account and window of the changes that open or close the network.
    changes: BTreeSet<(String, i64)>,
    /// Records by account, interface and port of the service, and then by window.
    rejects: BTreeMap<(String, String, String), BTreeMap<i64, u64>>,
    pub(super) nodes: KnownNodes,
    pub(super) upgrades: Upgrades,
}

/// The requests of one node for one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Requests {
    first: i64,
    last: i64,
    layers: u64,
}

impl Requests {
    fn join(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            layers: self.layers + other.layers,
        }
    }
}

impl Aftermath {
    /// A request that succeeded, for a manifest or a layer.
    pub(super) fn pull(&mut self, repository: &str, node: &str, epoch: i64, is_layer: bool) {
        let request = Requests {
            first: epoch,
            last: epoch,
            layers: u64::from(is_layer),
        };
        let key = (repository.to_owned(), node.to_owned(), window(epoch));
        let joined = self
            .pulls
            .get(&key)
            .map_or(request, |seen| seen.join(request));
        self.pulls.insert(key, joined);
    }

    /// A change of some kind in an account.
    pub(super) fn change(&mut self, kind: &str, account: &str, epoch: i64) {
        if matches!(
            kind,
            "security_group" | "network_acl" | "network_interface" | "route"
        ) {
            self.changes.insert((account.to_owned(), window(epoch)));
        }
    }

    /// A refused flow of some class.
    pub(super) fn reject(&mut self, class: &str, at: (&str, &str, &str), epoch: i64) {
        if matches!(
            class,
            "internal" | "nacl_reply" | "external" | "encryption" | "bpa"
        ) {
            let (account, interface, port) = at;
            let key = (account.to_owned(), interface.to_owned(), port.to_owned());
            let windows = self.rejects.entry(key).or_default();
            *windows.entry(window(epoch)).or_default() += 1;
        }
    }

    /// Pulls by repository and the bucket that their span is in, or below.
    pub(super) fn spans(&self, now: i64) -> Counts {
        let mut counts = Counts::new();
        let mut count = |repository: &str, pull: Requests| {
            for (bucket, seconds) in BUCKETS {
                let within = pull.layers > 0 && pull.last - pull.first <= seconds;
                *counts.entry(format!("{repository} {bucket}")).or_default() += u64::from(within);
            }
        };
        let mut open: Option<(&str, &str, Requests)> = None;
        for ((repository, node, window), requests) in &self.pulls {
            if *window < now - LOOK_BACK_SECONDS || *window > now {
                continue;
            }
            open = Some(match open {
                Some((of, by, pull))
                    if (of, by) == (repository, node)
                        && requests.first - pull.last < PULL_GAP_SECONDS =>
                {
                    (of, by, pull.join(*requests))
                }
                ended => {
                    if let Some((of, _, pull)) = ended {
                        count(of, pull);
                    }
                    (repository, node, *requests)
                }
            });
        }
        if let Some((of, _, pull)) = open {
            count(of, pull);
        }
        counts
    }

    /// The most records within a quarter of an hour of a change, where there were few before.
    pub(super) fn begun(&self, now: i64) -> Counts {
        let mut counts = Counts::new();
        for ((account, interface, port), windows) in &self.rejects {
            let sum = |from: i64, to: i64| -> u64 { windows.range(from..to).map(|(_, n)| n).sum() };
            let changes = self
                .changes
                .iter()
                .filter(|(of, at)| of == account && (now - LOOK_BACK_SECONDS..now).contains(at));
            let sharp = changes.filter_map(|(_, at)| {
                let (before, after) = (sum(at - BEFORE_SECONDS, *at), sum(*at, at + AFTER_SECONDS));
                (after > 0 && after >= SHARP * before).then_some(after)
            });
            if let Some(most) = sharp.max() {
                counts.insert(format!("{account} {interface} {port}"), most);
            }
        }
        counts
    }
}

/// The start of the rollup's window.
pub(super) fn window(epoch: i64) -> i64 {
    epoch - epoch.rem_euclid(WINDOW_SECONDS)
}
