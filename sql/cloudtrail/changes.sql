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
-- false_positives = ["A tool that writes the same value again: the call succeeds and nothing changes.", "A network plugin that turns off the source check of each new node's interface.", "A job that removes old images.", "A key that is retired when nothing needs it any more."]
-- cannot_tell     = """
-- Whether a change had an effect, and what the value was before. AWS's own changes without an
-- API call (an automatic update of a cluster at the end of its support) are not logged. What is
-- registered with a target group, and DNS records, are signals of their own. A grant on a key that
-- an AWS service takes back is not listed: it does so with each volume that is detached. A change of
-- another account's resource is listed with the caller's role, under the caller's account; when the
-- owner's copy of it is read first, once more under the owner's, with the caller's account number as
-- the caller.
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
-- [[alert]]
-- name     = "TrailflowKmsKeyTurnedOff"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.api }} on {{ $labels.resource }} by {{ $labels.caller }}: what it encrypts cannot be read until that is undone.'
-- expr     = '''
-- sum by (account_id, api, resource, caller) (
--   last_over_time(trailflow_changes_total{kind="key_state", api=~"DisableKey|ScheduleKeyDeletion|DeleteImportedKeyMaterial"}[30m])
--   - last_over_time(trailflow_changes_total{kind="key_state", api=~"DisableKey|ScheduleKeyDeletion|DeleteImportedKeyMaterial"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_changes_total{kind="key_state", api=~"DisableKey|ScheduleKeyDeletion|DeleteImportedKeyMaterial"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowkmskeyturnedoff"
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
-- name   = "a call into another account, logged in both: the caller's copy always counts, because it alone names the role; the owner's only when it comes first"
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
-- changes = 2
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
--
-- [[test]]
-- name   = "where the id of a thing stands: of a zone, a group that is named, a classic load balancer, flow logs"
-- input  = '''
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440001","eventSource":"route53.amazonaws.com","eventName":"DeleteHostedZone","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"id":"Z1"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440002","eventSource":"route53.amazonaws.com","eventName":"CreateHostedZone","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"name":"a.example"},"responseElements":{"hostedZone":{"id":"/hostedzone/Z2","name":"a.example."}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440003","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"groupName":"web","ipPermissions":{}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-7"}]}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440004","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"DeleteLoadBalancer","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"loadBalancerName":"classic"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440005","eventSource":"ec2.amazonaws.com","eventName":"CreateFlowLogs","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"CreateFlowLogsRequest":{"ResourceId":{"tag":1,"content":"vpc-1"}}},"responseElements":{"CreateFlowLogsResponse":{"flowLogIdSet":{"item":"fl-1"}}}}
-- '''
-- [[test.rows]]
-- kind = "hosted_zone"
-- api = "DeleteHostedZone"
-- resource = "Z1"
-- changes = 1
-- [[test.rows]]
-- kind = "hosted_zone"
-- api = "CreateHostedZone"
-- resource = "Z2"
-- changes = 1
-- [[test.rows]]
-- kind = "security_group"
-- api = "AuthorizeSecurityGroupIngress"
-- resource = "sg-7"
-- changes = 1
-- [[test.rows]]
-- kind = "load_balancer"
-- api = "DeleteLoadBalancer"
-- resource = "classic"
-- changes = 1
-- [[test.rows]]
-- kind = "flow_log"
-- api = "CreateFlowLogs"
-- resource = "fl-1"
-- changes = 1
--
-- [[test]]
-- name   = "the groups of an instance, a list that groups name, and what a VPC itself keeps out"
-- input  = '''
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440006","eventSource":"ec2.amazonaws.com","eventName":"ModifyInstanceAttribute","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"instanceId":"i-1","groupSet":{"items":[{"groupId":"sg-1"}]}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440007","eventSource":"ec2.amazonaws.com","eventName":"ModifyManagedPrefixList","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"ModifyManagedPrefixListRequest":{"PrefixListId":"pl-1"}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440008","eventSource":"ec2.amazonaws.com","eventName":"ModifyVpcBlockPublicAccessOptions","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"ModifyVpcBlockPublicAccessOptionsRequest":{"InternetGatewayBlockMode":"block-bidirectional"}},"responseElements":{"ModifyVpcBlockPublicAccessOptionsResponse":{"vpcBlockPublicAccessOptions":{"awsAccountId":"111122223333"}}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440009","eventSource":"ec2.amazonaws.com","eventName":"ModifyVpcEncryptionControl","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"ModifyVpcEncryptionControlRequest":{"VpcEncryptionControlId":"vpcec-1"}}}
-- '''
-- [[test.rows]]
-- kind = "network_interface"
-- api = "ModifyInstanceAttribute"
-- resource = "i-1"
-- changes = 1
-- [[test.rows]]
-- kind = "security_group"
-- api = "ModifyManagedPrefixList"
-- resource = "pl-1"
-- changes = 1
-- [[test.rows]]
-- kind = "network_acl"
-- api = "ModifyVpcBlockPublicAccessOptions"
-- resource = "111122223333"
-- changes = 1
-- [[test.rows]]
-- kind = "network_acl"
-- api = "ModifyVpcEncryptionControl"
-- resource = "vpcec-1"
-- changes = 1
--
-- [[test]]
-- name   = "what else takes routes, names, keys, policies and images away"
-- input  = '''
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440010","eventSource":"ec2.amazonaws.com","eventName":"DisableTransitGatewayRouteTablePropagation","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"DisableTransitGatewayRouteTablePropagationRequest":{"TransitGatewayRouteTableId":"tgw-rtb-1"}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440011","eventSource":"ec2.amazonaws.com","eventName":"DisableVgwRoutePropagation","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"routeTableId":"rtb-1","gatewayId":"vgw-1"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440012","eventSource":"ec2.amazonaws.com","eventName":"AssociateDhcpOptions","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"dhcpOptionsId":"dopt-1","vpcId":"vpc-1"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440013","eventSource":"route53resolver.amazonaws.com","eventName":"DisassociateResolverRule","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"resolverRuleId":"rslvr-rr-1","vPCId":"vpc-1"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440014","eventSource":"route53resolver.amazonaws.com","eventName":"AssociateFirewallRuleGroup","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"firewallRuleGroupId":"rslvr-frg-1","vpcId":"vpc-1"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440015","eventSource":"eks.amazonaws.com","eventName":"DeleteFargateProfile","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"name":"blue","fargateProfileName":"fp"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440016","eventSource":"eks.amazonaws.com","eventName":"AssociateEncryptionConfig","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"name":"blue"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440017","eventSource":"kms.amazonaws.com","eventName":"RevokeGrant","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1","grantId":"g"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440018","eventSource":"kms.amazonaws.com","eventName":"DeleteAlias","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"aliasName":"alias/app"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440019","eventSource":"kms.amazonaws.com","eventName":"DeleteKey","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"eventType":"AwsServiceEvent","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440020","eventSource":"organizations.amazonaws.com","eventName":"MoveAccount","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"accountId":"444455556666","sourceParentId":"ou-a","destinationParentId":"ou-b"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440021","eventSource":"organizations.amazonaws.com","eventName":"DisablePolicyType","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"rootId":"r-1","policyType":"SERVICE_CONTROL_POLICY"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440022","eventSource":"iam.amazonaws.com","eventName":"DetachGroupPolicy","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"groupName":"ops","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440023","eventSource":"iam.amazonaws.com","eventName":"RemoveUserFromGroup","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"groupName":"ops","userName":"bo"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440024","eventSource":"ecr.amazonaws.com","eventName":"BatchDeleteImage","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"repositoryName":"shop","imageIds":[{"imageTag":"1"}]}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440025","eventSource":"ecr.amazonaws.com","eventName":"DeleteRegistryPolicy","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"responseElements":{"registryId":"111122223333"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440026","eventSource":"elasticloadbalancing.amazonaws.com","eventName":"ApplySecurityGroupsToLoadBalancer","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"loadBalancerName":"classic","securityGroups":["sg-1"]}}
-- '''
-- [[test.rows]]
-- kind = "transit_gateway"
-- api = "DisableTransitGatewayRouteTablePropagation"
-- resource = "tgw-rtb-1"
-- changes = 1
-- [[test.rows]]
-- kind = "route"
-- api = "DisableVgwRoutePropagation"
-- resource = "rtb-1"
-- changes = 1
-- [[test.rows]]
-- kind = "vpc_attribute"
-- api = "AssociateDhcpOptions"
-- resource = "vpc-1"
-- changes = 1
-- [[test.rows]]
-- kind = "resolver_rule"
-- api = "DisassociateResolverRule"
-- resource = "rslvr-rr-1"
-- changes = 1
-- [[test.rows]]
-- kind = "resolver_rule"
-- api = "AssociateFirewallRuleGroup"
-- resource = "rslvr-frg-1"
-- changes = 1
-- [[test.rows]]
-- kind = "fargate_profile"
-- api = "DeleteFargateProfile"
-- resource = "blue/fp"
-- changes = 1
-- [[test.rows]]
-- kind = "cluster"
-- api = "AssociateEncryptionConfig"
-- resource = "blue"
-- changes = 1
-- [[test.rows]]
-- kind = "key_policy"
-- api = "RevokeGrant"
-- resource = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- changes = 1
-- [[test.rows]]
-- kind = "key_alias"
-- api = "DeleteAlias"
-- resource = "alias/app"
-- changes = 1
-- [[test.rows]]
-- kind = "key_state"
-- api = "DeleteKey"
-- resource = "arn:aws:kms:eu-west-1:111122223333:key/k1"
-- changes = 1
-- [[test.rows]]
-- kind = "organization"
-- api = "MoveAccount"
-- resource = "444455556666"
-- changes = 1
-- [[test.rows]]
-- kind = "organization_policy"
-- api = "DisablePolicyType"
-- resource = "SERVICE_CONTROL_POLICY"
-- changes = 1
-- [[test.rows]]
-- kind = "group_policy"
-- api = "DetachGroupPolicy"
-- resource = "ops"
-- changes = 1
-- [[test.rows]]
-- kind = "user_policy"
-- api = "RemoveUserFromGroup"
-- resource = "bo"
-- changes = 1
-- [[test.rows]]
-- kind = "image"
-- api = "BatchDeleteImage"
-- resource = "shop"
-- changes = 1
-- [[test.rows]]
-- kind = "repository_policy"
-- api = "DeleteRegistryPolicy"
-- resource = "111122223333"
-- changes = 1
-- [[test.rows]]
-- kind = "load_balancer"
-- api = "ApplySecurityGroupsToLoadBalancer"
-- resource = "classic"
-- changes = 1
--
-- [[test]]
-- name   = "grants that AWS's services take back, and what of an instance turns no traffic, are silent"
-- input  = '''
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440027","eventSource":"kms.amazonaws.com","eventName":"RetireGrant","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440028","eventSource":"kms.amazonaws.com","eventName":"RevokeGrant","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:db","arn":"arn:aws:sts::111122223333:assumed-role/db/db","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/db"}},"invokedBy":"rds.amazonaws.com"},"requestParameters":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/k1","grantId":"g"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440029","eventSource":"kms.amazonaws.com","eventName":"RetireGrant","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:aws:ec2-infrastructure","arn":"arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/aws:ec2-infrastructure","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws:ec2-infrastructure"}}},"userAgent":"AWS Internal","resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440030","eventSource":"kms.amazonaws.com","eventName":"RetireGrant","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForBackup/b","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"}}},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1","accountId":"111122223333","type":"AWS::KMS::Key"}]}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000440031","eventSource":"ec2.amazonaws.com","eventName":"ModifyInstanceAttribute","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"instanceId":"i-1","sourceDestCheck":{"value":false}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "an organization that is deleted, an account that is closed, an invitation that is taken, and a service that loses its access"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480031","eventSource":"organizations.amazonaws.com","eventName":"DeleteOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480032","eventSource":"organizations.amazonaws.com","eventName":"CloseAccount","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"accountId":"444455556666"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480033","eventSource":"organizations.amazonaws.com","eventName":"AcceptHandshake","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"handshakeId":"h-examplehandshakeid111"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480034","eventSource":"organizations.amazonaws.com","eventName":"DisableAWSServiceAccess","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"servicePrincipal":"ram.amazonaws.com"},"responseElements":null}
-- '''
-- [[test.rows]]
-- kind = "organization"
-- api = "DeleteOrganization"
-- resource = "unknown"
-- account_id = "999999999999"
-- [[test.rows]]
-- kind = "organization"
-- api = "CloseAccount"
-- resource = "444455556666"
-- [[test.rows]]
-- kind = "organization"
-- api = "AcceptHandshake"
-- resource = "h-examplehandshakeid111"
-- account_id = "111122223333"
-- [[test.rows]]
-- kind = "organization"
-- api = "DisableAWSServiceAccess"
-- resource = "ram.amazonaws.com"
--
-- [[test]]
-- name   = "an access entry has one name, also in the calls that have it in their path"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480041","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn:aws:iam::111122223333:role/dev"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480042","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdev"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480043","eventSource":"eks.amazonaws.com","eventName":"DeleteAccessEntry","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"blue","principalArn":"arn%3aaws%3aiam%3a%3a111122223333%3arole%2fdev"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480044","eventSource":"eks.amazonaws.com","eventName":"AssociateAccessPolicy","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","name":"blue","principalArn":"arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Fjo%40example.com"},"responseElements":null}
-- '''
-- [[test.rows]]
-- kind = "access_entry"
-- api = "DeleteAccessEntry"
-- resource = "blue/arn:aws:iam::111122223333:role/dev"
-- changes = 3
-- [[test.rows]]
-- kind = "access_entry"
-- api = "AssociateAccessPolicy"
-- resource = "blue/arn:aws:iam::111122223333:user/jo@example.com"
-- changes = 1
--
-- [[test]]
-- name   = "what nodes are made of, the addresses of a subnet, the way to a file system, and secrets"
-- input  = '''
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530020","eventSource":"ec2.amazonaws.com","eventName":"ModifyLaunchTemplate","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"ModifyLaunchTemplateRequest":{"LaunchTemplateId":"lt-1","SetDefaultVersion":2}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530021","eventSource":"ec2.amazonaws.com","eventName":"ModifyLaunchTemplate","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"ModifyLaunchTemplateRequest":{"LaunchTemplateName":"blue","SetDefaultVersion":2}},"responseElements":{"ModifyLaunchTemplateResponse":{"launchTemplate":{"launchTemplateId":"lt-2","launchTemplateName":"blue"}}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530022","eventSource":"ec2.amazonaws.com","eventName":"ModifySubnetAttribute","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"subnetId":"subnet-1","mapPublicIpOnLaunch":{"value":false}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530023","eventSource":"ec2.amazonaws.com","eventName":"DisassociateSubnetCidrBlock","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"DisassociateSubnetCidrBlockRequest":{"AssociationId":"subnet-cidr-assoc-1"}}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530024","eventSource":"ec2.amazonaws.com","eventName":"DisassociateSubnetCidrBlock","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"associationId":"subnet-cidr-assoc-2"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530025","eventSource":"elasticfilesystem.amazonaws.com","eventName":"ModifyMountTargetSecurityGroups","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"mountTargetId":"fsmt-1","securityGroups":["sg-1"]}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530026","eventSource":"elasticfilesystem.amazonaws.com","eventName":"DeleteMountTarget","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"mountTargetId":"fsmt-2"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530027","eventSource":"elasticfilesystem.amazonaws.com","eventName":"PutFileSystemPolicy","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"fileSystemId":"fs-1","policy":"{}"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530028","eventSource":"secretsmanager.amazonaws.com","eventName":"DeleteSecret","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"secretId":"shop/db","recoveryWindowInDays":7}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530029","eventSource":"secretsmanager.amazonaws.com","eventName":"PutResourcePolicy","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"secretId":"shop/api","resourcePolicy":"{}"}}
-- {"eventTime":"2026-01-05T10:21:07Z","eventID":"00000000-0000-4000-8000-000000530030","eventSource":"secretsmanager.amazonaws.com","eventName":"DeleteResourcePolicy","userIdentity":{"type":"IAMUser","userName":"jo","accountId":"111122223333"},"requestParameters":{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/key-AbCdEf"}}
-- '''
-- [[test.rows]]
-- kind = "launch_template"
-- api = "ModifyLaunchTemplate"
-- resource = "lt-1"
-- changes = 1
-- [[test.rows]]
-- kind = "launch_template"
-- api = "ModifyLaunchTemplate"
-- resource = "lt-2"
-- changes = 1
-- [[test.rows]]
-- kind = "subnet"
-- api = "ModifySubnetAttribute"
-- resource = "subnet-1"
-- changes = 1
-- [[test.rows]]
-- kind = "subnet"
-- api = "DisassociateSubnetCidrBlock"
-- resource = "subnet-cidr-assoc-1"
-- changes = 1
-- [[test.rows]]
-- kind = "subnet"
-- api = "DisassociateSubnetCidrBlock"
-- resource = "subnet-cidr-assoc-2"
-- changes = 1
-- [[test.rows]]
-- kind = "mount_target"
-- api = "ModifyMountTargetSecurityGroups"
-- resource = "fsmt-1"
-- changes = 1
-- [[test.rows]]
-- kind = "mount_target"
-- api = "DeleteMountTarget"
-- resource = "fsmt-2"
-- changes = 1
-- [[test.rows]]
-- kind = "file_system_policy"
-- api = "PutFileSystemPolicy"
-- resource = "fs-1"
-- changes = 1
-- [[test.rows]]
-- kind = "secret"
-- api = "DeleteSecret"
-- resource = "shop/db"
-- changes = 1
-- [[test.rows]]
-- kind = "secret_policy"
-- api = "PutResourcePolicy"
-- resource = "shop/api"
-- changes = 1
-- [[test.rows]]
-- kind = "secret_policy"
-- api = "DeleteResourcePolicy"
-- resource = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/key-AbCdEf"
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
        -- A list that groups name, as routes may; what lies above the network ACLs of every VPC, and of one.
        ('ec2.amazonaws.com', 'security_group', 'PrefixListId', 'ModifyManagedPrefixList'),
        ('ec2.amazonaws.com', 'network_acl', 'AwsAccountId', 'ModifyVpcBlockPublicAccessOptions'),
        ('ec2.amazonaws.com', 'network_acl', 'VpcEncryptionControlId', 'ModifyVpcEncryptionControl'),
        ('ec2.amazonaws.com', 'network_acl', 'networkAclId',
         'CreateNetworkAcl DeleteNetworkAcl CreateNetworkAclEntry ReplaceNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclAssociation'),
        ('ec2.amazonaws.com', 'network_interface', 'networkInterfaceId', 'ModifyNetworkInterfaceAttribute'),
        ('ec2.amazonaws.com', 'network_interface', 'instanceId', 'ModifyInstanceAttribute'),
        ('ec2.amazonaws.com', 'route', 'routeTableId',
         'CreateRoute ReplaceRoute DeleteRoute DeleteRouteTable AssociateRouteTable ReplaceRouteTableAssociation DisableVgwRoutePropagation'),
        ('ec2.amazonaws.com', 'route', 'associationId', 'DisassociateRouteTable'),
        ('ec2.amazonaws.com', 'gateway', 'internetGatewayId', 'AttachInternetGateway DetachInternetGateway'),
        ('ec2.amazonaws.com', 'gateway', 'NatGatewayId', 'CreateNatGateway DeleteNatGateway'),
        ('ec2.amazonaws.com', 'vpc_endpoint', 'VpcEndpointId', 'CreateVpcEndpoint ModifyVpcEndpoint DeleteVpcEndpoints'),
        ('ec2.amazonaws.com', 'transit_gateway', 'TransitGatewayAttachmentId',
         'CreateTransitGatewayVpcAttachment ModifyTransitGatewayVpcAttachment DeleteTransitGatewayVpcAttachment'),
        ('ec2.amazonaws.com', 'transit_gateway', 'TransitGatewayRouteTableId',
         'CreateTransitGatewayRoute ReplaceTransitGatewayRoute DeleteTransitGatewayRoute DisableTransitGatewayRouteTablePropagation'),
        ('ec2.amazonaws.com', 'vpc_peering', 'vpcPeeringConnectionId',
         'CreateVpcPeeringConnection AcceptVpcPeeringConnection DeleteVpcPeeringConnection'),
        ('ec2.amazonaws.com', 'vpc_attribute', 'vpcId', 'ModifyVpcAttribute AssociateDhcpOptions'),
        -- How the last is written is not known from a record (domain 6).
        ('ec2.amazonaws.com', 'subnet', 'subnetId', 'ModifySubnetAttribute'),
        ('ec2.amazonaws.com', 'subnet', 'AssociationId', 'DisassociateSubnetCidrBlock'),
        -- The version that new nodes are made of.
        ('ec2.amazonaws.com', 'launch_template', 'LaunchTemplateId', 'ModifyLaunchTemplate'),
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
        ('iam.amazonaws.com', 'user_policy', 'userName',
         'AttachUserPolicy DetachUserPolicy PutUserPolicy DeleteUserPolicy RemoveUserFromGroup'),
        ('iam.amazonaws.com', 'group_policy', 'groupName',
         'AttachGroupPolicy DetachGroupPolicy PutGroupPolicy DeleteGroupPolicy'),
        ('iam.amazonaws.com', 'access_key', 'userName', 'CreateAccessKey UpdateAccessKey DeleteAccessKey'),
        ('iam.amazonaws.com', 'user', 'userName', 'CreateUser DeleteUser'),
        ('iam.amazonaws.com', 'login_profile', 'userName', 'CreateLoginProfile UpdateLoginProfile DeleteLoginProfile'),
        ('rolesanywhere.amazonaws.com', 'trust_anchor', 'trustAnchorId',
         'CreateTrustAnchor UpdateTrustAnchor DisableTrustAnchor DeleteTrustAnchor'),
        ('rolesanywhere.amazonaws.com', 'trust_anchor', 'profileId', 'CreateProfile UpdateProfile DisableProfile DeleteProfile'),
        ('lambda.amazonaws.com', 'function_policy', 'functionName', 'AddPermission20150331v2 RemovePermission20150331v2'),
        ('route53resolver.amazonaws.com', 'flow_log', 'resolverQueryLogConfigId',
         'DeleteResolverQueryLogConfig DisassociateResolverQueryLogConfig'),
        ('route53resolver.amazonaws.com', 'resolver_rule', 'resolverRuleId', 'DisassociateResolverRule DeleteResolverRule'),
        ('route53resolver.amazonaws.com', 'resolver_rule', 'firewallRuleGroupId', 'AssociateFirewallRuleGroup'),
        ('ec2.amazonaws.com', 'address', 'allocationId', 'AssociateAddress DisassociateAddress ReleaseAddress'),
        ('organizations.amazonaws.com', 'organization_policy', 'policyId', 'UpdatePolicy AttachPolicy DetachPolicy DeletePolicy'),
        ('organizations.amazonaws.com', 'organization_policy', 'policyType', 'DisablePolicyType'),
        ('organizations.amazonaws.com', 'organization', 'accountId',
         'LeaveOrganization RemoveAccountFromOrganization MoveAccount CloseAccount DeleteOrganization'),
        -- Whoever joins comes under policies.
        ('organizations.amazonaws.com', 'organization', 'handshakeId', 'AcceptHandshake'),
        ('organizations.amazonaws.com', 'organization', 'servicePrincipal', 'DisableAWSServiceAccess'),
        ('eks.amazonaws.com', 'cluster', 'name',
         'CreateCluster DeleteCluster UpdateClusterVersion UpdateClusterConfig AssociateIdentityProviderConfig DisassociateIdentityProviderConfig AssociateEncryptionConfig'),
        ('eks.amazonaws.com', 'node_group', 'nodegroupName', 'CreateNodegroup UpdateNodegroupVersion UpdateNodegroupConfig DeleteNodegroup'),
        ('eks.amazonaws.com', 'fargate_profile', 'fargateProfileName', 'CreateFargateProfile DeleteFargateProfile'),
        ('eks.amazonaws.com', 'addon', 'addonName', 'CreateAddon UpdateAddon DeleteAddon'),
        ('eks.amazonaws.com', 'access_entry', 'principalArn',
         'CreateAccessEntry UpdateAccessEntry DeleteAccessEntry AssociateAccessPolicy DisassociateAccessPolicy'),
        ('eks.amazonaws.com', 'pod_identity', 'associationId',
         'CreatePodIdentityAssociation UpdatePodIdentityAssociation DeletePodIdentityAssociation'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'loadBalancerArn',
         'DeleteLoadBalancer ModifyLoadBalancerAttributes SetSecurityGroups SetSubnets CreateListener'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'name', 'CreateLoadBalancer CreateTargetGroup'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'loadBalancerName',
         'ApplySecurityGroupsToLoadBalancer DeleteLoadBalancerListeners'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'listenerArn', 'ModifyListener DeleteListener CreateRule'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'ruleArn', 'ModifyRule DeleteRule'),
        ('elasticloadbalancing.amazonaws.com', 'load_balancer', 'targetGroupArn',
         'ModifyTargetGroup ModifyTargetGroupAttributes DeleteTargetGroup'),
        ('autoscaling.amazonaws.com', 'auto_scaling_group', 'autoScalingGroupName',
         'CreateAutoScalingGroup UpdateAutoScalingGroup DeleteAutoScalingGroup'),
        ('kms.amazonaws.com', 'key_policy', 'keyId', 'PutKeyPolicy RevokeGrant RetireGrant'),
        ('kms.amazonaws.com', 'key_state', 'keyId',
         'DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion DeleteKey DeleteImportedKeyMaterial'),
        ('kms.amazonaws.com', 'key_alias', 'aliasName', 'UpdateAlias DeleteAlias'),
        ('s3.amazonaws.com', 'bucket_policy', 'bucketName',
         'PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock'),
        ('s3.amazonaws.com', 'bucket_notification', 'bucketName', 'PutBucketNotification'),
        ('elasticfilesystem.amazonaws.com', 'mount_target', 'mountTargetId',
         'ModifyMountTargetSecurityGroups DeleteMountTarget'),
        ('elasticfilesystem.amazonaws.com', 'file_system_policy', 'fileSystemId', 'PutFileSystemPolicy'),
        ('secretsmanager.amazonaws.com', 'secret', 'secretId', 'DeleteSecret'),
        ('secretsmanager.amazonaws.com', 'secret_policy', 'secretId', 'PutResourcePolicy DeleteResourcePolicy'),
        ('ecr.amazonaws.com', 'repository_policy', 'repositoryName',
         'SetRepositoryPolicy DeleteRepositoryPolicy PutLifecyclePolicy DeleteRepository'),
        ('ecr.amazonaws.com', 'repository_policy', 'registryId', 'PutRegistryPolicy DeleteRegistryPolicy'),
        ('ecr.amazonaws.com', 'image', 'repositoryName', 'BatchDeleteImage'),
        ('sqs.amazonaws.com', 'queue', 'queueUrl', 'SetQueueAttributes DeleteQueue'),
        ('route53.amazonaws.com', 'hosted_zone', 'id', 'CreateHostedZone DeleteHostedZone'),
        ('route53.amazonaws.com', 'hosted_zone', 'hostedZoneId',
         'AssociateVPCWithHostedZone DisassociateVPCFromHostedZone')
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
      -- Of a call into another account the caller's copy always counts, because it alone names the role; the owner's
      -- only when it comes first.
      AND (NOT coalesce(shared_event_seen, FALSE) OR coalesce(recipient_account_id = user_account_id, FALSE))
      -- Each new node ties its interfaces to the instance's end, which turns no traffic. And when it
      -- starts, its network plugin gives them the groups of the first one, which somebody else chose.
      AND (event_name <> 'ModifyNetworkInterfaceAttribute'
           OR coalesce(json_get_json(request_parameters, 'groupSet'),
                       json_get_json(request_parameters, 'sourceDestCheck')) IS NOT NULL
              AND coalesce(ua_family, 'unknown') <> 'vpc-cni')
      -- Of an instance its groups turn traffic.
      AND (event_name <> 'ModifyInstanceAttribute' OR json_get_json(request_parameters, 'groupSet') IS NOT NULL)
      -- AWS's services take their grants back all day, with each volume that is detached.
      AND (event_name NOT IN ('RevokeGrant', 'RetireGrant')
           OR invoked_by IS NULL
              AND coalesce(role_arn, 'unknown') NOT LIKE '%:role/aws-service-role/%'
              AND coalesce(ua_family, 'unknown') NOT IN ('aws-internal', 'aws-service'))
),
named AS (
    SELECT
        kind, event_time, event_name, recipient_account_id, region, role_arn, principal,
        CASE event_source
            WHEN 'eks.amazonaws.com' THEN concat_ws('/',
                coalesce(json_get_str(request_parameters, 'name'), json_get_str(request_parameters, 'clusterName')),
                json_get_str(request_parameters, 'nodegroupName'), json_get_str(request_parameters, 'addonName'),
                json_get_str(request_parameters, 'fargateProfileName'),
                -- As the path has it in some calls: percent-encoded.
                regexp_replace(regexp_replace(regexp_replace(
                    json_get_str(request_parameters, 'principalArn'), '%3A', ':', 'gi'), '%2F', '/', 'gi'), '%40', '@', 'g'),
                json_get_str(request_parameters, 'namespace'),
                json_get_str(request_parameters, 'serviceAccount'), json_get_str(request_parameters, 'associationId'))
            WHEN 'kms.amazonaws.com' THEN coalesce(
                json_get_str(request_parameters, 'aliasName'), resource_arns[1],
                json_get_str(request_parameters, 'keyId'))
            ELSE coalesce(
                json_get_str(request_parameters, parameter), json_get_str(wrapped, 'content'),
                json_get_str(json_get_array(wrapped)[1], 'content'), trim(BOTH '"' FROM wrapped),
                json_get_str(request_parameters, concat(lower(substr(parameter, 1, 1)), substr(parameter, 2))),
                json_get_str(response_elements, parameter),
                json_get_str(thing, concat(lower(substr(parameter, 1, 1)), substr(parameter, 2))), resource_arns[1],
                -- Flow logs that are made; a group that the request knows by its name, and one that has no more;
                -- a classic load balancer.
                json_get_str(response_elements, 'CreateFlowLogsResponse', 'flowLogIdSet', 'item'),
                json_get_str(response_elements, 'CreateFlowLogsResponse', 'flowLogIdSet', 'item', 0),
                json_get_str(response_elements, 'securityGroupRuleSet', 'items', 0, 'groupId'),
                json_get_str(request_parameters, 'groupName'), json_get_str(request_parameters, 'loadBalancerName'))
        END AS resource
    FROM made
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                AS window_start,
    kind,
    event_name                                                AS api,
    -- Route 53 writes the id of a zone with its path.
    coalesce(nullif(replace(resource, '/hostedzone/', ''), ''), 'unknown') AS resource,
    coalesce(role_arn, principal, 'unknown')                  AS caller,
    coalesce(recipient_account_id, 'unknown')                 AS account_id,
    coalesce(region, 'unknown')                               AS region,
    count(*)                                                  AS changes,
    min(CAST(date_part('epoch', event_time) AS BIGINT))       AS first_seen,
    max(CAST(date_part('epoch', event_time) AS BIGINT))       AS last_seen
FROM named
GROUP BY 1, 2, 3, 4, 5, 6, 7
