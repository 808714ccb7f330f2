-- ---
-- name            = "rejects_after_change"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejects that began within ten minutes after a change of security groups, network ACLs or routes."
-- seed            = "Security-group DENY saved queries"
-- why             = """
-- A sharp beginning right after a change names its cause: the change is in the timeline with its
-- caller, and reverting it is mostly the shortest way back.
-- """
-- false_positives = ["A deployment that changes its security group and meets its first scan in the same minutes.", "A controller that takes back the rule of a port that nobody serves any more, or that writes a route for each node.", "Scans that block public access keeps out from the moment it is switched on."]
-- cannot_tell     = """
-- Whether the change was the cause: it stands in the same account and a little earlier, nothing
-- more. A change in another account (a shared VPC) is not joined. The first rejects of an interface
-- after an hour's silence look sharp whatever came before. Replies are joined by the service's port
-- as far as flow_rejects knows it. Where two flow logs cover one resource (a VPC and its subnet),
-- AWS writes every flow twice, and it counts twice.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "5m"
-- over            = "95m"
--
-- [metric]
-- name            = "trailflow_rejects_after_change"
-- type            = "gauge"
-- help            = "Records rejected in the 15 minutes from a change on, where there were few or none before, by account, interface and port of the service."
-- value           = "records"
-- labels          = ["account_id", "interface_id", "dstport"]
-- series_max      = 2000                 # interfaces x ports that begin to be rejected
--
-- [[alert]]
-- name     = "TrailflowRejectsAfterChange"
-- severity = "warning"
-- for      = "5m"
-- summary  = '{{ $labels.interface_id }} port {{ $labels.dstport }} in {{ $labels.account_id }}: {{ $value }} rejected records that began right after a change of security groups, network ACLs or routes.'
-- expr     = '''
-- max by (account_id, interface_id, dstport) (trailflow_rejects_after_change) >= 20
-- '''
-- runbook  = "trailflowrejectsafterchange"
--
-- [[test]]
-- name   = "rejects that begin in the window of a change and in the next; none in the half hour before"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":9,"packets":9,"bytes":540}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":30,"packets":30,"bytes":1800}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:30:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":30,"packets":30,"bytes":1800}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:40:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":30,"packets":30,"bytes":1800}
-- {"view":"flow_rejects","window_start":"2026-01-05T09:45:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":90,"packets":90,"bytes":5400}
-- '''
-- [[test.rows]]
-- account_id = "111122223333"
-- interface_id = "eni-1"
-- dstport = 5432
-- records = 69
--
-- [[test]]
-- name   = "five times as many as before is sharp; two changes in a row count the busier one"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"changes","window_start":"2026-01-05T10:30:00Z","kind":"network_acl","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":1,"packets":1,"bytes":60}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:30:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":40,"packets":40,"bytes":2400}
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 5432
-- records = 50
--
-- [[test]]
-- name   = "steady rejects, scans, late packets, other accounts, changes of other kinds, old ones and rejects after the run are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"changes","window_start":"2026-01-05T09:50:00Z","kind":"security_group","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:00:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:05:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:10:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:15:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":10,"packets":10,"bytes":600}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":22,"protocol":6,"flow_direction":"ingress","reject_class":"scan","records":90,"packets":90,"bytes":5400}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5433,"protocol":6,"flow_direction":"ingress","reject_class":"late_packet","records":90,"packets":90,"bytes":5400}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"444455556666","interface_id":"eni-1","dstport":5434,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":90,"packets":90,"bytes":5400}
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"load_balancer","api":"RevokeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"777788889999","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"777788889999","interface_id":"eni-1","dstport":5435,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":90,"packets":90,"bytes":5400}
-- {"view":"flow_rejects","window_start":"2026-01-05T09:50:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5436,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":90,"packets":90,"bytes":5400}
-- {"view":"changes","window_start":"2026-01-05T10:55:00Z","kind":"security_group","api":"RevokeSecurityGroupIngress","resource":"sg-2","caller":"arn:aws:iam::111122223333:role/ci","account_id":"777788889999","region":"eu-west-1","changes":1,"first_seen":1767610500,"last_seen":1767610500}
-- {"view":"flow_rejects","window_start":"2026-01-05T11:00:00Z","account_id":"777788889999","interface_id":"eni-9","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"internal","records":30,"packets":30,"bytes":1800}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "what a load balancer controller adds with each load balancer takes nothing away: silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"AuthorizeSecurityGroupIngress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/lbc","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"AuthorizeSecurityGroupEgress","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/lbc","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"CreateSecurityGroup","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/lbc","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"security_group","api":"DeleteSecurityGroup","resource":"sg-1","caller":"arn:aws:iam::111122223333:role/lbc","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"external","records":90,"packets":90,"bytes":5400}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "replies that a network ACL refuses after its change, by the service's port as flow_rejects has them, added to what it refuses inside; what is no end of access is not added"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"network_acl","api":"ReplaceNetworkAclEntry","resource":"acl-1","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767607200,"last_seen":1767607200}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":8443,"port":"8443","protocol":6,"flow_direction":"egress","reject_class":"nacl_reply","records":12,"packets":12,"bytes":720}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":8443,"port":"8443","protocol":6,"flow_direction":"egress","reject_class":"nacl_reply","records":18,"packets":18,"bytes":1080}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":8443,"port":"8443","protocol":6,"flow_direction":"egress","reject_class":"internal","records":5,"packets":5,"bytes":300}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":8443,"port":"any","protocol":6,"flow_direction":"egress","reject_class":"late_packet","records":90,"packets":90,"bytes":5400}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":8443,"port":"any","protocol":6,"flow_direction":"egress","reject_class":"scan","records":90,"packets":90,"bytes":5400}
-- '''
-- [[test.rows]]
-- interface_id = "eni-1"
-- dstport = 8443
-- records = 35
--
-- [[test]]
-- name   = "what the VPC keeps out from a change of its settings on: block public access, encryption control"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"changes","window_start":"2026-01-05T10:20:00Z","kind":"network_acl","api":"ModifyVpcBlockPublicAccessOptions","resource":"111122223333","caller":"arn:aws:iam::111122223333:role/ci","account_id":"111122223333","region":"eu-west-1","changes":1,"first_seen":1767608400,"last_seen":1767608400}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:20:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":443,"protocol":6,"flow_direction":"ingress","reject_class":"bpa","records":30,"packets":30,"bytes":1800}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":443,"protocol":6,"flow_direction":"ingress","reject_class":"bpa","records":30,"packets":30,"bytes":1800}
-- {"view":"flow_rejects","window_start":"2026-01-05T10:25:00Z","account_id":"111122223333","interface_id":"eni-1","dstport":5432,"protocol":6,"flow_direction":"ingress","reject_class":"encryption","records":40,"packets":30,"bytes":1800}
-- '''
-- [[test.rows]]
-- dstport = 443
-- records = 60
-- [[test.rows]]
-- dstport = 5432
-- records = 40
-- ---
WITH moments AS (
    SELECT DISTINCT changes.account_id, changes.window_start AS changed_at
    FROM changes
    CROSS JOIN schedule
    WHERE changes.kind IN ('security_group', 'network_acl', 'network_interface', 'route')
      -- A group only allows, so a rule that is added takes nothing away, nor does a group that nobody
      -- carries yet or any more. Load balancer controllers make these calls all day.
      AND changes.api NOT IN ('AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress',
                              'CreateSecurityGroup', 'DeleteSecurityGroup')
      AND changes.window_start >= schedule.at - INTERVAL '1 hour'
      AND changes.window_start < schedule.at
),
rejects AS (
    SELECT
        -- The port of the service, of replies too: by their own ports they would be one each.
        flow_rejects.account_id, flow_rejects.interface_id, flow_rejects.dstport, flow_rejects.window_start,
        sum(flow_rejects.records) AS records
    FROM flow_rejects
    CROSS JOIN schedule
    -- Of bpa and encryption the settings of the VPC are the change.
    WHERE flow_rejects.reject_class IN ('internal', 'nacl_reply', 'external', 'encryption', 'bpa')
      AND flow_rejects.window_start >= schedule.at - INTERVAL '90 minutes'
      AND flow_rejects.window_start < schedule.at
    GROUP BY 1, 2, 3, 4
),
-- A window of 5 minutes in which a change stands, and the two after it, against the half hour before.
around AS (
    SELECT
        rejects.account_id, rejects.interface_id, rejects.dstport, moments.changed_at,
        sum(CASE WHEN rejects.window_start >= moments.changed_at THEN records ELSE 0 END) AS after,
        sum(CASE WHEN rejects.window_start < moments.changed_at THEN records ELSE 0 END)  AS before
    FROM rejects
    INNER JOIN moments ON moments.account_id = rejects.account_id
    WHERE rejects.window_start >= moments.changed_at - INTERVAL '30 minutes'
      AND rejects.window_start < moments.changed_at + INTERVAL '15 minutes'
    GROUP BY 1, 2, 3, 4
)
SELECT
    account_id,
    interface_id,
    dstport,
    max(after) AS records
FROM around
-- 15 minutes against 30: five times as many is ten times the rate.
WHERE after > 0
  AND after >= 5 * before
GROUP BY 1, 2, 3
