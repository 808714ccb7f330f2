-- ---
-- name            = "flow_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected flows by interface, port, direction and class, with packets and bytes."
-- seed            = "Security-group rejects"
-- why             = """
-- A reject between two of one's own addresses is a rule that is missing or one too
-- many, and somebody waits for a timeout because of it. Rejects from the internet are
-- weather; the class keeps them apart.
-- """
-- false_positives = ["Packets of a connection that was closed already (late_packet).", "Internet scanning (scan)."]
-- cannot_tell     = """
-- A reject may be by a security group or by a network ACL: the log does not say which.
-- While records are skipped (SKIPDATA) every count is a lower bound. Without tcp-flags
-- in the log format a late packet looks like a new connection.
-- """
-- source          = "flow_logs"
--
-- [[metric]]
-- name            = "trailflow_flow_rejects_total"
-- type            = "counter"
-- help            = "Rejected flow records by interface, destination port, direction and class."
-- value           = "records"
-- labels          = ["interface_id", "dstport", "flow_direction", "reject_class"]
-- series_max      = 5000                 # interfaces x ports; a scan of all ports overflows
--
-- [[metric]]
-- name            = "trailflow_flow_reject_packets_total"
-- type            = "counter"
-- help            = "Packets of rejected flow records by interface, destination port, direction and class."
-- value           = "packets"
-- labels          = ["interface_id", "dstport", "flow_direction", "reject_class"]
-- series_max      = 5000
--
-- [[metric]]
-- name            = "trailflow_flow_reject_bytes_total"
-- type            = "counter"
-- help            = "Bytes of rejected flow records by interface, destination port, direction and class."
-- value           = "bytes"
-- labels          = ["interface_id", "dstport", "flow_direction", "reject_class"]
-- series_max      = 5000
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "interface_id", "dstport", "protocol", "flow_direction", "reject_class"]
-- measures        = { records = "sum", packets = "sum", bytes = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowInternalRejects"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.interface_id }}: {{ $value }} rejected {{ $labels.flow_direction }} records to port {{ $labels.dstport }} in 15 minutes (class {{ $labels.reject_class }}).'
-- expr     = '''
-- sum by (interface_id, dstport, flow_direction, reject_class) (
--   last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply"}[15m])
--   - last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply"}[15m])
-- ) >= 20
-- '''
-- runbook  = "trailflowinternalrejects"
--
-- [[test]]
-- name   = "rejects by class; accepted flows and NODATA are not counted"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.1.6 10.0.2.9 41001 5432 6 2 120 1767608400 1767608450 REJECT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 9 900 1767608400 1767608450 ACCEPT OK ingress 2 -
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 22 6 1 40 1767608400 1767608450 REJECT OK ingress 2 BPA
-- 5 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - NODATA - - -
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- interface_id = "eni-1"
-- dstport = 5432
-- protocol = 6
-- flow_direction = "ingress"
-- reject_class = "internal"
-- records = 2
-- packets = 5
-- bytes = 300
-- [[test.rows]]
-- dstport = 22
-- reject_class = "bpa"
-- records = 1
-- packets = 1
-- bytes = 40
--
-- [[test]]
-- name   = "a log of accepted flows is silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 9 900 1767608400 1767608450 ACCEPT OK ingress 2 -
-- '''
-- rows   = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    coalesce(interface_id, resource_id, 'unknown')  AS interface_id,
    coalesce(dstport, -1)                           AS dstport,
    coalesce(protocol, -1)                          AS protocol,
    coalesce(flow_direction, 'unknown')             AS flow_direction,
    coalesce(reject_class, 'unknown')               AS reject_class,
    count(*)                                        AS records,
    coalesce(sum(packets), 0)                       AS packets,
    coalesce(sum(bytes), 0)                         AS bytes
FROM flow_logs
WHERE action = 'REJECT'
GROUP BY 1, 2, 3, 4, 5, 6, 7
