//! KMS: mostly working, sometimes refused, and throttled where it hurts; one key is turned off.
//!
//! Must hold: the quota is the caller's, so a throttled call is logged in the caller's account
//! only; whether the key was foreign is known only where the record names it (domain 4.2).

use serde_json::json;

use super::identity::Session;
use super::record::Record;
use super::refusal::{NO_IDENTITY_POLICY, NO_RESOURCE_POLICY, Reason, UNKNOWN_KEY};
use super::sts::foreign_caller;
use super::trail::Trail;
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

/// A key that somebody turns off while it is in use.
pub(super) const RETIRED_KEY: &str =
    "arn:aws:kms:eu-west-1:111122223333:key/2c3d4e5f-6a7b-4c8d-9e0f-1a2b3c4d5e6f";

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
    refused(trail, INGEST, WORKLOAD, NO_IDENTITY_POLICY);
    for _ in 0..slot.times(1, 3) {
        refused(trail, INGEST, SHARED, UNKNOWN_KEY);
        refused(trail, EXPORTER, SHARED, NO_RESOURCE_POLICY);
    }
    for _ in 0..slot.times(1, 4) {
        turned_off(trail, CHECKOUT);
    }
    used_by_both(trail);
}

/// Neither refused nor throttled: the key is disabled, whoever asks.
fn turned_off(trail: &mut Trail<'_>, of: ServiceAccount) {
    let session = trail.pod_session(of);
    let mut record = decrypt(trail, &session, EU, WORKLOAD);
    record.resources =
        Some(json!([{"accountId": WORKLOAD, "type": "AWS::KMS::Key", "ARN": RETIRED_KEY}]));
    record.fail("DisabledException", format!("{RETIRED_KEY} is disabled."));
    let labels = [WORKLOAD, RETIRED_KEY, of.role_arn, "Decrypt", "disabled"];
    record.counts(("kms_key_failures", "failures"), &labels);
    trail.push(record);
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
    record.throttle("ThrottlingException", message);
    let cross_account = match key {
        Key::Unnamed => {
            record.strip();
            "unknown"
        }
        Key::Own => "no",
        Key::Foreign => "yes",
    };
    let (region, api) = (record.aws_region, record.event_name);
    let labels = [WORKLOAD, of.role_arn, region, api, cross_account];
    record.counts(("kms_throttles", "throttles"), &labels);
    trail.push(record);
}

/// Refused, which is no throttle. Of a ciphertext's key the message says nothing.
fn refused(trail: &mut Trail<'_>, of: ServiceAccount, owner: &'static str, reason: Reason) {
    let session = trail.pod_session(of);
    let mut record = decrypt(trail, &session, of.cluster.region, owner);
    let (owner, resource) = if reason.class == UNKNOWN_KEY.class && reason.kind == UNKNOWN_KEY.kind
    {
        (
            "unknown",
            "the resource associated with this ciphertext".to_owned(),
        )
    } else {
        (owner, key_arn(of.cluster.region, owner))
    };
    let message = reason.message(&session.arn(), "kms:Decrypt", &resource);
    record.deny("AccessDenied", message, reason, "kms:Decrypt");
    record.resources = None;
    let labels = [owner, WORKLOAD, of.role_arn, "Decrypt", reason.class];
    record.counts(("kms_denies", "denies"), &labels);
    trail.push(record);
}

/// A key of the caller's account does its work.
pub(super) fn used(trail: &mut Trail<'_>) {
    let of = trail.dice.pick(&SERVICE_ACCOUNTS);
    let session = trail.pod_session(of);
    let record = use_key(trail, &session, of.cluster.region, WORKLOAD);
    trail.push(record);
}

/// A key of the other account does its work: both accounts hear of it.
pub(super) fn used_by_both(trail: &mut Trail<'_>) {
    let of = trail.dice.pick(&[PAYMENTS, CHECKOUT, WORKER]);
    let session = trail.pod_session(of);
    let mut record = use_key(trail, &session, of.cluster.region, SHARED);
    record.shared_event_id = Some(trail.dice.uuid());
    let mut copy = record.copy_for(SHARED, trail.dice.uuid());
    copy.user_identity = foreign_caller(&session);
    trail.push(record);
    trail.push(copy);
}

/// Secrets Manager decrypts on behalf of a role.
pub(super) fn used_by_service(trail: &mut Trail<'_>) {
    let session = trail.pod_session(CHECKOUT);
    let mut record = decrypt(trail, &session, EU, WORKLOAD);
    record.by_service("secretsmanager.amazonaws.com");
    if let Some(identity) = record.user_identity.as_object_mut() {
        identity.insert(
            "invokedBy".to_owned(),
            json!("secretsmanager.amazonaws.com"),
        );
    }
    record.request_parameters = json!({
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {
            "SecretARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/checkout-AbCdEf",
            "SecretVersionId": trail.dice.uuid(),
        },
    });
    trail.push(record);
}

/// A successful use of a key, as the caller's account sees it.
fn use_key(
    trail: &mut Trail<'_>,
    session: &Session,
    region: &'static str,
    owner: &'static str,
) -> Record {
    if trail.dice.chance(75) {
        return decrypt(trail, session, region, owner);
    }
    let mut record = trail.call_by(session, region, "kms", "GenerateDataKey");
    let key_arn = key_arn(region, owner);
    let context = json!({"aws:ebs:id": format!("vol-0{}", trail.dice.hex(16))});
    record.request_parameters =
        json!({"keyId": key_arn, "keySpec": "AES_256", "encryptionContext": context});
    record.resources = Some(json!([{"accountId": owner, "type": "AWS::KMS::Key", "ARN": key_arn}]));
    record
}

/// The ciphertext names its key, so most callers do not.
fn decrypt(
    trail: &mut Trail<'_>,
    session: &Session,
    region: &'static str,
    owner: &'static str,
) -> Record {
    let mut record = trail.call_by(session, region, "kms", "Decrypt");
    let context = json!({"aws:ebs:id": format!("vol-0{}", trail.dice.hex(16))});
    record.request_parameters =
        json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context});
    let key_arn = key_arn(region, owner);
    record.resources = Some(json!([{"accountId": owner, "type": "AWS::KMS::Key", "ARN": key_arn}]));
    record
}

/// One key in each account and region.
fn key_arn(region: &str, owner: &str) -> String {
    let id = if owner == WORKLOAD {
        "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    } else {
        "1b2c3d4e-5f6a-4b7c-9d8e-0f1a2b3c4d5e"
    };
    format!("arn:aws:kms:{region}:{owner}:key/{id}")
}
