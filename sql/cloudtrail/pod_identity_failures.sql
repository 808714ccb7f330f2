-- ---
-- name            = "pod_identity_failures"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Refused credential requests of the EKS Pod Identity agent, by cluster, node role and reason."
-- seed            = "Credential-provider failures when adopting Pod Identity"
-- why             = """
-- The agent on the node asks for every pod, with the node's own credentials, so its failures are
-- always in the log. The pod sees only that it has no credentials; the reason stands here.
-- """
-- false_positives = ["A pod that starts in the seconds before its association is there."]
-- cannot_tell     = """
-- Which pod or service account: the token is hidden and the record names the node only. A pod
-- that cannot reach the agent, and an agent that cannot reach the endpoint, leave no record.
-- Errors of the kubelet's image credential provider are in the node's log only.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_pod_identity_failures_total"
-- type            = "counter"
-- help            = "Failed AssumeRoleForPodIdentity calls by cluster, role of the node and class of failure."
-- value           = "failures"
-- labels          = ["cluster_name", "node_role", "failure_class"]
-- series_max      = 1000                 # clusters x node roles x classes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "cluster_name", "node_role", "instance_id", "failure_class"]
-- measures        = { failures = "sum" }
--
-- [[alert]]
-- name     = "TrailflowPodIdentityFailing"
-- severity = "warning"
-- for      = "5m"
-- summary  = 'Cluster {{ $labels.cluster_name }}: Pod Identity refused {{ $value }} credential requests in 30 minutes ({{ $labels.failure_class }}), nodes with {{ $labels.node_role }}.'
-- expr     = '''
-- sum by (cluster_name, node_role, failure_class) (
--   last_over_time(trailflow_pod_identity_failures_total[30m])
--   - last_over_time(trailflow_pod_identity_failures_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_pod_identity_failures_total[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflowpodidentityfailing"
--
-- [[test]]
-- name   = "who refuses: the pod's role, the node's permissions, a missing association"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"Unauthorized Exception! EKS does not have permissions to assume the associated role.","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: eks-auth:AssumeRoleForPodIdentity on resource: arn:aws:eks:eu-west-1:111122223333:cluster/blue","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ResourceNotFoundException","errorMessage":"No association","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- cluster_name = "blue"
-- node_role = "arn:aws:iam::111122223333:role/node"
-- instance_id = "i-0123456789abcdef0"
-- failure_class = "role_trust"
-- failures = 1
-- [[test.rows]]
-- failure_class = "node_permission"
-- failures = 1
-- [[test.rows]]
-- failure_class = "no_association"
-- failures = 1
--
-- [[test]]
-- name   = "a throttle without parameters names no cluster"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- '''
-- [[test.rows]]
-- cluster_name = "unknown"
-- node_role = "arn:aws:iam::111122223333:role/node"
-- failure_class = "throttled"
-- failures = 1
--
-- [[test]]
-- name   = "each code has its class, with and without Exception at its end"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ExpiredTokenException","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"InvalidTokenException","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"InternalServerException","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ServiceUnavailable","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ValidationException","errorMessage":"x","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- '''
-- [[test.rows]]
-- failure_class = "access_denied"
-- failures = 1
-- [[test.rows]]
-- failure_class = "expired_token"
-- failures = 1
-- [[test.rows]]
-- failure_class = "invalid_token"
-- failures = 1
-- [[test.rows]]
-- failure_class = "service"
-- failures = 2
-- [[test.rows]]
-- failure_class = "other"
-- failures = 1
--
-- [[test]]
-- name   = "a success, and a refusal by another service of EKS, are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000011","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"responseElements":null,"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000012","eventSource":"eks.amazonaws.com","eventName":"DescribeCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ResourceNotFoundException","errorMessage":"No cluster found","requestParameters":{"name":"blue"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980047","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"Unauthorized Exception! EKS does not have permissions to assume the associated role.","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"eventID":"00000000-0000-4000-8000-000000980048","sharedEventID":"00000000-0000-4000-9000-000000980049","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"Unauthorized Exception! EKS does not have permissions to assume the associated role."}
-- '''
-- [[test.rows]]
-- failure_class = "role_trust"
-- failures = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)             AS window_start,
    coalesce(request_parameters->>'clusterName', 'unknown') AS cluster_name,
    coalesce(role_arn, 'unknown')                          AS node_role,
    coalesce(session_name, 'unknown')                      AS instance_id,
    CASE
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN error_message LIKE 'Unauthorized Exception!%' THEN 'role_trust'
        WHEN denied_action LIKE 'eks-auth:%' THEN 'node_permission'
        WHEN error_code_norm = 'accessdenied' THEN 'access_denied'
        WHEN error_code_norm = 'resourcenotfound' THEN 'no_association'
        WHEN error_code_norm = 'expiredtoken' THEN 'expired_token'
        WHEN error_code_norm = 'invalidtoken' THEN 'invalid_token'
        WHEN error_code_norm IN ('serviceunavailable', 'internalserver') THEN 'service'
        ELSE 'other'
    END                                                    AS failure_class,
    count(*)                                               AS failures
FROM cloudtrail
WHERE event_source = 'eks-auth.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND event_name = 'AssumeRoleForPodIdentity'
  AND error_code_norm IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
