-- ---
-- name            = "spot_interruptions"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Spot instances that EC2 took back, by account and region."
-- seed            = "Did the nodes go by themselves?"
-- why             = """
-- Nodes that vanish without anybody's call: EC2 took its Spot capacity back, two minutes after a warning or
-- without one. One is what Spot is for. Many at once are a pool that ran dry, and pods that find no place.
-- """
-- false_positives = ["A large fleet that uses few kinds of instances, and loses and replaces many at once by design."]
-- cannot_tell     = """
-- Which cluster, node group or pod it was, and whether a node was drained before: the record names the
-- instance alone. It says what is over; the warning of two minutes and the advice to rebalance are not
-- in CloudTrail. An instance that somebody terminates, Karpenter above all when it hears the warning, is taken
-- back by nobody: it does not count.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_spot_interruptions_total"
-- type            = "counter"
-- help            = "Spot instances that EC2 took back, by account and region."
-- value           = "instances"
-- labels          = ["account_id", "region"]
-- series_max      = 1000                 # accounts x regions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "instance_id"]
-- measures        = { instances = "sum" }
--
-- [[alert]]
-- name     = "TrailflowSpotTakenBack"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.account_id }} {{ $labels.region }}: EC2 took {{ $value }} Spot instances back in 15 minutes.'
-- expr     = '''
-- sum by (account_id, region) (
--   last_over_time(trailflow_spot_interruptions_total[15m])
--   - last_over_time(trailflow_spot_interruptions_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_spot_interruptions_total[15m])
-- ) >= 10
-- '''
-- runbook  = "trailflowspottakenback"
--
-- [[test]]
-- name   = "two instances in one record, one of them named again; another account; a record that names none"
-- input  = '''
-- {"eventVersion":"1.11","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910101","eventSource":"ec2.amazonaws.com","eventName":"BidEvictedEvent","userIdentity":{"accountId":"111122223333","invokedBy":"ec2.amazonaws.com"},"eventCategory":"Management","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"instanceIdSet":["i-1","i-2"]}}
-- {"eventVersion":"1.11","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910102","eventSource":"ec2.amazonaws.com","eventName":"BidEvictedEvent","userIdentity":{"accountId":"111122223333","invokedBy":"ec2.amazonaws.com"},"eventCategory":"Management","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"instanceIdSet":["i-1"]}}
-- {"eventVersion":"1.11","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000910103","eventSource":"ec2.amazonaws.com","eventName":"BidEvictedEvent","userIdentity":{"accountId":"444455556666","invokedBy":"ec2.amazonaws.com"},"eventCategory":"Management","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"instanceIdSet":["i-3"]}}
-- {"eventVersion":"1.11","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910104","eventSource":"ec2.amazonaws.com","eventName":"BidEvictedEvent","userIdentity":{"accountId":"111122223333","invokedBy":"ec2.amazonaws.com"},"eventCategory":"Management","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- instance_id = "i-1"
-- instances = 2
-- [[test.rows]]
-- account_id = "111122223333"
-- instance_id = "i-2"
-- instances = 1
-- [[test.rows]]
-- account_id = "444455556666"
-- region = "us-east-1"
-- instance_id = "i-3"
-- instances = 1
-- [[test.rows]]
-- account_id = "111122223333"
-- instance_id = "unknown"
-- instances = 1
--
-- [[test]]
-- name   = "an instance that somebody terminates, a request that is withdrawn, and another event of a service are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910105","eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910106","eventSource":"ec2.amazonaws.com","eventName":"CancelSpotInstanceRequests","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CancelSpotInstanceRequestsRequest":{"SpotInstanceRequestId":{"tag":1,"content":"sir-1"}}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910107","eventSource":"ecr.amazonaws.com","eventName":"PolicyExecutionEvent","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"eventCategory":"Management","eventType":"AwsServiceEvent","serviceEventDetails":{"repositoryName":"shop/cart"}}
-- '''
-- rows   = []
-- ---
WITH taken AS (
    SELECT
        event_time, recipient_account_id, region,
        unnest(coalesce(json_get_array(service_event_details, 'instanceIdSet'), make_array(NULL))) AS instance_id
    FROM cloudtrail
    WHERE event_source = 'ec2.amazonaws.com'
      AND event_name = 'BidEvictedEvent'
      -- The owner's second record of a call by its endpoint: this is no call, and one that says so is no reclaim.
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)           AS window_start,
    coalesce(recipient_account_id, 'unknown')            AS account_id,
    coalesce(region, 'unknown')                          AS region,
    coalesce(trim(BOTH '"' FROM instance_id), 'unknown') AS instance_id,
    count(*)                                             AS instances
FROM taken
GROUP BY 1, 2, 3, 4
