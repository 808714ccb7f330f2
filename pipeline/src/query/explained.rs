//! Why a question has no answer, in words that help whoever asked.
//!
//! In: DataFusion's error. Out: what it says, once, and what to do about it.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use super::output;
use crate::causes;

/// What a session says when it cannot answer.
pub type QueryError = DataFusionError;

/// The error's words, and what to do about it.
pub fn explained(error: &QueryError) -> String {
    let hint = match error.find_root() {
        DataFusionError::Plan(what) if what.contains("not found") => {
            "\nTables: SHOW TABLES. Columns: DESCRIBE <table>. Signals over rollups have gauges and no view"
        }
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => {
            "\nTables: SHOW TABLES. Columns: DESCRIBE <table>"
        }
        DataFusionError::ResourcesExhausted(_) => {
            "\nAsk for less: fewer columns, a shorter time, no ORDER BY. Or allow more: `pipeline.memory_bytes_max` in a file named by --config"
        }
        DataFusionError::IoError(_) => {
            "\nWhat does not fit into memory is put into a directory for temporary files: TMPDIR names another one"
        }
        DataFusionError::ArrowError(error, _) if matches!(**error, ArrowError::CastError(_)) => {
            "\nIf it comes of the view of a signal whose column has another type than before: older files keep the type they were written with. Give the signal another name, or delete its folder below rollups/"
        }
        _ => "",
    };
    let text = match error {
        // Each of its causes repeats what S3 said.
        DataFusionError::ObjectStore(store) => causes::told(store.to_string(), store.as_ref()),
        _ => error.strip_backtrace(),
    };
    // What a log says may be in it.
    output::harmless(format!("{text}{hint}"), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_says_commands_no_terminal_in_an_error_either() {
        let error =
            ArrowError::CastError(String::from("Cannot cast string '\u{1b}[31m'\nto Int32"));
        let text = explained(&DataFusionError::ArrowError(Box::new(error), None));
        assert!(text.contains(r"'\u{1b}[31m'"), "{text}");
        assert!(text.lines().count() > 2, "{text}");
    }
}
