-- ---
-- name            = "console_sign_in"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Sign-ins to the console by account, kind of user, MFA and outcome."
-- seed            = "Console sign-ins without MFA, and failed ones"
-- why             = """
-- A password alone opens the console of a user who has no second factor. Many failures at one account are
-- somebody trying passwords.
-- """
-- false_positives = ["A person who has forgotten the password.", "A browser that repeats an expired session."]
-- cannot_tell     = """
-- Whether an identity provider asked for a second factor: AWS writes No for it, and mfa is
-- unknown here. Failures at an identity provider of one's own are not in this log; those at
-- Identity Center are, as CredentialVerification events, which are not counted here. A user name that
-- does not exist is hidden by AWS, so attempts at one name cannot be told from attempts at many.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_console_sign_in_total"
-- type            = "counter"
-- help            = "Sign-ins to the AWS console by account, kind of user, MFA and outcome."
-- value           = "sign_ins"
-- labels          = ["account_id", "user_type", "mfa", "outcome"]
-- series_max      = 2000                 # accounts x kinds of user x MFA x outcomes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "user_type", "mfa", "outcome"]
-- measures        = { sign_ins = "sum" }
--
-- [[alert]]
-- name     = "TrailflowConsoleSignInWithoutMfa"
-- severity = "warning"
-- for      = "0m"
-- summary  = 'Account {{ $labels.account_id }}: {{ $value }} console sign-ins without MFA in an hour ({{ $labels.user_type }}).'
-- expr     = '''
-- sum by (account_id, user_type) (
--   last_over_time(trailflow_console_sign_in_total{outcome="success", mfa="no"}[1h])
--   - last_over_time(trailflow_console_sign_in_total{outcome="success", mfa="no"}[1h] offset 1h) >= 0
--   or last_over_time(trailflow_console_sign_in_total{outcome="success", mfa="no"}[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowconsolesigninwithoutmfa"
--
-- [[alert]]
-- name     = "TrailflowConsoleSignInFailing"
-- severity = "warning"
-- for      = "0m"
-- summary  = 'Account {{ $labels.account_id }}: {{ $value }} failed console sign-ins in 30 minutes ({{ $labels.user_type }}).'
-- expr     = '''
-- sum by (account_id, user_type) (
--   last_over_time(trailflow_console_sign_in_total{outcome="failure"}[30m])
--   - last_over_time(trailflow_console_sign_in_total{outcome="failure"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_console_sign_in_total{outcome="failure"}[30m])
-- ) >= 10
-- '''
-- runbook  = "trailflowconsolesigninfailing"
--
-- [[test]]
-- name   = "with and without a device, and a federated role of which nothing is known"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"Yes"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"No"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"No"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:jo@example.com","arn":"arn:aws:sts::111122223333:assumed-role/sso/jo@example.com","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/sso"}}},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"No"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "us-east-1"
-- user_type = "iam_user"
-- mfa = "yes"
-- outcome = "success"
-- sign_ins = 1
-- [[test.rows]]
-- user_type = "iam_user"
-- mfa = "no"
-- outcome = "success"
-- sign_ins = 1
-- [[test.rows]]
-- user_type = "root"
-- mfa = "no"
-- outcome = "success"
-- sign_ins = 1
-- [[test.rows]]
-- user_type = "assumed_role"
-- mfa = "unknown"
-- outcome = "success"
-- sign_ins = 1
--
-- [[test]]
-- name   = "a failure has a message and no code, also when the name is hidden"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","accountId":"111122223333","accessKeyId":"","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"No"},"errorMessage":"Failed authentication"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"No"},"errorMessage":"Failed authentication"}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- user_type = "iam_user"
-- mfa = "no"
-- outcome = "failure"
-- sign_ins = 2
--
-- [[test]]
-- name   = "a check of the second factor, a changed password and a call of the API are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"signin.amazonaws.com","eventName":"CheckMfa","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventType":"AwsConsoleSignIn","responseElements":{"CheckMfa":"Success"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"iam.amazonaws.com","eventName":"ChangePassword","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"jo"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980013","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MobileVersion":"No","MFAUsed":"Yes"}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},"eventID":"00000000-0000-4000-8000-000000980014","sharedEventID":"00000000-0000-4000-9000-000000980015","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- outcome = "success"
-- sign_ins = 1
-- ---
WITH sign_ins AS (
    SELECT
        event_time,
        user_account_id,
        recipient_account_id,
        region,
        identity_type,
        error_message,
        additional_event_data->>'MFAUsed'   AS mfa_used,
        response_elements->>'ConsoleLogin'  AS result
    FROM cloudtrail
    WHERE event_source = 'signin.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'ConsoleLogin'
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(region, 'unknown')                                 AS region,
    CASE identity_type
        WHEN 'Root' THEN 'root' WHEN 'IAMUser' THEN 'iam_user'
        WHEN 'AssumedRole' THEN 'assumed_role' WHEN 'FederatedUser' THEN 'federated_user'
        WHEN 'SAMLUser' THEN 'saml' ELSE 'other'
    END                                                         AS user_type,
    CASE
        WHEN mfa_used = 'Yes' THEN 'yes'
        WHEN mfa_used = 'No' AND identity_type IN ('IAMUser', 'Root') THEN 'no'
        ELSE 'unknown'
    END                                                         AS mfa,
    CASE
        WHEN result = 'Success' THEN 'success'
        WHEN result = 'Failure' OR error_message IS NOT NULL THEN 'failure'
        ELSE 'unknown'
    END                                                         AS outcome,
    count(*)                                                    AS sign_ins
FROM sign_ins
GROUP BY 1, 2, 3, 4, 5, 6
