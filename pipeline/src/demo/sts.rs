//! AssumeRole and AssumeRoleWithSAML: who gets in, who does not, and what the record hides.
//!
//! Must hold: a cross-account pair is two records and one call; a throttled or refused call
//! names no role in its parameters (domain 2.4, 2.5).

use serde_json::{Value, json};

use super::identity::{Session, account_of, role_id, session_arn};
use super::record::Record;
use super::refusal::{NO_IDENTITY_POLICY, NO_TRUST_POLICY, Reason, SERVICE_CONTROL_POLICY, UNSAID};
use super::trail::Trail;
use super::world::{
    ADMINISTRATOR, CHECKOUT, CI_RUNNER, DEPLOY, DNS_WRITER, EU, EXPORTER, EXTERNAL_DNS,
    IMAGE_READER, LEDGER, ORDERS, PAYMENTS, PROMETHEUS, ServiceAccount, TERRAFORM_AGENT, US,
    WORKLOAD, agent_family,
};

/// How STS refuses.
const REFUSALS: [Reason; 4] = [
    UNSAID,
    NO_TRUST_POLICY,
    NO_IDENTITY_POLICY,
    SERVICE_CONTROL_POLICY,
];

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    let slot = trail.slot;
    for _ in 0..4 {
        same_account_success(trail, ORDERS, LEDGER);
        cross_account_success(trail, EXTERNAL_DNS, DNS_WRITER);
        deployment(trail);
        by_service(trail);
    }
    for _ in 0..2 {
        cross_account_success(trail, PROMETHEUS, IMAGE_READER);
    }
    for _ in 0..slot.times(1, 14) {
        refused(trail, ORDERS, LEDGER);
    }
    for _ in 0..slot.times(1, 3) {
        refused(trail, CHECKOUT, DNS_WRITER);
        throttled(trail, PAYMENTS, LEDGER);
    }
    region_disabled(trail, EXPORTER);
    sign_in(trail);
}

/// What an assumption adds to the signals about STS; `failure` is `none` for a success.
pub(super) fn count(record: &mut Record, role_arn: &str, failure: &str) {
    let outcome = if failure == "none" {
        "success"
    } else {
        "failure"
    };
    let labels = [role_arn, record.event_name, outcome, failure];
    record.counts(("sts_assume_role", "calls"), &labels);
    let owner = account_of(role_arn);
    let caller = record.recipient_account_id;
    let named = record.event_name == "AssumeRole" && !owner.is_empty();
    if named && record.made.is_workload && owner != caller {
        let labels = [caller, owner, role_arn, outcome];
        record.counts(("sts_cross_account", "calls"), &labels);
    }
}

fn same_account_success(trail: &mut Trail<'_>, caller: ServiceAccount, role_arn: &'static str) {
    let session = trail.pod_session(caller);
    let mut record = assume_role(trail, &session, caller.cluster.region, role_arn);
    count(&mut record, role_arn, "none");
    trail.push(record);
}

fn cross_account_success(trail: &mut Trail<'_>, caller: ServiceAccount, role_arn: &'static str) {
    let session = trail.pod_session(caller);
    deliver_to_both(trail, &session, caller.cluster.region, role_arn);
}

/// The pipeline of the shared account takes a role of the workload account, so that here the
/// owner's copy is delivered before the caller's.
fn deployment(trail: &mut Trail<'_>) {
    let session = Session::new(CI_RUNNER, "GitHubActions", TERRAFORM_AGENT);
    deliver_to_both(trail, &session, EU, DEPLOY);
}

/// The caller's copy and the role owner's: one call, one `sharedEventID`, two `eventID`s.
fn deliver_to_both(
    trail: &mut Trail<'_>,
    session: &Session,
    region: &'static str,
    role_arn: &'static str,
) {
    let mut record = assume_role(trail, session, region, role_arn);
    record.shared_event_id = Some(trail.dice.uuid());
    count(&mut record, role_arn, "none");
    let mut copy = record.copy_for(account_of(role_arn), trail.dice.uuid());
    copy.user_identity = foreign_caller(session);
    if trail.dice.chance(30) {
        copy.resources = None;
    }
    trail.push(record);
    trail.push(copy);
}

/// How a caller looks in the other account's copy.
pub(super) fn foreign_caller(session: &Session) -> Value {
    json!({
        "type": "AWSAccount",
        "principalId": session.principal_id(),
        "accountId": session.account(),
    })
}

/// The role stands only in the message, and the role's owner never hears of it.
fn refused(trail: &mut Trail<'_>, caller: ServiceAccount, role_arn: &'static str) {
    let session = trail.pod_session(caller);
    let mut record = assume_role(trail, &session, caller.cluster.region, role_arn);
    let reason = trail.dice.pick(&REFUSALS);
    let message = reason.message(&session.arn(), "sts:AssumeRole", role_arn);
    record.deny("AccessDenied", message, reason, "sts:AssumeRole");
    record.strip();
    count(&mut record, role_arn, "access_denied");
    trail.push(record);
}

/// Nothing in the record says which role was asked for.
fn throttled(trail: &mut Trail<'_>, caller: ServiceAccount, role_arn: &'static str) {
    let session = trail.pod_session(caller);
    let mut record = assume_role(trail, &session, caller.cluster.region, role_arn);
    let code = trail.dice.pick(&["ThrottlingException", "Throttling"]);
    record.throttle(code, "Rate exceeded");
    record.strip();
    count(&mut record, "unknown", "throttled");
    trail.push(record);
}

/// STS is switched off in the region that the caller asks (domain 2.4).
fn region_disabled(trail: &mut Trail<'_>, caller: ServiceAccount) {
    const REGION: &str = "eu-west-1";
    let session = trail.pod_session(caller);
    let mut record = trail.call_by(&session, REGION, "sts", "AssumeRole");
    record.fail(
        "RegionDisabledException",
        "STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console.",
    );
    record.counts(
        ("sts_region_disabled", "refusals"),
        &[caller.role_arn, REGION],
    );
    count(&mut record, "unknown", "region_disabled");
    trail.push(record);
}

/// A successful call in the caller's account.
fn assume_role(
    trail: &mut Trail<'_>,
    session: &Session,
    region: &'static str,
    role_arn: &'static str,
) -> Record {
    let mut record = trail.call_by(session, region, "sts", "AssumeRole");
    let name = format!(
        "aws-go-sdk-{}{:09}",
        trail.slot.start,
        trail.dice.between(0, 999_999_999)
    );
    record.request_parameters = json!({
        "roleArn": role_arn,
        "roleSessionName": name,
        "durationSeconds": 3600,
        "externalId": "shop",
    });
    answer(trail, &mut record, role_arn, &name);
    reached(trail, &mut record);
    record
}

/// The response and the resource of a role that was given.
pub(super) fn answer(
    trail: &mut Trail<'_>,
    record: &mut Record,
    role_arn: &'static str,
    session: &str,
) {
    record.response_elements = json!({
        "credentials": trail.credentials(),
        "assumedRoleUser": {
            "assumedRoleId": format!("{}:{session}", role_id(role_arn)),
            "arn": session_arn(role_arn, session),
        },
    });
    record.resources = Some(json!([
        {"accountId": account_of(role_arn), "type": "AWS::IAM::Role", "ARN": role_arn}
    ]));
}

/// Through which endpoint STS was reached. A call to the global one is logged in us-east-1
/// whoever served it; records from before 2025 do not say.
pub(super) fn reached(trail: &mut Trail<'_>, record: &mut Record) {
    let served_in = record.aws_region;
    let global = trail.dice.chance(12);
    if global {
        let local = format!("sts-global.{served_in}.amazonaws.com");
        let host = if trail.dice.chance(50) {
            "sts.amazonaws.com"
        } else {
            &local
        };
        record.tls_details = Some(trail.tls_details(host));
        record.aws_region = US;
    } else if trail.dice.chance(20) {
        record.vpc_endpoint_id = Some("vpce-0a1b2c3d4e5f60718");
        record.vpc_endpoint_account_id = Some(WORKLOAD);
        record.source_ip_address = format!("10.20.64.{}", trail.dice.between(4, 250));
    }
    let says_where = trail.dice.chance(85);
    if global && record.made.is_workload {
        let (caller, family) = (record.made.caller.clone(), agent_family(&record.user_agent));
        let region = if says_where { served_in } else { "unknown" };
        record.counts(("sts_global_endpoint", "calls"), &[&caller, family, region]);
    }
    if says_where {
        record.additional_event_data = Some(json!({
            "RequestDetails": {
                "endpointType": if global { "global" } else { "regional" },
                "awsServingRegion": served_in,
            },
            "ExtendedRequestId": format!("MTp{}", trail.dice.alphanumeric(40)),
        }));
    }
}

/// A service takes its role. It has a shared id although no other account of ours sees it.
fn by_service(trail: &mut Trail<'_>) {
    const ROLES: [(&str, &str); 3] = [
        (
            "autoscaling.amazonaws.com",
            "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        ),
        (
            "eks.amazonaws.com",
            "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
        ),
        (
            "lambda.amazonaws.com",
            "arn:aws:iam::111122223333:role/shop-image-resizer",
        ),
    ];
    let (service, role_arn) = trail.dice.pick(&ROLES);
    let mut record = trail.call(WORKLOAD, EU, "sts", "AssumeRole");
    record.by_service(service);
    record.user_identity = json!({"type": "AWSService", "invokedBy": service});
    let name = service.split('.').next().unwrap_or_default();
    record.request_parameters =
        json!({"roleArn": role_arn, "roleSessionName": name, "durationSeconds": 900});
    answer(trail, &mut record, role_arn, name);
    record.shared_event_id = Some(trail.dice.uuid());
    count(&mut record, role_arn, "none");
    trail.push(record);
}

/// A person signs in through single sign-on.
fn sign_in(trail: &mut Trail<'_>) {
    let person = trail
        .dice
        .pick(&["dana@example.com", "kim@example.com", "noor@example.com"]);
    let mut record = trail.call(WORKLOAD, EU, "sts", "AssumeRoleWithSAML");
    record.user_agent = "aws-internal/3 aws-sdk-java/1.12.780".into();
    record.user_identity = json!({
        "type": "SAMLUser",
        "principalId": format!("W4xA1b2C3d4E5f6G7h8I9j0K1l2=:{person}"),
        "userName": person,
        "identityProvider": "W4xA1b2C3d4E5f6G7h8I9j0K1l2=",
    });
    record.request_parameters = json!({
        "sAMLAssertionID": format!("_{}", trail.dice.uuid()),
        "roleSessionName": person,
        "roleArn": ADMINISTRATOR,
        "principalArn": "arn:aws:iam::111122223333:saml-provider/AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE",
        "durationSeconds": 3600,
    });
    answer(trail, &mut record, ADMINISTRATOR, person);
    count(&mut record, ADMINISTRATOR, "none");
    trail.push(record);
}
