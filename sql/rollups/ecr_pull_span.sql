-- ---
-- name            = "ecr_pull_span"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Time from the first to the last ECR request of a pull, in the last hour: a proxy for its duration."
-- seed            = "ECR image pull durations by repository and node AZ"
-- why             = """
-- No log says how long a pull took. The requests for its layers are made one after another
-- as the earlier ones end, so their span grows when pulls get slow. It is good for comparing
-- a repository with itself, and for nothing else.
-- """
-- false_positives = ["A node that pulls two tags of a repository at the same time: one span, not two."]
-- cannot_tell     = """
-- The duration of a pull: the last layer's download and the unpacking come after the last
-- request. Pulls whose layers are all on the node have no span. Requests less than a minute
-- apart count as one pull, and within a window of five minutes all do.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "5m"
-- over            = "65m"
--
-- [[metric]]
-- name            = "trailflow_ecr_pull_span_seconds_bucket"
-- type            = "gauge"
-- help            = "Pulls of the last hour whose ECR requests span at most le seconds, by repository; cumulative, and no duration of the pull."
-- value           = "spans"
-- labels          = ["repository", "le"]
-- series_max      = 5000                 # repositories x 9 buckets
--
-- [[alert]]
-- name     = "TrailflowEcrPullsSlow"
-- severity = "info"
-- for      = "15m"
-- summary  = '{{ $labels.repository }}: half of the pulls of the last hour spread their requests over more than {{ $value | humanizeDuration }}, three times as long as in the day before.'
-- expr     = '''
-- histogram_quantile(0.5, max by (repository, le) (trailflow_ecr_pull_span_seconds_bucket)) > 60
-- and histogram_quantile(0.5, max by (repository, le) (trailflow_ecr_pull_span_seconds_bucket))
-- > 3 * histogram_quantile(0.5, max by (repository, le) (sum_over_time(trailflow_ecr_pull_span_seconds_bucket[1d] offset 2h)))
-- and max by (repository) (trailflow_ecr_pull_span_seconds_bucket{le="+Inf"}) >= 10
-- '''
-- runbook  = "trailflowecrpullsslow"
--
-- [[test]]
-- name   = "two nodes, and a pull that goes on past the end of a window"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":3,"first_seen":1767607510,"last_seen":1767607514}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0fedcba9876543210","registry_account":"111122223333","pulls":1,"layers":8,"first_seen":1767607510,"last_seen":1767607535}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","repository":"base","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":2,"first_seen":1767608695,"last_seen":1767608699}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","repository":"base","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":5,"first_seen":1767608710,"last_seen":1767608730}
-- '''
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "1"
-- spans = 0
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "5"
-- spans = 1
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "10"
-- spans = 1
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "30"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "60"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "120"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "300"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "600"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "+Inf"
-- spans = 2
-- [[test.rows]]
-- repository = "base"
-- le = "1"
-- spans = 0
-- [[test.rows]]
-- repository = "base"
-- le = "5"
-- spans = 0
-- [[test.rows]]
-- repository = "base"
-- le = "10"
-- spans = 0
-- [[test.rows]]
-- repository = "base"
-- le = "30"
-- spans = 0
-- [[test.rows]]
-- repository = "base"
-- le = "60"
-- spans = 1
-- [[test.rows]]
-- repository = "base"
-- le = "120"
-- spans = 1
-- [[test.rows]]
-- repository = "base"
-- le = "300"
-- spans = 1
-- [[test.rows]]
-- repository = "base"
-- le = "600"
-- spans = 1
-- [[test.rows]]
-- repository = "base"
-- le = "+Inf"
-- spans = 1
--
-- [[test]]
-- name   = "a minute of silence begins another pull"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":2,"first_seen":1767608690,"last_seen":1767608699}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":1,"first_seen":1767608759,"last_seen":1767608759}
-- '''
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "1"
-- spans = 1
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "5"
-- spans = 1
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "10"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "30"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "60"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "120"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "300"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "600"
-- spans = 2
-- [[test.rows]]
-- repository = "shop/cart"
-- le = "+Inf"
-- spans = 2
--
-- [[test]]
-- name   = "pulls without layers, refused ones, those of nobody knows whom, and those of an hour that has passed are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":0,"first_seen":1767607510,"last_seen":1767607511}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"denied","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":4,"first_seen":1767607510,"last_seen":1767607590}
-- {"view":"ecr_pulls","window_start":"2026-01-05T09:55:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":4,"first_seen":1767606900,"last_seen":1767607000}
-- {"view":"ecr_pulls","window_start":"2026-01-05T11:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"i-0123456789abcdef0","registry_account":"111122223333","pulls":1,"layers":4,"first_seen":1767611110,"last_seen":1767611190}
-- {"view":"ecr_pulls","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","repository":"shop/cart","node_role":"arn:aws:iam::111122223333:role/node","outcome":"success","session":"unknown","registry_account":"111122223333","pulls":1,"layers":4,"first_seen":1767607510,"last_seen":1767607590}
-- '''
-- rows   = []
-- ---
WITH seen AS (
    SELECT
        ecr_pulls.repository       AS repository,
        ecr_pulls.session          AS session,
        ecr_pulls.registry_account AS registry_account,
        ecr_pulls.window_start     AS window_start,
        min(ecr_pulls.first_seen)  AS first_seen,
        max(ecr_pulls.last_seen)   AS last_seen,
        sum(ecr_pulls.layers)      AS layers
    FROM ecr_pulls
    CROSS JOIN schedule
    WHERE ecr_pulls.outcome = 'success'
      AND ecr_pulls.session <> 'unknown'
      AND ecr_pulls.window_start >= schedule.at - INTERVAL '1 hour'
      AND ecr_pulls.window_start <= schedule.at
    GROUP BY 1, 2, 3, 4
),
-- A pull goes on in the next window when less than a minute lies between the requests.
marked AS (
    SELECT
        repository,
        session,
        registry_account,
        window_start,
        first_seen,
        last_seen,
        layers,
        CASE
            WHEN first_seen - lag(last_seen) OVER (
                PARTITION BY repository, session, registry_account ORDER BY window_start
            ) < 60 THEN 0
            ELSE 1
        END AS begins
    FROM seen
),
numbered AS (
    SELECT
        repository,
        session,
        registry_account,
        first_seen,
        last_seen,
        layers,
        sum(begins) OVER (
            PARTITION BY repository, session, registry_account ORDER BY window_start
        ) AS pull
    FROM marked
),
spans AS (
    SELECT
        repository,
        session,
        registry_account,
        pull,
        max(last_seen) - min(first_seen) AS seconds
    FROM numbered
    GROUP BY repository, session, registry_account, pull
    HAVING sum(layers) > 0
)
SELECT
    spans.repository                                                          AS repository,
    bounds.le                                                                 AS le,
    sum(CASE WHEN spans.seconds <= coalesce(bounds.seconds, spans.seconds) THEN 1 ELSE 0 END) AS spans
FROM spans
CROSS JOIN (
    VALUES ('1', 1), ('5', 5), ('10', 10), ('30', 30), ('60', 60), ('120', 120), ('300', 300), ('600', 600),
           ('+Inf', NULL)
) AS bounds(le, seconds)
GROUP BY 1, 2
