//! The lake's tables and views as definitions for other engines.
//!
//! In: where the lake is, and the signals. Out: SQL, one statement after another.
//!
//! ```text
//! schemas that files are written with ─ Folder ─► a table over its files
//! rollups of the headers, planned     ─ Folder ─► <signal>_partial ─► a view that merges it
//! seals ─► views of what is read in place of what, by which each table goes
//! ```
//!
//! Must hold: names and types of columns are those that the lake is written with, and a measure is merged by what
//! its header says: nothing is listed here a second time. The same lake and signals give the same text.

mod athena;
mod clickhouse;
mod duckdb;

use arrow::datatypes::{DataType, SchemaRef};

use super::{Folder, table_folders};
use crate::config::effective::may_hold_a_secret;
use crate::config::{Config, LakeUrl};
use crate::engine::{Planned, quoted};
use crate::signal::{Merge, Rollup};

/// The engines that definitions can be had for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// DuckDB 2.0 and later: views over the files.
    DuckDb,
    /// Amazon Athena: external tables with partition projection, and views.
    Athena,
    /// ClickHouse: views over `s3()` or `file()`.
    ClickHouse,
}

/// Why there are no definitions of this lake for that engine.
#[derive(Debug, thiserror::Error)]
pub enum Undefinable {
    /// A table has a column of a type that the engine has no name for here.
    #[error(
        "{table}.{column} is {kind}, which {engine} has no type for here: cast it in the signal"
    )]
    Kind {
        /// The table or signal.
        table: String,
        /// Its column.
        column: String,
        /// The column's type.
        kind: DataType,
        /// The engine.
        engine: &'static str,
    },
    /// The engine does not read files of a machine.
    #[error("{engine} reads S3 alone: name the lake as s3://bucket/prefix")]
    Directory {
        /// The engine.
        engine: &'static str,
    },
    /// An address that may have a password in it.
    #[error(
        "the endpoint of the lake has a user or a query in it, which would stand in the text: give it one without"
    )]
    Endpoint,
    /// A path that the engine would read as a pattern, or that breaks a line.
    #[error(
        "{path} has {letter:?} in it, which is no plain letter to an engine: give the lake another path"
    )]
    Path {
        /// The path.
        path: String,
        /// The letter.
        letter: char,
    },
}

/// Where the lake is, as engines name it.
#[derive(Debug)]
struct Place {
    /// Without a slash at its end.
    root: String,
    is_s3: bool,
    region: Option<String>,
    endpoint: Option<String>,
}

/// What differs from engine to engine.
trait Engine {
    /// As people call it.
    fn name(&self) -> &'static str;
    /// What to know and do before the statements, as comments.
    fn preamble(&self, place: &Place) -> String;
    /// The name of a type.
    fn kind(&self, kind: &DataType) -> Option<String>;
    /// The statements that make the seals views: [`SEALED_FILES`], [`REPLACED`] and [`UNSEALED`].
    fn seals(&self, place: &Place) -> Vec<String>;
    /// The statements that make a folder's files a table. Types stand beside their columns.
    fn table(
        &self,
        place: &Place,
        folder: &Folder<'_>,
        columns: &[(String, String)],
    ) -> Vec<String>;
    /// A sum that has the type of what is summed.
    fn sum(&self, column: &str, _kind: &str) -> String {
        format!("sum({column})")
    }
}

/// Every table and view of the lake.
pub fn definitions(
    target: Target,
    config: &Config,
    signals: &[Planned],
) -> Result<String, Undefinable> {
    let engine: &dyn Engine = match target {
        Target::DuckDb => &duckdb::DuckDb,
        Target::Athena => &athena::Athena,
        Target::ClickHouse => &clickhouse::ClickHouse,
    };
    let place = Place::of(config)?;
    if !place.is_s3 && target == Target::Athena {
        let engine = engine.name();
        return Err(Undefinable::Directory { engine });
    }
    let mut text = format!(
        "-- The lake of trailflow at {}, for {}.\n-- Made by `trailflow ddl`: make it again after an upgrade, or when signals come or go.\n\
         -- What `trailflow compact` sealed is read in place of what it replaced, {SEAL_COUNTS_AFTER_MINUTES} minutes after it was.\n{}",
        place.root,
        engine.name(),
        engine.preamble(&place)
    );
    let mut add = |statement: String| {
        text.push('\n');
        text.push_str(&statement);
        text.push('\n');
    };
    engine.seals(&place).into_iter().for_each(&mut add);
    for (folder, schema) in table_folders() {
        let columns = columns(engine, folder.name, &schema)?;
        let statements = engine.table(&place, &folder, &columns);
        statements.into_iter().for_each(&mut add);
    }
    for planned in signals {
        let Some(rollup) = &planned.signal.header.rollup else {
            continue;
        };
        let (name, path) = (planned.rollup_table(), planned.rollup_path());
        let folder = Folder::of_rollup(&name, &path);
        let columns = columns(engine, planned.name(), &planned.rollup_schema())?;
        let statements = engine.table(&place, &folder, &columns);
        statements.into_iter().for_each(&mut add);
        add(view(engine, planned.name(), &name, rollup, &columns));
    }
    Ok(text)
}

fn columns(
    engine: &dyn Engine,
    table: &str,
    schema: &SchemaRef,
) -> Result<Vec<(String, String)>, Undefinable> {
    let columns = schema.fields().iter().map(|field| {
        // Files hold plain texts, also of what is a dictionary in memory.
        let plain = match field.data_type() {
            DataType::Dictionary(_, text) => text.as_ref(),
            other => other,
        };
        let kind = engine.kind(plain);
        let kind = kind.ok_or_else(|| Undefinable::Kind {
            table: table.to_owned(),
            column: field.name().clone(),
            kind: field.data_type().clone(),
            engine: engine.name(),
        })?;
        Ok((field.name().clone(), kind))
    });
    columns.collect()
}

/// The view of a signal: grain and measures as `query` has them, and at the end the folder's day, by which an
/// engine leaves files out. A window has one day, so that it makes no more groups.
fn view(
    engine: &dyn Engine,
    name: &str,
    partial: &str,
    rollup: &Rollup,
    columns: &[(String, String)],
) -> String {
    let lines = columns.iter().map(|(column, kind)| {
        let of_rows = format!("p.{}", quoted(column));
        let merged = match rollup.measures.get(column) {
            None => of_rows,
            Some(Merge::Sum) => engine.sum(&of_rows, kind),
            Some(merge @ (Merge::Min | Merge::Max)) => format!("{}({of_rows})", merge.as_str()),
        };
        format!("    {merged} AS {}", quoted(column))
    });
    let mut lines: Vec<String> = lines.collect();
    lines.push(format!("    p.{DAY} AS {DAY}"));
    let grain = rollup.grain.iter().map(|column| quoted(column));
    let mut grain: Vec<String> = grain.map(|column| format!("p.{column}")).collect();
    grain.push(format!("p.{DAY}"));
    format!(
        "CREATE OR REPLACE VIEW {} AS\nSELECT\n{}\nFROM {} AS p\nGROUP BY {};",
        quoted(name),
        lines.join(",\n"),
        quoted(partial),
        grain.join(", ")
    )
}

/// A view of the paths of sealed files that are read.
const SEALED_FILES: &str = "trailflow_sealed_files";
/// A view of what they replace: day and batch, with a space between.
const REPLACED: &str = "trailflow_replaced";
/// A view of the paths of files of such a batch that are not replaced.
const UNSEALED: &str = "trailflow_unsealed";
/// A seal counts after so many minutes: an engine lists files and seals in any order, and finds by then each file
/// that a seal names. What it replaces is there for 48 hours.
const SEAL_COUNTS_AFTER_MINUTES: u32 = 10;
/// How the name of a published file begins: with its batch.
const NAME: &str = "([^/]{36})(-[0-9]+)?[.]parquet$";
/// How that of a sealed file ends.
const SEALED_END: &str = ".sealed.parquet";

/// The partition of a rollup, as a column.
const DAY: &str = "\"event_date\"";

impl Place {
    fn of(config: &Config) -> Result<Self, Undefinable> {
        let aws = &config.aws;
        let endpoint = aws.lake_endpoint_url.as_ref().or(aws.endpoint_url.as_ref());
        if endpoint.is_some_and(|url| may_hold_a_secret(url)) {
            return Err(Undefinable::Endpoint);
        }
        let (root, is_s3) = match &config.lake {
            LakeUrl::S3 { .. } => (config.lake.to_string(), true),
            LakeUrl::Directory(path) => {
                // Whoever runs the statements stands elsewhere.
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                let path = path.display().to_string();
                (path.trim_end_matches('/').to_owned(), false)
            }
        };
        let is_plain = |letter: char| !letter.is_control() && !"*?[]{}\\\"".contains(letter);
        if let Some(letter) = root.chars().find(|letter| !is_plain(*letter)) {
            return Err(Undefinable::Path { path: root, letter });
        }
        Ok(Self {
            root,
            is_s3,
            region: aws.region.clone(),
            endpoint: endpoint.map(|url| url.trim_end_matches('/').to_owned()),
        })
    }
}

/// The types of a map's two sides.
fn key_and_value(entries: &DataType) -> Option<(&DataType, &DataType)> {
    let DataType::Struct(fields) = entries else {
        return None;
    };
    match fields.as_ref() {
        [key, value] => Some((key.data_type(), value.data_type())),
        _ => None,
    }
}

/// A text, in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
