//! Amazon Athena: external tables whose partitions are computed, not registered, and views.
//!
//! Tables are defined in Hive's words and views in Trino's, which quote names differently.

use arrow::datatypes::DataType;

use super::{
    Engine, Folder, NAME, Place, REPLACED, SEAL_COUNTS_AFTER_MINUTES, SEALED_FILES, UNSEALED,
    literal, quoted,
};

pub(super) struct Athena;

/// The first day that is looked at: each partition is a request, and Athena makes one for every hour since.
const FIRST_DAY: &str = "2020-01-01";

impl Engine for Athena {
    fn name(&self) -> &'static str {
        "Amazon Athena (engine version 3)"
    }

    fn preamble(&self, _place: &Place) -> String {
        format!(
            "-- Athena runs one statement at a time, in the database that is chosen. Times are UTC.\n\
             -- A table that is there already stays as it is: DROP TABLE it first, which leaves its files.\n\
             -- Partitions are projected: nothing has to be added when a day begins. Rows of days before {FIRST_DAY} are\n\
             -- not seen: write an earlier day where you have them, a later one where not. Ask with a condition on\n\
             -- event_date (a text, such as '2026-01-31'): without one every hour since that day is looked for.\n"
        )
    }

    fn kind(&self, kind: &DataType) -> Option<String> {
        Some(match kind {
            DataType::Utf8 => String::from("string"),
            DataType::Boolean => String::from("boolean"),
            DataType::Int32 => String::from("int"),
            DataType::Int64 => String::from("bigint"),
            DataType::Float64 => String::from("double"),
            DataType::Date32 => String::from("date"),
            DataType::Timestamp(_, Some(_)) => String::from("timestamp"),
            DataType::List(item) => format!("array<{}>", self.kind(item.data_type())?),
            DataType::Map(entries, _) => {
                let (key, value) = super::key_and_value(entries.data_type())?;
                format!("map<{},{}>", self.kind(key)?, self.kind(value)?)
            }
            _ => return None,
        })
    }

    fn seals(&self, place: &Place) -> Vec<String> {
        let seals = literal(&format!("{}/seals/", place.root));
        let root = literal(&format!("{}/", place.root));
        vec![
            format!(
                "CREATE EXTERNAL TABLE IF NOT EXISTS `trailflow_seals_written` (\n    `day` string,\n    `generation` int,\n    `sealed_at` string,\n    \
                 `files` array<struct<path:string>>,\n    `batches` array<string>,\n    `unsealed` array<string>\n)\n\
                 ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\nLOCATION {seals};"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"trailflow_seals\" AS\nSELECT day, files, batches, unsealed\nFROM (\n    SELECT *, row_number() OVER \
                 (PARTITION BY day ORDER BY generation DESC) AS place\n    FROM trailflow_seals_written\n    \
                 WHERE from_iso8601_timestamp(sealed_at) <= current_timestamp - INTERVAL '{SEAL_COUNTS_AFTER_MINUTES}' MINUTE\n)\nWHERE place = 1;"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{SEALED_FILES}\" AS\nSELECT {root} || path AS path FROM trailflow_seals CROSS JOIN UNNEST(files) AS f (path);"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{REPLACED}\" AS\nSELECT day || ' ' || batch AS batch FROM trailflow_seals CROSS JOIN UNNEST(batches) AS b (batch);"
            ),
            format!(
                "CREATE OR REPLACE VIEW \"{UNSEALED}\" AS\nSELECT {root} || path AS path FROM trailflow_seals CROSS JOIN UNNEST(unsealed) AS u (path);"
            ),
        ]
    }

    fn table(
        &self,
        place: &Place,
        folder: &Folder<'_>,
        columns: &[(String, String)],
    ) -> Vec<String> {
        let (published, sealed) = (
            format!("{}_published", folder.name),
            format!("{}_sealed", folder.name),
        );
        let names = columns.iter().map(|(name, _)| quoted(name));
        let parts = folder.partitions.iter().map(|part| quoted(part));
        let names = names.chain(parts).collect::<Vec<_>>().join(", ");
        let day = folder
            .partitions
            .first()
            .map_or_else(String::new, |day| quoted(day));
        let view = format!(
            "CREATE OR REPLACE VIEW {} AS\nSELECT {names}\nFROM {}\n\
             WHERE {day} || ' ' || coalesce(regexp_extract(\"$path\", '{NAME}', 1), '') NOT IN (SELECT batch FROM {REPLACED})\n    \
             OR \"$path\" IN (SELECT path FROM {UNSEALED})\nUNION ALL\nSELECT {names}\nFROM {}\n\
             WHERE \"$path\" IN (SELECT path FROM {SEALED_FILES});",
            quoted(folder.name),
            quoted(&published),
            quoted(&sealed),
        );
        vec![
            external(place, folder, &published, folder.path, columns),
            external(
                place,
                folder,
                &sealed,
                &format!("sealed/{}", folder.path),
                columns,
            ),
            view,
        ]
    }
}

/// A table over the files below a path.
fn external(
    place: &Place,
    folder: &Folder<'_>,
    name: &str,
    path: &str,
    columns: &[(String, String)],
) -> String {
    let columns = columns
        .iter()
        .map(|(name, kind)| format!("    `{name}` {kind}"));
    let parts = folder
        .partitions
        .iter()
        .map(|part| format!("`{part}` string"));
    let location = format!("{}/{path}", place.root);
    let mut properties = vec![(String::from("projection.enabled"), String::from("true"))];
    let mut template = vec![location.clone()];
    for part in folder.partitions {
        template.push(format!("{part}=${{{part}}}"));
        let settings: &[(&str, &str)] = if part.ends_with("_hour") {
            &[("type", "integer"), ("range", "0,23"), ("digits", "2")]
        } else {
            &[
                ("type", "date"),
                ("format", "yyyy-MM-dd"),
                ("range", &format!("{FIRST_DAY},NOW+1DAY")),
                ("interval", "1"),
                ("interval.unit", "DAYS"),
            ]
        };
        let settings = settings.iter();
        properties.extend(
            settings
                .map(|(name, value)| (format!("projection.{part}.{name}"), (*value).to_owned())),
        );
    }
    properties.push((
        String::from("storage.location.template"),
        template.join("/"),
    ));
    let properties = properties
        .iter()
        .map(|(name, value)| format!("    {} = {}", literal(name), literal(value)));
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `{}` (\n{}\n)\nPARTITIONED BY ({})\nSTORED AS PARQUET\nLOCATION {}\n\
         TBLPROPERTIES (\n{}\n);",
        name,
        columns.collect::<Vec<_>>().join(",\n"),
        parts.collect::<Vec<_>>().join(", "),
        literal(&format!("{location}/")),
        properties.collect::<Vec<_>>().join(",\n"),
    )
}
