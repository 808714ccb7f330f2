-- ---
-- name            = "internal_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected attempts between own networks, by interface, port of the service and direction."
-- seed            = "Security-group DENY saved queries"
-- why             = """
-- A reject between two of one's own addresses is always somebody's mistake: a rule that is
-- missing, a client with an old port, a target that moved. Here it stands apart from the internet.
-- One port at many interfaces is a rule that all of them lost, many ports at one interface are
-- a scan. One port at one interface is left to the alert of flow_rejects.
-- """
-- false_positives = ["A scanner of one's own.", "Late answers over UDP after the security group forgot the question."]
-- cannot_tell     = """
-- Whether a security group or a network ACL rejected, except in the class nacl_reply, and
-- never which rule. Own means own_networks. While records are skipped every count is a lower bound.
-- Without tcp-flags in the log format a late packet looks like a new attempt, and without pkt-srcaddr
-- and pkt-dstaddr what a NAT gateway is refused on its way to the internet looks internal.
-- Where two flow logs cover one resource (a VPC and its subnet), AWS writes every flow twice, and
-- it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_internal_rejects_total"
-- type            = "counter"
-- help            = "Rejected records between own networks by interface, port of the service and direction."
-- value           = "records"
-- labels          = ["interface_id", "dstport", "flow_direction"]
-- series_max      = 5000                 # interfaces x ports of services; nobody scans from inside
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "subnet_id", "interface_id", "dstport", "protocol", "flow_direction", "reject_class"]
-- measures        = { records = "sum", packets = "sum" }
--
-- [[alert]]
-- name     = "TrailflowInternalRejectsSpread"
-- severity = "warning"
-- for      = "5m"
-- summary  = 'Port {{ $labels.dstport }}: rejected at {{ $value }} interfaces in 15 minutes ({{ $labels.flow_direction }}), at fewer than 10 in the day before.'
-- expr     = '''
-- count by (dstport, flow_direction) (
--   sum by (interface_id, dstport, flow_direction) (
--     last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[15m])
--     - last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[1h] offset 15m) >= 0
--     or last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[15m])
--   ) > 0
-- ) >= 10
-- unless count by (dstport, flow_direction) (
--   sum by (interface_id, dstport, flow_direction) (
--     last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[1d] offset 1h)
--     - last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[1h] offset 25h) >= 0
--     or last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport!="other"}[1d] offset 1h)
--   ) > 0
-- ) >= 10
-- and on () count(last_over_time(trailflow_newest_event_timestamp_seconds{table="flow_logs"}[1h] offset 1d)) > 0
-- '''
-- runbook  = "trailflowinternalrejectsspread"
--
-- [[alert]]
-- name     = "TrailflowInternalPortScan"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.interface_id }}: {{ $value }} different ports rejected between own networks in 15 minutes ({{ $labels.flow_direction }}): somebody inside tries them one after the other.'
-- expr     = '''
-- count by (interface_id, flow_direction) (
--   sum by (interface_id, dstport, flow_direction) (
--     last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[15m])
--     - last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[1h] offset 15m) >= 0
--     or last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[15m])
--   ) > 0
-- ) >= 20
-- unless count by (interface_id, flow_direction) (
--   sum by (interface_id, dstport, flow_direction) (
--     last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[1d] offset 1h)
--     - last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[1h] offset 25h) >= 0
--     or last_over_time(trailflow_internal_rejects_total{interface_id!="other", dstport=~"[0-9]{1,4}|[12][0-9]{4}"}[1d] offset 1h)
--   ) > 0
-- ) >= 20
-- and on () count(last_over_time(trailflow_newest_event_timestamp_seconds{table="flow_logs"}[1h] offset 1d)) > 0
-- '''
-- runbook  = "trailflowinternalportscan"
--
-- [[test]]
-- name   = "a reply that a network ACL blocked counts by the service's port"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-2 10.0.1.5 10.0.2.8 42000 8080 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.8 ingress
-- 5 111122223333 eni-2 10.0.2.8 10.0.1.5 8080 42000 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.2.8 10.0.1.5 egress
-- '''
-- [[test.rows]]
-- interface_id = "eni-2"
-- dstport = 8080
-- flow_direction = "egress"
-- reject_class = "nacl_reply"
-- records = 1
-- packets = 3
--
-- [[test]]
-- name   = "two attempts, and a late answer of DNS, which counts by the service's port"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.9 ingress
-- 5 111122223333 eni-1 10.0.1.6 10.0.2.9 41001 5432 6 2 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.6 10.0.2.9 ingress
-- 5 111122223333 eni-1 10.0.0.2 10.0.2.9 53 40000 17 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 - 10.0.0.2 10.0.2.9 ingress
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- subnet_id = "subnet-1"
-- interface_id = "eni-1"
-- dstport = 5432
-- protocol = 6
-- flow_direction = "ingress"
-- reject_class = "internal"
-- records = 2
-- packets = 5
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 53
-- protocol = 17
-- records = 1
-- packets = 3
--
-- [[test]]
-- name   = "the default format has neither flags nor direction: the attempt counts all the same"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 5432
-- flow_direction = "unknown"
-- subnet_id = "unknown"
-- records = 1
--
-- [[test]]
-- name   = "late packets, the internet behind a NAT gateway, and accepted flows are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 4 10.0.1.5 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 22 6 1 40 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-3 10.0.1.5 10.0.9.9 51000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 203.0.113.9 egress
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.9 ingress
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "an answer to SYN is refused where its question was not seen: it counts by the service's port"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 10.0.2.8 10.0.1.5 8080 42000 6 1 60 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.2.8 10.0.1.5 ingress
-- 5 111122223333 eni-1 10.0.2.8 10.0.1.5 8080 42001 6 1 60 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.2.8 10.0.1.5 ingress
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 8080
-- reject_class = "internal"
-- records = 2
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    coalesce(subnet_id, 'unknown')                  AS subnet_id,
    coalesce(interface_id, resource_id, 'unknown')  AS interface_id,
    -- A reply goes to a port that means nothing: the service is where it comes from.
    CASE
        WHEN reject_class = 'nacl_reply'
          OR (protocol = 6 AND (tcp_flags & 18) = 18)
          OR (protocol = 17 AND srcport < 1024 AND dstport >= 32768)
        THEN coalesce(srcport, -1) ELSE coalesce(dstport, -1)
    END                                             AS dstport,
    coalesce(protocol, -1)                          AS protocol,
    coalesce(flow_direction, 'unknown')             AS flow_direction,
    reject_class,
    count(*)                                        AS records,
    coalesce(sum(packets), 0)                       AS packets
FROM flow_logs
WHERE action = 'REJECT'
  AND src_internal AND dst_internal
  AND reject_class IN ('internal', 'nacl_reply', 'encryption')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
