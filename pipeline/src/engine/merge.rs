//! The query that merges partial rows: made from the header, never written by hand.
//!
//! Must hold: merging is associative and commutative (sum, min, max), so that it does not matter
//! how rows were cut into batches, files and workers (I7).

use std::fmt::Write as _;

use crate::signal::{Merge, Rollup};

const WINDOW: &str = "window_start";
const MILLISECONDS: &str = "Timestamp(Millisecond, Some(\"UTC\"))";

/// `SELECT grain…, sum(measure)… FROM table WHERE condition GROUP BY grain…`, columns in the
/// header's order.
pub(super) fn sql(rollup: &Rollup, table: &str, condition: Option<&str>) -> String {
    let mut sql = String::from("SELECT ");
    for column in &rollup.grain {
        let name = quoted(column);
        if column == WINDOW {
            // `date_bin` widens to nanoseconds, which many readers of Parquet do not take.
            push(
                &mut sql,
                format_args!("arrow_cast({name}, '{MILLISECONDS}') AS {name}, "),
            );
        } else {
            push(&mut sql, format_args!("{name}, "));
        }
    }
    let measures = rollup.measures.iter().map(|(column, merge)| {
        let function = match merge {
            Merge::Sum => "sum",
            Merge::Min => "min",
            Merge::Max => "max",
        };
        format!("{function}({name}) AS {name}", name = quoted(column))
    });
    sql.push_str(&measures.collect::<Vec<_>>().join(", "));
    push(&mut sql, format_args!(" FROM {table}"));
    if let Some(condition) = condition {
        push(&mut sql, format_args!(" WHERE {condition}"));
    }
    sql.push_str(" GROUP BY ");
    sql.push_str(
        &rollup
            .grain
            .iter()
            .map(|column| quoted(column))
            .collect::<Vec<_>>()
            .join(", "),
    );
    sql
}

fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

fn push(sql: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _written = sql.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_header_is_in_the_query() {
        let rollup = Rollup {
            window_seconds: 300,
            grain: vec!["window_start".into(), "role_arn".into()],
            measures: [
                ("calls".to_owned(), Merge::Sum),
                ("last".to_owned(), Merge::Max),
            ]
            .into(),
        };
        assert_eq!(
            sql(&rollup, "partial", None),
            "SELECT arrow_cast(\"window_start\", 'Timestamp(Millisecond, Some(\"UTC\"))') AS \
             \"window_start\", \"role_arn\", sum(\"calls\") AS \"calls\", max(\"last\") AS \
             \"last\" FROM partial GROUP BY \"window_start\", \"role_arn\""
        );
    }
}
