-- ---
-- name            = "outside_dns"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "DNS that is asked of resolvers outside of the own networks, by interface, resolver, port and outcome."
-- seed            = "Who asks 8.8.8.8?"
-- why             = """
-- Whoever asks a resolver outside sees no private zone, and is asked nothing by the DNS firewall: names that
-- resolve in one pod and not in the next, data that leaves in questions, malware that looks for its master. Where it
-- is refused, a workload waits five seconds for each name.
-- """
-- false_positives = ["CoreDNS, or a resolver of one's own, that is told to forward to a public one.", "A mail server or scanner that asks the servers of each domain itself."]
-- cannot_tell     = """
-- What the resolver of the VPC is asked: flow logs leave it out, and so most of DNS. The name that was asked.
-- DNS over HTTPS looks like any HTTPS. Through a NAT gateway, a firewall or a resolver endpoint it counts at
-- their interfaces too, unless the log's format has interface-type. Sources with global addresses (IPv6) count if own_networks
-- names them. Where two flow logs cover one resource (a VPC and its subnet), it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_outside_dns_total"
-- type            = "counter"
-- help            = "Records of DNS to resolvers outside of the own networks, by account, interface, resolver, port and outcome."
-- value           = "records"
-- labels          = ["account_id", "interface_id", "resolver", "port", "outcome"]
-- series_max      = 2000                 # interfaces that ask outside
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "interface_id", "resolver", "port", "outcome", "address", "protocol"]
-- measures        = { records = "sum", packets = "sum" }
--
-- [[alert]]
-- name     = "TrailflowOutsideDns"
-- severity = "info"
-- for      = "15m"
-- summary  = '{{ $labels.account_id }}: {{ $value }} records of DNS to resolvers outside ({{ $labels.resolver }}) in an hour, for the first time in 7 days.'
-- expr     = '''
-- sum by (account_id, resolver) (
--   last_over_time(trailflow_outside_dns_total{account_id!="other"}[1h])
--   - last_over_time(trailflow_outside_dns_total{account_id!="other"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_outside_dns_total{account_id!="other"}[1h])
-- ) >= 20
-- unless sum by (account_id, resolver) (
--   increase(trailflow_outside_dns_total[7d] offset 2h) > 0
--   or (min_over_time(trailflow_outside_dns_total[7d] offset 2h) unless last_over_time(trailflow_outside_dns_total[1h] offset 170h))
-- )
-- and on (account_id) count by (account_id) (last_over_time(trailflow_flow_log_records_total[1d] offset 7d))
-- '''
-- runbook  = "trailflowoutsidedns"
--
-- [[test]]
-- name   = "public resolvers by name, others together; in clear and over TLS; refused"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service subnet-id instance-id interface-type
-- 11 111122223333 eni-1 10.0.1.5 8.8.8.8 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.77 8.8.8.8 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 8.8.8.8 41001 53 17 2 180 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 8.8.8.8 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 8.8.4.4 41001 53 6 1 90 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 8.8.4.4 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 1.1.1.1 41002 853 6 9 900 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 1.1.1.1 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-2 10.0.1.6 198.51.100.53 41002 53 17 1 90 1767608400 1767608450 REJECT OK egress 1 10.0.1.6 198.51.100.53 - - subnet-1 - -
-- 11 111122223333 eni-3 fd00::5 2001:4860:4860::8888 41002 53 17 1 90 1767608400 1767608450 ACCEPT OK egress 1 fd00::5 2001:4860:4860::8888 - - subnet-1 i-0123456789abcdef0 -
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- interface_id = "eni-1"
-- resolver = "google"
-- port = "53"
-- outcome = "accepted"
-- address = "8.8.8.8"
-- protocol = 17
-- records = 2
-- packets = 3
-- [[test.rows]]
-- interface_id = "eni-1"
-- resolver = "google"
-- address = "8.8.4.4"
-- protocol = 6
-- records = 1
-- [[test.rows]]
-- interface_id = "eni-1"
-- resolver = "cloudflare"
-- port = "853"
-- records = 1
-- [[test.rows]]
-- interface_id = "eni-2"
-- resolver = "other"
-- outcome = "rejected"
-- address = "198.51.100.53"
-- records = 1
-- [[test.rows]]
-- interface_id = "eni-3"
-- resolver = "google"
-- records = 1
--
-- [[test]]
-- name   = "an own resolver, answers, what comes in from outside, the NAT gateway and the endpoint of a resolver that pass it on, what an appliance is handed or passes on for a network that is not one's own, other ports and other protocols are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service subnet-id instance-id interface-type
-- 11 111122223333 eni-1 10.0.1.5 10.0.9.9 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 10.0.9.9 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 8.8.8.8 10.0.1.5 53 41000 17 1 90 1767608400 1767608450 ACCEPT OK ingress - 8.8.8.8 10.0.1.5 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 203.0.113.9 10.0.1.5 41000 53 17 1 90 1767608400 1767608450 REJECT OK ingress - 203.0.113.9 10.0.1.5 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-8 10.0.1.5 10.0.8.8 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK ingress - 10.0.1.5 8.8.8.8 - - subnet-1 - nat_gateway
-- 11 111122223333 eni-8 10.0.8.8 8.8.8.8 1024 53 17 1 90 1767608400 1767608450 ACCEPT OK egress 8 10.0.8.8 8.8.8.8 - - subnet-1 - nat_gateway
-- 11 111122223333 eni-1 10.0.1.5 8.8.8.8 41000 443 6 9 900 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 8.8.8.8 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 8.8.8.8 0 0 1 1 84 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 8.8.8.8 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-7 10.0.1.5 10.0.7.7 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK ingress - 10.0.1.5 8.8.8.8 - - subnet-1 i-0123456789abcdef7 -
-- 11 111122223333 eni-7 203.0.113.9 8.8.8.8 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK egress 8 203.0.113.9 8.8.8.8 - - subnet-1 i-0123456789abcdef7 -
-- 11 111122223333 eni-1 10.0.1.5 8.8.8.8 41000 53 132 1 90 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 8.8.8.8 - - subnet-1 i-0123456789abcdef0 -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the default format has no direction"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 9.9.9.9 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 9.9.9.9 10.0.1.5 53 41000 17 1 90 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 10.0.1.5 10.0.0.2 41000 53 17 1 90 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- resolver = "quad9"
-- port = "53"
-- outcome = "accepted"
-- records = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    coalesce(interface_id, resource_id, 'unknown')  AS interface_id,
    CASE
        WHEN coalesce(pkt_dst, dst) IN ('8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844')
        THEN 'google'
        WHEN coalesce(pkt_dst, dst) IN ('1.1.1.1', '1.0.0.1', '2606:4700:4700::1111', '2606:4700:4700::1001')
        THEN 'cloudflare'
        WHEN coalesce(pkt_dst, dst) IN ('9.9.9.9', '149.112.112.112', '2620:fe::fe', '2620:fe::9')
        THEN 'quad9'
        WHEN coalesce(pkt_dst, dst) IN ('208.67.222.222', '208.67.220.220', '2620:119:35::35', '2620:119:53::53')
        THEN 'opendns'
        ELSE 'other'
    END                                             AS resolver,
    CAST(dstport AS VARCHAR)                        AS port,
    CASE action WHEN 'ACCEPT' THEN 'accepted' ELSE 'rejected' END AS outcome,
    coalesce(pkt_dst, dst, 'unknown')               AS address,
    protocol,
    count(*)                                        AS records,
    coalesce(sum(packets), 0)                       AS packets
FROM flow_logs
WHERE dstport IN (53, 853)
  AND protocol IN (6, 17)
  AND src_internal
  AND NOT dst_internal
  AND action IN ('ACCEPT', 'REJECT')
  AND coalesce(flow_direction, 'egress') = 'egress'
  -- What a gateway passes on was somebody else's before.
  AND coalesce(interface_type, 'other') NOT IN ('nat_gateway', 'regional_nat_gateway', 'transit_gateway')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
