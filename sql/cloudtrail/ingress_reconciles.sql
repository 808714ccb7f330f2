-- ---
-- name            = "ingress_reconciles"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "AWS calls of the load balancer controller by role, service, API, read or write, and outcome."
-- seed            = "Ingress-controller reconcile storm against AWS APIs"
-- why             = """
-- A controller that reconciles without end spends the account's quota of ELB and EC2 calls:
-- its neighbours are throttled, and its own changes come late. Many reads with few writes
-- are a loop that finds nothing; many writes are a loop that undoes itself.
-- """
-- false_positives = ["The first minutes after the controller starts: it reads everything once.", "A rollout of many pods: each one is a registered target."]
-- cannot_tell     = """
-- Which Ingress or Service it was for: the tags of the resources say so, the calls do not.
-- Throttled calls have no parameters, and not all are recorded. A controller before it named
-- itself in its user agent is found by its service account only. In EKS Auto Mode no pod makes the
-- load balancers: EKS does, with the cluster's role, and is not found.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_ingress_calls_total"
-- type            = "counter"
-- help            = "AWS calls of the load balancer controller by controller, role, service, API, read or write, and outcome."
-- value           = "calls"
-- labels          = ["controller", "role_arn", "service", "api", "kind", "outcome"]
-- series_max      = 2000                 # clusters x APIs x outcomes
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "controller", "role_arn", "service", "api", "kind", "outcome", "account_id", "region", "written"]
-- measures        = { calls = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowIngressStorm"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.controller }} as {{ $labels.role_arn }}: {{ $value }} calls in 15 minutes, throttled or ten times its day before.'
-- expr     = '''
-- sum by (controller, role_arn) (
--   last_over_time(trailflow_ingress_calls_total{outcome="throttled"}[15m])
--   - last_over_time(trailflow_ingress_calls_total{outcome="throttled"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_ingress_calls_total{outcome="throttled"}[15m])
-- ) >= 20
-- or
-- sum by (controller, role_arn) (
--   last_over_time(trailflow_ingress_calls_total[15m])
--   - last_over_time(trailflow_ingress_calls_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_ingress_calls_total[15m])
-- ) >= 1500
-- unless
-- sum by (controller, role_arn) (
--   last_over_time(trailflow_ingress_calls_total[15m])
--   - last_over_time(trailflow_ingress_calls_total[1h] offset 15m) >= 0
--   or last_over_time(trailflow_ingress_calls_total[15m])
-- )
-- <= 10 * sum by (controller, role_arn) (increase(trailflow_ingress_calls_total[1d] offset 1h)) / 96
-- '''
-- runbook  = "trailflowingressstorm"
--
-- [[test]]
-- name   = "reads, a write made twice, a throttle without parameters and a deny"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207001","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207002","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":false,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop/1","targets":[{"id":"10.0.1.5","port":8080}]},"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:22:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207003","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":false,"requestParameters":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop/1","targets":[{"id":"10.0.1.5","port":8080}]},"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207004","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeLoadBalancers","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"errorCode":"Throttling","errorMessage":"Rate exceeded","requestParameters":null,"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207005","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.","readOnly":"false","requestParameters":{"groupId":"sg-1"},"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- controller = "aws-load-balancer-controller"
-- role_arn = "arn:aws:iam::111122223333:role/lbc"
-- service = "elasticloadbalancing"
-- api = "DescribeTargetHealth"
-- kind = "read"
-- outcome = "success"
-- account_id = "111122223333"
-- region = "eu-west-1"
-- written = ""
-- calls = 1
-- [[test.rows]]
-- api = "RegisterTargets"
-- kind = "write"
-- outcome = "success"
-- written = "{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop/1\",\"targets\":[{\"id\":\"10.0.1.5\",\"port\":8080}]}"
-- calls = 2
-- [[test.rows]]
-- api = "DescribeLoadBalancers"
-- kind = "read"
-- outcome = "throttled"
-- written = ""
-- calls = 1
-- [[test.rows]]
-- service = "ec2"
-- api = "AuthorizeSecurityGroupIngress"
-- kind = "write"
-- outcome = "denied"
-- written = "{\"groupId\":\"sg-1\"}"
-- calls = 1
--
-- [[test]]
-- name   = "other programs, and the controller's own sign-in, are silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207006","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"readOnly":true,"userAgent":"APN/1.0 HashiCorp/1.0 Terraform/1.9.0"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207007","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/1","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"readOnly":false,"userAgent":"aws-sdk-go-v2/1.30 karpenter.sh-1.0.0"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000207008","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:aws-load-balancer-controller","userName":"system:serviceaccount:kube-system:aws-load-balancer-controller","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lbc"},"userAgent":"elbv2.k8s.aws/v2.14.1"}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300073","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"elbv2.k8s.aws/v2.14.1","sharedEventID":"00000000-0000-4000-9000-000000300072"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300074","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"elbv2.k8s.aws/v2.14.1","sharedEventID":"00000000-0000-4000-9000-000000300072"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300085","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"elbv2.k8s.aws/v2.14.1","sharedEventID":"00000000-0000-4000-9000-000000300073"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300086","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBC","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"elbv2.k8s.aws/v2.14.1","sharedEventID":"00000000-0000-4000-9000-000000300073"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/lbc"
-- calls = 1
-- [[test.rows]]
-- role_arn = "111122223333"
-- calls = 1
--
-- [[test]]
-- name   = "a controller with an SDK's agent is known by the service account that its key was issued to; another key of the role is silent"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310004","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:aws-load-balancer-controller","userName":"system:serviceaccount:kube-system:aws-load-balancer-controller","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lbc","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:kube-system:aws-load-balancer-controller","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000"},"credentials":{"accessKeyId":"ASIALBCPOD"}},"userAgent":"aws-sdk-go-v2/1.30"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310006","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBCPOD","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"aws-sdk-go-v2/1.30"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000310005","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIASOMEONE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"aws-sdk-go-v2/1.30"}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/lbc"
-- service = "elasticloadbalancing"
-- api = "DescribeTargetHealth"
-- kind = "read"
-- calls = 1
--
-- [[test]]
-- name   = "what a service does in the controller's session is not the controller's call"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480071","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:aws-load-balancer-controller","userName":"system:serviceaccount:kube-system:aws-load-balancer-controller","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lbc","roleSessionName":"1700000000000000071"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:kube-system:aws-load-balancer-controller","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000071"},"credentials":{"accessKeyId":"ASIALBCFAS"}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480072","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"CreateLoadBalancer","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000071","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000071","accountId":"111122223333","accessKeyId":"ASIALBCFAS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":false,"requestParameters":{"name":"a"},"userAgent":"aws-sdk-go-v2/1.30"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480073","eventSource":"ec2.amazonaws.com","eventName":"DescribeSubnets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000071","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000071","accountId":"111122223333","accessKeyId":"ASIASERVICE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"invokedBy":"elasticloadbalancing.amazonaws.com"},"readOnly":true,"requestParameters":{},"userAgent":"elasticloadbalancing.amazonaws.com"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480074","eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000071","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000071","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}},"invokedBy":"elasticloadbalancing.amazonaws.com"},"readOnly":false,"requestParameters":{},"userAgent":"elasticloadbalancing.amazonaws.com"}
-- '''
-- [[test.rows]]
-- service = "elasticloadbalancing"
-- api = "CreateLoadBalancer"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980101","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12:sts.amazonaws.com:system:serviceaccount:kube-system:aws-load-balancer-controller","userName":"system:serviceaccount:kube-system:aws-load-balancer-controller","identityProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/lbc","roleSessionName":"1700000000000000000"},"responseElements":{"subjectFromWebIdentityToken":"system:serviceaccount:kube-system:aws-load-balancer-controller","audience":"sts.amazonaws.com","provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12","assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000"},"credentials":{"accessKeyId":"ASIALBCPOD"}},"userAgent":"aws-sdk-go-v2/1.30"}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980102","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBCPOD","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"readOnly":true,"requestParameters":{"targetGroupArn":"arn:x"},"userAgent":"aws-sdk-go-v2/1.30"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DescribeTargetHealth","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/lbc/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIALBCPOD","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"eventID":"00000000-0000-4000-8000-000000980103","sharedEventID":"00000000-0000-4000-9000-000000980104","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "DescribeTargetHealth"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    'aws-load-balancer-controller'                              AS controller,
    coalesce(role_arn, principal, 'unknown')                    AS role_arn,
    split_part(event_source, '.', 1)                            AS service,
    coalesce(event_name, 'unknown')                             AS api,
    kind                                                        AS kind,
    CASE
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN deny_class <> 'none' THEN 'denied'
        WHEN error_code_norm IS NULL THEN 'success'
        ELSE 'other'
    END                                                         AS outcome,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(region, 'unknown')                                 AS region,
    -- What a write asked for, to find the same one again; reads are too many to keep.
    CASE kind WHEN 'write' THEN coalesce(request_parameters, '') ELSE '' END
                                                                AS written,
    count(*)                                                    AS calls
FROM (
    SELECT
        event_time,
        role_arn,
        principal,
        event_source,
        event_name,
        throttle_class,
        deny_class,
        error_code_norm,
        user_account_id,
        recipient_account_id,
        region,
        request_parameters,
        CASE
            WHEN coalesce(
                read_only,
                event_name LIKE 'Describe%' OR event_name LIKE 'Get%' OR event_name LIKE 'List%'
            ) THEN 'read'
            ELSE 'write'
        END AS kind
    FROM cloudtrail
    -- What ELB calls in the controller's session, to make a load balancer, is the service account's too.
    WHERE (ua_family = 'aws-load-balancer-controller'
           OR k8s_sa = 'aws-load-balancer-controller' AND invoked_by IS NULL)
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      -- Fetching credentials is no reconciling.
      AND event_source <> 'sts.amazonaws.com'
      AND NOT coalesce(shared_event_seen, FALSE)
) AS calls
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
