//! What the demo found next to what it planted.
//!
//! In: the [`Truth`] and the lake's own views. Out: a table for people, and whether all is equal.
//! Must hold: planted numbers come from the generator, found ones from SQL over the lake; nothing
//! is compared with itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::DataFusionError;

use super::truth::{RejectTruth, Truth};
use crate::query::LakeSession;

/// Counts by what is counted.
type Counts = BTreeMap<String, u64>;

/// One signal's planted and found counts.
#[derive(Debug)]
pub struct Comparison {
    title: &'static str,
    planted: Counts,
    found: Counts,
}

/// How many rows of each comparison are shown.
const SHOWN: usize = 8;

/// Asks the lake for everything that was planted.
pub async fn compare(
    truth: &Truth,
    lake: &LakeSession,
) -> Result<Vec<Comparison>, DataFusionError> {
    let mut compared = Vec::new();
    for (title, sql, planted) in questions(truth) {
        compared.push(Comparison {
            title,
            planted,
            found: counts(lake, sql).await?,
        });
    }
    Ok(compared)
}

const ROWS: &str = "SELECT 'cloudtrail', count(*) FROM cloudtrail \
    UNION ALL SELECT 'flow_logs', count(*) FROM flow_logs";
const STS: &str = "SELECT role_arn || ' ' || outcome, sum(calls) FROM sts_assume_role GROUP BY 1";
const IRSA: &str = "SELECT kind || ' ' || namespace || '/' || service_account || ' ' || role_arn \
    || ' ' || audience, sum(mismatches) FROM irsa_audience_mismatch GROUP BY 1";
const KMS: &str = "SELECT caller_account || ' ' || role_arn || ' ' || region || ' cross-account ' \
    || cross_account, sum(throttles) FROM kms_throttles GROUP BY 1";
const REJECT_RECORDS: &str = "SELECT interface_id || ' port ' || dstport || ' ' || flow_direction \
    || ' ' || reject_class, sum(records) FROM flow_rejects GROUP BY 1";
const REJECT_PACKETS: &str = "SELECT interface_id || ' port ' || dstport || ' ' || flow_direction \
    || ' ' || reject_class, sum(packets) FROM flow_rejects GROUP BY 1";
const REJECT_BYTES: &str = "SELECT interface_id || ' port ' || dstport || ' ' || flow_direction \
    || ' ' || reject_class, sum(bytes) FROM flow_rejects GROUP BY 1";

fn questions(truth: &Truth) -> Vec<(&'static str, &'static str, Counts)> {
    let rows = [
        (String::from("cloudtrail"), truth.cloudtrail_events),
        (String::from("flow_logs"), truth.flow_rows),
    ];
    let sts = truth.sts_assume_role.iter();
    let sts = sts.map(|((role, outcome), calls)| (format!("{role} {outcome}"), *calls));
    let irsa = truth.irsa_audience_mismatch.iter();
    let irsa = irsa.map(|((kind, namespace, account, role, audience), count)| {
        (
            format!("{kind} {namespace}/{account} {role} {audience}"),
            *count,
        )
    });
    let kms = truth.kms_throttles.iter();
    let kms = kms.map(|((account, role, region, cross), count)| {
        (
            format!("{account} {role} {region} cross-account {cross}"),
            *count,
        )
    });
    let records = rejects(truth, |sums| sums.records);
    vec![
        ("rows in the lake", ROWS, rows.into()),
        (
            "sts_assume_role: calls by role and outcome",
            STS,
            sts.collect(),
        ),
        (
            "irsa_audience_mismatch: by service account, role and audience",
            IRSA,
            irsa.collect(),
        ),
        (
            "flow_rejects: records by interface, port, direction and class",
            REJECT_RECORDS,
            records,
        ),
        (
            "flow_rejects: packets",
            REJECT_PACKETS,
            rejects(truth, |sums| sums.packets),
        ),
        (
            "flow_rejects: bytes",
            REJECT_BYTES,
            rejects(truth, |sums| sums.bytes),
        ),
        (
            "kms_throttles: by caller, role, region and cross-account",
            KMS,
            kms.collect(),
        ),
    ]
}

fn rejects(truth: &Truth, of: fn(&RejectTruth) -> u64) -> Counts {
    let each = truth.flow_rejects.iter();
    each.map(|((interface, port, direction, class), sums)| {
        // A log without the column has no direction.
        let direction = if direction.is_empty() {
            "unknown"
        } else {
            direction
        };
        (
            format!("{interface} port {port} {direction} {class}"),
            of(sums),
        )
    })
    .collect()
}

async fn counts(lake: &LakeSession, sql: &str) -> Result<Counts, DataFusionError> {
    let (_, batches) = lake.rows(sql).await?;
    let mut counts = Counts::new();
    for batch in &batches {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let values = cast(batch.column(1), &DataType::Int64)?;
        let values = values.as_primitive::<Int64Type>();
        for (row, name) in names.as_string::<i32>().iter().enumerate() {
            let value = if values.is_null(row) {
                0
            } else {
                values.value(row)
            };
            let value = u64::try_from(value).unwrap_or_default();
            counts.insert(name.unwrap_or_default().to_owned(), value);
        }
    }
    Ok(counts)
}

impl Comparison {
    /// Found is what was planted, no more and no less.
    pub fn holds(&self) -> bool {
        // A sum of 0 and no row at all are the same finding.
        let present = |counts: &Counts| -> Counts {
            counts
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(k, v)| (k.clone(), *v))
                .collect()
        };
        present(&self.planted) == present(&self.found)
    }

    /// The comparison as text: the largest, and everything that differs.
    pub fn text(&self) -> String {
        let mut lines: Vec<(&str, u64, u64)> = self
            .planted
            .keys()
            .chain(
                self.found
                    .keys()
                    .filter(|key| !self.planted.contains_key(*key)),
            )
            .map(|key| (key.as_str(), get(&self.planted, key), get(&self.found, key)))
            .collect();
        lines.sort_by_key(|(key, planted, found)| (planted == found, u64::MAX - found, *key));
        let differing = lines
            .iter()
            .filter(|(_, planted, found)| planted != found)
            .count();
        let shown = differing.max(SHOWN.min(lines.len()));
        let verdict = if self.holds() {
            "found = planted"
        } else {
            "FOUND DIFFERS FROM PLANTED"
        };
        let mut text = format!("{} — {verdict}\n", self.title);
        let mut line = |what: &str, planted: u64, found: u64| {
            let mark = if planted == found { ' ' } else { '!' };
            // Writing to a String does not fail.
            let _written = writeln!(text, "{mark} {planted:>9} {found:>9}  {what}");
        };
        for (what, planted, found) in lines.iter().take(shown) {
            line(what, *planted, *found);
        }
        let rest = lines.len() - shown;
        if rest > 0 {
            let sum = |of: fn(&(&str, u64, u64)) -> u64| lines.iter().skip(shown).map(of).sum();
            line(
                &format!("in {rest} more"),
                sum(|line| line.1),
                sum(|line| line.2),
            );
        }
        text
    }
}

fn get(counts: &Counts, key: &str) -> u64 {
    counts.get(key).copied().unwrap_or_default()
}
