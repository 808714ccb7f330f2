-- ---
-- name            = "flow_bytes"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Bytes of accepted flows by account, direction, path and kind of interface."
-- seed            = "How much goes where?"
-- why             = """
-- Traffic that suddenly takes another way (out through the internet gateway instead of an
-- endpoint, across regions instead of across the VPC) is a changed route, a lost endpoint, or data
-- that leaves. It is also the bill.
-- """
-- false_positives = ["A backup or a migration.", "What waited while trailflow did not run counts in the hour in which it is read."]
-- cannot_tell     = """
-- A flow between two logged interfaces counts at both, and through a NAT gateway at the
-- gateway too: compare within one direction and one interface_type. The path is known for egress
-- alone, and only if the log's format has the field. same_vpc is what AWS calls "through another
-- resource in the same VPC", and a NAT gateway is one: what a node sends through it is same_vpc at the
-- node, and goes to the internet gateway at the NAT gateway's own interface, if that is logged. While
-- records are skipped it is a lower bound.
-- Where two flow logs cover one resource (a VPC and its subnet), AWS writes every flow twice, and
-- it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_flow_bytes_total"
-- type            = "counter"
-- help            = "Bytes of accepted flows by account, direction, path and kind of interface; the path same_vpc is through another resource in the VPC, such as a NAT gateway."
-- value           = "bytes"
-- labels          = ["account_id", "flow_direction", "traffic_path", "interface_type"]
-- series_max      = 2000                 # accounts x 2 directions x 9 paths x 6 kinds
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "flow_direction", "traffic_path", "interface_type"]
-- measures        = { records = "sum", packets = "sum", bytes = "sum" }
--
-- [[alert]]
-- name     = "TrailflowEgressGrown"
-- severity = "warning"
-- for      = "15m"
-- summary  = '{{ $labels.account_id }}: {{ $value | humanize1024 }}B went out by {{ $labels.traffic_path }} in an hour ({{ $labels.interface_type }}), far more than at this time yesterday and a week ago.'
-- expr     = '''
-- sum by (account_id, traffic_path, interface_type) (
--   last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
--   - last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
-- ) >= 1e10
-- unless
-- sum by (account_id, traffic_path, interface_type) (
--   last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
--   - last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
-- )
-- <= 2 * sum by (account_id, traffic_path, interface_type) (
--   increase(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 23h)
--   + (min_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 23h) unless last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h] offset 26h))
--   or increase(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 23h)
-- )
-- unless
-- sum by (account_id, traffic_path, interface_type) (
--   last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
--   - last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h])
-- )
-- <= 2 * sum by (account_id, traffic_path, interface_type) (
--   increase(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 167h)
--   + (min_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 167h) unless last_over_time(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[1h] offset 170h))
--   or increase(trailflow_flow_bytes_total{flow_direction="egress", traffic_path=~"internet_gateway.*|virtual_private_gateway|peering_other_region"}[3h] offset 167h)
-- )
-- and on (account_id) count by (account_id) (last_over_time(trailflow_flow_bytes_total[1h] offset 7d))
-- '''
-- runbook  = "trailflowegressgrown"
--
-- [[test]]
-- name   = "by direction, path and kind of interface; a path that is not known yet keeps its number"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path interface-type
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 1000 1767608400 1767608450 ACCEPT OK egress 1 -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 500 1767608400 1767608450 ACCEPT OK egress 1 -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 1000 1767608400 1767608450 ACCEPT OK egress 8 nat_gateway
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 1000 1767608400 1767608450 ACCEPT OK ingress - -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 1000 1767608400 1767608450 ACCEPT OK egress 12 -
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- flow_direction = "egress"
-- traffic_path = "same_vpc"
-- interface_type = "other"
-- records = 2
-- packets = 20
-- bytes = 1500
-- [[test.rows]]
-- traffic_path = "internet_gateway"
-- interface_type = "nat_gateway"
-- bytes = 1000
-- [[test.rows]]
-- flow_direction = "ingress"
-- traffic_path = "none"
-- bytes = 1000
-- [[test.rows]]
-- traffic_path = "path_12"
-- bytes = 1000
--
-- [[test]]
-- name   = "the default format has none of the three"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 700 1767608400 1767608450 ACCEPT OK
-- '''
-- [[test.rows]]
-- flow_direction = "unknown"
-- traffic_path = "none"
-- interface_type = "other"
-- bytes = 700
--
-- [[test]]
-- name   = "rejected flows and intervals without data are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path interface-type
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 10 1000 1767608400 1767608450 REJECT OK egress 1 -
-- 5 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - NODATA - - -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "an interval that was skipped carries nothing, in the default format"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 2 80 1767608400 1767608450 ACCEPT OK
-- '''
-- [[test.rows]]
-- records = 1
-- packets = 2
-- bytes = 80
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)    AS window_start,
    coalesce(account_id, 'unknown')           AS account_id,
    coalesce(flow_direction, 'unknown')       AS flow_direction,
    CASE traffic_path
        WHEN 1 THEN 'same_vpc'
        WHEN 2 THEN 'internet_gateway_or_endpoint'
        WHEN 3 THEN 'virtual_private_gateway'
        WHEN 4 THEN 'peering_same_region'
        WHEN 5 THEN 'peering_other_region'
        WHEN 6 THEN 'local_gateway'
        WHEN 7 THEN 'gateway_endpoint'
        WHEN 8 THEN 'internet_gateway'
        ELSE coalesce('path_' || CAST(traffic_path AS VARCHAR), 'none')
    END                                       AS traffic_path,
    coalesce(interface_type, 'other')         AS interface_type,
    count(*)                                  AS records,
    coalesce(sum(packets), 0)                 AS packets,
    coalesce(sum(bytes), 0)                   AS bytes
FROM flow_logs
WHERE action = 'ACCEPT'
GROUP BY 1, 2, 3, 4, 5
