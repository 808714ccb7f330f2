//! How the columns of a Parquet file are written.
//!
//! In: a table's schema. Out: properties for the writer. Must hold: any reader can read the file;
//! what a filter of an analyst asks for first has statistics by page, other numbers by row group.
//! Other texts have none: a row group has nearly all of them, so that no filter would pass over it,
//! and each value would be compared with the least and the greatest.
//!
//! A dictionary pays where values repeat. Where nearly each row has its own, every value is looked
//! up in vain: those columns are written as they are. Numbers that climb are written as differences.

use arrow::datatypes::{DataType, Schema};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::limits::ROW_GROUP_ROWS_MAX;

/// Columns in which a value seldom comes twice.
const MANY_VALUES: [&str; 17] = [
    "access_key_id",
    "additional_event_data",
    "bytes",
    "dst",
    "event_id",
    "insight_details",
    "issued_access_key_id",
    "issued_session_arn",
    "packets",
    "pkt_dst",
    "pkt_src",
    "request_id",
    "request_parameters",
    "response_elements",
    "service_event_details",
    "src",
    "srcport",
];
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
/// Numbers that are close to those of the row before.
const CLIMBING: [&str; 6] = [
    "event_time",
    "line_no",
    "row_no",
    "session_created",
    "ts_end",
    "ts_start",
];

/// Of a file with these columns.
pub(super) fn properties(schema: &Schema) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_created_by(format!("trailflow {}", env!("CARGO_PKG_VERSION")));
    for field in schema.fields() {
        let name = field.name().as_str();
        let path = ColumnPath::from(name);
        let is_number =
            field.data_type().is_numeric() || matches!(field.data_type(), DataType::Timestamp(..));
        if is_number && CLIMBING.contains(&name) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if MANY_VALUES.contains(&name) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if FILTERED.contains(&name) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        } else if matches!(field.data_type(), DataType::Utf8) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}
