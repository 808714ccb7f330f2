-- ---
-- name            = "pod_call_failures"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "AWS calls of pods that failed and were neither denied nor throttled, by service account, API and error."
-- seed            = "Errors from pods that are no AccessDenied"
-- why             = """
-- A volume that does not attach, a secret that is not there, a listener that ELB does not take: every
-- controller says it in its own words, in its own log. AWS says it in one.
-- """
-- false_positives = ["A controller that makes what is there already (Duplicate, AlreadyExists), or takes away what is gone (NotFound).", "A client that asks whether something is there: reads are counted, and not alerted.", "A controller that takes away what is still in use, and tries until it is free: it counts as wait, and is alerted when the same thing is not free for an hour and a half."]
-- cannot_tell     = """
-- For which object of Kubernetes the call was made, and whether a retry succeeded. A call belongs to a pod by
-- the access key that was issued to it: when that event was not read, or is read after the call, or
-- the association of Pod Identity has its session tags turned off (disableSessionTags), it does not
-- count here. Without data events in the trail calls on the contents of buckets, queues and tables are not seen.
-- What a call waits for is known of the kinds that controllers in a cluster take away; of others the resource is
-- unknown, and all of a service account and API together are one. What KMS refuses because of a key's state (kind
-- key) is alerted by kms_key_failures, which sees callers that are no pods too.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_pod_call_failures_total"
-- type            = "counter"
-- help            = "Failed AWS calls of pods, neither denied nor throttled, by cluster, namespace, service account, service, API, kind of call, error, and what a call waits for."
-- value           = "failures"
-- labels          = ["cluster_name", "namespace", "service_account", "service", "api", "kind", "error_code", "resource"]
-- series_max      = 2000                 # service accounts x APIs that fail, and what is waited for
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "cluster_name", "namespace", "service_account", "service", "api", "kind", "error_code", "resource", "role_arn", "account_id", "region"]
-- measures        = { failures = "sum" }
--
-- [[alert]]
-- name     = "TrailflowPodCallsFailing"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: {{ $labels.service }} {{ $labels.api }} failed {{ $value }} times in 30 minutes ({{ $labels.error_code }}).'
-- expr     = '''
-- sum by (cluster_name, namespace, service_account, service, api, error_code) (
--   last_over_time(trailflow_pod_call_failures_total{kind=~"write|secret"}[30m])
--   - last_over_time(trailflow_pod_call_failures_total{kind=~"write|secret"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_pod_call_failures_total{kind=~"write|secret"}[30m])
-- ) >= 10
-- '''
-- runbook  = "trailflowpodcallsfailing"
--
-- [[alert]]
-- name     = "TrailflowPodCallsWaiting"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: {{ $labels.service }} {{ $labels.api }} of {{ $labels.resource }} has failed for an hour and a half ({{ $labels.error_code }}): it does not become free.'
-- expr     = '''
-- sum by (cluster_name, namespace, service_account, service, api, error_code, resource) (
--   last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m])
--   - last_over_time(trailflow_pod_call_failures_total{kind="wait"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m])
-- ) > 0
-- and sum by (cluster_name, namespace, service_account, service, api, error_code, resource) (
--   last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m] offset 30m)
--   - last_over_time(trailflow_pod_call_failures_total{kind="wait"}[1h] offset 60m) >= 0
--   or last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m] offset 30m)
-- ) > 0
-- and sum by (cluster_name, namespace, service_account, service, api, error_code, resource) (
--   last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m] offset 60m)
--   - last_over_time(trailflow_pod_call_failures_total{kind="wait"}[1h] offset 90m) >= 0
--   or last_over_time(trailflow_pod_call_failures_total{kind="wait"}[30m] offset 60m)
-- ) > 0
-- '''
-- runbook  = "trailflowpodcallswaiting"
--
-- [[test]]
-- name   = "a volume that hangs at another instance, a secret that is not there, a load balancer that is looked for"
-- reference = { clusters = [{ oidc_id = "AB12", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900018","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ebs-csi","roleSessionName":"ebs-csi","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"kube-system"},{"key":"kubernetes-service-account","value":"ebs-csi-controller-sa"},{"key":"kubernetes-pod-name","value":"ebs-csi-controller-sa-7d4"}]},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi"},"credentials":{"accessKeyId":"ASIACSI"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900019","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"cart"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/cart/cart"},"credentials":{"accessKeyId":"ASIACART"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001a","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeInUse","errorMessage":"vol-1 is already attached to an instance","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001b","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeInUse","errorMessage":"vol-1 is already attached to an instance","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001c","eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"eventCategory":"Management","readOnly":true,"errorCode":"ResourceNotFoundException","errorMessage":"Secrets Manager can't find the specified secret.","requestParameters":{"secretId":"db"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001d","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeLoadBalancers","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cart","arn":"arn:aws:sts::111122223333:assumed-role/cart/cart","accountId":"111122223333","accessKeyId":"ASIACART","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cart"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"}}},"eventCategory":"Management","readOnly":true,"errorCode":"LoadBalancerNotFoundException","errorMessage":"One or more load balancers not found","requestParameters":{"names":["web"]},"responseElements":null}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- cluster_name = "blue"
-- namespace = "kube-system"
-- service_account = "ebs-csi-controller-sa"
-- service = "ec2"
-- api = "AttachVolume"
-- kind = "write"
-- error_code = "volumeinuse"
-- resource = "any"
-- role_arn = "arn:aws:iam::111122223333:role/ebs-csi"
-- account_id = "111122223333"
-- region = "eu-west-1"
-- failures = 2
-- [[test.rows]]
-- cluster_name = "green"
-- namespace = "shop"
-- service_account = "cart"
-- service = "secretsmanager"
-- api = "GetSecretValue"
-- kind = "secret"
-- error_code = "resourcenotfound"
-- failures = 1
-- [[test.rows]]
-- service = "elasticloadbalancing"
-- api = "DescribeLoadBalancers"
-- kind = "read"
-- error_code = "loadbalancernotfound"
-- failures = 1
--
-- [[test]]
-- name   = "a token that STS does not take, denied and throttled calls, a dry run, a success, and a failure of somebody else are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001e","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ebs-csi","roleSessionName":"ebs-csi","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"kube-system"},{"key":"kubernetes-service-account","value":"ebs-csi-controller-sa"},{"key":"kubernetes-pod-name","value":"ebs-csi-controller-sa-7d4"}]},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi"},"credentials":{"accessKeyId":"ASIACSI"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090001f","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"errorCode":"ExpiredTokenException","errorMessage":"Token expired","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"cart"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900020","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900021","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded.","requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900022","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded, but DryRun flag is set.","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900023","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"volumeId":"vol-1"},"responseElements":{"status":"attaching"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900024","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","accessKeyId":"ASIAOTHER","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeInUse","errorMessage":"vol-1 is already attached to an instance","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "what is taken away while it is in use waits, each thing for itself; another mistake, and what is attached, does not; a key's state is not the pod's"
-- reference = { clusters = [{ oidc_id = "AB12", name = "green" }] }
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910201","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:lbc","userName":"system:serviceaccount:kube-system:lbc","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lbc","roleSessionName":"lbc"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc"},"credentials":{"accessKeyId":"ASIALBC"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910202","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:csi","userName":"system:serviceaccount:kube-system:csi","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/csi","roleSessionName":"csi"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/csi/csi"},"credentials":{"accessKeyId":"ASIACSI2"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910203","eventSource":"ec2.amazonaws.com","eventName":"DeleteSecurityGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:lbc","arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"accessKeyId":"ASIALBC"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DependencyViolation","errorMessage":"resource sg-1 has a dependent object","requestParameters":{"groupId":"sg-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910204","eventSource":"ec2.amazonaws.com","eventName":"DeleteSecurityGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:lbc","arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"accessKeyId":"ASIALBC"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DependencyViolation","errorMessage":"resource sg-1 has a dependent object","requestParameters":{"groupId":"sg-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910205","eventSource":"ec2.amazonaws.com","eventName":"DeleteSecurityGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:lbc","arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"accessKeyId":"ASIALBC"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DependencyViolation","errorMessage":"resource sg-2 has a dependent object","requestParameters":{"groupId":"sg-2"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910206","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeleteTargetGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:lbc","arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"accessKeyId":"ASIALBC"},"eventCategory":"Management","readOnly":false,"errorCode":"ResourceInUseException","errorMessage":"Target group 'arn:tg' is currently in use by a listener or a rule","requestParameters":{"targetGroupArn":"arn:tg"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910207","eventSource":"ec2.amazonaws.com","eventName":"DeleteNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidParameterValue","errorMessage":"Network interface 'eni-1' is currently in use.","requestParameters":{"networkInterfaceId":"eni-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910208","eventSource":"ec2.amazonaws.com","eventName":"DetachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.IncorrectState","errorMessage":"Volume 'vol-1' is in the 'available' state.","requestParameters":{"volumeId":"vol-1","instanceId":"i-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910209","eventSource":"ec2.amazonaws.com","eventName":"DeleteVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeInUse","errorMessage":"Volume vol-2 is currently attached to i-1","requestParameters":{"volumeId":"vol-2"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091020a","eventSource":"autoscaling.amazonaws.com","eventName":"DeleteAutoScalingGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"ResourceInUseFault","errorMessage":"You cannot delete an AutoScalingGroup while there are scaling activities in progress.","requestParameters":{"autoScalingGroupName":"a"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091020b","eventSource":"ec2.amazonaws.com","eventName":"DeleteNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidParameterValue","errorMessage":"Value (x) for parameter networkInterfaceId is invalid.","requestParameters":{"networkInterfaceId":"eni-2"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091020c","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.IncorrectState","errorMessage":"Volume 'vol-1' is in the 'creating' state.","requestParameters":{"volumeId":"vol-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091020d","eventSource":"kms.amazonaws.com","eventName":"Decrypt","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:csi","arn":"arn:aws:sts::111122223333:assumed-role/csi/csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/csi"}},"accessKeyId":"ASIACSI2"},"eventCategory":"Management","readOnly":true,"errorCode":"KMSInvalidStateException","errorMessage":"k is pending deletion."}
-- '''
-- [[test.rows]]
-- service_account = "lbc"
-- api = "DeleteSecurityGroup"
-- kind = "wait"
-- error_code = "dependencyviolation"
-- resource = "sg-1"
-- failures = 2
-- [[test.rows]]
-- service_account = "lbc"
-- api = "DeleteSecurityGroup"
-- kind = "wait"
-- error_code = "dependencyviolation"
-- resource = "sg-2"
-- failures = 1
-- [[test.rows]]
-- service_account = "lbc"
-- api = "DeleteTargetGroup"
-- kind = "wait"
-- error_code = "resourceinuse"
-- resource = "arn:tg"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "DeleteNetworkInterface"
-- kind = "wait"
-- error_code = "invalidparametervalue"
-- resource = "eni-1"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "DetachVolume"
-- kind = "wait"
-- error_code = "incorrectstate"
-- resource = "vol-1"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "DeleteVolume"
-- kind = "wait"
-- error_code = "volumeinuse"
-- resource = "vol-2"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "DeleteAutoScalingGroup"
-- kind = "wait"
-- error_code = "resourceinusefault"
-- resource = "unknown"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "DeleteNetworkInterface"
-- kind = "write"
-- error_code = "invalidparametervalue"
-- resource = "any"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "AttachVolume"
-- kind = "write"
-- error_code = "incorrectstate"
-- resource = "any"
-- failures = 1
-- [[test.rows]]
-- service_account = "csi"
-- api = "Decrypt"
-- kind = "key"
-- error_code = "kmsinvalidstate"
-- resource = "any"
-- failures = 1
--
-- [[test]]
-- name   = "a call into another account counts once, whichever copy comes first; that of the endpoint's owner does not"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900025","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"eventCategory":"Management","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ebs-csi","roleSessionName":"ebs-csi","tags":[{"key":"eks-cluster-name","value":"blue"},{"key":"kubernetes-namespace","value":"kube-system"},{"key":"kubernetes-service-account","value":"ebs-csi-controller-sa"},{"key":"kubernetes-pod-name","value":"ebs-csi-controller-sa-7d4"}]},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi"},"credentials":{"accessKeyId":"ASIACSI"}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000900026","eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ebs-csi","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"errorCode":"DisabledException","errorMessage":"k is disabled.","requestParameters":{"keyId":"k"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000900003"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900027","eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"DisabledException","errorMessage":"k is disabled.","requestParameters":{"keyId":"k"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000900003"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900028","eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","accessKeyId":"ASIACSI","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"NetworkActivity","readOnly":false,"errorCode":"DisabledException","errorMessage":"k is disabled.","requestParameters":null,"responseElements":null,"eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","sharedEventID":"00000000-0000-4000-9000-000000900004"}
-- '''
-- [[test.rows]]
-- service = "kms"
-- api = "CreateGrant"
-- kind = "key"
-- error_code = "disabled"
-- account_id = "111122223333"
-- failures = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', failed.event_time)  AS window_start,
    coalesce(failed.k8s_cluster, clusters.cluster_name, failed.oidc_id, 'unknown')
                                                       AS cluster_name,
    coalesce(failed.k8s_ns, 'unknown')                 AS namespace,
    failed.k8s_sa                                      AS service_account,
    failed.service                                     AS service,
    failed.event_name                                  AS api,
    failed.kind                                        AS kind,
    failed.error_code_norm                             AS error_code,
    -- Only of what waits: whether it is one thing that never becomes free, or one after the other.
    CASE
        WHEN failed.kind <> 'wait' THEN 'any'
        ELSE coalesce(
            json_get_str(failed.request_parameters, 'groupId'),
            json_get_str(failed.request_parameters, 'networkInterfaceId'),
            json_get_str(failed.request_parameters, 'volumeId'),
            json_get_str(failed.request_parameters, 'targetGroupArn'),
            json_get_str(failed.request_parameters, 'loadBalancerArn'),
            json_get_str(failed.request_parameters, 'roleName'),
            'unknown')
    END                                                AS resource,
    coalesce(failed.role_arn, 'unknown')               AS role_arn,
    coalesce(failed.user_account_id, 'unknown')        AS account_id,
    coalesce(failed.region, 'unknown')                 AS region,
    count(*)                                           AS failures
FROM (
    SELECT
        event_time,
        k8s_cluster,
        k8s_ns,
        k8s_sa,
        split_part(event_source, '.', 1) AS service,
        event_name,
        error_code_norm,
        request_parameters,
        CASE
            -- Who reads a secret needs it.
            WHEN event_source IN ('secretsmanager.amazonaws.com', 'ssm.amazonaws.com') AND event_name LIKE '%Get%'
                THEN 'secret'
            WHEN event_source = 'kms.amazonaws.com' AND error_code_norm IN ('disabled', 'kmsinvalidstate', 'keyunavailable')
                THEN 'key'
            WHEN read_only THEN 'read'
            -- Controllers take things away in any order, and try again until nothing holds them.
            WHEN regexp_like(event_name, '^(Delete|Detach|Deregister)')
             AND (error_code_norm IN ('dependencyviolation', 'incorrectstate', 'deleteconflict', 'resourceinusefault')
                  OR error_code_norm LIKE '%inuse'
                  OR error_code_norm = 'invalidparametervalue' AND coalesce(error_message, '') LIKE '%in use%')
                THEN 'wait'
            ELSE 'write'
        END                              AS kind,
        role_arn,
        user_account_id,
        region,
        -- Empty for a session that no OIDC provider stands behind.
        nullif(split_part(coalesce(identity_provider, ''), '/id/', 2), '') AS oidc_id
    FROM cloudtrail
    WHERE k8s_sa IS NOT NULL
      AND error_code_norm IS NOT NULL
      AND deny_class = 'none'
      AND throttle_class <> 'throttle'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      -- A token that STS did not take is a web identity's: that is no call of the pod yet.
      AND identity_type = 'AssumedRole'
      -- Of a call into another account the caller's copy: the owner's names no pod, and may come first.
      AND coalesce(recipient_account_id = user_account_id, TRUE)
) AS failed
LEFT JOIN clusters ON clusters.oidc_id = failed.oidc_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
