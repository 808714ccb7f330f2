-- ---
-- name            = "insights"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "CloudTrail Insights: unusual rates of calls or errors, by service, API and state."
-- seed            = "CloudTrail anomaly and audit-trail completeness"
-- why             = """
-- AWS compares the rate of each API and of its errors with the last week's. It notices what
-- nobody wrote a rule for: a controller in a loop, a job that lists everything, a key in use.
-- """
-- false_positives = ["A deployment or a migration that is meant to be unusual."]
-- cannot_tell     = """
-- Insights must be turned on for the trail, for management events and for data events each by
-- itself. Of management events they look at the rate of write calls, and of errors; of data events
-- at that of all calls, and of errors. They come up to 30 minutes late, and for the first 36 hours
-- not at all. Who caused it is an attribution in the record, not a label here. A start without an
-- end may go on.
-- """
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_insights_total"
-- type            = "counter"
-- help            = "Insights of CloudTrail by account, region, service, API, type and state."
-- value           = "insights"
-- labels          = ["account_id", "region", "service", "api", "insight_type", "state"]
-- series_max      = 1000                 # APIs that were ever unusual x two states
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region", "service", "api", "insight_type", "state", "error_code"]
-- measures        = { insights = "sum", insight_average = "max", baseline_average = "max" }
--
-- [[alert]]
-- name     = "TrailflowInsight"
-- severity = "info"
-- for      = "0m"
-- summary  = '{{ $labels.account_id }} {{ $labels.region }}: unusual rate of {{ $labels.service }} {{ $labels.api }} ({{ $labels.insight_type }}).'
-- expr     = '''
-- sum by (account_id, region, service, api, insight_type) (
--   last_over_time(trailflow_insights_total{state="start"}[30m])
--   - last_over_time(trailflow_insights_total{state="start"}[1h] offset 30m) >= 0
--   or last_over_time(trailflow_insights_total{state="start"}[30m])
-- ) > 0
-- '''
-- runbook  = "trailflowinsight"
--
-- [[test]]
-- name   = "a start and its end are two rows, an error rate names its code"
-- input  = '''
-- {"eventVersion":"1.08","eventTime":"2026-01-05T10:21:07Z","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-000000000001","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"9b1c0000-0000-4000-8000-000000000001","insightDetails":{"state":"Start","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.8},"insight":{"average":41.5},"insightDuration":1,"baselineDuration":10080},"attributions":[{"attribute":"errorCode","insight":[{"value":"null","average":41.5}],"baseline":[]}]}},"eventCategory":"Insight"}
-- {"eventVersion":"1.08","eventTime":"2026-01-05T10:27:00Z","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-000000000002","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"9b1c0000-0000-4000-8000-000000000001","insightDetails":{"state":"End","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.8},"insight":{"average":41.5},"insightDuration":1,"baselineDuration":10080},"attributions":[{"attribute":"errorCode","insight":[{"value":"null","average":41.5}],"baseline":[]}]}},"eventCategory":"Insight"}
-- {"eventVersion":"1.08","eventTime":"2026-01-05T10:21:07Z","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-000000000003","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"9b1c0000-0000-4000-8000-000000000002","insightDetails":{"state":"Start","eventSource":"iam.amazonaws.com","eventName":"CreateRole","insightType":"ApiErrorRateInsight","insightContext":{"statistics":{"baseline":{"average":1.5},"insight":{"average":30},"insightDuration":1,"baselineDuration":10080},"attributions":[{"attribute":"errorCode","insight":[{"value":"null","average":30}],"baseline":[]}]},"errorCode":"LimitExceededException"},"eventCategory":"Insight"}
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- region = "eu-west-1"
-- service = "route53"
-- api = "ListResourceRecordSets"
-- insight_type = "ApiCallRateInsight"
-- state = "start"
-- error_code = "none"
-- insights = 1
-- insight_average = 41.5
-- baseline_average = 0.8
-- [[test.rows]]
-- window_start = 2026-01-05T10:25:00Z
-- api = "ListResourceRecordSets"
-- state = "end"
-- insights = 1
-- [[test.rows]]
-- service = "iam"
-- api = "CreateRole"
-- insight_type = "ApiErrorRateInsight"
-- error_code = "LimitExceededException"
-- state = "start"
-- insights = 1
-- baseline_average = 1.5
--
-- [[test]]
-- name   = "ordinary calls of the same API are silent"
-- input  = '''
-- {"eventVersion":"1.09","awsRegion":"eu-west-1","eventTime":"2026-01-05T10:21:07Z","recipientAccountId":"111122223333","eventID":"00000000-0000-4000-8000-000000000001","eventSource":"route53.amazonaws.com","eventName":"ListResourceRecordSets","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::111122223333:assumed-role/ci/ci","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci"}}},"eventCategory":"Management","readOnly":true,"requestParameters":{"hostedZoneId":"Z1"},"responseElements":null}
-- '''
-- rows   = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time)                                   AS window_start,
    coalesce(recipient_account_id, 'unknown')                                    AS account_id,
    coalesce(region, 'unknown')                                                  AS region,
    coalesce(split_part(json_get_str(insight_details, 'eventSource'), '.', 1), 'unknown') AS service,
    coalesce(json_get_str(insight_details, 'eventName'), 'unknown')              AS api,
    coalesce(json_get_str(insight_details, 'insightType'), 'unknown')            AS insight_type,
    coalesce(lower(json_get_str(insight_details, 'state')), 'unknown')           AS state,
    coalesce(json_get_str(insight_details, 'errorCode'), 'none')                 AS error_code,
    count(*)                                                                     AS insights,
    -- Calls a minute; a whole number is written without a fraction.
    max(TRY_CAST(json_as_text(insight_details, 'insightContext', 'statistics', 'insight', 'average') AS DOUBLE))
                                                                                 AS insight_average,
    max(TRY_CAST(json_as_text(insight_details, 'insightContext', 'statistics', 'baseline', 'average') AS DOUBLE))
                                                                                 AS baseline_average
FROM cloudtrail
-- What counts calls, network activity too, has another category.
WHERE event_category = 'Insight'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
