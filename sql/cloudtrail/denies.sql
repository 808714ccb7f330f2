-- ---
-- name            = "denies"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Denied calls of every service by account, role, service, kind of policy and kind of deny."
-- seed            = "Access denied by policy type: SCP, RCP, boundary, session, endpoint, trust, resource, identity"
-- why             = """
-- One policy stops a call, and AWS names its kind in the message. Who is denied by which
-- kind is who has to change what: an SCP is the organisation's, a boundary the platform's,
-- an identity policy the role owner's. A role that is denied since today was changed today.
-- """
-- false_positives = ["Scanners and inventories that try what they may not do.", "A log delivery that may write to its bucket and not list it: its HeadBucket is denied, its logs arrive."]
-- cannot_tell     = """
-- When several policies deny, AWS names one. Services without the long message, web
-- identity, and EC2 before 2024 name none: the class is unspecified. Denies of data events
-- are in the trail only when data events are. A foreign account's denied AssumeRole is
-- logged there, not here.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_denies_total"
-- type            = "counter"
-- help            = "Denied calls by account of the caller, role, service, kind of policy that denied, and implicit or explicit."
-- value           = "denies"
-- labels          = ["account_id", "role_arn", "service", "deny_class", "deny_kind"]
-- series_max      = 5000                 # roles x services x classes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "role_arn", "service", "deny_class", "deny_kind", "api", "denied_action", "policy_arn"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowRoleDenied"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.role_arn }}: {{ $labels.service }} denied {{ $value }} calls in 30 minutes; the day before it hardly did.'
-- expr     = '''
-- sum by (account_id, role_arn, service) (
--   last_over_time(trailflow_denies_total{service!~"sts|kms|ecr", role_arn!~"other|.*[.]amazonaws[.]com"}[30m])
--   - last_over_time(trailflow_denies_total{service!~"sts|kms|ecr", role_arn!~"other|.*[.]amazonaws[.]com"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_denies_total{service!~"sts|kms|ecr", role_arn!~"other|.*[.]amazonaws[.]com"}[30m])
-- ) >= 20
-- unless sum by (account_id, role_arn, service) (increase(trailflow_denies_total{service!~"sts|kms|ecr"}[1d] offset 6h)) >= 20
-- '''
-- runbook  = "trailflowroledenied"
--
-- [[alert]]
-- name     = "TrailflowLogDeliveryRefused"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.role_arn }}: S3 refused {{ $value }} calls in 30 minutes in account {{ $labels.account_id }}: logs seem not to reach their bucket.'
-- expr     = '''
-- sum by (account_id, role_arn) (
--   last_over_time(trailflow_denies_total{service="s3", role_arn=~"(delivery[.]logs|cloudtrail|config)[.]amazonaws[.]com"}[30m])
--   - last_over_time(trailflow_denies_total{service="s3", role_arn=~"(delivery[.]logs|cloudtrail|config)[.]amazonaws[.]com"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_denies_total{service="s3", role_arn=~"(delivery[.]logs|cloudtrail|config)[.]amazonaws[.]com"}[30m])
-- ) >= 10
-- '''
-- runbook  = "trailflowlogdeliveryrefused"
--
-- [[test]]
-- name   = "every kind of policy, the one that a message names, and messages that name none"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202001","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202002","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202003","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202004","eventSource":"s3.amazonaws.com","eventName":"GetBucketPolicy","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/dev","accountId":"111122223333","userName":"dev"},"errorCode":"AccessDenied","errorMessage":"Access Denied"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202005","eventSource":"s3.amazonaws.com","eventName":"GetBucketPolicy","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/dev","accountId":"111122223333","userName":"dev"},"errorCode":"AccessDenied","errorMessage":"Access Denied"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- service = "ec2"
-- deny_class = "scp"
-- deny_kind = "explicit"
-- api = "RunInstances"
-- denied_action = "ec2:RunInstances"
-- policy_arn = "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1"
-- denies = 1
-- [[test.rows]]
-- service = "ec2"
-- deny_class = "unspecified"
-- deny_kind = "unspecified"
-- denied_action = "unknown"
-- policy_arn = "unknown"
-- denies = 1
-- [[test.rows]]
-- service = "iam"
-- deny_class = "boundary"
-- deny_kind = "implicit"
-- api = "CreateRole"
-- denies = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:user/dev"
-- service = "s3"
-- deny_class = "unspecified"
-- api = "GetBucketPolicy"
-- denies = 2
--
-- [[test]]
-- name   = "a token that is refused counts under its service account, or under its provider alone"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202006","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202007","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"cognito-identity.amazonaws.com:eu-west-1:aud:eu-west-1:1f2e","userName":"eu-west-1:1f2e","identityProvider":"cognito-identity.amazonaws.com"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/app"}}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- role_arn = "system:serviceaccount:shop:cart"
-- service = "sts"
-- deny_class = "unspecified"
-- api = "AssumeRoleWithWebIdentity"
-- denied_action = "unknown"
-- denies = 1
-- [[test.rows]]
-- role_arn = "cognito-identity.amazonaws.com"
-- denies = 1
--
-- [[test]]
-- name   = "an AWS service that delivers logs counts under its name, in the account of the bucket"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202012","sharedEventID":"00000000-0000-4000-8000-000000202112","eventSource":"s3.amazonaws.com","eventName":"PutObject","userIdentity":{"type":"AWSService","invokedBy":"delivery.logs.amazonaws.com"},"sourceIPAddress":"delivery.logs.amazonaws.com","userAgent":"delivery.logs.amazonaws.com","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"logs","x-amz-acl":"bucket-owner-full-control","key":"AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/01/05/x.log.gz"},"responseElements":null,"readOnly":false,"managementEvent":false,"eventCategory":"Data"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:08Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202013","sharedEventID":"00000000-0000-4000-8000-000000202113","eventSource":"s3.amazonaws.com","eventName":"HeadBucket","userIdentity":{"type":"AWSService","invokedBy":"delivery.logs.amazonaws.com"},"sourceIPAddress":"delivery.logs.amazonaws.com","userAgent":"delivery.logs.amazonaws.com","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"logs"},"responseElements":null,"readOnly":true,"managementEvent":false,"eventCategory":"Data"}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- role_arn = "delivery.logs.amazonaws.com"
-- service = "s3"
-- deny_class = "unspecified"
-- api = "PutObject"
-- denied_action = "unknown"
-- denies = 1
-- [[test.rows]]
-- role_arn = "delivery.logs.amazonaws.com"
-- service = "s3"
-- api = "HeadBucket"
-- denies = 1
--
-- [[test]]
-- name   = "a dry run that would have been allowed, a failed login and a missing thing are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202008","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded, but DryRun flag is set."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202009","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/dev","accountId":"111122223333","userName":"dev"},"errorMessage":"Failed authentication"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202010","eventSource":"s3.amazonaws.com","eventName":"GetBucketPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"NoSuchBucketPolicy","errorMessage":"The bucket policy does not exist"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000202011","eventSource":"ssm.amazonaws.com","eventName":"PutParameter","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- '''
-- rows   = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    CASE
        -- The subject of a foreign token may be a person; a service account is none.
        WHEN identity_type = 'WebIdentityUser' AND k8s_sa IS NULL THEN coalesce(identity_provider, 'unknown')
        ELSE coalesce(role_arn, principal, 'unknown')
    END                                                         AS role_arn,
    coalesce(split_part(event_source, '.', 1), 'unknown')       AS service,
    deny_class                                                  AS deny_class,
    deny_kind                                                   AS deny_kind,
    coalesce(event_name, 'unknown')                             AS api,
    coalesce(denied_action, 'unknown')                          AS denied_action,
    coalesce(policy_arn, 'unknown')                             AS policy_arn,
    count(*)                                                    AS denies
FROM cloudtrail
WHERE deny_class <> 'none'
  -- The later copy of a cross-account call: the pair counts once.
  AND NOT coalesce(shared_event_seen, FALSE)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
