-- ---
-- name            = "open_to_the_world"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Ingress rules that let the whole internet in, by security group, port range and caller."
-- seed            = "0.0.0.0/0 ingress"
-- why             = """
-- Everything that carries the group is reachable by everybody, over IPv4 or IPv6, as soon
-- as it has a public address. Most such rules are made in a hurry and forgotten.
-- """
-- false_positives = ["A public load balancer's ports 80 and 443, and what its controller opens for path MTU discovery (icmp_mtu): counted, not alerted.", "A rule that is made open and narrowed again by the same deployment."]
-- cannot_tell     = """
-- Whether anything carries the group, and whether it has a public address. A modified rule
-- (ModifySecurityGroupRules) does not say whether it is ingress or egress: it counts. Ranges
-- that add up to the whole internet (0.0.0.0/1 and 128.0.0.0/1), prefix lists, and groups
-- opened by AWS's own services without an API call are not seen.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_open_to_the_world_total"
-- type            = "counter"
-- help            = "Rules that opened a security group to every IPv4 or IPv6 address, by account, region, group, port range and caller."
-- value           = "rules"
-- labels          = ["account_id", "region", "group_id", "port", "caller"]
-- series_max      = 2000                 # groups x port ranges that are ever opened
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "group_id", "port", "protocol", "family", "api", "caller"]
-- measures        = { rules = "sum" }
--
-- [[alert]]
-- name     = "TrailflowOpenToTheWorld"
-- severity = "warning"
-- for      = "0m"
-- summary  = '{{ $labels.group_id }} in {{ $labels.account_id }} {{ $labels.region }}: port {{ $labels.port }} opened to the whole internet by {{ $labels.caller }} ({{ $value }} rules in 30 minutes).'
-- expr     = '''
-- sum by (account_id, region, group_id, port, caller) (
--   last_over_time(trailflow_open_to_the_world_total{port!~"80|443|icmp_mtu"}[30m])
--   - last_over_time(trailflow_open_to_the_world_total{port!~"80|443|icmp_mtu"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_open_to_the_world_total{port!~"80|443|icmp_mtu"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowopentotheworld"
--
-- [[test]]
-- name   = "what the reply says: one IPv4 rule, one IPv6 rule, one for all ports"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{},"fromPort":22,"toPort":22},{"ipProtocol":"-1","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-2","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv6":"::/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"-1","fromPort":-1,"toPort":-1,"cidrIpv4":"0.0.0.0/0"}]}}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- group_id = "sg-1"
-- port = "22"
-- protocol = "tcp"
-- family = "ipv4"
-- api = "AuthorizeSecurityGroupIngress"
-- caller = "arn:aws:iam::111122223333:role/ci"
-- rules = 1
-- [[test.rows]]
-- port = "22"
-- family = "ipv6"
-- rules = 1
-- [[test.rows]]
-- port = "all"
-- protocol = "-1"
-- rules = 1
--
-- [[test]]
-- name   = "an older reply has no rules: what was asked for counts, in its three shapes"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000002","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-2","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"},{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{},"fromPort":8000,"toPort":8100},{"ipProtocol":"icmp","groups":{},"ipRanges":{},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{},"fromPort":-1,"toPort":-1}]}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000003","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-3","cidrIp":"0.0.0.0/0","ipProtocol":"udp","fromPort":53,"toPort":53,"ipPermissions":{}},"responseElements":{"_return":true}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000004","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupName":"legacy","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{},"fromPort":3306,"toPort":3306}]}},"responseElements":{"_return":true}}
-- '''
-- [[test.rows]]
-- group_id = "sg-2"
-- port = "8000-8100"
-- family = "ipv4"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-2"
-- port = "icmp"
-- family = "ipv6"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-3"
-- port = "53"
-- protocol = "udp"
-- rules = 1
-- [[test.rows]]
-- group_id = "legacy"
-- port = "3306"
-- rules = 1
--
-- [[test]]
-- name   = "a rule that is modified to be open, alone and in a list"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000005","eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-4","SecurityGroupRule":{"SecurityGroupRuleId":"sgr-4","tag":1,"SecurityGroupRule":{"CidrIpv4":"0.0.0.0/0","FromPort":5432,"ToPort":5432,"IpProtocol":"tcp"}}}},"responseElements":{"ModifySecurityGroupRulesResponse":{"return":true}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000006","eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-5","SecurityGroupRule":[{"SecurityGroupRuleId":"sgr-5","tag":1,"SecurityGroupRule":{"CidrIpv6":"::/0","FromPort":22,"ToPort":22,"IpProtocol":"tcp"}},{"SecurityGroupRuleId":"sgr-6","tag":2,"SecurityGroupRule":{"CidrIpv4":"10.0.0.0/8","FromPort":22,"ToPort":22,"IpProtocol":"tcp"}}]}},"responseElements":{"ModifySecurityGroupRulesResponse":{"return":true}}}
-- '''
-- [[test.rows]]
-- group_id = "sg-4"
-- port = "5432"
-- api = "ModifySecurityGroupRules"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-5"
-- port = "22"
-- family = "ipv6"
-- rules = 1
--
-- [[test]]
-- name   = "empty lists, private ranges, egress, an open rule that is taken away, a denied call and a dry run are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000007","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{},"ipv6Ranges":{},"prefixListIds":{},"fromPort":22,"toPort":22}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000008","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"fc00::/7"}]},"prefixListIds":{},"fromPort":22,"toPort":22}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"10.0.0.0/8"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"referencedGroupId":"sg-9"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000009","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupEgress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"-1","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":true,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000010","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{},"fromPort":22,"toPort":22}]}},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000011","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded, but DryRun flag is set.","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{},"fromPort":22,"toPort":22}]}},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980114","eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{},"fromPort":22,"toPort":22}]}},"responseElements":{"_return":true}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "path MTU discovery is apart from ICMP, of whatever version; the reply names the group that was asked for by its name"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000410005","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupName":"web","ipPermissions":{}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-6","isEgress":false,"ipProtocol":"icmp","fromPort":3,"toPort":4,"cidrIpv4":"0.0.0.0/0"},{"groupId":"sg-6","isEgress":false,"ipProtocol":"icmp","fromPort":-1,"toPort":-1,"cidrIpv4":"0.0.0.0/0"},{"groupId":"sg-6","isEgress":false,"ipProtocol":"58","fromPort":-1,"toPort":-1,"cidrIpv6":"::/0"}]}}}
-- '''
-- [[test.rows]]
-- group_id = "sg-6"
-- port = "icmp_mtu"
-- protocol = "icmp"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-6"
-- port = "icmp"
-- protocol = "icmp"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-6"
-- port = "icmp"
-- protocol = "58"
-- family = "ipv6"
-- rules = 1
--
-- [[test]]
-- name   = "path MTU discovery of IPv6 asks with a type and a code of its own; what else ICMP carries is apart"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000520030","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:lbc","arn":"arn:aws:sts::111122223333:assumed-role/lbc/lbc","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/lbc"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-7","ipPermissions":{}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-7","isEgress":false,"ipProtocol":"icmpv6","fromPort":2,"toPort":0,"cidrIpv6":"::/0"},{"groupId":"sg-7","isEgress":false,"ipProtocol":"58","fromPort":2,"toPort":-1,"cidrIpv6":"::/0"},{"groupId":"sg-7","isEgress":false,"ipProtocol":"icmpv6","fromPort":128,"toPort":0,"cidrIpv6":"::/0"},{"groupId":"sg-7","isEgress":false,"ipProtocol":"icmpv6","fromPort":3,"toPort":4,"cidrIpv6":"::/0"},{"groupId":"sg-7","isEgress":false,"ipProtocol":"icmp","fromPort":2,"toPort":0,"cidrIpv6":"::/0"}]}}}
-- '''
-- [[test.rows]]
-- group_id = "sg-7"
-- port = "icmp_mtu"
-- protocol = "icmpv6"
-- family = "ipv6"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-7"
-- port = "icmp_mtu"
-- protocol = "58"
-- family = "ipv6"
-- rules = 1
-- [[test.rows]]
-- group_id = "sg-7"
-- port = "icmp"
-- protocol = "icmpv6"
-- family = "ipv6"
-- rules = 2
-- [[test.rows]]
-- group_id = "sg-7"
-- port = "icmp"
-- protocol = "icmp"
-- family = "ipv6"
-- rules = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980037","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{},"fromPort":22,"toPort":22},{"ipProtocol":"-1","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-2","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv6":"::/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"-1","fromPort":-1,"toPort":-1,"cidrIpv4":"0.0.0.0/0"}]}}}
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventID":"00000000-0000-4000-8000-000000980038","sharedEventID":"00000000-0000-4000-9000-000000980039","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{},"fromPort":22,"toPort":22},{"ipProtocol":"-1","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-2","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv6":"::/0"},{"groupId":"sg-1","groupOwnerId":"111122223333","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"-1","fromPort":-1,"toPort":-1,"cidrIpv4":"0.0.0.0/0"}]}}}
-- '''
-- [[test.rows]]
-- port = "22"
-- family = "ipv4"
-- rules = 1
-- [[test.rows]]
-- port = "22"
-- family = "ipv6"
-- rules = 1
-- [[test.rows]]
-- port = "all"
-- rules = 1
-- ---
WITH calls AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, request_parameters,
        coalesce(
            json_get_str(request_parameters, 'groupId'),
            json_get_str(response_elements, 'securityGroupRuleSet', 'items', 0, 'groupId'),
            json_get_str(request_parameters, 'groupName'),
            json_get_str(request_parameters, 'ModifySecurityGroupRulesRequest', 'GroupId')) AS group_id,
        json_get_array(response_elements, 'securityGroupRuleSet', 'items')                  AS granted,
        json_get_json(response_elements, 'securityGroupRuleSet') IS NOT NULL                AS is_answered,
        json_get_json(request_parameters, 'ModifySecurityGroupRulesRequest', 'SecurityGroupRule') AS modified
    FROM cloudtrail
    WHERE event_source = 'ec2.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name IN ('AuthorizeSecurityGroupIngress', 'ModifySecurityGroupRules')
      -- A dry run has a code too, and changes nothing.
      AND error_code IS NULL
),
-- What the reply says was granted. Before 2021 it did not: then what was asked for was granted, in a
-- list or in the parameters themselves. What is modified is one rule or a list of them.
entries AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, group_id,
        unnest(CASE
            WHEN modified IS NOT NULL THEN coalesce(json_get_array(modified), make_array(modified))
            WHEN is_answered THEN granted
            ELSE array_concat(
                make_array(request_parameters),
                coalesce(json_get_array(request_parameters, 'ipPermissions', 'items'), make_array(NULL)))
        END) AS entry
    FROM calls
),
ranges AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, group_id,
        coalesce(json_get_json(entry, 'SecurityGroupRule'), entry) AS rule,
        unnest(array_concat(
            make_array(coalesce(json_get_json(entry, 'SecurityGroupRule'), entry)),
            coalesce(json_get_array(entry, 'ipRanges', 'items'), make_array(NULL)),
            coalesce(json_get_array(entry, 'ipv6Ranges', 'items'), make_array(NULL)))) AS range
    FROM entries
    WHERE NOT coalesce(json_get_bool(entry, 'isEgress'), FALSE)
),
rules AS (
    SELECT
        event_time, event_name, recipient_account_id, region, role_arn, principal, group_id,
        coalesce(json_as_text(rule, 'ipProtocol'), json_as_text(rule, 'IpProtocol')) AS protocol,
        coalesce(json_get_int(rule, 'fromPort'), json_get_int(rule, 'FromPort'))     AS from_port,
        coalesce(json_get_int(rule, 'toPort'), json_get_int(rule, 'ToPort'))         AS to_port,
        coalesce(
            json_get_str(range, 'cidrIp'), json_get_str(range, 'cidrIpv6'), json_get_str(range, 'cidrIpv4'),
            json_get_str(range, 'CidrIpv4'), json_get_str(range, 'CidrIpv6'))        AS cidr
    FROM ranges
)
SELECT
    date_bin(INTERVAL '5 minutes', event_time)     AS window_start,
    coalesce(recipient_account_id, 'unknown')      AS account_id,
    coalesce(region, 'unknown')                    AS region,
    coalesce(group_id, 'unknown')                  AS group_id,
    CASE
        -- Of ICMP the ports are type and code: 3 and 4 ask for smaller packets, in IPv6 2 and 0 (or any, for it has no other).
        WHEN protocol IN ('icmp', '1') AND from_port = 3 AND to_port = 4 THEN 'icmp_mtu'
        WHEN protocol IN ('icmpv6', '58') AND from_port = 2 AND to_port IN (0, -1) THEN 'icmp_mtu'
        WHEN protocol LIKE 'icmp%' OR protocol IN ('1', '58') THEN 'icmp'
        WHEN protocol = '-1' OR coalesce(from_port, -1) = -1 THEN 'all'
        WHEN from_port = to_port THEN CAST(from_port AS VARCHAR)
        ELSE concat(CAST(from_port AS VARCHAR), '-', CAST(to_port AS VARCHAR))
    END                                            AS port,
    coalesce(protocol, 'unknown')                  AS protocol,
    CASE WHEN cidr LIKE '%:%' THEN 'ipv6' ELSE 'ipv4' END AS family,
    event_name                                     AS api,
    coalesce(role_arn, principal, 'unknown')       AS caller,
    count(*)                                       AS rules
FROM rules
-- A prefix of no bits is every address.
WHERE cidr LIKE '%/0'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
