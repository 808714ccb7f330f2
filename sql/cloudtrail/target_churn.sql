-- ---
-- name            = "target_churn"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Targets that were registered with and taken off load balancers, by account, region, target group and caller."
-- seed            = "NLB unhealthy targets matching upgrade windows"
-- why             = """
-- A target that comes and goes all the time is a pod that fails its readiness probe, or two
-- controllers that disagree. Clients see resets and 5xx while each target drains.
-- """
-- false_positives = ["A deployment, a node upgrade, or autoscaling: busy for a while, then quiet."]
-- cannot_tell     = """
-- Whether a target is healthy: changes of health are no API calls. Instances that an auto
-- scaling group registers on its own are not logged as RegisterTargets by everybody. Which pod
-- an address belonged to.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_target_changes_total"
-- type            = "counter"
-- help            = "Targets registered with and taken off load balancers, by account, region, target group, API and caller."
-- value           = "targets"
-- labels          = ["account_id", "region", "target_group", "api", "caller"]
-- series_max      = 2000                 # target groups x two APIs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "target_group", "api", "caller"]
-- measures        = { calls = "sum", targets = "sum" }
--
-- [[alert]]
-- name     = "TrailflowTargetChurn"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.target_group }} in {{ $labels.account_id }} {{ $labels.region }}: targets have come and gone in every half hour of the last 3 hours, at least {{ $value | humanize }} each.'
-- expr     = '''
-- min_over_time((sum by (account_id, region, target_group) (increase(trailflow_target_changes_total{api=~"Deregister.*"}[30m])))[3h:30m]) >= 5
-- and count_over_time((sum by (account_id, region, target_group) (increase(trailflow_target_changes_total{api=~"Deregister.*"}[30m])))[3h:30m]) >= 6
-- and sum by (account_id, region, target_group) (increase(trailflow_target_changes_total{api=~"Register.*"}[3h])) >= 30
-- '''
-- runbook  = "trailflowtargetchurn"
--
-- [[test]]
-- name   = "three targets in one call, one off, and a classic load balancer"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","targets":[{"id":"10.0.1.5","port":8080},{"id":"10.0.1.6","port":8080},{"id":"10.0.1.7","port":8080}]},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeregisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","targets":[{"id":"10.0.1.5","port":8080}]},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterInstancesWithLoadBalancer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"loadBalancerName":"old","instances":[{"instanceId":"i-0123456789abcdef0"},{"instanceId":"i-0123456789abcdef1"}]},"responseElements":{}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef"
-- api = "RegisterTargets"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- calls = 1
-- targets = 3
-- [[test.rows]]
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef"
-- api = "DeregisterTargets"
-- calls = 1
-- targets = 1
-- [[test.rows]]
-- target_group = "old"
-- api = "RegisterInstancesWithLoadBalancer"
-- calls = 1
-- targets = 2
--
-- [[test]]
-- name   = "classic load balancers of one name, each in its account and region"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520001","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeregisterInstancesFromLoadBalancer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"loadBalancerName":"web","instances":[{"instanceId":"i-0123456789abcdef0"}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520002","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeregisterInstancesFromLoadBalancer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"loadBalancerName":"web","instances":[{"instanceId":"i-0123456789abcdef0"}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000520003","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeregisterInstancesFromLoadBalancer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::444455556666:assumed-role/ci/ci","accountId":"444455556666","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::444455556666:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"loadBalancerName":"web","instances":[{"instanceId":"i-0123456789abcdef0"}]},"responseElements":{}}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- region = "eu-west-1"
-- target_group = "web"
-- targets = 1
-- [[test.rows]]
-- account_id = "111122223333"
-- region = "us-east-1"
-- target_group = "web"
-- targets = 1
-- [[test.rows]]
-- account_id = "444455556666"
-- region = "eu-west-1"
-- target_group = "web"
-- targets = 1
--
-- [[test]]
-- name   = "a throttled call, a refused one, the reading of health and another service's targets are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Throttling","errorMessage":"Rate exceeded","requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeregisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"AccessDenied","errorMessage":"User: x is not authorized to perform: elasticloadbalancing:DeregisterTargets","requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","targets":[{"id":"10.0.1.5"}]},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980211","eventSource":"vpc-lattice.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"targetGroupIdentifier":"tg-0123456789abcdef0","targets":[{"id":"10.0.1.5","port":8080}]},"responseElements":{"successful":[{"id":"10.0.1.5","port":8080}],"unsuccessful":[]}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980074","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","targets":[{"id":"10.0.1.5","port":8080},{"id":"10.0.1.6","port":8080},{"id":"10.0.1.7","port":8080}]},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980075","sharedEventID":"00000000-0000-4000-9000-000000980076","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "RegisterTargets"
-- calls = 1
-- targets = 3
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)              AS window_start,
    coalesce(recipient_account_id, 'unknown')               AS account_id,
    coalesce(region, 'unknown')                             AS region,
    coalesce(json_get_str(request_parameters, 'targetGroupArn'),
             json_get_str(request_parameters, 'loadBalancerName'), 'unknown') AS target_group,
    event_name                                              AS api,
    coalesce(role_arn, principal, 'unknown')                AS caller,
    count(*)                                                AS calls,
    sum(CAST(coalesce(json_length(request_parameters, 'targets'),
                      json_length(request_parameters, 'instances'), 1) AS BIGINT)) AS targets
FROM cloudtrail
WHERE event_source = 'elasticloadbalancing.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND event_name IN ('RegisterTargets', 'DeregisterTargets',
                     'RegisterInstancesWithLoadBalancer', 'DeregisterInstancesFromLoadBalancer')
  AND error_code IS NULL
GROUP BY 1, 2, 3, 4, 5, 6
