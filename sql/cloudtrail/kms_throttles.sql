-- ---
-- name            = "kms_throttles"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Throttled KMS calls by calling account, role and region."
-- seed            = "Cross-account KMS Decrypt throttles"
-- why             = """
-- KMS counts every call, also those that S3 or EBS make on a role's behalf, against
-- the caller's quota in its region. When it is used up, reads of encrypted data fail.
-- """
-- false_positives = ["A burst that the SDK's retries absorb."]
-- cannot_tell     = """
-- A throttled record usually has no parameters and no key: cross_account is unknown
-- then. The key's owner may not see the throttle at all, because the quota is the
-- caller's. CloudTrail need not record every throttled call: the count is a lower bound.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_kms_throttles_total"
-- type            = "counter"
-- help            = "Throttled KMS calls by calling account, role, region and API, and whether the key is another account's."
-- value           = "throttles"
-- labels          = ["caller_account", "role_arn", "region", "api", "cross_account"]
-- series_max      = 2000                 # roles x regions x APIs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "role_arn", "region", "api", "cross_account"]
-- measures        = { throttles = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowKmsThrottled"
-- severity = "warning"
-- for      = "5m"
-- summary  = 'Account {{ $labels.caller_account }} in {{ $labels.region }}: KMS {{ $labels.api }} throttled at least {{ $value }} times in 15 minutes, caller {{ $labels.role_arn }}.'
-- expr     = '''
-- sum by (caller_account, role_arn, region, api) (
--   last_over_time(trailflow_kms_throttles_total[15m])
--   - last_over_time(trailflow_kms_throttles_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_kms_throttles_total[15m])
-- ) >= 10
-- '''
-- runbook  = "trailflowkmsthrottled"
--
-- [[test]]
-- name   = "a throttle without parameters, one on a foreign key, one on an own key"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000013","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000014","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.","resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000015","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k2","accountId":"111122223333"}]}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller_account = "111122223333"
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- region = "eu-west-1"
-- api = "Decrypt"
-- cross_account = "unknown"
-- throttles = 1
-- [[test.rows]]
-- cross_account = "yes"
-- throttles = 1
-- [[test.rows]]
-- cross_account = "no"
-- throttles = 1
--
-- [[test]]
-- name   = "a success and a deny are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000016","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000017","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: x is not authorized to perform: kms:Decrypt"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300145","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300144"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300146","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300144"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300157","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300145"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300158","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300145"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- throttles = 1
-- [[test.rows]]
-- role_arn = "111122223333"
-- throttles = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS caller_account,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    coalesce(region, 'unknown')                                 AS region,
    event_name                                                  AS api,
    CASE
        WHEN resource_accounts[1] IS NULL OR user_account_id IS NULL THEN 'unknown'
        WHEN resource_accounts[1] <> user_account_id THEN 'yes'
        ELSE 'no'
    END                                                         AS cross_account,
    count(*)                                                    AS throttles
FROM cloudtrail
WHERE event_source = 'kms.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND throttle_class = 'throttle'
  AND NOT coalesce(shared_event_seen, FALSE)
GROUP BY 1, 2, 3, 4, 5, 6
