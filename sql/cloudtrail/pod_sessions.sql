-- ---
-- name            = "pod_sessions"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Credentials that pods obtained, by mechanism, cluster, service account and role."
-- seed            = "Adoption of EKS Pod Identity beside IRSA, and the renewals that are missing"
-- why             = """
-- Who has moved from IRSA to Pod Identity, and who still gets credentials at all. STS leaves
-- many refused tokens out of the log, so the sessions that stop are the evidence.
-- """
-- false_positives = ["A token that is used outside of its pod counts as the pod's.", "A cluster that is taken down, or whose last pods move to the other mechanism.", "A cluster that gets its name in the configuration: its OIDC id falls silent."]
-- cannot_tell     = """
-- One session is one renewal, not one pod: ten pods renew ten times as often. A pod that takes
-- its node's role gets none of these. The cluster of an IRSA session is known by its OIDC id
-- unless the configuration names it. An association of Pod Identity with its session tags turned off
-- (disableSessionTags) names neither cluster nor service account: its sessions are known by their
-- role alone, and those of all such clusters are one cluster, unknown.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_pod_sessions_total"
-- type            = "counter"
-- help            = "Sessions that pods obtained, by mechanism, cluster, service account and role."
-- value           = "sessions"
-- labels          = ["mechanism", "cluster_name", "namespace", "service_account", "role_arn"]
-- series_max      = 5000                 # service accounts x roles
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "mechanism", "cluster_name", "oidc_id", "namespace", "service_account", "role_arn"]
-- measures        = { sessions = "sum", last_seen = "max" }
--
-- [[alert]]
-- name     = "TrailflowPodSessionsStopped"
-- severity = "warning"
-- for      = "15m"
-- summary  = 'Cluster {{ $labels.cluster_name }}: no pod has got credentials by {{ $labels.mechanism }} for 2 hours; some had in {{ $value }} of the 12 hours before, and at this time yesterday.'
-- expr     = '''
-- count_over_time((sum by (cluster_name, mechanism) (increase(trailflow_pod_sessions_total{cluster_name!="other"}[1h])) > 0)[12h:1h] offset 2h) >= 8
-- and sum by (cluster_name, mechanism) (increase(trailflow_pod_sessions_total[2h] offset 1d)) > 0
-- unless sum by (cluster_name, mechanism) (
--   last_over_time(trailflow_pod_sessions_total[2h])
--   - last_over_time(trailflow_pod_sessions_total[1h] offset 2h) >= 0
--   or last_over_time(trailflow_pod_sessions_total[2h])
-- ) > 0
-- and on () time() - max(trailflow_newest_event_timestamp_seconds{table="cloudtrail"}) < 1800
-- '''
-- runbook  = "trailflowpodsessionsstopped"
--
-- [[test]]
-- name   = "a web identity of a service account, and an association of EKS Pod Identity"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:23:00Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]},"sharedEventID":"00000000-0000-4000-8000-00000000aaaa"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- mechanism = "irsa"
-- cluster_name = "AB12"
-- oidc_id = "AB12"
-- namespace = "shop"
-- service_account = "cart"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- sessions = 2
-- last_seen = 1767608580
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- mechanism = "pod_identity"
-- cluster_name = "blue"
-- oidc_id = "none"
-- namespace = "shop"
-- service_account = "cart"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- sessions = 1
-- last_seen = 1767608467
--
-- [[test]]
-- name   = "a cluster that one runs oneself is known by its issuer"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/green:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/green"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- mechanism = "irsa"
-- cluster_name = "oidc.example.com/green"
-- oidc_id = "oidc.example.com/green"
-- sessions = 1
--
-- [[test]]
-- name   = "a refusal, a pipeline's token, a service-linked role and a role that tags its session like a pod are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:org/shop:ref:refs/heads/main","userName":"repo:org/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ci"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cluster"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a session of EKS Pod Identity that two accounts log counts once, whichever copy comes first"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300313","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]},"sharedEventID":"00000000-0000-4000-9000-000000300312"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300314","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]},"sharedEventID":"00000000-0000-4000-9000-000000300312"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300325","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]},"sharedEventID":"00000000-0000-4000-9000-000000300313"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300326","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600,"tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/blue"},{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-5d8-x2x"}]},"sharedEventID":"00000000-0000-4000-9000-000000300313"}
-- '''
-- [[test.rows]]
-- mechanism = "pod_identity"
-- sessions = 2
--
-- [[test]]
-- name   = "an association with its session tags turned off names its role alone"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480061","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:22:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480062","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"eks-blue-cart-5d8-x2x","durationSeconds":21600}}
-- '''
-- [[test.rows]]
-- mechanism = "pod_identity"
-- cluster_name = "unknown"
-- oidc_id = "none"
-- namespace = "unknown"
-- service_account = "unknown"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- sessions = 2
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980050","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventID":"00000000-0000-4000-8000-000000980051","sharedEventID":"00000000-0000-4000-9000-000000980052","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- mechanism = "irsa"
-- sessions = 1
--
-- [[test]]
-- name   = "of two clusters that the configuration names, each its own name"
-- reference = { clusters = [{ oidc_id = "AB12", name = "blue" }, { oidc_id = "CD34", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980205","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980206","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- oidc_id = "AB12"
-- sessions = 1
-- [[test.rows]]
-- cluster_name = "green"
-- oidc_id = "CD34"
-- sessions = 1
-- ---
WITH sessions AS (
    SELECT
        event_time,
        event_name,
        k8s_cluster,
        k8s_ns,
        k8s_sa,
        target_role_arn,
        CASE
            WHEN event_name = 'AssumeRole' THEN 'none'
            WHEN identity_provider LIKE '%/id/%' THEN split_part(identity_provider, '/id/', 2)
            ELSE split_part(identity_provider, ':oidc-provider/', 2)
        END AS oidc_id
    FROM cloudtrail
    WHERE event_source = 'sts.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND error_code_norm IS NULL
      AND (event_name = 'AssumeRoleWithWebIdentity' AND k8s_ns IS NOT NULL
           OR event_name = 'AssumeRole' AND invoked_by = 'pods.eks.amazonaws.com')
      AND NOT coalesce(shared_event_seen, FALSE)
)
SELECT
    date_bin(INTERVAL '5 minutes', sessions.event_time)                              AS window_start,
    CASE sessions.event_name WHEN 'AssumeRole' THEN 'pod_identity' ELSE 'irsa' END   AS mechanism,
    coalesce(clusters.cluster_name, sessions.k8s_cluster, nullif(sessions.oidc_id, 'none'), 'unknown')
                                                                                     AS cluster_name,
    coalesce(sessions.oidc_id, 'unknown')                                            AS oidc_id,
    coalesce(sessions.k8s_ns, 'unknown')                                             AS namespace,
    coalesce(sessions.k8s_sa, 'unknown')                                             AS service_account,
    coalesce(sessions.target_role_arn, 'unknown')                                    AS role_arn,
    count(*)                                                                         AS sessions,
    max(to_unixtime(sessions.event_time))                                            AS last_seen
FROM sessions
LEFT JOIN clusters ON clusters.oidc_id = sessions.oidc_id
GROUP BY 1, 2, 3, 4, 5, 6, 7
