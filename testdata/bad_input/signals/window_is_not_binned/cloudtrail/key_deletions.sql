-- ---
-- name            = "key_deletions"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "KMS keys whose deletion was scheduled."
-- why             = "What a deleted key encrypted is lost."
-- false_positives = ["A key of a test account."]
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_key_deletions_total"
-- type            = "counter"
-- help            = "KMS keys whose deletion was scheduled, by account."
-- value           = "deletions"
-- labels          = ["account_id"]
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id"]
-- measures        = { deletions = "sum" }
--
-- [[test]]
-- name            = "a scheduled deletion is counted"
-- input           = '''
-- {"Records": [{"eventVersion": "1.08", "eventID": "1", "eventTime": "2026-01-05T10:21:00Z", "eventSource": "kms.amazonaws.com", "eventName": "ScheduleKeyDeletion", "recipientAccountId": "111122223333"}]}
-- '''
-- [[test.rows]]
-- window_start    = 2026-01-05T10:20:00Z
-- account_id      = "111122223333"
-- deletions       = 1
--
-- [[test]]
-- name            = "a decryption is silent"
-- input           = '''
-- {"Records": [{"eventVersion": "1.08", "eventID": "2", "eventTime": "2026-01-05T10:21:00Z", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt"}]}
-- '''
-- rows            = []
-- ---
SELECT
    date_trunc('minute', event_time) AS window_start,
    recipient_account_id                       AS account_id,
    count(*)                                   AS deletions
FROM cloudtrail
WHERE event_source = 'kms.amazonaws.com'
  AND event_name   = 'ScheduleKeyDeletion'
GROUP BY 1, 2
