//! A CloudTrail record, and what the generator knows of it without writing it down.
//!
//! Must hold: an event is counted in the truth where it is made, and nowhere else.

use serde::Serialize;
use serde_json::Value;

use super::object::time_text;
use super::refusal::Reason;
use super::truth::{Adds, Fact};
use super::world::ServiceAccount;

/// Stands at the start of every session token that is generated. No token may reach a lake, so
/// this text must never be found in one.
pub const SESSION_TOKEN_MARK: &str = "FwoGZXIvYXdzEXAMPLETOKEN";

/// The fields in the order in which CloudTrail writes them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) event_version: &'static str,
    pub(super) user_identity: Value,
    pub(super) event_time: String,
    pub(super) event_source: String,
    pub(super) event_name: &'static str,
    pub(super) aws_region: &'static str,
    #[serde(rename = "sourceIPAddress")]
    pub(super) source_ip_address: String,
    pub(super) user_agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<String>,
    pub(super) request_parameters: Value,
    pub(super) response_elements: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_event_data: Option<Value>,
    #[serde(rename = "requestID", skip_serializing_if = "String::is_empty")]
    pub(super) request_id: String,
    #[serde(rename = "eventID")]
    pub(super) event_id: String,
    pub(super) read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resources: Option<Value>,
    pub(super) event_type: &'static str,
    pub(super) management_event: bool,
    pub(super) recipient_account_id: &'static str,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    pub(super) shared_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_event_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_endpoint_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_endpoint_account_id: Option<&'static str>,
    pub(super) event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_credential_from_console: Option<&'static str>,
    #[serde(skip)]
    pub(super) made: Made,
}

/// What is known of a record where it is made.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// As a label names the caller: the role behind a session, else the best that there is.
    pub(super) caller: String,
    /// The caller's credentials are an instance's.
    pub(super) on_instance: bool,
    /// A role's session or a web identity, as the caller's account sees it.
    pub(super) is_workload: bool,
    /// The pod that the caller's key was issued to by a record of this load.
    pub(super) pod: Option<ServiceAccount>,
    pub(super) outcome: Outcome,
    pub(super) epoch: i64,
    /// What the record adds to the signals.
    pub(super) facts: Vec<Fact>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    #[default]
    Success,
    Throttled,
    Denied,
    Other,
}

impl Outcome {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Other => "other",
        }
    }
}

impl Record {
    /// The record adds one to a signal's measure.
    pub(super) fn counts(&mut self, of: (&'static str, &'static str), labels: &[&str]) {
        self.counts_many(of, labels, 1);
    }

    pub(super) fn counts_many(
        &mut self,
        of: (&'static str, &'static str),
        labels: &[&str],
        amount: u64,
    ) {
        self.adds(of, labels, Adds::Number(amount));
    }

    /// The measure is the time of the youngest such record.
    pub(super) fn dates(&mut self, of: (&'static str, &'static str), labels: &[&str]) {
        self.adds(of, labels, Adds::Time);
    }

    fn adds(&mut self, of: (&'static str, &'static str), labels: &[&str], adds: Adds) {
        let (signal, measure) = of;
        self.made.facts.push(Fact {
            signal,
            measure,
            labels: labels.join(" "),
            adds,
        });
    }

    /// `sts` of `sts.amazonaws.com`.
    pub(super) fn service(&self) -> String {
        let name = self.event_source.split('.').next();
        name.unwrap_or_default().to_owned()
    }

    /// The call was made at this time.
    pub(super) fn at(&mut self, epoch: i64) {
        self.made.epoch = epoch;
        self.event_time = time_text(epoch, "%Y-%m-%dT%H:%M:%SZ");
    }

    /// The call failed: CloudTrail then writes no response.
    pub(super) fn fail(&mut self, code: &'static str, message: impl Into<String>) {
        self.error_code = Some(code);
        self.error_message = Some(message.into());
        self.response_elements = Value::Null;
        self.made.outcome = Outcome::Other;
    }

    /// The call failed before its parameters were looked at.
    pub(super) fn strip(&mut self) {
        self.request_parameters = Value::Null;
        self.resources = None;
    }

    /// The caller called too often.
    pub(super) fn throttle(&mut self, code: &'static str, message: impl Into<String>) {
        self.fail(code, message);
        self.made.outcome = Outcome::Throttled;
        let (service, caller) = (self.service(), self.made.caller.clone());
        let (account, region) = (self.recipient_account_id, self.aws_region);
        let labels = [account, &service, self.event_name, &caller, region];
        self.counts(("api_throttles", "throttles"), &labels);
        if service == "sts" {
            let labels = [&caller, region, self.event_name];
            self.counts(("sts_throttles", "throttles"), &labels);
        }
    }

    /// A policy does not let the caller do it.
    pub(super) fn deny(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        reason: Reason,
        action: &str,
    ) {
        self.fail(code, message);
        self.made.outcome = Outcome::Denied;
        let (service, caller, api) = (self.service(), self.made.caller.clone(), self.event_name);
        let Reason { class, kind, .. } = reason;
        let labels = [self.recipient_account_id, &caller, &service, class, kind];
        self.counts(("denies", "denies"), &labels);
        if class == "boundary" {
            let labels = [&caller, action, reason.policy.unwrap_or("unknown")];
            self.counts(("boundary_denies", "denies"), &labels);
        }
        if action == "iam:PassRole" {
            self.counts(("passrole_denies", "denies"), &[&caller, api, class]);
        }
        if let Some(pod) = self.made.pod {
            let (cluster, namespace, name) = (pod.cluster.name, pod.namespace, pod.name);
            let labels = [cluster, namespace, name, &service, api, class];
            self.counts(("pod_access_denied", "denies"), &labels);
        }
    }

    /// The call changed something: `resource` is how a reader of the record can name it.
    pub(super) fn changes(&mut self, kind: &str, resource: &str) {
        self.read_only = false;
        let caller = self.made.caller.clone();
        let (api, account, region) = (self.event_name, self.recipient_account_id, self.aws_region);
        let labels = [kind, api, resource, &caller, account, region];
        self.counts(("changes", "changes"), &labels);
    }

    /// An AWS service made the call: its name stands for address and agent, and there is no TLS.
    pub(super) fn by_service(&mut self, service: &str) {
        self.source_ip_address = service.into();
        self.user_agent = service.into();
        self.tls_details = None;
    }

    /// The other account's copy: another event of the same call. It counts nowhere, because a
    /// pair is one call, but for what the caller of this adds to it.
    pub(super) fn copy_for(&self, account: &'static str, event_id: String) -> Self {
        let mut copy = self.clone();
        copy.event_id = event_id;
        copy.recipient_account_id = account;
        copy.made.facts.clear();
        copy
    }
}
