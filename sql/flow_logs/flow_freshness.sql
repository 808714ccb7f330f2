-- ---
-- name            = "flow_freshness"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "The newest flow log record by account and region: whose logs have stopped."
-- seed            = "CloudTrail anomaly and audit-trail completeness"
-- why             = """
-- A flow log that was deleted, or whose delivery is refused, shows as one account or region
-- that falls silent while the others go on. Idle interfaces write NODATA, so silence means no log.
-- """
-- false_positives = ["The last interface of a region was deleted."]
-- cannot_tell     = """
-- Which flow log it was, when a region has several: while one of them goes on the region is
-- not silent. After more than 12 hours a silent region is forgotten. A flow log that never
-- delivered has no series: look at TrailflowLogDeliveryRefused, of the signal denies. The region
-- is the record's own, else that of the object's name, else unknown. Of interfaces that a service
-- made, AWS may write the account as unknown: they come and go, and are not alerted. Where two flow
-- logs cover one resource (a VPC and its subnet), its records count twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_newest_flow_timestamp_seconds"
-- type            = "gauge"
-- help            = "End of the newest flow log record by account and region, in Unix seconds."
-- value           = "newest"
-- labels          = ["account_id", "region"]
-- series_max      = 2000                 # accounts x regions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region"]
-- measures        = { records = "sum", newest = "max" }
--
-- [[alert]]
-- name     = "TrailflowFlowLogSilent"
-- severity = "warning"
-- for      = "15m"
-- summary  = '{{ $labels.account_id }} {{ $labels.region }}: no flow log record for {{ $value | humanizeDuration }}, while other flow logs go on.'
-- expr     = '''
-- time() - max by (account_id, region) (max_over_time(trailflow_newest_flow_timestamp_seconds{account_id!="unknown"}[12h])) > 3600
-- and on () time() - max(max_over_time(trailflow_newest_flow_timestamp_seconds[12h])) < 2700
-- '''
-- runbook  = "trailflowflowlogsilent"
--
-- [[test]]
-- name   = "the latest end counts, idle intervals too"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status region
-- 4 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 700 1767608400 1767608450 ACCEPT OK eu-west-1
-- 4 111122223333 eni-1 - - - - - - - 1767608400 1767608459 - NODATA eu-west-1
-- 4 111122223333 eni-2 10.0.1.5 10.0.2.9 41000 443 6 10 700 1767608400 1767608451 ACCEPT OK eu-central-1
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- records = 2
-- newest = 1767608459
-- [[test.rows]]
-- region = "eu-central-1"
-- records = 1
-- newest = 1767608451
--
-- [[test]]
-- name   = "neither the record nor the object's name has a region"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 700 1767608400 1767608450 ACCEPT OK
-- '''
-- [[test.rows]]
-- region = "unknown"
-- newest = 1767608450
--
-- [[test]]
-- name   = "a log without records is silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status region
-- '''
-- rows   = []
-- ---
-- Few objects, many records: the name is looked at once an object.
WITH objects AS (
    SELECT
        date_bin(INTERVAL '5 minutes', ts_end)               AS window_start,
        account_id,
        region,
        src_key,
        count(*)                                             AS records,
        max(CAST(date_part('epoch', ts_end) AS BIGINT))      AS newest
    FROM flow_logs
    GROUP BY 1, 2, 3, 4
)
SELECT
    window_start,
    coalesce(account_id, 'unknown')                          AS account_id,
    coalesce(region,
        (regexp_match(CAST(src_key AS VARCHAR), '/(?:aws-service=)?vpcflowlogs/(?:aws-region=)?([a-z0-9-]+)/'))[1],
        'unknown')                                           AS region,
    sum(records)                                             AS records,
    max(newest)                                              AS newest
FROM objects
GROUP BY 1, 2, 3
