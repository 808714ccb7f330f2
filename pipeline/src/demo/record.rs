//! A CloudTrail record, and the five minutes of records that are in the making.
//!
//! Must hold: an event is counted in the truth where it is made, and nowhere else.

use serde::Serialize;
use serde_json::{Value, json};

use super::dice::Dice;
use super::object::time_text;
use super::plan::{SLOT_SECONDS, Slot};
use super::truth::Truth;

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
    #[serde(rename = "requestID")]
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
}

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
        Record {
            event_version,
            user_identity: Value::Null,
            event_time: self.event_time(),
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
        }
    }

    /// Mostly in this slot; some events are delivered five minutes late.
    fn event_time(&mut self) -> String {
        let late = self.slot.index > 0 && self.dice.chance(15);
        let start = self.slot.start - if late { SLOT_SECONDS } else { 0 };
        time_text(
            start + self.dice.between(0, SLOT_SECONDS - 1),
            "%Y-%m-%dT%H:%M:%SZ",
        )
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

impl Record {
    /// The call failed: CloudTrail then writes no response.
    pub(super) fn fail(&mut self, code: &'static str, message: impl Into<String>) {
        self.error_code = Some(code);
        self.error_message = Some(message.into());
        self.response_elements = Value::Null;
    }

    /// The call failed before its parameters were looked at.
    pub(super) fn fail_bare(&mut self, code: &'static str, message: impl Into<String>) {
        self.fail(code, message);
        self.request_parameters = Value::Null;
        self.resources = None;
    }

    /// An AWS service made the call: its name stands for address and agent, and there is no TLS.
    pub(super) fn by_service(&mut self, service: &str) {
        self.source_ip_address = service.into();
        self.user_agent = service.into();
        self.tls_details = None;
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
