//! Amazon Athena: external tables whose partitions are computed, not registered, and views.
//!
//! Tables are defined in Hive's words and views in Trino's, which quote names differently.

use arrow::datatypes::DataType;

use super::{Engine, Folder, Place, literal};

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

    fn table(&self, place: &Place, folder: &Folder<'_>, columns: &[(String, String)]) -> String {
        let columns = columns
            .iter()
            .map(|(name, kind)| format!("    `{name}` {kind}"));
        let parts = folder
            .partitions
            .iter()
            .map(|part| format!("`{part}` string"));
        let location = format!("{}/{}", place.root, folder.path);
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
                settings.map(|(name, value)| {
                    (format!("projection.{part}.{name}"), (*value).to_owned())
                }),
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
            folder.name,
            columns.collect::<Vec<_>>().join(",\n"),
            parts.collect::<Vec<_>>().join(", "),
            literal(&format!("{location}/")),
            properties.collect::<Vec<_>>().join(",\n"),
        )
    }
}
