-- ---
-- name            = "kms_denies"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Denied KMS calls by the key's account, the caller's account, role, API and kind of policy."
-- seed            = "Cross-account KMS AccessDenied"
-- why             = """
-- A denied Decrypt is a secret that is not read, a volume that is not attached, an object
-- that is not opened. Across accounts two policies must agree, the caller's and the
-- key's: the class says which of the two refused.
-- """
-- false_positives = ["Inventories that list and describe keys which they may not see.", "A deny that is meant, such as a test of a key policy."]
-- cannot_tell     = """
-- A message "on the resource associated with this ciphertext" names no key: key_account
-- is unknown then, and a key that does not exist looks like one that is forbidden. When
-- the key owner's copy of a pair is read first, both count: the owner's with the caller's account
-- number in place of the role. An endpoint's log tells of its callers only what the endpoint's policy
-- denied: a foreign account's other denies are in its own log, or in that of the key's owner.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_kms_denies_total"
-- type            = "counter"
-- help            = "Denied KMS calls by account of the key, calling account, role, API and kind of policy that denied."
-- value           = "denies"
-- labels          = ["key_account", "caller_account", "role_arn", "api", "deny_class"]
-- series_max      = 2000                 # roles x APIs x accounts of keys
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "key_account", "caller_account", "role_arn", "api", "deny_class", "deny_kind", "key", "region"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowKmsDenied"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.role_arn }}: KMS {{ $labels.api }} denied {{ $value }} times in 30 minutes on a key of account {{ $labels.key_account }} (policy: {{ $labels.deny_class }}).'
-- expr     = '''
-- sum by (key_account, caller_account, role_arn, api, deny_class) (
--   last_over_time(trailflow_kms_denies_total{api=~"Decrypt|Encrypt|ReEncrypt.*|GenerateDataKey.*|GenerateMac|VerifyMac|Sign|Verify|CreateGrant"}[30m])
--   - last_over_time(trailflow_kms_denies_total{api=~"Decrypt|Encrypt|ReEncrypt.*|GenerateDataKey.*|GenerateMac|VerifyMac|Sign|Verify|CreateGrant"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_kms_denies_total{api=~"Decrypt|Encrypt|ReEncrypt.*|GenerateDataKey.*|GenerateMac|VerifyMac|Sign|Verify|CreateGrant"}[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflowkmsdenied"
--
-- [[test]]
-- name   = "a foreign key, an own key, and a ciphertext that names no key"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200001","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/k1 because no resource-based policy allows the kms:Decrypt action","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200002","eventSource":"kms.amazonaws.com","eventName":"GenerateDataKey","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/k2 with an explicit deny in a service control policy","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k2","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200003","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- key_account = "444455556666"
-- caller_account = "111122223333"
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- api = "Decrypt"
-- deny_class = "resource"
-- deny_kind = "implicit"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k1"
-- region = "eu-west-1"
-- denies = 1
-- [[test.rows]]
-- key_account = "111122223333"
-- api = "GenerateDataKey"
-- deny_class = "scp"
-- deny_kind = "explicit"
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k2"
-- denies = 1
-- [[test.rows]]
-- key_account = "unknown"
-- api = "Decrypt"
-- deny_class = "resource"
-- deny_kind = "unspecified"
-- key = "unknown"
-- denies = 1
--
-- [[test]]
-- name   = "the key comes from the request when nothing else names it, and an alias names no account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200004","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action","requestParameters":{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/k1"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200005","eventSource":"kms.amazonaws.com","eventName":"Encrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Encrypt","requestParameters":{"keyId":"alias/shop"}}
-- '''
-- [[test.rows]]
-- key_account = "444455556666"
-- api = "Decrypt"
-- deny_class = "identity"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k1"
-- denies = 1
-- [[test.rows]]
-- key_account = "unknown"
-- api = "Encrypt"
-- deny_class = "unspecified"
-- key = "unknown"
-- denies = 1
--
-- [[test]]
-- name   = "the key comes from the record's resources when the message names none"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200006","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666","type":"AWS::KMS::Key"}]}
-- '''
-- [[test.rows]]
-- key_account = "444455556666"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k1"
-- denies = 1
--
-- [[test]]
-- name   = "a success, a throttle, a disabled key and another service are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200007","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200008","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"ThrottlingException","errorMessage":"Rate exceeded"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200009","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"DisabledException","errorMessage":"arn:aws:kms:eu-west-1:111122223333:key/k2 is disabled."}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000200010","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"Access to KMS is not allowed"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300193","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/k1 because no resource-based policy allows the kms:Decrypt action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300192"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300194","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/k1 because no resource-based policy allows the kms:Decrypt action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300192"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300205","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/k1 because no resource-based policy allows the kms:Decrypt action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300193"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300206","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/k1 because no resource-based policy allows the kms:Decrypt action","requestParameters":null,"sharedEventID":"00000000-0000-4000-9000-000000300193"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- denies = 2
-- [[test.rows]]
-- role_arn = "111122223333"
-- denies = 1
--
-- [[test]]
-- name   = "of network activity what no other record tells: what the endpoint's policy denied, of a foreign caller too"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400014","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1"},"responseElements":null,"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no identity-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000400017","sharedEventID":"00000000-0000-4000-9000-000000400017","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no identity-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000400016","sharedEventID":"00000000-0000-4000-9000-000000400016","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:x","accountId":"777788889999"},"eventID":"00000000-0000-4000-8000-000000400015","sharedEventID":"00000000-0000-4000-9000-000000400015","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- deny_class = "identity"
-- denies = 1
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/ci"
-- deny_class = "vpce"
-- denies = 1
-- [[test.rows]]
-- role_arn = "777788889999"
-- caller_account = "777788889999"
-- deny_class = "vpce"
-- denies = 1
--
-- [[test]]
-- name   = "an endpoint that many accounts call through: what another policy denied counts by the caller's record alone"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000530014","sharedEventID":"00000000-0000-4000-9000-000000530014","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:spoke","arn":"arn:aws:sts::444455556666:assumed-role/spoke/spoke","accountId":"444455556666","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::444455556666:role/spoke"}}},"vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"Management","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::444455556666:assumed-role/spoke/spoke is not authorized to perform: kms:Decrypt because no identity-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000530015","sharedEventID":"00000000-0000-4000-9000-000000530015","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:spoke","accountId":"444455556666"},"eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::444455556666:assumed-role/spoke/spoke is not authorized to perform: kms:Decrypt because no identity-based policy allows the kms:Decrypt action"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::444455556666:role/spoke"
-- caller_account = "444455556666"
-- denies = 1
--
-- [[test]]
-- name   = "of the two keys of a ReEncrypt the one that the message names; an alias there says less than the record's resources"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480081","eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:ReEncryptTo on resource: arn:aws:kms:eu-west-1:444455556666:key/k2 because no resource-based policy allows the kms:ReEncryptTo action","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"},{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2","accountId":"444455556666","type":"AWS::KMS::Key"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480082","eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:ReEncryptFrom on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no resource-based policy allows the kms:ReEncryptFrom action","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"},{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k2","accountId":"444455556666","type":"AWS::KMS::Key"}]}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480083","eventSource":"kms.amazonaws.com","eventName":"Encrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:eu-west-1:111122223333:alias/shop because no identity-based policy allows the kms:Encrypt action","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k3","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- '''
-- [[test.rows]]
-- key_account = "444455556666"
-- api = "ReEncrypt"
-- key = "arn:aws:kms:eu-west-1:444455556666:key/k2"
-- denies = 1
-- [[test.rows]]
-- key_account = "111122223333"
-- api = "ReEncrypt"
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- denies = 1
-- [[test.rows]]
-- key_account = "111122223333"
-- api = "Encrypt"
-- key = "arn:aws:kms:eu-west-1:111122223333:key/k3"
-- denies = 1
-- ---
WITH denied AS (
    SELECT
        event_time,
        user_account_id,
        recipient_account_id,
        role_arn,
        principal,
        event_name,
        deny_class,
        deny_kind,
        region,
        resource_accounts[1] AS resource_account,
        -- A key's ARN, wherever the record has it. An alias or an id says nothing of the account. The message
        -- names the one that was denied; the resources of a ReEncrypt are two, the source and then the destination.
        CASE
            WHEN denied_resource LIKE 'arn:%:kms:%:key/%' THEN denied_resource
            WHEN resource_arns[1] LIKE 'arn:%' AND split_part(resource_arns[1], ':', 3) = 'kms' THEN resource_arns[1]
            WHEN denied_resource LIKE 'arn:%' AND split_part(denied_resource, ':', 3) = 'kms' THEN denied_resource
            WHEN json_get_str(request_parameters, 'keyId') LIKE 'arn:%'
             AND split_part(json_get_str(request_parameters, 'keyId'), ':', 3) = 'kms'
                THEN json_get_str(request_parameters, 'keyId')
        END                  AS key
    FROM cloudtrail
    WHERE event_source = 'kms.amazonaws.com'
      AND deny_class <> 'none'
      -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
      -- only when it comes first.
      AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
      -- Beside the caller's record the endpoint owner's tells nothing new: a foreign caller too has one, in its own
      -- account, which is often read. Of what the endpoint's policy denied it is the only one: KMS records no call then
      -- (KMS guide, "Logging requests that use a VPC endpoint").
      AND (coalesce(event_category, 'Management') <> 'NetworkActivity' OR error_code_norm = 'vpceaccessdenied')
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                        AS window_start,
    coalesce(split_part(key, ':', 5), resource_account, 'unknown')    AS key_account,
    coalesce(user_account_id, recipient_account_id, 'unknown')        AS caller_account,
    coalesce(role_arn, principal, 'unknown')                          AS role_arn,
    event_name                                                        AS api,
    deny_class                                                        AS deny_class,
    deny_kind                                                         AS deny_kind,
    coalesce(key, 'unknown')                                          AS key,
    coalesce(region, 'unknown')                                       AS region,
    count(*)                                                          AS denies
FROM denied
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
