//! Generated objects: the keys that AWS would give them, and their gzip bodies.

use std::io::{self, Write};

use chrono::DateTime;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::world::ORGANIZATION;

/// One object as a bucket would hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedObject {
    /// Key below the bucket.
    pub key: String,
    /// Gzip bytes.
    pub body: Vec<u8>,
}

/// How a flow log lays out its folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `AWSLogs/<account>/vpcflowlogs/…/DD/`
    Daily,
    /// The same with a folder for each hour.
    Hourly,
    /// `AWSLogs/aws-account-id=<account>/…/day=DD/`
    Hive,
}

/// Epoch seconds in a `strftime` format.
pub(super) fn time_text(epoch: i64, format: &str) -> String {
    let time = DateTime::from_timestamp(epoch, 0).unwrap_or_default();
    time.format(format).to_string()
}

pub(super) fn cloudtrail_key(account: &str, region: &str, published: i64, unique: &str) -> String {
    trail_key("CloudTrail", [account, region, unique], published)
}

pub(super) fn insight_key(account: &str, region: &str, published: i64, unique: &str) -> String {
    trail_key("CloudTrail-Insight", [account, region, unique], published)
}

fn trail_key(folder: &str, [account, region, unique]: [&str; 3], published: i64) -> String {
    let day = time_text(published, "%Y/%m/%d");
    let minute = time_text(published, "%Y%m%dT%H%MZ");
    format!(
        "AWSLogs/{ORGANIZATION}/{account}/{folder}/{region}/{day}/\
         {account}_{folder}_{region}_{minute}_{unique}.json.gz"
    )
}

pub(super) fn flow_log_key(
    layout: Layout,
    [account, region, flow_log_id]: [&str; 3],
    slot_start: i64,
    unique: &str,
) -> String {
    let (folder, date) = match layout {
        Layout::Daily => (format!("{account}/vpcflowlogs/{region}"), "%Y/%m/%d"),
        Layout::Hourly => (format!("{account}/vpcflowlogs/{region}"), "%Y/%m/%d/%H"),
        Layout::Hive => (
            format!("aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}"),
            "year=%Y/month=%m/day=%d",
        ),
    };
    let date = time_text(slot_start, date);
    let minute = time_text(slot_start, "%Y%m%dT%H%MZ");
    format!(
        "AWSLogs/{folder}/{date}/{account}_vpcflowlogs_{region}_{flow_log_id}_{minute}_{unique}.log.gz"
    )
}

/// One gzip member; no time and no name in its header, so that equal text gives equal bytes.
/// Made to be read once, and soon: it need not be small.
pub(super) fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}
