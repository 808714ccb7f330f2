//! What was planted, counted while planting it.

use std::collections::BTreeMap;

/// The answers to what the generated load contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Objects of both kinds.
    pub objects: u64,
    /// CloudTrail objects among them.
    pub cloudtrail_objects: u64,
    /// Flow-log objects among them.
    pub flow_objects: u64,
    /// CloudTrail records written, repeated ones included.
    pub cloudtrail_events: u64,
    /// Distinct `eventID`s among them.
    pub distinct_event_ids: u64,
    /// Flow-log lines without headers, NODATA and SKIPDATA included.
    pub flow_rows: u64,
    /// By role ARN and outcome (`success`, `failure`): calls of the AssumeRole family, a
    /// cross-account pair counted once. The role is `unknown` where the record hides it.
    pub sts_assume_role: BTreeMap<(String, String), u64>,
    /// By kind (`provider_client_list`, `trust_policy`), namespace, service account, role ARN and
    /// the audience that the token bore.
    pub irsa_audience_mismatch: BTreeMap<(String, String, String, String, String), u64>,
    /// By interface, destination port, flow direction (empty where the log has no such column)
    /// and reject class.
    pub flow_rejects: BTreeMap<(String, i32, String, String), RejectTruth>,
    /// By caller account, role ARN, region and cross-account (`yes`, `no`, `unknown`).
    pub kms_throttles: BTreeMap<(String, String, String, String), u64>,
}

/// Sums over the rejected flow records of one grain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectTruth {
    /// Flow-log lines.
    pub records: u64,
    /// Their packets.
    pub packets: u64,
    /// Their bytes; a record of block public access has none.
    pub bytes: u64,
}

impl Truth {
    pub(super) fn count_assume_role(&mut self, role_arn: &str, outcome: &str) {
        let key = (role_arn.to_owned(), outcome.to_owned());
        *self.sts_assume_role.entry(key).or_default() += 1;
    }

    pub(super) fn count_audience_mismatch(&mut self, kind: &str, of: [&str; 4]) {
        let [namespace, service_account, role_arn, audience] = of.map(str::to_owned);
        let key = (
            kind.to_owned(),
            namespace,
            service_account,
            role_arn,
            audience,
        );
        *self.irsa_audience_mismatch.entry(key).or_default() += 1;
    }

    pub(super) fn count_kms_throttle(&mut self, caller_and_region: [&str; 3], cross: &str) {
        let [caller_account, role_arn, region] = caller_and_region.map(str::to_owned);
        let key = (caller_account, role_arn, region, cross.to_owned());
        *self.kms_throttles.entry(key).or_default() += 1;
    }

    pub(super) fn count_reject(&mut self, key: (String, i32, String, String), seen: RejectTruth) {
        let sum = self.flow_rejects.entry(key).or_default();
        sum.records += seen.records;
        sum.packets += seen.packets;
        sum.bytes += seen.bytes;
    }
}
