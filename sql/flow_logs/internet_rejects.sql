-- ---
-- name            = "internet_rejects"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "Rejected flows from or to the internet, by account and port."
-- seed            = "Security-group DENY saved queries"
-- why             = """
-- Weather: somebody always knocks. It is worth a look when it changes, when one port is wanted
-- suddenly, or when something inside is refused on its way out.
-- """
-- false_positives = ["Internet scanning, which is nearly all of it."]
-- cannot_tell     = """
-- Who was meant: the scanners' addresses are in flow_logs. Ports that services rarely use
-- count under uncommon, because a scan tries all of them. Without tcp-flags in the log format late
-- packets count too. While records are skipped every count is a lower bound. Where two flow logs cover one resource (a VPC and its subnet), AWS writes every
-- flow twice, and it counts twice.
-- """
-- source          = "flow_logs"
--
-- [metric]
-- name            = "trailflow_internet_rejects_total"
-- type            = "counter"
-- help            = "Rejected records from or to the internet by account and destination port, rare ports together."
-- value           = "records"
-- labels          = ["account_id", "dstport"]
-- series_max      = 2000                 # accounts x the ports named in the query
--
-- [rollup]
-- window          = "5m"
-- grain           = ["window_start", "account_id", "dstport", "protocol", "flow_direction", "reject_class"]
-- measures        = { records = "sum", packets = "sum" }
--
-- [[alert]]
-- name     = "TrailflowInternetRejectsJumped"
-- severity = "info"
-- for      = "15m"
-- summary  = '{{ $labels.account_id }} port {{ $labels.dstport }}: {{ $value }} rejected records from or to the internet in an hour, nine times as many as around this time yesterday and a week ago.'
-- expr     = '''
-- sum by (account_id, dstport) (
--   last_over_time(trailflow_internet_rejects_total[1h])
--   - last_over_time(trailflow_internet_rejects_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_internet_rejects_total[1h])
-- ) >= 10000
-- unless
-- sum by (account_id, dstport) (
--   last_over_time(trailflow_internet_rejects_total[1h])
--   - last_over_time(trailflow_internet_rejects_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_internet_rejects_total[1h])
-- )
-- <= 3 * sum by (account_id, dstport) (
--   increase(trailflow_internet_rejects_total[3h] offset 23h)
--   + (min_over_time(trailflow_internet_rejects_total[3h] offset 23h) unless last_over_time(trailflow_internet_rejects_total[1h] offset 26h))
--   or increase(trailflow_internet_rejects_total[3h] offset 23h)
-- )
-- unless
-- sum by (account_id, dstport) (
--   last_over_time(trailflow_internet_rejects_total[1h])
--   - last_over_time(trailflow_internet_rejects_total[1h] offset 1h) >= 0
--   or last_over_time(trailflow_internet_rejects_total[1h])
-- )
-- <= 3 * sum by (account_id, dstport) (
--   increase(trailflow_internet_rejects_total[3h] offset 167h)
--   + (min_over_time(trailflow_internet_rejects_total[3h] offset 167h) unless last_over_time(trailflow_internet_rejects_total[1h] offset 170h))
--   or increase(trailflow_internet_rejects_total[3h] offset 167h)
-- )
-- and on (account_id) count by (account_id) (last_over_time(trailflow_internet_rejects_total[1h] offset 7d))
-- '''
-- runbook  = "trailflowinternetrejectsjumped"
--
-- [[test]]
-- name   = "scans by port, rare ports together, a node port, a refused way out"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 22 6 1 40 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51001 49321 6 1 40 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51002 7 6 1 40 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51003 30123 6 9 900 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-2 10.0.2.9 198.51.100.7 51003 443 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.2.9 198.51.100.7 egress
-- '''
-- [[test.rows]]
-- window_start = 2026-01-05T10:20:00Z
-- account_id = "111122223333"
-- dstport = "22"
-- protocol = 6
-- flow_direction = "ingress"
-- reject_class = "scan"
-- records = 1
-- packets = 1
-- [[test.rows]]
-- dstport = "uncommon"
-- reject_class = "scan"
-- records = 2
-- packets = 2
-- [[test.rows]]
-- dstport = "30000-32767"
-- reject_class = "external"
-- records = 1
-- packets = 9
-- [[test.rows]]
-- dstport = "443"
-- flow_direction = "egress"
-- reject_class = "external"
-- records = 1
--
-- [[test]]
-- name   = "rejects between own networks, late packets and accepted flows are silent"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction
-- 5 111122223333 eni-1 10.0.1.5 10.0.2.9 41000 5432 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 2 10.0.1.5 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 443 51000 6 3 180 1767608400 1767608450 REJECT OK subnet-1 i-0123456789abcdef0 4 203.0.113.9 10.0.2.9 ingress
-- 5 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 443 6 3 180 1767608400 1767608450 ACCEPT OK subnet-1 i-0123456789abcdef0 2 203.0.113.9 10.0.2.9 ingress
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "the default format has no direction and no flags: rejects from the internet count; skipped intervals do not"
-- input  = '''
-- version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
-- 2 111122223333 eni-1 203.0.113.9 10.0.2.9 51000 22 6 1 40 1767608400 1767608450 REJECT OK
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - SKIPDATA
-- 2 111122223333 eni-1 - - - - - - - 1767608400 1767608450 - NODATA
-- '''
-- [[test.rows]]
-- dstport = "22"
-- protocol = 6
-- flow_direction = "unknown"
-- reject_class = "scan"
-- records = 1
-- packets = 1
-- ---
SELECT
    date_bin(INTERVAL '5 minutes', ts_end)          AS window_start,
    coalesce(account_id, 'unknown')                 AS account_id,
    -- A scan tries every port: those that nobody serves are one.
    CASE
        WHEN dstport IN (20, 21, 22, 23, 25, 53, 80, 110, 111, 123, 135, 139, 143, 161, 179, 389, 443, 445, 465, 514, 587,
                         636, 873, 993, 995, 1194, 1433, 1521, 1723, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3000, 3128,
                         3306, 3389, 4317, 4318, 5000, 5060, 5432, 5439, 5601, 5671, 5672, 5900, 5985, 5986, 6379, 6443,
                         7001, 8000, 8008, 8080, 8081, 8086, 8088, 8090, 8443, 8472, 8500, 8834, 8883, 8888, 9000, 9042,
                         9090, 9092, 9100, 9200, 9300, 9443, 10250, 10255, 11211, 15672, 27017, 50000, 51820)
        THEN CAST(dstport AS VARCHAR)
        WHEN dstport BETWEEN 30000 AND 32767 THEN '30000-32767'
        WHEN dstport IS NULL THEN 'unknown'
        ELSE 'uncommon'
    END                                             AS dstport,
    coalesce(protocol, -1)                          AS protocol,
    coalesce(flow_direction, 'unknown')             AS flow_direction,
    coalesce(reject_class, 'unknown')               AS reject_class,
    count(*)                                        AS records,
    coalesce(sum(packets), 0)                       AS packets
FROM flow_logs
WHERE action = 'REJECT'
  AND (NOT src_internal OR NOT dst_internal)
  AND reject_class <> 'late_packet'
GROUP BY 1, 2, 3, 4, 5, 6
