-- ---
-- name            = "ecr_denies"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Denied ECR calls by account of the registry, calling account, repository, role and kind of policy."
-- seed            = "Cross-account ECR denies"
-- why             = """
-- A pod that waits in ImagePullBackOff because of a policy waits for somebody who knows
-- which: the repository's in the account that owns it, or the node role's in one's own.
-- """
-- false_positives = ["Scanners that list repositories which they may not see."]
-- cannot_tell     = """
-- The deny is logged in the caller's account; whether the owner of the registry gets a copy
-- is not certain: when there is one and it is read first, both count, the owner's with the
-- caller's account number in place of the role. A deny of GetAuthorizationToken names no
-- repository. An image that does not exist is another error and not counted here, nor is ECR
-- Public counted.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_ecr_denies_total"
-- type            = "counter"
-- help            = "Denied ECR calls by account of the registry, calling account, repository, role and kind of policy that denied."
-- value           = "denies"
-- labels          = ["registry_account", "caller_account", "repository", "role_arn", "deny_class"]
-- series_max      = 2000                 # repositories x roles
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "registry_account", "caller_account", "repository", "role_arn", "deny_class", "deny_kind", "api", "region"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowEcrDenied"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.role_arn }}: ECR denied {{ $value }} calls in 30 minutes for repository {{ $labels.repository }} of account {{ $labels.registry_account }} (policy: {{ $labels.deny_class }}).'
-- expr     = '''
-- sum by (registry_account, caller_account, repository, role_arn, deny_class) (
--   last_over_time(trailflow_ecr_denies_total[30m])
--   - last_over_time(trailflow_ecr_denies_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_ecr_denies_total[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflowecrdenied"
--
-- [[test]]
-- name   = "another account's repository, an own one, and the sign-in"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211001","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211002","eventSource":"ecr.amazonaws.com","eventName":"GetDownloadUrlForLayer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:GetDownloadUrlForLayer on resource: arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart because no identity-based policy allows the ecr:GetDownloadUrlForLayer action","requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211003","eventSource":"ecr.amazonaws.com","eventName":"GetAuthorizationToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- registry_account = "444455556666"
-- caller_account = "111122223333"
-- repository = "team/base"
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- deny_class = "resource"
-- deny_kind = "implicit"
-- api = "BatchGetImage"
-- region = "eu-west-1"
-- denies = 1
-- [[test.rows]]
-- registry_account = "111122223333"
-- repository = "shop/cart"
-- deny_class = "identity"
-- api = "GetDownloadUrlForLayer"
-- denies = 1
-- [[test.rows]]
-- registry_account = "unknown"
-- repository = "unknown"
-- deny_class = "identity"
-- api = "GetAuthorizationToken"
-- denies = 1
--
-- [[test]]
-- name   = "messages that name nothing: the request does, else the resource"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211004","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"Access Denied","requestParameters":{"registryId":"444455556666","repositoryName":"team/base"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211005","eventSource":"ecr.amazonaws.com","eventName":"DescribeImages","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"Access Denied","requestParameters":null,"resources":[{"ARN":"arn:aws:ecr:eu-west-1:444455556666:repository/tools","accountId":"444455556666"}]}
-- '''
-- [[test.rows]]
-- registry_account = "444455556666"
-- repository = "team/base"
-- deny_class = "unspecified"
-- api = "BatchGetImage"
-- denies = 1
-- [[test.rows]]
-- registry_account = "444455556666"
-- repository = "tools"
-- api = "DescribeImages"
-- denies = 1
--
-- [[test]]
-- name   = "a missing image, a throttle, a pull that works and a deny of another service are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211006","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"RepositoryNotFoundException","errorMessage":"The repository with name 'shop/cart' does not exist"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211007","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211008","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000211009","eventSource":"ecs.amazonaws.com","eventName":"RegisterTaskDefinition","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: ecs:RegisterTaskDefinition"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300217","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300216"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300218","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:i-0123456789abcdef0","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300216"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300229","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:i-0123456789abcdef0","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300217"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300230","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300217"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- denies = 2
-- [[test.rows]]
-- role_arn = "111122223333"
-- denies = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980016","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"eventID":"00000000-0000-4000-8000-000000980017","sharedEventID":"00000000-0000-4000-9000-000000980018","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/team/base because no resource-based policy allows the ecr:BatchGetImage action"}
-- '''
-- [[test.rows]]
-- repository = "team/base"
-- denies = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(
        CASE WHEN denied_resource LIKE 'arn:%' AND split_part(denied_resource, ':', 3) = 'ecr'
             THEN split_part(denied_resource, ':', 5) END,
        json_get_str(request_parameters, 'registryId'),
        resource_accounts[1],
        'unknown'
    )                                                           AS registry_account,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS caller_account,
    coalesce(
        nullif(split_part(denied_resource, ':repository/', 2), ''),
        json_get_str(request_parameters, 'repositoryName'),
        nullif(split_part(resource_arns[1], ':repository/', 2), ''),
        'unknown'
    )                                                           AS repository,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    deny_class                                                  AS deny_class,
    deny_kind                                                   AS deny_kind,
    coalesce(event_name, 'unknown')                             AS api,
    coalesce(region, 'unknown')                                 AS region,
    count(*)                                                    AS denies
FROM cloudtrail
WHERE event_source = 'ecr.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND deny_class <> 'none'
  -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
  -- only when it comes first.
  AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
