-- ---
-- name            = "route53_flip_flops"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "DNS records that were written and deleted by turns in the last hour, by zone and caller."
-- seed            = "Route 53 RRSet change backlog from noisy ExternalDNS"
-- why             = """
-- Two controllers that own the same name, or one whose source comes and goes, write a record
-- and delete it by turns. Clients resolve it on some attempts, and the zone's quota is spent.
-- """
-- false_positives = ["A name whose certificate is ordered again and again, each time with a challenge in DNS."]
-- cannot_tell     = """
-- Two callers that overwrite each other without deleting do not count: look at the changes
-- of the name. The order within five minutes is not kept: the smaller of writes and deletes
-- of a record is the number of turns. A record with fewer than three in an hour is left out: the
-- challenges for a certificate come and go once, or twice for a name and its wildcard.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "5m"
-- over            = "65m"
--
-- [[metric]]
-- name            = "trailflow_route53_flip_flops"
-- type            = "gauge"
-- help            = "Turns between writing and deleting the same DNS record in the last hour, of records with at least three, by zone and by each caller that took part."
-- value           = "turns"
-- labels          = ["zone_id", "caller"]
-- series_max      = 1000                 # zones x callers
--
--
-- [[alert]]
-- name     = "TrailflowRoute53FlipFlop"
-- severity = "warning"
-- for      = "15m"
-- summary  = 'Zone {{ $labels.zone_id }}: records went to and fro {{ $value }} times in the last hour, {{ $labels.caller }} took part.'
-- expr     = '''
-- max by (zone_id, caller) (trailflow_route53_flip_flops) >= 5
-- '''
-- runbook  = "trailflowroute53flipflop"
--
-- [[test]]
-- name   = "one caller by turns, and two that undo each other; both are named. The same name of another type, with another weight or in another zone, written once, adds nothing"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"UPSERT","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":3}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:40:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"CREATE","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:45:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":4}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z2","caller":"arn:aws:iam::111122223333:role/external-dns","action":"UPSERT","record_name":"b.example.com","record_type":"A","set_identifier":"","changes":5}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z2","caller":"arn:aws:iam::111122223333:role/terraform","action":"DELETE","record_name":"b.example.com","record_type":"A","set_identifier":"","changes":5}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z2","caller":"arn:aws:iam::111122223333:role/terraform","action":"UPSERT","record_name":"c.example.com","record_type":"A","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"UPSERT","record_name":"a.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"UPSERT","record_name":"a.example.com","record_type":"A","set_identifier":"blue","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z2","caller":"arn:aws:iam::111122223333:role/terraform","action":"UPSERT","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":1}
-- '''
-- [[test.rows]]
-- zone_id = "Z0123456789ABCDEFGHIJ"
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- turns = 4
-- [[test.rows]]
-- zone_id = "Z2"
-- caller = "arn:aws:iam::111122223333:role/external-dns"
-- turns = 5
-- [[test.rows]]
-- zone_id = "Z2"
-- caller = "arn:aws:iam::111122223333:role/terraform"
-- turns = 5
--
-- [[test]]
-- name   = "writes alone, deletes alone, another type, another weight and an hour that has passed are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"UPSERT","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":90}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"TXT","set_identifier":"","changes":9}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"A","set_identifier":"blue","changes":9}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"old.example.com","record_type":"A","set_identifier":"","changes":9}
-- {"view":"route53_changes","window_start":"2026-01-05T09:55:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":9}
-- {"view":"route53_changes","window_start":"2026-01-05T11:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/external-dns","action":"DELETE","record_name":"a.example.com","record_type":"A","set_identifier":"","changes":9}
-- '''
-- rows   = []
--
-- [[test]]
-- name   = "records that come and go once, as a challenge for a certificate does, and twice, as for a name and its wildcard, are silent"
-- at     = 2026-01-05T11:00:00Z
-- input  = '''
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.a.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.a.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.b.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.b.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.c.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.c.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.d.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.d.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.e.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.e.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:05:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.f.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:10:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.f.example.com","record_type":"TXT","set_identifier":"","changes":1}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.g.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.g.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.h.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.h.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"UPSERT","record_name":"_acme-challenge.i.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- {"view":"route53_changes","window_start":"2026-01-05T10:25:00Z","zone_id":"Z0123456789ABCDEFGHIJ","caller":"arn:aws:iam::111122223333:role/cert-manager","action":"DELETE","record_name":"_acme-challenge.i.example.com","record_type":"TXT","set_identifier":"","changes":2}
-- '''
-- rows   = []
-- ---
WITH recent AS (
    SELECT
        route53_changes.zone_id         AS zone_id,
        route53_changes.caller          AS caller,
        route53_changes.record_name     AS record_name,
        route53_changes.record_type     AS record_type,
        route53_changes.set_identifier  AS set_identifier,
        sum(CASE route53_changes.action WHEN 'DELETE' THEN route53_changes.changes ELSE 0 END) AS deleted,
        sum(CASE route53_changes.action WHEN 'DELETE' THEN 0 ELSE route53_changes.changes END) AS written
    FROM route53_changes
    CROSS JOIN schedule
    WHERE route53_changes.window_start >= schedule.at - INTERVAL '1 hour'
      AND route53_changes.window_start <= schedule.at
    GROUP BY 1, 2, 3, 4, 5
),
-- Whoever wrote and whoever deleted: the record went to and fro for everybody.
records AS (
    SELECT
        zone_id,
        record_name,
        record_type,
        set_identifier,
        least(sum(deleted), sum(written)) AS turns
    FROM recent
    GROUP BY zone_id, record_name, record_type, set_identifier
    HAVING least(sum(deleted), sum(written)) >= 3
)
SELECT
    recent.zone_id      AS zone_id,
    recent.caller       AS caller,
    sum(records.turns)  AS turns
FROM recent
JOIN records
  ON records.zone_id = recent.zone_id
 AND records.record_name = recent.record_name
 AND records.record_type = recent.record_type
 AND records.set_identifier = recent.set_identifier
GROUP BY 1, 2
