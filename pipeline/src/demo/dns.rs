//! ExternalDNS at Route 53: reading every minute, and two of them that undo each other's work
//! (domain 6.2).

use serde_json::{Value, json};

use super::record::Record;
use super::refusal::NO_IDENTITY_POLICY;
use super::trail::Trail;
use super::world::{EXTERNAL_DNS, ServiceAccount, US};

const ZONE: &str = "Z0123456789ABCDEFGHIJ";
/// A zone that the role may not touch.
const FOREIGN_ZONE: &str = "Z9876543210ABCDEFGHIJ";

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    write(
        trail,
        EXTERNAL_DNS,
        &[
            ("UPSERT", "cart.shop.example."),
            ("UPSERT", "orders.shop.example."),
        ],
    );
    // Calm, the record is written once; then one instance takes away what the other has written.
    if trail.slot.incident {
        for action in ["CREATE", "DELETE", "CREATE", "DELETE"] {
            write(trail, EXTERNAL_DNS, &[(action, "preview.shop.example.")]);
        }
    }
    for _ in 0..trail.slot.times(1, 9) {
        throttled(trail, EXTERNAL_DNS);
    }
    refused(trail, EXTERNAL_DNS);
}

/// One of the calls that are made all the time.
pub(super) fn synchronise(trail: &mut Trail<'_>) {
    if trail.dice.chance(30) {
        write(trail, EXTERNAL_DNS, &[("UPSERT", "cart.shop.example.")]);
        return;
    }
    let mut record = call(trail, EXTERNAL_DNS, "ListResourceRecordSets");
    record.request_parameters = json!({"hostedZoneId": ZONE});
    count(trail, record, ZONE);
}

fn call(trail: &mut Trail<'_>, of: ServiceAccount, name: &'static str) -> Record {
    let session = trail.pod_session(of);
    trail.call_by(&session, US, "route53", name)
}

fn count(trail: &mut Trail<'_>, mut record: Record, zone: &str) {
    let (caller, outcome) = (record.made.caller.clone(), record.made.outcome.text());
    record.counts(("route53_calls", "calls"), &[zone, &caller, outcome]);
    trail.push(record);
}

fn batch(zone: &str, changes: &[(&str, &str)]) -> Value {
    let changes = changes.iter().map(|(action, name)| {
        json!({"action": action, "resourceRecordSet": {
            "name": name, "type": "A", "tTL": 300, "resourceRecords": [{"value": "10.20.4.17"}],
        }})
    });
    json!({"hostedZoneId": zone, "changeBatch": {"changes": changes.collect::<Vec<_>>()}})
}

/// A change of records that Route 53 takes.
fn write(trail: &mut Trail<'_>, of: ServiceAccount, changes: &[(&str, &str)]) {
    let mut record = call(trail, of, "ChangeResourceRecordSets");
    record.read_only = false;
    record.request_parameters = batch(ZONE, changes);
    let change = format!("/change/C{}", trail.dice.hex(20).to_uppercase());
    record.response_elements = json!({"changeInfo": {"id": change, "status": "PENDING"}});
    record.additional_event_data = Some(json!({"Note": "Do not use to reconstruct hosted zone"}));
    let caller = record.made.caller.clone();
    for (action, _) in changes {
        record.counts(("route53_changes", "changes"), &[ZONE, &caller, action]);
        // What is taken away was written by such a call before.
        if *action == "DELETE" {
            record.counts(("route53_flip_flops", "turns"), &[ZONE, &caller]);
        }
    }
    count(trail, record, ZONE);
}

fn throttled(trail: &mut Trail<'_>, of: ServiceAccount) {
    let mut record = call(trail, of, "ChangeResourceRecordSets");
    record.read_only = false;
    let (code, message) = trail.dice.pick(&[
        ("Throttling", "Rate exceeded"),
        (
            "PriorRequestNotComplete",
            "The request was rejected because Route 53 was still processing a prior request.",
        ),
    ]);
    record.throttle(code, message);
    record.strip();
    count(trail, record, "unknown");
}

fn refused(trail: &mut Trail<'_>, of: ServiceAccount) {
    let session = trail.pod_session(of);
    let mut record = trail.call_by(&session, US, "route53", "ChangeResourceRecordSets");
    record.read_only = false;
    record.request_parameters = batch(FOREIGN_ZONE, &[("UPSERT", "cart.shop.example.")]);
    let action = "route53:ChangeResourceRecordSets";
    let zone = format!("arn:aws:route53:::hostedzone/{FOREIGN_ZONE}");
    let message = NO_IDENTITY_POLICY.message(&session.arn(), action, &zone);
    record.deny("AccessDenied", message, NO_IDENTITY_POLICY, action);
    count(trail, record, FOREIGN_ZONE);
}
