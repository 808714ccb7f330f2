-- ---
-- name            = "sts_global_endpoint"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls of workloads to the global STS endpoint, by caller, SDK and region that served them."
-- seed            = "Use of the global STS endpoint where a regional one would do"
-- why             = """
-- A workload that asks sts.amazonaws.com depends on one more region than it runs in, or on AWS
-- serving the global name locally. The fix is a newer SDK, or AWS_STS_REGIONAL_ENDPOINTS.
-- """
-- false_positives = ["People who work with a role's credentials from a laptop.", "Roles with a new name for each deployment are new each time."]
-- cannot_tell     = """
-- Records from before 2025 have no endpoint type: the host that the client asked for decides
-- then, and without it the call is not counted. The serving region is unknown for them.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_sts_global_endpoint_total"
-- type            = "counter"
-- help            = "STS calls of roles and web identities to the global endpoint, by caller, SDK and region that served the call."
-- value           = "calls"
-- labels          = ["caller", "sdk_family", "region"]
-- series_max      = 2000                 # callers x SDKs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "caller", "sdk_family", "region", "api"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowStsGlobalEndpoint"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.caller }} began to use the global STS endpoint ({{ $labels.sdk_family }}): {{ $value }} calls in a day, none in the 7 days before.'
-- expr     = '''
-- sum by (caller, sdk_family) (
--   last_over_time(trailflow_sts_global_endpoint_total{caller!="other"}[1d])
--   - last_over_time(trailflow_sts_global_endpoint_total{caller!="other"}[1h] offset 1d) >= 0
--   or last_over_time(trailflow_sts_global_endpoint_total{caller!="other"}[1d])
-- ) >= 20
-- unless sum by (caller, sdk_family) (
--   increase(trailflow_sts_global_endpoint_total[7d] offset 1d) > 0
--   or (min_over_time(trailflow_sts_global_endpoint_total[7d] offset 1d) unless last_over_time(trailflow_sts_global_endpoint_total[1h] offset 8d))
-- )
-- and on () count(last_over_time(trailflow_newest_event_timestamp_seconds{table="cloudtrail"}[1d] offset 8d)) > 0
-- '''
-- runbook  = "trailflowstsglobalendpoint"
--
-- [[test]]
-- name   = "an old SDK in a pod, and a role whose record names the host only"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"userAgent":"aws-sdk-java/1.11.0 Linux/5.10","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"},"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"Boto3/1.9 Python/3.7","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts-global.eu-west-1.amazonaws.com"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller = "system:serviceaccount:shop:cart"
-- sdk_family = "aws-sdk-java"
-- region = "eu-west-1"
-- api = "AssumeRoleWithWebIdentity"
-- calls = 1
-- [[test.rows]]
-- caller_account = "111122223333"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- sdk_family = "boto3"
-- region = "unknown"
-- calls = 1
--
-- [[test]]
-- name   = "the regional endpoint of us-east-1, a user at a desk, an AWS service and a record without a host are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts.us-east-1.amazonaws.com"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"tlsDetails":{"clientProvidedHostHeader":"sts.amazonaws.com"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}},"invokedBy":"cloudformation.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "of a call into another account the caller's copy counts, though the owner's comes first; us-east-1 by its own endpoint, as record and host say, is silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000310013","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"userAgent":"Boto3/1.9 Python/3.7","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts-global.eu-west-1.amazonaws.com"},"sharedEventID":"00000000-0000-4000-9000-000000310901"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310014","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"Boto3/1.9 Python/3.7","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts-global.eu-west-1.amazonaws.com"},"sharedEventID":"00000000-0000-4000-9000-000000310901"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310015","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"Boto3/1.9 Python/3.7","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts.us-east-1.amazonaws.com"},"additionalEventData":{"RequestDetails":{"endpointType":"regional","awsServingRegion":"us-east-1"}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310016","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"Boto3/1.9 Python/3.7","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"tlsDetails":{"clientProvidedHostHeader":"sts.us-east-1.amazonaws.com"}}
-- '''
-- [[test.rows]]
-- caller_account = "111122223333"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- sdk_family = "boto3"
-- calls = 1
--
-- [[test]]
-- name   = "a foreign token counts under its provider, whoever bears it; a service account under its own name"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430007","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:ref:refs/heads/main","userName":"repo:org/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430008","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:pull_request","userName":"repo:org/app:pull_request","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430009","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
-- calls = 2
-- [[test.rows]]
-- caller = "system:serviceaccount:shop:cart"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980065","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"userAgent":"aws-sdk-java/1.11.0 Linux/5.10","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"},"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventID":"00000000-0000-4000-8000-000000980066","sharedEventID":"00000000-0000-4000-9000-000000980067","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}}
-- '''
-- [[test.rows]]
-- api = "AssumeRoleWithWebIdentity"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS caller_account,
    CASE
        -- The subject of a foreign token may be a person; a service account is none.
        WHEN identity_type = 'WebIdentityUser' AND k8s_sa IS NULL THEN coalesce(identity_provider, 'unknown')
        ELSE coalesce(role_arn, principal, 'unknown')
    END                                                         AS caller,
    coalesce(ua_family, 'unknown')                              AS sdk_family,
    coalesce(sts_serving_region, 'unknown')                     AS region,
    coalesce(event_name, 'unknown')                             AS api,
    count(*)                                                    AS calls
FROM cloudtrail
WHERE event_source = 'sts.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND sts_endpoint = 'global'
  -- Workloads, in the caller's copy: the owner's is of type AWSAccount. What an AWS service
  -- does on a role's behalf cannot be moved.
  AND identity_type IN ('AssumedRole', 'Role', 'WebIdentityUser')
  AND invoked_by IS NULL
GROUP BY 1, 2, 3, 4, 5, 6
