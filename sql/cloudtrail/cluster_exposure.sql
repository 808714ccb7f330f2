-- ---
-- name            = "cluster_exposure"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Calls that open the API server of an EKS cluster to the internet, or turn its audit log off, by cluster, effect and caller."
-- seed            = "Is a cluster's API server open to everybody?"
-- why             = """
-- UpdateClusterConfig is one line in the change timeline, whatever it did. An API server that the whole
-- internet reaches is one stolen token or one bug away from it. Whoever turns the audit log off is not seen from
-- then on: neither what they did to the cluster, nor what others do.
-- """
-- false_positives = ["A call that says again what was so before: Terraform sends all settings of the endpoint when one of them changes.", "A new cluster that is closed by the next call of the same pipeline.", "A cluster for trials whose logs are turned off for their price."]
-- cannot_tell     = """
-- What was set before. A call that makes the endpoint public and names no ranges keeps those that the
-- cluster had: the whole internet, or an office (api_server_public). Ranges that add up to the whole internet
-- (0.0.0.0/1 and 128.0.0.0/1) are not seen. A new cluster has no audit log unless it asks for one: that does not
-- count. A log group that is deleted, or a subscription of it, is no call of EKS.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_cluster_exposure_total"
-- type            = "counter"
-- help            = "Calls that opened the API server of an EKS cluster or turned its audit log off, by account, region, cluster, effect and caller."
-- value           = "changes"
-- labels          = ["account_id", "region", "cluster_name", "effect", "caller"]
-- series_max      = 1000                 # clusters that are ever opened x callers
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "cluster_name", "effect", "api", "caller"]
-- measures        = { changes = "sum" }
--
-- [[alert]]
-- name     = "TrailflowClusterApiOpened"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.cluster_name }} in {{ $labels.account_id }} {{ $labels.region }}: its API server was opened by {{ $labels.caller }} ({{ $labels.effect }}).'
-- expr     = '''
-- sum by (account_id, region, cluster_name, effect, caller) (
--   last_over_time(trailflow_cluster_exposure_total{effect=~"api_server_.+"}[30m])
--   - last_over_time(trailflow_cluster_exposure_total{effect=~"api_server_.+"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_cluster_exposure_total{effect=~"api_server_.+"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowclusterapiopened"
--
-- [[alert]]
-- name     = "TrailflowClusterAuditLogOff"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.cluster_name }} in {{ $labels.account_id }} {{ $labels.region }}: its audit log was turned off by {{ $labels.caller }}.'
-- expr     = '''
-- sum by (account_id, region, cluster_name, caller) (
--   last_over_time(trailflow_cluster_exposure_total{effect="audit_log_off"}[30m])
--   - last_over_time(trailflow_cluster_exposure_total{effect="audit_log_off"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_cluster_exposure_total{effect="audit_log_off"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowclusterauditlogoff"
--
-- [[test]]
-- name   = "the whole internet, of both families; public to ranges that are not named; no audit log"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900029","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"endpointPublicAccess":true,"publicAccessCidrs":["192.0.2.0/24","0.0.0.0/0"]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002a","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"publicAccessCidrs":["::/0"]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002b","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"endpointPublicAccess":true,"endpointPrivateAccess":true}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002c","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","logging":{"clusterLogging":[{"types":["api","scheduler"],"enabled":true},{"types":["audit","authenticator"],"enabled":false}]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- cluster_name = "blue"
-- effect = "api_server_open"
-- api = "UpdateClusterConfig"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- changes = 2
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "api_server_public"
-- changes = 1
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "audit_log_off"
-- changes = 1
--
-- [[test]]
-- name   = "a new cluster is open unless it says otherwise, once, whatever it logs"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002d","eventSource":"eks.amazonaws.com","eventName":"CreateCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"one","roleArn":"arn:aws:iam::111122223333:role/eks","resourcesVpcConfig":{"subnetIds":["subnet-1"]},"logging":{"clusterLogging":[{"types":["api"],"enabled":true},{"types":["audit","scheduler"],"enabled":false}]}},"responseElements":{"cluster":{"name":"one","status":"CREATING"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002e","eventSource":"eks.amazonaws.com","eventName":"CreateCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"two","roleArn":"arn:aws:iam::111122223333:role/eks","resourcesVpcConfig":{"subnetIds":["subnet-1"],"endpointPublicAccess":true,"publicAccessCidrs":[]}},"responseElements":{"cluster":{"name":"two","status":"CREATING"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090002f","eventSource":"eks.amazonaws.com","eventName":"CreateCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"three","roleArn":"arn:aws:iam::111122223333:role/eks","resourcesVpcConfig":{"subnetIds":["subnet-1"],"endpointPublicAccess":false}},"responseElements":{"cluster":{"name":"three","status":"CREATING"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900030","eventSource":"eks.amazonaws.com","eventName":"CreateCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"four","roleArn":"arn:aws:iam::111122223333:role/eks","resourcesVpcConfig":{"subnetIds":["subnet-1"],"endpointPublicAccess":true,"publicAccessCidrs":["192.0.2.0/24"]}},"responseElements":{"cluster":{"name":"four","status":"CREATING"}}}
-- '''
-- [[test.rows]]
-- cluster_name = "one"
-- effect = "api_server_open"
-- api = "CreateCluster"
-- changes = 1
-- [[test.rows]]
-- cluster_name = "two"
-- effect = "api_server_open"
-- changes = 1
--
-- [[test]]
-- name   = "an office alone, a closed endpoint whose ranges are named, logs that are turned on, other logs off, other settings, a refused call and one that lost its parameters are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900031","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"endpointPublicAccess":true,"publicAccessCidrs":["192.0.2.0/24"]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900032","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"endpointPublicAccess":false,"endpointPrivateAccess":true,"publicAccessCidrs":["0.0.0.0/0"]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900033","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"subnetIds":["subnet-1","subnet-2"]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900034","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","logging":{"clusterLogging":[{"types":["audit"],"enabled":true},{"types":["scheduler"],"enabled":false}]}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900035","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","accessConfig":{"authenticationMode":"API"}},"responseElements":{"update":{"id":"u","status":"InProgress"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900036","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"AccessDeniedException","errorMessage":"User: ci is not authorized to perform: eks:UpdateClusterConfig","requestParameters":{"name":"blue","resourcesVpcConfig":{"publicAccessCidrs":["0.0.0.0/0"]}},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900037","eventSource":"eks.amazonaws.com","eventName":"CreateCluster","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900038","eventSource":"eks.amazonaws.com","eventName":"UpdateClusterConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"NetworkActivity","readOnly":false,"requestParameters":{"name":"blue","resourcesVpcConfig":{"publicAccessCidrs":["0.0.0.0/0"]}},"responseElements":null,"eventType":"AwsVpceEvent"}
-- '''
-- rows   = []
-- ---
WITH calls AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal,
        json_get_str(request_parameters, 'name')                    AS cluster_name,
        -- The settings of the endpoint, and each group of logs.
        unnest(array_concat(
            make_array(json_get_json(request_parameters, 'resourcesVpcConfig')),
            coalesce(json_get_array(request_parameters, 'logging', 'clusterLogging'), make_array(NULL)))) AS setting
    FROM cloudtrail
    WHERE event_source = 'eks.amazonaws.com'
      AND event_name IN ('UpdateClusterConfig', 'CreateCluster')
      AND error_code IS NULL
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
),
settings AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, cluster_name,
        json_get_bool(setting, 'endpointPublicAccess')                   AS is_public,
        nullif(json_get_json(setting, 'publicAccessCidrs'), '[]')        AS ranges,
        json_get_json(setting, 'types')                                  AS logs,
        json_get_bool(setting, 'enabled')                                AS is_enabled
    FROM calls
    WHERE setting IS NOT NULL
),
effects AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, cluster_name,
        CASE
            WHEN logs LIKE '%"audit"%' AND NOT is_enabled AND event_name = 'UpdateClusterConfig' THEN 'audit_log_off'
            WHEN logs IS NOT NULL OR NOT is_public THEN NULL
            -- A prefix of no bits is every address. A new cluster is public, and to everybody, unless it says otherwise.
            WHEN ranges LIKE '%/0"%' OR ranges IS NULL AND event_name = 'CreateCluster' THEN 'api_server_open'
            WHEN ranges IS NULL AND is_public THEN 'api_server_public'
        END AS effect
    FROM settings
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)  AS window_start,
    coalesce(recipient_account_id, 'unknown')   AS account_id,
    coalesce(region, 'unknown')                 AS region,
    coalesce(cluster_name, 'unknown')           AS cluster_name,
    effect,
    event_name                                  AS api,
    coalesce(role_arn, principal, 'unknown')    AS caller,
    count(*)                                    AS changes
FROM effects
WHERE effect IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7
