-- ---
-- name            = "health_check_minutes"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Accepted and rejected connection attempts to each own target, by minute."
-- seed            = "Health-check flaps"
-- why             = """
-- A target that accepts in one minute and rejects in the next flaps, whatever its health check
-- says. This is what health_check_flaps looks back on.
-- """
-- false_positives = ["Two clients of which only one is allowed: the target is well."]
-- cannot_tell     = """
-- Which of the attempts are health checks: with the fields of version 11 those of load balancers
-- (network ones) and of unknown senders are kept, without them all are. Failures above TCP.
-- Intervals of 10 minutes, on older instances, are too coarse for it. Without tcp-flags in the log
-- format a late packet whose connection was not seen looks like a refused attempt. Where two flow
-- logs cover one resource (a VPC and its subnet), AWS writes every flow twice, and it counts twice.
-- The alert on these is that of health_check_flaps.
-- """
-- source          = "flow_logs"
--
-- [rollup]
-- window          = "1m"
-- grain           = ["window_start", "account_id", "interface_id", "destination", "dstport"]
-- measures        = { accepts = "sum", rejects = "sum" }
--
-- [[test]]
-- name   = "two minutes of one target; the pod's address is the packet's"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.7.7 10.0.2.77 ingress
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41001 8080 6 3 180 1767608420 1767608470 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.7.7 10.0.2.77 ingress
-- 5 111122223333 eni-1 10.0.7.8 10.0.2.9 41002 8080 6 3 180 1767608425 1767608475 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.7.8 10.0.2.77 ingress
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- interface_id = "eni-1"
-- destination = "10.0.2.77"
-- dstport = 8080
-- accepts = 1
-- rejects = 0
-- [[test.rows]]
-- window_start = 2026-01-05T10:21:00Z
-- destination = "10.0.2.77"
-- dstport = 8080
-- accepts = 0
-- rejects = 2
--
-- [[test]]
-- name   = "egress, answers, late packets, the internet, high ports, UDP and other senders than load balancers are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-dst-aws-service
-- 5 111122223333 eni-1 10.0.2.9 10.0.7.7 41000 8080 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.2.9 10.0.7.7 egress - - -
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 8080 31000 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 18 10.0.7.7 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 4 10.0.7.7 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 41000 8080 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 40000 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.7.7 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 17 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 - 10.0.7.7 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.7.7 10.0.2.9 ingress - vpc_endpoint -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the default format has no flags and no pod's address: each flow between own networks counts; skipped intervals do not"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 3 180 1767608400 1767608450 REJECT OK
-- 2 111122223333 eni-1 10.0.7.7 10.0.2.9 41001 8080 6 3 180 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - NODATA
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- destination = "10.0.2.9"
-- dstport = 8080
-- accepts = 1
-- rejects = 1
--
-- [[test]]
-- name   = "the default format: the last packet of a connection that was accepted both ways is late, not refused"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 12 900 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 10.0.2.9 10.0.7.7 8080 41000 6 12 9000 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 10.0.7.7 10.0.2.9 41000 8080 6 1 40 1767608400 1767608450 REJECT OK
-- 2 111122223333 eni-1 10.0.7.8 10.0.2.9 41001 8080 6 3 180 1767608400 1767608450 REJECT OK
-- '''
-- [[test.rows]]
-- destination = "10.0.2.9"
-- dstport = 8080
-- accepts = 1
-- rejects = 1
-- ---
SELECT
    date_bin(INTERVAL '1 minute', ts_end)           AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    coalesce(interface_id, resource_id, 'unknown')  AS interface_id,
    -- Of pods the interface's own address says nothing.
    coalesce(pkt_dst, dst, 'unknown')               AS destination,
    dstport,
    sum(CASE WHEN action = 'ACCEPT' THEN 1 ELSE 0 END) AS accepts,
    sum(CASE WHEN action = 'REJECT' THEN 1 ELSE 0 END) AS rejects
FROM flow_logs
WHERE protocol = 6
  -- Below the ports that clients take.
  AND dstport < 32768
  AND action IN ('ACCEPT', 'REJECT')
  AND src_internal AND dst_internal
  AND coalesce(flow_direction, 'ingress') = 'ingress'
  AND coalesce(next_hop_interface_type, 'network_load_balancer') = 'network_load_balancer'
  AND (tcp_flags IS NULL OR (tcp_flags & 18) = 2)
  -- Without flags the class alone knows what came after the end of its connection: the target is well.
  AND coalesce(reject_class, 'none') <> 'late_packet'
GROUP BY 1, 2, 3, 4, 5
