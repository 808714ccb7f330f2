-- ---
-- name            = "sts_region_disabled"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "STS calls refused because STS is not activated in the region."
-- seed            = "Region-restricted STS"
-- why             = """
-- A workload that was moved to a region where the account has not activated STS has no
-- credentials there, and no retry will help.
-- """
-- false_positives = ["A tool that tries all regions."]
-- cannot_tell     = """
-- A region that an organization forbids by a service control policy is an AccessDenied, for web
-- identities without any reason: those count in the denies. Web identity calls to a region that
-- is not activated may not be logged.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_sts_region_disabled_total"
-- type            = "counter"
-- help            = "STS calls refused because STS is not activated in the region, by caller and region."
-- value           = "refusals"
-- labels          = ["caller", "region"]
-- series_max      = 1000                 # callers x regions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "caller", "region", "api"]
-- measures        = { refusals = "sum" }
--
-- [[alert]]
-- name     = "TrailflowStsRegionDisabled"
-- severity = "warning"
-- for      = "0m"
-- summary  = 'STS is not activated in {{ $labels.region }}: {{ $labels.caller }} was refused {{ $value }} times in 30 minutes.'
-- expr     = '''
-- sum by (caller, region) (
--   last_over_time(trailflow_sts_region_disabled_total[30m])
--   - last_over_time(trailflow_sts_region_disabled_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_sts_region_disabled_total[30m])
-- ) >= 3
-- '''
-- runbook  = "trailflowstsregiondisabled"
--
-- [[test]]
-- name   = "a role that works in a region without STS"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."}
-- {"eventVersion":"1.08","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller_account = "111122223333"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- region = "eu-south-2"
-- api = "AssumeRole"
-- refusals = 1
-- [[test.rows]]
-- api = "GetCallerIdentity"
-- refusals = 1
--
-- [[test]]
-- name   = "a region that a service control policy forbids, and a success, are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deploy with an explicit deny in a service control policy"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the code without Exception at its end"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310007","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"RegionDisabled","errorMessage":"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/ci"
-- region = "eu-south-2"
-- api = "AssumeRole"
-- refusals = 1
--
-- [[test]]
-- name   = "a foreign token counts under its provider, whoever bears it; a service account under its own name"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:ref:refs/heads/main","userName":"repo:org/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333."}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430005","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:pull_request","userName":"repo:org/app:pull_request","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333."}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000430006","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":null,"responseElements":null,"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333."}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
-- refusals = 2
-- [[test.rows]]
-- caller = "system:serviceaccount:shop:cart"
-- refusals = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980068","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."}
-- {"eventVersion":"1.09","awsRegion":"eu-south-2","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980069","sharedEventID":"00000000-0000-4000-9000-000000980070","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"RegionDisabledException","errorMessage":"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."}
-- '''
-- [[test.rows]]
-- api = "AssumeRole"
-- refusals = 1
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
    count(*)                                                    AS refusals
FROM cloudtrail
WHERE event_source = 'sts.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND error_code_norm = 'regiondisabled'
GROUP BY 1, 2, 3, 4, 5
