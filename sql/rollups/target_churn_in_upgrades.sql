-- ---
-- name            = "target_churn_in_upgrades"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Targets registered and taken off in the hour after an update of a cluster or a node group began, by cluster and target group."
-- seed            = "NLB unhealthy targets matching upgrade windows"
-- why             = """
-- An upgrade moves pods, and each move takes a target off a load balancer and registers another.
-- Churn inside the window has its cause; the same churn outside of one is a fault to look for.
-- Targets that are taken off and do not come back are pods that find no place on the new nodes.
-- """
-- false_positives = ["A deployment that falls into the hour of an upgrade.", "A registration by a tool in the region of an upgrade that has nothing to do with the cluster."]
-- cannot_tell     = """
-- When an upgrade ends: CloudTrail has its begin only, so the window is an hour, and a node group
-- that takes longer goes on outside of it. Which cluster a target group belongs to: no call names
-- it. It is known where the caller's role is the role of pods of one named cluster (matched_by
-- cluster), else only account and region are the same (region), and two clusters that are upgraded
-- there at once both count it. Whether a target was healthy.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "30m"
--
-- [metric]
-- name            = "trailflow_target_changes_in_upgrades"
-- type            = "gauge"
-- help            = "Targets registered and taken off in the hour after an update of a cluster or node group began in the last two hours, by cluster, target group, API and how they are matched."
-- value           = "targets"
-- labels          = ["account_id", "region", "cluster_name", "target_group", "api", "matched_by"]
-- series_max      = 2000                 # target groups of upgraded clusters x two APIs
--
-- [[alert]]
-- name     = "TrailflowUpgradeTargetsMissing"
-- severity = "warning"
-- for      = "15m"
-- summary  = '{{ $labels.target_group }} (cluster {{ $labels.cluster_name }}): {{ $value }} targets were taken off in an upgrade, and not half as many came back.'
-- expr     = '''
-- sum by (account_id, region, cluster_name, target_group) (
--   max by (account_id, region, cluster_name, target_group, matched_by) (trailflow_target_changes_in_upgrades{api=~"Deregister.*"})
-- ) >= 5
-- unless
-- 2 * sum by (account_id, region, cluster_name, target_group) (
--   max by (account_id, region, cluster_name, target_group, matched_by) (trailflow_target_changes_in_upgrades{api=~"Register.*"})
-- )
-- >= sum by (account_id, region, cluster_name, target_group) (
--   max by (account_id, region, cluster_name, target_group, matched_by) (trailflow_target_changes_in_upgrades{api=~"Deregister.*"})
-- )
-- '''
-- runbook  = "trailflowupgradetargetsmissing"
--
-- [[test]]
-- name   = "a cluster and its node group half an hour later: one window, each target once; who is no pod is matched by region"
-- at     = 2026-01-05T11:45:00Z
-- input  = '''
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"blue","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:30:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"blue","node_group":"general","addon":"none","kind":"node_group","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","sessions":1,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T07:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","sessions":1,"last_seen":1767607200}
-- {"view":"target_churn","window_start":"2026-01-05T09:55:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":3}
-- {"view":"target_churn","window_start":"2026-01-05T10:40:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":4}
-- {"view":"target_churn","window_start":"2026-01-05T10:40:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"DeregisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":5}
-- {"view":"target_churn","window_start":"2026-01-05T11:25:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":2}
-- {"view":"target_churn","window_start":"2026-01-05T11:30:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/pay/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/terraform","calls":1,"targets":7}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- region = "eu-west-1"
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "cluster"
-- targets = 9
-- [[test.rows]]
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef"
-- api = "DeregisterTargets"
-- matched_by = "cluster"
-- targets = 5
-- [[test.rows]]
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/pay/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "region"
-- targets = 7
--
-- [[test]]
-- name   = "two clusters of one region: a pod's cluster decides; an unnamed cluster and a role of both do not"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"blue","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"green","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc-blue","sessions":1,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"irsa","cluster_name":"green","oidc_id":"CD34","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc-green","sessions":1,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"irsa","cluster_name":"EF56","oidc_id":"EF56","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/unnamed","sessions":1,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/both","sessions":1,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/both","sessions":1,"last_seen":1767607200}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/a/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc-blue","calls":1,"targets":1}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/b/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc-green","calls":1,"targets":2}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/c/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/unnamed","calls":1,"targets":4}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/d/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/both","calls":1,"targets":8}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/a/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "cluster"
-- targets = 1
-- [[test.rows]]
-- cluster_name = "green"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/b/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "cluster"
-- targets = 2
-- [[test.rows]]
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/c/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "region"
-- targets = 4
-- [[test.rows]]
-- cluster_name = "blue"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/d/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "region"
-- targets = 8
-- [[test.rows]]
-- cluster_name = "green"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/c/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "region"
-- targets = 4
-- [[test.rows]]
-- cluster_name = "green"
-- target_group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/d/0123456789abcdef"
-- api = "RegisterTargets"
-- matched_by = "region"
-- targets = 8
--
-- [[test]]
-- name   = "outside the window, in another region or account, by a controller of another cluster (whatever it is later), of add-ons, of upgrades long past or to come, and after the run: silent"
-- at     = 2026-01-05T11:40:00Z
-- input  = '''
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"blue","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T08:00:00Z","account_id":"111122223333","region":"eu-west-1","cluster_name":"old","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","region":"us-east-1","cluster_name":"addons","node_group":"none","addon":"vpc-cni","kind":"addon","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T11:45:00Z","account_id":"111122223333","region":"eu-west-2","cluster_name":"later","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc-green","sessions":1,"last_seen":1767607200}
-- {"view":"target_churn","window_start":"2026-01-05T09:55:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T11:00:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T08:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"us-east-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"444455556666","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-1","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc-green","calls":1,"targets":90}
-- {"view":"target_churn","window_start":"2026-01-05T11:45:00Z","account_id":"111122223333","region":"eu-west-2","target_group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"pod_sessions","window_start":"2026-01-05T11:45:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"kube-system","service_account":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc-green","sessions":1,"last_seen":1767613500}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T09:30:00Z","account_id":"111122223333","region":"eu-west-3","cluster_name":"past","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"target_churn","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","region":"eu-west-3","target_group":"arn:aws:elasticloadbalancing:eu-west-3:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- {"view":"cluster_upgrades","window_start":"2026-01-05T11:00:00Z","account_id":"111122223333","region":"eu-north-1","cluster_name":"now","node_group":"none","addon":"none","kind":"cluster","version":"1.33","caller":"arn:aws:iam::111122223333:role/ci","updates":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"target_churn","window_start":"2026-01-05T11:45:00Z","account_id":"111122223333","region":"eu-north-1","target_group":"arn:aws:elasticloadbalancing:eu-north-1:111122223333:targetgroup/cart/0123456789abcdef","api":"RegisterTargets","caller":"arn:aws:iam::111122223333:role/lbc","calls":1,"targets":90}
-- '''
-- rows   = []
-- ---
WITH upgrades AS (
    SELECT DISTINCT
        cluster_upgrades.account_id    AS account_id,
        cluster_upgrades.region        AS region,
        cluster_upgrades.cluster_name  AS cluster_name,
        cluster_upgrades.window_start  AS begun_at
    FROM cluster_upgrades
    CROSS JOIN schedule
    -- An add-on moves its own pods only.
    WHERE cluster_upgrades.kind IN ('cluster', 'node_group')
      AND cluster_upgrades.window_start > schedule.at - INTERVAL '2 hours'
      AND cluster_upgrades.window_start <= schedule.at
),
-- The cluster of a role that pods have, where the cluster has a name and is the only one.
callers AS (
    SELECT
        pod_sessions.role_arn           AS role_arn,
        min(pod_sessions.cluster_name)  AS cluster_name
    FROM pod_sessions
    CROSS JOIN schedule
    WHERE pod_sessions.window_start > schedule.at - INTERVAL '1 day'
      AND pod_sessions.window_start <= schedule.at
      AND pod_sessions.cluster_name NOT IN (pod_sessions.oidc_id, 'unknown')
    GROUP BY 1
    HAVING min(pod_sessions.cluster_name) = max(pod_sessions.cluster_name)
),
churn AS (
    SELECT
        target_churn.account_id    AS account_id,
        target_churn.region        AS region,
        target_churn.target_group  AS target_group,
        target_churn.api           AS api,
        target_churn.window_start  AS window_start,
        callers.cluster_name       AS cluster_name,
        sum(target_churn.targets)  AS targets
    FROM target_churn
    CROSS JOIN schedule
    LEFT JOIN callers ON callers.role_arn = target_churn.caller
    WHERE target_churn.window_start > schedule.at - INTERVAL '2 hours'
      AND target_churn.window_start <= schedule.at
    GROUP BY 1, 2, 3, 4, 5, 6
),
-- Windows overlap when a node group follows its cluster: what lies in both counts once.
inside AS (
    SELECT DISTINCT
        churn.account_id, churn.region, upgrades.cluster_name, churn.target_group, churn.api, churn.window_start,
        CASE WHEN churn.cluster_name IS NULL THEN 'region' ELSE 'cluster' END AS matched_by,
        churn.targets
    FROM churn
    INNER JOIN upgrades
        ON upgrades.account_id = churn.account_id
        AND upgrades.region = churn.region
        AND upgrades.begun_at <= churn.window_start
        AND upgrades.begun_at > churn.window_start - INTERVAL '1 hour'
    WHERE coalesce(churn.cluster_name, upgrades.cluster_name) = upgrades.cluster_name
)
SELECT
    account_id,
    region,
    cluster_name,
    target_group,
    api,
    matched_by,
    sum(targets) AS targets
FROM inside
GROUP BY 1, 2, 3, 4, 5, 6
