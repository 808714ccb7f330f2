//! DuckDB: views over `read_parquet`.
//!
//! An engine without a catalogue asks the files for their columns each time. So that a folder without files is an
//! empty table, and a column that older files lack is empty in them, the columns stand in the view with their types.

use arrow::datatypes::DataType;

use super::{Engine, Folder, Place, literal, quoted};

pub(super) struct DuckDb;

impl Engine for DuckDb {
    fn name(&self) -> &'static str {
        "DuckDB 2.0 and later"
    }

    fn preamble(&self, place: &Place) -> String {
        let times =
            "-- Times are TIMESTAMPTZ; `SET TimeZone = 'UTC'` shows them as trailflow does.\n";
        if !place.is_s3 {
            return times.to_owned();
        }
        let mut options = vec![
            String::from("TYPE s3"),
            String::from("PROVIDER credential_chain"),
        ];
        options.extend(
            place
                .region
                .iter()
                .map(|region| format!("REGION {}", literal(region))),
        );
        let address = place
            .endpoint
            .as_deref()
            .and_then(|url| url.split_once("://"));
        if let Some((scheme, host)) = address {
            let tls = scheme == "https";
            options.push(format!(
                "ENDPOINT {}, URL_STYLE 'path', USE_SSL {tls}",
                literal(host)
            ));
        }
        let options = options.join(", ");
        format!("{times}-- Before: INSTALL httpfs; INSTALL aws; CREATE SECRET lake ({options});\n")
    }

    fn kind(&self, kind: &DataType) -> Option<String> {
        Some(match kind {
            DataType::Utf8 => String::from("VARCHAR"),
            DataType::Boolean => String::from("BOOLEAN"),
            DataType::Int32 => String::from("INTEGER"),
            DataType::Int64 => String::from("BIGINT"),
            DataType::UInt64 => String::from("UBIGINT"),
            DataType::Float64 => String::from("DOUBLE"),
            DataType::Date32 => String::from("DATE"),
            DataType::Timestamp(_, Some(_)) => String::from("TIMESTAMP WITH TIME ZONE"),
            DataType::List(item) => format!("{}[]", self.kind(item.data_type())?),
            DataType::Map(entries, _) => {
                let (key, value) = super::key_and_value(entries.data_type())?;
                format!("MAP({}, {})", self.kind(key)?, self.kind(value)?)
            }
            _ => return None,
        })
    }

    fn table(&self, place: &Place, folder: &Folder<'_>, columns: &[(String, String)]) -> String {
        let parts = folder
            .partitions
            .iter()
            .map(|part| ((*part).to_owned(), String::from("VARCHAR")));
        let columns: Vec<(String, String)> = columns.iter().cloned().chain(parts).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let empty = columns
            .iter()
            .map(|(name, kind)| format!("        CAST(NULL AS {kind}) AS {}", quoted(name)));
        let files = literal(&format!("{}/{}/**/*.parquet", place.root, folder.path));
        format!(
            "CREATE OR REPLACE VIEW {} AS\nSELECT {}\nFROM (\n    SELECT\n{}\n    WHERE false\n    UNION ALL BY NAME\n    \
             SELECT * FROM read_parquet({files}, union_by_name = true, allow_empty = true, hive_partitioning = true, \
             hive_types_autocast = false)\n);",
            quoted(folder.name),
            names.join(", "),
            empty.collect::<Vec<_>>().join(",\n"),
        )
    }

    fn sum(&self, column: &str, kind: &str) -> String {
        // Sums of whole numbers are HUGEINT.
        format!("CAST(sum({column}) AS {kind})")
    }
}
