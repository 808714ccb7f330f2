-- ---
-- name            = "endpoint_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected connections to AWS's own APIs, and their rejected replies: at VPC endpoints, and on the way to public ones."
-- seed            = "Missing VPC endpoint reachability"
-- why             = """
-- A subnet that cannot reach STS, ECR or S3 starts no pod: nodes do not join, images are not
-- pulled, and the SDK reports a timeout that names no firewall.
-- """
-- false_positives = ["A subnet that is meant to have no way to AWS."]
-- cannot_tell     = """
-- Which API it was: an endpoint's interface serves one, but the log does not name it. In AWS's
-- default format nothing is found. Without the fields of version 11 an endpoint looks like any
-- interface that AWS manages, a load balancer's too: destination is managed_interface then, which
-- needs subnet-id and instance-id, and is not alerted. Without tcp-flags a late packet looks like
-- a new connection. A missing route leaves no reject at all, and DNS to the Amazon resolver is
-- never logged. Replies from public APIs are known by pkt-src-aws-service, and without that field
-- not at all. Where two flow logs cover one resource (a VPC and its subnet), AWS writes every flow
-- twice, and it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_endpoint_rejects_total"
-- type            = "counter"
-- help            = "Rejected connections to AWS's APIs on port 443, and rejected replies, by interface, subnet and destination, a service or a class."
-- value           = "records"
-- labels          = ["interface_id", "subnet_id", "destination"]
-- series_max      = 2000                 # interfaces of endpoints and of clients x services
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "interface_id", "subnet_id", "destination", "flow_direction"]
-- measures        = { records = "sum", packets = "sum" }
--
-- [[alert]]
-- name     = "TrailflowEndpointRejects"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.interface_id }} in {{ $labels.subnet_id }}: {{ $value }} connections to {{ $labels.destination }} on port 443, or replies from there, rejected in 15 minutes.'
-- expr     = '''
-- sum by (interface_id, subnet_id, destination) (
--   last_over_time(trailflow_endpoint_rejects_total{destination!="managed_interface"}[15m])
--   - last_over_time(trailflow_endpoint_rejects_total{destination!="managed_interface"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_endpoint_rejects_total{destination!="managed_interface"}[15m])
-- ) >= 10
-- '''
-- runbook  = "trailflowendpointrejects"
--
-- [[test]]
-- name   = "at an endpoint's interface, toward one, and toward S3"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-dst-aws-service
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-1 10.0.1.5 10.0.9.9 41001 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.9.9 egress - vpc_endpoint -
-- 5 111122223333 eni-1 10.0.1.5 52.218.0.1 41002 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 52.218.0.1 egress - - S3
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- interface_id = "eni-9"
-- subnet_id = "subnet-1"
-- destination = "vpc_endpoint"
-- flow_direction = "ingress"
-- records = 1
-- packets = 3
-- [[test.rows]]
-- interface_id = "eni-1"
-- destination = "vpc_endpoint"
-- flow_direction = "egress"
-- records = 1
-- [[test.rows]]
-- interface_id = "eni-1"
-- destination = "S3"
-- records = 1
--
-- [[test]]
-- name   = "before version 11 an endpoint is an interface without an instance"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress
-- 5 111122223333 eni-9 10.0.1.6 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.6 10.0.9.9 ingress
-- '''
-- [[test.rows]]
-- interface_id = "eni-9"
-- destination = "managed_interface"
-- records = 2
-- packets = 6
--
-- [[test]]
-- name   = "late packets, other ports (443 as the client's too), an instance's own 443, other people's servers, a NAT gateway"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-dst-aws-service
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 1 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.1.5 52.1.2.3 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 52.1.2.3 egress - - EC2
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress - - -
-- 5 111122223333 eni-8 10.0.1.5 10.0.8.8 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.8.8 ingress nat_gateway - -
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 443 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "toward S3 from a node with a global address of IPv6"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-dst-aws-service
-- 5 111122223333 eni-1 2a05:d018:abc:1::5 2a05:d07a::1 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 2a05:d018:abc:1::5 2a05:d07a::1 egress - - S3
-- 5 111122223333 eni-1 2a05:d018:abc:1::5 2a05:d07a::1 41001 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 2a05:d018:abc:1::5 2a05:d07a::1 egress - - S3
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- destination = "S3"
-- flow_direction = "egress"
-- records = 2
--
-- [[test]]
-- name   = "replies that a network ACL refuses, each to its client's own port: at an endpoint's interface, from one, from S3"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-src-aws-service pkt-dst-aws-service
-- 11 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-9 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - - -
-- 11 111122223333 eni-9 10.0.9.9 10.0.1.5 443 41000 6 3 180 1767608400 1767608450 REJECT OK subnet-9 - 18 10.0.9.9 10.0.1.5 egress vpc_endpoint - - -
-- 11 111122223333 eni-9 10.0.1.6 10.0.9.9 52077 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-9 - 2 10.0.1.6 10.0.9.9 ingress vpc_endpoint - - -
-- 11 111122223333 eni-9 10.0.9.9 10.0.1.6 443 52077 6 3 180 1767608400 1767608450 REJECT OK subnet-9 - 18 10.0.9.9 10.0.1.6 egress vpc_endpoint - - -
-- 11 111122223333 eni-1 10.0.1.5 10.0.9.9 41001 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.9.9 egress - vpc_endpoint - -
-- 11 111122223333 eni-1 10.0.9.9 10.0.1.5 443 41001 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.9.9 10.0.1.5 ingress - vpc_endpoint - -
-- 11 111122223333 eni-1 10.0.1.5 52.218.0.1 41002 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 52.218.0.1 egress - - - S3
-- 11 111122223333 eni-1 52.218.0.1 10.0.1.5 443 41002 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 52.218.0.1 10.0.1.5 ingress - - S3 -
-- 11 111122223333 eni-1 52.218.0.1 10.0.1.5 443 41003 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 52.218.0.1 10.0.1.5 ingress - - S3 -
-- '''
-- [[test.rows]]
-- interface_id = "eni-9"
-- subnet_id = "subnet-9"
-- destination = "vpc_endpoint"
-- flow_direction = "egress"
-- records = 2
-- packets = 6
-- [[test.rows]]
-- interface_id = "eni-1"
-- destination = "vpc_endpoint"
-- flow_direction = "ingress"
-- records = 1
-- [[test.rows]]
-- interface_id = "eni-1"
-- destination = "S3"
-- flow_direction = "ingress"
-- records = 2
--
-- [[test]]
-- name   = "before version 11, and without flags: a refused reply of an interface without an instance"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id
-- 3 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 -
-- 3 111122223333 eni-9 10.0.9.9 10.0.1.5 443 41000 6 3 180 1767608400 1767608450 REJECT OK subnet-1 -
-- '''
-- [[test.rows]]
-- interface_id = "eni-9"
-- destination = "managed_interface"
-- records = 1
--
-- [[test]]
-- name   = "replies of others are silent: of one's own web server, of other people's, of CloudFront; late ones, and accepted ones"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-src-aws-service pkt-dst-aws-service
-- 11 111122223333 eni-1 203.0.113.9 10.0.1.5 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.1.5 ingress - - - -
-- 11 111122223333 eni-1 10.0.1.5 203.0.113.9 443 41000 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.1.5 203.0.113.9 egress - - - -
-- 11 111122223333 eni-1 10.0.1.7 10.0.1.5 41001 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.7 10.0.1.5 ingress - - - -
-- 11 111122223333 eni-1 10.0.1.5 10.0.1.7 443 41001 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 10.0.1.5 10.0.1.7 egress - - - -
-- 11 111122223333 eni-1 10.0.1.5 203.0.113.9 41002 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 203.0.113.9 egress - - - -
-- 11 111122223333 eni-1 203.0.113.9 10.0.1.5 443 41002 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 203.0.113.9 10.0.1.5 ingress - - - -
-- 11 111122223333 eni-1 52.84.0.1 10.0.1.5 443 41003 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 18 52.84.0.1 10.0.1.5 ingress - - CLOUDFRONT -
-- 11 111122223333 eni-9 10.0.9.9 10.0.1.5 443 41004 6 1 40 1767608400 1767608450 REJECT OK subnet-1 - 4 10.0.9.9 10.0.1.5 egress vpc_endpoint - - -
-- 11 111122223333 eni-9 10.0.9.9 10.0.1.5 443 41005 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 - 18 10.0.9.9 10.0.1.5 egress vpc_endpoint - - -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "before version 11, and without flags: UDP, which no API speaks, and the last packet of a connection that was accepted both ways are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id
-- 3 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 17 3 180 1767608400 1767608450 REJECT OK subnet-1 -
-- 3 111122223333 eni-9 10.0.1.6 10.0.9.9 41001 443 6 9 900 1767608400 1767608450 ACCEPT OK subnet-1 -
-- 3 111122223333 eni-9 10.0.9.9 10.0.1.6 443 41001 6 9 900 1767608400 1767608450 ACCEPT OK subnet-1 -
-- 3 111122223333 eni-9 10.0.1.6 10.0.9.9 41001 443 6 1 40 1767608400 1767608450 REJECT OK subnet-1 -
-- '''
-- rows   = []
-- ---
WITH rejects AS (
    SELECT
        ts_end, account_id, interface_id, resource_id, subnet_id, instance_id, interface_type, next_hop_interface_type,
        flow_direction, packets, tcp_flags, dstport, src_internal, dst_internal, src_service, dst_service,
        -- What only a network ACL does: the connection was let in or out, and what came back was not.
        coalesce(srcport, -1) = 443 AND (reject_class = 'nacl_reply' OR coalesce((tcp_flags & 18) = 18, FALSE)) AS is_reply
    FROM flow_logs
    WHERE action = 'REJECT'
      AND protocol = 6
      AND (dstport = 443 OR srcport = 443)
      AND reject_class <> 'late_packet'
),
-- From the client's side, whichever way the record went.
attempts AS (
    SELECT
        ts_end, account_id, interface_id, resource_id, subnet_id, instance_id, interface_type, next_hop_interface_type,
        flow_direction, packets,
        CASE WHEN is_reply THEN dst_internal ELSE src_internal END  AS client_internal,
        CASE WHEN is_reply THEN src_internal ELSE dst_internal END  AS server_internal,
        CASE WHEN is_reply THEN src_service ELSE dst_service END    AS service,
        CASE
            WHEN NOT is_reply THEN flow_direction
            WHEN flow_direction = 'egress' THEN 'ingress'
            WHEN flow_direction = 'ingress' THEN 'egress'
        END                                                         AS way
    FROM rejects
    WHERE is_reply
       OR (dstport = 443 AND (tcp_flags IS NULL OR (tcp_flags & 18) = 2))
),
placed AS (
    SELECT
        ts_end, account_id, interface_id, resource_id, subnet_id, flow_direction, packets,
        CASE
            WHEN interface_type = 'vpc_endpoint' AND coalesce(way, 'ingress') = 'ingress' THEN 'vpc_endpoint'
            WHEN next_hop_interface_type = 'vpc_endpoint' AND way = 'egress' THEN 'vpc_endpoint'
            -- Addresses of customers are no API. Who sends from one's own interface may have a global address of IPv6.
            WHEN (client_internal OR way = 'egress') AND NOT server_internal
             AND service NOT IN ('EC2', 'CLOUDFRONT', 'GLOBALACCELERATOR') THEN service
            WHEN client_internal AND server_internal AND interface_type IS NULL AND next_hop_interface_type IS NULL
             AND subnet_id IS NOT NULL AND instance_id IS NULL
             AND coalesce(way, 'ingress') = 'ingress' THEN 'managed_interface'
        END AS destination
    FROM attempts
)
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    coalesce(interface_id, resource_id, 'unknown')  AS interface_id,
    coalesce(subnet_id, 'unknown')                  AS subnet_id,
    destination,
    coalesce(flow_direction, 'unknown')             AS flow_direction,
    count(*)                                        AS records,
    coalesce(sum(packets), 0)                       AS packets
FROM placed
WHERE destination IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6
