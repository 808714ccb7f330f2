-- ---
-- name            = "passrole_denies"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls that failed because the caller may not pass a role, by caller, API and kind of policy."
-- seed            = "SCP denies (PassRole)"
-- why             = """
-- There is no PassRole event: RunInstances, CreateFunction or CreateNodegroup fails, and only
-- its message says that the role was the reason. Handing a stronger role to a service is
-- also how rights are widened, so a refusal deserves a look either way.
-- """
-- false_positives = ["A new pipeline whose PassRole was forgotten."]
-- cannot_tell     = """
-- EC2 messages before 2024 hold an encoded text instead of the action, and do not count.
-- AWS cuts a message at 1 KB: the passed role may be missing, the action hardly ever is. Where the
-- role is another account's, the message names neither it nor a policy.
-- It is not said whether the call would have been allowed otherwise. A CreateFleet (Karpenter) that
-- may not pass the role to its instances is a success with errors in its reply: they are in
-- launch_failures. When the owner's copy of a call into another account is read first, both count:
-- the owner's under the caller's account number.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_passrole_denies_total"
-- type            = "counter"
-- help            = "Calls denied because the caller may not pass a role, by caller, API and kind of policy that denied."
-- value           = "denies"
-- labels          = ["role_arn", "api", "deny_class"]
-- series_max      = 1000                 # roles x APIs that take a role
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "role_arn", "api", "deny_class", "deny_kind", "service", "account_id", "passed_role", "policy_arn"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowPassRoleDenied"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.role_arn }}: {{ $labels.api }} failed {{ $value }} times in 30 minutes because it may not pass the role (policy: {{ $labels.deny_class }}).'
-- expr     = '''
-- sum by (role_arn, api, deny_class) (
--   last_over_time(trailflow_passrole_denies_total[30m])
--   - last_over_time(trailflow_passrole_denies_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_passrole_denies_total[30m])
-- ) >= 3
-- '''
-- runbook  = "trailflowpassroledenied"
--
-- [[test]]
-- name   = "the event is the calling API's, also where the message is cut"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204001","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204002","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node because no identity-based policy allows the iam:PassRole action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204003","eventSource":"eks.amazonaws.com","eventName":"CreateNodegroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resou..."}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- api = "RunInstances"
-- deny_class = "scp"
-- deny_kind = "explicit"
-- service = "ec2"
-- account_id = "111122223333"
-- passed_role = "arn:aws:iam::111122223333:role/node"
-- policy_arn = "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1"
-- denies = 1
-- [[test.rows]]
-- api = "CreateFunction20150331"
-- deny_class = "identity"
-- passed_role = "arn:aws:iam::111122223333:role/node"
-- denies = 1
-- [[test.rows]]
-- api = "CreateNodegroup"
-- deny_class = "unspecified"
-- passed_role = "unknown"
-- denies = 1
--
-- [[test]]
-- name   = "another action of the same API, a call that passes a role, and a policy that is about it are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204004","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204005","eventSource":"eks.amazonaws.com","eventName":"CreateNodegroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"name":"blue","nodeRole":"arn:aws:iam::111122223333:role/node"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000204006","eventSource":"iam.amazonaws.com","eventName":"PutRolePolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"MalformedPolicyDocument","errorMessage":"Statement iam:PassRole is not valid"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300121","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ","sharedEventID":"00000000-0000-4000-9000-000000300120"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300122","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ","sharedEventID":"00000000-0000-4000-9000-000000300120"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300133","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ","sharedEventID":"00000000-0000-4000-9000-000000300121"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300134","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1. Encoded authorization failure message: QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ","sharedEventID":"00000000-0000-4000-9000-000000300121"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- denies = 2
-- [[test.rows]]
-- role_arn = "111122223333"
-- denies = 1
--
-- [[test]]
-- name   = "a role of another account: the message names neither the action nor the role; the same words with another code are no denial"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530041","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDeniedException","errorMessage":"Cross-account pass role is not allowed."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530042","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"InvalidParameterValueException","errorMessage":"Cross-account pass role is not allowed."}
-- '''
-- [[test.rows]]
-- api = "CreateFunction20150331"
-- deny_class = "unspecified"
-- passed_role = "unknown"
-- denies = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980040","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node because no identity-based policy allows the iam:PassRole action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980041","sharedEventID":"00000000-0000-4000-9000-000000980042","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/node because no identity-based policy allows the iam:PassRole action"}
-- '''
-- [[test.rows]]
-- api = "CreateFunction20150331"
-- denies = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    coalesce(event_name, 'unknown')                             AS api,
    deny_class                                                  AS deny_class,
    deny_kind                                                   AS deny_kind,
    coalesce(split_part(event_source, '.', 1), 'unknown')       AS service,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(denied_resource, 'unknown')                        AS passed_role,
    coalesce(policy_arn, 'unknown')                             AS policy_arn,
    count(*)                                                    AS denies
FROM cloudtrail
WHERE deny_class <> 'none'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND lower(denied_action) = 'iam:passrole'
  -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
  -- only when it comes first.
  AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
