-- ---
-- name            = "node_zones"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Which availability zone an instance is in, as its flow log records say."
-- seed            = "ECR image pull durations by repository and node AZ"
-- why             = """
-- CloudTrail names the instance that pulled an image and not its zone; flow logs know the
-- zone. Traffic between zones costs money, and a zone without a cached image starts slowly.
-- A zone that loses all its instances is an outage, or an autoscaler that finds no capacity.
-- """
-- false_positives = ["The last instance of a zone that an autoscaler gives up."]
-- cannot_tell     = """
-- Nothing without instance-id and az-id in the log's format. Interfaces that AWS manages
-- (load balancers, endpoints, NAT) have no instance. Records that were skipped are missing,
-- and where two flow logs cover one resource (a VPC and its subnet) they are there twice, so the
-- number of records says nothing about the traffic.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_node_zone_records_total"
-- type            = "counter"
-- help            = "Flow log records that name an instance, by the zone they name."
-- value           = "records"
-- labels          = ["az_id"]
-- series_max      = 200                  # zones
--
-- [rollup]
-- window          = "1h"
-- grain           = ["window_start", "account_id", "instance_id", "az_id"]
-- measures        = { records = "sum" }
--
-- [[alert]]
-- name     = "TrailflowZoneEmpty"
-- severity = "warning"
-- for      = "15m"
-- summary  = 'Zone {{ $labels.az_id }}: no flow log record names an instance in it for an hour, while those of other zones go on; yesterday at this time some did.'
-- expr     = '''
-- count_over_time((sum by (az_id) (increase(trailflow_node_zone_records_total{az_id!="other"}[30m])) > 0)[12h:30m] offset 1h) >= 16
-- and sum by (az_id) (increase(trailflow_node_zone_records_total[1h] offset 1d)) > 0
-- unless sum by (az_id) (
--   last_over_time(trailflow_node_zone_records_total[1h])
--   - last_over_time(trailflow_node_zone_records_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_node_zone_records_total[1h])
-- ) > 0
-- and on () sum(increase(trailflow_node_zone_records_total[30m])) > 0
-- '''
-- runbook  = "trailflowzoneempty"
--
-- [[test]]
-- name   = "two interfaces of one instance, and one of another; NODATA has a zone too"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status instance-id az-id
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK i-0123456789abcdef0 euw1-az1
-- 5 111122223333 eni-2 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK i-0123456789abcdef0 euw1-az1
-- 5 111122223333 eni-3 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK i-0fedcba9876543210 euw1-az2
-- 5 111122223333 eni-3 - - - - - - - 1767608400 1767608450 - NODATA i-0fedcba9876543210 euw1-az2
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:00:00Z
-- account_id = "111122223333"
-- instance_id = "i-0123456789abcdef0"
-- az_id = "euw1-az1"
-- records = 2
-- [[test.rows]]
-- instance_id = "i-0fedcba9876543210"
-- az_id = "euw1-az2"
-- records = 2
--
-- [[test]]
-- name   = "an interface without an instance, and one without a zone, are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status instance-id az-id
-- 5 111122223333 eni-4 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK - euw1-az1
-- 5 111122223333 eni-5 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK i-0123456789abcdef0 -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a log without the two fields is silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK
-- '''
-- rows   = []
-- ---
SELECT
    date_bin(INTERVAL '1 hour', ts_end)  AS window_start,
    coalesce(account_id, 'unknown')      AS account_id,
    instance_id                          AS instance_id,
    az_id                                AS az_id,
    count(*)                             AS records
FROM flow_logs
WHERE instance_id IS NOT NULL
  AND az_id IS NOT NULL
GROUP BY 1, 2, 3, 4
