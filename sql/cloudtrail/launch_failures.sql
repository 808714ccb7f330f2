-- ---
-- name            = "launch_failures"
-- status          = "experimental"
-- owner           = "platform"
-- summary         = "Instances, network interfaces, addresses and volumes that EC2 did not give, by reason, place and caller."
-- seed            = "Why does no node come?"
-- why             = """
-- A node that EC2 does not give is pods that stay Pending, a subnet without free addresses is pods
-- without a network, a volume that is not made is one that never starts. Each controller says it in
-- its own log. CreateFleet, which Karpenter calls, succeeds all the same and has the errors in its reply.
-- """
-- false_positives = ["Spot: Karpenter asks for many pools at once, and the next call gets another; only what goes on for 20 minutes is alerted.", "A quota that keeps an account small on purpose."]
-- cannot_tell     = """
-- Whether pods wait for it. A fleet's reply has an error for each pool that was tried, so one call may
-- count many. Fleets of type request or maintain, and Spot requests, are answered later, by no
-- call. AssignPrivateIpAddresses names the interface and not its subnet: its place is unknown. What was denied or
-- throttled is in denies and api_throttles; only where a fleet's reply says so it counts here, for nothing else sees that.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_launch_failures_total"
-- type            = "counter"
-- help            = "Instances, network interfaces, addresses and volumes that EC2 did not give, by account, region, API, reason, place, what the call got beside it, and caller."
-- value           = "failures"
-- labels          = ["account_id", "region", "api", "reason", "place", "launched", "caller"]
-- series_max      = 2000                 # callers x zones and subnets x reasons
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "api", "reason", "place", "launched", "caller", "instance_type"]
-- measures        = { failures = "sum" }
--
-- [[alert]]
-- name     = "TrailflowLaunchFailing"
-- severity = "warning"
-- for      = "20m"
-- summary  = '{{ $labels.account_id }} {{ $labels.region }}: {{ $value }} failures in 15 minutes, and so for 20, by which EC2 gave nothing: {{ $labels.reason }} in {{ $labels.place }}, asked by {{ $labels.caller }} ({{ $labels.api }}).'
-- expr     = '''
-- sum by (account_id, region, api, reason, place, caller) (
--   last_over_time(trailflow_launch_failures_total{launched="none"}[15m])
--   - last_over_time(trailflow_launch_failures_total{launched="none"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_launch_failures_total{launched="none"}[15m])
-- ) > 0
-- '''
-- runbook  = "trailflowlaunchfailing"
--
-- [[test]]
-- name   = "a fleet that got nothing: errors of several pools in a list, or one that is no list"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900001","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"instant"}},"responseElements":{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","fleetId":"fleet-1","errorSet":{"item":[{"lifecycle":"spot","errorCode":"InsufficientInstanceCapacity","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m5.large","availabilityZone":"eu-west-1a"}}},{"lifecycle":"spot","errorCode":"InsufficientInstanceCapacity","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m6i.large","availabilityZone":"eu-west-1a"}}},{"lifecycle":"spot","errorCode":"InsufficientFreeAddressesInSubnet","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m5.large","subnetId":"subnet-1"}}}]},"fleetInstanceSet":""}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:24:59Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900002","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"instant"}},"responseElements":{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","fleetId":"fleet-1","errorSet":{"item":{"lifecycle":"on-demand","errorCode":"InsufficientInstanceCapacity","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m5.large","availabilityZone":"eu-west-1a"}}}},"fleetInstanceSet":""}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900003","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"instant"}},"responseElements":{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","fleetId":"fleet-1","errorSet":{"item":{"lifecycle":"spot","errorCode":"UnauthorizedOperation","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m5.large","availabilityZone":"eu-west-1b"}}}},"fleetInstanceSet":""}}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- api = "CreateFleet"
-- reason = "insufficientinstancecapacity"
-- place = "eu-west-1a"
-- launched = "none"
-- caller = "arn:aws:iam::111122223333:role/karpenter"
-- instance_type = "m5.large"
-- failures = 2
-- [[test.rows]]
-- reason = "insufficientinstancecapacity"
-- place = "eu-west-1a"
-- instance_type = "m6i.large"
-- failures = 1
-- [[test.rows]]
-- reason = "insufficientfreeaddressesinsubnet"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- reason = "unauthorizedoperation"
-- place = "eu-west-1b"
-- failures = 1
--
-- [[test]]
-- name   = "a fleet that got something beside the errors"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900004","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"instant"}},"responseElements":{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","fleetId":"fleet-1","errorSet":{"item":[{"lifecycle":"spot","errorCode":"InsufficientInstanceCapacity","errorMessage":"We currently do not have it.","launchTemplateAndOverrides":{"overrides":{"instanceType":"m5.large","availabilityZone":"eu-west-1a"}}}]},"fleetInstanceSet":{"item":{"lifecycle":"spot","instanceIds":{"item":"i-0123456789abcdef0"},"instanceType":"m6i.large"}}}}}
-- '''
-- [[test.rows]]
-- reason = "insufficientinstancecapacity"
-- place = "eu-west-1a"
-- launched = "some"
-- failures = 1
--
-- [[test]]
-- name   = "calls that fail: of an auto scaling group, of the network plugin, of the volume driver"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900005","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AWSServiceRoleForAutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AWSServiceRoleForAutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}},"invokedBy":"autoscaling.amazonaws.com"},"eventCategory":"Management","readOnly":false,"errorCode":"Server.InsufficientInstanceCapacity","errorMessage":"We currently do not have sufficient m5.large capacity in the Availability Zone you requested (eu-west-1a).","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900006","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AWSServiceRoleForAutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AWSServiceRoleForAutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}},"invokedBy":"autoscaling.amazonaws.com"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VcpuLimitExceeded","errorMessage":"You have requested more vCPU capacity than your current vCPU limit of 0 allows","requestParameters":{"instanceType":"p2.xlarge","networkInterfaceSet":{"items":[{"deviceIndex":0,"subnetId":"subnet-2"}]}},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900007","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AWSServiceRoleForAutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AWSServiceRoleForAutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}},"invokedBy":"autoscaling.amazonaws.com"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidAMIID.NotFound","errorMessage":"The image id '[ami-1]' does not exist","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900008","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InsufficientFreeAddressesInSubnet","errorMessage":"The specified subnet does not have enough free addresses to satisfy the request.","requestParameters":{"networkInterfaceId":"eni-1","secondaryPrivateIpAddressCount":14},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900009","eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InsufficientCidrBlocks","errorMessage":"There are not enough free cidr blocks in the specified subnet to satisfy the request.","requestParameters":{"subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000a","eventSource":"ec2.amazonaws.com","eventName":"CreateVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeLimitExceeded","errorMessage":"You have exceeded your maximum gp3 storage limit","requestParameters":{"size":"8","zone":"eu-west-1a"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000b","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.AttachmentLimitExceeded","errorMessage":"Attachment limit exceeded","requestParameters":{"volumeId":"vol-1","instanceId":"i-1"},"responseElements":null}
-- '''
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "insufficientinstancecapacity"
-- place = "subnet-1"
-- launched = "none"
-- instance_type = "m5.large"
-- caller = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "vcpulimitexceeded"
-- place = "subnet-2"
-- instance_type = "p2.xlarge"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidamiid.notfound"
-- failures = 1
-- [[test.rows]]
-- api = "AssignPrivateIpAddresses"
-- reason = "insufficientfreeaddressesinsubnet"
-- place = "unknown"
-- instance_type = "unknown"
-- failures = 1
-- [[test.rows]]
-- api = "CreateNetworkInterface"
-- reason = "insufficientcidrblocks"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "CreateVolume"
-- reason = "volumelimitexceeded"
-- place = "eu-west-1a"
-- failures = 1
-- [[test.rows]]
-- api = "AttachVolume"
-- reason = "attachmentlimitexceeded"
-- place = "unknown"
-- failures = 1
--
-- [[test]]
-- name   = "what a template, a node class or a volume names, and is gone"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910301","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidGroup.NotFound","errorMessage":"The security group 'sg-0' does not exist in VPC 'vpc-1'","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910302","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidKeyPair.NotFound","errorMessage":"The key pair 'ops' does not exist","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910303","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidLaunchTemplateId.VersionNotFound","errorMessage":"Could not find the specified version 7 for the launch template with ID lt-1.","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910304","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidParameterValue","errorMessage":"Value (node) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910305","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidKMSKey.InvalidState","errorMessage":"The KMS key provided is in an incorrect state","requestParameters":{"instanceType":"m5.large","subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910306","eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0a","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0a","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidSecurityGroupID.NotFound","errorMessage":"The securityGroup ID 'sg-0' does not exist","requestParameters":{"subnetId":"subnet-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910307","eventSource":"ec2.amazonaws.com","eventName":"CreateVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidSnapshot.NotFound","errorMessage":"The snapshot 'snap-1' does not exist.","requestParameters":{"size":"10","zone":"eu-west-1a"},"responseElements":null}
-- '''
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidgroup.notfound"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidkeypair.notfound"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidlaunchtemplateid.versionnotfound"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidparametervalue"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "RunInstances"
-- reason = "invalidkmskey.invalidstate"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "CreateNetworkInterface"
-- reason = "invalidsecuritygroupid.notfound"
-- place = "subnet-1"
-- failures = 1
-- [[test.rows]]
-- api = "CreateVolume"
-- reason = "invalidsnapshot.notfound"
-- place = "eu-west-1a"
-- failures = 1
--
-- [[test]]
-- name   = "an instance, a volume, an interface or a Spot request that went meanwhile is silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910308","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidInstanceID.NotFound","errorMessage":"The instance ID 'i-1' does not exist","requestParameters":{"volumeId":"vol-1","instanceId":"i-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000910309","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidVolume.NotFound","errorMessage":"The volume 'vol-1' does not exist.","requestParameters":{"volumeId":"vol-1","instanceId":"i-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091030a","eventSource":"ec2.amazonaws.com","eventName":"AttachNetworkInterface","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0a","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0a","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidNetworkInterfaceID.NotFound","errorMessage":"The networkInterface ID 'eni-1' does not exist","requestParameters":{"networkInterfaceId":"eni-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000091030b","eventSource":"ec2.amazonaws.com","eventName":"StartInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidSpotInstanceRequestID.NotFound","errorMessage":"The spot instance request ID 'sir-1' does not exist","requestParameters":{},"responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a fleet that got all, denied and throttled calls, a dry run, a volume that hangs elsewhere, another quota and another mistake are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000c","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"instant"}},"responseElements":{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","fleetId":"fleet-1","errorSet":"","fleetInstanceSet":{"item":{"lifecycle":"spot","instanceIds":{"item":"i-0123456789abcdef0"},"instanceType":"m6i.large"}}}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000d","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFleetRequest":{"Type":"request"}},"responseElements":{"CreateFleetResponse":{"fleetId":"fleet-2","errorSet":"","fleetInstanceSet":""}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000e","eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-00000090000f","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.","requestParameters":{"instanceType":"m5.large"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900010","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded.","requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900011","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded, but DryRun flag is set.","requestParameters":{"instanceType":"m5.large"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900012","eventSource":"ec2.amazonaws.com","eventName":"AttachVolume","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ebs-csi","arn":"arn:aws:sts::111122223333:assumed-role/ebs-csi/ebs-csi","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ebs-csi"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VolumeInUse","errorMessage":"vol-1 is already attached to an instance","requestParameters":{"volumeId":"vol-1","instanceId":"i-1"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900013","eventSource":"ec2.amazonaws.com","eventName":"CreateVpc","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.VpcLimitExceeded","errorMessage":"The maximum number of VPCs has been reached.","requestParameters":{"cidrBlock":"10.0.0.0/16"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900014","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:karpenter","arn":"arn:aws:sts::111122223333:assumed-role/karpenter/karpenter","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/karpenter"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InvalidParameterValue","errorMessage":"Value (0) for parameter minCount is invalid.","requestParameters":{"instanceType":"m5.large"},"responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "of a call that another account logs too, and one that the endpoint's owner logs, the caller's record counts, whichever comes first"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000900015","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:node","accountId":"111122223333"},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InsufficientFreeAddressesInSubnet","errorMessage":"The specified subnet does not have enough free addresses to satisfy the request.","requestParameters":{"networkInterfaceId":"eni-1"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000900001"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900016","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.InsufficientFreeAddressesInSubnet","errorMessage":"The specified subnet does not have enough free addresses to satisfy the request.","requestParameters":{"networkInterfaceId":"eni-1"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000900001"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000900017","eventSource":"ec2.amazonaws.com","eventName":"AssignPrivateIpAddresses","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:node","arn":"arn:aws:sts::111122223333:assumed-role/node/node","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}},"eventCategory":"NetworkActivity","readOnly":false,"errorCode":"Client.InsufficientFreeAddressesInSubnet","errorMessage":"The specified subnet does not have enough free addresses to satisfy the request.","requestParameters":null,"responseElements":null,"eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","sharedEventID":"00000000-0000-4000-9000-000000900002"}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- api = "AssignPrivateIpAddresses"
-- caller = "arn:aws:iam::111122223333:role/node"
-- failures = 1
-- ---
WITH calls AS (
    SELECT
        event_time, event_name, region, user_account_id, recipient_account_id, role_arn, principal, error_code_norm,
        error_message, request_parameters,
        CASE WHEN event_name = 'CreateFleet' THEN json_get_json(response_elements, 'CreateFleetResponse') END AS reply
    FROM cloudtrail
    WHERE event_source = 'ec2.amazonaws.com'
      AND event_name IN ('CreateFleet', 'RunInstances', 'StartInstances', 'CreateNetworkInterface', 'AttachNetworkInterface',
                         'AssignPrivateIpAddresses', 'AssignIpv6Addresses', 'CreateVolume', 'AttachVolume')
      -- A fleet that gets nothing is a success.
      AND (error_code IS NOT NULL OR event_name = 'CreateFleet')
      AND deny_class = 'none'
      AND throttle_class <> 'throttle'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      -- In a subnet that another account shares both hear of it; the owner's copy names no role, and may come first.
      AND coalesce(recipient_account_id = user_account_id, TRUE)
),
replies AS (
    SELECT
        event_time, event_name, region, user_account_id, recipient_account_id, role_arn, principal, error_code_norm,
        error_message, request_parameters,
        json_get_json(reply, 'fleetInstanceSet', 'item') IS NOT NULL AS has_instances,
        json_get_json(reply, 'errorSet', 'item')                     AS items
    FROM calls
),
-- One error of a reply is an object, several are a list.
errors AS (
    SELECT
        event_time, event_name, region, user_account_id, recipient_account_id, role_arn, principal, error_code_norm,
        error_message, request_parameters, has_instances,
        unnest(CASE
            WHEN items IS NULL THEN make_array('{}')
            ELSE coalesce(json_get_array(items), make_array(items))
        END) AS item
    FROM replies
),
named AS (
    SELECT
        event_time, event_name, region, user_account_id, recipient_account_id, role_arn, principal, has_instances,
        error_code_norm, error_message,
        coalesce(error_code_norm, lower(json_get_str(item, 'errorCode'))) AS reason,
        coalesce(
            json_get_str(item, 'launchTemplateAndOverrides', 'overrides', 'availabilityZone'),
            json_get_str(item, 'launchTemplateAndOverrides', 'overrides', 'subnetId'),
            json_get_str(request_parameters, 'subnetId'),
            json_get_str(request_parameters, 'networkInterfaceSet', 'items', 0, 'subnetId'),
            json_get_str(request_parameters, 'zone'),
            json_get_str(request_parameters, 'availabilityZone'))         AS place,
        coalesce(
            json_get_str(item, 'launchTemplateAndOverrides', 'overrides', 'instanceType'),
            json_get_str(request_parameters, 'instanceType'))             AS instance_type
    FROM errors
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(region, 'unknown')                                 AS region,
    event_name                                                  AS api,
    reason,
    coalesce(place, 'unknown')                                  AS place,
    CASE WHEN has_instances THEN 'some' ELSE 'none' END         AS launched,
    coalesce(role_arn, principal, 'unknown')                    AS caller,
    coalesce(instance_type, 'unknown')                          AS instance_type,
    count(*)                                                    AS failures
FROM named
-- Whatever a reply names; of failed calls what EC2 lacks, what the account may not have, and what is gone.
WHERE (error_code_norm IS NULL AND reason IS NOT NULL)
   OR reason LIKE 'insufficient%'
   OR reason LIKE '%limitexceeded'
   OR reason IN ('unfulfillablecapacity', 'maxspotinstancecountexceeded', 'reservationcapacityexceeded', 'spotmaxpricetoolow',
                 'unsupported', 'invalidamiid.unavailable')
   OR reason LIKE 'invalidkmskey%'
   -- What a template or a node class names, and not what came and went with an instance.
   OR (reason LIKE 'invalid%notfound'
       AND reason NOT IN ('invalidinstanceid.notfound', 'invalidvolume.notfound', 'invalidnetworkinterfaceid.notfound',
                          'invalidattachmentid.notfound', 'invalidspotinstancerequestid.notfound'))
   OR (reason = 'invalidparametervalue' AND lower(coalesce(error_message, '')) LIKE '%instance%profile%')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
