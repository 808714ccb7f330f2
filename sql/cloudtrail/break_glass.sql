-- ---
-- name            = "break_glass"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Use of the watched roles, by kind of caller, MFA and outcome."
-- seed            = "Break-glass roles, and their use without MFA"
-- why             = """
-- A role for emergencies is used in emergencies. Each use should have a reason that somebody can
-- name, and a second factor.
-- """
-- false_positives = ["A drill.", "A session that is renewed counts again."]
-- cannot_tell     = """
-- A second factor at an identity provider (single sign-on, SAML) is not in the log: mfa is
-- unknown then, and for a caller that is itself a role. The owner's copy of a cross-account call
-- names neither the person nor the second factor; when it comes before the caller's, both count.
-- Foreign callers who are refused are logged in their account only.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_break_glass_total"
-- type            = "counter"
-- help            = "Attempts to assume a watched role, by role, kind of caller, MFA and outcome."
-- value           = "attempts"
-- labels          = ["role_arn", "principal_kind", "mfa", "outcome"]
-- series_max      = 1000                 # watched roles x kinds of caller x MFA
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "role_arn", "caller_account", "caller", "principal_kind", "mfa", "outcome"]
-- measures        = { attempts = "sum" }
--
-- [[alert]]
-- name     = "TrailflowBreakGlassUsed"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.role_arn }} was assumed {{ $value }} times in an hour ({{ $labels.principal_kind }}, MFA {{ $labels.mfa }}).'
-- expr     = '''
-- sum by (role_arn, principal_kind, mfa) (
--   last_over_time(trailflow_break_glass_total{outcome="success"}[1h])
--   - last_over_time(trailflow_break_glass_total{outcome="success"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_break_glass_total{outcome="success"}[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowbreakglassused"
--
-- [[alert]]
-- name     = "TrailflowBreakGlassWithoutMfa"
-- severity = "critical"
-- for      = "0m"
-- summary  = '{{ $labels.role_arn }} was assumed {{ $value }} times in an hour without MFA ({{ $labels.principal_kind }}).'
-- expr     = '''
-- sum by (role_arn, principal_kind) (
--   last_over_time(trailflow_break_glass_total{outcome="success", mfa="no"}[1h])
--   - last_over_time(trailflow_break_glass_total{outcome="success", mfa="no"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_break_glass_total{outcome="success", mfa="no"}[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowbreakglasswithoutmfa"
--
-- [[test]]
-- name   = "a user with a device, one with an access key alone, one whose session had a device, and a role"
-- reference = { watched_roles = ["arn:aws:iam::111122223333:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass","serialNumber":"arn:aws:iam::111122223333:mfa/jo"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/bo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"bo"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/li","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE1","userName":"li","sessionContext":{"attributes":{"mfaAuthenticated":"true"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:sso","arn":"arn:aws:sts::111122223333:assumed-role/sso/sso","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/sso"},"attributes":{"mfaAuthenticated":"false"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/break-glass"
-- caller_account = "111122223333"
-- caller = "arn:aws:iam::111122223333:user/jo"
-- principal_kind = "iam_user"
-- mfa = "yes"
-- outcome = "success"
-- attempts = 1
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:user/bo"
-- principal_kind = "iam_user"
-- mfa = "no"
-- outcome = "success"
-- attempts = 1
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:user/li"
-- mfa = "yes"
-- outcome = "success"
-- attempts = 1
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/sso"
-- principal_kind = "assumed_role"
-- mfa = "unknown"
-- outcome = "success"
-- attempts = 1
--
-- [[test]]
-- name   = "the owner's copy of a foreign caller, a SAML sign-in and a refused user show no MFA"
-- reference = { watched_roles = ["arn:aws:iam::111122223333:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"777788889999"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML","userIdentity":{"type":"SAMLUser","principalId":"x:jo@example.com","userName":"jo@example.com","identityProvider":"arn:aws:iam::111122223333:saml-provider/idp"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/bo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"bo"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::111122223333:user/bo is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/break-glass","requestParameters":null}
-- '''
-- [[test.rows]]
-- caller_account = "777788889999"
-- caller = "777788889999"
-- principal_kind = "account"
-- mfa = "unknown"
-- outcome = "success"
-- attempts = 1
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:saml-provider/idp"
-- principal_kind = "saml"
-- mfa = "unknown"
-- attempts = 1
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:user/bo"
-- principal_kind = "iam_user"
-- mfa = "unknown"
-- outcome = "failure"
-- attempts = 1
--
-- [[test]]
-- name   = "a role that nobody watches, and a change of the watched one, are silent"
-- reference = { watched_roles = ["arn:aws:iam::111122223333:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"iam.amazonaws.com","eventName":"UpdateAssumeRolePolicy","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"requestParameters":{"roleName":"break-glass"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account: the owner's copy counts only when it comes first, and the caller's always, because it alone tells of MFA"
-- reference = { watched_roles = ["arn:aws:iam::444455556666:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300289","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/break-glass","serialNumber":"arn:aws:iam::111122223333:mfa/jo"},"sharedEventID":"00000000-0000-4000-9000-000000300288"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300290","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/break-glass","serialNumber":"arn:aws:iam::111122223333:mfa/jo"},"sharedEventID":"00000000-0000-4000-9000-000000300288"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300301","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"111122223333"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/break-glass","serialNumber":"arn:aws:iam::111122223333:mfa/jo"},"sharedEventID":"00000000-0000-4000-9000-000000300289"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300302","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/break-glass","serialNumber":"arn:aws:iam::111122223333:mfa/jo"},"sharedEventID":"00000000-0000-4000-9000-000000300289"}
-- '''
-- [[test.rows]]
-- principal_kind = "iam_user"
-- mfa = "yes"
-- attempts = 2
-- [[test.rows]]
-- principal_kind = "account"
-- attempts = 1
--
-- [[test]]
-- name   = "a pipeline's token"
-- reference = { watched_roles = ["arn:aws:iam::111122223333:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000421001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/app:ref:refs/heads/main","userName":"repo:org/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/break-glass"},"responseElements":null}
-- '''
-- [[test.rows]]
-- caller = "repo:org/app:ref:refs/heads/main"
-- principal_kind = "federation"
-- mfa = "unknown"
-- attempts = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- reference = { watched_roles = ["arn:aws:iam::111122223333:role/break-glass"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980007","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/bo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"bo"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::111122223333:user/bo is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/break-glass","requestParameters":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/bo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"bo"},"eventID":"00000000-0000-4000-8000-000000980008","sharedEventID":"00000000-0000-4000-9000-000000980009","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::111122223333:user/bo is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/break-glass"}
-- '''
-- [[test.rows]]
-- outcome = "failure"
-- attempts = 1
-- ---
WITH attempts AS (
    SELECT
        event_time,
        target_role_arn,
        user_account_id,
        coalesce(role_arn, principal, 'unknown')                                AS caller,
        identity_type,
        k8s_sa,
        error_code_norm IS NULL                                                 AS succeeded,
        mfa_authenticated,
        request_parameters->>'serialNumber'                                     AS mfa_device
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name IN ('AssumeRole', 'AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML')
      AND target_role_arn IN (SELECT watched_roles.role_arn FROM watched_roles)
      -- The owner's copy of a call whose caller's copy was seen. The other way round both count,
      -- because only the caller's copy tells about MFA.
      AND NOT (identity_type = 'AWSAccount' AND coalesce(shared_event_seen, FALSE))
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    target_role_arn                                             AS role_arn,
    coalesce(user_account_id, 'unknown')                        AS caller_account,
    caller,
    CASE identity_type
        WHEN 'AWSService' THEN 'service' WHEN 'AWSAccount' THEN 'account'
        WHEN 'AssumedRole' THEN 'assumed_role' WHEN 'IAMUser' THEN 'iam_user'
        WHEN 'Root' THEN 'root' WHEN 'SAMLUser' THEN 'saml'
        WHEN 'WebIdentityUser' THEN CASE WHEN k8s_sa IS NULL THEN 'federation' ELSE 'web_identity' END
        ELSE 'other'
    END                                                         AS principal_kind,
    CASE
        WHEN mfa_authenticated OR (succeeded AND mfa_device IS NOT NULL) THEN 'yes'
        -- Only of users in IAM is it certain that no identity provider asked for it.
        WHEN succeeded AND identity_type IN ('IAMUser', 'Root') THEN 'no'
        ELSE 'unknown'
    END                                                         AS mfa,
    CASE WHEN succeeded THEN 'success' ELSE 'failure' END       AS outcome,
    count(*)                                                    AS attempts
FROM attempts
GROUP BY 1, 2, 3, 4, 5, 6, 7
