//! People and their long-lived keys: emergencies, the console, the root user.
//!
//! Must hold: whether a second factor was used is known of users in IAM and of root alone
//! (domain 6.6).

use serde_json::{Value, json};

use super::identity::{Session, role_id};
use super::record::Record;
use super::refusal::NO_TRUST_POLICY;
use super::sts::{answer, count, reached};
use super::trail::Trail;
use super::world::{
    ADMINISTRATOR, BREAK_GLASS, BROWSER_AGENT, CI_RUNNER, CLI_AGENT, EU, SHARED, TERRAFORM_AGENT,
    US, WORKLOAD,
};

/// A user in IAM with an access key.
#[derive(Debug, Clone, Copy, Default)]
struct User {
    name: &'static str,
    path: &'static str,
    account: &'static str,
    id: &'static str,
    key: &'static str,
}

/// The key is the one of AWS's own examples.
const ERIN: User = User {
    name: "erin",
    path: "operations/",
    account: WORKLOAD,
    id: "AIDACKCEVSQ6C2EXAMPLE",
    key: "AKIAIOSFODNN7EXAMPLE",
};
const FRANK: User = User {
    name: "frank",
    path: "",
    account: WORKLOAD,
    id: "AIDAI44QH8DHBEXAMPLE2",
    key: "AKIAI44QH8DHBEXAMPLE",
};
/// A machine that nobody has given a role yet.
const BACKUP: User = User {
    name: "backup-agent",
    path: "",
    account: SHARED,
    id: "AIDAJ45Q7YFFAREXAMPLE",
    key: "AKIAJ45Q7YFFAREXAMPL",
};

/// The calls of one slot.
pub(super) fn plant(trail: &mut Trail<'_>) {
    let slot = trail.slot;
    break_glass(trail, ERIN, true);
    backup(trail);
    if slot.incident {
        break_glass(trail, FRANK, false);
    }
    if slot.breaks {
        break_glass_refused(trail, FRANK);
        break_glass_by_role(trail);
        root_works(trail);
    }
    user_signs_in(trail, ERIN, "Yes");
    user_signs_in(trail, FRANK, "No");
    role_signs_in(trail);
    for _ in 0..slot.times(1, 5) {
        sign_in_fails(trail);
    }
}

impl User {
    fn arn(self) -> String {
        format!(
            "arn:aws:iam::{}:user/{}{}",
            self.account, self.path, self.name
        )
    }

    fn identity(self) -> Value {
        json!({
            "type": "IAMUser",
            "principalId": self.id,
            "arn": self.arn(),
            "accountId": self.account,
            "accessKeyId": self.key,
            "userName": self.name,
        })
    }
}

/// A call with a user's own key.
fn call_by_user(
    trail: &mut Trail<'_>,
    user: User,
    region: &'static str,
    service: &str,
    name: &'static str,
) -> Record {
    let mut record = trail.call(user.account, region, service, name);
    record.user_identity = user.identity();
    record.user_agent = CLI_AGENT.into();
    record.made.caller = user.arn();
    let labels = [user.account, user.name, service];
    record.counts(("long_lived_keys", "calls"), &labels);
    let labels = [user.account, user.name, user.key];
    record.dates(("long_lived_key_age", "last_use_seconds"), &labels);
    record
}

/// STS, but nobody assumes anything.
pub(super) fn caller_identity(trail: &mut Trail<'_>) {
    let record = call_by_user(trail, ERIN, EU, "sts", "GetCallerIdentity");
    trail.push(record);
}

fn backup(trail: &mut Trail<'_>) {
    let mut record = call_by_user(trail, BACKUP, US, "rds", "DescribeDBSnapshots");
    record.request_parameters = json!({"dBInstanceIdentifier": "ledger"});
    trail.push(record);
}

fn count_break_glass(record: &mut Record, kind: &str, mfa: &str, outcome: &str) {
    let labels = [BREAK_GLASS, kind, mfa, outcome];
    record.counts(("break_glass", "attempts"), &labels);
}

/// A user takes the role for emergencies, with a second factor or without.
fn break_glass(trail: &mut Trail<'_>, user: User, with_device: bool) {
    let mut record = call_by_user(trail, user, EU, "sts", "AssumeRole");
    record.request_parameters = json!({"roleArn": BREAK_GLASS, "roleSessionName": user.name});
    if let (true, Some(parameters)) = (with_device, record.request_parameters.as_object_mut()) {
        let device = format!("arn:aws:iam::{WORKLOAD}:mfa/{}", user.name);
        parameters.insert("serialNumber".to_owned(), json!(device));
    }
    answer(trail, &mut record, BREAK_GLASS, user.name);
    reached(trail, &mut record);
    count(&mut record, BREAK_GLASS, "none");
    let mfa = if with_device { "yes" } else { "no" };
    count_break_glass(&mut record, "iam_user", mfa, "success");
    trail.push(record);
}

fn break_glass_refused(trail: &mut Trail<'_>, user: User) {
    let mut record = call_by_user(trail, user, EU, "sts", "AssumeRole");
    let message = NO_TRUST_POLICY.message(&user.arn(), "sts:AssumeRole", BREAK_GLASS);
    record.deny("AccessDenied", message, NO_TRUST_POLICY, "sts:AssumeRole");
    count(&mut record, BREAK_GLASS, "access_denied");
    count_break_glass(&mut record, "iam_user", "unknown", "failure");
    trail.push(record);
}

/// Of a session that came through an identity provider nothing is known.
fn break_glass_by_role(trail: &mut Trail<'_>) {
    let session = Session::new(ADMINISTRATOR, "kim@example.com", CLI_AGENT);
    let mut record = trail.call_by(&session, EU, "sts", "AssumeRole");
    record.request_parameters = json!({"roleArn": BREAK_GLASS, "roleSessionName": "kim"});
    answer(trail, &mut record, BREAK_GLASS, "kim");
    count(&mut record, BREAK_GLASS, "none");
    count_break_glass(&mut record, "assumed_role", "unknown", "success");
    trail.push(record);
}

/// Somebody signs in to the console; `labels` are kind of user, MFA and outcome.
fn console(trail: &mut Trail<'_>, labels: [&str; 3], mfa_used: &str) -> Record {
    let mut record = trail.call(WORKLOAD, US, "signin", "ConsoleLogin");
    record.event_version = "1.08";
    record.event_type = "AwsConsoleSignIn";
    record.read_only = false;
    record.request_id = String::new();
    record.user_agent = BROWSER_AGENT.into();
    record.response_elements = json!({"ConsoleLogin": "Success"});
    record.additional_event_data = Some(json!({
        "LoginTo": "https://console.aws.amazon.com/console/home",
        "MobileVersion": "No",
        "MFAUsed": mfa_used,
    }));
    let [kind, mfa, outcome] = labels;
    let labels = [WORKLOAD, kind, mfa, outcome];
    record.counts(("console_sign_in", "sign_ins"), &labels);
    record
}

fn user_signs_in(trail: &mut Trail<'_>, user: User, mfa_used: &str) {
    let mfa = if mfa_used == "Yes" { "yes" } else { "no" };
    let mut record = console(trail, ["iam_user", mfa, "success"], mfa_used);
    record.user_identity = user.identity();
    if let Some(identity) = record.user_identity.as_object_mut() {
        identity.remove("accessKeyId");
    }
    trail.push(record);
}

/// Single sign-on: the second factor was asked for elsewhere.
fn role_signs_in(trail: &mut Trail<'_>) {
    let mut record = console(trail, ["assumed_role", "unknown", "success"], "No");
    let session = "dana@example.com";
    record.user_identity = json!({
        "type": "AssumedRole",
        "principalId": format!("{}:{session}", role_id(ADMINISTRATOR)),
        "arn": super::identity::session_arn(ADMINISTRATOR, session),
        "accountId": WORKLOAD,
    });
    trail.push(record);
}

/// A wrong password: a message, and no code.
fn sign_in_fails(trail: &mut Trail<'_>) {
    let mut record = console(trail, ["iam_user", "no", "failure"], "No");
    record.response_elements = json!({"ConsoleLogin": "Failure"});
    record.error_message = Some("Failed authentication".to_owned());
    record.user_identity = json!({
        "type": "IAMUser",
        "principalId": ERIN.id,
        "accountId": WORKLOAD,
        "accessKeyId": "",
        "userName": "HIDDEN_DUE_TO_SECURITY_REASONS",
    });
    trail.push(record);
}

/// The root user signs in and looks around.
fn root_works(trail: &mut Trail<'_>) {
    let identity = json!({
        "type": "Root",
        "principalId": WORKLOAD,
        "arn": format!("arn:aws:iam::{WORKLOAD}:root"),
        "accountId": WORKLOAD,
        "accessKeyId": "",
    });
    let mut record = console(trail, ["root", "no", "success"], "No");
    record.user_identity.clone_from(&identity);
    record.counts(("root_use", "calls"), &[WORKLOAD, "signin", "ConsoleLogin"]);
    trail.push(record);
    for (service, name) in [
        ("iam", "GetAccountSummary"),
        ("iam", "ListVirtualMFADevices"),
        ("organizations", "DescribeOrganization"),
    ] {
        let mut record = trail.call(WORKLOAD, US, service, name);
        record.user_identity.clone_from(&identity);
        record.user_identity = with_key(record.user_identity, &trail.dice.access_key_id());
        record.user_agent = BROWSER_AGENT.into();
        record.session_credential_from_console = Some("true");
        "root".clone_into(&mut record.made.caller);
        record.counts(("root_use", "calls"), &[WORKLOAD, service, name]);
        trail.push(record);
    }
}

fn with_key(mut identity: Value, key: &str) -> Value {
    if let Some(identity) = identity.as_object_mut() {
        identity.insert("accessKeyId".to_owned(), json!(key));
    }
    identity
}

/// The pipeline makes and removes roles until there is no room for more.
pub(super) fn role_churn(trail: &mut Trail<'_>) {
    let session = Session::new(CI_RUNNER, "GitHubActions", TERRAFORM_AGENT);
    for number in 0..trail.slot.times(1, 4) {
        let name = format!("preview-{number}");
        for (api, kind) in [
            ("CreateRole", "role"),
            ("AttachRolePolicy", "role_policy"),
            ("DeleteRole", "role"),
        ] {
            let mut record = trail.call_by(&session, US, "iam", api);
            record.request_parameters = json!({"roleName": name});
            if api == "CreateRole" {
                let arn = format!("arn:aws:iam::{SHARED}:role/{name}");
                record.response_elements = json!({"role": {"path": "/", "roleName": name, "roleId": role_id(&arn), "arn": arn}});
            }
            record.changes(kind, &name);
            count_churn(&mut record, "success");
            trail.push(record);
        }
    }
    for _ in 0..trail.slot.times(1, 6) {
        let mut record = trail.call_by(&session, US, "iam", "CreateRole");
        record.read_only = false;
        record.fail(
            "LimitExceededException",
            "Cannot exceed quota for RolesPerAccount: 1000",
        );
        count_churn(&mut record, "quota");
        trail.push(record);
    }
}

pub(super) fn count_churn(record: &mut Record, outcome: &str) {
    let caller = record.made.caller.clone();
    let labels = [
        record.recipient_account_id,
        &caller,
        record.event_name,
        outcome,
    ];
    record.counts(("iam_role_churn", "changes"), &labels);
}
