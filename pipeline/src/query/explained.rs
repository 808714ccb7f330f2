//! Why a question has no answer, in words that help whoever asked.
//!
//! In: DataFusion's error, what was asked, and what may be named. Out: what the error says, once, and what to
//! do about it.

use arrow::error::ArrowError;
use datafusion::common::types::NativeType;
use datafusion::error::DataFusionError;
use datafusion_functions_json::JSON_UNION_DATA_TYPE;

use super::{output, read_over};
use crate::causes;
use crate::decode::Table;
use crate::decode::keys::nearest::nearest;
use crate::engine::any_type;
use crate::signal::{Catalog, Signal};

/// What a session says when it cannot answer.
pub type QueryError = DataFusionError;

/// Where to look.
const LOOK: &str = "Tables: SHOW TABLES. Columns: DESCRIBE <table>";

/// What a question may name beside the lake's tables: a session has only those views that are asked for.
#[derive(Debug, Default)]
pub struct Names {
    /// Signals with a view.
    views: Vec<String>,
    /// Signals over rollups.
    gauges: Vec<String>,
    /// Signals that store nothing.
    without_rollup: Vec<String>,
}

impl Names {
    /// Those of the signals that the configuration has.
    pub fn of(catalog: &Catalog) -> Self {
        let mut names = Self::default();
        for Signal { header, .. } in &catalog.signals {
            let kind = if header.source.table().is_none() {
                &mut names.gauges
            } else if header.rollup.is_some() {
                &mut names.views
            } else {
                &mut names.without_rollup
            };
            kind.push(header.name.clone());
        }
        names
    }

    /// What to say of a table that is not there.
    fn unknown(&self, name: &str) -> String {
        let among = |names: &[String]| names.iter().any(|known| known == name);
        if among(&self.gauges) {
            return format!(
                "{name} is a signal over rollups: those have gauges and no view. {LOOK}"
            );
        }
        if among(&self.without_rollup) {
            return format!("{name} is a signal without a [rollup], and so without a view. {LOOK}");
        }
        if Catalog::has_built_in(name) && !among(&self.views) {
            return format!(
                "{name} is a signal that the configuration leaves out: see `[signals]` in its file, `without` and `built_in`. {LOOK}"
            );
        }
        let mut known: Vec<&str> = Table::ALL.into_iter().map(Table::name).collect();
        known.extend(["ingest_log", "quarantine"]);
        known.extend(self.views.iter().map(String::as_str));
        match nearest(name, known.into_iter()) {
            Some(near) => format!("Is {near} meant? {LOOK}"),
            None => LOOK.to_owned(),
        }
    }

    /// Whether a question names the view of a signal.
    fn view_in(&self, asked: &str) -> bool {
        let mut words = asked.split(|one: char| !(one.is_alphanumeric() || one == '_'));
        words.any(|word| {
            self.views
                .iter()
                .any(|view| view.eq_ignore_ascii_case(word))
        })
    }
}

/// The error's words, and what to do about it.
pub fn explained(error: &QueryError, asked: &str, names: &Names) -> String {
    let text = match error {
        // Each of its causes repeats what S3 said.
        DataFusionError::ObjectStore(store) => causes::told(store.to_string(), store.as_ref()),
        _ => error.strip_backtrace(),
    };
    // The name of that type has 500 letters.
    let kind = JSON_UNION_DATA_TYPE.clone();
    let names_of_it = [kind.to_string(), NativeType::from(kind).to_string()];
    let of_any_type = names_of_it.iter().any(|name| text.contains(name));
    let text = names_of_it
        .iter()
        .fold(text, |text, name| text.replace(name, any_type::NAME));
    let hint = if of_any_type {
        any_type::FIX.to_owned()
    } else {
        hint(error.find_root(), asked, names)
    };
    let end = if hint.is_empty() { "" } else { "\n" };
    // What a log says may be in it.
    output::harmless(format!("{text}{end}{hint}"), true)
}

fn hint(root: &QueryError, asked: &str, names: &Names) -> String {
    match root {
        DataFusionError::Plan(what) => match missing_table(what) {
            Some(name) => names.unknown(name),
            // They say themselves what to do.
            None if what == read_over::REFUSAL || what.ends_with(any_type::FIX) => String::new(),
            None => LOOK.to_owned(),
        },
        DataFusionError::SchemaError(..) => LOOK.to_owned(),
        DataFusionError::ResourcesExhausted(_) => String::from(
            "Ask for less: fewer columns, a shorter time, no ORDER BY. Or allow more: `pipeline.memory_bytes_max` in a file named by --config",
        ),
        DataFusionError::IoError(_) => String::from(
            "What does not fit into memory is put into a directory for temporary files: TMPDIR names another one",
        ),
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::CastError(what) => of_cast(what, names.view_in(asked)),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// The table that an error says is not there, as it was written.
fn missing_table(what: &str) -> Option<&str> {
    let (_, from) = what.split_once("table '")?;
    let (name, rest) = from.split_once('\'')?;
    let is_missing = rest.trim_start().starts_with("not found");
    is_missing.then(|| name.strip_prefix("datafusion.public.").unwrap_or(name))
}

fn of_cast(what: &str, of_view: bool) -> String {
    if of_view {
        return String::from(
            "If it comes of the view of a signal whose column has another type than before: older files keep the type they were written with. Give the signal another name, or delete its folder below rollups/",
        );
    }
    let kinds = ["Int", "Float", "Decimal"];
    let is_number = what.contains("string") && kinds.iter().any(|kind| what.contains(kind));
    String::from(if is_number {
        "A text was compared with, or cast to, a number: quote the value, or use try_cast"
    } else {
        "A value was compared with, or cast to, a type that it does not fit: try_cast makes it missing"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast_error(what: &str) -> DataFusionError {
        let error = ArrowError::CastError(String::from(what));
        DataFusionError::ArrowError(Box::new(error), None)
    }

    #[test]
    fn what_a_log_says_commands_no_terminal_in_an_error_either() {
        let error = cast_error("Cannot cast string '\u{1b}[31m'\nto Int32");
        let text = explained(&error, "SELECT 1", &Names::default());
        assert!(text.contains(r"'\u{1b}[31m'"), "{text}");
        assert!(text.lines().count() > 2, "{text}");
    }

    #[test]
    fn a_hint_is_of_what_was_asked() {
        let mut catalog = Catalog::built_in().unwrap();
        catalog
            .signals
            .retain(|signal| signal.header.name != "kms_denies");
        let names = Names::of(&catalog);
        let missing = |name: &str| {
            DataFusionError::Plan(format!("table 'datafusion.public.{name}' not found"))
        };
        let number = "Cannot cast string 'a' to value of Int32 type";
        for (error, asked, says) in [
            (missing("cloudtrial"), "", "Is cloudtrail meant? "),
            (missing("flow_reject"), "", "Is flow_rejects meant? "),
            (missing("insigths"), "", "Is insights meant? "),
            (missing("kms_denies"), "", "the configuration leaves out"),
            (missing("long_lived_key_age"), "", "gauges and no view"),
            (missing("elsewhere"), "", "\nTables: SHOW TABLES"),
            (
                cast_error(number),
                "SELECT * FROM Flow_Rejects",
                "delete its folder",
            ),
            (
                cast_error(number),
                "SELECT account_id > 5 FROM cloudtrail",
                "quote the value, or use try_cast",
            ),
            (
                cast_error("Cannot cast string 'a' to value of Date32 type"),
                "",
                "try_cast makes it",
            ),
        ] {
            let text = explained(&error, asked, &names);
            assert!(text.contains(says), "{text}");
            let others = ["delete its folder", "gauges", "leaves out", "meant"];
            let told = others.iter().filter(|other| text.contains(**other));
            assert!(told.count() <= 1, "{text}");
        }
    }

    #[test]
    fn the_type_of_json_is_not_spelled_out() {
        let kind = JSON_UNION_DATA_TYPE.clone();
        let what = format!(
            "Cannot coerce {kind}, or {}",
            NativeType::from(kind.clone())
        );
        let text = explained(&DataFusionError::Plan(what), "", &Names::default());
        assert!(!text.contains("Union"), "{text}");
        assert!(text.ends_with(any_type::FIX), "{text}");
    }
}
