-- ---
-- name            = "ecr_pulls_by_zone"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Requests for images in the last hour by repository and the availability zone of the node."
-- seed            = "ECR image pull durations by repository and node AZ"
-- why             = """
-- When one zone pulls far more than the others, its nodes are replaced more often, or its
-- pods start there: the zone shows in the flow logs, the pull in CloudTrail, and both name
-- the instance.
-- """
-- false_positives = ["A rollout of pods that run in one zone only."]
-- cannot_tell     = """
-- The zone of a node whose flow logs of the last day name none: it counts as unknown. A pull
-- is one to three requests, and its duration is not known. Pulls by other identities than an
-- instance's have no zone, nor has the registry owner's copy of one from another account, where
-- that was read first: it counts as unknown beside the node's own.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "30m"
--
-- [[metric]]
-- name            = "trailflow_ecr_pulls_by_zone"
-- type            = "gauge"
-- help            = "Requests for images in the last hour, by repository and the zone of the instance that made them."
-- value           = "pulls"
-- labels          = ["repository", "az_id"]
-- series_max      = 2000                 # repositories x zones
--
-- [[alert]]
-- name     = "TrailflowEcrPullsOneZone"
-- severity = "info"
-- for      = "30m"
-- summary  = 'Zone {{ $labels.az_id }} makes {{ $value | humanizePercentage }} of the requests for images of the last hour; in the day before it was less than 60%.'
-- expr     = '''
-- sum by (az_id) (max by (repository, az_id) (trailflow_ecr_pulls_by_zone{az_id!="unknown"}))
-- / on () group_left () sum(max by (repository, az_id) (trailflow_ecr_pulls_by_zone{az_id!="unknown"})) > 0.75
-- and sum by (az_id) (max by (repository, az_id) (sum_over_time(trailflow_ecr_pulls_by_zone{az_id!="unknown"}[1d] offset 2h)))
-- / on () group_left () sum(max by (repository, az_id) (sum_over_time(trailflow_ecr_pulls_by_zone{az_id!="unknown"}[1d] offset 2h))) < 0.6
-- and on () sum(max by (repository, az_id) (trailflow_ecr_pulls_by_zone{az_id!="unknown"})) >= 100
-- '''
-- runbook  = "trailflowecrpullsonezone"
--
-- [[test]]
-- name   = "two zones, one instance without a zone at the time of the run, and one that was seen yesterday"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":2,"layers":3,"first_seen":1767607510,"last_seen":1767607514}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:40:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0fedcba9876543210","registry_account":"111122223333","pulls":1,"layers":0,"first_seen":1767609610,"last_seen":1767609611}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:40:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0aaaaaaaaaaaaaaaa","registry_account":"111122223333","pulls":4,"layers":0,"first_seen":1767609610,"last_seen":1767609611}
-- {"view":"node_zones","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","instance_id":"i-0123456789abcdef0","az_id":"euw1-az1","records":10}
-- {"view":"node_zones","window_start":"2026-01-05T09:00:00Z","account_id":"111122223333","instance_id":"i-0123456789abcdef0","az_id":"euw1-az1","records":10}
-- {"view":"node_zones","window_start":"2026-01-04T12:00:00Z","account_id":"111122223333","instance_id":"i-0fedcba9876543210","az_id":"euw1-az2","records":10}
-- {"view":"node_zones","window_start":"2026-01-05T11:05:00Z","account_id":"111122223333","instance_id":"i-0aaaaaaaaaaaaaaaa","az_id":"euw1-az3","records":10}
-- '''
-- [[test.rows]]
-- repository = "shop/cart"
-- az_id = "euw1-az1"
-- pulls = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- az_id = "euw1-az2"
-- pulls = 1
-- [[test.rows]]
-- repository = "shop/cart"
-- az_id = "unknown"
-- pulls = 4
--
-- [[test]]
-- name   = "refused pulls, layers alone, zones alone and an hour that has passed are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"denied","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":3,"first_seen":1767607510,"last_seen":1767607514}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":0,"layers":3,"first_seen":1767607510,"last_seen":1767607514}
-- {"view":"ecr_pulls","window_start":"2026-01-05T09:50:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":3,"first_seen":1767606600,"last_seen":1767606610}
-- {"view":"ecr_pulls","window_start":"2026-01-05T11:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":3,"first_seen":1767611110,"last_seen":1767611111}
-- {"view":"node_zones","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","instance_id":"i-0123456789abcdef0","az_id":"euw1-az1","records":10}
-- '''
-- rows   = []
-- ---
WITH zones AS (
    SELECT
        node_zones.instance_id  AS instance_id,
        min(node_zones.az_id)   AS az_id
    FROM node_zones
    CROSS JOIN schedule
    WHERE node_zones.window_start >= schedule.at - INTERVAL '1 day'
      AND node_zones.window_start <= schedule.at
    GROUP BY 1
),
recent AS (
    SELECT
        ecr_pulls.repository  AS repository,
        ecr_pulls.session     AS session,
        sum(ecr_pulls.pulls)  AS pulls
    FROM ecr_pulls
    CROSS JOIN schedule
    WHERE ecr_pulls.outcome = 'success'
      AND ecr_pulls.window_start >= schedule.at - INTERVAL '1 hour'
      AND ecr_pulls.window_start <= schedule.at
    GROUP BY 1, 2
    HAVING sum(ecr_pulls.pulls) > 0
)
SELECT
    recent.repository                 AS repository,
    coalesce(zones.az_id, 'unknown')  AS az_id,
    sum(recent.pulls)                 AS pulls
FROM recent
-- An instance never changes its zone.
LEFT JOIN zones ON zones.instance_id = recent.session
GROUP BY 1, 2
