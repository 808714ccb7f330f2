-- ---
-- name            = "cluster_upgrades"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Updates of EKS clusters, node groups and add-ons that were begun, by version."
-- seed            = "NLB unhealthy targets matching upgrade windows"
-- why             = """
-- An upgrade moves every pod. Unhealthy targets, refused connections and pulls of images in the
-- hour after it are its doing; without this mark they look like faults of their own. EKS takes
-- no second update while one runs, so the same one begun again says that the first has failed.
-- """
-- false_positives = ["An update that was begun and failed: EKS logs the request alone.", "A node group that is forced to the release it has."]
-- cannot_tell     = """
-- When an upgrade ended, or whether it succeeded: CloudTrail has its start only. Upgrades by
-- AWS at the end of a version's support, nodes that Karpenter or an auto scaling group replaces,
-- and add-ons installed with Helm are no calls of EKS.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_cluster_upgrades_total"
-- type            = "counter"
-- help            = "Updates of EKS that were begun, by account, region, cluster, node group, add-on, kind and version."
-- value           = "updates"
-- labels          = ["account_id", "region", "cluster_name", "node_group", "addon", "kind", "version"]
-- series_max      = 1000                 # clusters x node groups and add-ons x versions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "cluster_name", "node_group", "addon", "kind", "version", "caller"]
-- measures        = { updates = "sum", first_seen = "min", last_seen = "max" }
--
-- [[alert]]
-- name     = "TrailflowUpgradeRepeated"
-- severity = "info"
-- for      = "0m"
-- summary  = 'Cluster {{ $labels.cluster_name }} in {{ $labels.account_id }} {{ $labels.region }}: the same update to {{ $labels.version }} was begun {{ $value }} times in 12 hours ({{ $labels.kind }}, node group {{ $labels.node_group }}).'
-- expr     = '''
-- sum by (account_id, region, cluster_name, node_group, kind, version) (
--   last_over_time(trailflow_cluster_upgrades_total{kind!="addon", version!~"unknown|other"}[12h])
--   - last_over_time(trailflow_cluster_upgrades_total{kind!="addon", version!~"unknown|other"}[1h] offset 12h) >= 0
--   or last_over_time(trailflow_cluster_upgrades_total{kind!="addon", version!~"unknown|other"}[12h])
-- ) >= 2
-- '''
-- runbook  = "trailflowupgraderepeated"
--
-- [[test]]
-- name   = "a cluster, a node group that names no version, one with a release, an add-on"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","version":"1.33","clientRequestToken":"t"},"responseElements":{"update":{"id":"u1","status":"InProgress","type":"VersionUpdate","params":[{"type":"Version","value":"1.33"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"eks.amazonaws.com","eventName":"UpdateNodegroupVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","nodegroupName":"general"},"responseElements":{"update":{"id":"u2","type":"VersionUpdate","params":[{"type":"Version","value":"1.33"},{"type":"ReleaseVersion","value":"1.33.0-20260101"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"eks.amazonaws.com","eventName":"UpdateNodegroupVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"clusterName":"blue","nodegroupName":"gpu","releaseVersion":"1.33.0-20260101"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"eks.amazonaws.com","eventName":"UpdateAddon","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","addonName":"vpc-cni","addonVersion":"v1.19.0-eksbuild.1"},"responseElements":{}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- cluster_name = "blue"
-- node_group = "none"
-- addon = "none"
-- kind = "cluster"
-- version = "1.33"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- updates = 1
-- first_seen = 1767608467
-- last_seen = 1767608467
-- [[test.rows]]
-- node_group = "general"
-- kind = "node_group"
-- version = "1.33"
-- updates = 1
-- [[test.rows]]
-- node_group = "gpu"
-- kind = "node_group"
-- version = "1.33.0-20260101"
-- updates = 1
-- [[test.rows]]
-- node_group = "none"
-- addon = "vpc-cni"
-- kind = "addon"
-- version = "v1.19.0-eksbuild.1"
-- updates = 1
--
-- [[test]]
-- name   = "changes of settings, refused updates and new node groups are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"eks.amazonaws.com","eventName":"UpdateNodegroupConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","nodegroupName":"general"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"eks.amazonaws.com","eventName":"CreateNodegroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","nodegroupName":"new","version":"1.33"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"InvalidParameterException","errorMessage":"Unsupported Kubernetes minor version update from 1.32 to 1.35","requestParameters":{"name":"blue","version":"1.35"},"responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a node group of an own image takes another version of its launch template"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450001","eventSource":"eks.amazonaws.com","eventName":"UpdateNodegroupVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","nodegroupName":"ng","launchTemplate":{"name":"nodes","version":"5"}},"responseElements":{"update":{"type":"VersionUpdate","params":[{"type":"LaunchTemplateName","value":"nodes"},{"type":"LaunchTemplateVersion","value":"5"}]}}}
-- '''
-- [[test.rows]]
-- kind = "node_group"
-- version = "lt-5"
-- updates = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980010","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","version":"1.33","clientRequestToken":"t"},"responseElements":{"update":{"id":"u1","status":"InProgress","type":"VersionUpdate","params":[{"type":"Version","value":"1.33"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterVersion","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980011","sharedEventID":"00000000-0000-4000-9000-000000980012","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- updates = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                AS window_start,
    coalesce(recipient_account_id, 'unknown')                 AS account_id,
    coalesce(region, 'unknown')                               AS region,
    coalesce(json_get_str(request_parameters, 'name'),
             json_get_str(request_parameters, 'clusterName'), 'unknown') AS cluster_name,
    coalesce(json_get_str(request_parameters, 'nodegroupName'), 'none')  AS node_group,
    coalesce(json_get_str(request_parameters, 'addonName'), 'none')      AS addon,
    CASE event_name
        WHEN 'UpdateClusterVersion' THEN 'cluster'
        WHEN 'UpdateNodegroupVersion' THEN 'node_group'
        ELSE 'addon'
    END                                                       AS kind,
    coalesce(
        json_get_str(request_parameters, 'version'),
        json_get_str(request_parameters, 'releaseVersion'),
        json_get_str(request_parameters, 'addonVersion'),
        -- Nodes of an own image: their launch template says what they run.
        'lt-' || json_as_text(request_parameters, 'launchTemplate', 'version'),
        -- A node group that names no version takes the cluster's; the reply says which.
        CASE WHEN json_get_str(response_elements, 'update', 'params', 0, 'type') LIKE '%Version'
             THEN json_get_str(response_elements, 'update', 'params', 0, 'value') END,
        'unknown')                                            AS version,
    coalesce(role_arn, principal, 'unknown')                  AS caller,
    count(*)                                                  AS updates,
    min(CAST(date_part('epoch', event_time) AS BIGINT))       AS first_seen,
    max(CAST(date_part('epoch', event_time) AS BIGINT))       AS last_seen
FROM cloudtrail
WHERE event_source = 'eks.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND event_name IN ('UpdateClusterVersion', 'UpdateNodegroupVersion', 'UpdateAddon')
  AND error_code IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
