//! SQL as signals and questions are written: DataFusion's, but that the operators of JSON bind first.
//!
//! In: a text of one statement. Out: the statement, and its plan. Must hold: all of DataFusion's usual
//! dialect is read as it is there, and `json->>'key'` is one value wherever it stands. That dialect binds
//! `->>` more loosely than `=`, LIKE, IN and `||`: `json->>'key' = 'x'` asked for the member
//! `'key' = 'x'`, and `json->>'a' || '/' || b` for the member `'a/…'`, which is never there.

use std::any::TypeId;

use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator};
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// Above `*`, `||` (40) and AT TIME ZONE (41), and below `::` (50), which PostgreSQL too binds first.
const OF_JSON: u8 = 45;

/// DataFusion's usual dialect with its JSON operators bound first.
#[derive(Debug)]
struct JsonFirst;

/// Whether it is an operator of JSON.
fn is_of_json(token: &Token) -> bool {
    matches!(
        token,
        Token::Arrow | Token::LongArrow | Token::HashArrow | Token::HashLongArrow | Token::Question
    )
}

/// What the usual dialect allows, asked of it.
macro_rules! as_generic {
    ($($allowed:ident)*) => {
        $(fn $allowed(&self) -> bool {
            GenericDialect.$allowed()
        })*
    };
}

impl Dialect for JsonFirst {
    /// The parser asks some things of the dialect's type.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        is_of_json(&parser.peek_token_ref().token).then_some(Ok(OF_JSON))
    }

    /// A place that is counted from an array's end, `json->-1->>'key'`: elsewhere a minus is of all behind it.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let is =
            |place, wanted: fn(&Token) -> bool| wanted(&parser.peek_nth_token_ref(place).token);
        let is_number = |token: &Token| matches!(token, Token::Number(..));
        if !(is(0, |token| *token == Token::Minus) && is(1, is_number) && is(2, is_of_json)) {
            return None;
        }
        parser.advance_token();
        let number = parser.parse_value().map(|value| Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(Expr::Value(value)),
        });
        Some(number)
    }

    fn is_delimited_identifier_start(&self, one: char) -> bool {
        GenericDialect.is_delimited_identifier_start(one)
    }

    fn is_identifier_start(&self, one: char) -> bool {
        GenericDialect.is_identifier_start(one)
    }

    fn is_identifier_part(&self, one: char) -> bool {
        GenericDialect.is_identifier_part(one)
    }

    // Every method of its that is not the trait's own.
    as_generic! {
        allow_extract_custom allow_extract_single_quotes support_map_literal_syntax
        supports_array_join_syntax supports_array_typedef_with_brackets
        supports_asc_desc_in_column_definition supports_bitwise_shift_operators
        supports_comma_separated_set_assignments supports_comma_separated_trim
        supports_comment_on supports_comment_optimizer_hint supports_connect_by
        supports_constraint_keyword_without_name supports_create_index_with_clause
        supports_create_view_comment_syntax supports_cte_without_as
        supports_data_type_signed_suffix supports_detach supports_dictionary_syntax
        supports_empty_projections supports_explain_with_utility_options
        supports_extract_comma_syntax supports_filter_during_aggregation
        supports_from_first_select supports_group_by_expr supports_group_by_with_modifier
        supports_install supports_interpolate supports_interval_options
        supports_key_column_option supports_left_associative_joins_without_parens
        supports_limit_by supports_limit_comma supports_load_extension supports_match_against
        supports_match_recognize supports_multiline_comment_hints
        supports_named_fn_args_with_assignment_operator supports_nested_comments
        supports_optimize_table supports_parens_around_table_factor
        supports_parenthesized_set_variables supports_partition_by_after_order_by
        supports_pipe_operator supports_prewhere supports_projection_trailing_commas
        supports_quote_delimited_string supports_select_format
        supports_select_item_multi_column_alias supports_select_wildcard_except
        supports_select_wildcard_exclude supports_select_wildcard_ilike
        supports_select_wildcard_rename supports_select_wildcard_replace supports_set_names
        supports_settings supports_start_transaction_modifier supports_string_escape_constant
        supports_struct_literal supports_try_convert supports_unicode_string_literal
        supports_update_order_by supports_user_host_grantee supports_values_as_table_factor
        supports_window_clause_named_window_reference supports_window_function_null_treatment_arg
        supports_with_fill supports_xml_expressions
    }
}

/// The one statement of a text.
pub fn statement(state: &SessionState, sql: &str) -> Result<Statement, DataFusionError> {
    let recursion_max = state.config().options().sql_parser.recursion_limit.get();
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&JsonFirst)
        .with_recursion_limit(recursion_max)
        .build()?
        .parse_statements()?;
    let first = statements.pop_front();
    match first.filter(|_| statements.is_empty()) {
        Some(statement) => Ok(statement),
        None => Err(DataFusionError::Plan(String::from(
            "there is not one statement, but none or several",
        ))),
    }
}

/// The plan of a text's one statement.
pub(super) async fn plan(state: &SessionState, sql: &str) -> Result<LogicalPlan, DataFusionError> {
    let statement = statement(state, sql)?;
    state.statement_to_plan(statement).await
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use datafusion::prelude::SessionContext;
    use datafusion::sql::sqlparser::ast::{self, VisitMut, VisitorMut};

    use super::*;

    /// What is written, and what it is read as.
    const READ: [(&str, &str); 12] = [
        ("j->'l'->-1->>'n' = '7'", "(((j->'l')->(-1))->>'n') = '7'"),
        ("j->>'k' = 'k1'", "(j->>'k') = 'k1'"),
        ("j->>'a' || '/' || j->>'b'", "(j->>'a') || '/' || (j->>'b')"),
        ("j->>'k' LIKE 'k%'", "(j->>'k') LIKE 'k%'"),
        ("j->>'k' IN ('k1', 'k2')", "(j->>'k') IN ('k1', 'k2')"),
        ("j->>'k' IS NOT NULL", "(j->>'k') IS NOT NULL"),
        (
            "j->>'k' BETWEEN 'a' AND 'l'",
            "(j->>'k') BETWEEN 'a' AND 'l'",
        ),
        ("NOT j->>'k' = 'k1'", "NOT ((j->>'k') = 'k1')"),
        ("j->'o'->>'n' = '7'", "((j->'o')->>'n') = '7'"),
        ("j->>'t' AT TIME ZONE 'UTC'", "(j->>'t') AT TIME ZONE 'UTC'"),
        (
            "j #>> ARRAY['o', 'n'] = '7'",
            "(j #>> ARRAY['o', 'n']) = '7'",
        ),
        // As in PostgreSQL.
        ("j->>'k'::varchar", "j->>('k'::varchar)"),
    ];

    /// What the usual dialect reads.
    const USUAL: [&str; 14] = [
        "SELECT * EXCLUDE (a), * EXCEPT (b), * REPLACE (1 AS c) FROM t",
        "SELECT {'a': 1}, {'a': 1}['a'], MAP {'k': 2}",
        "SELECT `a`, \"b\", E'\\n', 1 << 2, a::INT[], struct(1, 2), TRY_CONVERT(INT, '1')",
        "FROM t SELECT a",
        "SELECT a, b, FROM t",
        "SELECT count(*) FILTER (WHERE a > 1) FROM t GROUP BY GROUPING SETS ((a), ())",
        "SELECT sum(a) OVER w FROM t WINDOW v AS (PARTITION BY b), w AS v",
        "SELECT lag(a) IGNORE NULLS OVER (ORDER BY b) FROM t LIMIT 5, 10",
        "SELECT extract('hour' FROM a), extract(hour, a), INTERVAL '1' DAY FROM t",
        "SELECT a FROM t |> WHERE a > 1 |> LIMIT 5",
        "WITH totals AS (SELECT 1) SELECT * FROM totals /* a /* b */ c */",
        "SELECT region FROM t GROUP BY ALL",
        "SELECT a FROM t PREWHERE a = 1 LIMIT 1 BY a",
        "VALUES (1, 'a'), (2, U&'b')",
    ];

    /// The statement without its brackets.
    fn bare(statement: Statement) -> ast::Statement {
        struct Bare;
        impl VisitorMut for Bare {
            type Break = ();
            fn post_visit_expr(&mut self, part: &mut Expr) -> ControlFlow<()> {
                if let Expr::Nested(inner) = part {
                    *part = (**inner).clone();
                }
                ControlFlow::Continue(())
            }
        }
        let Statement::Statement(mut statement) = statement else {
            panic!("{statement}");
        };
        assert!(VisitMut::visit(&mut statement, &mut Bare).is_continue());
        *statement
    }

    #[test]
    fn json_binds_first_and_the_rest_is_read_as_it_was() {
        let state = SessionContext::new().state();
        for (written, read) in READ {
            let said = statement(&state, &format!("SELECT {written} FROM t")).unwrap();
            let bracketed = statement(&state, &format!("SELECT {read} FROM t")).unwrap();
            assert_eq!(bare(said), bare(bracketed), "{written}");
        }
        let dialect = &datafusion::common::config::Dialect::Generic;
        for sql in USUAL {
            let usual = state.sql_to_statement(sql, dialect).unwrap();
            assert_eq!(statement(&state, sql).unwrap(), usual, "{sql}");
        }
        for none in ["", "SELECT 1; SELECT 2"] {
            assert!(statement(&state, none).is_err(), "{none}");
        }
    }
}
