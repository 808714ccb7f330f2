-- ---
-- name            = "api_throttles"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Throttled calls of every service, by account, service, API, caller and region."
-- seed            = "Throttles of the APIs that controllers and pipelines share"
-- why             = """
-- Most quotas are the account's in a region: one caller in a loop takes them from all.
-- Nodes do not join, targets are not registered, records are not written, and each of them
-- says only "Rate exceeded". The loudest caller is the first to look at.
-- """
-- false_positives = ["A burst that the SDK's retries absorb."]
-- cannot_tell     = """
-- CloudTrail need not record every throttled call: the count is a lower bound. A throttled
-- record has no parameters, so the resource is unknown. LimitExceeded is left out: it means
-- a quota of things as often as a rate. Who is throttled need not be who is loud. A call into another
-- account counts once, so that the account's figure is right: its caller is an account's number and no
-- role when the owner's copy is read first. A CreateFleet (Karpenter) whose launches were throttled is a
-- success with errors in its reply: they are in launch_failures.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_api_throttles_total"
-- type            = "counter"
-- help            = "Throttled calls by account of the caller, service, API, caller and region."
-- value           = "throttles"
-- labels          = ["account_id", "service", "api", "caller", "region"]
-- series_max      = 2000                 # callers x APIs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "service", "api", "caller", "region", "error_code", "ua_family"]
-- measures        = { throttles = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowApiThrottled"
-- severity = "warning"
-- for      = "10m"
-- summary  = 'Account {{ $labels.account_id }} in {{ $labels.region }}: {{ $labels.service }} throttled at least {{ $value }} calls in 15 minutes.'
-- expr     = '''
-- sum by (account_id, service, region) (
--   last_over_time(trailflow_api_throttles_total{service!~"kms|sts|route53"}[15m])
--   - last_over_time(trailflow_api_throttles_total{service!~"kms|sts|route53"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_api_throttles_total{service!~"kms|sts|route53"}[15m])
-- ) >= 50
-- '''
-- runbook  = "trailflowapithrottled"
--
-- [[test]]
-- name   = "each service's own word for it, and an unknown word with the known message"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206001","eventSource":"ssm.amazonaws.com","eventName":"DeleteParameter","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/dev","accountId":"111122223333","userName":"dev"},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206002","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded."}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206003","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"PriorRequestNotComplete","errorMessage":"The request was rejected because Route 53 was still processing a prior request."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206004","eventSource":"autoscaling.amazonaws.com","eventName":"DescribeAutoScalingGroups","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"SomethingNew","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206005","eventSource":"autoscaling.amazonaws.com","eventName":"DescribeAutoScalingGroups","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"SomethingNew","errorMessage":"Rate exceeded"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- service = "ssm"
-- api = "DeleteParameter"
-- caller = "arn:aws:iam::111122223333:user/dev"
-- region = "eu-west-1"
-- error_code = "throttling"
-- ua_family = "unknown"
-- throttles = 1
-- [[test.rows]]
-- service = "ec2"
-- api = "DescribeInstances"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- error_code = "requestlimitexceeded"
-- throttles = 1
-- [[test.rows]]
-- service = "route53"
-- region = "us-east-1"
-- error_code = "priorrequestnotcomplete"
-- throttles = 1
-- [[test.rows]]
-- service = "autoscaling"
-- error_code = "somethingnew"
-- throttles = 2
--
-- [[test]]
-- name   = "quotas of things, lack of capacity, denies and successes are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206006","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceededException","errorMessage":"Cannot exceed quota for RolesPerAccount: 1000"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206007","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.VcpuLimitExceeded","errorMessage":"You have requested more vCPU capacity than your current vCPU limit allows"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206008","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.InstanceLimitExceeded","errorMessage":"Your quota allows for 0 more running instance(s)."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206009","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Server.InsufficientInstanceCapacity","errorMessage":"There is no capacity"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206010","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206011","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300169","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300168"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300170","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300168"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300181","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300169"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300182","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300169"}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/ci"
-- service = "kms"
-- throttles = 1
-- [[test.rows]]
-- caller = "111122223333"
-- service = "kms"
-- throttles = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980001","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded."}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980002","sharedEventID":"00000000-0000-4000-9000-000000980003","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded."}
-- '''
-- [[test.rows]]
-- service = "ec2"
-- throttles = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(split_part(event_source, '.', 1), 'unknown')       AS service,
    coalesce(event_name, 'unknown')                             AS api,
    CASE
        -- The subject of a foreign token may be a person; a service account is none.
        WHEN identity_type = 'WebIdentityUser' AND k8s_sa IS NULL THEN coalesce(identity_provider, 'unknown')
        ELSE coalesce(role_arn, principal, 'unknown')
    END                                                         AS caller,
    coalesce(region, 'unknown')                                 AS region,
    coalesce(error_code_norm, 'unknown')                        AS error_code,
    coalesce(ua_family, 'unknown')                              AS ua_family,
    count(*)                                                    AS throttles
FROM cloudtrail
WHERE throttle_class = 'throttle'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND NOT coalesce(shared_event_seen, FALSE)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
