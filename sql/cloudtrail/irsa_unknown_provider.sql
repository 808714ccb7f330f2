-- ---
-- name            = "irsa_unknown_provider"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Web identities of EKS clusters that the configuration does not name."
-- seed            = "OIDC providers of clusters that are gone, or that nobody knows"
-- why             = """
-- An OIDC provider outlives its cluster. As long as roles trust it, whoever has the old
-- cluster's keys has the roles. A new cluster that nobody entered looks the same.
-- """
-- false_positives = ["A new cluster that is not in the configuration's list yet."]
-- cannot_tell     = """
-- Whether the cluster still exists: only EKS knows. A provider that is deleted in IAM makes no
-- record, because STS does not log such refusals. Without clusters in the configuration this
-- signal says nothing.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_irsa_unknown_provider_total"
-- type            = "counter"
-- help            = "Web identity calls of EKS clusters that the configuration does not name, by OIDC id, role and service account."
-- value           = "calls"
-- labels          = ["oidc_id", "role_arn", "namespace", "service_account"]
-- series_max      = 2000                 # service accounts of unnamed clusters
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "oidc_id", "role_arn", "namespace", "service_account", "outcome"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowIrsaUnknownProvider"
-- severity = "warning"
-- for      = "10m"
-- summary  = 'Cluster with OIDC id {{ $labels.oidc_id }} is not in the configuration; {{ $value }} web identity calls in an hour, role {{ $labels.role_arn }}.'
-- expr     = '''
-- sum by (oidc_id, role_arn) (
--   last_over_time(trailflow_irsa_unknown_provider_total[1h])
--   - last_over_time(trailflow_irsa_unknown_provider_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_irsa_unknown_provider_total[1h])
-- ) > 0
-- '''
-- runbook  = "trailflowirsaunknownprovider"
--
-- [[test]]
-- name   = "a provider that is not in the list, accepted and refused"
-- reference = { clusters = [{ oidc_id = "CD34", name = "blue" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- oidc_id = "AB12"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- namespace = "shop"
-- service_account = "cart"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- oidc_id = "AB12"
-- outcome = "failure"
-- calls = 1
--
-- [[test]]
-- name   = "a provider in the list, one outside of EKS, and what a session of an unknown one asks of STS later are silent"
-- reference = { clusters = [{ oidc_id = "CD34", name = "blue" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/shop:ref:refs/heads/main","userName":"repo:org/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ci"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980107","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "without a list no provider is unknown"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the issuer of a cluster whose addresses are dual-stack"
-- reference = { clusters = [{ oidc_id = "CD34", name = "blue" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- oidc_id = "AB12"
-- outcome = "success"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- reference = { clusters = [{ oidc_id = "CD34", name = "blue" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980028","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventID":"00000000-0000-4000-8000-000000980029","sharedEventID":"00000000-0000-4000-9000-000000980030","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- oidc_id = "AB12"
-- calls = 1
-- ---
WITH calls AS (
    SELECT
        event_time,
        split_part(identity_provider, '/id/', 2) AS oidc_id,
        target_role_arn,
        k8s_ns,
        k8s_sa,
        error_code_norm
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'AssumeRoleWithWebIdentity'
      -- oidc.eks. or, where addresses are dual-stack, oidc-eks.: _ is any one character.
      AND identity_provider LIKE '%:oidc-provider/oidc_eks.%'
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                          AS window_start,
    oidc_id,
    coalesce(target_role_arn, 'unknown')                                AS role_arn,
    coalesce(k8s_ns, 'unknown')                                         AS namespace,
    coalesce(k8s_sa, 'unknown')                                         AS service_account,
    CASE WHEN error_code_norm IS NULL THEN 'success' ELSE 'failure' END AS outcome,
    count(*)                                                            AS calls
FROM calls
WHERE oidc_id NOT IN (SELECT clusters.oidc_id FROM clusters)
  -- An empty list means that nobody has named a cluster, not that none is known.
  AND EXISTS (SELECT 1 FROM clusters)
GROUP BY 1, 2, 3, 4, 5, 6
