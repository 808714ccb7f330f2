//! What only STS records carry: target role, issued credentials, pod tags, endpoint
//! (domain 2.2, 2.7, 3.2).
//!
//! In: the raw request, response and extra data. Out: the fields of [`Assumption`].
//! Must hold: a denied or throttled call has none of these; nothing is guessed.

use std::borrow::Cow;

use super::super::json::{Cursor, JsonError, Kind};
use super::columns::Text;
use super::record::{Record, members, text};

/// Who assumes roles for pods, and says with session tags for which.
const POD_IDENTITY: &str = "pods.eks.amazonaws.com";

/// The STS side of a record.
#[derive(Debug, Default)]
pub(super) struct Assumption<'a> {
    pub(super) role_arn: Text<'a>,
    pub(super) source_identity: Text<'a>,
    pub(super) issued_access_key_id: Text<'a>,
    pub(super) issued_session_arn: Text<'a>,
    pub(super) audience: Text<'a>,
    pub(super) endpoint: Text<'a>,
    pub(super) serving_region: Text<'a>,
    pub(super) cluster: Text<'a>,
    pub(super) namespace: Text<'a>,
    pub(super) service_account: Text<'a>,
    pub(super) pod: Text<'a>,
}

impl<'a> Assumption<'a> {
    /// Reads the parts; anything of an unexpected type is left out.
    pub(super) fn of(record: &Record<'a>) -> Result<Self, JsonError> {
        let mut found = Self::default();
        if let Some(json) = record.request_parameters {
            // Anybody may set tags of these names.
            let of_a_pod = record.identity.invoked_by.as_deref() == Some(POD_IDENTITY);
            found.request(&mut json.cursor(), of_a_pod)?;
        }
        if let Some(json) = record.response_elements {
            found.response(&mut json.cursor())?;
        }
        if let Some(json) = record.additional_event_data {
            found.details(&mut json.cursor())?;
        }
        if found.endpoint.is_none() {
            found.endpoint = record
                .tls_host
                .as_deref()
                .and_then(endpoint_of)
                .map(Cow::Borrowed);
        }
        Ok(found)
    }

    fn request(&mut self, cursor: &mut Cursor<'a>, of_a_pod: bool) -> Result<(), JsonError> {
        lone_object(cursor, |key, value| {
            match key {
                b"roleArn" => self.role_arn = text(value)?,
                b"sourceIdentity" => self.source_identity = text(value)?,
                b"tags" if of_a_pod && value.kind()? == Kind::Array => {
                    value.array(|tag| self.tag(tag))?;
                }
                _ => drop(value.skip_value()?),
            }
            Ok(())
        })
    }

    /// One of the session tags that EKS Pod Identity sets.
    fn tag(&mut self, cursor: &mut Cursor<'a>) -> Result<(), JsonError> {
        let (mut name, mut content) = (None, None);
        members(cursor, |key, value| {
            match key {
                b"key" => name = text(value)?,
                b"value" => content = text(value)?,
                _ => drop(value.skip_value()?),
            }
            Ok(())
        })?;
        match name.as_deref() {
            Some("eks-cluster-name") => self.cluster = content,
            Some("kubernetes-namespace") => self.namespace = content,
            Some("kubernetes-service-account") => self.service_account = content,
            Some("kubernetes-pod-name") => self.pod = content,
            _ => {}
        }
        Ok(())
    }

    fn response(&mut self, cursor: &mut Cursor<'a>) -> Result<(), JsonError> {
        lone_object(cursor, |key, value| {
            match key {
                b"audience" => self.audience = text(value)?,
                b"assumedRoleUser" => members(value, |key, value| {
                    match key {
                        b"arn" => self.issued_session_arn = text(value)?,
                        _ => drop(value.skip_value()?),
                    }
                    Ok(())
                })?,
                b"credentials" => members(value, |key, value| {
                    match key {
                        b"accessKeyId" => self.issued_access_key_id = text(value)?,
                        _ => drop(value.skip_value()?),
                    }
                    Ok(())
                })?,
                _ => drop(value.skip_value()?),
            }
            Ok(())
        })
    }

    fn details(&mut self, cursor: &mut Cursor<'a>) -> Result<(), JsonError> {
        lone_object(cursor, |key, value| {
            match key {
                b"RequestDetails" => members(value, |key, value| {
                    match key {
                        b"endpointType" => self.endpoint = text(value)?,
                        b"awsServingRegion" => self.serving_region = text(value)?,
                        _ => drop(value.skip_value()?),
                    }
                    Ok(())
                })?,
                _ => drop(value.skip_value()?),
            }
            Ok(())
        })
    }
}

/// Visits an object that is the whole of a raw slice; another kind of value has no members.
fn lone_object<'a>(
    cursor: &mut Cursor<'a>,
    member: impl FnMut(&'a [u8], &mut Cursor<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if cursor.kind()? == Kind::Object {
        cursor.object(member)
    } else {
        Ok(())
    }
}

/// `global` or `regional` by the host that the client asked for, for records older than
/// `RequestDetails`. `us-east-1` alone does not mean global (domain 2.7).
fn endpoint_of(host: &str) -> Option<&'static str> {
    let host = host.split_once(':').map_or(host, |(name, _port)| name);
    if host == "sts.amazonaws.com" || host.starts_with("sts-global.") {
        return Some("global");
    }
    let regional =
        host.starts_with("sts.") || host.starts_with("sts-fips.") || host.contains(".sts.");
    regional.then_some("regional")
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_tell_the_endpoint() {
        for (host, expected) in [
            ("sts.amazonaws.com", Some("global")),
            ("sts.amazonaws.com:443", Some("global")),
            ("sts-global.eu-west-1.amazonaws.com", Some("global")),
            ("sts.us-east-1.amazonaws.com", Some("regional")),
            ("vpce-1.sts.eu-west-1.vpce.amazonaws.com", Some("regional")),
            ("example.com", None),
        ] {
            assert_eq!(super::endpoint_of(host), expected, "{host}");
        }
    }
}
