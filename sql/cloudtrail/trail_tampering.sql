-- ---
-- name            = "trail_tampering"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Calls that stop, narrow or delete the audit logs, take an account or the organization out of their reach, or change the bucket they lie in, refused ones too."
-- seed            = "CloudTrail anomaly and audit-trail completeness"
-- why             = """
-- Whoever wants to act unseen begins with the log. And whoever does it by mistake blinds every
-- signal here: the alert about it is the last thing that the log says.
-- """
-- false_positives = ["A test environment that is taken down with its trail and flow logs.", "A change of event selectors by the team that owns the trail.", "An account that is moved to another organization.", "An account that is closed because nobody needs it any more."]
-- cannot_tell     = """
-- Whether the key of the trail was disabled: the calls on the trail do not say which key it is;
-- look for DisableKey in the signal changes. What is done to the bucket is seen only when the
-- bucket's own account logs into that same bucket; deleted objects only with data events.
-- A refused call mostly has no parameters: its resource is taken from the message, selectors count
-- as narrowed, and DisableAWSServiceAccess is left out, for it may have meant another service. The
-- organization trail may not take any more what an account does to leave: since May 2026 the log of
-- the management account has AccountDepartedOrganization, and where both are read, both count. That
-- alone shows an account that goes straight to another organization: its own call is AcceptHandshake,
-- with which others join, and is in `changes`. A call on the bucket of another account counts twice
-- when the bucket owner's copy was read first.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_trail_tampering_total"
-- type            = "counter"
-- help            = "Calls that end audit logs (blinds), or delete a part or change them (narrows), by account, region, API, resource, caller and outcome."
-- value           = "calls"
-- labels          = ["account_id", "region", "api", "resource", "caller", "effect", "outcome"]
-- series_max      = 1000                 # trails, flow logs and log buckets x callers
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "api", "resource", "caller", "effect", "outcome"]
-- measures        = { calls = "sum" }
--
-- [[alert]]
-- name     = "TrailflowTrailStopped"
-- severity = "critical"
-- for      = "0m"
-- summary  = '{{ $labels.api }} on {{ $labels.resource }} in {{ $labels.account_id }} {{ $labels.region }} by {{ $labels.caller }}: from now on audit logs are missing, or they were deleted.'
-- expr     = '''
-- sum by (account_id, region, api, resource, caller) (
--   last_over_time(trailflow_trail_tampering_total{outcome="success", effect="blinds"}[30m])
--   - last_over_time(trailflow_trail_tampering_total{outcome="success", effect="blinds"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_trail_tampering_total{outcome="success", effect="blinds"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowtrailstopped"
--
-- [[alert]]
-- name     = "TrailflowTrailChanged"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.api }} on {{ $labels.resource }} in {{ $labels.account_id }} {{ $labels.region }} by {{ $labels.caller }}: {{ $labels.outcome }}, {{ $value }} times in 30 minutes.'
-- expr     = '''
-- sum by (account_id, region, api, resource, caller, outcome) (
--   last_over_time(trailflow_trail_tampering_total{outcome="success", effect="narrows"}[30m])
--   - last_over_time(trailflow_trail_tampering_total{outcome="success", effect="narrows"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_trail_tampering_total{outcome="success", effect="narrows"}[30m])
-- ) > 0
-- or
-- sum by (account_id, region, api, resource, caller, outcome) (
--   last_over_time(trailflow_trail_tampering_total{outcome="denied"}[30m])
--   - last_over_time(trailflow_trail_tampering_total{outcome="denied"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_trail_tampering_total{outcome="denied"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowtrailchanged"
--
-- [[test]]
-- name   = "a trail is stopped, its selectors are narrowed, flow logs are deleted, the log's bucket gets a lifecycle"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"cloudtrail.amazonaws.com","eventName":"PutEventSelectors","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"trailName":"main","eventSelectors":[{"readWriteType":"ReadOnly"}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"ec2.amazonaws.com","eventName":"DeleteFlowLogs","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-1"}}},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"ec2.amazonaws.com","eventName":"DeleteFlowLogs","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":[{"tag":1,"content":"fl-2"},{"tag":2,"content":"fl-3"}]}},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"route53resolver.amazonaws.com","eventName":"DeleteResolverQueryLogConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"resolverQueryLogConfigId":"rqlc-1"},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"s3.amazonaws.com","eventName":"PutBucketLifecycle","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"bucketName":"test","LifecycleConfiguration":{}},"responseElements":null}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- api = "StopLogging"
-- resource = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- effect = "blinds"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "PutEventSelectors"
-- effect = "narrows"
-- resource = "main"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "DeleteFlowLogs"
-- effect = "narrows"
-- resource = "fl-1"
-- calls = 1
-- [[test.rows]]
-- api = "DeleteFlowLogs"
-- resource = "fl-2 and 1 more"
-- calls = 1
-- [[test.rows]]
-- api = "DeleteResolverQueryLogConfig"
-- resource = "rqlc-1"
-- calls = 1
-- [[test.rows]]
-- api = "PutBucketLifecycle"
-- resource = "test"
-- calls = 1
--
-- [[test]]
-- name   = "a refused call names the trail in its message only; a failed one is no success"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: cloudtrail:DeleteTrail on resource: arn:aws:cloudtrail:eu-west-1:111122223333:trail/main because no identity-based policy allows the cloudtrail:DeleteTrail action","requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"cloudtrail.amazonaws.com","eventName":"UpdateTrail","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"InvalidCloudWatchLogsRoleArnException","errorMessage":"Access denied.","requestParameters":{"name":"main"},"responseElements":null}
-- '''
-- [[test.rows]]
-- api = "DeleteTrail"
-- effect = "blinds"
-- resource = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
-- outcome = "denied"
-- calls = 1
-- [[test.rows]]
-- api = "UpdateTrail"
-- resource = "main"
-- outcome = "other"
-- calls = 1
--
-- [[test]]
-- name   = "starting a trail, reading it, starting to log queries, and changes of another bucket are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"cloudtrail.amazonaws.com","eventName":"StartLogging","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"main"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"cloudtrail.amazonaws.com","eventName":"GetTrailStatus","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"name":"main"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000011","eventSource":"s3.amazonaws.com","eventName":"PutBucketLifecycle","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"bucketName":"data"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000012","eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"bucketName":"scratch"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000013","eventSource":"ec2.amazonaws.com","eventName":"CreateFlowLogs","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"CreateFlowLogsRequest":{}},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980213","eventSource":"route53resolver.amazonaws.com","eventName":"CreateResolverQueryLogConfig","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"main","destinationArn":"arn:aws:s3:::dns-logs"},"responseElements":null}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "management events are switched off by selectors of either kind; a trail for data events beside others, and reads alone, are narrowed"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320001","eventSource":"cloudtrail.amazonaws.com","eventName":"PutEventSelectors","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"trailName":"off","eventSelectors":[{"readWriteType":"All","includeManagementEvents":false,"dataResources":[],"excludeManagementEventSources":[]}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320002","eventSource":"cloudtrail.amazonaws.com","eventName":"PutEventSelectors","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"trailName":"advanced-off","advancedEventSelectors":[{"name":"Management","fieldSelectors":[{"field":"eventCategory","equals":["Data"]},{"field":"resources.type","equals":["AWS::S3::Object"]}]}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320003","eventSource":"cloudtrail.amazonaws.com","eventName":"PutEventSelectors","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"trailName":"mixed","eventSelectors":[{"readWriteType":"All","includeManagementEvents":false,"dataResources":[]},{"readWriteType":"WriteOnly","includeManagementEvents":true,"dataResources":[]}]},"responseElements":{}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320004","eventSource":"cloudtrail.amazonaws.com","eventName":"PutEventSelectors","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"trailName":"advanced","advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","equals":["true"]}]}]},"responseElements":{}}
-- '''
-- [[test.rows]]
-- resource = "off"
-- effect = "blinds"
-- calls = 1
-- [[test.rows]]
-- resource = "advanced-off"
-- effect = "blinds"
-- calls = 1
-- [[test.rows]]
-- resource = "mixed"
-- effect = "narrows"
-- calls = 1
-- [[test.rows]]
-- resource = "advanced"
-- effect = "narrows"
-- calls = 1
--
-- [[test]]
-- name   = "an account leaves its organization, is refused, and another is taken out; one that joins is silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320011","eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320012","eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ci/ci is not authorized to perform: organizations:LeaveOrganization on resource: arn:aws:organizations::999999999999:account/o-a/111122223333 with an explicit deny in a service control policy"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320013","eventSource":"organizations.amazonaws.com","eventName":"RemoveAccountFromOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"accountId":"444455556666"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000320014","eventSource":"organizations.amazonaws.com","eventName":"InviteAccountToOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"target":{"type":"ACCOUNT","id":"444455556666"}},"responseElements":null}
-- '''
-- [[test.rows]]
-- region = "us-east-1"
-- api = "LeaveOrganization"
-- resource = "111122223333"
-- effect = "blinds"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "LeaveOrganization"
-- resource = "111122223333"
-- effect = "blinds"
-- outcome = "denied"
-- calls = 1
-- [[test.rows]]
-- api = "RemoveAccountFromOrganization"
-- resource = "444455556666"
-- effect = "blinds"
-- outcome = "success"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000400005","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"name":"main"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000400006","sharedEventID":"00000000-0000-4000-9000-000000400006","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "StopLogging"
-- resource = "main"
-- calls = 1
--
-- [[test]]
-- name   = "CloudTrail loses its access to the organization, an account is closed, the organization is deleted; another service's access, a call that names none, and joining are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480001","eventSource":"organizations.amazonaws.com","eventName":"DisableAWSServiceAccess","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"servicePrincipal":"cloudtrail.amazonaws.com"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480002","eventSource":"organizations.amazonaws.com","eventName":"CloseAccount","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"accountId":"444455556666"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480003","eventSource":"organizations.amazonaws.com","eventName":"CloseAccount","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::999999999999:assumed-role/ci/ci is not authorized to perform: organizations:CloseAccount on resource: arn:aws:organizations::999999999999:account/o-a/444455556666 because no identity-based policy allows the organizations:CloseAccount action"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480004","eventSource":"organizations.amazonaws.com","eventName":"DeleteOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480005","eventSource":"organizations.amazonaws.com","eventName":"DisableAWSServiceAccess","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"servicePrincipal":"ram.amazonaws.com"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480006","eventSource":"organizations.amazonaws.com","eventName":"DisableAWSServiceAccess","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"errorCode":"AccessDeniedException","errorMessage":"User: arn:aws:sts::999999999999:assumed-role/ci/ci is not authorized to perform: organizations:DisableAWSServiceAccess on resource: * because no identity-based policy allows the organizations:DisableAWSServiceAccess action"}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480007","eventSource":"organizations.amazonaws.com","eventName":"AcceptHandshake","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"handshakeId":"h-examplehandshakeid111"},"responseElements":null}
-- '''
-- [[test.rows]]
-- account_id = "999999999999"
-- api = "DisableAWSServiceAccess"
-- resource = "cloudtrail.amazonaws.com"
-- effect = "blinds"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "CloseAccount"
-- resource = "444455556666"
-- effect = "narrows"
-- outcome = "success"
-- calls = 1
-- [[test.rows]]
-- api = "CloseAccount"
-- resource = "arn:aws:organizations::999999999999:account/o-a/444455556666"
-- effect = "narrows"
-- outcome = "denied"
-- calls = 1
-- [[test.rows]]
-- api = "DeleteOrganization"
-- resource = "999999999999"
-- effect = "blinds"
-- outcome = "success"
-- calls = 1
--
-- [[test]]
-- name   = "an account that left is told by the management account's log, in any of AWS's words; what a call there says already, and a closure of 90 days ago, are not told again"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480011","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"accountId":"444455556666","departedMethod":"Left","departedTime":"Jan 5, 2026, 10:21:07 AM"}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480012","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"accountDepartedOrganization": {"memberAccountId": "444455556666", "managementAccountId": "999999999999", "departureMethod": "LEFT"}}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480013","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480014","eventSource":"organizations.amazonaws.com","eventName":"RemoveAccountFromOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"accountId":"777788889999"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480015","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"accountId":"777788889999","departedMethod":"Removed"}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480016","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"accountId":"777788889999","departureMethod":"CLEANED"}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480017","eventSource":"organizations.amazonaws.com","eventName":"DeleteOrganization","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::999999999999:assumed-role/ci/ci","accountId":"999999999999","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::999999999999:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480018","eventSource":"organizations.amazonaws.com","eventName":"AccountDepartedOrganization","userIdentity":{"accountId":"999999999999","invokedBy":"organizations.amazonaws.com"},"eventCategory":"Management","readOnly":false,"requestParameters":null,"responseElements":null,"eventType":"AwsServiceEvent","serviceEventDetails":{"accountId":"999999999999","departureMethod":"LEFT"}}
-- '''
-- [[test.rows]]
-- account_id = "999999999999"
-- api = "AccountDepartedOrganization"
-- resource = "444455556666"
-- caller = "organizations.amazonaws.com"
-- effect = "blinds"
-- outcome = "success"
-- calls = 2
-- [[test.rows]]
-- api = "AccountDepartedOrganization"
-- resource = "unknown"
-- calls = 1
-- [[test.rows]]
-- api = "RemoveAccountFromOrganization"
-- resource = "777788889999"
-- calls = 1
-- [[test.rows]]
-- api = "DeleteOrganization"
-- calls = 1
--
-- [[test]]
-- name   = "a call on the log bucket of another account, logged in both, counts once when the caller's copy comes first; the owner's alone counts; first, it counts too, for it does not say who"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480021","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Data","readOnly":false,"requestParameters":{"bucketName":"test","key":"a.json.gz"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000480021"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480022","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"eventCategory":"Data","readOnly":false,"requestParameters":{"bucketName":"test","key":"a.json.gz"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000480021"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480023","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"eventCategory":"Data","readOnly":false,"requestParameters":{"bucketName":"test","key":"a.json.gz"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000480023"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"999999999999","eventID":"00000000-0000-4000-8000-000000480024","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:ci","accountId":"111122223333"},"eventCategory":"Data","readOnly":false,"requestParameters":{"bucketName":"test","key":"a.json.gz"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000480024"}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000480025","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Data","readOnly":false,"requestParameters":{"bucketName":"test","key":"a.json.gz"},"responseElements":null,"sharedEventID":"00000000-0000-4000-9000-000000480024"}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- api = "DeleteObject"
-- resource = "test"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- calls = 2
-- [[test.rows]]
-- account_id = "999999999999"
-- caller = "111122223333"
-- calls = 2
-- ---
WITH calls AS (
    SELECT
        event_time, event_source, event_name, recipient_account_id, region, role_arn, principal, request_parameters,
        denied_resource, error_code, deny_class, throttle_class, src_bucket,
        upper(coalesce(service_event_details, ''))                            AS details,
        -- Where the account stands is not known (domain 1.11); `managementAccountId` would be another.
        regexp_match(service_event_details, '"(?:account|member|departed)[A-Za-z]*" *: *"?([0-9]{12})')[1]
                                                                              AS departed,
        replace(json_get_json(request_parameters, 'eventSelectors'), ' ', '') AS selectors,
        -- Without the names that their author gave them.
        regexp_replace(
            json_get_json(request_parameters, 'advancedEventSelectors'), '"name" *: *"([^"\\]|\\.)*"', '', 'g'
        )                                                                     AS advanced_selectors
    FROM cloudtrail
    WHERE coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND ((event_source = 'cloudtrail.amazonaws.com'
            AND event_name IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'PutInsightSelectors',
                               'DeleteEventDataStore', 'UpdateEventDataStore', 'StopEventDataStoreIngestion'))
           OR (event_source = 'organizations.amazonaws.com'
               AND (event_name IN ('LeaveOrganization', 'RemoveAccountFromOrganization', 'AccountDepartedOrganization',
                                   'CloseAccount', 'DeleteOrganization')
                    -- Without it the organization's trails take nothing of its members.
                    OR event_name = 'DisableAWSServiceAccess'
                       AND json_get_str(request_parameters, 'servicePrincipal') = 'cloudtrail.amazonaws.com'))
           OR (event_source = 'ec2.amazonaws.com' AND event_name = 'DeleteFlowLogs')
           OR (event_source = 'route53resolver.amazonaws.com'
               AND event_name IN ('DeleteResolverQueryLogConfig', 'DisassociateResolverQueryLogConfig'))
           OR (event_source = 's3.amazonaws.com'
               AND event_name IN ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle',
                                  'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketNotification',
                                  'PutBucketVersioning', 'PutBucketEncryption', 'DeleteBucketEncryption',
                                  'DeleteBucketPublicAccessBlock', 'DeleteBucket', 'DeleteObject', 'DeleteObjects')))
      -- The bucket owner's copy of a call whose caller's copy was seen. The other way round both count,
      -- because only the caller's copy tells who it was.
      AND NOT (coalesce(recipient_account_id <> user_account_id, FALSE) AND coalesce(shared_event_seen, FALSE))
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                          AS window_start,
    coalesce(recipient_account_id, 'unknown')                           AS account_id,
    coalesce(region, 'unknown')                                         AS region,
    event_name                                                          AS api,
    coalesce(
        json_get_str(request_parameters, 'name'),
        json_get_str(request_parameters, 'trailName'),
        json_get_str(request_parameters, 'eventDataStore'),
        json_get_str(request_parameters, 'bucketName'),
        json_get_str(request_parameters, 'resolverQueryLogConfigId'),
        json_get_str(request_parameters, 'DeleteFlowLogsRequest', 'FlowLogId', 'content'),
        json_get_str(request_parameters, 'DeleteFlowLogsRequest', 'FlowLogId', 0, 'content')
        || CASE WHEN json_length(request_parameters, 'DeleteFlowLogsRequest', 'FlowLogId') > 1
                THEN ' and ' || CAST(json_length(request_parameters, 'DeleteFlowLogsRequest', 'FlowLogId') - 1 AS VARCHAR)
                     || ' more'
                ELSE '' END,
        json_get_str(request_parameters, 'servicePrincipal'),
        -- The account that leaves, or is made to, or whose organization is gone.
        json_get_str(request_parameters, 'accountId'),
        CASE event_name
            WHEN 'AccountDepartedOrganization' THEN departed
            WHEN 'LeaveOrganization' THEN recipient_account_id
            WHEN 'DeleteOrganization' THEN recipient_account_id
        END,
        denied_resource,
        'unknown')                                                      AS resource,
    coalesce(role_arn, principal, 'unknown')                            AS caller,
    CASE
        WHEN event_name IN ('StopLogging', 'DeleteTrail', 'DeleteEventDataStore', 'StopEventDataStoreIngestion',
                            'LeaveOrganization', 'RemoveAccountFromOrganization', 'AccountDepartedOrganization',
                            'DeleteOrganization', 'DisableAWSServiceAccess',
                            'DeleteBucket', 'DeleteObject', 'DeleteObjects') THEN 'blinds'
        -- Management events are switched off: a selector takes them unless it says no, an advanced one if it says so.
        WHEN event_name = 'PutEventSelectors'
             AND (selectors LIKE '%"includeManagementEvents":false%'
                  AND selectors NOT LIKE '%"includeManagementEvents":true%'
                  OR advanced_selectors NOT LIKE '%"Management"%') THEN 'blinds'
        -- A closed account too: the organization's trail still takes it, a trail of its own ends with its bucket.
        ELSE 'narrows'
    END                                                                 AS effect,
    CASE
        WHEN error_code IS NULL THEN 'success'
        WHEN deny_class <> 'none' THEN 'denied'
        WHEN throttle_class = 'throttle' THEN 'throttled'
        ELSE 'other'
    END                                                                 AS outcome,
    count(*)                                                            AS calls
FROM calls
-- Of buckets, the one that this very record lay in.
WHERE (event_source <> 's3.amazonaws.com'
       OR json_get_str(request_parameters, 'bucketName') = CAST(src_bucket AS VARCHAR))
  -- Who was removed was so by a call that counts, and so was the management account, by DeleteOrganization;
  -- who is cleaned was closed 90 days before.
  AND (event_name <> 'AccountDepartedOrganization'
       OR details NOT LIKE '%"REMOVED"%' AND details NOT LIKE '%"CLEANED"%'
          AND (departed IS DISTINCT FROM recipient_account_id))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
