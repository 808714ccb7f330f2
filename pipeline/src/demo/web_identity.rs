//! AssumeRoleWithWebIdentity: pods, and pods whose token bears the wrong audience.
//!
//! Must hold: a mismatch is what the token's audience says, not what the message says. A refusal
//! with the right audience is a wrong subject, and stays out (domain 2.6).

use serde_json::json;

use super::identity::account_of;
use super::record::Record;
use super::refusal::UNSAID;
use super::sts::{answer, count, reached};
use super::trail::Trail;
use super::world::{
    CART, CHECKOUT, EU, EXPORTER, INGEST, JAVASCRIPT_SDK, PAYMENTS, RETIRED, SCHEDULER, SEARCH,
    SERVICE_ACCOUNTS, STS_AUDIENCE, ServiceAccount, TERRAFORM_AGENT, WORKER,
};

/// Has colons, as the provider and the subject around it have.
const VAULT_AUDIENCE: &str = "https://vault.shop.example:8200";
/// The audience of the API server, that a hand-written volume asks for.
const API_SERVER_AUDIENCE: &str = "https://kubernetes.default.svc";
/// What CloudTrail writes for every refusal of a web identity.
const REFUSAL: &str = "An unknown error occurred";

/// A pod of a cluster that nobody names any more.
const LEGACY: ServiceAccount = ServiceAccount {
    cluster: RETIRED,
    namespace: "shop",
    name: "legacy-reports",
    role_arn: "arn:aws:iam::111122223333:role/shop-legacy-reports",
    user_agent: JAVASCRIPT_SDK,
};

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    let slot = trail.slot;
    for of in SERVICE_ACCOUNTS {
        success(trail, of);
    }
    for _ in 0..slot.times(2, 9) {
        refused_by_trust_policy(trail, PAYMENTS, VAULT_AUDIENCE);
    }
    for _ in 0..2 {
        refused_by_trust_policy(trail, EXPORTER, "reports");
        refused_for_subject(trail, SEARCH);
    }
    for code in ["InvalidIdentityToken", "InvalidIdentityTokenException"] {
        refused_by_provider(trail, INGEST, API_SERVER_AUDIENCE, code);
    }
    failed(
        trail,
        SCHEDULER,
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://oidc.eks.us-east-1.amazonaws.com/id/0F1E2D3C4B5A69788796A5B4C3D2E1F0",
    );
    failed(
        trail,
        CART,
        "ExpiredTokenException",
        "Token expired: current date/time must be before the expiration date/time",
    );
    throttled(trail, CHECKOUT);
    success(trail, LEGACY);
    workflow(trail);
    workspace(trail);
}

/// A pod renews its credentials.
pub(super) fn renew(trail: &mut Trail<'_>) {
    let of = trail.dice.pick(&SERVICE_ACCOUNTS);
    success(trail, of);
}

fn success(trail: &mut Trail<'_>, of: ServiceAccount) {
    let record = signed_in(trail, of);
    trail.push(record);
}

/// A pod fetches credentials, which the record counts.
pub(super) fn signed_in(trail: &mut Trail<'_>, of: ServiceAccount) -> Record {
    let mut record = pod_call(trail, of, STS_AUDIENCE);
    count(&mut record, of.role_arn, "none");
    let cluster = if of.cluster.oidc_id == RETIRED.oidc_id {
        let labels = [RETIRED.oidc_id, of.role_arn, of.namespace, of.name];
        record.counts(("irsa_unknown_provider", "calls"), &labels);
        // Nobody knows its name.
        RETIRED.oidc_id
    } else {
        of.cluster.name
    };
    let labels = ["irsa", cluster, of.namespace, of.name, of.role_arn];
    record.counts(("pod_sessions", "sessions"), &labels);
    record
}

/// The provider takes the audience, the role's trust policy does not.
fn refused_by_trust_policy(trail: &mut Trail<'_>, of: ServiceAccount, audience: &str) {
    let mut record = pod_call(trail, of, audience);
    record.deny("AccessDenied", REFUSAL, UNSAID, "");
    count_mismatch(&mut record, "trust_policy", of, audience);
    count(&mut record, of.role_arn, "access_denied");
    trail.push(record);
}

/// The audience is not in the provider's list of client ids.
fn refused_by_provider(
    trail: &mut Trail<'_>,
    of: ServiceAccount,
    audience: &str,
    code: &'static str,
) {
    let mut record = pod_call(trail, of, audience);
    record.fail(code, "Incorrect token audience");
    record.resources = None;
    count_mismatch(&mut record, "provider_client_list", of, audience);
    count(&mut record, of.role_arn, "invalid_identity_token");
    trail.push(record);
}

fn count_mismatch(record: &mut Record, kind: &str, of: ServiceAccount, audience: &str) {
    let cluster = of.cluster.name;
    let labels = [kind, cluster, of.namespace, of.name, of.role_arn, audience];
    record.counts(("irsa_audience_mismatch", "mismatches"), &labels);
}

/// The right audience, but a service account that the trust policy does not know.
fn refused_for_subject(trail: &mut Trail<'_>, of: ServiceAccount) {
    let stranger = ServiceAccount {
        name: "indexer-canary",
        ..of
    };
    let mut record = pod_call(trail, stranger, STS_AUDIENCE);
    record.deny("AccessDenied", REFUSAL, UNSAID, "");
    let labels = [of.cluster.name, of.namespace, stranger.name, of.role_arn];
    record.counts(("irsa_trust_mismatch", "mismatches"), &labels);
    count(&mut record, of.role_arn, "access_denied");
    trail.push(record);
}

/// A failure that says nothing about the audience.
fn failed(trail: &mut Trail<'_>, of: ServiceAccount, code: &'static str, message: &str) {
    let mut record = pod_call(trail, of, STS_AUDIENCE);
    record.fail(code, message);
    record.resources = None;
    let failure = if code == "ExpiredTokenException" {
        "expired_token"
    } else {
        "invalid_identity_token"
    };
    count(&mut record, of.role_arn, failure);
    trail.push(record);
}

fn throttled(trail: &mut Trail<'_>, of: ServiceAccount) {
    let mut record = pod_call(trail, of, STS_AUDIENCE);
    record.throttle("ThrottlingException", "Rate exceeded");
    record.strip();
    count(&mut record, "unknown", "throttled");
    trail.push(record);
}

/// A CI job that is no pod: another provider, the right audience.
fn workflow(trail: &mut Trail<'_>) {
    const IMAGES: &str = "arn:aws:iam::444455556666:role/image-publisher";
    let token = Token {
        provider: "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com"
            .to_owned(),
        audience: STS_AUDIENCE,
        subject: "repo:example/shop:ref:refs/heads/main".to_owned(),
    };
    let caller = (JAVASCRIPT_SDK, "GitHubActions");
    let mut record = web_identity(trail, &token, EU, IMAGES, caller);
    count(&mut record, IMAGES, "none");
    trail.push(record);
}

/// A success with an audience of its own: unusual, and no mismatch.
fn workspace(trail: &mut Trail<'_>) {
    const NETWORK: &str = "arn:aws:iam::111122223333:role/terraform/network";
    let token = Token {
        provider: "arn:aws:iam::111122223333:oidc-provider/app.terraform.io".to_owned(),
        audience: "aws.workload.identity",
        subject: "organization:example:project:network:workspace:prod:run_phase:apply".to_owned(),
    };
    let caller = (TERRAFORM_AGENT, "run-4Jm2");
    let mut record = web_identity(trail, &token, EU, NETWORK, caller);
    count(&mut record, NETWORK, "none");
    trail.push(record);
}

/// What the caller's token says.
struct Token<'a> {
    provider: String,
    audience: &'a str,
    subject: String,
}

/// A successful call of a pod with a token for `audience`.
fn pod_call(trail: &mut Trail<'_>, of: ServiceAccount, audience: &str) -> Record {
    let token = Token {
        provider: of.cluster.identity_provider(),
        audience,
        subject: of.subject(),
    };
    let name = trail.pod_session_name(of);
    let caller = (of.user_agent, name.as_str());
    let mut record = web_identity(trail, &token, of.cluster.region, of.role_arn, caller);
    // The worker passes a session policy, so the answer says how much room it took.
    if of.role_arn == WORKER.role_arn
        && let Some(response) = record.response_elements.as_object_mut()
    {
        response.insert("packedPolicySize".to_owned(), json!(6));
    }
    record
}

fn web_identity(
    trail: &mut Trail<'_>,
    token: &Token<'_>,
    region: &'static str,
    role_arn: &'static str,
    (user_agent, session): (&str, &str),
) -> Record {
    let Token {
        provider,
        audience,
        subject,
    } = token;
    let mut record = trail.call(
        account_of(role_arn),
        region,
        "sts",
        "AssumeRoleWithWebIdentity",
    );
    record.user_agent = user_agent.into();
    // Who bears a token of a foreign provider is no name for a label.
    let is_pod = subject.starts_with("system:serviceaccount:");
    let caller = if is_pod { subject } else { provider };
    record.made.caller.clone_from(caller);
    record.made.is_workload = true;
    record.user_identity = json!({
        "type": "WebIdentityUser",
        "principalId": format!("{provider}:{audience}:{subject}"),
        "userName": subject,
        "identityProvider": provider,
    });
    record.request_parameters =
        json!({"roleArn": role_arn, "roleSessionName": session, "durationSeconds": 3600});
    answer(trail, &mut record, role_arn, session);
    if let Some(response) = record.response_elements.as_object_mut() {
        response.insert("subjectFromWebIdentityToken".to_owned(), json!(subject));
        response.insert("audience".to_owned(), json!(audience));
        response.insert("provider".to_owned(), json!(provider));
    }
    reached(trail, &mut record);
    if let Some(data) = record
        .additional_event_data
        .as_mut()
        .and_then(|data| data.as_object_mut())
    {
        data.insert(
            "identityProviderConnectionVerificationMethod".to_owned(),
            json!("IAMTrustStore"),
        );
    }
    record
}
