//! The five minutes of records that are in the making.
//!
//! Must hold: what is pushed is counted, once.

use serde_json::{Value, json};

use super::aftermath::Aftermath;
use super::dice::Dice;
use super::identity::Session;
use super::object::time_text;
use super::plan::{SLOT_SECONDS, Slot};
use super::record::{Made, Record, SESSION_TOKEN_MARK};
use super::truth::{Adds, Fact, Truth};
use super::world::{LOAD_BALANCER_CONTROLLER_AGENT, is_node_agent};

/// The records of one slot, of both accounts and both regions.
#[derive(Debug)]
pub(super) struct Trail<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) truth: &'a mut Truth,
    pub(super) slot: Slot,
    pub(super) records: Vec<Record>,
}

impl Trail<'_> {
    /// A successful call, still without caller, parameters and resources.
    pub(super) fn call(
        &mut self,
        account: &'static str,
        region: &'static str,
        service: &str,
        name: &'static str,
    ) -> Record {
        // Services write different versions at the same moment (domain 1.5).
        let event_version = match service {
            "sts" | "route53" => "1.08",
            "kms" | "s3" => self.dice.pick(&["1.08", "1.09", "1.10"]),
            _ => self.dice.pick(&["1.08", "1.09", "1.10", "1.11"]),
        };
        let epoch = self.event_time();
        let mut record = Record {
            event_version,
            user_identity: Value::Null,
            event_time: String::new(),
            event_source: format!("{service}.amazonaws.com"),
            event_name: name,
            aws_region: region,
            source_ip_address: self.dice.internet_address(),
            user_agent: String::new(),
            error_code: None,
            error_message: None,
            request_parameters: Value::Null,
            response_elements: Value::Null,
            additional_event_data: None,
            request_id: self.dice.uuid(),
            event_id: self.dice.uuid(),
            read_only: true,
            resources: None,
            event_type: "AwsApiCall",
            management_event: true,
            recipient_account_id: account,
            shared_event_id: None,
            service_event_details: None,
            vpc_endpoint_id: None,
            vpc_endpoint_account_id: None,
            event_category: "Management",
            tls_details: Some(self.tls_details(&host(service, region))),
            session_credential_from_console: None,
            made: Made::default(),
        };
        record.at(epoch);
        record
    }

    /// A call of a role's session; its account hears of it.
    pub(super) fn call_by(
        &mut self,
        session: &Session,
        region: &'static str,
        service: &str,
        name: &'static str,
    ) -> Record {
        let mut record = self.call(session.account(), region, service, name);
        record.user_identity = self.assumed_role(session);
        record.user_agent = session.user_agent.into();
        session.role_arn.clone_into(&mut record.made.caller);
        record.made.is_workload = true;
        record.made.on_instance = session.on_instance;
        record.made.pod = session.pod;
        record
    }

    /// The record is done: it is written, and what it adds to the signals is planted.
    pub(super) fn push(&mut self, record: Record) {
        let labels = [record.recipient_account_id, record.aws_region];
        self.truth.add(("trail_freshness", "events"), &labels, 1);
        let epoch = record.made.epoch;
        self.truth
            .newest(("trail_freshness", "newest"), &labels, epoch);
        let service = record.service();
        if record.user_agent == LOAD_BALANCER_CONTROLLER_AGENT && service != "sts" {
            let kind = if record.read_only { "read" } else { "write" };
            let (caller, outcome) = (&record.made.caller, record.made.outcome.text());
            let controller = "aws-load-balancer-controller";
            let labels = [
                controller,
                caller,
                &service,
                record.event_name,
                kind,
                outcome,
            ];
            self.truth.add(("ingress_reconciles", "calls"), &labels, 1);
        }
        if let Some((cluster, evidence)) = shows_a_node(&record) {
            let role = record.made.caller.clone();
            let labels = [&role, cluster, evidence];
            self.truth.add(("node_role_evidence", "calls"), &labels, 1);
            self.truth.aftermath.nodes.shown(&role, cluster, evidence);
        }
        for fact in &record.made.facts {
            self.truth.plant(fact, epoch);
            remember(&mut self.truth.aftermath, fact, &record);
        }
        self.records.push(record);
    }

    /// Mostly in this slot; some events are delivered five minutes late.
    fn event_time(&mut self) -> i64 {
        let late = self.slot.index > 0 && self.dice.chance(15);
        let start = self.slot.start - if late { SLOT_SECONDS } else { 0 };
        start + self.dice.between(0, SLOT_SECONDS - 1)
    }

    pub(super) fn tls_details(&mut self, host: &str) -> Value {
        let mut details = json!({
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        });
        if let (true, Some(fields)) = (self.dice.chance(30), details.as_object_mut()) {
            fields.insert("keyExchange".to_owned(), json!("X25519MLKEM768"));
        }
        details
    }

    /// What STS answers: keys in the clear, which is why they must be dropped while decoding.
    pub(super) fn credentials(&mut self) -> Value {
        let expires = self.slot.start + 3600 + self.dice.between(0, 299);
        json!({
            "accessKeyId": self.dice.access_key_id(),
            "sessionToken": format!("{SESSION_TOKEN_MARK}{}==", self.dice.alphanumeric(340)),
            "expiration": time_text(expires, "%b %-d, %Y, %-I:%M:%S %p"),
        })
    }
}

/// Keeps what only several records together say.
fn remember(aftermath: &mut Aftermath, fact: &Fact, record: &Record) {
    let labels: Vec<_> = fact.labels.split(' ').collect();
    let account = record.recipient_account_id;
    let epoch = record.made.epoch;
    match (fact.signal, &labels[..]) {
        ("changes", [kind, ..]) => aftermath.change(kind, account, epoch),
        ("node_role_fallback", &[role, service, _, outcome]) => {
            aftermath.nodes.called((role, service, outcome), epoch);
        }
        ("cluster_upgrades", &[account, region, cluster, _, _, kind, _]) => {
            let of = [account, region, cluster];
            aftermath.upgrades.begun(kind, of, epoch);
        }
        ("target_churn", &[account, region, group, api, caller]) => {
            let of = [account, region, group, api, caller];
            if let Adds::Number(targets) = fact.adds {
                aftermath.upgrades.moved(of, targets, epoch);
            }
        }
        ("pod_sessions", &[_, cluster, _, _, role]) => aftermath.upgrades.pod(cluster, role),
        _ => {}
    }
}

/// What a call says of its caller's role when only a node makes it: the cluster, where it is named,
/// and the kind of evidence.
fn shows_a_node(record: &Record) -> Option<(&str, &'static str)> {
    let is_fetch = record.event_name == "AssumeRoleForPodIdentity";
    if is_fetch && (record.made.on_instance || record.error_code.is_none()) {
        let name = record.request_parameters.get("clusterName");
        Some((
            name.and_then(Value::as_str).unwrap_or("unknown"),
            "pod_identity",
        ))
    } else if record.made.on_instance && is_node_agent(&record.user_agent) {
        Some(("unknown", "node_agent"))
    } else {
        None
    }
}

/// The host that a regional client names.
fn host(service: &str, region: &str) -> String {
    match service {
        "eks-auth" => format!("eks-auth.{region}.api.aws"),
        "ecr" => format!("api.ecr.{region}.amazonaws.com"),
        "route53" => "route53.amazonaws.com".to_owned(),
        _ => format!("{service}.{region}.amazonaws.com"),
    }
}
