//! What pods do with the credentials that were issued to them, are not allowed to do, and fail to do.
//!
//! Must hold: the call names the key that the issuing record names, and nothing else leads from
//! the one to the other. Both lie in one object: in whichever order objects are read, a reader
//! that has the use has the issue too.

use serde_json::{Value, json};

use super::dice::{ID_LETTERS, name_id};
use super::identity::Session;
use super::plan::SLOT_SECONDS;
use super::pod_identity::fetched;
use super::record::Record;
use super::refusal::{NO_IDENTITY_POLICY, Reason, SERVICE_CONTROL_POLICY};
use super::trail::Trail;
use super::web_identity::signed_in;
use super::world::{EBS_CSI, ORDERS, POD_IDENTITY, SCHEDULER, ServiceAccount, WORKLOAD};

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

/// What a pod may do, and what AWS does not.
#[derive(Debug, Clone, Copy)]
struct Failing {
    service: &'static str,
    api: &'static str,
    code: &'static str,
    message: &'static str,
    /// The code as a label has it, and whether the call reads, writes or asks for a secret.
    error: &'static str,
    kind: &'static str,
}

const ATTACHED_ELSEWHERE: Failing = Failing {
    service: "ec2",
    api: "AttachVolume",
    code: "Client.VolumeInUse",
    message: "vol-0a1b2c3d4e5f60718 is already attached to an instance",
    error: "volumeinuse",
    kind: "write",
};
const NO_SECRET: Failing = Failing {
    service: "secretsmanager",
    api: "GetSecretValue",
    code: "ResourceNotFoundException",
    message: "Secrets Manager can't find the specified secret.",
    error: "resourcenotfound",
    kind: "secret",
};
const NO_QUERY: Failing = Failing {
    service: "athena",
    api: "GetQueryExecution",
    code: "InvalidRequestException",
    message: "QueryExecution was not found",
    error: "invalidrequest",
    kind: "read",
};

/// Pods that start, fetch credentials and are refused; only while things are broken.
pub(super) fn plant(trail: &mut Trail<'_>) {
    if !trail.slot.incident {
        return;
    }
    for of in [ORDERS, SCHEDULER, EBS_CSI] {
        let mut record = signed_in(trail, of);
        // A call to the global endpoint would lie in another region's object.
        while record.aws_region != of.cluster.region {
            record = signed_in(trail, of);
        }
        issue(trail, record, of);
    }
    for of in POD_IDENTITY {
        let record = fetched(trail, of);
        issue(trail, record, of);
    }
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
    for (of, what, times) in [
        (EBS_CSI, ATTACHED_ELSEWHERE, 6),
        (notifications, NO_SECRET, 2),
        (SCHEDULER, NO_QUERY, 2),
    ] {
        for _ in 0..times {
            failed(trail, of, what);
        }
    }
}

/// The record gives this pod the key that it works with.
fn issue(trail: &mut Trail<'_>, mut record: Record, of: ServiceAccount) {
    let key = key_of(trail, of);
    if let Some(field) = record
        .response_elements
        .pointer_mut("/credentials/accessKeyId")
    {
        *field = Value::String(key);
    }
    record.at(trail.slot.start);
    trail.push(record);
}

/// A pod that starts anew has another key.
fn key_of(trail: &Trail<'_>, of: ServiceAccount) -> String {
    let name = format!("{}/{}", of.subject(), trail.slot.start);
    format!("ASIA{}", name_id(ID_LETTERS, &name, 16))
}

fn session(trail: &mut Trail<'_>, of: ServiceAccount) -> Session {
    Session {
        access_key_id: Some(key_of(trail, of)),
        pod: Some(of),
        ..trail.pod_session(of)
    }
}

fn refused(trail: &mut Trail<'_>, of: ServiceAccount, what: Forbidden) {
    let session = session(trail, of);
    let mut record = trail.call_by(&session, of.cluster.region, what.service, what.api);
    later(trail, &mut record);
    let message = what
        .reason
        .message(&session.arn(), what.action, what.resource);
    record.deny("AccessDeniedException", message, what.reason, what.action);
    trail.push(record);
}

/// Neither a refusal nor a throttle.
fn failed(trail: &mut Trail<'_>, of: ServiceAccount, what: Failing) {
    let session = session(trail, of);
    let mut record = trail.call_by(&session, of.cluster.region, what.service, what.api);
    later(trail, &mut record);
    record.read_only = what.kind != "write";
    record.fail(what.code, what.message);
    let (cluster, namespace) = (of.cluster.name, of.namespace);
    let labels = [
        cluster,
        namespace,
        of.name,
        what.service,
        what.api,
        what.kind,
        what.error,
        "any",
    ];
    record.counts(("pod_call_failures", "failures"), &labels);
    trail.push(record);
}

/// The same credentials, a call that works.
fn allowed(trail: &mut Trail<'_>, of: ServiceAccount) {
    let session = session(trail, of);
    let mut record = trail.call_by(&session, of.cluster.region, "logs", "DescribeLogGroups");
    later(trail, &mut record);
    record.request_parameters = json!({"logGroupNamePrefix": format!("/{WORKLOAD}/shop")});
    trail.push(record);
}

/// No call is older than its key.
fn later(trail: &mut Trail<'_>, record: &mut Record) {
    record.at(trail.slot.start + trail.dice.between(1, SLOT_SECONDS - 1));
}
