-- ---
-- name            = "sts_cross_account"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Roles assumed from another account, by both accounts, role and outcome."
-- seed            = "Which accounts assume roles of which other accounts, and which are refused"
-- why             = """
-- A role that another account may assume is a door between the two. Who goes through it
-- is known for years and then changes: a new caller is a new contract, or an intruder.
-- """
-- false_positives = ["A new pipeline, or a vendor's product that was connected on purpose."]
-- cannot_tell     = """
-- A refused foreign caller is logged in the caller's account only: the owner of the role
-- sees its own trail silent. A throttled call names no role and is not counted. Web identity
-- has no calling account. Copies that two workers ingest within the same seconds count twice.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_sts_cross_account_total"
-- type            = "counter"
-- help            = "Roles assumed from another account, by caller's account, role's account, role and outcome."
-- value           = "calls"
-- labels          = ["caller_account", "role_account", "role_arn", "outcome"]
-- series_max      = 5000                 # roles x accounts that may assume them
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "role_account", "role_arn", "outcome", "region"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowNewCrossAccountCaller"
-- severity = "info"
-- for      = "0m"
-- summary  = 'Account {{ $labels.caller_account }} assumed {{ $labels.role_arn }}, for the first time in 7 days.'
-- expr     = '''
-- sum by (caller_account, role_account, role_arn) (
--   last_over_time(trailflow_sts_cross_account_total{outcome="success"}[1h])
--   - last_over_time(trailflow_sts_cross_account_total{outcome="success"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_sts_cross_account_total{outcome="success"}[1h])
-- ) > 0
-- unless sum by (caller_account, role_account, role_arn) (
--   increase(trailflow_sts_cross_account_total{outcome="success"}[7d] offset 1h) > 0
--   or (min_over_time(trailflow_sts_cross_account_total{outcome="success"}[7d] offset 1h) unless last_over_time(trailflow_sts_cross_account_total{outcome="success"}[1h] offset 169h))
-- )
-- and on () count(last_over_time(trailflow_sts_cross_account_total[1d] offset 7d)) > 0
-- '''
-- runbook  = "trailflownewcrossaccountcaller"
--
-- [[test]]
-- name   = "two calls, each logged in both accounts, the caller's copy first and the owner's first: two"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000009101","sharedEventID":"00000000-0000-4000-9000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000009102","sharedEventID":"00000000-0000-4000-9000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000009103","sharedEventID":"00000000-0000-4000-9000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000009104","sharedEventID":"00000000-0000-4000-9000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- calls = 2
--
-- [[test]]
-- name   = "a role of another account: assumed, refused with the role in the message only, and the owner's copy"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/deploy","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:x","accountId":"777788889999"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/audit"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller_account = "111122223333"
-- role_account = "444455556666"
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- outcome = "success"
-- region = "eu-west-1"
-- calls = 1
-- [[test.rows]]
-- caller_account = "111122223333"
-- role_account = "444455556666"
-- role_arn = "arn:aws:iam::444455556666:role/deploy"
-- outcome = "failure"
-- calls = 1
-- [[test.rows]]
-- caller_account = "777788889999"
-- role_account = "111122223333"
-- role_arn = "arn:aws:iam::111122223333:role/audit"
-- outcome = "success"
-- calls = 1
--
-- [[test]]
-- name   = "the own account, an AWS service, a throttle without a role and a web identity are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/node"},"sharedEventID":"00000000-0000-4000-8000-00000000aaaa"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/cart"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980062","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/deploy","requestParameters":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980063","sharedEventID":"00000000-0000-4000-9000-000000980064","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/deploy"}
-- '''
-- [[test.rows]]
-- outcome = "failure"
-- calls = 1
--
-- [[test]]
-- name   = "what was asked for and is no role's ARN is silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980109","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ValidationError","errorMessage":"deploy is invalid","requestParameters":{"roleArn":"deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980110","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ValidationError","errorMessage":"role:aws:iam::444455556666:role/deploy is invalid","requestParameters":{"roleArn":"role:aws:iam::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980111","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ValidationError","errorMessage":"arn:aws:s3::444455556666:role/deploy is invalid","requestParameters":{"roleArn":"arn:aws:s3::444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980112","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ValidationError","errorMessage":"arn:aws:iam:eu-west-1:444455556666:role/deploy is invalid","requestParameters":{"roleArn":"arn:aws:iam:eu-west-1:444455556666:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980113","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ValidationError","errorMessage":"arn:aws:iam::444455556666:user/deploy is invalid","requestParameters":{"roleArn":"arn:aws:iam::444455556666:user/deploy"}}
-- '''
-- rows   = []
-- ---
WITH assumptions AS (
    SELECT
        event_time,
        user_account_id                      AS caller_account,
        split_part(target_role_arn, ':', 5)  AS role_account,
        target_role_arn,
        error_code_norm,
        region
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'AssumeRole'
      AND identity_type <> 'AWSService'
      AND target_role_arn LIKE 'arn:%'
      AND split_part(target_role_arn, ':', 3) = 'iam'
      AND split_part(target_role_arn, ':', 4) = ''
      AND split_part(target_role_arn, ':', 6) LIKE 'role/%'
      -- The later copy of a cross-account call: the pair counts once.
      AND NOT coalesce(shared_event_seen, FALSE)
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                          AS window_start,
    caller_account,
    role_account,
    target_role_arn                                                     AS role_arn,
    CASE WHEN error_code_norm IS NULL THEN 'success' ELSE 'failure' END AS outcome,
    coalesce(region, 'unknown')                                         AS region,
    count(*)                                                            AS calls
FROM assumptions
-- Without the caller's account there is nothing to compare.
WHERE caller_account <> role_account
GROUP BY 1, 2, 3, 4, 5, 6
