//! What an object's key says about its content.
//!
//! In: a plain key. Out: its kind, with the account and region that stand in it. Any prefix is
//! tolerated; what follows `AWSLogs/` is not.
//!
//! The dates in a key are those of delivery, not of the events, so they are checked and not
//! returned. A key that says nothing is [`KeyKind::Unknown`]; then the content decides
//! ([`super::content`]).

/// The kind of object that a key names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind<'a> {
    /// A CloudTrail log file, in which data events may stand too, or one of network activity events,
    /// which have a folder of their own.
    CloudTrail {
        /// The account whose events these are, for an organization trail the member.
        account: &'a str,
        /// The region that delivered the file.
        region: &'a str,
        /// The organization, when the trail is one's.
        organization: Option<&'a str>,
    },
    /// A digest of CloudTrail log files.
    CloudTrailDigest,
    /// CloudTrail Insights events.
    CloudTrailInsight,
    /// CloudTrail's aggregated events: how many data events of a kind there were in five minutes. The
    /// events themselves are what counts, so a row of these would count them again.
    CloudTrailAggregated,
    /// VPC or transit gateway flow logs, as text or as Parquet.
    FlowLogs {
        /// The account that owns the flow log.
        account: &'a str,
        /// Its region.
        region: &'a str,
    },
    /// Written by this service: reading it would feed the lake into itself.
    Own,
    /// The key says nothing.
    Unknown,
}

/// Folders of the lake that hold Parquet by date, directly or one folder below.
const LAKE_FOLDERS: [&str; 6] = [
    "cloudtrail",
    "flow_logs",
    "transit_gateway_flow_logs",
    "rollups",
    "ingest_log",
    "quarantine",
];

/// Tells what a key names. The first `AWSLogs` folder whose rest fits decides.
pub fn kind_of(key: &str) -> KeyKind<'_> {
    let segments: Vec<&str> = key.split('/').collect();
    if is_own(&segments) {
        return KeyKind::Own;
    }
    let mut rest = segments.as_slice();
    while let [first, below @ ..] = rest {
        if *first == "AWSLogs"
            && let Some(kind) = delivered(below)
        {
            return kind;
        }
        rest = below;
    }
    KeyKind::Unknown
}

/// What AWS delivered, by the folders below `AWSLogs`.
fn delivered<'a>(below: &[&'a str]) -> Option<KeyKind<'a>> {
    let (organization, below) = match below {
        [first, below @ ..] if is_organization(first) => (Some(*first), below),
        _ => (None, below),
    };
    match below {
        [
            account,
            "CloudTrail" | "CloudTrail-NetworkActivity",
            region,
            year,
            month,
            day,
            file,
        ] if is_account(account)
            && is_region(region)
            && is_date(&[year, month, day])
            && is_json_gz(file) =>
        {
            Some(KeyKind::CloudTrail {
                account,
                region,
                organization,
            })
        }
        [account, "CloudTrail-Digest", .., file] if is_account(account) && is_json_gz(file) => {
            Some(KeyKind::CloudTrailDigest)
        }
        [account, "CloudTrail-Insight", .., file] if is_account(account) && is_json_gz(file) => {
            Some(KeyKind::CloudTrailInsight)
        }
        [account, "CloudTrail-Aggregated", .., file] if is_account(account) && is_json_gz(file) => {
            Some(KeyKind::CloudTrailAggregated)
        }
        [account, "vpcflowlogs", region, date @ .., file]
            if is_account(account)
                && is_region(region)
                && is_date(date)
                && is_flow_log_file(file) =>
        {
            Some(KeyKind::FlowLogs { account, region })
        }
        [account, "aws-service=vpcflowlogs", region, date @ .., file] => {
            let account = account
                .strip_prefix("aws-account-id=")
                .filter(|id| is_account(id))?;
            let region = region
                .strip_prefix("aws-region=")
                .filter(|name| is_region(name))?;
            (is_hive_date(date) && is_flow_log_file(file))
                .then_some(KeyKind::FlowLogs { account, region })
        }
        _ => None,
    }
}

/// The lake's bookkeeping, or a Parquet file of one of its tables.
fn is_own(segments: &[&str]) -> bool {
    if segments.contains(&"_trailflow") {
        return true;
    }
    let is_partition =
        |segment: &str| segment.starts_with("event_date=") || segment.starts_with("ingest_date=");
    let is_parquet = segments
        .last()
        .is_some_and(|file| file.ends_with(".parquet"));
    is_parquet
        && segments
            .iter()
            .position(|segment| is_partition(segment))
            .is_some_and(|partition| {
                let above = segments.iter().take(partition).rev().take(2);
                above
                    .into_iter()
                    .any(|folder| LAKE_FOLDERS.contains(folder))
            })
}

fn is_organization(segment: &str) -> bool {
    segment.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn is_account(segment: &str) -> bool {
    is_digits(segment, 12)
}

fn is_region(segment: &str) -> bool {
    !segment.is_empty()
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Year, month, day, and for hourly folders the hour.
fn is_date(segments: &[&str]) -> bool {
    match segments {
        [year, rest @ ..] => {
            is_digits(year, 4)
                && matches!(rest.len(), 2 | 3)
                && rest.iter().all(|part| is_digits(part, 2))
        }
        [] => false,
    }
}

/// The same in Hive's `name=value`.
fn is_hive_date(segments: &[&str]) -> bool {
    let names = ["year=", "month=", "day=", "hour="];
    let values: Option<Vec<&str>> = segments
        .iter()
        .zip(names)
        .map(|(segment, name)| segment.strip_prefix(name))
        .collect();
    segments.len() <= names.len() && values.is_some_and(|values| is_date(&values))
}

fn is_digits(segment: &str, length: usize) -> bool {
    segment.len() == length && segment.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_json_gz(file: &str) -> bool {
    file.len() > ".json.gz".len() && file.ends_with(".json.gz")
}

/// `.parquet` covers `.log.parquet`, too.
fn is_flow_log_file(file: &str) -> bool {
    [".log.gz", ".parquet"]
        .iter()
        .any(|end| file.len() > end.len() && file.ends_with(end))
}

impl KeyKind<'_> {
    /// Stable text for the label `kind`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CloudTrail { .. } => "cloudtrail",
            Self::CloudTrailDigest => "cloudtrail_digest",
            Self::CloudTrailInsight => "cloudtrail_insight",
            Self::CloudTrailAggregated => "cloudtrail_aggregated",
            Self::FlowLogs { .. } => "flow_logs",
            Self::Own => "own",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::{KeyKind, kind_of};

    const KEYS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/objects/keys.tsv"
    ));

    /// Kind, account, region, organization, as `keys.tsv` writes them.
    fn rendered(kind: KeyKind<'_>) -> String {
        let (account, region, organization) = match kind {
            KeyKind::CloudTrail {
                account,
                region,
                organization,
            } => (account, region, organization.unwrap_or("-")),
            KeyKind::FlowLogs { account, region } => (account, region, "-"),
            _ => ("-", "-", "-"),
        };
        [kind.as_str(), account, region, organization].join("\t")
    }

    #[test]
    fn every_key_is_of_its_kind() {
        let lines = KEYS.lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for line in lines {
            let (expected, key) = line.rsplit_once('\t').expect("the key is the last column");
            assert_eq!(rendered(kind_of(key)), expected, "{key:?}");
            count += 1;
        }
        assert!(count >= 40, "{count} keys");
    }

    #[test]
    fn random_keys_never_panic() {
        let words = [
            "AWSLogs",
            "111122223333",
            "CloudTrail",
            "o-abcdefghij",
            "2026",
            "01",
            "",
            "=",
        ];
        for seed in 0..5000_u64 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut key = String::new();
            for _ in 0..random.random_range(0..12) {
                match random.random_range(0..4) {
                    0 => key.push(random.random()),
                    1 => key.push('/'),
                    _ => key.push_str(words[random.random_range(0..words.len())]),
                }
            }
            let kind = kind_of(&key);
            assert!(!kind.as_str().is_empty(), "seed {seed}");
        }
    }
}
