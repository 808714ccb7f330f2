-- ---
-- name            = "sts_throttles"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Throttled STS calls by caller, region and API."
-- seed            = "STS throttling"
-- why             = """
-- STS limits calls by account and region. Whoever asks for new credentials on every request
-- uses up what all others of the account need to renew theirs.
-- """
-- false_positives = ["A burst that the SDK's retries absorb."]
-- cannot_tell     = """
-- A throttled record has no parameters: the role that was asked for is not known. Throttles of
-- web identities may not be logged, and CloudTrail need not record every other one: the count
-- is a lower bound.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_sts_throttles_total"
-- type            = "counter"
-- help            = "Throttled STS calls by caller, region and API."
-- value           = "throttles"
-- labels          = ["caller", "region", "api"]
-- series_max      = 2000                 # callers x regions x APIs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "caller", "region", "api", "endpoint"]
-- measures        = { throttles = "sum" }
--
-- [[alert]]
-- name     = "TrailflowStsThrottled"
-- severity = "warning"
-- for      = "5m"
-- summary  = 'STS throttled {{ $labels.caller }} in {{ $labels.region }} at least {{ $value }} times in 15 minutes ({{ $labels.api }}).'
-- expr     = '''
-- sum by (caller, region, api) (
--   last_over_time(trailflow_sts_throttles_total[15m])
--   - last_over_time(trailflow_sts_throttles_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_sts_throttles_total[15m])
-- ) >= 10
-- '''
-- runbook  = "trailflowststhrottled"
--
-- [[test]]
-- name   = "a role and a user; the session's name is no part of the caller"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-2","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-2","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/deployer","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"deployer"},"errorCode":"Throttling","errorMessage":"Rate exceeded","tlsDetails":{"clientProvidedHostHeader":"sts.amazonaws.com"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller_account = "111122223333"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- region = "eu-west-1"
-- api = "AssumeRole"
-- endpoint = "unknown"
-- throttles = 2
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:user/deployer"
-- region = "us-east-1"
-- api = "GetCallerIdentity"
-- endpoint = "global"
-- throttles = 1
--
-- [[test]]
-- name   = "an unknown code that says so is a throttle too"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Busy","errorMessage":"Rate exceeded","requestParameters":null}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/ci"
-- throttles = 1
--
-- [[test]]
-- name   = "a denial, a success and a throttle of another service are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deploy"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"iam.amazonaws.com","eventName":"GetRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a foreign token counts under its provider, whoever bears it; a service account under its own name"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:ref:refs/heads/main","userName":"repo:org/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:pull_request","userName":"repo:org/app:pull_request","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
-- throttles = 2
-- [[test.rows]]
-- caller = "system:serviceaccount:shop:cart"
-- throttles = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980071","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980072","sharedEventID":"00000000-0000-4000-9000-000000980073","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- '''
-- [[test.rows]]
-- api = "AssumeRole"
-- throttles = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS caller_account,
    CASE
        -- The subject of a foreign token may be a person; a service account is none.
        WHEN identity_type = 'WebIdentityUser' AND k8s_sa IS NULL THEN coalesce(identity_provider, 'unknown')
        ELSE coalesce(role_arn, principal, 'unknown')
    END                                                         AS caller,
    coalesce(region, 'unknown')                                 AS region,
    coalesce(event_name, 'unknown')                             AS api,
    coalesce(sts_endpoint, 'unknown')                           AS endpoint,
    count(*)                                                    AS throttles
FROM cloudtrail
WHERE event_source = 'sts.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND throttle_class = 'throttle'
GROUP BY 1, 2, 3, 4, 5, 6
