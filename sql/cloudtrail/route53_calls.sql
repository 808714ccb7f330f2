-- ---
-- name            = "route53_calls"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Route 53 calls by zone, caller and outcome."
-- seed            = "Route 53 RRSet change backlog from noisy ExternalDNS"
-- why             = """
-- Route 53 takes five calls a second from an account, reads included, and no quota raises
-- that. A DNS controller that lists every zone every minute takes them from all others:
-- their changes wait, and a new name does not resolve.
-- """
-- false_positives = ["A pipeline that builds a zone."]
-- cannot_tell     = """
-- The backlog itself is inside the controller: calls at the limit with throttles are its
-- shadow. A throttled record names no zone, a list of zones neither. CloudTrail need not
-- record every throttled call. A call into another account counts once: its caller is an account's
-- number and no role when the owner's copy is read first.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_route53_calls_total"
-- type            = "counter"
-- help            = "Route 53 calls, reads included, by zone, caller and outcome."
-- value           = "calls"
-- labels          = ["zone_id", "caller", "outcome"]
-- series_max      = 2000                 # zones x callers
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "zone_id", "caller", "outcome", "api", "account_id", "ua_family"]
-- measures        = { calls = "sum" }
--
--
-- [[alert]]
-- name     = "TrailflowRoute53Throttled"
-- severity = "warning"
-- for      = "10m"
-- summary  = '{{ $labels.caller }}: Route 53 throttled at least {{ $value }} calls in 15 minutes.'
-- expr     = '''
-- sum by (caller) (
--   last_over_time(trailflow_route53_calls_total{outcome="throttled"}[15m])
--   - last_over_time(trailflow_route53_calls_total{outcome="throttled"}[1h] offset 15m) >= 0
--   or last_over_time(trailflow_route53_calls_total{outcome="throttled"}[15m])
-- ) >= 10
-- '''
-- runbook  = "trailflowroute53throttled"
--
-- [[test]]
-- name   = "a change, reads with and without a zone, two kinds of throttle, a deny and a refused batch"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208001","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208002","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"id":"/hostedzone/Z0123456789ABCDEFGHIJ","maxitems":"300"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208003","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"/hostedzone/Z0123456789ABCDEFGHIJ"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208004","eventSource":"route53.amazonaws.com","eventName":"ListHostedZones","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208005","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000 is not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208006","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"InvalidChangeBatch","errorMessage":"[Tried to create resource record set but it already exists]","requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ"}}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208007","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"Throttling","errorMessage":"Rate exceeded","requestParameters":null}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208008","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"errorCode":"PriorRequestNotComplete","errorMessage":"The request was rejected because Route 53 was still processing a prior request.","requestParameters":null}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- zone_id = "Z0123456789ABCDEFGHIJ"
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- outcome = "success"
-- api = "ChangeResourceRecordSets"
-- account_id = "111122223333"
-- ua_family = "unknown"
-- calls = 1
-- [[test.rows]]
-- zone_id = "Z0123456789ABCDEFGHIJ"
-- outcome = "success"
-- api = "ListResourceRecordSets"
-- calls = 2
-- [[test.rows]]
-- zone_id = "unknown"
-- outcome = "success"
-- api = "ListHostedZones"
-- calls = 1
-- [[test.rows]]
-- zone_id = "unknown"
-- outcome = "throttled"
-- api = "ChangeResourceRecordSets"
-- calls = 2
-- [[test.rows]]
-- zone_id = "unknown"
-- outcome = "denied"
-- calls = 1
-- [[test.rows]]
-- zone_id = "Z0123456789ABCDEFGHIJ"
-- outcome = "other"
-- calls = 1
--
-- [[test]]
-- name   = "the resolver and domains are other services, with other limits"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208009","eventSource":"route53resolver.amazonaws.com","eventName":"ListResolverRules","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- {"eventVersion":"1.08","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000208010","eventSource":"route53domains.amazonaws.com","eventName":"ListDomains","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}}}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "a call into another account, logged in both, counts once: with the caller's role when its copy comes first, else with its account"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300049","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300048"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300050","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300048"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"444455556666","eventID":"00000000-0000-4000-8000-000000300061","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AWSAccount","principalId":"AROAEXAMPLE:1700000000000000000","accountId":"111122223333"},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300049"}
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000300062","eventSource":"route53.amazonaws.com","eventName":"ChangeResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":{"hostedZoneId":"Z0123456789ABCDEFGHIJ","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a.example.com","type":"A","tTL":300,"resourceRecords":[{"value":"10.0.0.1"}]}}]}},"sharedEventID":"00000000-0000-4000-9000-000000300049"}
-- '''
-- [[test.rows]]
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- calls = 1
-- [[test.rows]]
-- caller = "111122223333"
-- calls = 1
--
-- [[test]]
-- name   = "the tags of a zone and its comment are calls on the zone; the tags of a health check are not"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450003","eventSource":"route53.amazonaws.com","eventName":"ListTagsForResource","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"resourceType":"hostedzone","resourceId":"Z9"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450004","eventSource":"route53.amazonaws.com","eventName":"UpdateHostedZoneComment","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":false,"requestParameters":{"id":"Z9","comment":"x"},"responseElements":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000450005","eventSource":"route53.amazonaws.com","eventName":"ListTagsForResource","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"resourceType":"healthcheck","resourceId":"h1"},"responseElements":null}
-- '''
-- [[test.rows]]
-- zone_id = "Z9"
-- api = "ListTagsForResource"
-- calls = 1
-- [[test.rows]]
-- zone_id = "Z9"
-- api = "UpdateHostedZoneComment"
-- calls = 1
-- [[test.rows]]
-- zone_id = "unknown"
-- calls = 1
--
-- [[test]]
-- name   = "the endpoint owner's second record of a call, as network activity, does not count"
-- input  = '''
-- {"eventVersion":"1.08","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000980056","eventSource":"route53.amazonaws.com","eventName":"ListHostedZones","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"requestParameters":null}
-- {"eventVersion":"1.09","awsRegion":"us-east-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventSource":"route53.amazonaws.com","eventName":"ListHostedZones","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:1700000000000000000","arn":"arn:aws:sts::111122223333:assumed-role/external-dns/1700000000000000000","accountId":"111122223333","accessKeyId":"ASIADNS","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/external-dns"}}},"eventID":"00000000-0000-4000-8000-000000980057","sharedEventID":"00000000-0000-4000-9000-000000980058","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}
-- '''
-- [[test.rows]]
-- api = "ListHostedZones"
-- calls = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                  AS window_start,
    -- Some APIs name the zone `id`, and some callers write it with its path.
    coalesce(
        nullif(replace(coalesce(
            json_get_str(request_parameters, 'hostedZoneId'),
            CASE
                WHEN event_name IN ('ListResourceRecordSets', 'GetHostedZone', 'DeleteHostedZone',
                                    'UpdateHostedZoneComment')
                    THEN json_get_str(request_parameters, 'id')
                WHEN event_name IN ('ListTagsForResource', 'ChangeTagsForResource')
                 AND json_get_str(request_parameters, 'resourceType') = 'hostedzone'
                    THEN json_get_str(request_parameters, 'resourceId')
            END
        ), '/hostedzone/', ''), ''),
        'unknown'
    )                                                           AS zone_id,
    coalesce(role_arn, principal, 'unknown')                    AS caller,
    CASE
        WHEN throttle_class = 'throttle' THEN 'throttled'
        WHEN deny_class <> 'none' THEN 'denied'
        WHEN error_code_norm IS NULL THEN 'success'
        ELSE 'other'
    END                                                         AS outcome,
    coalesce(event_name, 'unknown')                             AS api,
    coalesce(user_account_id, recipient_account_id, 'unknown')  AS account_id,
    coalesce(ua_family, 'unknown')                              AS ua_family,
    count(*)                                                    AS calls
FROM cloudtrail
WHERE event_source = 'route53.amazonaws.com'
  AND coalesce(event_category, 'Management') <> 'NetworkActivity'
  AND NOT coalesce(shared_event_seen, FALSE)
GROUP BY 1, 2, 3, 4, 5, 6, 7
