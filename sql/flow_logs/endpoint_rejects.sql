-- ---
-- name            = "endpoint_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected connections to AWS's own APIs: at VPC endpoints, and on the way to public ones."
-- seed            = "Missing VPC endpoint reachability"
-- why             = """
-- A subnet that cannot reach STS, ECR or S3 starts no pod: nodes do not join, images are not
-- pulled, and the SDK reports a timeout that names no firewall.
-- """
-- false_positives = ["A subnet that is meant to have no way to AWS."]
-- cannot_tell     = """
-- Which API it was: an endpoint's interface serves one, but the log does not name it. Without
-- the fields of version 11 an endpoint looks like any interface that AWS manages, a load
-- balancer's too: destination is managed_interface then, and not alerted. A missing route
-- leaves no reject at all, and DNS to the Amazon resolver is never logged.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_endpoint_rejects_total"
-- type            = "counter"
-- help            = "Rejected connections to AWS's APIs on port 443 by interface, subnet and destination, a service or a class."
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
-- summary  = '{{ $labels.interface_id }} in {{ $labels.subnet_id }}: {{ $value }} connections to {{ $labels.destination }} on port 443 rejected in 15 minutes.'
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
-- name   = "late packets, other ports, an instance's own 443, other people's servers, a NAT gateway"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction interface-type next-hop-interface-type pkt-dst-aws-service
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 1 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.9 ingress - - -
-- 5 111122223333 eni-1 10.0.1.5 52.1.2.3 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 52.1.2.3 egress - - EC2
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress - - -
-- 5 111122223333 eni-8 10.0.1.5 10.0.8.8 41000 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 - 2 10.0.1.5 10.0.8.8 ingress nat_gateway - -
-- 5 111122223333 eni-9 10.0.1.5 10.0.9.9 41000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 - 2 10.0.1.5 10.0.9.9 ingress vpc_endpoint - -
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
-- ---
WITH attempts AS (
    SELECT
        ts_end, account_id, interface_id, resource_id, subnet_id, flow_direction, packets,
        CASE
            WHEN interface_type = 'vpc_endpoint' AND coalesce(flow_direction, 'ingress') = 'ingress' THEN 'vpc_endpoint'
            WHEN next_hop_interface_type = 'vpc_endpoint' AND flow_direction = 'egress' THEN 'vpc_endpoint'
            -- Addresses of customers are no API. Who sends from one's own interface may have a global address of IPv6.
            WHEN (src_internal OR flow_direction = 'egress') AND NOT dst_internal
             AND dst_service NOT IN ('EC2', 'CLOUDFRONT', 'GLOBALACCELERATOR') THEN dst_service
            WHEN src_internal AND dst_internal AND interface_type IS NULL AND next_hop_interface_type IS NULL
             AND subnet_id IS NOT NULL AND instance_id IS NULL
             AND coalesce(flow_direction, 'ingress') = 'ingress' THEN 'managed_interface'
        END AS destination
    FROM flow_logs
    WHERE action = 'REJECT'
      AND dstport = 443
      AND protocol = 6
      AND reject_class <> 'late_packet'
      AND (tcp_flags IS NULL OR (tcp_flags & 18) = 2)
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
FROM attempts
WHERE destination IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6
