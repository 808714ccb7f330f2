//! One record, interpreted: from what AWS wrote to the columns of the table.
//!
//! In: a [`Record`]. Out: a [`Row`], or why there is none. Must hold: a row has an event id and a
//! time; secrets are gone (I9); what a field means is decided here and nowhere downstream.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::super::RejectReason;
use super::super::json::JsonError;
use super::super::redact::Json;
use super::columns::{Row, Text};
use super::error_class;
use super::identity;
use super::record::{Record, UnknownField};
use super::sts::Assumption;

impl<'a> Row<'a> {
    /// Interprets the record. `row_no` counts the records of the object from 1.
    pub(super) fn of(mut record: Record<'a>, row_no: u64) -> Result<Self, RejectReason> {
        let event_id = record.event_id.take().ok_or(RejectReason::EventId)?;
        let event_time = record.event_time.as_deref().and_then(epoch_millis);
        let mut row = Row {
            event_time: Some(event_time.ok_or(RejectReason::EventTime)?),
            event_id: Some(event_id),
            row_no: i64::try_from(row_no).ok(),
            shared_event_seen: Some(false),
            ..Row::default()
        };
        row.identity(&record);
        row.error(&record);
        row.sts(&record).map_err(RejectReason::from)?;
        row.json(&record).map_err(RejectReason::from)?;
        row.copied(record);
        Ok(row)
    }

    fn identity(&mut self, record: &Record<'a>) {
        let identity = &record.identity;
        self.role_arn = identity::role_arn(identity);
        self.session_name = identity::session_name(identity);
        self.is_node = Some(identity::is_node(identity, self.session_name.as_deref()));
        self.principal = identity::principal(record, &self.role_arn);
        self.aud = identity::audience(identity);
        let key_class = identity::key_class(identity.access_key_id.as_deref());
        self.key_class = Some(Cow::Borrowed(key_class));
        (self.k8s_ns, self.k8s_sa) = identity::service_account(&identity.user_name);
        self.session_created = identity.session_created.as_deref().and_then(epoch_millis);
    }

    fn error(&mut self, record: &Record<'a>) {
        let normalised = record
            .error_code
            .as_deref()
            .and_then(error_class::normalised);
        let message = record.error_message.as_deref();
        let throttle = error_class::throttle_class(normalised.as_deref(), message);
        self.throttle_class = Some(Cow::Borrowed(throttle));
        let owned = |text: Option<&str>| text.map(|text| Cow::Owned(text.to_owned()));
        if let Some(denial) = error_class::denial(normalised.as_deref(), message) {
            self.deny_class = Some(Cow::Borrowed(denial.class));
            self.deny_kind = Some(Cow::Borrowed(denial.kind));
            self.denied_action = owned(denial.action);
            self.denied_resource = owned(denial.resource);
            self.policy_arn = owned(denial.policy_arn);
            self.target_role_arn =
                error_class::role_in(Some(&denial)).map(|role| Cow::Owned(role.into_owned()));
        } else {
            self.deny_class = Some(Cow::Borrowed("none"));
            self.deny_kind = Some(Cow::Borrowed("none"));
        }
        self.error_code_norm = normalised.map(Cow::Owned);
    }

    /// The target role is named by the request, else by the resources, else by the message that
    /// [`Self::error`] has read (domain 2.2): a denied AssumeRole has only the last.
    fn sts(&mut self, record: &Record<'a>) -> Result<(), JsonError> {
        if record.event_source.as_deref() != Some("sts.amazonaws.com") {
            self.target_role_arn = None;
            return Ok(());
        }
        let sts = Assumption::of(record)?;
        let from_resources = || {
            let mut roles = record.resources.iter().filter(|resource| {
                resource.kind.as_deref() == Some("AWS::IAM::Role")
                    || resource
                        .arn
                        .as_deref()
                        .is_some_and(|arn| arn.contains(":role/"))
            });
            roles.find_map(|resource| resource.arn.clone())
        };
        self.target_role_arn = sts
            .role_arn
            .or_else(from_resources)
            .or_else(|| self.target_role_arn.take());
        self.issued_access_key_id = sts.issued_access_key_id;
        self.issued_session_arn = sts.issued_session_arn;
        self.sts_endpoint = sts.endpoint;
        self.sts_serving_region = sts.serving_region;
        self.source_identity = sts.source_identity;
        self.aud = self.aud.take().or(sts.audience);
        self.k8s_cluster = sts.cluster;
        self.k8s_ns = self.k8s_ns.take().or(sts.namespace);
        self.k8s_sa = self.k8s_sa.take().or(sts.service_account);
        self.k8s_pod = sts.pod;
        Ok(())
    }

    fn json(&mut self, record: &Record<'a>) -> Result<(), JsonError> {
        let clean = |json: Option<Json<'a>>| json.map(Json::redacted).transpose();
        self.request_parameters = clean(record.request_parameters)?;
        self.response_elements = clean(record.response_elements)?;
        self.additional_event_data = clean(record.additional_event_data)?;
        self.service_event_details = clean(record.service_event_details)?;
        self.insight_details = clean(record.insight_details)?;
        self.unknown_fields = unknown_fields(&record.unknown_fields)?;
        Ok(())
    }

    fn copied(&mut self, record: Record<'a>) {
        // Two lists of the same length, or none: what stands at one place is of one resource.
        for resource in record.resources {
            self.resource_arns.push(resource.arn);
            self.resource_accounts.push(resource.account);
        }
        for list in [&mut self.resource_arns, &mut self.resource_accounts] {
            if list.iter().all(Option::is_none) {
                list.clear();
            }
        }
        self.event_version = record.event_version;
        self.event_source = record.event_source;
        self.event_name = record.event_name;
        self.event_type = record.event_type;
        self.event_category = record.event_category;
        self.shared_event_id = record.shared_event_id;
        self.region = record.region;
        self.recipient_account_id = record.recipient_account_id;
        self.source_ip = record.source_ip;
        self.user_agent = record.user_agent;
        self.error_code = record.error_code;
        self.error_message = record.error_message;
        self.read_only = record.read_only;
        self.management_event = record.management_event;
        self.session_from_console = record.session_from_console;
        self.request_id = record.request_id;
        self.api_version = record.api_version;
        self.tls_host = record.tls_host;
        self.tls_version = record.tls_version;
        self.vpce_id = record.vpce_id;
        self.vpce_account = record.vpce_account;
        self.addendum_reason = record.addendum_reason;
        let identity = record.identity;
        self.identity_provider = identity.identity_provider.or(identity.federated_provider);
        self.identity_type = identity.kind;
        self.principal_id = identity.principal_id;
        self.arn = identity.arn;
        self.user_account_id = identity.account_id;
        self.access_key_id = identity.access_key_id;
        self.user_name = identity.user_name;
        self.ec2_role_delivery = identity.ec2_role_delivery;
        self.mfa_authenticated = identity.mfa_authenticated;
        self.invoked_by = identity.invoked_by;
        self.on_behalf_of = identity.on_behalf_of;
        self.source_identity = identity.source_identity.or(self.source_identity.take());
    }
}

/// Milliseconds since 1970 of RFC 3339 and of the basic form `20131102T010628Z` (domain 1.5).
pub(super) fn epoch_millis(text: &str) -> Option<i64> {
    let millis = if let Some(millis) = as_aws_writes_it(text.as_bytes()) {
        millis
    } else if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        time.timestamp_millis()
    } else {
        let basic = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?;
        basic.and_utc().timestamp_millis()
    };
    // SQL's `date_bin` counts in nanoseconds, which end in the year 2262.
    millis.checked_mul(1_000_000).map(|_| millis)
}

/// Milliseconds of `2026-01-05T10:21:07Z`, which nearly every time is.
fn as_aws_writes_it(text: &[u8]) -> Option<i64> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'Z',
    ] = text
    else {
        return None;
    };
    let mut digits = true;
    let mut number = |places: &[&u8]| {
        places.iter().fold(0_u32, |number, place| {
            digits &= place.is_ascii_digit();
            number * 10 + u32::from(place.wrapping_sub(b'0'))
        })
    };
    let (year, month, day) = (
        number(&[y1, y2, y3, y4]),
        number(&[m1, m2]),
        number(&[d1, d2]),
    );
    let (hour, minute, second) = (number(&[h1, h2]), number(&[n1, n2]), number(&[s1, s2]));
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let time = day.and_hms_opt(hour, minute, second)?;
    digits.then(|| time.and_utc().timestamp_millis())
}

/// Around a member of an object: a brace or comma, two quotes, a colon.
const MARKS: usize = 4;

/// The members without a column, as one JSON object, each under its path, without their secrets.
fn unknown_fields<'a>(fields: &[UnknownField<'_>]) -> Result<Text<'a>, JsonError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let lengths = fields
        .iter()
        .map(|field| field.within.len() + field.key.len() + field.value.raw.len() + MARKS);
    let mut object = String::with_capacity(lengths.sum::<usize>() + MARKS);
    for UnknownField { within, key, value } in fields {
        // By its own name: the path before it would hide what the name begins with.
        let value = value.redacted_under(key)?;
        let key = std::str::from_utf8(key).map_err(|_| JsonError::Utf8)?;
        object.push_str(if object.is_empty() { "{\"" } else { ",\"" });
        for part in [within, key, "\":", &value] {
            object.push_str(part);
        }
    }
    object.push('}');
    Ok(Some(Cow::Owned(object)))
}

impl From<JsonError> for RejectReason {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Incomplete | JsonError::Syntax => Self::MalformedJson,
            JsonError::TooDeep => Self::TooDeep,
            JsonError::Utf8 => Self::Utf8,
        }
    }
}
