-- ---
-- name            = "irsa_trust_mismatch"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "IRSA tokens with the right audience that a role refused, by service account and role."
-- seed            = "IRSA subject or role mismatches, the twin of the audience mismatch"
-- why             = """
-- The token is good and the role still says no: the namespace or the name of the service
-- account is not the one in the trust policy, the role does not exist, or a policy of the
-- organization forbids it. The pod has no AWS credentials.
-- """
-- false_positives = ["A role created minutes ago: IAM needs some seconds until its trust policy is everywhere."]
-- cannot_tell     = """
-- AWS writes "An unknown error occurred" for a wrong subject, a missing role and a service
-- control policy alike. A record whose principal shows no audience is in neither of the two
-- signals. Tokens that STS finds not credible are often not logged at all.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_irsa_trust_mismatch_total"
-- type            = "counter"
-- help            = "IRSA tokens with an expected audience that were denied, by cluster, service account and role."
-- value           = "mismatches"
-- labels          = ["cluster_name", "namespace", "service_account", "role_arn"]
-- series_max      = 2000                 # service accounts x roles
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "cluster_name", "namespace", "service_account", "role_arn"]
-- measures        = { mismatches = "sum" }
--
-- [[alert]]
-- name     = "TrailflowIrsaTrustMismatch"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: {{ $labels.role_arn }} refused its token {{ $value }} times in 30 minutes, the audience is right.'
-- expr     = '''
-- sum by (cluster_name, namespace, service_account, role_arn) (
--   last_over_time(trailflow_irsa_trust_mismatch_total[30m])
--   - last_over_time(trailflow_irsa_trust_mismatch_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_irsa_trust_mismatch_total[30m])
-- ) >= 3
-- '''
-- runbook  = "trailflowirsatrustmismatch"
--
-- [[test]]
-- name   = "a good audience that the role refuses, twice"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- cluster_name = "AB12"
-- namespace = "shop"
-- service_account = "cart"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- mismatches = 2
--
-- [[test]]
-- name   = "a wrong audience, a success, a refusal by the provider and a pipeline outside of EKS are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:vault.example.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"InvalidIdentityTokenException","errorMessage":"Incorrect token audience","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/shop:ref:refs/heads/main","userName":"repo:org/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a subject with colons of its own keeps provider and audience apart"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart:v2","userName":"system:serviceaccount:shop:cart:v2","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- cluster_name = "AB12"
-- namespace = "unknown"
-- service_account = "unknown"
-- mismatches = 1
--
-- [[test]]
-- name   = "the issuer of a cluster whose addresses are dual-stack"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- cluster_name = "AB12"
-- namespace = "shop"
-- service_account = "cart"
-- mismatches = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980025","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventID":"00000000-0000-4000-8000-000000980026","sharedEventID":"00000000-0000-4000-9000-000000980027","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"An unknown error occurred"}
-- '''
-- [[test.rows]]
-- cluster_name = "AB12"
-- mismatches = 1
--
-- [[test]]
-- name   = "of two clusters that the configuration names, each its own name"
-- reference = { expected_audiences = ["sts.amazonaws.com"], clusters = [{ oidc_id = "AB12", name = "blue" }, { oidc_id = "CD34", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980203","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980204","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
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
        split_part(identity_provider, '/id/', 2) AS oidc_id
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'AssumeRoleWithWebIdentity'
      AND error_code_norm = 'accessdenied'
      -- oidc.eks. or, where addresses are dual-stack, oidc-eks.: _ is any one character.
      AND identity_provider LIKE '%:oidc-provider/oidc_eks.%'
)
SELECT
    date_bin(INTERVAL '5 minutes', refused.event_time) AS window_start,
    coalesce(clusters.cluster_name, refused.oidc_id)   AS cluster_name,
    coalesce(refused.k8s_ns, 'unknown')                AS namespace,
    coalesce(refused.k8s_sa, 'unknown')                AS service_account,
    coalesce(refused.target_role_arn, 'unknown')       AS role_arn,
    count(*)                                           AS mismatches
FROM refused
LEFT JOIN clusters ON clusters.oidc_id = refused.oidc_id
-- Another audience is the twin: irsa_audience_mismatch.
WHERE refused.aud IN (SELECT audience FROM expected_audiences)
GROUP BY 1, 2, 3, 4, 5
