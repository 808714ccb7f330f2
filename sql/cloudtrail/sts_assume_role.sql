-- ---
-- name            = "sts_assume_role"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls of the AssumeRole family, by role, kind of caller and outcome."
-- seed            = "STS AssumeRole success and failure by role ARN"
-- why             = """
-- A role that stops being assumed stops a workload, a pipeline or a person. The
-- failure class says whom to ask: access_denied is a trust or identity policy,
-- throttled is too many calls, region_disabled is an account setting.
-- """
-- false_positives = ["A tool that tries several roles and expects some to be denied."]
-- cannot_tell     = """
-- A denied cross-account call is logged in the caller's account only. Web identity
-- tokens that STS finds not credible (InvalidIdentityToken) are often not logged at
-- all. A throttled call names no role: it counts under unknown. Copies of a cross-account
-- call that two workers ingest within the same seconds count twice. A success counts under the
-- kind account when the owner's copy came first, so successes of that kind are set against the
-- refusals of every kind: where foreign accounts assume a role often, refusals of your own callers
-- are not alerted until they are more.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_sts_assume_role_total"
-- type            = "counter"
-- help            = "Calls of the AssumeRole family by role, API, kind of caller and outcome; both copies of a cross-account call count once."
-- value           = "calls"
-- labels          = ["role_arn", "api", "principal_kind", "outcome", "failure_class"]
-- series_max      = 5000                 # roles x kinds of caller x outcomes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "role_arn", "api", "principal_kind", "outcome", "failure_class", "region"]
-- measures        = { calls = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowAssumeRoleFailing"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.role_arn }}: {{ $value }} failed {{ $labels.api }} calls by {{ $labels.principal_kind }} in 30 minutes, more than succeeded.'
-- expr     = '''
-- sum by (role_arn, api, principal_kind) (
--   last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[30m])
--   - last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[30m])
-- ) >= 5
-- unless (
--   sum by (role_arn, api, principal_kind) (
--     last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind!="service"}[30m])
--     - last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind!="service"}[1h] offset 30m) >= 0
--     or last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind!="service"}[30m])
--     or group by (role_arn, api, principal_kind) (last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!~"service|account", failure_class!="throttled", api="AssumeRole"}[30m])) * on (role_arn, api) group_left () sum by (role_arn, api) (
--       last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind="account", api="AssumeRole"}[30m])
--       - last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind="account", api="AssumeRole"}[1h] offset 30m) >= 0
--       or last_over_time(trailflow_sts_assume_role_total{outcome="success", principal_kind="account", api="AssumeRole"}[30m])
--     )
--   )
--   >=
--   sum by (role_arn, api, principal_kind) (
--     last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[30m])
--     - last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[1h] offset 30m) >= 0
--     or last_over_time(trailflow_sts_assume_role_total{outcome="failure", principal_kind!="service", failure_class!="throttled", role_arn!~"unknown|other"}[30m])
--   )
-- )
-- '''
-- runbook  = "trailflowassumerolefailing"
--
-- [[alert]]
-- name     = "TrailflowWebIdentityStopped"
-- severity = "info"
-- for      = "15m"
-- summary  = '{{ $labels.role_arn }}: no service account has signed in for 3 hours; there were {{ $value | humanize }} sign-ins in the 6 hours before.'
-- expr     = '''
-- sum by (role_arn) (increase(trailflow_sts_assume_role_total{api="AssumeRoleWithWebIdentity", principal_kind="web_identity", outcome="success"}[6h] offset 3h)) >= 4
-- unless sum by (role_arn) (
--   last_over_time(trailflow_sts_assume_role_total{api="AssumeRoleWithWebIdentity", principal_kind="web_identity", outcome="success"}[3h])
--   - last_over_time(trailflow_sts_assume_role_total{api="AssumeRoleWithWebIdentity", principal_kind="web_identity", outcome="success"}[1h] offset 3h) >= 0
--   or last_over_time(trailflow_sts_assume_role_total{api="AssumeRoleWithWebIdentity", principal_kind="web_identity", outcome="success"}[3h])
-- ) > 0
-- and on () sum(increase(trailflow_sts_assume_role_total{outcome="success"}[1h])) > 0
-- '''
-- runbook  = "trailflowwebidentitystopped"
--
-- [[test]]
-- name   = "two calls into another account, each logged in both accounts, count as two; a service's call is apart"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000009101","sharedEventID":"00000000-0000-4000-9000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000009102","sharedEventID":"00000000-0000-4000-9000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000009103","sharedEventID":"00000000-0000-4000-9000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000009104","sharedEventID":"00000000-0000-4000-9000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000009109","sharedEventID":"00000000-0000-4000-9000-000000000009","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"lambda.amazonaws.com"},"sourceIPAddress":"lambda.amazonaws.com","userAgent":"lambda.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lambda"}}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- principal_kind = "assumed_role"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- outcome = "success"
-- principal_kind = "account"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/lambda"
-- principal_kind = "service"
-- calls = 1
--
-- [[test]]
-- name   = "a denied call names its role in the message only"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deploy","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/deploy"
-- principal_kind = "assumed_role"
-- outcome = "failure"
-- failure_class = "access_denied"
-- calls = 1
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/deploy"
-- outcome = "success"
-- failure_class = "none"
-- calls = 1
--
-- [[test]]
-- name   = "a web identity that is denied, one that succeeds, and a throttle without parameters"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- '''
-- [[test.rows]]
-- api = "AssumeRoleWithWebIdentity"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- principal_kind = "web_identity"
-- outcome = "failure"
-- calls = 1
-- [[test.rows]]
-- api = "AssumeRoleWithWebIdentity"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "AssumeRole"
-- role_arn = "unknown"
-- failure_class = "throttled"
-- calls = 1
--
-- [[test]]
-- name   = "other calls of STS are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000400004","sharedEventID":"00000000-0000-4000-9000-000000400004","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- calls = 1
--
-- [[test]]
-- name   = "a token that is no service account's is federation, for one role beside a service account's"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000420001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:ref:refs/heads/main","userName":"repo:org/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000420002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:pull_request","userName":"repo:org/app:pull_request","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000420003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:ci:runner","userName":"system:serviceaccount:ci:runner","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"},"responseElements":null}
-- '''
-- [[test.rows]]
-- principal_kind = "federation"
-- calls = 2
-- [[test.rows]]
-- principal_kind = "web_identity"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)    AS window_start,
    coalesce(target_role_arn, 'unknown')          AS role_arn,
    event_name                                    AS api,
    CASE
        WHEN identity_type = 'AWSService' THEN 'service'
        WHEN identity_type = 'AWSAccount' THEN 'account'
        WHEN identity_type = 'AssumedRole' THEN 'assumed_role'
        WHEN identity_type = 'IAMUser' THEN 'iam_user'
        WHEN identity_type = 'Root' THEN 'root'
        -- A service account of a cluster; other tokens are those of pipelines, applications and people.
        WHEN identity_type = 'WebIdentityUser' AND k8s_sa IS NULL THEN 'federation'
        WHEN identity_type = 'WebIdentityUser' THEN 'web_identity'
        WHEN identity_type = 'SAMLUser' THEN 'saml'
        ELSE 'other'
    END                                           AS principal_kind,
    CASE WHEN error_code_norm IS NULL THEN 'success' ELSE 'failure' END AS outcome,
    CASE
        WHEN error_code_norm IS NULL THEN 'none'
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN error_code_norm = 'accessdenied' THEN 'access_denied'
        WHEN error_code_norm = 'invalididentitytoken' THEN 'invalid_identity_token'
        WHEN error_code_norm = 'expiredtoken' THEN 'expired_token'
        WHEN error_code_norm = 'regiondisabled' THEN 'region_disabled'
        ELSE 'other'
    END                                           AS failure_class,
    coalesce(region, 'unknown')                   AS region,
    count(*)                                      AS calls
FROM cloudtrail
WHERE event_source = 'sts.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND event_name IN ('AssumeRole', 'AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML')
  -- The later copy of a cross-account call: the pair counts once.
  AND NOT coalesce(shared_event_seen, FALSE)
GROUP BY 1, 2, 3, 4, 5, 6, 7
