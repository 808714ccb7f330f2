-- ---
-- name            = "ingress_repeated_writes"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "How often the load balancer controller made the same write in the last hour."
-- seed            = "Ingress-controller reconcile storm against AWS APIs"
-- why             = """
-- A controller writes when something changed. The same write with the same parameters,
-- again and again, means that something undoes it, or that the controller does not see its
-- own work: a loop that ends only when somebody ends it.
-- """
-- false_positives = ["Pods that come and go under the same address and port.", "Retries of a write that AWS refuses."]
-- cannot_tell     = """
-- Who undoes the write: look at other callers of the same resource. Throttled writes have no
-- parameters and do not count. A token in the parameters that is new in every call makes the
-- same write look different.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "5m"
-- over            = "65m"
--
-- [[metric]]
-- name            = "trailflow_ingress_repeated_writes"
-- type            = "gauge"
-- help            = "Times that the most repeated write of the load balancer controller was made in the last hour, by role and API."
-- value           = "repeats"
-- labels          = ["role_arn", "api"]
-- series_max      = 500                  # clusters x APIs that write
--
--
-- [[alert]]
-- name     = "TrailflowIngressRepeatedWrites"
-- severity = "warning"
-- for      = "15m"
-- summary  = '{{ $labels.role_arn }}: the same {{ $labels.api }} was made {{ $value }} times in the last hour.'
-- expr     = '''
-- max by (role_arn, api) (trailflow_ingress_repeated_writes) >= 20
-- '''
-- runbook  = "trailflowingressrepeatedwrites"
--
-- [[test]]
-- name   = "the same write in several windows; other parameters are another write"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:00:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":3}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:20:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":4}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:55:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":5}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:20:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":2}","calls":6}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:30:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"ModifyRule","kind":"write","outcome":"other","account_id":"111122223333","region":"eu-west-1","written":"{\"b\":1}","calls":2}
-- '''
-- [[test.rows]]
-- role_arn = "arn:aws:iam::111122223333:role/lbc"
-- api = "RegisterTargets"
-- repeats = 12
-- [[test.rows]]
-- api = "ModifyRule"
-- repeats = 2
--
-- [[test]]
-- name   = "reads, throttles without parameters, one write, and an hour that has passed are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:20:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"DescribeTargetHealth","kind":"read","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"","calls":900}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:20:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"throttled","account_id":"111122223333","region":"eu-west-1","written":"","calls":40}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T10:20:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":1}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T09:55:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":50}
-- {"view":"ingress_reconciles","window_start":"2026-01-05T11:05:00Z","controller":"aws-load-balancer-controller","role_arn":"arn:aws:iam::111122223333:role/lbc","service":"elasticloadbalancing","api":"RegisterTargets","kind":"write","outcome":"success","account_id":"111122223333","region":"eu-west-1","written":"{\"a\":1}","calls":50}
-- '''
-- rows   = []
-- ---
SELECT
    role_arn    AS role_arn,
    api         AS api,
    max(times)  AS repeats
FROM (
    SELECT
        ingress_reconciles.role_arn    AS role_arn,
        ingress_reconciles.api         AS api,
        ingress_reconciles.written     AS written,
        sum(ingress_reconciles.calls)  AS times
    FROM ingress_reconciles
    CROSS JOIN schedule
    WHERE ingress_reconciles.kind = 'write'
      AND ingress_reconciles.written <> ''
      AND ingress_reconciles.window_start >= schedule.at - INTERVAL '1 hour'
      AND ingress_reconciles.window_start <= schedule.at
    GROUP BY 1, 2, 3
) AS writes
WHERE times > 1
GROUP BY 1, 2
