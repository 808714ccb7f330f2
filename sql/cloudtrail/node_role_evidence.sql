-- ---
-- name            = "node_role_evidence"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Which roles are those of cluster nodes, learned from what only a node's agents call."
-- seed            = "Node-role fallback"
-- why             = """
-- Not every instance is a node. Who asks EKS Pod Identity for a pod's credentials is one, and so
-- is an instance on which kubelet, containerd or the VPC network plugin call. The role is then
-- known without anybody keeping a list. A role that becomes one is a new cluster, or somebody
-- who gets the credentials of pods.
-- """
-- false_positives = ["An image build or a test machine that runs kubelet under its own role."]
-- cannot_tell     = """
-- The role of a node that uses no Pod Identity and whose agents have roles of their own or call
-- with a plain SDK. The cluster of a role that the agents alone gave away: no such call names it.
-- A refused request by no instance proves nothing, so a hybrid node is known by its first success.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_node_agent_calls_total"
-- type            = "counter"
-- help            = "Calls that show a role to be a node's, by role, cluster and kind of evidence."
-- value           = "calls"
-- labels          = ["role_arn", "cluster_name", "evidence"]
-- series_max      = 500                  # node roles x clusters x two kinds
--
-- [rollup]
-- window          = "1h"
-- grain           = ["window_start", "account_id", "role_arn", "cluster_name", "evidence"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowNewNodeRole"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.role_arn }} works as the role of a node, for the first time in 7 days.'
-- expr     = '''
-- sum by (role_arn) (
--   last_over_time(trailflow_node_agent_calls_total{role_arn!="other"}[1h])
--   - last_over_time(trailflow_node_agent_calls_total{role_arn!="other"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_node_agent_calls_total{role_arn!="other"}[1h])
-- ) > 0
-- unless sum by (role_arn) (
--   increase(trailflow_node_agent_calls_total[7d] offset 1h) > 0
--   or (min_over_time(trailflow_node_agent_calls_total[7d] offset 1h) unless last_over_time(trailflow_node_agent_calls_total[1h] offset 169h))
-- )
-- and on () count(last_over_time(trailflow_newest_event_timestamp_seconds{table="cloudtrail"}[1d] offset 7d)) > 0
-- '''
-- runbook  = "trailflownewnoderole"
--
-- [[test]]
-- name   = "the Pod Identity agent, refused or not; kubelet, containerd and the network plugin on an instance; a hybrid node"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206001","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206002","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"},"errorCode":"AccessDenied","errorMessage":"Unauthorized Exception! EKS does not have permissions to assume the associated role."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206003","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/custom-node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/eks/custom-node"},"ec2RoleDelivery":"2.0"}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/custom-node/i-0123456789abcdef0 is not authorized to perform: eks-auth:AssumeRoleForPodIdentity on resource: arn:aws:eks:eu-west-1:111122223333:cluster/blue because no identity-based policy allows the eks-auth:AssumeRoleForPodIdentity action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206004","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:mi-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/hybrid-node/mi-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/hybrid-node"}}},"requestParameters":{"clusterName":"edge","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:55:00Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206005","eventSource":"ec2.amazonaws.com","eventName":"DescribeNetworkInterfaces","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"userAgent":"amazon-vpc-cni-k8s/v1.19.2 aws-sdk-go-v2/1.32.6"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206006","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/old-node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/old-node"}}},"userAgent":"aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) kubelet/v1.31.4-eks-aeac579"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206007","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/old-node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/old-node"},"ec2RoleDelivery":"2.0"}},"userAgent":"containerd/v1.7.24"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:00:00Z
-- account_id = "111122223333"
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- cluster_name = "blue"
-- evidence = "pod_identity"
-- calls = 2
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/eks/custom-node"
-- cluster_name = "unknown"
-- evidence = "pod_identity"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/hybrid-node"
-- cluster_name = "edge"
-- evidence = "pod_identity"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- cluster_name = "unknown"
-- evidence = "node_agent"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/old-node"
-- cluster_name = "unknown"
-- evidence = "node_agent"
-- calls = 2
--
-- [[test]]
-- name   = "a person whom EKS refuses, the network plugin with a role of its own, an application on an instance, root and EC2's own identity are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206101","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:dana","arn":"arn:aws:sts::111122223333:assumed-role/admin/dana","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/admin"}}},"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/admin/dana is not authorized to perform: eks-auth:AssumeRoleForPodIdentity on resource: arn:aws:eks:eu-west-1:111122223333:cluster/blue because no identity-based policy allows the eks-auth:AssumeRoleForPodIdentity action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206102","eventSource":"eks-auth.amazonaws.com","eventName":"DescribeSomething","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"userAgent":"aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) kubelet/v1.31.4-eks-aeac579","requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206103","eventSource":"ec2.amazonaws.com","eventName":"DescribeNetworkInterfaces","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1767600000000000000","arn":"arn:aws:sts::111122223333:assumed-role/vpc-cni/1767600000000000000","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/vpc-cni"}}},"userAgent":"amazon-vpc-cni-k8s/v1.19.2 aws-sdk-go-v2/1.32.6"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206104","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/bastion/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/bastion"},"ec2RoleDelivery":"2.0"}},"userAgent":"Boto3/1.34.0 md/Botocore#1.34.0"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206105","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000206106","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/aws:ec2-instance/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws:ec2-instance"},"ec2RoleDelivery":"2.0"}},"userAgent":"aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) kubelet/v1.31.4-eks-aeac579"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980031","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"requestParameters":{"clusterName":"blue","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"},"ec2RoleDelivery":"2.0"}},"eventID":"00000000-0000-4000-8000-000000980032","sharedEventID":"00000000-0000-4000-9000-000000980033","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- evidence = "pod_identity"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '1 hour', event_time)                                      AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')                   AS account_id,
    role_arn,
    CASE event_source
        WHEN 'eks-auth.amazonaws.com' THEN coalesce(json_get_str(request_parameters, 'clusterName'), 'unknown')
        ELSE 'unknown'
    END                                                                          AS cluster_name,
    CASE event_source WHEN 'eks-auth.amazonaws.com' THEN 'pod_identity' ELSE 'node_agent' END AS evidence,
    count(*)                                                                     AS calls
FROM cloudtrail
WHERE role_arn IS NOT NULL
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND (event_source = 'eks-auth.amazonaws.com'
       AND event_name = 'AssumeRoleForPodIdentity'
       -- Anybody may try; EKS gives the credentials of a pod to a node alone.
       AND (is_node OR error_code_norm IS NULL)
       OR event_source <> 'eks-auth.amazonaws.com'
       AND is_node
       AND ua_family IN ('kubelet', 'containerd', 'vpc-cni'))
GROUP BY 1, 2, 3, 4, 5
