//! ClickHouse: views over the table functions `s3` and `file`.
//!
//! The columns of a file are named with their types, so that a folder without files is an empty table. The
//! partitions are taken out of the path, in every version alike, and a condition on them leaves files out.

use arrow::datatypes::DataType;

use super::{
    Engine, Folder, NAME, Place, REPLACED, SEAL_COUNTS_AFTER_MINUTES, SEALED_END, SEALED_FILES,
    UNSEALED, literal, quoted,
};

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

    fn seals(&self, place: &Place) -> Vec<String> {
        let function = function(place);
        let seals = literal(&format!("{}/seals/*/*.json", root(place)));
        let columns = literal(
            "day String, generation UInt32, sealed_at String, files Array(Tuple(path String, rows UInt64, bytes UInt64)), \
             batches Array(String), unsealed Array(String)",
        );
        vec![
            format!(
                "CREATE OR REPLACE VIEW \"trailflow_seals\" AS\nSELECT day, argMax(files, generation) AS files, argMax(batches, generation) AS batches, \
                 argMax(unsealed, generation) AS unsealed\nFROM {function}({seals}, 'JSONEachRow', {columns})\n\
                 WHERE parseDateTime64BestEffort(sealed_at, 3, 'UTC') <= now() - INTERVAL {SEAL_COUNTS_AFTER_MINUTES} MINUTE\nGROUP BY day;"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{SEALED_FILES}\" AS\nSELECT tupleElement(arrayJoin(files), 'path') AS path FROM trailflow_seals;"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{REPLACED}\" AS\nSELECT concat(day, ' ', arrayJoin(batches)) AS batch FROM trailflow_seals;"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{UNSEALED}\" AS\nSELECT arrayJoin(unsealed) AS path FROM trailflow_seals;"
            ),
        ]
    }

    fn table(
        &self,
        place: &Place,
        folder: &Folder<'_>,
        columns: &[(String, String)],
    ) -> Vec<String> {
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
        let path = folder.path;
        let files = format!("{}/{{{path},sealed/{path}}}/**/*.parquet", root(place));
        let day = folder.partitions.first().copied().unwrap_or_default();
        vec![format!(
            "CREATE OR REPLACE VIEW {} AS\nSELECT {}\nFROM {}({}, 'Parquet', {})\n\
             WHERE if(endsWith(_path, '{SEALED_END}'),\n    extract(_path, '(sealed/{path}/{day}=.*)') IN (SELECT path FROM {SEALED_FILES}),\n    \
             concat(extract(_path, '/{day}=([^/]+)/'), ' ', extract(_path, '{NAME}')) NOT IN (SELECT batch FROM {REPLACED})\n        \
             OR extract(_path, '({path}/{day}=.*)') IN (SELECT path FROM {UNSEALED}));",
            quoted(folder.name),
            names.join(", "),
            function(place),
            literal(&files),
            literal(&structure.join(", ")),
        )]
    }
}

fn function(place: &Place) -> &'static str {
    if place.is_s3 { "s3" } else { "file" }
}

/// A store that is not AWS's is named by its address.
fn root(place: &Place) -> String {
    match (&place.endpoint, place.root.strip_prefix("s3://")) {
        (Some(endpoint), Some(path)) => format!("{endpoint}/{path}"),
        (_, _) => place.root.clone(),
    }
}
