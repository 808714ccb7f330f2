-- ---
-- name            = "iam_role_churn"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Roles that are made, changed and deleted, by account, caller, API and outcome."
-- seed            = "Role quota churn"
-- why             = """
-- An account holds a limited number of roles. What makes a role for every branch and forgets to
-- delete it stops every other deployment of the account on the day the quota is reached.
-- """
-- false_positives = ["A test account that is emptied and filled again every night.", "A tool that makes room for a version of a policy only after it was refused."]
-- cannot_tell     = """
-- How many roles there are: only the changes are in the log. LimitExceeded does not say which
-- quota: roles, policies of a role, or size of a policy; the message in the record does. Of OIDC
-- providers, instance profiles and managed policies only what fails for a quota is counted.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_iam_role_changes_total"
-- type            = "counter"
-- help            = "Calls that make, change or delete a role, by account, caller, API and outcome."
-- value           = "changes"
-- labels          = ["account_id", "caller", "api", "outcome"]
-- series_max      = 2000                 # callers that change roles x APIs x outcomes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "caller", "api", "outcome"]
-- measures        = { changes = "sum" }
--
-- [[alert]]
-- name     = "TrailflowIamRoleQuota"
-- severity = "warning"
-- for      = "0m"
-- summary  = 'Account {{ $labels.account_id }}: {{ $labels.api }} failed {{ $value }} times in an hour for a quota of IAM, caller {{ $labels.caller }}.'
-- expr     = '''
-- sum by (account_id, caller, api) (
--   last_over_time(trailflow_iam_role_changes_total{outcome="quota"}[1h])
--   - last_over_time(trailflow_iam_role_changes_total{outcome="quota"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_iam_role_changes_total{outcome="quota"}[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowiamrolequota"
--
-- [[test]]
-- name   = "made, deleted, and the quota is reached"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-2","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-2","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"iam.amazonaws.com","eventName":"DeleteRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceededException","errorMessage":"Cannot exceed quota for RolesPerAccount: 1000"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- api = "CreateRole"
-- outcome = "success"
-- changes = 2
-- [[test.rows]]
-- api = "DeleteRole"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "CreateRole"
-- outcome = "quota"
-- changes = 1
--
-- [[test]]
-- name   = "the same code is a throttle when the message says so; a denial and a conflict are no quota"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceededException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"EntityAlreadyExistsException","errorMessage":"Role with name x already exists."}
-- '''
-- [[test.rows]]
-- outcome = "throttled"
-- changes = 1
-- [[test.rows]]
-- outcome = "denied"
-- changes = 1
-- [[test.rows]]
-- outcome = "other"
-- changes = 1
--
-- [[test]]
-- name   = "reads, users and quotas of another service are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"iam.amazonaws.com","eventName":"ListRoles","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"iam.amazonaws.com","eventName":"CreateUser","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceededException","errorMessage":"x"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980212","eventSource":"iot.amazonaws.com","eventName":"CreatePolicyVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceededException","errorMessage":"x"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "codes without Exception at their end, and with it, are of one kind"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310008","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"LimitExceeded","errorMessage":"Cannot exceed quota for RolesPerAccount: 1000"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310009","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"Throttling","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310010","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310011","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no permissions boundary allows the iam:CreateRole action"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310012","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"EntityAlreadyExists","errorMessage":"Role with name x already exists."}
-- '''
-- [[test.rows]]
-- outcome = "quota"
-- changes = 1
-- [[test.rows]]
-- outcome = "throttled"
-- changes = 2
-- [[test.rows]]
-- outcome = "denied"
-- changes = 1
-- [[test.rows]]
-- outcome = "other"
-- changes = 1
--
-- [[test]]
-- name   = "a quota of OIDC providers or of instance profiles; those that are made are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450006","eventSource":"iam.amazonaws.com","eventName":"CreateOpenIDConnectProvider","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null,"errorMessage":"Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100","errorCode":"LimitExceededException"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450007","eventSource":"iam.amazonaws.com","eventName":"CreateInstanceProfile","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null,"errorMessage":"Cannot exceed quota for InstanceProfilesPerAccount: 1000","errorCode":"LimitExceededException"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450008","eventSource":"iam.amazonaws.com","eventName":"CreateInstanceProfile","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":{}}
-- '''
-- [[test.rows]]
-- api = "CreateOpenIDConnectProvider"
-- outcome = "quota"
-- changes = 1
-- [[test.rows]]
-- api = "CreateInstanceProfile"
-- outcome = "quota"
-- changes = 1
--
-- [[test]]
-- name   = "a role's settings, tags and boundary are changes of it"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520010","eventSource":"iam.amazonaws.com","eventName":"UpdateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520011","eventSource":"iam.amazonaws.com","eventName":"UpdateRoleDescription","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520012","eventSource":"iam.amazonaws.com","eventName":"TagRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520013","eventSource":"iam.amazonaws.com","eventName":"UntagRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520014","eventSource":"iam.amazonaws.com","eventName":"PutRolePermissionsBoundary","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520015","eventSource":"iam.amazonaws.com","eventName":"DeleteRolePermissionsBoundary","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- '''
-- [[test.rows]]
-- api = "UpdateRole"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "UpdateRoleDescription"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "TagRole"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "UntagRole"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "PutRolePermissionsBoundary"
-- outcome = "success"
-- changes = 1
-- [[test.rows]]
-- api = "DeleteRolePermissionsBoundary"
-- outcome = "success"
-- changes = 1
--
-- [[test]]
-- name   = "a quota of managed policies or of their versions; those that are made, and a profile that has its role, are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520020","eventSource":"iam.amazonaws.com","eventName":"CreatePolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null,"errorMessage":"Cannot exceed quota for PoliciesPerAccount: 1500","errorCode":"LimitExceededException"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520021","eventSource":"iam.amazonaws.com","eventName":"CreatePolicyVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null,"errorMessage":"Cannot exceed quota for PolicyVersionsPerManagedPolicy: 5","errorCode":"LimitExceededException"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520022","eventSource":"iam.amazonaws.com","eventName":"CreatePolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520023","eventSource":"iam.amazonaws.com","eventName":"CreatePolicyVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520024","eventSource":"iam.amazonaws.com","eventName":"AddRoleToInstanceProfile","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{},"responseElements":null,"errorMessage":"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1","errorCode":"LimitExceededException"}
-- '''
-- [[test.rows]]
-- api = "CreatePolicy"
-- outcome = "quota"
-- changes = 1
-- [[test.rows]]
-- api = "CreatePolicyVersion"
-- outcome = "quota"
-- changes = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980019","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"iam.amazonaws.com","eventName":"CreateRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:run-1","arn":"arn:aws:sts::111122223333:assumed-role/ci/run-1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980020","sharedEventID":"00000000-0000-4000-9000-000000980021","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "CreateRole"
-- changes = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(role_arn, principal, 'unknown')                    AS caller,
    event_name                                                  AS api,
    CASE
        WHEN error_code_norm IS NULL THEN 'success'
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN throttle_class = 'limit' THEN 'quota'
        WHEN deny_class <> 'none' THEN 'denied'
        ELSE 'other'
    END                                                         AS outcome,
    count(*)                                                    AS changes
FROM cloudtrail
WHERE event_source = 'iam.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND (event_name IN ('CreateRole', 'DeleteRole', 'CreateServiceLinkedRole', 'DeleteServiceLinkedRole',
                      'AttachRolePolicy', 'DetachRolePolicy', 'PutRolePolicy', 'DeleteRolePolicy',
                      'UpdateAssumeRolePolicy', 'UpdateRole', 'UpdateRoleDescription', 'TagRole', 'UntagRole',
                      'PutRolePermissionsBoundary', 'DeleteRolePermissionsBoundary')
       -- What is made beside a role, where it fails for a quota as well. AddRoleToInstanceProfile is not here:
       -- its one quota, a role for each profile, says that the profile has its role.
       OR (event_name IN ('CreateOpenIDConnectProvider', 'CreateInstanceProfile', 'CreatePolicy', 'CreatePolicyVersion')
           AND throttle_class = 'limit'))
GROUP BY 1, 2, 3, 4, 5
