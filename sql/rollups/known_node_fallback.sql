-- ---
-- name            = "known_node_fallback"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls of the last hour outside a node's own, with roles known to be nodes': learned from their agents' calls, or configured."
-- seed            = "Node-role fallback"
-- why             = """
-- A pod that works with its node's role has every right that any pod there was given. Here a role
-- counts as a node's when in the last day it asked EKS Pod Identity for a pod's credentials, or
-- kubelet, containerd or the network plugin called with it on an instance, or when it is
-- configured. A bastion host is then none, and nobody keeps a list.
-- """
-- false_positives = ["A driver or agent that is meant to use the node's role.", "A machine that runs kubelet under the role of something else."]
-- cannot_tell     = """
-- Which pod it was. A node whose role nothing gave away in the last day: without Pod Identity, its
-- agents with roles of their own or calling with a plain SDK. While node_roles is configured only
-- those roles are counted: what else is a node's role shows in node_role_evidence. A pod that
-- makes the calls a node makes too is not seen, and calls on contents only with data events.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "30m"
--
-- [metric]
-- name            = "trailflow_known_node_role_calls"
-- type            = "gauge"
-- help            = "Calls of the last hour that are none of a node's own, with a role known to be a node's, by cluster, how it is known, service and outcome."
-- value           = "calls"
-- labels          = ["role_arn", "cluster_name", "known_by", "service", "outcome"]
-- series_max      = 1000                 # node roles x services of the workloads x outcomes
--
-- [[alert]]
-- name     = "TrailflowNodeRoleUsed"
-- severity = "info"
-- for      = "1h"
-- summary  = '{{ $labels.role_arn }} (cluster {{ $labels.cluster_name }}): {{ $value }} calls of {{ $labels.service }} in the last hour with this node role: pods seem to work with the role of their node.'
-- expr     = '''
-- max by (role_arn, cluster_name, service) (
--   trailflow_known_node_role_calls{outcome="success", service=~"s3|sqs|sns|dynamodb|secretsmanager|route53|elasticloadbalancing"}
-- ) >= 10
-- '''
-- runbook  = "trailflownoderoleused"
--
-- [[test]]
-- name   = "learned from Pod Identity, from the agents alone, and for two clusters; APIs, windows and instances add up"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/node","cluster_name":"unknown","evidence":"node_agent","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/old-node","cluster_name":"unknown","evidence":"node_agent","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/shared-node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/shared-node","cluster_name":"green","evidence":"pod_identity","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/shared-node","cluster_name":"unknown","evidence":"pod_identity","calls":9}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":3}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:55:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"s3","api":"GetBucketLocation","outcome":"success","session":"i-0fedcba9876543210","ua_family":"boto3","account_id":"111122223333","calls":2}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"secretsmanager","api":"GetSecretValue","outcome":"denied","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":4}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/old-node","service":"sqs","api":"SendMessage","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":1}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/shared-node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":1}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- cluster_name = "blue"
-- known_by = "pod_identity"
-- service = "s3"
-- outcome = "success"
-- calls = 5
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- cluster_name = "blue"
-- known_by = "pod_identity"
-- service = "secretsmanager"
-- outcome = "denied"
-- calls = 4
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/old-node"
-- cluster_name = "unknown"
-- known_by = "node_agent"
-- service = "sqs"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/shared-node"
-- cluster_name = "several"
-- known_by = "pod_identity"
-- calls = 1
--
-- [[test]]
-- name   = "a configured role needs no evidence, and has its cluster from it where there is some"
-- at     = 2026-01-05T11:00:00Z
-- reference = { node_roles = ["arn:aws:iam::111122223333:role/node", "arn:aws:iam::111122223333:role/fargate-node"] }
-- input  = '''
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":1}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/fargate-node","service":"dynamodb","api":"ListTables","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":1}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/node"
-- cluster_name = "blue"
-- known_by = "configured"
-- service = "s3"
-- calls = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/fargate-node"
-- cluster_name = "unknown"
-- known_by = "configured"
-- service = "dynamodb"
-- calls = 1
--
-- [[test]]
-- name   = "an instance that is no node, or none before the run, a node that was seen a day ago, calls of another hour, and nodes that make no such calls are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-04T10:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/gone-node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/bastion","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":90}
-- {"view":"node_role_fallback","window_start":"2026-01-05T10:20:00Z","role_arn":"arn:aws:iam::111122223333:role/gone-node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":90}
-- {"view":"node_role_fallback","window_start":"2026-01-05T09:55:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":90}
-- {"view":"node_role_fallback","window_start":"2026-01-05T11:05:00Z","role_arn":"arn:aws:iam::111122223333:role/node","service":"s3","api":"ListBuckets","outcome":"success","session":"i-0123456789abcdef0","ua_family":"boto3","account_id":"111122223333","calls":90}
-- {"view":"node_role_evidence","window_start":"2026-01-05T02:00:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/quiet-node","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- {"view":"node_role_evidence","window_start":"2026-01-05T11:05:00Z","account_id":"111122223333","role_arn":"arn:aws:iam::111122223333:role/bastion","cluster_name":"blue","evidence":"pod_identity","calls":9}
-- '''
-- rows   = []
-- ---
WITH evidence AS (
    SELECT
        node_role_evidence.role_arn                 AS role_arn,
        nullif(node_role_evidence.cluster_name, 'unknown') AS cluster_name,
        node_role_evidence.evidence                 AS known_by
    FROM node_role_evidence
    CROSS JOIN schedule
    WHERE node_role_evidence.window_start > schedule.at - INTERVAL '1 day'
      AND node_role_evidence.window_start <= schedule.at
    UNION ALL
    SELECT node_roles.role_arn AS role_arn, NULL AS cluster_name, 'configured' AS known_by
    FROM node_roles
),
nodes AS (
    SELECT
        role_arn,
        CASE
            WHEN min(cluster_name) <> max(cluster_name) THEN 'several'
            ELSE coalesce(min(cluster_name), 'unknown')
        END                                         AS cluster_name,
        -- The surest: configured, then the Pod Identity agent's calls, then those of others.
        CASE min(CASE known_by WHEN 'configured' THEN 1 WHEN 'pod_identity' THEN 2 ELSE 3 END)
            WHEN 1 THEN 'configured'
            WHEN 2 THEN 'pod_identity'
            ELSE 'node_agent'
        END                                         AS known_by
    FROM evidence
    GROUP BY role_arn
)
SELECT
    node_role_fallback.role_arn  AS role_arn,
    nodes.cluster_name           AS cluster_name,
    nodes.known_by               AS known_by,
    node_role_fallback.service   AS service,
    node_role_fallback.outcome   AS outcome,
    sum(node_role_fallback.calls) AS calls
FROM node_role_fallback
INNER JOIN nodes ON nodes.role_arn = node_role_fallback.role_arn
CROSS JOIN schedule
WHERE node_role_fallback.window_start >= schedule.at - INTERVAL '1 hour'
  AND node_role_fallback.window_start <= schedule.at
GROUP BY 1, 2, 3, 4, 5
