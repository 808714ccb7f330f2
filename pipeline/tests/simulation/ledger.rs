//! What the lake holds in the end, beside what it must hold.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use trailflow::lake::batch::Decision;

use super::objects::Bucket;

/// How many rows an event that stands in several objects may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twins {
    /// One.
    Suppressed,
    /// One for each object at most: workers beside each other, before the hour is sealed.
    UpToCopies,
    /// One, and the rollup counts each row that was there before.
    Sealed,
}

/// Compares; says what is wrong, and how many rows there are beyond one an event.
pub(crate) async fn compare(
    store: &dyn ObjectStore,
    bucket: &Bucket,
    twins: Twins,
) -> Result<usize, String> {
    let events = texts(store, "cloudtrail", &["src_key", "event_id"]).await;
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for row in &events {
        *rows.entry(row.join(" ")).or_default() += 1;
        *by_id.entry(row[1].clone()).or_default() += 1;
    }
    if let Some((row, count)) = rows.iter().find(|(_, count)| **count > 1) {
        return Err(format!("the row {row} is there {count} times"));
    }
    let mut copies: BTreeMap<&String, usize> = BTreeMap::new();
    for id in bucket.events.values().flatten() {
        *copies.entry(id).or_default() += 1;
    }
    for (id, copies) in &copies {
        let found = by_id.get(*id).copied().unwrap_or_default();
        let most = match twins {
            Twins::Suppressed | Twins::Sealed => 1,
            Twins::UpToCopies => *copies,
        };
        if !(1..=most).contains(&found) {
            return Err(format!(
                "the event {id} has {found} rows, with {copies} copies"
            ));
        }
    }
    flows(store, bucket).await?;
    sources(store, bucket).await?;
    let counted = match twins {
        Twins::Sealed => events.len()..=bucket.event_count(),
        _ => events.len()..=events.len(),
    };
    let calls = rollup(store).await;
    if !counted.contains(&calls) {
        return Err(format!("the rollup counts {calls} events, not {counted:?}"));
    }
    Ok(events.len() - copies.len())
}

async fn flows(store: &dyn ObjectStore, bucket: &Bucket) -> Result<(), String> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for row in texts(store, "flow_logs", &["src_key"]).await {
        *found.entry(row[0].clone()).or_default() += 1;
    }
    if found == bucket.flows {
        Ok(())
    } else {
        Err(format!(
            "flow-log rows {found:?}, and not {:?}",
            bucket.flows
        ))
    }
}

/// Every object has one row in `ingest_log`.
async fn sources(store: &dyn ObjectStore, bucket: &Bucket) -> Result<(), String> {
    let mut keys: Vec<String> = texts(store, "ingest_log", &["key"]).await.concat();
    keys.sort();
    let expected: Vec<String> = bucket.bodies.keys().cloned().collect();
    if keys == expected {
        Ok(())
    } else {
        Err(format!("ingest_log has {keys:?}"))
    }
}

/// What the rollup counts.
pub(crate) async fn rollup(store: &dyn ObjectStore) -> usize {
    let mut calls = 0;
    for batch in batches(store, "rollups/sts_assume_role").await {
        let column = cast(batch.column_by_name("calls").unwrap(), &DataType::Int64).unwrap();
        calls += arrow::compute::sum(column.as_primitive::<Int64Type>()).unwrap_or_default();
    }
    usize::try_from(calls).unwrap()
}

/// Every file of a committed batch has its name; no other file has one.
pub(crate) async fn published(store: &dyn ObjectStore) -> Result<(), String> {
    let mut expected = Vec::new();
    for path in paths(store, "_trailflow/batches").await {
        let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
        if let Decision::Committed { files, .. } = serde_json::from_slice(&bytes).unwrap() {
            expected.extend(files.into_iter().map(|file| file.published));
        }
    }
    let mut found: Vec<String> = store
        .list(None)
        .map_ok(|found| found.location.to_string())
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    found.retain(|path| !path.starts_with("_trailflow/"));
    expected.sort();
    found.sort();
    if expected == found {
        Ok(())
    } else {
        Err(format!("committed {expected:?}, published {found:?}"))
    }
}

/// Values of text columns, a row each.
pub(crate) async fn texts(
    store: &dyn ObjectStore,
    table: &str,
    columns: &[&str],
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches(store, table).await {
        let columns: Vec<_> = columns
            .iter()
            .map(|name| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values = columns.iter().map(|column| {
                let column = column.as_string::<i32>();
                if column.is_null(row) {
                    String::new()
                } else {
                    column.value(row).to_owned()
                }
            });
            rows.push(values.collect());
        }
    }
    rows
}

async fn batches(store: &dyn ObjectStore, folder: &str) -> Vec<RecordBatch> {
    let mut all = Vec::new();
    for path in paths(store, folder).await {
        let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        all.extend(reader.build().unwrap().map(Result::unwrap));
    }
    all
}

async fn paths(store: &dyn ObjectStore, folder: &str) -> Vec<Path> {
    let folder = Path::from(folder);
    let listed = store.list(Some(&folder)).map_ok(|found| found.location);
    listed.try_collect().await.unwrap()
}
