//! One CloudTrail record as it stands in the JSON: borrowed, not yet interpreted.
//!
//! In: a cursor at a record's brace. Out: a [`Record`] whose texts borrow from the window.
//! Must hold: every field may be missing, null, or of another type than documented (domain 1.4);
//! fields without a column are kept as JSON in `unknown_fields`; no secret hides in a text that is
//! an object, or has one in it (I9).

use std::borrow::Cow;

use super::super::json::{Cursor, JsonError, Kind};
use super::super::members::{Known, Name};
use super::super::redact::{Json, escaped_redacted};
use super::member::{
    AttributeMember, IdentityMember, IssuerMember, Member, SessionMember, TlsMember,
};

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
        cursor.members(Member::ALL, |name, value| match name {
            Name::Known(member) => record.member(member, value),
            Name::Other(key) => keep("", key, value, &mut record.unknown_fields),
        })?;
        Ok(record)
    }

    #[inline]
    fn member(&mut self, member: Member, value: &mut Cursor<'a>) -> Result<(), JsonError> {
        match member {
            Member::EventVersion => self.event_version = text(value)?,
            Member::UserIdentity => {
                self.identity = UserIdentity::parse(value, &mut self.unknown_fields)?;
            }
            Member::EventTime => self.event_time = text(value)?,
            Member::EventSource => self.event_source = text(value)?,
            Member::EventName => self.event_name = text(value)?,
            Member::Region => self.region = text(value)?,
            Member::SourceIp => self.source_ip = text(value)?,
            Member::UserAgent => self.user_agent = text(value)?,
            Member::ErrorCode => self.error_code = text(value)?,
            Member::ErrorMessage => self.error_message = text(value)?,
            Member::RequestId => self.request_id = text(value)?,
            Member::EventId => self.event_id = text(value)?,
            Member::EventType => self.event_type = text(value)?,
            Member::InsightDetails => self.insight_details = raw(value)?,
            Member::EventCategory => self.event_category = text(value)?,
            Member::ApiVersion => self.api_version = text(value)?,
            Member::RecipientAccountId => self.recipient_account_id = text(value)?,
            Member::SharedEventId => self.shared_event_id = text(value)?,
            Member::VpceId => self.vpce_id = text(value)?,
            Member::VpceAccount => self.vpce_account = text(value)?,
            Member::ReadOnly => self.read_only = value.flag()?,
            Member::ManagementEvent => self.management_event = value.flag()?,
            Member::SessionFromConsole => self.session_from_console = value.flag()?,
            Member::RequestParameters => self.request_parameters = raw(value)?,
            Member::ResponseElements => self.response_elements = raw(value)?,
            Member::AdditionalEventData => self.additional_event_data = raw(value)?,
            Member::ServiceEventDetails => self.service_event_details = raw(value)?,
            Member::Resources if matches!(value.kind()?, Kind::Text | Kind::Scalar) => {
                keep("", b"resources", value, &mut self.unknown_fields)?;
            }
            Member::Resources => self.resources = resources(value)?,
            Member::TlsDetails if value.kind()? != Kind::Object => {
                keep("", b"tlsDetails", value, &mut self.unknown_fields)?;
            }
            Member::TlsDetails => self.tls_details(value)?,
            Member::Addendum if value.kind()? != Kind::Object => {
                keep("", b"addendum", value, &mut self.unknown_fields)?;
            }
            Member::Addendum => members(value, |key, value| {
                match key {
                    b"reason" => self.addendum_reason = text(value)?,
                    _ => keep("addendum.", key, value, &mut self.unknown_fields)?,
                }
                Ok(())
            })?,
        }
        Ok(())
    }

    fn tls_details(&mut self, cursor: &mut Cursor<'a>) -> Result<(), JsonError> {
        const WITHIN: &str = "tlsDetails.";
        known_members(cursor, TlsMember::ALL, |name, value| {
            match name {
                Name::Known(TlsMember::Version) => self.tls_version = text(value)?,
                Name::Known(TlsMember::Host) => self.tls_host = text(value)?,
                Name::Known(TlsMember::CipherSuite) => {
                    keep(WITHIN, b"cipherSuite", value, &mut self.unknown_fields)?;
                }
                Name::Other(key) => keep(WITHIN, key, value, &mut self.unknown_fields)?,
            }
            Ok(())
        })
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
        cursor.members(IdentityMember::ALL, |name, value| {
            let member = match name {
                Name::Known(member) => member,
                Name::Other(key) => return keep("userIdentity.", key, value, unknown),
            };
            match member {
                IdentityMember::Kind => identity.kind = text(value)?,
                IdentityMember::PrincipalId => identity.principal_id = text(value)?,
                IdentityMember::Arn => identity.arn = text(value)?,
                IdentityMember::AccountId => identity.account_id = text(value)?,
                IdentityMember::AccessKeyId => identity.access_key_id = text(value)?,
                IdentityMember::UserName => identity.user_name = text(value)?,
                IdentityMember::IdentityProvider => identity.identity_provider = text(value)?,
                IdentityMember::InvokedBy => identity.invoked_by = text(value)?,
                IdentityMember::SessionContext if value.kind()? != Kind::Object => {
                    keep("userIdentity.", b"sessionContext", value, unknown)?;
                }
                IdentityMember::SessionContext => identity.session_context(value, unknown)?,
                IdentityMember::OnBehalfOf => members(value, |key, value| {
                    match key {
                        b"userId" => identity.on_behalf_of = text(value)?,
                        _ => keep("userIdentity.onBehalfOf.", key, value, unknown)?,
                    }
                    Ok(())
                })?,
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
        known_members(cursor, SessionMember::ALL, |name, value| {
            let member = match name {
                Name::Known(member) => member,
                Name::Other(key) => return keep(WITHIN_SESSION, key, value, unknown),
            };
            match member {
                SessionMember::SessionIssuer => self.session_issuer(value, unknown)?,
                SessionMember::Attributes => self.attributes(value, unknown)?,
                SessionMember::WebIdFederationData => members(value, |key, value| {
                    match key {
                        b"federatedProvider" => self.federated_provider = text(value)?,
                        _ => keep(WITHIN_SESSION, key, value, unknown)?,
                    }
                    Ok(())
                })?,
                SessionMember::Ec2RoleDelivery => self.ec2_role_delivery = text(value)?,
                SessionMember::SourceIdentity => self.source_identity = text(value)?,
            }
            Ok(())
        })
    }

    fn session_issuer(
        &mut self,
        cursor: &mut Cursor<'a>,
        unknown: &mut Vec<UnknownField<'a>>,
    ) -> Result<(), JsonError> {
        const WITHIN: &str = "userIdentity.sessionContext.sessionIssuer.";
        known_members(cursor, IssuerMember::ALL, |name, value| {
            match name {
                Name::Known(IssuerMember::Kind) => self.issuer_kind = text(value)?,
                Name::Known(IssuerMember::Arn) => self.issuer_arn = text(value)?,
                // The ARN says the rest: account, name.
                Name::Known(_) => drop(value.skip_value()?),
                Name::Other(key) => keep(WITHIN, key, value, unknown)?,
            }
            Ok(())
        })
    }

    fn attributes(
        &mut self,
        cursor: &mut Cursor<'a>,
        unknown: &mut Vec<UnknownField<'a>>,
    ) -> Result<(), JsonError> {
        known_members(cursor, AttributeMember::ALL, |name, value| {
            match name {
                Name::Known(AttributeMember::CreationDate) => self.session_created = text(value)?,
                Name::Known(AttributeMember::MfaAuthenticated) => {
                    self.mfa_authenticated = value.flag()?;
                }
                Name::Other(key) => keep(WITHIN_SESSION, key, value, unknown)?,
            }
            Ok(())
        })
    }
}

/// Of members of the session context and of what is in it.
const WITHIN_SESSION: &str = "userIdentity.sessionContext.";

/// A text field; should it be an object or array, its JSON; without the secrets in it.
pub(super) fn text<'a>(value: &mut Cursor<'a>) -> Result<Text<'a>, JsonError> {
    match value.peek_byte()? {
        b'{' | b'[' => Json::take(value)?.redacted().map(Some),
        // A string without escapes has no quotes, and so no JSON with names in it.
        _ => value.text_by(escaped_redacted),
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

/// The same with names that are known.
fn known_members<'a, M: Copy>(
    cursor: &mut Cursor<'a>,
    known: &[Known<M>],
    member: impl FnMut(Name<'a, M>, &mut Cursor<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if cursor.kind()? == Kind::Object {
        return cursor.members(known, member);
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
