-- ---
-- name            = "long_lived_keys"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls signed with access keys that do not expire, by account, user and service."
-- seed            = "Long-lived access keys: which, whose, last seen"
-- why             = """
-- A key that does not expire is valid wherever it was copied to. What it calls shows what has
-- to move to a role before the key can be deleted. Who found one tries what it can do, in
-- services that its owner never called.
-- """
-- false_positives = ["Users of systems outside of AWS that can do nothing else.", "A task that runs once in more than a week is new each time."]
-- cannot_tell     = """
-- A key that nobody uses makes no record. Calls that only data events show (objects in S3, for
-- example) are missing unless the trail has them. Whether the key is still active is in IAM.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_long_lived_key_calls_total"
-- type            = "counter"
-- help            = "Calls signed with a long-lived access key, by account, user and service."
-- value           = "calls"
-- labels          = ["account_id", "user_name", "service"]
-- series_max      = 5000                 # users x services that they call
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "user_name", "service", "access_key_id"]
-- measures        = { calls = "sum", first_seen = "min", last_seen = "max" }
--
-- [[alert]]
-- name     = "TrailflowNewLongLivedKeyUser"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.user_name }} in {{ $labels.account_id }}: {{ $value }} calls with an access key that does not expire, the first in 7 days.'
-- expr     = '''
-- sum by (account_id, user_name) (
--   last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h])
--   - last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h])
-- ) > 0
-- unless sum by (account_id, user_name) (
--   increase(trailflow_long_lived_key_calls_total[7d] offset 1h) > 0
--   or (min_over_time(trailflow_long_lived_key_calls_total[7d] offset 1h) unless last_over_time(trailflow_long_lived_key_calls_total[1h] offset 169h))
-- )
-- and on (account_id) count by (account_id) (last_over_time(trailflow_events_total[1d] offset 7d))
-- '''
-- runbook  = "trailflownewlonglivedkeyuser"
--
-- [[alert]]
-- name     = "TrailflowLongLivedKeyProbes"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.user_name }} in {{ $labels.account_id }}: its long-lived key called {{ $value }} services in an hour that it had not called in 7 days.'
-- expr     = '''
-- count by (account_id, user_name) (
--   sum by (account_id, user_name, service) (
--     last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h])
--     - last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h] offset 1h) >= 0
--     or last_over_time(trailflow_long_lived_key_calls_total{user_name!="other"}[1h])
--   ) > 0
--   unless sum by (account_id, user_name, service) (
--     increase(trailflow_long_lived_key_calls_total[7d] offset 1h) > 0
--     or (min_over_time(trailflow_long_lived_key_calls_total[7d] offset 1h) unless last_over_time(trailflow_long_lived_key_calls_total[1h] offset 169h))
--   )
-- ) >= 5
-- and on (account_id) count by (account_id) (last_over_time(trailflow_events_total[1d] offset 7d))
-- '''
-- runbook  = "trailflowlonglivedkeyprobes"
--
-- [[test]]
-- name   = "two calls with a key, one with another, and the account's own"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"backup"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:00Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"s3.amazonaws.com","eventName":"GetBucketAcl","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"backup"},"errorCode":"AccessDenied"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE2","userName":"backup"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"iam.amazonaws.com","eventName":"ListUsers","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE3","userName":"company"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- user_name = "backup"
-- service = "s3"
-- access_key_id = "AKIAEXAMPLE1"
-- calls = 2
-- first_seen = 1767608467
-- last_seen = 1767608640
-- [[test.rows]]
-- user_name = "backup"
-- service = "ec2"
-- access_key_id = "AKIAEXAMPLE2"
-- calls = 1
-- [[test.rows]]
-- user_name = "root"
-- service = "iam"
-- access_key_id = "AKIAEXAMPLE3"
-- calls = 1
--
-- [[test]]
-- name   = "a user whose record has no name is known by the ARN"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/batch/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1"}}
-- '''
-- [[test.rows]]
-- user_name = "batch/backup"
-- calls = 1
--
-- [[test]]
-- name   = "temporary credentials, a user in the console and a record with an empty key are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}},"accessKeyId":"ASIAEXAMPLE1"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE2","userName":"jo"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":""}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400009","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"backup"},"eventCategory":"Management","readOnly":true,"requestParameters":{},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"backup"},"eventID":"00000000-0000-4000-8000-000000400010","sharedEventID":"00000000-0000-4000-9000-000000400010","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- user_name = "backup"
-- service = "ec2"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                              AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')              AS account_id,
    CASE
        WHEN identity_type = 'Root' THEN 'root'
        -- Old records name the user in the ARN only.
        ELSE coalesce(user_name, nullif(split_part(arn, ':user/', 2), ''), 'unknown')
    END                                                                     AS user_name,
    coalesce(nullif(split_part(event_source, '.', 1), ''), 'unknown')       AS service,
    access_key_id,
    count(*)                                                                AS calls,
    min(to_unixtime(event_time))                                            AS first_seen,
    max(to_unixtime(event_time))                                            AS last_seen
FROM cloudtrail
WHERE key_class = 'long_lived'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
GROUP BY 1, 2, 3, 4, 5
