//! One CloudTrail record as it stands in the JSON: borrowed, not yet interpreted.
//!
//! In: a cursor at a record's brace. Out: a [`Record`] whose texts borrow from the window.
//! Must hold: every field may be missing, null, or of another type than documented (domain 1.4);
//! fields without a column are kept as JSON in `unknown_fields`; no secret hides in a text that is
//! an object (I9).

use std::borrow::Cow;

use super::super::json::{Cursor, JsonError, Kind};
use super::redact::Json;

type Text<'a> = Option<Cow<'a, str>>;

/// The fields of domain 1.3.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) event_version: Text<'a>,
    pub(super) event_time: Text<'a>,
    pub(super) event_source: Text<'a>,
    pub(super) event_name: Text<'a>,
    pub(super) region: Text<'a>,
    pub(super) source_ip: Text<'a>,
    pub(super) user_agent: Text<'a>,
    pub(super) error_code: Text<'a>,
    pub(super) error_message: Text<'a>,
    pub(super) request_id: Text<'a>,
    pub(super) event_id: Text<'a>,
    pub(super) event_type: Text<'a>,
    pub(super) event_category: Text<'a>,
    pub(super) api_version: Text<'a>,
    pub(super) recipient_account_id: Text<'a>,
    pub(super) shared_event_id: Text<'a>,
    pub(super) vpce_id: Text<'a>,
    pub(super) vpce_account: Text<'a>,
    pub(super) addendum_reason: Text<'a>,
    pub(super) tls_version: Text<'a>,
    pub(super) tls_host: Text<'a>,
    pub(super) read_only: Option<bool>,
    pub(super) management_event: Option<bool>,
    pub(super) session_from_console: Option<bool>,
    /// `None` for `null`.
    pub(super) request_parameters: Option<Json<'a>>,
    pub(super) response_elements: Option<Json<'a>>,
    pub(super) additional_event_data: Option<Json<'a>>,
    pub(super) service_event_details: Option<Json<'a>>,
    /// Of an Insights record, which has no identity, source or name (domain 1.9).
    pub(super) insight_details: Option<Json<'a>>,
    pub(super) resources: Vec<Resource<'a>>,
    pub(super) identity: UserIdentity<'a>,
    pub(super) unknown_fields: Vec<UnknownField<'a>>,
}

/// A member without a column.
#[derive(Debug)]
pub(super) struct UnknownField<'a> {
    /// Where it stands: empty at the top, else a path that ends in a dot.
    pub(super) within: &'static str,
    /// Raw, between its quotes.
    pub(super) key: &'a [u8],
    pub(super) value: Json<'a>,
}

/// One element of `resources`.
#[derive(Debug, Default)]
pub(super) struct Resource<'a> {
    /// `ARN`, or `ARNPrefix` where S3 wrote that instead.
    pub(super) arn: Text<'a>,
    pub(super) account: Text<'a>,
    pub(super) kind: Text<'a>,
}

/// `userIdentity`, with what matters of `sessionContext` lifted up (domain 1.5).
#[derive(Debug, Default)]
pub(super) struct UserIdentity<'a> {
    pub(super) kind: Text<'a>,
    pub(super) principal_id: Text<'a>,
    pub(super) arn: Text<'a>,
    pub(super) account_id: Text<'a>,
    pub(super) access_key_id: Text<'a>,
    pub(super) user_name: Text<'a>,
    pub(super) identity_provider: Text<'a>,
    pub(super) invoked_by: Text<'a>,
    pub(super) on_behalf_of: Text<'a>,
    pub(super) issuer_kind: Text<'a>,
    pub(super) issuer_arn: Text<'a>,
    pub(super) federated_provider: Text<'a>,
    pub(super) session_created: Text<'a>,
    pub(super) mfa_authenticated: Option<bool>,
    pub(super) ec2_role_delivery: Text<'a>,
    pub(super) source_identity: Text<'a>,
}

impl<'a> Record<'a> {
    /// Reads the record at the cursor.
    pub(super) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, JsonError> {
        let mut record = Self::default();
        cursor.object(|key, value| record.member(key, value))?;
        Ok(record)
    }

    fn member(&mut self, key: &'a [u8], value: &mut Cursor<'a>) -> Result<(), JsonError> {
        match key {
            b"eventVersion" => self.event_version = text(value)?,
            b"userIdentity" => {
                self.identity = UserIdentity::parse(value, &mut self.unknown_fields)?;
            }
            b"eventTime" => self.event_time = text(value)?,
            b"eventSource" => self.event_source = text(value)?,
            b"eventName" => self.event_name = text(value)?,
            b"awsRegion" => self.region = text(value)?,
            b"sourceIPAddress" => self.source_ip = text(value)?,
            b"userAgent" => self.user_agent = text(value)?,
            b"errorCode" => self.error_code = text(value)?,
            b"errorMessage" => self.error_message = text(value)?,
            b"requestID" => self.request_id = text(value)?,
            b"eventID" => self.event_id = text(value)?,
            b"eventType" => self.event_type = text(value)?,
            b"insightDetails" => self.insight_details = raw(value)?,
            b"eventCategory" => self.event_category = text(value)?,
            b"apiVersion" => self.api_version = text(value)?,
            b"recipientAccountId" => self.recipient_account_id = text(value)?,
            b"sharedEventID" => self.shared_event_id = text(value)?,
            b"vpcEndpointId" => self.vpce_id = text(value)?,
            b"vpcEndpointAccountId" => self.vpce_account = text(value)?,
            b"readOnly" => self.read_only = value.flag()?,
            b"managementEvent" => self.management_event = value.flag()?,
            b"sessionCredentialFromConsole" => self.session_from_console = value.flag()?,
            b"requestParameters" => self.request_parameters = raw(value)?,
            b"responseElements" => self.response_elements = raw(value)?,
            b"additionalEventData" => self.additional_event_data = raw(value)?,
            b"serviceEventDetails" => self.service_event_details = raw(value)?,
            b"resources" => self.resources = resources(value)?,
            b"tlsDetails" => members(value, |key, value| {
                match key {
                    b"tlsVersion" => self.tls_version = text(value)?,
                    b"clientProvidedHostHeader" => self.tls_host = text(value)?,
                    _ => keep("tlsDetails.", key, value, &mut self.unknown_fields)?,
                }
                Ok(())
            })?,
            b"addendum" => members(value, |key, value| {
                match key {
                    b"reason" => self.addendum_reason = text(value)?,
                    _ => keep("addendum.", key, value, &mut self.unknown_fields)?,
                }
                Ok(())
            })?,
            _ => keep("", key, value, &mut self.unknown_fields)?,
        }
        Ok(())
    }
}

impl<'a> UserIdentity<'a> {
    fn parse(
        cursor: &mut Cursor<'a>,
        unknown: &mut Vec<UnknownField<'a>>,
    ) -> Result<Self, JsonError> {
        let mut identity = Self::default();
        if cursor.kind()? != Kind::Object {
            // A converter flattened it to a name: that is the principal.
            identity.principal_id = text(cursor)?;
            return Ok(identity);
        }
        cursor.object(|key, value| {
            match key {
                b"type" => identity.kind = text(value)?,
                b"principalId" => identity.principal_id = text(value)?,
                b"arn" => identity.arn = text(value)?,
                b"accountId" => identity.account_id = text(value)?,
                b"accessKeyId" => identity.access_key_id = text(value)?,
                b"userName" => identity.user_name = text(value)?,
                b"identityProvider" => identity.identity_provider = text(value)?,
                b"invokedBy" => identity.invoked_by = text(value)?,
                b"sessionContext" => identity.session_context(value, unknown)?,
                b"onBehalfOf" => members(value, |key, value| {
                    match key {
                        b"userId" => identity.on_behalf_of = text(value)?,
                        _ => keep("userIdentity.onBehalfOf.", key, value, unknown)?,
                    }
                    Ok(())
                })?,
                _ => keep("userIdentity.", key, value, unknown)?,
            }
            Ok(())
        })?;
        Ok(identity)
    }

    fn session_context(
        &mut self,
        cursor: &mut Cursor<'a>,
        unknown: &mut Vec<UnknownField<'a>>,
    ) -> Result<(), JsonError> {
        const WITHIN: &str = "userIdentity.sessionContext.";
        members(cursor, |key, value| match key {
            b"sessionIssuer" => members(value, |key, value| {
                match key {
                    b"type" => self.issuer_kind = text(value)?,
                    b"arn" => self.issuer_arn = text(value)?,
                    // The ARN says the rest: account, name.
                    _ => drop(value.skip_value()?),
                }
                Ok(())
            }),
            b"attributes" => members(value, |key, value| {
                match key {
                    b"creationDate" => self.session_created = text(value)?,
                    b"mfaAuthenticated" => self.mfa_authenticated = value.flag()?,
                    _ => keep(WITHIN, key, value, unknown)?,
                }
                Ok(())
            }),
            b"webIdFederationData" => members(value, |key, value| {
                match key {
                    b"federatedProvider" => self.federated_provider = text(value)?,
                    _ => keep(WITHIN, key, value, unknown)?,
                }
                Ok(())
            }),
            b"ec2RoleDelivery" => {
                self.ec2_role_delivery = text(value)?;
                Ok(())
            }
            b"sourceIdentity" => {
                self.source_identity = text(value)?;
                Ok(())
            }
            _ => keep(WITHIN, key, value, unknown),
        })
    }
}

/// A text field; should it be an object or array, its JSON without the secrets in it.
pub(super) fn text<'a>(value: &mut Cursor<'a>) -> Result<Text<'a>, JsonError> {
    match value.kind()? {
        Kind::Object | Kind::Array => Json::take(value)?.redacted().map(Some),
        Kind::Text | Kind::Null | Kind::Scalar => value.text(),
    }
}

/// Keeps a member that has no column, unless it says nothing.
fn keep<'a>(
    within: &'static str,
    key: &'a [u8],
    value: &mut Cursor<'a>,
    unknown: &mut Vec<UnknownField<'a>>,
) -> Result<(), JsonError> {
    let value = Json::take(value)?;
    if !matches!(value.raw, b"null" | b"{}") {
        unknown.push(UnknownField { within, key, value });
    }
    Ok(())
}

/// The value's JSON, or nothing for `null`.
fn raw<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Json<'a>>, JsonError> {
    let json = Json::take(cursor)?;
    Ok((json.raw != b"null").then_some(json))
}

/// Visits an object's members; anything that is not an object is skipped.
pub(super) fn members<'a>(
    cursor: &mut Cursor<'a>,
    member: impl FnMut(&'a [u8], &mut Cursor<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if cursor.kind()? == Kind::Object {
        return cursor.object(member);
    }
    cursor.skip_value().map(drop)
}

/// `resources`, an array of objects; some converters write a lone object.
fn resources<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Resource<'a>>, JsonError> {
    let mut resources = Vec::new();
    match cursor.kind()? {
        Kind::Array => cursor.array(|element| {
            resources.push(resource(element)?);
            Ok(())
        })?,
        Kind::Object => resources.push(resource(cursor)?),
        Kind::Text | Kind::Null | Kind::Scalar => drop(cursor.skip_value()?),
    }
    Ok(resources)
}

fn resource<'a>(cursor: &mut Cursor<'a>) -> Result<Resource<'a>, JsonError> {
    let mut resource = Resource::default();
    members(cursor, |key, value| {
        match key {
            b"ARN" | b"arn" => resource.arn = text(value)?.or(resource.arn.take()),
            b"ARNPrefix" => resource.arn = resource.arn.take().or(text(value)?),
            b"accountId" => resource.account = text(value)?,
            b"type" => resource.kind = text(value)?,
            _ => drop(value.skip_value()?),
        }
        Ok(())
    })?;
    Ok(resource)
}
