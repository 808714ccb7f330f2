-- ---
-- name            = "tls_versions"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "The number in an event's TLS version."
-- why             = "Its query fails on a row whose TLS version holds no number, which no check can foresee."
-- false_positives = ["None."]
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_tls_versions_total"
-- type            = "counter"
-- help            = "Sums of the numbers in TLS versions, by account."
-- value           = "numbers"
-- labels          = ["account_id"]
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id"]
-- measures        = { numbers = "sum" }
--
-- [[test]]
-- name            = "a number is counted"
-- input           = '''
-- {"Records": [{"eventVersion": "1.08", "eventID": "1", "eventTime": "2026-01-05T10:21:00Z", "recipientAccountId": "111122223333", "tlsDetails": {"tlsVersion": "13"}}]}
-- '''
-- [[test.rows]]
-- window_start    = 2026-01-05T10:20:00Z
-- account_id      = "111122223333"
-- numbers         = 13
--
-- [[test]]
-- name            = "an event without TLS is silent"
-- input           = '''
-- {"Records": [{"eventVersion": "1.08", "eventID": "2", "eventTime": "2026-01-05T10:21:00Z"}]}
-- '''
-- rows            = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time) AS window_start,
    recipient_account_id                       AS account_id,
    sum(CAST(tls_version AS BIGINT))           AS numbers
FROM cloudtrail
WHERE tls_version IS NOT NULL
GROUP BY 1, 2
