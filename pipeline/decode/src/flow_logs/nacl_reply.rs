//! Finds the REJECTs that are replies to flows which the same interface accepted.
//!
//! In: the columns of one batch and some of its REJECTs. Out: those whose 5-tuple, swapped or as it is, has an
//! ACCEPT on the same interface in an overlapping window. A security group is stateful and lets the reply to an
//! accepted flow pass, so a network ACL, which is stateless, has blocked it; unless the reply's own direction was
//! accepted at that time too, for then no rule stands in its way, and the connection was over.
//!
//! Must hold: both records stand in the same batch. A reply whose ACCEPT stands in another batch
//! (or object) falls to the next class; that is the price of holding no more than a batch.
//!
//! Two passes: the REJECTs say which flows are looked for, the ACCEPTs are held against them.
//! Most ACCEPTs are ruled out by their ports alone, without hashing any text.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::batch::value;
use super::reject_class::{Flows, name, number};

/// One direction of a flow at one interface.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FlowKey<'a> {
    interface_id: &'a str,
    src: &'a str,
    dst: &'a str,
    srcport: i32,
    dstport: i32,
    protocol: i32,
}

/// Which way of a REJECT is looked for among the ACCEPTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Its own.
    Same,
    /// The one that it answers.
    Other,
}

/// The rows among `rejects` whose interface accepted the flow in that direction at the time.
pub(super) fn accepted(
    flows: &Flows<'_>,
    rejects: impl Iterator<Item = usize>,
    direction: Direction,
) -> HashSet<usize> {
    let mut ports = Ports::new();
    let mut sought: HashMap<FlowKey<'_>, Vec<usize>, RandomState> = HashMap::default();
    for row in rejects {
        let Some(key) = FlowKey::of(flows, row) else {
            continue;
        };
        let key = match direction {
            Direction::Same => key,
            Direction::Other => key.swapped(),
        };
        ports.insert(key.srcport, key.dstport);
        sought.entry(key).or_default().push(row);
    }
    let mut rows = HashSet::new();
    if sought.is_empty() {
        return rows;
    }
    for row in 0..flows.rows {
        let (Some(srcport), Some(dstport)) =
            (number(flows.srcport, row), number(flows.dstport, row))
        else {
            continue;
        };
        if !ports.may_hold(srcport, dstport) || name(flows.action, row) != Some("ACCEPT") {
            continue;
        }
        let Some(waiting) = FlowKey::of(flows, row).and_then(|key| sought.get_mut(&key)) else {
            continue;
        };
        // What is found is waited for no more, so that one flow's many windows stay cheap.
        waiting.retain(|reject| {
            let found = overlap(flows, *reject, row);
            if found {
                rows.insert(*reject);
            }
            !found
        });
    }
    rows
}

impl<'a> FlowKey<'a> {
    fn of(flows: &Flows<'a>, row: usize) -> Option<Self> {
        Some(Self {
            interface_id: name(flows.interface_id, row)?,
            src: value(flows.src, row)?,
            dst: value(flows.dst, row)?,
            srcport: number(flows.srcport, row)?,
            dstport: number(flows.dstport, row)?,
            protocol: number(flows.protocol, row)?,
        })
    }

    fn swapped(&self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            srcport: self.dstport,
            dstport: self.srcport,
            ..*self
        }
    }
}

/// Whether the windows of two records have a second in common.
fn overlap(flows: &Flows<'_>, one: usize, other: usize) -> bool {
    let window = |row| {
        let end = number(flows.end, row)?;
        Some((number(flows.start, row).unwrap_or(end), end))
    };
    match (window(one), window(other)) {
        (Some((start, end)), Some((other_start, other_end))) => {
            start <= other_end && other_start <= end
        }
        _ => false,
    }
}

/// A set of port pairs that may say yes wrongly, never no: one bit for each hash.
#[derive(Debug)]
struct Ports(Vec<u64>);

impl Ports {
    const WORDS: usize = 1024;

    fn new() -> Self {
        Self(vec![0; Self::WORDS])
    }

    fn place(srcport: i32, dstport: i32) -> (usize, u64) {
        let hash = srcport
            .wrapping_mul(0x9E5)
            .wrapping_add(dstport)
            .unsigned_abs();
        let word = usize::try_from(hash / u64::BITS).unwrap_or_default() % Self::WORDS;
        (word, 1 << (hash % u64::BITS))
    }

    fn insert(&mut self, srcport: i32, dstport: i32) {
        let (word, bit) = Self::place(srcport, dstport);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_hold(&self, srcport: i32, dstport: i32) -> bool {
        let (word, bit) = Self::place(srcport, dstport);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}
