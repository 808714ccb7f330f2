-- ---
-- name            = "pod_access_denied"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "AWS calls of pods that were denied, by cluster, service account, service and kind of policy."
-- seed            = "AccessDenied from pods"
-- why             = """
-- A pod whose role lacks a permission fails in its own logs, in its own words. Here is
-- what AWS refused it, by service account: the name by which its owner knows it.
-- """
-- false_positives = ["A client that tries a call and goes on without it.", "A pod that probes what it may do."]
-- cannot_tell     = """
-- Calls on the contents of buckets, queues and tables are data events: without them in the
-- trail their denies are invisible. A call belongs to a pod by the access key that was
-- issued to it: when that event was not read, or is read after the call, the deny is in
-- `denies` only. So are those of a pod whose association of Pod Identity has its session tags
-- turned off (disableSessionTags): the log has no service account then. What a service calls for a
-- pod, with a key of its own or with none (EC2 the grant on the KMS key of a volume, Secrets Manager
-- the decryption of a secret), is the pod's by the ARN of its session; where two pods share that, it
-- is in `denies` and `kms_denies` only. The deny says what was refused, not whether it was needed.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_pod_access_denied_total"
-- type            = "counter"
-- help            = "Denied AWS calls of pods by cluster, namespace, service account, service, API and kind of policy that denied."
-- value           = "denies"
-- labels          = ["cluster_name", "namespace", "service_account", "service", "api", "deny_class"]
-- series_max      = 2000                 # service accounts x APIs
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "cluster_name", "namespace", "service_account", "service", "api", "deny_class", "deny_kind", "role_arn", "denied_action", "policy_arn"]
-- measures        = { denies = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowPodAccessDenied"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: {{ $labels.service }} {{ $labels.api }} denied {{ $value }} times in 30 minutes (policy: {{ $labels.deny_class }}).'
-- expr     = '''
-- sum by (cluster_name, namespace, service_account, service, api, deny_class) (
--   last_over_time(trailflow_pod_access_denied_total[30m])
--   - last_over_time(trailflow_pod_access_denied_total[1h] offset 30m) >= 0
--   or last_over_time(trailflow_pod_access_denied_total[30m])
-- ) >= 5
-- '''
-- runbook  = "trailflowpodaccessdenied"
--
-- [[test]]
-- name   = "calls with credentials of IRSA and of EKS Pod Identity"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201002","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/orders","roleSessionName":"eks-blue-orders-7d4-1f","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"orders"},{"key":"kubernetes-pod-name","value":"orders-7d4"}]},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/orders/eks-blue-orders-7d4-1f"},"credentials":{"accessKeyId":"ASIAORDERS"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201003","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201004","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:eks-blue-orders-7d4-1f","arn":"arn:aws:sts::111122223333:assumed-role/orders/eks-blue-orders-7d4-1f","accountId":"111122223333","accessKeyId":"ASIAORDERS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/orders"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/orders/eks-blue-orders-7d4-1f is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deploy with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- namespace = "shop"
-- service_account = "cart"
-- service = "dynamodb"
-- api = "DescribeTable"
-- deny_class = "identity"
-- deny_kind = "implicit"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- denied_action = "dynamodb:DescribeTable"
-- policy_arn = "unknown"
-- denies = 1
-- [[test.rows]]
-- cluster_name = "blue"
-- namespace = "shop"
-- service_account = "orders"
-- service = "sts"
-- api = "AssumeRole"
-- deny_class = "scp"
-- deny_kind = "explicit"
-- policy_arn = "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1"
-- denies = 1
--
-- [[test]]
-- name   = "a refused token, an allowed call of a pod and a deny of somebody else are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201005","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart"}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201001","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201006","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201007","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"ResourceNotFoundException","errorMessage":"Requested resource not found: Table: cart not found"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000201008","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","accessKeyId":"ASIAOTHER","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: dynamodb:DescribeTable"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account counts once, whichever copy comes first, and whether or not the owner's names its caller"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300337","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300338","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300900"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300339","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300900"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300340","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300901"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300341","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300901"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300951","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300950"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300952","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action","sharedEventID":"00000000-0000-4000-9000-000000300950"}
-- '''
-- [[test.rows]]
-- service_account = "cart"
-- denies = 3
--
-- [[test]]
-- name   = "whoever assumes a role with a pod's tags is no pod"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330005","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","accessKeyId":"ASIACI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"x","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"}]},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/deploy/x"},"credentials":{"accessKeyId":"ASIADEPLOY"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000330006","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:x","arn":"arn:aws:sts::111122223333:assumed-role/deploy/x","accountId":"111122223333","accessKeyId":"ASIADEPLOY","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/deploy"}}},"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:111122223333:secret:db because no identity-based policy allows the secretsmanager:GetSecretValue action"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "what a service calls in a pod's session is the pod's, with a key of the service's own and with none; a session that was refused is silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480051","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000051"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000051"},"credentials":{"accessKeyId":"ASIACARTK"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480052","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000051","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000051","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}},"invokedBy":"secretsmanager.amazonaws.com"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000051 is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no identity-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480053","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000051","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000051","accountId":"111122223333","accessKeyId":"ASIASERVICE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"}},"invokedBy":"secretsmanager.amazonaws.com"},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000051 is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no identity-based policy allows the kms:Decrypt action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480054","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/orders","roleSessionName":"eks-blue-orders-7d4-1f","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"orders"}]},"errorCode":"AccessDenied","errorMessage":"User: pods.eks.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/orders"}
-- '''
-- [[test.rows]]
-- namespace = "shop"
-- service_account = "cart"
-- service = "kms"
-- api = "Decrypt"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- denies = 2
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980043","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980044","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"eventID":"00000000-0000-4000-8000-000000980045","sharedEventID":"00000000-0000-4000-9000-000000980046","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action"}
-- '''
-- [[test.rows]]
-- service_account = "cart"
-- denies = 1
--
-- [[test]]
-- name   = "of two clusters that the configuration names, each its own name"
-- reference = { clusters = [{ oidc_id = "AB12", name = "blue" }, { oidc_id = "CD34", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980207","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980208","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000000 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980209","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"1700000000000000001"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000001"},"credentials":{"accessKeyId":"ASIACARTB"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980210","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000001","arn":"arn:aws:sts::111122223333:assumed-role/cart/1700000000000000001","accountId":"111122223333","accessKeyId":"ASIACARTB","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CD34"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/cart/1700000000000000001 is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/cart because no identity-based policy allows the dynamodb:DescribeTable action"}
-- '''
-- [[test.rows]]
-- cluster_name = "blue"
-- denies = 1
-- [[test.rows]]
-- cluster_name = "green"
-- denies = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', denied.event_time)  AS window_start,
    coalesce(denied.k8s_cluster, clusters.cluster_name, denied.oidc_id, 'unknown')
                                                       AS cluster_name,
    coalesce(denied.k8s_ns, 'unknown')                 AS namespace,
    denied.k8s_sa                                      AS service_account,
    denied.service                                     AS service,
    denied.event_name                                  AS api,
    denied.deny_class                                  AS deny_class,
    denied.deny_kind                                   AS deny_kind,
    coalesce(denied.role_arn, 'unknown')               AS role_arn,
    coalesce(denied.denied_action, 'unknown')          AS denied_action,
    coalesce(denied.policy_arn, 'unknown')             AS policy_arn,
    count(*)                                           AS denies
FROM (
    SELECT
        event_time,
        k8s_cluster,
        k8s_ns,
        k8s_sa,
        split_part(event_source, '.', 1) AS service,
        event_name,
        deny_class,
        deny_kind,
        role_arn,
        denied_action,
        policy_arn,
        -- Empty for a session that no OIDC provider stands behind.
        nullif(split_part(coalesce(identity_provider, ''), '/id/', 2), '') AS oidc_id
    FROM cloudtrail
    WHERE deny_class <> 'none'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND k8s_sa IS NOT NULL
      -- A token that STS refused is a web identity's, a session that it refused to Pod Identity a service's:
      -- those are no calls of the pod yet.
      AND identity_type = 'AssumedRole'
      -- Of a call into another account the caller's copy: the owner's names no pod, and may come first.
      AND coalesce(recipient_account_id = user_account_id, TRUE)
) AS denied
LEFT JOIN clusters ON clusters.oidc_id = denied.oidc_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
