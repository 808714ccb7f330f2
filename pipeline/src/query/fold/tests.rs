//! Questions over a view, with the rule and without it: the same answers, with one grouping or two.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

use super::*;

/// Of less of the grain, with the view's own functions.
const FOLDED: [&str; 8] = [
    "SELECT role, sum(calls) FROM signal GROUP BY role ORDER BY role",
    "SELECT sum(calls), min(first), max(last) FROM signal",
    "SELECT sum(calls) AS n FROM signal WHERE role = 'no such role'",
    "SELECT upper(role) AS r, sum(calls) AS n FROM signal WHERE account = 'name-3' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
    "SELECT s.account, max(s.last) - min(s.first) AS span FROM signal s GROUP BY s.account HAVING sum(s.calls) > 10 ORDER BY 1",
    "SELECT account, max(role), min(role) FROM signal GROUP BY account ORDER BY 1",
    "WITH w AS (SELECT coalesce(role, '-') || account AS who, calls FROM signal) SELECT who, sum(calls) FROM w GROUP BY who ORDER BY 1",
    "SELECT role, account, sum(calls) FROM signal GROUP BY role, account ORDER BY 1, 2",
];

/// Of single rows of the view, or of what does not merge by itself.
const KEPT: [&str; 15] = [
    "SELECT role, account, calls FROM signal ORDER BY 1, 2",
    "SELECT role, count(*) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, count(*), sum(calls) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, avg(calls) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, max(calls) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, sum(first) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, sum(calls + 1) FROM signal GROUP BY role ORDER BY role",
    "SELECT role, sum(calls) FILTER (WHERE account = 'name-3') FROM signal GROUP BY role ORDER BY role",
    "SELECT role, sum(calls) FROM signal WHERE calls > 1500 GROUP BY role ORDER BY role",
    "SELECT calls > 1500 AS busy, sum(calls) FROM signal GROUP BY 1 ORDER BY 1",
    "SELECT account, sum(calls) FROM (SELECT * FROM signal ORDER BY calls DESC, role, account LIMIT 9) GROUP BY account ORDER BY 1",
    "SELECT s.role, sum(s.calls) FROM signal s JOIN (VALUES ('name-1'), ('name-1')) AS o(role) ON s.role = o.role GROUP BY s.role ORDER BY 1",
    "SELECT sum(DISTINCT calls) FROM signal",
    "SELECT sum(x), sum(y) FROM (SELECT calls AS x, calls AS y FROM signal) t",
    "SELECT a, b, sum(calls) FROM (SELECT role AS a, role AS b, calls FROM signal) t GROUP BY a, b ORDER BY 1",
];

/// Partial rows: a grain of two, and one measure for each function.
async fn session(with_rule: bool) -> SessionContext {
    let context = SessionContext::new();
    if with_rule {
        context.add_optimizer_rule(Arc::new(FoldMerges));
    }
    let rows = 600_i64;
    let name = |row: i64, of: i64| (row % of != 0).then(|| format!("name-{}", row % of));
    let text = |of| -> ArrayRef {
        let texts: StringArray = (0..rows).map(|row| name(row * row, of)).collect();
        Arc::new(texts)
    };
    let number = |of: i64| -> ArrayRef {
        let numbers = (0..rows).map(|row| (row % 11 != 0).then_some(row * 7919 % of));
        Arc::new(numbers.collect::<Int64Array>())
    };
    let columns = [
        ("role", text(13)),
        ("account", text(7)),
        ("calls", number(100)),
        ("first", number(1000)),
        ("last", number(1001)),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    );
    context.register_batch("partial", batch.unwrap()).unwrap();
    let view = "SELECT role, account, sum(calls) AS calls, min(first) AS first, max(last) AS last \
                FROM partial GROUP BY role, account";
    let view = context.sql(view).await.unwrap().into_view();
    context.register_table("signal", view).unwrap();
    context
}

/// The answer, and how many groupings gave it.
async fn answer(context: &SessionContext, sql: &str) -> (String, usize) {
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.clone().into_optimized_plan().unwrap();
    let mut groupings = 0;
    plan.apply(|node| {
        groupings += usize::from(matches!(node, LogicalPlan::Aggregate(_)));
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    let rows = frame.collect().await.unwrap();
    (pretty_format_batches(&rows).unwrap().to_string(), groupings)
}

#[tokio::test]
async fn a_question_has_the_same_answer_over_partial_rows() {
    let (with, without) = (session(true).await, session(false).await);
    let folded = FOLDED.into_iter().map(|sql| (sql, 1));
    for (sql, spared) in folded.chain(KEPT.into_iter().map(|sql| (sql, 0))) {
        let (expected, groupings) = answer(&without, sql).await;
        let (got, left) = answer(&with, sql).await;
        assert_eq!(got, expected, "{sql}");
        assert_eq!(left + spared, groupings, "{sql}");
    }
}
