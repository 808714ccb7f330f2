-- ---
-- name            = "long_lived_key_age"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "When each long-lived access key was last used."
-- seed            = "Long-lived access keys: last seen"
-- why             = """
-- A key that was used yesterday needs an owner and a plan; one that was last used three weeks ago
-- can probably be deleted. The alert says so for a week and is then silent: two days later the key
-- leaves the list, whether it was deleted or not.
-- """
-- false_positives = ["A key for a monthly or yearly task."]
-- cannot_tell     = """
-- Whether a key in the list still exists. One that was not used in 30 days is not in it, and those
-- are the ones to look for first: IAM's credential report has them. Uses that only data events show
-- are missing unless the trail has them.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "6h"
-- over            = "32d"                # what is asked for, and a margin
--
-- [metric]
-- name            = "trailflow_long_lived_key_last_use_timestamp_seconds"
-- type            = "gauge"
-- help            = "Time of the last call with a long-lived access key of the last 30 days, in Unix seconds."
-- value           = "last_use_seconds"
-- labels          = ["account_id", "user_name", "access_key_id"]
-- series_max      = 2000                 # keys in use
--
-- [[alert]]
-- name     = "TrailflowLongLivedKeyUnused"
-- severity = "info"
-- for      = "1h"
-- summary  = '{{ $labels.access_key_id }} of {{ $labels.user_name }} in {{ $labels.account_id }}: last used {{ $value | humanizeDuration }} ago. Does anybody need it?'
-- expr     = '''
-- time() - max by (account_id, user_name, access_key_id) (trailflow_long_lived_key_last_use_timestamp_seconds) > 1814400
-- and time() - max by (account_id, user_name, access_key_id) (trailflow_long_lived_key_last_use_timestamp_seconds) < 2419200
-- and on () time() - max(trailflow_newest_event_timestamp_seconds{table="cloudtrail"}) < 1800
-- '''
-- runbook  = "trailflowlonglivedkeyunused"
--
-- [[test]]
-- name   = "the last use of a key over windows and services, and of another key of the same user"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"long_lived_keys","window_start":"2025-12-08T12:00:00Z","account_id":"111122223333","user_name":"backup","service":"s3","access_key_id":"AKIAEXAMPLE1","calls":3,"first_seen":1765195200,"last_seen":1765195200}
-- {"view":"long_lived_keys","window_start":"2026-01-04T11:55:00Z","account_id":"111122223333","user_name":"backup","service":"ec2","access_key_id":"AKIAEXAMPLE1","calls":3,"first_seen":1767527820,"last_seen":1767527820}
-- {"view":"long_lived_keys","window_start":"2026-01-01T12:00:00Z","account_id":"111122223333","user_name":"backup","service":"s3","access_key_id":"AKIAEXAMPLE1","calls":3,"first_seen":1767268800,"last_seen":1767268800}
-- {"view":"long_lived_keys","window_start":"2025-12-09T12:00:00Z","account_id":"111122223333","user_name":"backup","service":"s3","access_key_id":"AKIAEXAMPLE2","calls":3,"first_seen":1765281600,"last_seen":1765281600}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- user_name = "backup"
-- access_key_id = "AKIAEXAMPLE1"
-- last_use_seconds = 1767527820
-- [[test.rows]]
-- user_name = "backup"
-- access_key_id = "AKIAEXAMPLE2"
-- last_use_seconds = 1765281600
--
-- [[test]]
-- name   = "a key that was not used in 30 days is gone, and one that is not used before the run is not there yet"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"long_lived_keys","window_start":"2025-12-06T12:00:00Z","account_id":"111122223333","user_name":"backup","service":"s3","access_key_id":"AKIAEXAMPLE1","calls":3,"first_seen":1765022400,"last_seen":1765022400}
-- {"view":"long_lived_keys","window_start":"2026-01-06T12:05:00Z","account_id":"111122223333","user_name":"backup","service":"s3","access_key_id":"AKIAEXAMPLE2","calls":3,"first_seen":1767701100,"last_seen":1767701100}
-- '''
-- rows   = []
-- ---
SELECT
    long_lived_keys.account_id,
    long_lived_keys.user_name,
    long_lived_keys.access_key_id,
    max(long_lived_keys.last_seen) AS last_use_seconds
FROM long_lived_keys
INNER JOIN schedule
    ON long_lived_keys.window_start > schedule.at - INTERVAL '30 days'
    AND long_lived_keys.window_start <= schedule.at
GROUP BY 1, 2, 3
