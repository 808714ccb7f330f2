-- ---
-- name            = "route53_changes"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Changes of DNS records that Route 53 took, by zone, caller and action."
-- seed            = "Route 53 RRSet change backlog from noisy ExternalDNS"
-- why             = """
-- One call carries up to a thousand changes. A controller that writes the same records in
-- every round, or deletes what another one creates, is seen here before it is seen in names
-- that resolve on some days only.
-- """
-- false_positives = ["A migration that rewrites a zone."]
-- cannot_tell     = """
-- Route 53 logs what was asked, in a batch it took: whether the record differed from what
-- was there is not said. When the change was in sync on the name servers is not logged.
-- Parameters above 100 KB are left out by AWS: such a call counts no change. A call into another
-- account counts once: its caller is an account's number and no role when the owner's copy is read first.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_route53_changes_total"
-- type            = "counter"
-- help            = "Changes of DNS records in calls that Route 53 took, by zone, caller and action."
-- value           = "changes"
-- labels          = ["zone_id", "caller", "action"]
-- series_max      = 2000                 # zones x callers x actions
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "zone_id", "caller", "action", "record_name", "record_type", "set_identifier"]
-- measures        = { changes = "sum" }
--
-- [[alert]]
-- name     = "TrailflowRoute53Rewrites"
-- severity = "info"
-- for      = "0m"
-- summary  = 'Zone {{ $labels.zone_id }}: {{ $labels.caller }} has written at least {{ $value | humanize }} records in every half hour of the last 3 hours.'
-- expr     = '''
-- min_over_time((sum by (zone_id, caller) (increase(trailflow_route53_changes_total{action="UPSERT"}[30m])))[3h:30m]) >= 50
-- and count_over_time((sum by (zone_id, caller) (increase(trailflow_route53_changes_total{action="UPSERT"}[30m])))[3h:30m]) >= 6
-- '''
-- runbook  = "trailflowroute53rewrites"
--
-- [[test]]
-- name   = "each change of a batch counts, the same name in the same way twice"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209001","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}},{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"TXT","tTL":300,"resourceRecords":[{"value":"\"heritage=external-dns\""}]}},{"action":"DELETE","resourceRecordSet":{"name":"B.example.com","type":"A","tTL":300,"setIdentifier":"blue","resourceRecords":[{"value":"10.0.0.2"}]}}]}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:22:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209002","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"/hostedzone/Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com.","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.3"}]}}]}}}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- zone_id = "Z0123456789ABCDEFGHIJ"
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- action = "UPSERT"
-- record_name = "a.example.com"
-- record_type = "A"
-- set_identifier = ""
-- changes = 2
-- [[test.rows]]
-- action = "UPSERT"
-- record_name = "a.example.com"
-- record_type = "TXT"
-- changes = 1
-- [[test.rows]]
-- action = "DELETE"
-- record_name = "b.example.com"
-- record_type = "A"
-- set_identifier = "blue"
-- changes = 1
--
-- [[test]]
-- name   = "refused batches, throttles, batches that AWS left out, and reads change nothing"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209003","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"InvalidChangeBatch","errorMessage":"[Tried to create resource record set but it already exists]","requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"CREATE","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209004","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"Throttling","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209005","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209006","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[]}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000209007","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"id":"Z0123456789ABCDEFGHIJ"}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300025","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300024"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300026","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300024"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300037","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300025"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300038","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300025"}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- changes = 1
-- [[test.rows]]
-- caller = "111122223333"
-- changes = 1
--
-- [[test]]
-- name   = "a star is the same name however it is written"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450002","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"hostedZoneId":"Z1","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"*.x.example","type":"A","tTL":60}},{"action":"UPSERT","resourceRecordSet":{"name":"\\052.x.example.","type":"A","tTL":60}}]}},"responseElements":{"changeInfo":{}}}
-- '''
-- [[test.rows]]
-- record_name = "*.x.example"
-- changes = 2
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:22:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980059","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"/hostedzone/Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com.","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.3"}]}}]}}}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:22:07Z","recipientAccountId":"111122223333","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"eventID":"00000000-0000-4000-8000-000000980060","sharedEventID":"00000000-0000-4000-9000-000000980061","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity","requestParameters":{"hostedZoneId":"/hostedzone/Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com.","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.3"}]}}]}}}
-- '''
-- [[test.rows]]
-- record_name = "a.example.com"
-- changes = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)               AS window_start,
    zone_id                                                  AS zone_id,
    caller                                                   AS caller,
    coalesce(json_get_str(change, 'action'), 'unknown')      AS action,
    -- DNS names do not differ by case or by the last dot, and Route 53's lists write a star as its octal code.
    coalesce(replace(rtrim(lower(json_get_str(change, 'resourceRecordSet', 'name')), '.'), '\052', '*'), 'unknown')
                                                             AS record_name,
    coalesce(json_get_str(change, 'resourceRecordSet', 'type'), 'unknown')
                                                             AS record_type,
    coalesce(json_get_str(change, 'resourceRecordSet', 'setIdentifier'), '')
                                                             AS set_identifier,
    count(*)                                                 AS changes
FROM (
    SELECT
        event_time,
        coalesce(role_arn, principal, 'unknown')                                    AS caller,
        coalesce(
            replace(json_get_str(request_parameters, 'hostedZoneId'), '/hostedzone/', ''),
            'unknown'
        )                                                                           AS zone_id,
        unnest(json_get_array(request_parameters, 'changeBatch', 'changes'))        AS change
    FROM cloudtrail
    WHERE event_source = 'route53.amazonaws.com'
      AND coalesce(event_category, 'Management') <> 'NetworkActivity'
      AND event_name = 'ChangeResourceRecordSets'
      AND error_code_norm IS NULL
      AND NOT coalesce(shared_event_seen, FALSE)
) AS changes
GROUP BY 1, 2, 3, 4, 5, 6, 7
