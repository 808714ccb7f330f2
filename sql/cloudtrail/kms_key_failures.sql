-- ---
-- name            = "kms_key_failures"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Calls that use a KMS key and fail because of its state: disabled, on its way to deletion, not available; by key, caller and API."
-- seed            = "Who still needs the key that was disabled?"
-- why             = """
-- A key that is disabled or waits for its deletion refuses everybody, whatever the policies say: secrets are
-- not read, volumes not attached, clusters lose their secrets. No policy denied it, so no signal of denies sees
-- it. Until the waiting time is over all of it can be undone; after that nothing can.
-- """
-- false_positives = ["A key that was retired on purpose, and a job or a service that still tries it."]
-- cannot_tell     = """
-- A key that is deleted already: NotFoundException, which a typing error gives too, is left out. What a
-- service makes of it: S3, EBS and others answer with errors of their own, some of them after the call. Who has
-- the data key in memory fails only when it starts anew. Of a call into another account the key's owner
-- may hear too: when its copy is read first, both count, the owner's with the caller's account number in place of the role.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_kms_key_failures_total"
-- type            = "counter"
-- help            = "Calls that use a KMS key and failed because of its state, by calling account, key, role, API and reason."
-- value           = "failures"
-- labels          = ["caller_account", "key", "role_arn", "api", "reason"]
-- series_max      = 1000                 # callers of the few keys that are not usable
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "caller_account", "region", "key", "role_arn", "api", "reason"]
-- measures        = { failures = "sum" }
--
-- [[alert]]
-- name     = "TrailflowKmsKeyUnusable"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.key }}: {{ $value }} calls of account {{ $labels.caller_account }} that use it failed in 15 minutes, because of the key and no policy ({{ $labels.reason }}).'
-- expr     = '''
-- sum by (caller_account, key, reason) (
--   last_over_time(trailflow_kms_key_failures_total[15m])
--   - last_over_time(trailflow_kms_key_failures_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_kms_key_failures_total[15m])
-- ) >= 3
-- '''
-- runbook  = "trailflowkmskeyunusable"
--
-- [[test]]
-- name   = "a disabled key, one that waits for its deletion, one that is not there for a moment; of a pod, an auto scaling group, EKS itself and the volume driver"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910001","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is disabled.","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"},"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910002","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is disabled.","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910003","eventSource":"kms.amazonaws.com","eventName":"GenerateDataKeyWithoutPlaintext","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}},"invokedBy":"autoscaling.amazonaws.com"},"eventCategory":"Management","readOnly":true,"errorCode":"KMSInvalidStateException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is pending deletion.","sourceIPAddress":"autoscaling.amazonaws.com","requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"},"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910004","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSService","invokedBy":"eks.amazonaws.com"},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is disabled.","sourceIPAddress":"eks.amazonaws.com","resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910005","eventSource":"kms.amazonaws.com","eventName":"Sign","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"KeyUnavailableException","errorMessage":null,"requestParameters":{"keyId":"alias/shop"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910006","eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":true,"errorCode":"KMSInvalidStateException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is pending import.","requestParameters":{"keyId":"k1"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- caller_account = "111122223333"
-- region = "eu-west-1"
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- api = "Decrypt"
-- reason = "disabled"
-- failures = 2
-- [[test.rows]]
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- role_arn = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
-- api = "GenerateDataKeyWithoutPlaintext"
-- reason = "kmsinvalidstate"
-- failures = 1
-- [[test.rows]]
-- caller_account = "111122223333"
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- role_arn = "eks.amazonaws.com"
-- api = "Decrypt"
-- reason = "disabled"
-- failures = 1
-- [[test.rows]]
-- key = "unknown"
-- api = "Sign"
-- reason = "keyunavailable"
-- failures = 1
-- [[test.rows]]
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- role_arn = "arn:aws:iam::111122223333:role/ebs-csi"
-- api = "CreateGrant"
-- reason = "kmsinvalidstate"
-- failures = 1
--
-- [[test]]
-- name   = "of two keys the message names the one that failed; without it the request does"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910007","eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:444455556666:key/k2 is disabled.","resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"},{"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910008","eventSource":"kms.amazonaws.com","eventName":"Encrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"KMSInvalidStateException","errorMessage":"The request was rejected because the key's state is not valid for it.","requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"}}
-- '''
-- [[test.rows]]
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k2"
-- api = "ReEncrypt"
-- failures = 1
-- [[test.rows]]
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- api = "Encrypt"
-- failures = 1
--
-- [[test]]
-- name   = "a success, denied and throttled calls, a key that is not there, a broken ciphertext, calls that look at a key or change it, another service and the endpoint owner's record are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910009","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000a","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/cart is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no resource-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000b","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000c","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"NotFoundException","errorMessage":"Key 'arn:aws:kms:eu-west-1:111122223333:key/gone' does not exist"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000d","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"InvalidCiphertextException","errorMessage":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000e","eventSource":"kms.amazonaws.com","eventName":"DescribeKey","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"KMSInvalidStateException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is pending deletion."}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091000f","eventSource":"kms.amazonaws.com","eventName":"EnableKey","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"KMSInvalidStateException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is pending deletion.","requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910010","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"KMSInvalidStateException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is pending deletion.","requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910011","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"x"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910012","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"NetworkActivity","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k1 is disabled.","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910013","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:444455556666:key/k2 is disabled.","resources":[{"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2"}],"sharedEventID":"00000000-0000-4000-9000-000000910001"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000910014","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:cart","accountId":"111122223333"},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:444455556666:key/k2 is disabled.","resources":[{"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2"}],"sharedEventID":"00000000-0000-4000-9000-000000910001"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000910015","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:cart","accountId":"111122223333"},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:444455556666:key/k2 is disabled.","resources":[{"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2"}],"sharedEventID":"00000000-0000-4000-9000-000000910002"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910016","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}}},"eventCategory":"Management","readOnly":true,"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:444455556666:key/k2 is disabled.","resources":[{"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2"}],"sharedEventID":"00000000-0000-4000-9000-000000910002"}
-- '''
-- [[test.rows]]
-- caller_account = "111122223333"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k2"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- failures = 2
-- [[test.rows]]
-- caller_account = "111122223333"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k2"
-- role_arn = "111122223333"
-- failures = 1
-- ---
WITH failed AS (
    SELECT
        event_time, event_name, region, user_account_id, recipient_account_id, role_arn, principal, error_code_norm,
        -- The message begins with the key that failed; the resources of a ReEncrypt are two.
        CASE
            WHEN error_message LIKE 'arn:%:kms:%:key/%' THEN split_part(error_message, ' ', 1)
            WHEN resource_arns[1] LIKE 'arn:%:kms:%' THEN resource_arns[1]
            WHEN json_get_str(request_parameters, 'keyId') LIKE 'arn:%:kms:%' THEN json_get_str(request_parameters, 'keyId')
        END AS key
    FROM cloudtrail
    WHERE event_source = 'kms.amazonaws.com'
      AND error_code_norm IN ('disabled', 'kmsinvalidstate', 'keyunavailable')
      -- What uses a key. Who looks at one that waits for its deletion, or changes it, fails for the same reason.
      AND (event_name IN ('Decrypt', 'Encrypt', 'ReEncrypt', 'GenerateMac', 'VerifyMac', 'Sign', 'Verify',
                          'DeriveSharedSecret', 'CreateGrant')
           OR event_name LIKE 'GenerateDataKey%')
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
      -- only when it comes first.
      AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS caller_account,
    coalesce(region, 'unknown')                                 AS region,
    coalesce(key, 'unknown')                                    AS key,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    event_name                                                  AS api,
    error_code_norm                                             AS reason,
    count(*)                                                    AS failures
FROM failed
GROUP BY 1, 2, 3, 4, 5, 6, 7
