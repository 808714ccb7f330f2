//! What DataFusion's planner reads over, so that it would answer of every row.
//!
//! In: a statement. Out: whether it asks for a part of a table by other words than WHERE. Must hold: names
//! are no such words: a table, a column or a WITH may be called `totals` or `sample`.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{GroupByExpr, Select, TableFactor, Visit, Visitor};

/// Why it is refused, and what to ask instead.
pub(super) const REFUSAL: &str = "TABLESAMPLE, SAMPLE, PREWHERE, PARTITION (…), CONNECT BY and WITH ROLLUP are read over, and every row is taken: ask with WHERE, such as WHERE random() < 0.01, and GROUP BY ROLLUP (…)";

/// Whether a part of the statement would be read over.
pub(super) fn is_in(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => statement.visit(&mut ReadOver).is_break(),
        Statement::Explain(explained) => is_in(&explained.statement),
        // They change something, and are refused for that.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}

/// Stops at what would be read over.
struct ReadOver;

impl Visitor for ReadOver {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) =
            &select.group_by;
        stop_if(select.prewhere.is_some() || !select.connect_by.is_empty() || !modifiers.is_empty())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        stop_if(match table {
            TableFactor::Table {
                sample, partitions, ..
            } => sample.is_some() || !partitions.is_empty(),
            TableFactor::Derived { sample, .. } => sample.is_some(),
            _ => false,
        })
    }
}

fn stop_if(is_read_over: bool) -> ControlFlow<()> {
    if is_read_over {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::engine::sql;

    #[test]
    fn parts_that_are_read_over_are_found_and_names_are_none() {
        let state = SessionContext::new().state();
        let found = |text: &str| is_in(&sql::statement(&state, text).unwrap());
        for text in [
            "SELECT 1 FROM t TABLESAMPLE (1)",
            "SELECT 1 FROM t AS a SAMPLE (1 PERCENT)",
            "EXPLAIN ANALYZE SELECT 1 FROM t PREWHERE a = 1",
            "SELECT 1 FROM t PARTITION (p0)",
            "SELECT 1 FROM t START WITH a = 1 CONNECT BY PRIOR a = b",
            "SELECT a FROM t GROUP BY a WITH ROLLUP",
            "SELECT a FROM t GROUP BY ALL WITH TOTALS",
            "SELECT 1 WHERE EXISTS (WITH c AS (SELECT a FROM t GROUP BY a WITH CUBE) SELECT 1 FROM c)",
            "SELECT 1 UNION ALL SELECT 1 FROM (SELECT 1) AS s TABLESAMPLE (1)",
        ] {
            assert!(found(text), "{text}");
        }
        for text in [
            "WITH totals AS (SELECT 1) SELECT * FROM totals",
            "WITH rollup AS (SELECT 1), cube(x) AS (SELECT 2) SELECT * FROM rollup, cube",
            "WITH sample(x) AS (SELECT 1), partition(x) AS (SELECT 2) SELECT x FROM sample",
            "SELECT prewhere.a FROM t AS prewhere",
            "SELECT a AS tablesample, row_number() OVER (PARTITION BY a) FROM t",
            "SELECT a FROM t GROUP BY ROLLUP (a)",
        ] {
            assert!(!found(text), "{text}");
        }
    }
}
