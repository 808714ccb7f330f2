-- ---
-- name            = "cluster_exposure"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Calls that open the API server of an EKS cluster to the internet, turn its audit log off, make somebody its administrator or take an access entry away, by cluster, effect, principal and caller."
-- seed            = "Is a cluster's API server open to everybody?"
-- why             = """
-- UpdateClusterConfig is one line in the change timeline, whatever it did. An API server that the whole
-- internet reaches is one stolen token or one bug away from it. Whoever turns the audit log off is not seen from
-- then on: neither what they did to the cluster, nor what others do. Who is given AmazonEKSClusterAdminPolicy may do
-- all of it, from another account too. And nodes whose role loses its access entry turn NotReady, all at once.
-- """
-- false_positives = ["A call that says again what was so before: Terraform sends all settings of the endpoint when one of them changes.", "A new cluster that is closed by the next call of the same pipeline.", "A cluster for trials whose logs are turned off for their price.", "A pipeline that makes clusters, and its own role their administrator, every day.", "The role of a node group that is deleted on purpose."]
-- cannot_tell     = """
-- What was set before. A call that makes the endpoint public and names no ranges keeps those that the
-- cluster had: the whole internet, or an office (api_server_public). Ranges that add up to the whole internet
-- (0.0.0.0/1 and 128.0.0.0/1) are not seen. A new cluster has no audit log unless it asks for one: that does not
-- count. A log group that is deleted, or a subscription of it, is no call of EKS. Who makes a cluster becomes its
-- administrator by the same call unless it says otherwise: that does not count, nor what is bound inside of the
-- cluster (aws-auth, RoleBindings). Whose entry was deleted: it is nodes' where the configuration has the role under
-- node_roles (node_entry_deleted). Of others (entry_deleted) the alert takes those whose role node_role_evidence showed
-- to be nodes' in the day before.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_cluster_exposure_total"
-- type            = "counter"
-- help            = "Calls that opened the API server of an EKS cluster, turned its audit log off, made somebody its administrator or deleted an access entry, by account, region, cluster, effect, principal and caller."
-- value           = "changes"
-- labels          = ["account_id", "region", "cluster_name", "effect", "principal_arn", "caller"]
-- series_max      = 1000                 # clusters that are ever opened x callers, and access entries that come and go
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "cluster_name", "effect", "principal_arn", "api", "caller"]
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
-- [[alert]]
-- name     = "TrailflowClusterAdminGranted"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.cluster_name }} in {{ $labels.account_id }} {{ $labels.region }}: {{ $labels.caller }} made {{ $labels.principal_arn }} an administrator of the cluster ({{ $labels.effect }}).'
-- expr     = '''
-- sum by (account_id, region, cluster_name, effect, principal_arn, caller) (
--   last_over_time(trailflow_cluster_exposure_total{effect=~"cluster_admin_.+"}[30m])
--   - last_over_time(trailflow_cluster_exposure_total{effect=~"cluster_admin_.+"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_cluster_exposure_total{effect=~"cluster_admin_.+"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowclusteradmingranted"
--
-- [[alert]]
-- name     = "TrailflowNodeAccessDeleted"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.cluster_name }} in {{ $labels.account_id }} {{ $labels.region }}: {{ $labels.caller }} deleted the access entry of the node role {{ $labels.principal_arn }}: its nodes cannot reach the API server.'
-- expr     = '''
-- sum by (account_id, region, cluster_name, principal_arn, caller) (
--   last_over_time(trailflow_cluster_exposure_total{effect="node_entry_deleted"}[30m])
--   - last_over_time(trailflow_cluster_exposure_total{effect="node_entry_deleted"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_cluster_exposure_total{effect="node_entry_deleted"}[30m])
-- ) > 0
-- or sum by (account_id, region, cluster_name, principal_arn, caller) (
--   last_over_time(trailflow_cluster_exposure_total{effect="entry_deleted"}[30m])
--   - last_over_time(trailflow_cluster_exposure_total{effect="entry_deleted"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_cluster_exposure_total{effect="entry_deleted"}[30m])
-- ) > 0
-- and on (principal_arn) label_replace(
--   max by (role_arn) (last_over_time(trailflow_node_agent_calls_total[1d])), "principal_arn", "$1", "role_arn", "(.+)"
-- )
-- '''
-- runbook  = "trailflownodeaccessdeleted"
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
-- principal_arn = "none"
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
--
-- [[test]]
-- name   = "an administrator of the account and one of another; the entry of a role that is known to be nodes', and of one that is not"
-- reference = { node_roles = ["arn:aws:iam::111122223333:role/node"] }
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910401","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"},"name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fteam%2Fops%40home"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910402","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"},"name":"blue","principalArn":"arn:aws:iam::111122223333:role/team/ops@home"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910403","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"},"name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fcontractor"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910404","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fnode"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910405","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdev"},"responseElements":{}}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "cluster_admin_granted"
-- principal_arn = "arn:aws:iam::111122223333:role/team/ops@home"
-- api = "AssociateAccessPolicy"
-- changes = 2
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "cluster_admin_foreign"
-- principal_arn = "arn:aws:iam::444455556666:role/contractor"
-- api = "AssociateAccessPolicy"
-- changes = 1
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "node_entry_deleted"
-- principal_arn = "arn:aws:iam::111122223333:role/node"
-- api = "DeleteAccessEntry"
-- changes = 1
-- [[test.rows]]
-- cluster_name = "blue"
-- effect = "entry_deleted"
-- principal_arn = "arn:aws:iam::111122223333:role/dev"
-- api = "DeleteAccessEntry"
-- changes = 1
--
-- [[test]]
-- name   = "an administrator of a namespace, a reader, a policy that is taken away, a new entry, refused calls and the endpoint owner's record are silent"
-- reference = { node_roles = ["arn:aws:iam::111122223333:role/node"] }
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910406","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"namespace","namespaces":["shop"]},"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910407","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy","accessScope":{"type":"cluster"},"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910408","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"AccessDeniedException","errorMessage":"User: ci is not authorized to perform: eks:AssociateAccessPolicy","requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"},"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910409","eventSource":"eks.amazonaws.com","eventName":"DisassociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091040a","eventSource":"eks.amazonaws.com","eventName":"CreateAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev","type":"STANDARD"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091040b","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"ResourceNotFoundException","errorMessage":"The specified principalArn could not be found.","requestParameters":{"name":"blue","principalArn":"arn:aws:iam::111122223333:role/node"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091040c","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"NetworkActivity","readOnly":false,"eventType":"AwsVpceEvent","requestParameters":{"name":"blue","principalArn":"arn:aws:iam::111122223333:role/node"},"responseElements":null}
-- '''
-- rows   = []
-- ---
WITH calls AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal,
        json_get_str(request_parameters, 'name')                    AS cluster_name,
        -- The settings of the endpoint, and each group of logs. An access entry's call is one setting.
        unnest(array_concat(
            make_array(CASE
                WHEN event_name IN ('AssociateAccessPolicy', 'DeleteAccessEntry') THEN request_parameters
                ELSE json_get_json(request_parameters, 'resourcesVpcConfig')
            END),
            coalesce(json_get_array(request_parameters, 'logging', 'clusterLogging'), make_array(NULL)))) AS setting
    FROM cloudtrail
    WHERE event_source = 'eks.amazonaws.com'
      AND event_name IN ('UpdateClusterConfig', 'CreateCluster', 'AssociateAccessPolicy', 'DeleteAccessEntry')
      AND error_code IS NULL
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
),
settings AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, cluster_name,
        json_get_bool(setting, 'endpointPublicAccess')                   AS is_public,
        nullif(json_get_json(setting, 'publicAccessCidrs'), '[]')        AS ranges,
        json_get_json(setting, 'types')                                  AS logs,
        json_get_bool(setting, 'enabled')                                AS is_enabled,
        -- As the path has it in some calls: percent-encoded.
        regexp_replace(regexp_replace(regexp_replace(
            json_get_str(setting, 'principalArn'), '%3A', ':', 'gi'), '%2F', '/', 'gi'), '%40', '@', 'g')
                                                                         AS principal_arn,
        coalesce(json_get_str(setting, 'policyArn'), '') LIKE '%/AmazonEKSClusterAdminPolicy'
            AND coalesce(json_get_str(setting, 'accessScope', 'type'), '') = 'cluster'
                                                                         AS is_admin
    FROM calls
    WHERE setting IS NOT NULL
),
effects AS (
    SELECT
        settings.event_time, settings.event_name, settings.recipient_account_id, settings.region, settings.role_arn,
        settings.principal, settings.cluster_name, settings.principal_arn,
        CASE
            WHEN event_name = 'DeleteAccessEntry' AND node_roles.role_arn IS NOT NULL THEN 'node_entry_deleted'
            WHEN event_name = 'DeleteAccessEntry' THEN 'entry_deleted'
            WHEN is_admin AND split_part(principal_arn, ':', 5) <> recipient_account_id THEN 'cluster_admin_foreign'
            WHEN is_admin THEN 'cluster_admin_granted'
            WHEN event_name = 'AssociateAccessPolicy' THEN NULL
            WHEN logs LIKE '%"audit"%' AND NOT is_enabled AND event_name = 'UpdateClusterConfig' THEN 'audit_log_off'
            WHEN logs IS NOT NULL OR NOT is_public THEN NULL
            -- A prefix of no bits is every address. A new cluster is public, and to everybody, unless it says otherwise.
            WHEN ranges LIKE '%/0"%' OR ranges IS NULL AND event_name = 'CreateCluster' THEN 'api_server_open'
            WHEN ranges IS NULL AND is_public THEN 'api_server_public'
        END AS effect
    FROM settings
    LEFT JOIN node_roles ON node_roles.role_arn = settings.principal_arn
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)  AS window_start,
    coalesce(recipient_account_id, 'unknown')   AS account_id,
    coalesce(region, 'unknown')                 AS region,
    coalesce(cluster_name, 'unknown')           AS cluster_name,
    effect,
    coalesce(principal_arn, 'none')             AS principal_arn,
    event_name                                  AS api,
    coalesce(role_arn, principal, 'unknown')    AS caller,
    count(*)                                    AS changes
FROM effects
WHERE effect IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
