//! Queries that can be merged, and queries that cannot, by what is said of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;

use super::unmergeable;
use crate::config::Reference;
use crate::decode::Table;
use crate::engine::reference;
use crate::signal::{Merge, Rollup};

/// A query of `window_start`, and the measure `n` that is merged so; what is said of it, in part.
const QUERIES: [(&str, Merge, Option<&str>); 59] = [
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, bytes AS n FROM flow_logs", Merge::Sum, None),
    (
        "WITH f AS (SELECT ts_end, bytes, CASE WHEN dstport < 1024 THEN 1 ELSE 0 END AS low FROM flow_logs WHERE action = 'REJECT')
         SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, coalesce(sum(bytes), 0) + coalesce(sum(low), 0) AS n FROM f WHERE low = 1 GROUP BY 1",
        Merge::Sum,
        None,
    ),
    (
        "WITH o AS (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS w, region, count(*) AS c, max(bytes) AS m FROM flow_logs GROUP BY 1, 2)
         SELECT w AS window_start, sum(c) AS n FROM o WHERE region = 'eu-west-1' GROUP BY 1",
        Merge::Sum,
        None,
    ),
    (
        "SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, max(bytes) AS n FROM flow_logs
         LEFT JOIN clusters ON clusters.oidc_id = flow_logs.region WHERE region NOT IN (SELECT cluster_name FROM clusters) GROUP BY 1",
        Merge::Max,
        None,
    ),
    (
        "SELECT window_start, count(*) AS n FROM (
           SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start FROM flow_logs WHERE dstport = 1
           UNION ALL SELECT date_bin(INTERVAL '5 minutes', ts_end) FROM flow_logs WHERE srcport = 1) GROUP BY 1",
        Merge::Sum,
        None,
    ),
    (
        "SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n
         FROM (SELECT count(*) AS known FROM clusters) CROSS JOIN flow_logs WHERE known > 0 GROUP BY 1",
        Merge::Sum,
        None,
    ),
    ("SELECT date_trunc('hour', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("window_start is not made by date_bin")),
    ("SELECT ts_end AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("window_start is not made by date_bin")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end, TIMESTAMP '2026-01-01T00:02:00') AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("window_start is not made by date_bin")),
    ("SELECT date_bin(INTERVAL '1500 milliseconds', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("begins every 1500 ms")),
    ("SELECT date_bin(INTERVAL '1 minute', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("begins every 60 s, and rollup.window is 300 s")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, max(bytes) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("n is a max in the query, and merged as a sum")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) AS n FROM flow_logs GROUP BY 1", Merge::Min, Some("n is a sum in the query, and merged as a min")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1 HAVING count(*) > 10", Merge::Sum, Some("HAVING")),
    ("SELECT * FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) AS n FROM flow_logs GROUP BY 1) WHERE n > 10", Merge::Sum, Some("HAVING")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs WHERE ts_end = (SELECT max(ts_end) FROM flow_logs) GROUP BY 1", Merge::Sum, Some("a subquery looks at other rows")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs f WHERE EXISTS (SELECT 1 FROM flow_logs g WHERE g.src = f.dst) GROUP BY 1", Merge::Sum, Some("a subquery looks at other rows")),
    ("SELECT date_bin(INTERVAL '5 minutes', f.ts_end) AS window_start, count(*) AS n FROM flow_logs f JOIN flow_logs g ON f.src = g.dst GROUP BY 1", Merge::Sum, Some("joins flow_logs with itself")),
    ("SELECT window_start, count(*) AS n FROM (SELECT DISTINCT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, src FROM flow_logs) GROUP BY 1", Merge::Sum, Some("count() is made of")),
    ("SELECT window_start, count(*) AS n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, src FROM flow_logs GROUP BY 1, 2) GROUP BY 1", Merge::Sum, Some("count() is made of")),
    ("SELECT window_start, max(c) AS n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, src, count(*) AS c FROM flow_logs GROUP BY 1, 2) GROUP BY 1", Merge::Max, Some("max() is made of")),
    ("SELECT window_start, count(*) AS n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS c FROM flow_logs GROUP BY 1) GROUP BY 1, c", Merge::Sum, Some("count() is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) / count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, dstport AS n FROM flow_logs GROUP BY 1, 2", Merge::Sum, Some("added up once for each batch")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(DISTINCT bytes) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("sum() is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, row_number() OVER (ORDER BY ts_end) AS n FROM flow_logs", Merge::Sum, Some("beside each other")),
    ("SELECT to_timestamp(0) AS window_start, count(*) AS n FROM clusters GROUP BY 1", Merge::Sum, Some("does not read flow_logs")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM clusters LEFT JOIN flow_logs ON region = cluster_name GROUP BY 1", Merge::Sum, Some("a join keeps rows")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, avg(bytes) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("avg() cannot be merged")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(sum(bytes) AS DOUBLE) * 8 AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, greatest(max(bytes), max(packets)) AS n FROM flow_logs GROUP BY 1", Merge::Max, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, greatest(sum(bytes), 1) AS n FROM flow_logs GROUP BY 1", Merge::Max, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) FILTER (WHERE action = 'ACCEPT') + sum(packets) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, coalesce(sum(bytes), 5) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, coalesce(min(bytes), 0) AS n FROM flow_logs GROUP BY 1", Merge::Min, Some("the measure n is made of")),
    ("SELECT DISTINCT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY ts_end, src", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1 UNION SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT to_timestamp(0) AS window_start, count(*) AS n FROM clusters LEFT SEMI JOIN flow_logs ON region = cluster_name GROUP BY 1", Merge::Sum, Some("a join keeps rows")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, bytes AS n FROM flow_logs UNION ALL SELECT to_timestamp(0), 7", Merge::Sum, Some("a part of the UNION")),
    ("SELECT window_start, n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1) t WHERE EXISTS (SELECT 1 FROM clusters WHERE length(cluster_name) < t.n)", Merge::Sum, Some("HAVING")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(sum(bytes / 150.0) AS BIGINT) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(CAST(count(*) AS BOOLEAN) AS BIGINT) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT window_start, unnest(make_array(c)) AS n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS c FROM flow_logs GROUP BY 1)", Merge::Max, Some("made of what was added up")),
    ("SELECT window_start, region, count(*) AS n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, region FROM flow_logs) GROUP BY GROUPING SETS ((window_start), (window_start, region))", Merge::Sum, Some("several ways")),
    ("WITH a AS (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, region, count(*) AS c FROM flow_logs GROUP BY 1, 2) SELECT window_start, sum(a.c) AS n FROM a LEFT JOIN clusters k ON k.cluster_name = a.region GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs JOIN (SELECT DISTINCT cluster_name FROM clusters) c ON c.cluster_name = region GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(date_part('epoch', max(ts_end)) AS BIGINT) AS n FROM flow_logs GROUP BY 1", Merge::Max, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, to_unixtime(min(ts_end)) AS n FROM flow_logs GROUP BY 1", Merge::Min, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) - count(*) FILTER (WHERE action = 'REJECT') AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, -coalesce(sum(bytes), CAST(0 AS BIGINT)) AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(sum(CASE WHEN action = 'ACCEPT' THEN 0 ELSE bytes * 0.003 END) AS BIGINT) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(max(CAST(bytes AS VARCHAR)) AS BIGINT) AS n FROM flow_logs GROUP BY 1", Merge::Max, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, CAST(sum(bytes) AS REAL) AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, TRY_CAST(max(bytes) AS INT) AS n FROM flow_logs GROUP BY 1", Merge::Max, Some("the measure n is made of")),
    ("SELECT window_start, n FROM (SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, count(*) AS n FROM flow_logs GROUP BY 1) t WHERE 0 < ANY (SELECT length(cluster_name) FROM clusters WHERE length(cluster_name) < t.n)", Merge::Sum, Some("HAVING")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) / 300 AS n FROM flow_logs GROUP BY 1", Merge::Sum, Some("the measure n is made of")),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, sum(bytes) / 300.0 AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
    ("SELECT date_bin(INTERVAL '5 minutes', ts_end) AS window_start, 60 * 8 * sum(bytes) AS n FROM flow_logs GROUP BY 1", Merge::Sum, None),
];

#[tokio::test]
async fn what_depends_on_where_batches_end_is_refused() {
    let mut context = SessionContext::new();
    let table = Arc::new(EmptyTable::new(Table::FlowLogs.schema()));
    context.register_table("flow_logs", table).unwrap();
    let tables = reference::tables(&Reference::default()).unwrap();
    reference::register(&mut context, &tables).unwrap();
    for (sql, merge, expected) in QUERIES {
        let plan = context.state().create_logical_plan(sql).await;
        let promised = Rollup {
            window_seconds: 300,
            grain: vec![String::from("window_start")],
            measures: BTreeMap::from([(String::from("n"), merge)]),
        };
        let said = unmergeable(&plan.unwrap(), "flow_logs", &promised);
        match (said, expected) {
            (None, None) => {}
            (Some(said), Some(expected)) => {
                assert!(said.what.contains(expected), "{sql}: {said:?}");
            }
            (said, expected) => panic!("{sql}: {said:?}, and {expected:?} is due"),
        }
    }
}
