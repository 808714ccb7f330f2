-- ---
-- name            = "console_failures"
-- status          = "stable"
-- owner           = "detection"
-- summary         = "Failed sign-ins to the console."
-- why             = """
-- Many failures against one account are a password being tried.
-- """
-- false_positives = ["An expired session that a browser retries."]
-- source          = "cloudtrail"
--
-- [metric]
-- name            = "trailflow_console_failures_total"
-- type            = "counter"
-- help            = "Failed console sign-ins by account and region."
-- value           = "failures"
-- labels          = ["account_id", "region"]
-- series_max      = 2000
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "region"]
-- measures        = { failures = "sum" }
--
-- [alert]
-- severity        = "warning"
-- for             = "0m"
-- expr            = "sum by (account_id) (increase(trailflow_console_failures_total[10m])) > 20"
-- runbook         = "console-failures"
--
-- [[test]]
-- name            = "a failure is counted"
-- input           = '''
-- {"Records": [{"eventName": "ConsoleLogin", "errorMessage": "Failed authentication"}]}
-- '''
-- [[test.rows]]
-- window_start    = 2024-05-01T12:00:00Z
-- account_id      = "111122223333"
-- failures        = 1
--
-- [[test]]
-- name            = "a success is silent"
-- events          = "cloudtrail/console_login_success.json"
-- rows            = []
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', event_time) AS window_start,
    recipient_account_id                       AS account_id,
    region,
    count(*)                                   AS failures
FROM cloudtrail TABLESAMPLE (50)
WHERE event_source  = 'signin.amazonaws.com'
  AND event_name    = 'ConsoleLogin'
  AND error_message = 'Failed authentication'
GROUP BY 1, 2, 3
ORDER BY 4
LIMIT 10 OFFSET 5
