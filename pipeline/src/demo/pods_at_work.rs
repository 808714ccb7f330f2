//! What pods do with the credentials that were issued to them, and are not allowed to do.
//!
//! Must hold: the call names the key that the issuing record names, and nothing else leads from
//! the one to the other; the issuing record is half a plan older, so that it is read first.

use serde_json::{Value, json};

use super::dice::{ID_LETTERS, name_id};
use super::identity::Session;
use super::pod_identity::fetched;
use super::record::Record;
use super::refusal::{NO_IDENTITY_POLICY, Reason, SERVICE_CONTROL_POLICY};
use super::trail::Trail;
use super::web_identity::signed_in;
use super::world::{ORDERS, POD_IDENTITY, SCHEDULER, ServiceAccount, WORKLOAD};

/// What a pod may not do.
#[derive(Debug, Clone, Copy)]
struct Forbidden {
    service: &'static str,
    api: &'static str,
    action: &'static str,
    resource: &'static str,
    reason: Reason,
}

const SECRET: Forbidden = Forbidden {
    service: "secretsmanager",
    api: "GetSecretValue",
    action: "secretsmanager:GetSecretValue",
    resource: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/payments-Zx9Yw8",
    reason: NO_IDENTITY_POLICY,
};
const QUEUE: Forbidden = Forbidden {
    service: "sqs",
    api: "GetQueueAttributes",
    action: "sqs:getqueueattributes",
    resource: "arn:aws:sqs:eu-west-1:111122223333:shop-invoices",
    reason: NO_IDENTITY_POLICY,
};
const QUERY: Forbidden = Forbidden {
    service: "athena",
    api: "GetWorkGroup",
    action: "athena:GetWorkGroup",
    resource: "arn:aws:athena:us-east-1:111122223333:workgroup/finance",
    reason: SERVICE_CONTROL_POLICY,
};

/// The credentials of the first slot, and what is done with them in the second half.
pub(super) fn plant(trail: &mut Trail<'_>) {
    if trail.slot.index == 0 {
        for of in [ORDERS, SCHEDULER] {
            let record = signed_in(trail, of);
            issue(trail, record, of);
        }
        for of in POD_IDENTITY {
            let record = fetched(trail, of);
            issue(trail, record, of);
        }
    }
    if trail.slot.incident {
        let [notifications, invoices, _] = POD_IDENTITY;
        for (of, what, times) in [
            (ORDERS, SECRET, 9),
            (SCHEDULER, QUERY, 2),
            (notifications, SECRET, 1),
            (invoices, QUEUE, 4),
        ] {
            for _ in 0..times {
                refused(trail, of, what);
            }
            allowed(trail, of);
        }
    }
}

/// The record gives this pod the key that it works with.
fn issue(trail: &mut Trail<'_>, mut record: Record, of: ServiceAccount) {
    let path = "/credentials/accessKeyId";
    if let Some(key) = record.response_elements.pointer_mut(path) {
        *key = Value::String(key_of(of));
    }
    trail.push(record);
}

fn key_of(of: ServiceAccount) -> String {
    format!("ASIA{}", name_id(ID_LETTERS, &of.subject(), 16))
}

fn session(trail: &mut Trail<'_>, of: ServiceAccount) -> Session {
    Session {
        access_key_id: Some(key_of(of)),
        pod: Some(of),
        ..trail.pod_session(of)
    }
}

fn refused(trail: &mut Trail<'_>, of: ServiceAccount, what: Forbidden) {
    let session = session(trail, of);
    let mut record = trail.call_by(&session, of.cluster.region, what.service, what.api);
    let message = what
        .reason
        .message(&session.arn(), what.action, what.resource);
    record.deny("AccessDeniedException", message, what.reason, what.action);
    trail.push(record);
}

/// The same credentials, a call that works.
fn allowed(trail: &mut Trail<'_>, of: ServiceAccount) {
    let session = session(trail, of);
    let mut record = trail.call_by(&session, of.cluster.region, "logs", "DescribeLogGroups");
    record.request_parameters = json!({"logGroupNamePrefix": format!("/{WORKLOAD}/shop")});
    trail.push(record);
}
