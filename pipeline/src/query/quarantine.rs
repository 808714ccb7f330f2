//! What is quarantined, as the lake's log tells it.
//!
//! In: `ingest_log` and `quarantine`. Out: rows for people, and objects to read again. Must hold:
//! an object is quarantined when its newest reading is; a replay is numbered after it, so that two
//! replays of one list are one. What earlier readings gave is known only while all of them are in the log.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::error::DataFusionError;

use super::LakeSession;
use crate::object::{ObjectRef, Version};
use crate::queue::{Known, Replay, Wanted};

/// Which of the quarantined objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Every one.
    All,
    /// Those of a reason.
    Reason(String),
    /// The one of a key.
    Key(String),
}

/// Lists them, oldest first.
pub fn list_sql(chosen: &Chosen) -> String {
    let only = match chosen {
        Chosen::All => String::new(),
        Chosen::Reason(reason) => format!("AND log.reason = {}", text(reason)),
        Chosen::Key(key) => format!("AND log.key = {}", text(key)),
    };
    format!(
        "SELECT log.committed_at AS quarantined_at, log.reason, log.bucket, log.key,
                all_readings.readings, all_readings.rows_known, all_readings.rejected_known,
                log.etag, log.version_id,
                coalesce(log.generation, 0) AS generation, log.source
         FROM ingest_log AS log
         JOIN (SELECT bucket, key, etag, max(coalesce(generation, 0)) AS newest,
                      count(*) AS readings, sum(rows + coalesce(suppressed, 0)) AS rows_known,
                      sum(coalesce(rejected, 0)) AS rejected_known
               FROM ingest_log GROUP BY bucket, key, etag) AS all_readings
           ON log.bucket = all_readings.bucket AND log.key = all_readings.key
          AND log.etag = all_readings.etag AND coalesce(log.generation, 0) = all_readings.newest
         WHERE log.outcome = 'quarantined' {only}
         ORDER BY quarantined_at, log.key"
    )
}

/// Every reading of an object.
pub fn readings_sql(object: &str) -> String {
    let object = text(object);
    format!(
        "SELECT committed_at, coalesce(generation, 0) AS generation, outcome, reason, bucket, key,
                rows, suppressed, rejected, compressed_bytes, inflated_bytes, inflated_sha256,
                written_at, received_at, etag, version_id, source, batch
         FROM ingest_log WHERE key = {object} OR source = {object} ORDER BY committed_at"
    )
}

/// What was quarantined of an object: as a whole, and record by record.
pub fn records_sql(object: &str) -> String {
    let object = text(object);
    format!(
        "SELECT quarantined_at, scope, reason, table_name, position, excerpt
         FROM quarantine WHERE key = {object} OR source = {object}
         ORDER BY quarantined_at, scope, position"
    )
}

/// What a replay finds.
#[derive(Debug, Default)]
pub struct Found {
    /// The objects to read again.
    pub wanted: Vec<Wanted>,
    /// Keys of those of which a reading is in the log no more: nobody knows what it gave, and all of it would
    /// count once more.
    pub forgotten: Vec<String>,
}

/// The objects to read again.
pub async fn wanted(session: &LakeSession, chosen: &Chosen) -> Result<Found, DataFusionError> {
    let (_, rows) = session.rows(&list_sql(chosen)).await?;
    let mut found = Found::default();
    for (wanted, is_known) in rows.iter().flat_map(wanted_of) {
        if is_known {
            found.wanted.push(wanted);
        } else {
            found.forgotten.push(wanted.object.key);
        }
    }
    Ok(found)
}

/// The objects, and whether each of their readings is known.
fn wanted_of(rows: &RecordBatch) -> Vec<(Wanted, bool)> {
    let strings = |name: &str, row: usize| {
        let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let number = |name: &str, row: usize| {
        let column = rows.column_by_name(name)?;
        let column = column.as_primitive_opt::<Int64Type>()?;
        u64::try_from(column.value(row)).ok()
    };
    let wanted = |row| {
        let generation = number("generation", row)?;
        let is_known = number("readings", row)? > generation;
        let wanted = Wanted {
            object: ObjectRef {
                bucket: strings("bucket", row)?,
                key: strings("key", row)?,
                version: Version {
                    etag: strings("etag", row),
                    version_id: strings("version_id", row),
                },
                size_bytes: None,
                written_at: None,
            },
            replay: Some(Replay {
                generation: generation + 1,
                known: Known {
                    rows: number("rows_known", row).unwrap_or_default(),
                    rejected: number("rejected_known", row).unwrap_or_default(),
                },
            }),
        };
        Some((wanted, is_known))
    };
    (0..rows.num_rows()).filter_map(wanted).collect()
}

/// A text in SQL.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
