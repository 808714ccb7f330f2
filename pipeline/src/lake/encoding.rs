//! What the Parquet files of the lake say of their columns.
//!
//! In: a table's schema. Out: properties for the writer. Must hold: what a filter of an analyst asks
//! for first has statistics by page, other numbers by row group. Other texts have none: a row group
//! has nearly all of them, so that no filter would pass over it.
//!
//! How a column is encoded and whether it is compressed, its values say, and those of the files before:
//! see [`trailflow_parquet`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Schema};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use trailflow_parquet::Precedents;

use crate::limits::ROW_GROUP_ROWS_MAX;

/// Columns that are filtered by most, with their pages' least and greatest values.
const FILTERED: [&str; 10] = [
    "account_id",
    "event_time",
    "interface_id",
    "key",
    "recipient_account_id",
    "role_arn",
    "target_role_arn",
    "ts_end",
    "ts_start",
    "window_start",
];

/// How the files of each table were written last.
#[derive(Debug, Default)]
pub struct Encodings(Mutex<HashMap<String, Arc<Precedents>>>);

impl Encodings {
    /// Those of the table whose file goes into this folder.
    pub(super) fn of(&self, folder: &str) -> Arc<Precedents> {
        let is_partition = |part: &&str| part.contains('=');
        let table: Vec<_> = folder
            .split('/')
            .take_while(|part| !is_partition(part))
            .collect();
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(table.join("/")).or_default())
    }
}

/// Of a file with these columns.
pub(super) fn properties(schema: &Schema) -> Result<WriterProperties, ParquetError> {
    // The codec is that of the columns which the library writes.
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_created_by(format!("trailflow {}", env!("CARGO_PKG_VERSION")));
    for field in schema.fields() {
        let name = field.name().as_str();
        let path = ColumnPath::from(name);
        if FILTERED.contains(&name) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        } else if matches!(field.data_type(), DataType::Utf8) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}
