//! Checks the text of a query for what cannot merge or does not repeat.
//!
//! In: the SQL of a signal. Out: forbidden words, outside strings and comments, at their lines.

use crate::signal::check::Report;
use crate::signal::tokens::{Token, TokenKind, Unclosed, tokens};

/// Why a word is refused, and what to write instead.
struct Refusal {
    why: &'static str,
    fix: &'static str,
    /// It only spoils a merge.
    of_merging: bool,
}

const CLOCK: Refusal = Refusal {
    why: "gives other rows on every run",
    fix: "take the time from the event: event_time, or ts_end; over rollups from schedule.at",
    of_merging: false,
};
const CHANCE: Refusal = Refusal {
    why: "gives other rows on every run",
    fix: "remove it: the same batch must always give the same rows",
    of_merging: false,
};
const AVERAGE: Refusal = Refusal {
    why: "cannot be merged with that of another batch",
    fix: "store a sum and a count, and divide when reading",
    of_merging: true,
};
const DISTINCT: Refusal = Refusal {
    why: "counts once in every batch what it should count once in all",
    fix: "put the column into the grain and count rows",
    of_merging: true,
};
const LIMIT: Refusal = Refusal {
    why: "drops rows that depend on their order",
    fix: "remove it; `series_max` limits the series",
    of_merging: false,
};
const SAMPLE: Refusal = Refusal {
    why: "takes every row: it is read over",
    fix: "remove it",
    of_merging: false,
};
const STAR: Refusal = Refusal {
    why: "changes with the table",
    fix: "name every column",
    of_merging: false,
};

/// Words that are refused wherever they stand.
const WORDS: [(&str, &Refusal); 9] = [
    ("current_timestamp", &CLOCK),
    ("current_date", &CLOCK),
    ("current_time", &CLOCK),
    ("localtime", &CLOCK),
    ("localtimestamp", &CLOCK),
    ("limit", &LIMIT),
    ("offset", &LIMIT),
    ("tablesample", &SAMPLE),
    ("prewhere", &SAMPLE),
];

/// Functions that are refused; a `*` stands for any ending.
const FUNCTIONS: [(&str, &Refusal); 16] = [
    ("now", &CLOCK),
    ("today", &CLOCK),
    ("random", &CHANCE),
    ("uuid", &CHANCE),
    ("avg", &AVERAGE),
    ("mean", &AVERAGE),
    ("median", &AVERAGE),
    ("approx_median", &AVERAGE),
    ("approx_percentile*", &AVERAGE),
    ("percentile*", &AVERAGE),
    ("quantile*", &AVERAGE),
    ("stddev*", &AVERAGE),
    ("var_*", &AVERAGE),
    ("variance", &AVERAGE),
    ("approx_distinct", &DISTINCT),
    ("sample", &SAMPLE),
];

/// `merges`: its rows are partial and merge with those of other batches.
pub(super) fn check(sql: &str, sql_line: u32, merges: bool, report: &mut Report<'_>) {
    match tokens(sql, sql_line) {
        Ok(tokens) => {
            one_select(sql_line, &tokens, report);
            forbidden(&tokens, merges, report);
        }
        Err(Unclosed { what, line }) => {
            report.at(
                Some(line),
                format!("{what} of the query has no end"),
                "close it",
            );
        }
    }
}

/// The query is one statement, and it selects.
fn one_select(sql_line: u32, tokens: &[Token<'_>], report: &mut Report<'_>) {
    let Some(first) = tokens.first() else {
        let fix = "write one SELECT after the header";
        report.at(Some(sql_line), "the file has no query", fix);
        return;
    };
    if !(first.is("select") || first.is("with")) {
        let fix = "begin it with SELECT, or with WITH and a SELECT after it";
        report.at(Some(first.line), "the query is not a SELECT", fix);
    }
    let mut rest = tokens
        .iter()
        .skip_while(|token| !token.is_sign(';'))
        .skip(1);
    if let Some(second) = rest.find(|token| !token.is_sign(';')) {
        let fix = "keep one statement a file";
        report.at(
            Some(second.line),
            "something follows the end of the query",
            fix,
        );
    }
}

fn forbidden(tokens: &[Token<'_>], merges: bool, report: &mut Report<'_>) {
    let refuses = |refusal: &Refusal| merges || !refusal.of_merging;
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        let next = tokens.get(index.saturating_add(1));
        let is_call = next.is_some_and(|next| next.is_sign('('));
        match token.kind {
            // A column of this name would be `t.limit`, or quoted.
            TokenKind::Word(_) if before.is_some_and(|before| before.is_sign('.')) => {}
            TokenKind::Word(word) => {
                let word = word.to_ascii_lowercase();
                if let Some((_, refusal)) = WORDS.iter().find(|(name, _)| *name == word) {
                    refuse(token.line, &word.to_ascii_uppercase(), refusal, report);
                }
                if !is_call {
                    continue;
                }
                if let Some((_, refusal)) = FUNCTIONS.iter().find(|(name, _)| matches(name, &word))
                    && refuses(refusal)
                {
                    refuse(token.line, &format!("{word}()"), refusal, report);
                }
                let argument = tokens.get(index.saturating_add(2));
                if merges && argument.is_some_and(|argument| argument.is("distinct")) {
                    refuse(
                        token.line,
                        &format!("{word}(DISTINCT …)"),
                        &DISTINCT,
                        report,
                    );
                }
            }
            TokenKind::Sign('*') if before.is_some_and(begins_column) => {
                refuse(token.line, "SELECT *", &STAR, report);
            }
            TokenKind::Sign(_) | TokenKind::Quoted => {}
        }
    }
}

/// Whether a column may begin after this token, so that a `*` there means all of them.
fn begins_column(before: &Token<'_>) -> bool {
    before.is("select")
        || before.is("distinct")
        || before.is("all")
        || before.is_sign(',')
        || before.is_sign('.')
}

fn matches(pattern: &str, word: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => pattern == word,
    }
}

fn refuse(line: u32, word: &str, refusal: &Refusal, report: &mut Report<'_>) {
    report.at(Some(line), format!("{word} {}", refusal.why), refusal.fix);
}
