-- ---
-- name            = "aws_service_bytes"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Bytes that instances send to public addresses of AWS's services, by subnet, service and way."
-- seed            = "What goes to S3 by way of NAT?"
-- why             = """
-- A NAT gateway takes some cents for each gigabyte that passes, in both directions. To S3, where ECR keeps its
-- layers too, and to DynamoDB a gateway endpoint carries it for nothing. A route table that
-- was never told of the endpoint, or lost it, shows here, before the bill does.
-- """
-- false_positives = ["Buckets and tables of another region: a gateway endpoint carries its own region's traffic alone.", "A way through a firewall that is wanted."]
-- cannot_tell     = """
-- What comes back, and that is mostly more: of downloads only the acknowledgements count, a few hundredths of
-- what was loaded. Path 1 is a NAT gateway, a transit gateway or an appliance in the VPC; the log does not
-- say which (nat_or_appliance). Without pkt-dst-aws-service in the log's format nothing counts, without
-- traffic-path the way is unknown. Pods of Fargate, functions and load balancers are no instances. Where two
-- flow logs cover one resource (a VPC and its subnet), AWS writes every flow twice, and it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_aws_service_bytes_total"
-- type            = "counter"
-- help            = "Bytes that instances send to public addresses of AWS's services, by account, subnet, service and way."
-- value           = "bytes"
-- labels          = ["account_id", "subnet_id", "service", "way"]
-- series_max      = 2000                 # subnets x services x ways
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "subnet_id", "service", "way"]
-- measures        = { records = "sum", packets = "sum", bytes = "sum" }
--
-- [[alert]]
-- name     = "TrailflowGatewayEndpointBypassed"
-- severity = "info"
-- for      = "1h"
-- summary  = '{{ $labels.subnet_id }} in {{ $labels.account_id }}: {{ $value | humanize1024 }}B sent to {{ $labels.service }} through a NAT gateway or an appliance in an hour, and nothing by a gateway endpoint.'
-- expr     = '''
-- sum by (account_id, subnet_id, service) (
--   last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way="nat_or_appliance"}[1h])
--   - last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way="nat_or_appliance"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way="nat_or_appliance"}[1h])
-- ) >= 1e8
-- unless
-- sum by (account_id, subnet_id, service) (
--   last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way=~".*gateway_.*endpoint"}[1h])
--   - last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way=~".*gateway_.*endpoint"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_aws_service_bytes_total{service=~"S3|DYNAMODB", way=~".*gateway_.*endpoint"}[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowgatewayendpointbypassed"
--
-- [[test]]
-- name   = "S3 through NAT, of a node and of a pod on it, and by the gateway endpoint; DynamoDB by the internet gateway; a service without a path"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service subnet-id instance-id interface-type
-- 11 111122223333 eni-1 10.0.1.5 52.218.1.1 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 52.218.1.1 - S3 subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 52.218.1.1 41001 443 6 5 100 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.77 52.218.1.1 - S3 subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-2 10.0.2.6 52.218.1.1 41000 443 6 10 800 1767608400 1767608450 ACCEPT OK egress 7 10.0.2.6 52.218.1.1 - S3 subnet-2 i-0123456789abcdef1 -
-- 11 111122223333 eni-3 10.0.3.7 52.94.5.9 41000 443 6 10 700 1767608400 1767608450 ACCEPT OK egress 8 10.0.3.7 52.94.5.9 - DYNAMODB subnet-3 i-0123456789abcdef0 -
-- 11 111122223333 eni-3 10.0.3.7 52.94.5.9 41002 443 6 10 600 1767608400 1767608450 ACCEPT OK egress 2 10.0.3.7 52.94.5.9 - AMAZON subnet-3 i-0123456789abcdef0 -
-- 11 111122223333 eni-3 10.0.3.7 52.94.5.9 41003 443 6 10 500 1767608400 1767608450 ACCEPT OK egress - 10.0.3.7 52.94.5.9 - AMAZON subnet-3 i-0123456789abcdef0 -
-- 11 111122223333 eni-3 10.0.3.7 52.94.5.9 41004 443 6 10 400 1767608400 1767608450 ACCEPT OK egress 3 10.0.3.7 52.94.5.9 - AMAZON subnet-3 i-0123456789abcdef0 -
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- subnet_id = "subnet-1"
-- service = "S3"
-- way = "nat_or_appliance"
-- records = 2
-- packets = 15
-- bytes = 1000
-- [[test.rows]]
-- subnet_id = "subnet-2"
-- service = "S3"
-- way = "gateway_endpoint"
-- bytes = 800
-- [[test.rows]]
-- subnet_id = "subnet-3"
-- service = "DYNAMODB"
-- way = "internet_gateway"
-- bytes = 700
-- [[test.rows]]
-- service = "AMAZON"
-- way = "internet_gateway_or_endpoint"
-- bytes = 600
-- [[test.rows]]
-- service = "AMAZON"
-- way = "unknown"
-- bytes = 500
-- [[test.rows]]
-- service = "AMAZON"
-- way = "other"
-- bytes = 400
--
-- [[test]]
-- name   = "the NAT gateway itself, what an appliance is handed, what comes back, what is rejected, what is no service, and customers' addresses are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction traffic-path pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service subnet-id instance-id interface-type
-- 11 111122223333 eni-9 10.0.9.9 52.218.1.1 1024 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 8 10.0.9.9 52.218.1.1 - S3 subnet-9 - nat_gateway
-- 11 111122223333 eni-1 52.218.1.1 10.0.1.5 443 41000 6 10 90000 1767608400 1767608450 ACCEPT OK ingress - 52.218.1.1 10.0.1.5 S3 - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 52.218.1.1 41000 443 6 3 180 1767608400 1767608450 REJECT OK egress 1 10.0.1.5 52.218.1.1 - S3 subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 10.0.2.6 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 1 10.0.1.5 10.0.2.6 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 198.51.100.7 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 8 10.0.1.5 198.51.100.7 - - subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 52.51.1.1 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 8 10.0.1.5 52.51.1.1 - EC2 subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-1 10.0.1.5 52.84.1.1 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK egress 8 10.0.1.5 52.84.1.1 - CLOUDFRONT subnet-1 i-0123456789abcdef0 -
-- 11 111122223333 eni-8 10.0.1.5 10.0.8.8 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK ingress - 10.0.1.5 52.218.1.1 - S3 subnet-8 i-0123456789abcdef8 -
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the default format names no service; skipped intervals carry nothing"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 10.0.1.5 52.218.1.1 41000 443 6 10 900 1767608400 1767608450 ACCEPT OK
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA
-- '''
-- rows   = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)  AS window_start,
    coalesce(account_id, 'unknown')         AS account_id,
    coalesce(subnet_id, 'unknown')          AS subnet_id,
    dst_service                             AS service,
    CASE
        WHEN traffic_path = 1 THEN 'nat_or_appliance'
        WHEN traffic_path = 2 THEN 'internet_gateway_or_endpoint'
        WHEN traffic_path = 7 THEN 'gateway_endpoint'
        WHEN traffic_path = 8 THEN 'internet_gateway'
        WHEN traffic_path IS NULL THEN 'unknown'
        ELSE 'other'
    END                                     AS way,
    count(*)                                AS records,
    coalesce(sum(packets), 0)               AS packets,
    coalesce(sum(bytes), 0)                 AS bytes
FROM flow_logs
WHERE action = 'ACCEPT'
  AND flow_direction = 'egress'
  AND dst_service IS NOT NULL
  -- Addresses of customers are no service.
  AND dst_service NOT IN ('EC2', 'CLOUDFRONT', 'GLOBALACCELERATOR')
  -- What a NAT gateway passes on was an instance's before.
  AND instance_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
