-- ---
-- name            = "health_check_flaps"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "How often targets changed between accepting and rejecting connections in the last hour."
-- seed            = "Health-check flaps"
-- why             = """
-- A load balancer that finds a target well in one minute and unreachable in the next moves
-- traffic to and fro: clients see resets, and no single check explains them.
-- """
-- false_positives = ["Two clients of which only one is allowed, both calling all the time."]
-- cannot_tell     = """
-- Whether it was a load balancer that called, unless the flow log has the fields of version 11.
-- Failures above TCP (a status that is not 200) change nothing here. Without tcp-flags in the log
-- format a late packet may look like a refused attempt. The last ten minutes are left out,
-- because flow logs come about that late; later records correct the next runs.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "5m"
-- over            = "75m"
--
-- [metric]
-- name            = "trailflow_health_check_flaps"
-- type            = "gauge"
-- help            = "Changes between accepting and rejecting in the last hour, by interface and port, over all targets behind it."
-- value           = "flaps"
-- labels          = ["interface_id", "dstport"]
-- series_max      = 2000                 # interfaces x ports that flap
--
-- [[alert]]
-- name     = "TrailflowHealthCheckFlaps"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.interface_id }} port {{ $labels.dstport }}: changed {{ $value }} times between accepting and rejecting in an hour.'
-- expr     = '''
-- max by (interface_id, dstport) (trailflow_health_check_flaps) >= 6
-- '''
-- runbook  = "trailflowhealthcheckflaps"
--
-- [[test]]
-- name   = "well, refused, well, refused: three changes; a minute with both counts as refused; two pods add up"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:11:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":0,"rejects":4}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:12:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:13:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":1,"rejects":3}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:14:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":0,"rejects":2}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.78","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:21:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.78","dstport":8080,"accepts":0,"rejects":4}
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 8080
-- flaps = 4
--
-- [[test]]
-- name   = "one target well and its neighbour refused behind one interface do not flap"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.78","dstport":8080,"accepts":0,"rejects":4}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:11:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:11:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.78","dstport":8080,"accepts":0,"rejects":4}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "what is older than the hour, or too new to be whole, does not count"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"health_check_minutes","window_start":"2026-01-05T09:46:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T09:47:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":0,"rejects":4}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:51:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":4,"rejects":0}
-- {"view":"health_check_minutes","window_start":"2026-01-05T10:52:00Z","account_id":"111122223333","interface_id":"eni-1","destination":"10.0.2.77","dstport":8080,"accepts":0,"rejects":4}
-- '''
-- rows   = []
-- ---
WITH minutes AS (
    SELECT
        interface_id, dstport, destination, health_check_minutes.window_start,
        max(CASE WHEN rejects > 0 THEN 1 ELSE 0 END) AS refused
    FROM health_check_minutes
    CROSS JOIN schedule
    WHERE health_check_minutes.window_start >= schedule.at - INTERVAL '70 minutes'
      AND health_check_minutes.window_start < schedule.at - INTERVAL '10 minutes'
    GROUP BY 1, 2, 3, 4
),
steps AS (
    SELECT
        interface_id, dstport, refused,
        lag(refused) OVER (PARTITION BY interface_id, dstport, destination ORDER BY window_start) AS refused_before
    FROM minutes
)
SELECT
    interface_id,
    dstport,
    count(*) AS flaps
FROM steps
WHERE refused <> refused_before
GROUP BY 1, 2
