-- A query.
SELECT
    date_bin(INTERVAL '5 minutes', event_time) AS window_start,
    recipient_account_id                       AS account_id,
    region,
    count(*)                                   AS failures
FROM cloudtrail
WHERE event_source  = 'signin.amazonaws.com'
  AND event_name    = 'ConsoleLogin'
  AND error_message = 'Failed authentication'
GROUP BY 1, 2, 3
