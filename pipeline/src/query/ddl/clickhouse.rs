//! ClickHouse: views over the table functions `s3` and `file`.
//!
//! The columns of a file are named with their types, so that a folder without files is an empty table. The
//! partitions are taken out of the path, in every version alike, and a condition on them leaves files out.

use arrow::datatypes::DataType;

use super::{Engine, Folder, Place, quoted};

pub(super) struct ClickHouse;

impl Engine for ClickHouse {
    fn name(&self) -> &'static str {
        "ClickHouse"
    }

    fn preamble(&self, place: &Place) -> String {
        let mut text = String::from("-- A list or a map that is absent is an empty one here.\n");
        text += if place.is_s3 {
            "-- Credentials are the server's (use_environment_credentials), or those of a named collection.\n"
        } else {
            "-- A server reads files below its user_files_path alone; clickhouse-local reads any.\n"
        };
        text
    }

    fn kind(&self, kind: &DataType) -> Option<String> {
        Some(match kind {
            DataType::Utf8 => String::from("Nullable(String)"),
            DataType::Boolean => String::from("Nullable(Bool)"),
            DataType::Int32 => String::from("Nullable(Int32)"),
            DataType::Int64 => String::from("Nullable(Int64)"),
            DataType::UInt64 => String::from("Nullable(UInt64)"),
            DataType::Float64 => String::from("Nullable(Float64)"),
            DataType::Date32 => String::from("Nullable(Date32)"),
            DataType::Timestamp(_, Some(_)) => String::from("Nullable(DateTime64(3, 'UTC'))"),
            DataType::List(item) => format!("Array({})", self.kind(item.data_type())?),
            DataType::Map(entries, _) => {
                let (key, value) = super::key_and_value(entries.data_type())?;
                let key = self.kind(key)?;
                // A key is never absent, and has no type that says so.
                let key = key
                    .strip_prefix("Nullable(")
                    .and_then(|key| key.strip_suffix(')'));
                format!("Map({}, {})", key?, self.kind(value)?)
            }
            _ => return None,
        })
    }

    fn table(&self, place: &Place, folder: &Folder<'_>, columns: &[(String, String)]) -> String {
        let mut names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        names.extend(
            folder
                .partitions
                .iter()
                .map(|part| format!("extract(_path, '/{part}=([^/]+)/') AS {}", quoted(part))),
        );
        let structure: Vec<String> = columns
            .iter()
            .map(|(name, kind)| format!("`{name}` {kind}"))
            .collect();
        let function = if place.is_s3 { "s3" } else { "file" };
        let files = format!("{}/{}/**/*.parquet", root(place), folder.path);
        format!(
            "CREATE OR REPLACE VIEW {} AS\nSELECT {}\nFROM {function}({}, 'Parquet', {});",
            quoted(folder.name),
            names.join(", "),
            super::literal(&files),
            super::literal(&structure.join(", ")),
        )
    }
}

/// A store that is not AWS's is named by its address.
fn root(place: &Place) -> String {
    match (&place.endpoint, place.root.strip_prefix("s3://")) {
        (Some(endpoint), Some(path)) => format!("{endpoint}/{path}"),
        (_, _) => place.root.clone(),
    }
}
