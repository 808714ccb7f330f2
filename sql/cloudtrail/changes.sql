-- ---
-- name            = "changes"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "The change timeline: successful changes of network, identity, cluster and policy, by kind, resource and caller."
-- seed            = "What changed shortly before?"
-- why             = """
-- Most outages follow a change by minutes. This is the list of those that take access away
-- or turn traffic: it is drawn into the graphs as annotations, and other signals look back on it.
-- """
-- false_positives = ["A tool that writes the same value again: the call succeeds and nothing changes.", "A network plugin that turns off the source check of each new node's interface."]
-- cannot_tell     = """
-- Whether a change had an effect, and what the value was before. AWS's own changes without an
-- API call (an automatic update of a cluster at the end of its support) are not logged. What is
-- registered with a target group, and DNS records, are signals of their own.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_changes_total"
-- type            = "counter"
-- help            = "Successful changes by kind, API, resource, caller, account and region."
-- value           = "changes"
-- labels          = ["kind", "api", "resource", "caller", "account_id", "region"]
-- series_max      = 5000                 # resources that change x callers; controllers make many
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "kind", "api", "resource", "caller", "account_id", "region"]
-- measures        = { changes = "sum", first_seen = "min", last_seen = "max" }
--
-- [[alert]]
-- name     = "TrailflowOidcProviderChanged"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.api }} on {{ $labels.resource }} by {{ $labels.caller }}: no service account that relies on it gets new credentials.'
-- expr     = '''
-- sum by (account_id, api, resource, caller) (
--   last_over_time(trailflow_changes_total{api=~"DeleteOpenIDConnectProvider|RemoveClientIDFromOpenIDConnectProvider"}[30m])
--   - last_over_time(trailflow_changes_total{api=~"DeleteOpenIDConnectProvider|RemoveClientIDFromOpenIDConnectProvider"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_changes_total{api=~"DeleteOpenIDConnectProvider|RemoveClientIDFromOpenIDConnectProvider"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowoidcproviderchanged"
--
-- [[test]]
-- name   = "one change of each shape of parameters"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"ec2.amazonaws.com","eventName":"CreateSecurityGroup","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupName":"web","vpcId":"vpc-1"},"responseElements":{"_return":true,"groupId":"sg-2"}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"ec2.amazonaws.com","eventName":"DeleteVpcEndpoints","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"DeleteVpcEndpointsRequest":{"VpcEndpointId":{"tag":1,"content":"vpce-1"}}},"responseElements":{"DeleteVpcEndpointsResponse":{"unsuccessful":""}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-3","SecurityGroupRule":{}}},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"ec2.amazonaws.com","eventName":"CreateNatGateway","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateNatGatewayRequest":{"SubnetId":"subnet-1"}},"responseElements":{"CreateNatGatewayResponse":{"natGateway":{"natGatewayId":"nat-1","state":"pending"}}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkAcl","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"vpcId":"vpc-1"},"responseElements":{"networkAcl":{"networkAclId":"acl-1"}}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"iam.amazonaws.com","eventName":"DeleteOpenIDConnectProvider","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"openIDConnectProviderArn":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"eks.amazonaws.com","eventName":"CreateAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"eks.amazonaws.com","eventName":"CreatePodIdentityAssociation","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"clusterName":"blue","namespace":"shop","serviceAccount":"cart","roleArn":"arn:aws:iam::111122223333:role/cart"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"keyId":"k1","policyName":"default"},"responseElements":null,"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333"}]}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000011","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"bucketName":"data","policy":""},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000012","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"ModifyRule","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"ruleArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/a/1/2/3"},"responseElements":{}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- kind = "security_group"
-- api = "RevokeSecurityGroupIngress"
-- resource = "sg-1"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- account_id = "111122223333"
-- region = "eu-west-1"
-- changes = 1
-- first_seen = 1767608467
-- last_seen = 1767608467
-- [[test.rows]]
-- kind = "security_group"
-- api = "CreateSecurityGroup"
-- resource = "sg-2"
-- changes = 1
-- [[test.rows]]
-- kind = "vpc_endpoint"
-- api = "DeleteVpcEndpoints"
-- resource = "vpce-1"
-- changes = 1
-- [[test.rows]]
-- kind = "security_group"
-- api = "ModifySecurityGroupRules"
-- resource = "sg-3"
-- changes = 1
-- [[test.rows]]
-- kind = "gateway"
-- resource = "nat-1"
-- changes = 1
-- [[test.rows]]
-- kind = "network_acl"
-- resource = "acl-1"
-- changes = 1
-- [[test.rows]]
-- kind = "oidc_provider"
-- resource = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"
-- region = "us-east-1"
-- changes = 1
-- [[test.rows]]
-- kind = "access_entry"
-- resource = "blue/arn:aws:iam::111122223333:role/dev"
-- changes = 1
-- [[test.rows]]
-- kind = "pod_identity"
-- resource = "blue/shop/cart"
-- changes = 1
-- [[test.rows]]
-- kind = "key_policy"
-- resource = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- changes = 1
-- [[test.rows]]
-- kind = "bucket_policy"
-- resource = "data"
-- changes = 1
-- [[test.rows]]
-- kind = "load_balancer"
-- api = "ModifyRule"
-- resource = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/a/1/2/3"
-- changes = 1
--
-- [[test]]
-- name   = "two calls in one window are one row"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000013","eventSource":"ec2.amazonaws.com","eventName":"CreateRoute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"routeTableId":"rtb-1","destinationCidrBlock":"0.0.0.0/0"},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:23:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000014","eventSource":"ec2.amazonaws.com","eventName":"CreateRoute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"routeTableId":"rtb-1","destinationCidrBlock":"10.9.0.0/16"},"responseElements":{"_return":true}}
-- '''
-- [[test.rows]]
-- kind = "route"
-- resource = "rtb-1"
-- changes = 2
-- first_seen = 1767608467
-- last_seen = 1767608587
--
-- [[test]]
-- name   = "reads, denied changes, dry runs, registered targets and records of DNS are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000015","eventSource":"ec2.amazonaws.com","eventName":"DescribeSecurityGroups","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"groupId":"sg-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000016","eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.","requestParameters":{"groupId":"sg-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000017","eventSource":"ec2.amazonaws.com","eventName":"CreateRoute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded, but DryRun flag is set.","requestParameters":{"routeTableId":"rtb-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000018","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"RegisterTargets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"targetGroupArn":"arn:x"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000019","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"hostedZoneId":"Z1"},"responseElements":{}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the groups of an interface, and whether it may carry what is not its own"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320031","eventSource":"ec2.amazonaws.com","eventName":"ModifyNetworkInterfaceAttribute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"APN/1.0 HashiCorp/1.0 Terraform/1.9.8","eventCategory":"Management","readOnly":false,"requestParameters":{"networkInterfaceId":"eni-1","groupSet":{"items":[{"groupId":"sg-1"}]}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320032","eventSource":"ec2.amazonaws.com","eventName":"ModifyNetworkInterfaceAttribute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"userAgent":"APN/1.0 HashiCorp/1.0 Terraform/1.9.8","eventCategory":"Management","readOnly":false,"requestParameters":{"networkInterfaceId":"eni-2","sourceDestCheck":{"value":true}},"responseElements":{"_return":true}}
-- '''
-- [[test.rows]]
-- kind = "network_interface"
-- resource = "eni-1"
-- changes = 1
-- [[test.rows]]
-- kind = "network_interface"
-- resource = "eni-2"
-- changes = 1
--
-- [[test]]
-- name   = "a new node: its network plugin ties interfaces to the instance's end and copies the groups of the first one; another plugin does the former; silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320033","eventSource":"ec2.amazonaws.com","eventName":"ModifyNetworkInterfaceAttribute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"userAgent":"amazon-vpc-cni-k8s/v1.19.2 aws-sdk-go-v2/1.32.6","eventCategory":"Management","readOnly":false,"requestParameters":{"networkInterfaceId":"eni-3","attachment":{"attachmentId":"eni-attach-1","deleteOnTermination":true}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320034","eventSource":"ec2.amazonaws.com","eventName":"ModifyNetworkInterfaceAttribute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"userAgent":"amazon-vpc-cni-k8s/v1.19.2 aws-sdk-go-v2/1.32.6","eventCategory":"Management","readOnly":false,"requestParameters":{"networkInterfaceId":"eni-3","groupSet":{"items":[{"groupId":"sg-1"}]}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320035","eventSource":"ec2.amazonaws.com","eventName":"ModifyNetworkInterfaceAttribute","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:cilium","arn":"arn:aws:sts::111122223333:assumed-role/cilium/cilium","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cilium"}}},"userAgent":"aws-sdk-go-v2/1.32.6 ua/2.1 os/linux","eventCategory":"Management","readOnly":false,"requestParameters":{"networkInterfaceId":"eni-4","attachment":{"attachmentId":"eni-attach-2","deleteOnTermination":true}},"responseElements":{"_return":true}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300265","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/k1","policyName":"default"},"responseElements":null,"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666","type":"AWS::KMS::Key"}],"sharedEventID":"00000000-0000-4000-9000-000000300264"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300266","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/k1","policyName":"default"},"responseElements":null,"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666","type":"AWS::KMS::Key"}],"sharedEventID":"00000000-0000-4000-9000-000000300264"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300277","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/k1","policyName":"default"},"responseElements":null,"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666","type":"AWS::KMS::Key"}],"sharedEventID":"00000000-0000-4000-9000-000000300265"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300278","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/k1","policyName":"default"},"responseElements":null,"resources":[{"ARN":"arn:aws:kms:eu-west-1:444455556666:key/k1","accountId":"444455556666","type":"AWS::KMS::Key"}],"sharedEventID":"00000000-0000-4000-9000-000000300265"}
-- '''
-- [[test.rows]]
-- kind = "key_policy"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- account_id = "111122223333"
-- changes = 1
-- [[test.rows]]
-- kind = "key_policy"
-- caller = "111122223333"
-- account_id = "444455556666"
-- changes = 1
--
-- [[test]]
-- name   = "an account that leaves its organization names itself by its account alone, and one that is taken out is named"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320021","eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320022","eventSource":"organizations.amazonaws.com","eventName":"RemoveAccountFromOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"accountId":"444455556666"},"responseElements":null}
-- '''
-- [[test.rows]]
-- kind = "organization"
-- api = "LeaveOrganization"
-- resource = "unknown"
-- account_id = "111122223333"
-- changes = 1
-- [[test.rows]]
-- kind = "organization"
-- api = "RemoveAccountFromOrganization"
-- resource = "444455556666"
-- changes = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400001","eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1"},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000400002","sharedEventID":"00000000-0000-4000-9000-000000400002","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- resource = "sg-1"
-- changes = 1
-- ---
-- Which calls count, and which parameter names what they change. EC2's newer calls wrap their
-- parameters into <name of the call>Request and write them in capitals.
WITH kinds AS (
    SELECT source, kind, parameter, unnest(string_to_array(calls, ' ')) AS call
    FROM (VALUES
        ('ec2.amazonaws.com', 'security_group', 'groupId',
         'AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup'),
        ('ec2.amazonaws.com', 'security_group', 'GroupId', 'ModifySecurityGroupRules'),
        ('ec2.amazonaws.com', 'network_acl', 'networkAclId',
         'CreateNetworkAcl DeleteNetworkAcl CreateNetworkAclEntry ReplaceNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclAssociation'),
        ('ec2.amazonaws.com', 'network_interface', 'networkInterfaceId', 'ModifyNetworkInterfaceAttribute'),
        ('ec2.amazonaws.com', 'route', 'routeTableId',
         'CreateRoute ReplaceRoute DeleteRoute DeleteRouteTable AssociateRouteTable ReplaceRouteTableAssociation'),
        ('ec2.amazonaws.com', 'route', 'associationId', 'DisassociateRouteTable'),
        ('ec2.amazonaws.com', 'gateway', 'internetGatewayId', 'AttachInternetGateway DetachInternetGateway'),
        ('ec2.amazonaws.com', 'gateway', 'NatGatewayId', 'CreateNatGateway DeleteNatGateway'),
        ('ec2.amazonaws.com', 'vpc_endpoint', 'VpcEndpointId', 'CreateVpcEndpoint ModifyVpcEndpoint DeleteVpcEndpoints'),
        ('ec2.amazonaws.com', 'transit_gateway', 'TransitGatewayAttachmentId',
         'CreateTransitGatewayVpcAttachment ModifyTransitGatewayVpcAttachment DeleteTransitGatewayVpcAttachment'),
        ('ec2.amazonaws.com', 'transit_gateway', 'TransitGatewayRouteTableId',
         'CreateTransitGatewayRoute ReplaceTransitGatewayRoute DeleteTransitGatewayRoute'),
        ('ec2.amazonaws.com', 'vpc_peering', 'vpcPeeringConnectionId',
         'CreateVpcPeeringConnection AcceptVpcPeeringConnection DeleteVpcPeeringConnection'),
        ('ec2.amazonaws.com', 'vpc_attribute', 'vpcId', 'ModifyVpcAttribute'),
        ('ec2.amazonaws.com', 'flow_log', 'FlowLogId', 'CreateFlowLogs DeleteFlowLogs'),
        ('cloudtrail.amazonaws.com', 'trail', 'name', 'CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging'),
        ('cloudtrail.amazonaws.com', 'trail', 'trailName', 'PutEventSelectors PutInsightSelectors'),
        ('iam.amazonaws.com', 'oidc_provider', 'openIDConnectProviderArn',
         'CreateOpenIDConnectProvider DeleteOpenIDConnectProvider AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint'),
        ('iam.amazonaws.com', 'trust_policy', 'roleName', 'UpdateAssumeRolePolicy'),
        ('iam.amazonaws.com', 'role', 'roleName', 'CreateRole DeleteRole'),
        ('iam.amazonaws.com', 'role_policy', 'roleName',
         'AttachRolePolicy DetachRolePolicy PutRolePolicy DeleteRolePolicy PutRolePermissionsBoundary DeleteRolePermissionsBoundary'),
        ('iam.amazonaws.com', 'managed_policy', 'policyArn', 'CreatePolicyVersion SetDefaultPolicyVersion DeletePolicyVersion DeletePolicy'),
        ('iam.amazonaws.com', 'instance_profile', 'instanceProfileName', 'AddRoleToInstanceProfile RemoveRoleFromInstanceProfile'),
        ('iam.amazonaws.com', 'user_policy', 'userName', 'AttachUserPolicy DetachUserPolicy PutUserPolicy DeleteUserPolicy'),
        ('iam.amazonaws.com', 'access_key', 'userName', 'CreateAccessKey UpdateAccessKey DeleteAccessKey'),
        ('iam.amazonaws.com', 'user', 'userName', 'CreateUser DeleteUser'),
        ('iam.amazonaws.com', 'login_profile', 'userName', 'CreateLoginProfile UpdateLoginProfile DeleteLoginProfile'),
        ('rolesanywhere.amazonaws.com', 'trust_anchor', 'trustAnchorId',
         'CreateTrustAnchor UpdateTrustAnchor DisableTrustAnchor DeleteTrustAnchor'),
        ('rolesanywhere.amazonaws.com', 'trust_anchor', 'profileId', 'CreateProfile UpdateProfile DisableProfile DeleteProfile'),
        ('lambda.amazonaws.com', 'function_policy', 'functionName', 'AddPermission20150331v2 RemovePermission20150331v2'),
        ('route53resolver.amazonaws.com', 'flow_log', 'resolverQueryLogConfigId',
         'DeleteResolverQueryLogConfig DisassociateResolverQueryLogConfig'),
        ('ec2.amazonaws.com', 'address', 'allocationId', 'AssociateAddress DisassociateAddress ReleaseAddress'),
        ('organizations.amazonaws.com', 'organization_policy', 'policyId', 'UpdatePolicy AttachPolicy DetachPolicy DeletePolicy'),
        ('organizations.amazonaws.com', 'organization', 'accountId', 'LeaveOrganization RemoveAccountFromOrganization'),
        ('eks.amazonaws.com', 'cluster', 'name',
         'CreateCluster DeleteCluster UpdateClusterVersion UpdateClusterConfig AssociateIdentityProviderConfig DisassociateIdentityProviderConfig'),
        ('eks.amazonaws.com', 'node_group', 'nodegroupName', 'CreateNodegroup UpdateNodegroupVersion UpdateNodegroupConfig DeleteNodegroup'),
        ('eks.amazonaws.com', 'addon', 'addonName', 'CreateAddon UpdateAddon DeleteAddon'),
        ('eks.amazonaws.com', 'access_entry', 'principalArn',
         'CreateAccessEntry UpdateAccessEntry DeleteAccessEntry AssociateAccessPolicy DisassociateAccessPolicy'),
        ('eks.amazonaws.com', 'pod_identity', 'associationId',
         'CreatePodIdentityAssociation UpdatePodIdentityAssociation DeletePodIdentityAssociation'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'loadBalancerArn',
         'DeleteLoadBalancer ModifyLoadBalancerAttributes SetSecurityGroups SetSubnets CreateListener'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'name', 'CreateLoadBalancer CreateTargetGroup'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'listenerArn', 'ModifyListener DeleteListener CreateRule'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'ruleArn', 'ModifyRule DeleteRule'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'targetGroupArn',
         'ModifyTargetGroup ModifyTargetGroupAttributes DeleteTargetGroup'),
        ('autoscaling.amazonaws.com', 'auto_scaling_group', 'autoScalingGroupName',
         'CreateAutoScalingGroup UpdateAutoScalingGroup DeleteAutoScalingGroup'),
        ('kms.amazonaws.com', 'key_policy', 'keyId', 'PutKeyPolicy'),
        ('kms.amazonaws.com', 'key_state', 'keyId', 'DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion'),
        ('s3.amazonaws.com', 'bucket_policy', 'bucketName',
         'PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock'),
        ('s3.amazonaws.com', 'bucket_notification', 'bucketName', 'PutBucketNotification'),
        ('ecr.amazonaws.com', 'repository_policy', 'repositoryName',
         'SetRepositoryPolicy DeleteRepositoryPolicy PutLifecyclePolicy DeleteRepository'),
        ('sqs.amazonaws.com', 'queue', 'queueUrl', 'SetQueueAttributes DeleteQueue'),
        ('route53.amazonaws.com', 'hosted_zone', 'hostedZoneId',
         'CreateHostedZone DeleteHostedZone AssociateVPCWithHostedZone DisassociateVPCFromHostedZone')
    ) AS listed (source, kind, parameter, calls)
),
made AS (
    SELECT
        kind, parameter, event_time, event_source, event_name, recipient_account_id, region, role_arn, principal,
        resource_arns, response_elements, request_parameters,
        json_get_json(json_get_json(request_parameters, concat(event_name, 'Request')), parameter) AS wrapped,
        -- <name of the call>Response, and in it the thing: vpcEndpoint of CreateVpcEndpoint.
        json_get_json(
            coalesce(json_get_json(response_elements, concat(event_name, 'Response')), response_elements),
            concat(lower(substr(event_name, 7, 1)), substr(event_name, 8))) AS thing
    FROM cloudtrail
    INNER JOIN kinds ON kinds.source = event_source AND kinds.call = event_name
    -- A dry run has a code too, and changes nothing.
    WHERE error_code IS NULL
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND read_only IS NOT TRUE
      AND NOT coalesce(shared_event_seen, FALSE)
      -- Each new node ties its interfaces to the instance's end, which turns no traffic. And when it
      -- starts, its network plugin gives them the groups of the first one, which somebody else chose.
      AND (event_name <> 'ModifyNetworkInterfaceAttribute'
           OR coalesce(json_get_json(request_parameters, 'groupSet'),
                       json_get_json(request_parameters, 'sourceDestCheck')) IS NOT NULL
              AND coalesce(ua_family, 'unknown') <> 'vpc-cni')
),
named AS (
    SELECT
        kind, event_time, event_name, recipient_account_id, region, role_arn, principal,
        CASE event_source
            WHEN 'eks.amazonaws.com' THEN concat_ws('/',
                coalesce(json_get_str(request_parameters, 'name'), json_get_str(request_parameters, 'clusterName')),
                json_get_str(request_parameters, 'nodegroupName'), json_get_str(request_parameters, 'addonName'),
                json_get_str(request_parameters, 'principalArn'), json_get_str(request_parameters, 'namespace'),
                json_get_str(request_parameters, 'serviceAccount'), json_get_str(request_parameters, 'associationId'))
            WHEN 'kms.amazonaws.com' THEN coalesce(resource_arns[1], json_get_str(request_parameters, 'keyId'))
            ELSE coalesce(
                json_get_str(request_parameters, parameter), json_get_str(wrapped, 'content'),
                json_get_str(json_get_array(wrapped)[1], 'content'), trim(BOTH '"' FROM wrapped),
                json_get_str(response_elements, parameter),
                json_get_str(thing, concat(lower(substr(parameter, 1, 1)), substr(parameter, 2))), resource_arns[1])
        END AS resource
    FROM made
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                AS window_start,
    kind,
    event_name                                                AS api,
    coalesce(nullif(resource, ''), 'unknown')                 AS resource,
    coalesce(role_arn, principal, 'unknown')                  AS caller,
    coalesce(recipient_account_id, 'unknown')                 AS account_id,
    coalesce(region, 'unknown')                               AS region,
    count(*)                                                  AS changes,
    min(CAST(date_part('epoch', event_time) AS BIGINT))       AS first_seen,
    max(CAST(date_part('epoch', event_time) AS BIGINT))       AS last_seen
FROM named
GROUP BY 1, 2, 3, 4, 5, 6, 7
