//! DuckDB: views over `read_parquet`.
//!
//! An engine without a catalogue asks the files for their columns each time. So that a folder without files is an
//! empty table, and a column that older files lack is empty in them, the columns stand in the view with their types.

use arrow::datatypes::DataType;

use super::{
    Engine, Folder, NAME, Place, REPLACED, SEAL_COUNTS_AFTER_MINUTES, SEALED_END, SEALED_FILES,
    UNSEALED, literal, quoted,
};

pub(super) struct DuckDb;

/// What a seal says, and its types.
const SEAL: [(&str, &str); 6] = [
    ("day", "VARCHAR"),
    ("generation", "BIGINT"),
    ("sealed_at", "TIMESTAMPTZ"),
    ("files", "STRUCT(path VARCHAR)[]"),
    ("batches", "VARCHAR[]"),
    ("unsealed", "VARCHAR[]"),
];

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

    fn seals(&self, place: &Place) -> Vec<String> {
        let seals = literal(&format!("{}/seals/*/*.json", place.root));
        let root = literal(&format!("{}/", place.root));
        // Without a seal there is nothing to ask for columns.
        let empty = SEAL.map(|(name, kind)| format!("CAST(NULL AS {kind}) AS \"{name}\""));
        let named = SEAL.map(|(name, kind)| format!("\"{name}\": '{kind}'"));
        vec![
            format!(
                "CREATE OR REPLACE VIEW \"trailflow_seals\" AS\nSELECT \"day\", files, batches, unsealed\nFROM (\n    SELECT {}\n    WHERE false\n    \
                 UNION ALL BY NAME\n    SELECT * FROM read_json({seals}, format = 'newline_delimited', allow_empty = true, columns = {{{}}})\n)\n\
                 WHERE sealed_at <= now() - INTERVAL {SEAL_COUNTS_AFTER_MINUTES} MINUTE\n\
                 QUALIFY row_number() OVER (PARTITION BY \"day\" ORDER BY generation DESC) = 1;",
                empty.join(", "),
                named.join(", "),
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{SEALED_FILES}\" AS\nSELECT {root} || f.path AS path FROM (SELECT unnest(files) AS f FROM trailflow_seals);"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{REPLACED}\" AS\nSELECT \"day\" || ' ' || batch AS batch FROM (SELECT \"day\", unnest(batches) AS batch FROM trailflow_seals);"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{UNSEALED}\" AS\nSELECT {root} || path AS path FROM (SELECT unnest(unsealed) AS path FROM trailflow_seals);"
            ),
        ]
    }

    fn table(
        &self,
        place: &Place,
        folder: &Folder<'_>,
        columns: &[(String, String)],
    ) -> Vec<String> {
        let parts = folder
            .partitions
            .iter()
            .map(|part| ((*part).to_owned(), String::from("VARCHAR")));
        let columns: Vec<(String, String)> = columns.iter().cloned().chain(parts).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let file = (String::from("filename"), String::from("VARCHAR"));
        let empty = columns
            .iter()
            .chain([&file])
            .map(|(name, kind)| format!("        CAST(NULL AS {kind}) AS {}", quoted(name)));
        let files = ["", "sealed/"].map(|below| {
            literal(&format!(
                "{}/{below}{}/**/*.parquet",
                place.root, folder.path
            ))
        });
        let day = folder
            .partitions
            .first()
            .map_or_else(String::new, |day| quoted(day));
        vec![format!(
            "CREATE OR REPLACE VIEW {} AS\nSELECT {}\nFROM (\n    SELECT\n{}\n    WHERE false\n    UNION ALL BY NAME\n    \
             SELECT * FROM read_parquet([{}], union_by_name = true, allow_empty = true, hive_partitioning = true, \
             hive_types_autocast = false, filename = true)\n)\n\
             WHERE CASE WHEN suffix(filename, '{SEALED_END}') THEN filename IN (SELECT path FROM {SEALED_FILES})\n    \
             ELSE {day} || ' ' || regexp_extract(filename, '{NAME}', 1) NOT IN (SELECT batch FROM {REPLACED})\n        \
             OR filename IN (SELECT path FROM {UNSEALED}) END;",
            quoted(folder.name),
            names.join(", "),
            empty.collect::<Vec<_>>().join(",\n"),
            files.join(", "),
        )]
    }

    fn sum(&self, column: &str, kind: &str) -> String {
        // Sums of whole numbers are HUGEINT.
        format!("CAST(sum({column}) AS {kind})")
    }
}
