-- ---
-- name            = "boundary_denies"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls that a permissions boundary denied, by role, action and boundary."
-- seed            = "IAM permission-boundary denies per CI role"
-- why             = """
-- A CI role is given more by its policies than its boundary lets through. A deny by the
-- boundary is a pipeline that stopped: either it tries what it must not do, or the boundary
-- was drawn too narrow. The role's own policies are not to blame.
-- """
-- false_positives = ["A pipeline's plan step that reads what it may not, and goes on."]
-- cannot_tell     = """
-- Only messages that name the boundary count. Services without the long message, and EC2
-- before 2024, name no kind of policy: look at deny_class unspecified of the same role in
-- `denies`. When an SCP denies too, AWS may name that one instead. When the owner's copy of a
-- call into another account is read first, both count: the owner's under the caller's account number.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_boundary_denies_total"
-- type            = "counter"
-- help            = "Calls denied by a permissions boundary, by role, action and boundary."
-- value           = "denies"
-- labels          = ["role_arn", "denied_action", "policy_arn"]
-- series_max      = 2000                 # roles x actions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "role_arn", "denied_action", "policy_arn", "deny_kind", "service", "api", "account_id"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowBoundaryDenied"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.role_arn }}: its permissions boundary denied {{ $labels.denied_action }} {{ $value }} times in 30 minutes.'
-- expr     = '''
-- sum by (role_arn, denied_action, policy_arn) (
--   last_over_time(trailflow_boundary_denies_total[30m])
--   - last_over_time(trailflow_boundary_denies_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_boundary_denies_total[30m])
-- ) >= 3
-- '''
-- runbook  = "trailflowboundarydenied"
--
-- [[test]]
-- name   = "implicit, explicit, with and without the boundary's name"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203001","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203002","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::shop\" with an explicit deny in a permissions boundary: arn:aws:iam::111122223333:policy/ci-boundary"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203003","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node because no permissions boundary allows the iam:PassRole action. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- denied_action = "iam:CreateRole"
-- policy_arn = "unknown"
-- deny_kind = "implicit"
-- service = "iam"
-- api = "CreateRole"
-- account_id = "111122223333"
-- denies = 1
-- [[test.rows]]
-- denied_action = "s3:PutBucketPolicy"
-- policy_arn = "arn:aws:iam::111122223333:policy/ci-boundary"
-- deny_kind = "explicit"
-- denies = 1
-- [[test.rows]]
-- denied_action = "iam:PassRole"
-- service = "ec2"
-- api = "RunInstances"
-- denies = 1
--
-- [[test]]
-- name   = "other kinds of policy, and messages that name none, are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203004","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203005","eventSource":"iam.amazonaws.com","eventName":"PutRolePermissionsBoundary","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PutRolePermissionsBoundary on resource: arn:aws:iam::111122223333:role/permissions-boundary because no identity-based policy allows the iam:PutRolePermissionsBoundary action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203006","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000203007","eventSource":"iam.amazonaws.com","eventName":"PutRolePermissionsBoundary","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleName":"x","permissionsBoundary":"arn:aws:iam::111122223333:policy/ci-boundary"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300097","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action","sharedEventID":"00000000-0000-4000-9000-000000300096"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300098","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action","sharedEventID":"00000000-0000-4000-9000-000000300096"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300109","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action","sharedEventID":"00000000-0000-4000-9000-000000300097"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300110","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action","sharedEventID":"00000000-0000-4000-9000-000000300097"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- denies = 2
-- [[test.rows]]
-- role_arn = "111122223333"
-- denies = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980004","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980005","sharedEventID":"00000000-0000-4000-9000-000000980006","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- '''
-- [[test.rows]]
-- api = "CreateRole"
-- denies = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    coalesce(denied_action, 'unknown')                          AS denied_action,
    coalesce(policy_arn, 'unknown')                             AS policy_arn,
    deny_kind                                                   AS deny_kind,
    coalesce(split_part(event_source, '.', 1), 'unknown')       AS service,
    coalesce(event_name, 'unknown')                             AS api,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    count(*)                                                    AS denies
FROM cloudtrail
WHERE deny_class = 'boundary'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
  -- only when it comes first.
  AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
