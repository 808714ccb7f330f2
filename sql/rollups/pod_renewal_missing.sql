-- ---
-- name            = "pod_renewal_missing"
-- status          = "stable"
-- owner           = "platform"
-- summary         = "How long ago a service account that renews regularly last obtained credentials."
-- seed            = "IRSA tokens that are refused without a record: the renewals that are missing"
-- why             = """
-- STS leaves out of the log most tokens that it finds not credible: a wrong audience, a deleted
-- provider. What is left to see is that a service account which renewed all day does not any more.
-- """
-- false_positives = ["A deployment that was scaled to zero or deleted.", "A move from IRSA to Pod Identity, or to another role."]
-- cannot_tell     = """
-- Why the renewals ended: refused, not asked for, or the pods are gone; the cluster knows. A
-- service account that renewed for less than six hours, or with long pauses, has no rhythm and is
-- not watched. While CloudTrail is late every age grows. Sessions that name no service account, of Pod
-- Identity with its session tags turned off, are one rhythm for each role: whoever ends there is
-- missed only when the others of the role end too.
-- """
-- source          = "rollups"
--
-- [schedule]
-- every           = "30m"
-- over            = "48h"
--
-- [[metric]]
-- name            = "trailflow_pod_renewal_age_seconds"
-- type            = "gauge"
-- help            = "Time since the last session of a service account that renews regularly."
-- value           = "age_seconds"
-- labels          = ["mechanism", "cluster_name", "namespace", "service_account", "role_arn"]
-- series_max      = 5000                 # service accounts x roles
--
-- [[metric]]
-- name            = "trailflow_pod_renewal_expected_seconds"
-- type            = "gauge"
-- help            = "Longest pause between two sessions of a service account in its last 24 hours, at least the life of its credentials."
-- value           = "expected_seconds"
-- labels          = ["mechanism", "cluster_name", "namespace", "service_account", "role_arn"]
-- series_max      = 5000
--
-- [[alert]]
-- name     = "TrailflowPodRenewalMissing"
-- severity = "info"
-- for      = "15m"
-- summary  = '{{ $labels.namespace }}/{{ $labels.service_account }} in cluster {{ $labels.cluster_name }}: no new credentials for {{ $labels.role_arn }} since {{ $value | humanizeDuration }}, it renewed regularly ({{ $labels.mechanism }}).'
-- expr     = '''
-- min by (mechanism, cluster_name, namespace, service_account, role_arn) (trailflow_pod_renewal_age_seconds)
-- > 1.5 * max by (mechanism, cluster_name, namespace, service_account, role_arn) (trailflow_pod_renewal_expected_seconds)
-- and on () time() - max(trailflow_newest_event_timestamp_seconds{table="cloudtrail"}) < 1800
-- '''
-- runbook  = "trailflowpodrenewalmissing"
--
-- [[test]]
-- name   = "hourly renewals that ended three hours ago, and Pod Identity every three hours, of two clusters apart; a renewal of more than a day before the last one counts no more, and one after the run not yet"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"pod_sessions","window_start":"2026-01-05T12:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767614400}
-- {"view":"pod_sessions","window_start":"2026-01-05T13:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767618000}
-- {"view":"pod_sessions","window_start":"2026-01-05T14:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767621600}
-- {"view":"pod_sessions","window_start":"2026-01-05T15:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767625200}
-- {"view":"pod_sessions","window_start":"2026-01-05T16:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767628800}
-- {"view":"pod_sessions","window_start":"2026-01-05T17:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767632400}
-- {"view":"pod_sessions","window_start":"2026-01-05T18:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767636000}
-- {"view":"pod_sessions","window_start":"2026-01-05T19:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767639600}
-- {"view":"pod_sessions","window_start":"2026-01-05T20:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767643200}
-- {"view":"pod_sessions","window_start":"2026-01-05T21:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767646800}
-- {"view":"pod_sessions","window_start":"2026-01-05T22:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767650400}
-- {"view":"pod_sessions","window_start":"2026-01-05T23:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767654000}
-- {"view":"pod_sessions","window_start":"2026-01-06T00:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767657600}
-- {"view":"pod_sessions","window_start":"2026-01-06T01:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767661200}
-- {"view":"pod_sessions","window_start":"2026-01-06T02:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767664800}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767668400}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767672000}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767675600}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767679200}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686400}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767690000}
-- {"view":"pod_sessions","window_start":"2026-01-05T13:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767618000}
-- {"view":"pod_sessions","window_start":"2026-01-05T16:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767628800}
-- {"view":"pod_sessions","window_start":"2026-01-05T19:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767639600}
-- {"view":"pod_sessions","window_start":"2026-01-05T22:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767650400}
-- {"view":"pod_sessions","window_start":"2026-01-06T01:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767661200}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767672000}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T10:00:00Z","mechanism":"pod_identity","cluster_name":"blue","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767693600}
-- {"view":"pod_sessions","window_start":"2026-01-06T12:05:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767701100}
-- {"view":"pod_sessions","window_start":"2026-01-04T13:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767531600}
-- {"view":"pod_sessions","window_start":"2026-01-06T00:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767657600}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767668400}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767679200}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:00:00Z","mechanism":"pod_identity","cluster_name":"green","oidc_id":"none","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767690000}
-- '''
-- [[test.rows]]
-- mechanism = "irsa"
-- cluster_name = "blue"
-- namespace = "shop"
-- service_account = "cart"
-- role_arn = "arn:aws:iam::111122223333:role/cart"
-- age_seconds = 10800
-- expected_seconds = 3600
-- [[test.rows]]
-- mechanism = "pod_identity"
-- cluster_name = "blue"
-- service_account = "pay"
-- age_seconds = 7200
-- expected_seconds = 21600
-- [[test.rows]]
-- mechanism = "pod_identity"
-- cluster_name = "green"
-- service_account = "pay"
-- age_seconds = 10800
-- expected_seconds = 21600
--
-- [[test]]
-- name   = "silence does not wear the rhythm off: twenty hours after the last renewal it is still expected"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"pod_sessions","window_start":"2026-01-04T16:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767542400}
-- {"view":"pod_sessions","window_start":"2026-01-04T16:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767545700}
-- {"view":"pod_sessions","window_start":"2026-01-04T17:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767549000}
-- {"view":"pod_sessions","window_start":"2026-01-04T18:45:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767552300}
-- {"view":"pod_sessions","window_start":"2026-01-04T19:40:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767555600}
-- {"view":"pod_sessions","window_start":"2026-01-04T20:35:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767558900}
-- {"view":"pod_sessions","window_start":"2026-01-04T21:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767562200}
-- {"view":"pod_sessions","window_start":"2026-01-04T22:25:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767565500}
-- {"view":"pod_sessions","window_start":"2026-01-04T23:20:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767568800}
-- {"view":"pod_sessions","window_start":"2026-01-05T00:15:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767572100}
-- {"view":"pod_sessions","window_start":"2026-01-05T01:10:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767575400}
-- {"view":"pod_sessions","window_start":"2026-01-05T02:05:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767578700}
-- {"view":"pod_sessions","window_start":"2026-01-05T03:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767582000}
-- {"view":"pod_sessions","window_start":"2026-01-05T03:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767585300}
-- {"view":"pod_sessions","window_start":"2026-01-05T04:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767588600}
-- {"view":"pod_sessions","window_start":"2026-01-05T05:45:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767591900}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:40:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767595200}
-- {"view":"pod_sessions","window_start":"2026-01-05T07:35:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767598500}
-- {"view":"pod_sessions","window_start":"2026-01-05T08:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767601800}
-- {"view":"pod_sessions","window_start":"2026-01-05T09:25:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767605100}
-- {"view":"pod_sessions","window_start":"2026-01-05T10:20:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767608400}
-- {"view":"pod_sessions","window_start":"2026-01-05T11:15:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767611700}
-- {"view":"pod_sessions","window_start":"2026-01-05T12:10:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767615000}
-- {"view":"pod_sessions","window_start":"2026-01-05T13:05:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767618300}
-- {"view":"pod_sessions","window_start":"2026-01-05T14:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767621600}
-- {"view":"pod_sessions","window_start":"2026-01-05T14:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767624900}
-- {"view":"pod_sessions","window_start":"2026-01-05T15:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767628200}
-- '''
-- [[test.rows]]
-- service_account = "cart"
-- age_seconds = 72600
-- expected_seconds = 3600
--
-- [[test]]
-- name   = "two providers of one cluster name are one service account, and two windows of one moment are one"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"pod_sessions","window_start":"2026-01-06T11:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767697200}
-- {"view":"pod_sessions","window_start":"2026-01-06T11:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767697200}
-- {"view":"pod_sessions","window_start":"2026-01-06T10:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767693600}
-- {"view":"pod_sessions","window_start":"2026-01-06T10:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767693600}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767690000}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767690000}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686400}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686400}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767679200}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767679200}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767675600}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767675600}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767672000}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767672000}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767668400}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"CD34","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767668400}
-- '''
-- [[test.rows]]
-- service_account = "cart"
-- age_seconds = 3600
-- expected_seconds = 3600
--
-- [[test]]
-- name   = "a cluster that the configuration names from eight o'clock on is the same cluster: who renews is not missed, and who ended before is, by its new name"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"pod_sessions","window_start":"2026-01-06T00:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767657600}
-- {"view":"pod_sessions","window_start":"2026-01-06T00:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767659400}
-- {"view":"pod_sessions","window_start":"2026-01-06T01:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767661200}
-- {"view":"pod_sessions","window_start":"2026-01-06T01:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767663000}
-- {"view":"pod_sessions","window_start":"2026-01-06T02:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767664800}
-- {"view":"pod_sessions","window_start":"2026-01-06T02:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767666600}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767668400}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767670200}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767672000}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767673800}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767675600}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767677400}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767679200}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767681000}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767684600}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686400}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767688200}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767690000}
-- {"view":"pod_sessions","window_start":"2026-01-06T09:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767691800}
-- {"view":"pod_sessions","window_start":"2026-01-06T10:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767693600}
-- {"view":"pod_sessions","window_start":"2026-01-06T10:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767695400}
-- {"view":"pod_sessions","window_start":"2026-01-06T11:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767697200}
-- {"view":"pod_sessions","window_start":"2026-01-06T11:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767699000}
-- {"view":"pod_sessions","window_start":"2026-01-06T00:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767659400}
-- {"view":"pod_sessions","window_start":"2026-01-06T01:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767663000}
-- {"view":"pod_sessions","window_start":"2026-01-06T02:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767666600}
-- {"view":"pod_sessions","window_start":"2026-01-06T03:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767670200}
-- {"view":"pod_sessions","window_start":"2026-01-06T04:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767673800}
-- {"view":"pod_sessions","window_start":"2026-01-06T05:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767677400}
-- {"view":"pod_sessions","window_start":"2026-01-06T06:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767681000}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:30:00Z","mechanism":"irsa","cluster_name":"AB12","oidc_id":"AB12","namespace":"shop","service_account":"pay","role_arn":"arn:aws:iam::111122223333:role/pay","sessions":1,"last_seen":1767684600}
-- '''
-- [[test.rows]]
-- mechanism = "irsa"
-- cluster_name = "blue"
-- service_account = "cart"
-- age_seconds = 1800
-- expected_seconds = 3600
-- [[test.rows]]
-- mechanism = "irsa"
-- cluster_name = "blue"
-- service_account = "pay"
-- age_seconds = 16200
-- expected_seconds = 3600
--
-- [[test]]
-- name   = "a job of one hour, one that runs twice a day, and one that ended yesterday have no rhythm to miss"
-- at     = 2026-01-06T12:00:00Z
-- input  = '''
-- {"view":"pod_sessions","window_start":"2026-01-06T07:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767682800}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:05:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767683100}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:10:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767683400}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:15:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767683700}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:20:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767684000}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:25:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767684300}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767684600}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:35:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767684900}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:40:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767685200}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:45:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767685500}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767685800}
-- {"view":"pod_sessions","window_start":"2026-01-06T07:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686100}
-- {"view":"pod_sessions","window_start":"2026-01-06T08:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"cart","role_arn":"arn:aws:iam::111122223333:role/cart","sessions":1,"last_seen":1767686400}
-- {"view":"pod_sessions","window_start":"2026-01-05T00:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"report","role_arn":"arn:aws:iam::111122223333:role/report","sessions":1,"last_seen":1767571200}
-- {"view":"pod_sessions","window_start":"2026-01-05T12:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"report","role_arn":"arn:aws:iam::111122223333:role/report","sessions":1,"last_seen":1767614400}
-- {"view":"pod_sessions","window_start":"2026-01-06T00:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"report","role_arn":"arn:aws:iam::111122223333:role/report","sessions":1,"last_seen":1767657600}
-- {"view":"pod_sessions","window_start":"2026-01-04T13:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767531600}
-- {"view":"pod_sessions","window_start":"2026-01-04T13:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767534900}
-- {"view":"pod_sessions","window_start":"2026-01-04T14:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767538200}
-- {"view":"pod_sessions","window_start":"2026-01-04T15:45:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767541500}
-- {"view":"pod_sessions","window_start":"2026-01-04T16:40:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767544800}
-- {"view":"pod_sessions","window_start":"2026-01-04T17:35:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767548100}
-- {"view":"pod_sessions","window_start":"2026-01-04T18:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767551400}
-- {"view":"pod_sessions","window_start":"2026-01-04T19:25:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767554700}
-- {"view":"pod_sessions","window_start":"2026-01-04T20:20:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767558000}
-- {"view":"pod_sessions","window_start":"2026-01-04T21:15:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767561300}
-- {"view":"pod_sessions","window_start":"2026-01-04T22:10:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767564600}
-- {"view":"pod_sessions","window_start":"2026-01-04T23:05:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767567900}
-- {"view":"pod_sessions","window_start":"2026-01-05T00:00:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767571200}
-- {"view":"pod_sessions","window_start":"2026-01-05T00:55:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767574500}
-- {"view":"pod_sessions","window_start":"2026-01-05T01:50:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767577800}
-- {"view":"pod_sessions","window_start":"2026-01-05T02:45:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767581100}
-- {"view":"pod_sessions","window_start":"2026-01-05T03:40:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767584400}
-- {"view":"pod_sessions","window_start":"2026-01-05T04:35:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767587700}
-- {"view":"pod_sessions","window_start":"2026-01-05T05:30:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767591000}
-- {"view":"pod_sessions","window_start":"2026-01-05T06:25:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767594300}
-- {"view":"pod_sessions","window_start":"2026-01-05T07:20:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767597600}
-- {"view":"pod_sessions","window_start":"2026-01-05T08:15:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767600900}
-- {"view":"pod_sessions","window_start":"2026-01-05T09:10:00Z","mechanism":"irsa","cluster_name":"blue","oidc_id":"AB12","namespace":"shop","service_account":"old","role_arn":"arn:aws:iam::111122223333:role/old","sessions":1,"last_seen":1767604200}
-- '''
-- rows   = []
-- ---
WITH seen AS (
    SELECT
        mechanism, cluster_name, oidc_id, namespace, service_account, role_arn, last_seen,
        to_unixtime(schedule.at) AS seconds_now
    FROM pod_sessions
    INNER JOIN schedule
        ON pod_sessions.window_start > schedule.at - INTERVAL '48 hours'
        AND pod_sessions.window_start <= schedule.at
),
-- Rows keep the name that the configuration gave the cluster when they were written: its OIDC id
-- until it had one. The newest name is that of all rows, or naming a cluster would end its rhythms.
names AS (
    SELECT
        oidc_id AS named_id,
        first_value(cluster_name ORDER BY CASE cluster_name WHEN oidc_id THEN 1 ELSE 0 END, last_seen DESC, cluster_name)
            AS newest_name
    FROM seen
    WHERE mechanism = 'irsa' AND oidc_id <> 'unknown'
    GROUP BY 1
),
recent AS (
    SELECT
        mechanism, coalesce(newest_name, cluster_name) AS cluster_name, namespace, service_account, role_arn, last_seen, seconds_now,
        max(last_seen) OVER (
            PARTITION BY mechanism, coalesce(newest_name, cluster_name), namespace, service_account, role_arn
        ) AS newest
    FROM seen
    LEFT JOIN names ON named_id = oidc_id
),
gaps AS (
    -- The rhythm of the 24 hours that end with the last session: silence does not wear it off.
    SELECT
        mechanism, cluster_name, namespace, service_account, role_arn, last_seen, seconds_now, newest,
        last_seen - lag(last_seen) OVER (
            PARTITION BY mechanism, cluster_name, namespace, service_account, role_arn ORDER BY last_seen
        ) AS gap_seconds
    FROM recent
    WHERE last_seen > newest - 86400
)
SELECT
    mechanism,
    cluster_name,
    namespace,
    service_account,
    role_arn,
    greatest(max(seconds_now) - max(newest), 0)                                             AS age_seconds,
    greatest(max(gap_seconds), CASE mechanism WHEN 'pod_identity' THEN 21600 ELSE 3600 END) AS expected_seconds
FROM gaps
GROUP BY 1, 2, 3, 4, 5
-- Regular: over six hours at least, with no gap of more than a third of the time.
HAVING max(newest) - min(last_seen) >= 21600
   AND max(gap_seconds) * 3 <= max(newest) - min(last_seen)
   AND max(seconds_now) - max(newest) < 86400
