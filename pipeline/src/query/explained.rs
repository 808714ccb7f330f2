//! Why a question has no answer, in words that help whoever asked.
//!
//! In: DataFusion's error. Out: what it says, once, and what to do about it.

use datafusion::error::DataFusionError;

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
        _ => "",
    };
    let text = match error {
        // Each of its causes repeats what S3 said.
        DataFusionError::ObjectStore(store) => causes::told(store.to_string(), store.as_ref()),
        _ => error.strip_backtrace(),
    };
    format!("{text}{hint}")
}
