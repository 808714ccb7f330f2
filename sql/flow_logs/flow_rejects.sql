-- ---
-- name            = "flow_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected flows by interface, port of the service, direction and class, with packets and bytes."
-- seed            = "Security-group rejects"
-- why             = """
-- A reject between two of one's own addresses is a rule that is missing or one too
-- many, and somebody waits for a timeout because of it. Rejects from the internet are
-- weather; the class keeps them apart.
-- """
-- false_positives = ["Packets of a connection that was closed already (late_packet).", "Internet scanning (scan).", "Answers of DNS over UDP that come after the security group forgot the question: internal, on port 53."]
-- cannot_tell     = """
-- A reject may be by a security group or by a network ACL: the log does not say which.
-- While records are skipped (SKIPDATA) every count is a lower bound. Without tcp-flags
-- in the log format a late packet looks like a new connection, and a reply whose request
-- was not seen counts by its client's port. The series of scan, external, bpa and late_packet
-- tell no port: the view does. UDP has no flags: a late answer of DNS counts as internal, on port 53, as
-- a question that is refused does. One client that tries again on one connection makes a record in
-- each aggregation interval, too few for this alert: internal_rejects has one for it. Where two flow logs cover one resource (a VPC and its subnet),
-- AWS writes every flow twice, and it counts twice.
-- """
-- source          = "flow_logs"
--
-- [[metric]]
-- name            = "trailflow_flow_rejects_total"
-- type            = "counter"
-- help            = "Rejected flow records by interface, port of the service, direction and class; of scan, external, bpa and late_packet all ports together."
-- value           = "records"
-- labels          = ["interface_id", "port", "flow_direction", "reject_class"]
-- series_max      = 5000                 # interfaces x ports of services within; a scan is one series an interface
--
-- [[metric]]
-- name            = "trailflow_flow_reject_packets_total"
-- type            = "counter"
-- help            = "Packets of rejected flow records by interface, port of the service, direction and class."
-- value           = "packets"
-- labels          = ["interface_id", "port", "flow_direction", "reject_class"]
-- series_max      = 5000
--
-- [[metric]]
-- name            = "trailflow_flow_reject_bytes_total"
-- type            = "counter"
-- help            = "Bytes of rejected flow records by interface, port of the service, direction and class."
-- value           = "bytes"
-- labels          = ["interface_id", "port", "flow_direction", "reject_class"]
-- series_max      = 5000
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "interface_id", "dstport", "port", "protocol", "flow_direction", "reject_class"]
-- measures        = { records = "sum", packets = "sum", bytes = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowInternalRejects"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.interface_id }}: {{ $value }} rejected {{ $labels.flow_direction }} records to port {{ $labels.port }} in 15 minutes (class {{ $labels.reject_class }}).'
-- expr     = '''
-- sum by (interface_id, port, flow_direction, reject_class) (
--   last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply|encryption"}[15m])
--   - last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply|encryption"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_flow_rejects_total{reject_class=~"internal|nacl_reply|encryption"}[15m])
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
-- port = "5432"
-- protocol = 6
-- flow_direction = "ingress"
-- reject_class = "internal"
-- records = 2
-- packets = 5
-- bytes = 300
-- [[test.rows]]
-- dstport = 22
-- port = "any"
-- reject_class = "bpa"
-- records = 1
-- packets = 1
-- bytes = 40
--
-- [[test]]
-- name   = "a refused reply to what was accepted, a packet after the end of its connection, ICMP; SKIPDATA tells of no flow"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 ACCEPT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.2.9 10.0.1.5 5432 41000 6 3 180 1767608400 1767608450 REJECT OK egress 18 -
-- 5 111122223333 eni-1 10.0.1.7 10.0.2.9 41002 5432 6 1 40 1767608400 1767608450 REJECT OK ingress 4 -
-- 5 111122223333 eni-1 10.0.1.8 10.0.2.9 0 0 1 2 168 1767608400 1767608450 REJECT OK ingress 0 -
-- 5 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA - - -
-- '''
-- [[test.rows]]
-- dstport = 5432
-- port = "5432"
-- flow_direction = "egress"
-- reject_class = "nacl_reply"
-- records = 1
-- [[test.rows]]
-- dstport = 5432
-- port = "any"
-- reject_class = "late_packet"
-- records = 1
-- [[test.rows]]
-- dstport = 0
-- port = "0"
-- protocol = 1
-- reject_class = "internal"
-- records = 1
-- packets = 2
--
-- [[test]]
-- name   = "replies count by the service's port, whatever their clients': of connections that were let in, of one that was not seen, of DNS"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 8443 6 3 180 1767608400 1767608450 ACCEPT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.2.9 10.0.1.5 8443 41000 6 3 180 1767608400 1767608450 REJECT OK egress 18 -
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 52077 8443 6 3 180 1767608400 1767608450 ACCEPT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.2.9 203.0.113.9 8443 52077 6 3 180 1767608400 1767608450 REJECT OK egress 18 -
-- 5 111122223333 eni-1 10.0.1.6 10.0.2.9 60123 8443 6 3 180 1767608400 1767608450 ACCEPT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.2.9 10.0.1.6 8443 60123 6 3 180 1767608400 1767608450 REJECT OK egress 18 -
-- 5 111122223333 eni-1 10.0.2.9 10.0.1.7 8443 33333 6 3 180 1767608400 1767608450 REJECT OK egress 18 -
-- 5 111122223333 eni-1 10.0.0.2 10.0.2.9 53 40000 17 3 180 1767608400 1767608450 REJECT OK ingress - -
-- 5 111122223333 eni-1 10.0.0.2 10.0.2.9 53 40007 17 3 180 1767608400 1767608450 REJECT OK ingress - -
-- '''
-- [[test.rows]]
-- dstport = 8443
-- port = "8443"
-- flow_direction = "egress"
-- reject_class = "nacl_reply"
-- records = 3
-- packets = 9
-- [[test.rows]]
-- dstport = 8443
-- port = "8443"
-- reject_class = "internal"
-- records = 1
-- [[test.rows]]
-- dstport = 53
-- port = "53"
-- protocol = 17
-- reject_class = "internal"
-- records = 2
--
-- [[test]]
-- name   = "a scan of many ports is one series: its ports stand in the view alone"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 22 6 1 40 1767608400 1767608450 REJECT OK ingress 2 -
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51001 17185 6 1 40 1767608400 1767608450 REJECT OK ingress 2 -
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51002 8443 6 9 540 1767608400 1767608450 REJECT OK ingress 2 -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 80 6 3 180 1767608400 1767608450 REJECT OK ingress 2 EC
-- '''
-- [[test.rows]]
-- dstport = 22
-- port = "any"
-- reject_class = "scan"
-- records = 1
-- [[test.rows]]
-- dstport = 17185
-- port = "any"
-- reject_class = "scan"
-- records = 1
-- [[test.rows]]
-- dstport = 8443
-- port = "any"
-- reject_class = "external"
-- records = 1
-- [[test.rows]]
-- dstport = 80
-- port = "80"
-- reject_class = "encryption"
-- records = 1
--
-- [[test]]
-- name   = "a log in the default format, without directions and flags"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK
-- '''
-- [[test.rows]]
-- dstport = 5432
-- flow_direction = "unknown"
-- reject_class = "internal"
-- records = 1
--
-- [[test]]
-- name   = "a log of accepted flows is silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction tcp-flags reject-reason
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 9 900 1767608400 1767608450 ACCEPT OK ingress 2 -
-- '''
-- rows   = []
-- ---
WITH rejects AS (
    SELECT
        date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
        coalesce(account_id, 'unknown')                 AS account_id,
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
        coalesce(reject_class, 'unknown')               AS reject_class,
        count(*)                                        AS records,
        coalesce(sum(packets), 0)                       AS packets,
        coalesce(sum(bytes), 0)                         AS bytes
    FROM flow_logs
    WHERE action = 'REJECT'
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT
    window_start,
    account_id,
    interface_id,
    dstport,
    -- A scan tries every port of every public interface: it must not take the series of what is refused within.
    CASE
        WHEN reject_class IN ('internal', 'nacl_reply', 'encryption') THEN CAST(dstport AS VARCHAR)
        ELSE 'any'
    END                                                 AS port,
    protocol,
    flow_direction,
    reject_class,
    records,
    packets,
    bytes
FROM rejects
