-- ---
-- name            = "irsa_audience_mismatch"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "IRSA tokens that were refused for their audience, by service account and role."
-- seed            = "IRSA JWT audience mismatches"
-- why             = """
-- A pod whose projected token bears another audience than the IAM OIDC provider or
-- the role's trust policy expects has no AWS credentials: it fails on its first call.
-- The audience comes from an annotation, a Helm value or a webhook setting.
-- """
-- false_positives = ["A role that is meant for another audience: name it in expected_audiences."]
-- cannot_tell     = """
-- AWS leaves most refusals by the provider's client list (InvalidIdentityToken) out of
-- CloudTrail: no rows are no proof of health. Look at a missing renewal too.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_irsa_audience_mismatch_total"
-- type            = "counter"
-- help            = "IRSA tokens refused for their audience, by who refused, cluster, service account, role and audience."
-- value           = "mismatches"
-- labels          = ["kind", "cluster_name", "namespace", "service_account", "role_arn", "audience"]
-- series_max      = 2000                 # service accounts x audiences
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "kind", "cluster_name", "namespace", "service_account", "role_arn", "audience"]
-- measures        = { mismatches = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowIrsaAudienceMismatch"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: audience {{ $labels.audience }} refused ({{ $labels.kind }}) for {{ $labels.role_arn }}, {{ $value }} times in 30 minutes.'
-- expr     = '''
-- sum by (kind, cluster_name, namespace, service_account, role_arn, audience) (
--   last_over_time(trailflow_irsa_audience_mismatch_total[30m])
--   - last_over_time(trailflow_irsa_audience_mismatch_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_irsa_audience_mismatch_total[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowirsaaudiencemismatch"
--
-- [[test]]
-- name   = "the trust policy refuses an audience that the provider accepts"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- kind = "trust_policy"
-- cluster_name = "AB12"
-- namespace = "shop"
-- service_account = "cart"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- audience = "vault.example.com"
-- mismatches = 1
--
-- [[test]]
-- name   = "the provider's client list refuses it"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:api://wrong:aud:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"InvalidIdentityTokenException","errorMessage":"Incorrect token audience","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- kind = "provider_client_list"
-- namespace = "shop"
-- audience = "api://wrong:aud"
-- mismatches = 1
--
-- [[test]]
-- name   = "a wrong subject, a success, a denied user and a pipeline outside of EKS, refused by the role or by its provider, are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000011","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000012","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deploy"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980105","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:api.example.com:repo:org/shop:ref:refs/heads/main","userName":"repo:org/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"errorCode":"AccessDenied","errorMessage":"Not authorized to perform sts:AssumeRoleWithWebIdentity","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ci"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980106","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:api.example.com:repo:org/shop:ref:refs/heads/main","userName":"repo:org/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"errorCode":"InvalidIdentityTokenException","errorMessage":"Incorrect token audience","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ci"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the code without Exception at its end; a provider that is not there is no audience"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:api://wrong:aud:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"InvalidIdentityToken","errorMessage":"Incorrect token audience","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:api://wrong:aud:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"InvalidIdentityToken","errorMessage":"No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/AB12","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:api://wrong:aud:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"InvalidIdentityTokenException","errorMessage":"No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/AB12","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- kind = "provider_client_list"
-- audience = "api://wrong:aud"
-- mismatches = 1
--
-- [[test]]
-- name   = "the issuer of a cluster whose addresses are dual-stack"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12"},"errorCode":"InvalidIdentityTokenException","errorMessage":"Incorrect token audience","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- kind = "trust_policy"
-- cluster_name = "AB12"
-- audience = "vault.example.com"
-- mismatches = 1
-- [[test.rows]]
-- kind = "provider_client_list"
-- cluster_name = "AB12"
-- audience = "vault.example.com"
-- mismatches = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980022","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventID":"00000000-0000-4000-8000-000000980023","sharedEventID":"00000000-0000-4000-9000-000000980024","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"An unknown error occurred"}
-- '''
-- [[test.rows]]
-- kind = "trust_policy"
-- mismatches = 1
--
-- [[test]]
-- name   = "of two clusters that the configuration names, each its own name"
-- reference = { clusters = [{ oidc_id = "AB12", name = "blue" }, { oidc_id = "CD34", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980201","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980202","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- mismatches = 1
-- [[test.rows]]
-- cluster_name = "green"
-- mismatches = 1
-- ---
WITH refused AS (
    SELECT
        event_time,
        target_role_arn,
        aud,
        k8s_ns,
        k8s_sa,
        error_code_norm,
        error_message,
        split_part(identity_provider, '/id/', 2) AS oidc_id
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'AssumeRoleWithWebIdentity'
      AND error_code_norm IN ('accessdenied', 'invalididentitytoken')
      -- oidc.eks. or, where addresses are dual-stack, oidc-eks.: _ is any one character.
      AND identity_provider LIKE '%:oidc-provider/oidc_eks.%'
)
SELECT
    date_bin(INTERVAL '5 minutes', refused.event_time) AS window_start,
    CASE refused.error_code_norm
        WHEN 'accessdenied' THEN 'trust_policy' ELSE 'provider_client_list'
    END                                                AS kind,
    coalesce(clusters.cluster_name, refused.oidc_id)   AS cluster_name,
    coalesce(refused.k8s_ns, 'unknown')                AS namespace,
    coalesce(refused.k8s_sa, 'unknown')                AS service_account,
    coalesce(refused.target_role_arn, 'unknown')       AS role_arn,
    coalesce(refused.aud, 'unknown')                   AS audience,
    count(*)                                           AS mismatches
FROM refused
LEFT JOIN clusters ON clusters.oidc_id = refused.oidc_id
LEFT JOIN expected_audiences AS expected ON expected.audience = refused.aud
-- Denied with an expected audience is the twin: a wrong subject or role.
WHERE (refused.error_code_norm = 'accessdenied' AND refused.aud IS NOT NULL AND expected.audience IS NULL)
   OR (refused.error_code_norm = 'invalididentitytoken' AND lower(refused.error_message) LIKE '%audience%')
GROUP BY 1, 2, 3, 4, 5, 6, 7
