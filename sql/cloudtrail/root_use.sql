-- ---
-- name            = "root_use"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "What was done as the root user of an account, by service and API."
-- seed            = "Use of the root user"
-- why             = """
-- No policy of the account binds its root user, and hardly any task needs it. Each use should have a reason
-- that somebody can name.
-- """
-- false_positives = ["A task that only root may do, such as closing the account.", "A console session opens many APIs at once."]
-- cannot_tell     = """
-- Who the person is: root has one name for all. A sign-in that was refused is no use, at the
-- password (that counts in console_sign_in) or at the second factor; nor is asking for a new
-- password, which anybody can. Sessions that an administrator opens centrally (AssumeRoot) look the same.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_root_use_total"
-- type            = "counter"
-- help            = "Calls and sign-ins as the root user of an account, by account, service and API."
-- value           = "calls"
-- labels          = ["account_id", "service", "api"]
-- series_max      = 2000                 # accounts x APIs; one console session opens some dozens
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "service", "api", "outcome"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowRootUsed"
-- severity = "critical"
-- for      = "0m"
-- summary  = 'The root user of account {{ $labels.account_id }} made {{ $value }} calls in an hour.'
-- expr     = '''
-- sum by (account_id) (
--   last_over_time(trailflow_root_use_total[1h])
--   - last_over_time(trailflow_root_use_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_root_use_total[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowrootused"
--
-- [[test]]
-- name   = "a sign-in, and a call that was denied"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE1"},"eventType":"AwsApiCall","errorCode":"AccessDenied","errorMessage":"Access Denied"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- service = "signin"
-- api = "ConsoleLogin"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- service = "s3"
-- api = "PutBucketPolicy"
-- outcome = "failure"
-- calls = 1
--
-- [[test]]
-- name   = "a service on root's behalf, an event of a service, a refused sign-in and a user named root are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","invokedBy":"s3.amazonaws.com"},"eventType":"AwsApiCall"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"kms.amazonaws.com","eventName":"RotateKey","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsServiceEvent"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsConsoleSignIn","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320021","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Failure"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/root","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"root"},"eventType":"AwsApiCall"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980108","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsConsoleSignIn","errorMessage":"Failed authentication","responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a new password that was set is a use; one that was asked for, and a second factor that was refused, are none"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000410001","eventSource":"signin.amazonaws.com","eventName":"PasswordRecoveryCompleted","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":{"PasswordRecoveryCompleted":"Success"},"eventType":"AwsConsoleSignIn"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000410002","eventSource":"signin.amazonaws.com","eventName":"PasswordRecoveryRequested","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":{"PasswordRecoveryRequested":"Success"},"eventType":"AwsConsoleSignIn"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000410003","eventSource":"signin.amazonaws.com","eventName":"CheckMfa","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":{"CheckMfa":"Failure"},"eventType":"AwsConsoleSignIn","errorMessage":"Failed authentication"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000410004","eventSource":"signin.amazonaws.com","eventName":"CheckMfa","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":{"CheckMfa":"Failure"},"eventType":"AwsConsoleSignIn"}
-- '''
-- [[test.rows]]
-- service = "signin"
-- api = "PasswordRecoveryCompleted"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980053","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE1"},"eventType":"AwsApiCall","errorCode":"AccessDenied","errorMessage":"Access Denied"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE1"},"eventID":"00000000-0000-4000-8000-000000980054","sharedEventID":"00000000-0000-4000-9000-000000980055","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"Access Denied"}
-- '''
-- [[test.rows]]
-- api = "PutBucketPolicy"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                          AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')          AS account_id,
    coalesce(nullif(split_part(event_source, '.', 1), ''), 'unknown')   AS service,
    coalesce(event_name, 'unknown')                                     AS api,
    CASE WHEN error_code_norm IS NULL THEN 'success' ELSE 'failure' END AS outcome,
    count(*)                                                            AS calls
FROM cloudtrail
WHERE identity_type = 'Root'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND invoked_by IS NULL
  AND coalesce(event_type, 'unknown') <> 'AwsServiceEvent'
  -- A refused step of a sign-in says so, or has a message, and no code. It is an attempt, not a use.
  -- And whoever knows the address may ask for a new password.
  AND NOT (coalesce(event_source, 'unknown') = 'signin.amazonaws.com'
           AND (coalesce(event_name, 'unknown') = 'PasswordRecoveryRequested'
                OR error_message IS NOT NULL
                OR coalesce(json_get_str(response_elements, event_name), 'unknown') = 'Failure'))
GROUP BY 1, 2, 3, 4, 5
