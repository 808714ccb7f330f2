-- ---
-- name            = "node_role_fallback"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls with a node's role that no node makes by itself, by role, service, API and outcome."
-- seed            = "Node-role fallback"
-- why             = """
-- A pod without credentials of its own finds those of its node. Then every pod on the node
-- has what one of them was given, and the day the node's role is trimmed, or the metadata
-- service is closed to pods, it stops. A node itself makes few calls, and these are known.
-- """
-- false_positives = ["An agent on the node that is meant to use the node's role.", "While node_roles is empty: instances that are no nodes of a cluster."]
-- cannot_tell     = """
-- Which pod it was: the session is the instance. A pod that makes the calls a node makes too,
-- such as DescribeInstances, or that signs in to a registry, is not seen, and calls on the
-- contents of buckets and tables only with data events. While node_roles is empty, the role of
-- any instance counts.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_node_role_calls_total"
-- type            = "counter"
-- help            = "Calls with the role of a node that are none of a node's own, by role, service, API and outcome."
-- value           = "calls"
-- labels          = ["role_arn", "service", "api", "outcome"]
-- series_max      = 2000                 # node roles x APIs of the workloads
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "role_arn", "service", "api", "outcome", "session", "ua_family", "account_id"]
-- measures        = { calls = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowNodeRoleDenied"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.role_arn }}: {{ $labels.service }} denied {{ $value }} calls of this node role in 30 minutes that no node makes by itself: a pod seems to lack credentials of its own.'
-- expr     = '''
-- sum by (role_arn, service) (
--   last_over_time(trailflow_node_role_calls_total{outcome="denied"}[30m])
--   - last_over_time(trailflow_node_role_calls_total{outcome="denied"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_node_role_calls_total{outcome="denied"}[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflownoderoledenied"
--
-- [[test]]
-- name   = "calls of an application with the role of a node, by outcome"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205001","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"userAgent":"Boto3/1.34.0 md/Botocore#1.34.0"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205002","eventSource":"ssm.amazonaws.com","eventName":"GetParameter","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205003","eventSource":"secretsmanager.amazonaws.com","eventName":"DescribeSecret","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"ResourceNotFoundException","errorMessage":"Secrets Manager can't find the specified secret."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205004","eventSource":"sqs.amazonaws.com","eventName":"ListQueues","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: sqs:ListQueues because no identity-based policy allows the sqs:ListQueues action"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- service = "secretsmanager"
-- api = "GetSecretValue"
-- outcome = "success"
-- session = "i-0123456789abcdef0"
-- ua_family = "boto3"
-- account_id = "111122223333"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- service = "sqs"
-- api = "ListQueues"
-- outcome = "denied"
-- ua_family = "unknown"
-- calls = 1
-- [[test.rows]]
-- service = "ssm"
-- api = "GetParameter"
-- outcome = "throttled"
-- calls = 1
-- [[test.rows]]
-- service = "secretsmanager"
-- api = "DescribeSecret"
-- outcome = "other"
-- calls = 1
--
-- [[test]]
-- name   = "when node roles are configured they decide, and not what the session looks like"
-- reference = { node_roles = ["arn:aws:iam::111122223333:role/fargate-node"] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205101","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:fargate-0a1b","arn":"arn:aws:sts::111122223333:assumed-role/fargate-node/fargate-0a1b","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/fargate-node"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205102","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/bastion/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/bastion"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205103","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:fargate-0a1b","arn":"arn:aws:sts::111122223333:assumed-role/fargate-node/fargate-0a1b","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/fargate-node"}}}}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/fargate-node"
-- service = "secretsmanager"
-- session = "fargate-0a1b"
-- calls = 1
--
-- [[test]]
-- name   = "what a node does by itself, an instance's own identity, other roles and calls that AWS makes on its behalf are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205005","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205006","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205007","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205008","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205009","eventSource":"ecr.amazonaws.com","eventName":"GetAuthorizationToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205010","eventSource":"eks.amazonaws.com","eventName":"DescribeCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205011","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDenied","errorMessage":"Unauthorized Exception! EKS does not have permissions to assume the associated role."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205012","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205013","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205014","eventSource":"ssm.amazonaws.com","eventName":"RequestManagedInstanceRoleToken","userIdentity":{"type":"AssumedRole","principalId":"111122223333:aws:ec2-instance:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/aws:ec2-instance/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws:ec2-instance","userName":"aws:ec2-instance"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205015","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"AssumedRole","principalId":"111122223333:aws:ec2-instance:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/aws:ec2-instance/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws:ec2-instance","userName":"aws:ec2-instance"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205016","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000205017","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"},"invokedBy":"secretsmanager.amazonaws.com"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530001","eventSource":"ecr-public.amazonaws.com","eventName":"GetAuthorizationToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ecr-public:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr-public:GetAuthorizationToken action"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530002","eventSource":"ecr-public.amazonaws.com","eventName":"GetAuthorizationToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530003","eventSource":"sts.amazonaws.com","eventName":"GetServiceBearerToken","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980034","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"userAgent":"Boto3/1.34.0 md/Botocore#1.34.0"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"eventID":"00000000-0000-4000-8000-000000980035","sharedEventID":"00000000-0000-4000-9000-000000980036","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "GetSecretValue"
-- calls = 1
-- ---
WITH calls AS (
    SELECT
        event_time,
        role_arn,
        split_part(event_source, '.', 1) AS service,
        event_name,
        is_node,
        session_name,
        ua_family,
        user_account_id,
        recipient_account_id,
        CASE
            WHEN throttle_class = 'throttle' THEN 'throttled'
            WHEN deny_class <> 'none' THEN 'denied'
            WHEN error_code_norm IS NULL THEN 'success'
            ELSE 'other'
        END                              AS outcome
    FROM cloudtrail
    WHERE role_arn IS NOT NULL
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      -- A service that acts for the role: the role's own call is counted, not what follows from it.
      AND invoked_by IS NULL
      -- What kubelet, the network plugin, the Pod Identity agent and the SSM agent call.
      AND NOT (event_source = 'ec2.amazonaws.com' AND event_name IN (
          'DescribeInstances', 'DescribeInstanceTypes', 'DescribeNetworkInterfaces', 'DescribeSubnets',
          'DescribeSecurityGroups', 'DescribeVpcs', 'DescribeRouteTables', 'DescribeTags',
          'DescribeVolumes', 'DescribeVolumesModifications', 'DescribeAvailabilityZones', 'DescribeRegions',
          'CreateNetworkInterface', 'AttachNetworkInterface', 'DetachNetworkInterface', 'DeleteNetworkInterface',
          'ModifyNetworkInterfaceAttribute', 'AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses',
          'AssignIpv6Addresses', 'UnassignIpv6Addresses', 'CreateTags'))
      AND NOT (event_source = 'ecr.amazonaws.com' AND event_name IN (
          'GetAuthorizationToken', 'BatchGetImage', 'GetDownloadUrlForLayer', 'BatchCheckLayerAvailability',
          'BatchImportUpstreamImage'))
      -- kubelet asks for a token for public images too. Most node roles may not have one, and kubelet pulls
      -- without; with one comes GetServiceBearerToken.
      AND NOT (event_source = 'ecr-public.amazonaws.com' AND event_name = 'GetAuthorizationToken')
      AND NOT (event_source = 'eks.amazonaws.com' AND event_name = 'DescribeCluster')
      AND NOT (event_source = 'sts.amazonaws.com' AND event_name IN ('GetCallerIdentity', 'GetServiceBearerToken'))
      AND NOT (event_source = 'ssm.amazonaws.com' AND event_name IN (
          'UpdateInstanceInformation', 'UpdateInstanceAssociationStatus', 'UpdateAssociationStatus',
          'ListAssociations', 'ListInstanceAssociations', 'DescribeAssociation', 'DescribeDocument',
          'GetDocument', 'GetManifest', 'GetDeployablePatchSnapshotForInstance', 'PutInventory',
          'PutComplianceItems', 'PutConfigurePackageResult', 'RequestManagedInstanceRoleToken'))
      AND event_source NOT IN (
          'eks-auth.amazonaws.com', 'ssmmessages.amazonaws.com', 'ec2messages.amazonaws.com',
          'logs.amazonaws.com')
),
watched AS (
    -- The configured roles; when none is configured, every instance's.
    SELECT
        calls.event_time, calls.role_arn, calls.service, calls.event_name, calls.outcome, calls.session_name,
        calls.ua_family, calls.user_account_id, calls.recipient_account_id
    FROM calls
    INNER JOIN node_roles ON node_roles.role_arn = calls.role_arn
    UNION ALL
    SELECT
        calls.event_time, calls.role_arn, calls.service, calls.event_name, calls.outcome, calls.session_name,
        calls.ua_family, calls.user_account_id, calls.recipient_account_id
    FROM (SELECT count(*) AS roles FROM node_roles) AS known
    CROSS JOIN calls
    WHERE calls.is_node AND known.roles = 0
)
SELECT
    date_bin(INTERVAL '5 minutes', watched.event_time)                          AS window_start,
    watched.role_arn                                                            AS role_arn,
    watched.service                                                             AS service,
    coalesce(watched.event_name, 'unknown')                                     AS api,
    watched.outcome                                                             AS outcome,
    coalesce(watched.session_name, 'unknown')                                   AS session,
    coalesce(watched.ua_family, 'unknown')                                      AS ua_family,
    coalesce(watched.user_account_id, watched.recipient_account_id, 'unknown')  AS account_id,
    count(*)                                                                    AS calls
FROM watched
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
