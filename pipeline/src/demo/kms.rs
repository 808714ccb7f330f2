//! KMS: mostly working, sometimes refused, and throttled where it hurts.
//!
//! Must hold: the quota is the caller's, so a throttled call is logged in the caller's account
//! only; whether the key was foreign is known only where the record names it (domain 4.2).

use serde_json::json;

use super::identity::Session;
use super::record::{Record, Trail};
use super::sts::foreign_caller;
use super::world::{
    CHECKOUT, EU, EXPORTER, INGEST, PAYMENTS, SERVICE_ACCOUNTS, SHARED, ServiceAccount, WORKER,
    WORKLOAD,
};

/// Who owns the key, and whether the record of a throttled call says so.
#[derive(Debug, Clone, Copy)]
enum Key {
    Own,
    Foreign,
    Unnamed,
}

const THROTTLES: [&str; 2] = [
    "Rate exceeded",
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
];

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    let slot = trail.slot;
    for _ in 0..slot.times(2, 20) {
        throttled(trail, PAYMENTS, Key::Unnamed);
    }
    for _ in 0..slot.times(1, 6) {
        throttled(trail, WORKER, Key::Unnamed);
    }
    for _ in 0..slot.times(1, 8) {
        throttled(trail, CHECKOUT, Key::Foreign);
    }
    for _ in 0..2 {
        throttled(trail, EXPORTER, Key::Own);
        throttled(trail, PAYMENTS, Key::Foreign);
    }
    refused(trail, INGEST);
    used_by_both(trail);
}

fn throttled(trail: &mut Trail<'_>, of: ServiceAccount, key: Key) {
    let session = trail.pod_session(of);
    let owner = if matches!(key, Key::Foreign) {
        SHARED
    } else {
        WORKLOAD
    };
    let mut record = use_key(trail, &session, of.cluster.region, owner);
    let message = trail.dice.pick(&THROTTLES);
    let cross_account = match key {
        Key::Unnamed => {
            record.fail_bare("ThrottlingException", message);
            "unknown"
        }
        Key::Own | Key::Foreign => {
            record.fail("ThrottlingException", message);
            if owner == WORKLOAD { "no" } else { "yes" }
        }
    };
    let caller_and_region = [WORKLOAD, of.role_arn, of.cluster.region];
    trail
        .truth
        .count_kms_throttle(caller_and_region, cross_account);
    trail.records.push(record);
}

/// Refused, which is no throttle; the message does not name the key.
fn refused(trail: &mut Trail<'_>, of: ServiceAccount) {
    let session = trail.pod_session(of);
    let mut record = use_key(trail, &session, of.cluster.region, SHARED);
    let message = format!(
        "User: {} is not authorized to perform: kms:Decrypt on the resource associated with this \
         ciphertext because the resource does not exist in this Region, no resource-based policies \
         allow access, or a resource-based policy explicitly denies access",
        session.arn()
    );
    record.event_name = "Decrypt";
    record.fail("AccessDenied", message);
    record.resources = None;
    trail.records.push(record);
}

/// A key of the caller's account does its work.
pub(super) fn used(trail: &mut Trail<'_>) {
    let of = trail.dice.pick(&SERVICE_ACCOUNTS);
    let session = trail.pod_session(of);
    let record = use_key(trail, &session, of.cluster.region, WORKLOAD);
    trail.records.push(record);
}

/// A key of the other account does its work: both accounts hear of it.
pub(super) fn used_by_both(trail: &mut Trail<'_>) {
    let of = trail.dice.pick(&[PAYMENTS, CHECKOUT, WORKER]);
    let session = trail.pod_session(of);
    let mut record = use_key(trail, &session, of.cluster.region, SHARED);
    record.shared_event_id = Some(trail.dice.uuid());
    let mut copy = record.clone();
    copy.event_id = trail.dice.uuid();
    copy.recipient_account_id = SHARED;
    copy.user_identity = foreign_caller(&session);
    trail.records.push(record);
    trail.records.push(copy);
}

/// Secrets Manager decrypts on behalf of a role.
pub(super) fn used_by_service(trail: &mut Trail<'_>) {
    let session = trail.pod_session(CHECKOUT);
    let mut record = use_key(trail, &session, EU, WORKLOAD);
    record.by_service("secretsmanager.amazonaws.com");
    if let Some(identity) = record.user_identity.as_object_mut() {
        identity.insert(
            "invokedBy".to_owned(),
            json!("secretsmanager.amazonaws.com"),
        );
    }
    record.event_name = "Decrypt";
    record.request_parameters = json!({
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {
            "SecretARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/checkout-AbCdEf",
            "SecretVersionId": trail.dice.uuid(),
        },
    });
    trail.records.push(record);
}

/// A successful use of a key, as the caller's account sees it.
fn use_key(
    trail: &mut Trail<'_>,
    session: &Session,
    region: &'static str,
    owner: &'static str,
) -> Record {
    let key_id = trail.dice.pick(&[
        "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "1b2c3d4e-5f6a-4b7c-9d8e-0f1a2b3c4d5e",
    ]);
    let key_arn = format!("arn:aws:kms:{region}:{owner}:key/{key_id}");
    let name = trail
        .dice
        .pick(&["Decrypt", "Decrypt", "Decrypt", "GenerateDataKey"]);
    let mut record = trail.call(session.account(), region, "kms", name);
    record.user_identity = trail.assumed_role(session);
    record.user_agent = session.user_agent.into();
    let context = json!({"aws:ebs:id": format!("vol-0{}", trail.dice.hex(16))});
    record.request_parameters = if name == "Decrypt" {
        // The ciphertext names its key, so most callers do not.
        json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context})
    } else {
        json!({"keyId": key_arn, "keySpec": "AES_256", "encryptionContext": context})
    };
    record.resources = Some(json!([{"accountId": owner, "type": "AWS::KMS::Key", "ARN": key_arn}]));
    record
}
