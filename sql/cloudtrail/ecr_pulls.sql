-- ---
-- name            = "ecr_pulls"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Requests for images and layers in ECR, by account, repository, role and outcome."
-- seed            = "ECR image pull durations by repository and node AZ"
-- why             = """
-- A node that pulls an image asks ECR for its manifests, and for a link to each layer that
-- it lacks. Who pulls what, how often and with how many layers is known from that: a
-- rollout, a cache that does not hold, a node that pulls the same image again and again.
-- A request that fails and is not denied means a repository, a layer or a key that is gone.
-- """
-- false_positives = ["A node that starts pulls every image it runs.", "A pipeline that asks whether an image exists."]
-- cannot_tell     = """
-- How long a pull took: the layers come from S3 by links, outside ECR. A pull is one to
-- three requests for an image (index, then manifest), so the figure is no count of pulls.
-- Pulls through a registry mirror or a node that has the image leave no trace. When the registry
-- owner's copy of a request from another account is read first, both count: the owner's under the
-- caller's account number, without a session.
-- """
-- source          = "cloudtrail"
--
-- [[metric]]
-- name            = "trailflow_ecr_pulls_total"
-- type            = "counter"
-- help            = "Requests for images (BatchGetImage) by account of the caller, repository, role and outcome."
-- value           = "pulls"
-- labels          = ["account_id", "repository", "node_role", "outcome"]
-- series_max      = 5000                 # repositories x roles of nodes
--
-- [[metric]]
-- name            = "trailflow_ecr_layers_total"
-- type            = "counter"
-- help            = "Requests for the layers that a node lacks (GetDownloadUrlForLayer) by account of the caller, repository, role and outcome."
-- value           = "layers"
-- labels          = ["account_id", "repository", "node_role", "outcome"]
-- series_max      = 5000
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "repository", "node_role", "outcome", "session", "registry_account"]
-- measures        = { pulls = "sum", layers = "sum", first_seen = "min", last_seen = "max" }
--
-- [[alert]]
-- name     = "TrailflowEcrPullFailing"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.node_role }}: {{ $value }} requests for images of {{ $labels.repository }} failed in 30 minutes, and were neither denied nor throttled.'
-- expr     = '''
-- sum by (account_id, repository, node_role) (
--   last_over_time(trailflow_ecr_pulls_total{outcome="other"}[30m])
--   - last_over_time(trailflow_ecr_pulls_total{outcome="other"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_ecr_pulls_total{outcome="other"}[30m])
-- ) >= 5
-- or
-- sum by (account_id, repository, node_role) (
--   last_over_time(trailflow_ecr_layers_total{outcome="other"}[30m])
--   - last_over_time(trailflow_ecr_layers_total{outcome="other"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_ecr_layers_total{outcome="other"}[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflowecrpullfailing"
--
-- [[test]]
-- name   = "a pull with two layers, one of another node without any, and one that is denied"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210001","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:08Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210002","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:09Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210003","eventSource":"ecr.amazonaws.com","eventName":"GetDownloadUrlForLayer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","layerDigest":"sha256:0f"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:11Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210004","eventSource":"ecr.amazonaws.com","eventName":"GetDownloadUrlForLayer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","layerDigest":"sha256:0f"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:22:00Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210005","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0fedcba9876543210","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0fedcba9876543210","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210006","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:444455556666:repository/base because no resource-based policy allows the ecr:BatchGetImage action","requestParameters":null}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- repository = "shop/cart"
-- node_role = "arn:aws:iam::111122223333:role/node"
-- outcome = "success"
-- session = "i-0123456789abcdef0"
-- registry_account = "111122223333"
-- pulls = 2
-- layers = 2
-- first_seen = 1767608467
-- last_seen = 1767608471
-- [[test.rows]]
-- repository = "shop/cart"
-- session = "i-0fedcba9876543210"
-- pulls = 1
-- layers = 0
-- first_seen = 1767608520
-- last_seen = 1767608520
-- [[test.rows]]
-- repository = "base"
-- node_role = "arn:aws:iam::111122223333:role/node"
-- outcome = "denied"
-- registry_account = "444455556666"
-- pulls = 1
-- layers = 0
--
-- [[test]]
-- name   = "what names the repository: the request, else the resource; a throttled call names none"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:09Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210007","eventSource":"ecr.amazonaws.com","eventName":"GetDownloadUrlForLayer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"444455556666","repositoryName":"team/base","layerDigest":"sha256:0f"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210008","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":null,"resources":[{"ARN":"arn:aws:ecr:eu-west-1:444455556666:repository/tools","accountId":"444455556666"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210009","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- repository = "team/base"
-- outcome = "success"
-- registry_account = "444455556666"
-- pulls = 0
-- layers = 1
-- [[test.rows]]
-- repository = "tools"
-- outcome = "success"
-- registry_account = "444455556666"
-- pulls = 1
-- [[test.rows]]
-- repository = "unknown"
-- outcome = "throttled"
-- registry_account = "111122223333"
-- pulls = 1
--
-- [[test]]
-- name   = "sign-in, pushes, checks before a push and clean-up are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210010","eventSource":"ecr.amazonaws.com","eventName":"GetAuthorizationToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210011","eventSource":"ecr.amazonaws.com","eventName":"BatchCheckLayerAvailability","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","layerDigests":["sha256:0f"]}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210012","eventSource":"ecr.amazonaws.com","eventName":"PutImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageTag":"v1"},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000210013","eventSource":"ecr.amazonaws.com","eventName":"PolicyExecutionEvent","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}]}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300001","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}],"sharedEventID":"00000000-0000-4000-9000-000000300000"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300002","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:i-0123456789abcdef0","accountId":"111122223333"},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}],"sharedEventID":"00000000-0000-4000-9000-000000300000"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300013","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:i-0123456789abcdef0","accountId":"111122223333"},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}],"sharedEventID":"00000000-0000-4000-9000-000000300001"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300014","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"registryId":"111122223333","repositoryName":"shop/cart","imageIds":[{"imageTag":"v1"}]},"resources":[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/shop/cart","accountId":"111122223333"}],"sharedEventID":"00000000-0000-4000-9000-000000300001"}
-- '''
-- [[test.rows]]
-- node_role = "arn:aws:iam::111122223333:role/node"
-- account_id = "111122223333"
-- pulls = 2
-- [[test.rows]]
-- node_role = "111122223333"
-- account_id = "111122223333"
-- pulls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400007","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"repositoryName":"shop","registryId":"111122223333"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventID":"00000000-0000-4000-8000-000000400008","sharedEventID":"00000000-0000-4000-9000-000000400008","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- repository = "shop"
-- pulls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(
        json_get_str(request_parameters, 'repositoryName'),
        nullif(split_part(resource_arns[1], ':repository/', 2), ''),
        nullif(split_part(denied_resource, ':repository/', 2), ''),
        'unknown'
    )                                                           AS repository,
    coalesce(role_arn, principal, 'unknown')                    AS node_role,
    CASE
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN deny_class <> 'none' THEN 'denied'
        WHEN error_code_norm IS NULL THEN 'success'
        ELSE 'other'
    END                                                         AS outcome,
    coalesce(session_name, 'unknown')                           AS session,
    coalesce(
        json_get_str(request_parameters, 'registryId'),
        resource_accounts[1],
        CASE WHEN denied_resource LIKE 'arn:%' AND split_part(denied_resource, ':', 3) = 'ecr'
             THEN split_part(denied_resource, ':', 5) END,
        -- Nobody named one: it is the caller's own.
        user_account_id,
        'unknown'
    )                                                           AS registry_account,
    sum(CASE event_name WHEN 'BatchGetImage' THEN 1 ELSE 0 END) AS pulls,
    sum(CASE event_name WHEN 'BatchGetImage' THEN 0 ELSE 1 END) AS layers,
    -- Seconds since 1970 of the first and the last request.
    min(to_unixtime(event_time))                                AS first_seen,
    max(to_unixtime(event_time))                                AS last_seen
FROM cloudtrail
WHERE event_source = 'ecr.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND event_name IN ('BatchGetImage', 'GetDownloadUrlForLayer')
  -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
  -- only when it comes first.
  AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
GROUP BY 1, 2, 3, 4, 5, 6, 7
