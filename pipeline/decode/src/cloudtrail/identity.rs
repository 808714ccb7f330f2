//! Who called: the labels that follow from `userIdentity` (domain 1.5, 2.6, 3.1).
//!
//! In: the identity as written. Out: role, session, audience, pod. Must hold: every type and the
//! missing one give an answer or nothing, never a wrong split: provider, audience and subject may
//! all contain colons.

use std::borrow::Cow;

use super::columns::Text;
use super::record::{Record, UserIdentity};

/// The role behind a session: the issuer's ARN (with its path), else rebuilt from the session ARN.
pub(super) fn role_arn<'a>(identity: &UserIdentity<'a>) -> Text<'a> {
    if identity.issuer_kind.as_deref() == Some("Role") && identity.issuer_arn.is_some() {
        return identity.issuer_arn.clone();
    }
    match ArnParts::of(identity.arn.as_deref()?)? {
        // Some SSO sessions carry the role's ARN itself.
        ArnParts {
            service: "iam",
            resource,
            ..
        } if resource.starts_with("role/") => identity.arn.clone(),
        ArnParts {
            service: "sts",
            partition,
            account,
            resource,
        } => {
            let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
            let named = !role.is_empty();
            named.then(|| Cow::Owned(format!("arn:{partition}:iam::{account}:role/{role}")))
        }
        ArnParts { .. } => None,
    }
}

/// The parts of an ARN. A user may be given a path such as `/:assumed-role/admin/`, so what an ARN
/// means is never searched for in the whole of it.
struct ArnParts<'a> {
    partition: &'a str,
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> ArnParts<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (_arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            partition,
            service,
            account,
            resource,
        })
    }
}

/// The session's name, for the sessions of a role.
pub(super) fn session_name<'a>(identity: &UserIdentity<'a>) -> Text<'a> {
    if identity.kind.as_deref() != Some("AssumedRole") {
        return None;
    }
    let in_principal = part(&identity.principal_id, |id| Some(id.split_once(':')?.1));
    let name = in_principal.or_else(|| {
        part(&identity.arn, |arn| {
            let role = ArnParts::of(arn)?.resource.strip_prefix("assumed-role/")?;
            Some(role.rsplit_once('/')?.1)
        })
    });
    name.filter(|name| !name.is_empty())
}

/// A part of a text, borrowed where the text is.
fn part<'a>(text: &Text<'a>, find: impl for<'t> FnOnce(&'t str) -> Option<&'t str>) -> Text<'a> {
    match text.as_ref()? {
        Cow::Borrowed(text) => find(text).map(Cow::Borrowed),
        Cow::Owned(text) => find(text).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// Credentials of an instance profile: IMDS says so, or the session is an instance id.
pub(super) fn is_node(identity: &UserIdentity<'_>, session_name: Option<&str>) -> bool {
    // EC2's own credentials are not a node's role (domain 1.5).
    let of_ec2 = || {
        let arn = identity.arn.as_deref().and_then(ArnParts::of);
        arn.is_some_and(|ArnParts { resource, .. }| {
            resource.starts_with("assumed-role/aws:ec2-instance/")
        })
    };
    (identity.ec2_role_delivery.is_some() || session_name.is_some_and(is_instance_id)) && !of_ec2()
}

fn is_instance_id(name: &str) -> bool {
    name.strip_prefix("i-").is_some_and(|id| {
        (8..=17).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The token's audience: `principalId` is `<provider>:<aud>:<sub>`, and both ends are known.
pub(super) fn audience<'a>(identity: &UserIdentity<'a>) -> Text<'a> {
    let provider = identity.identity_provider.as_deref()?;
    let subject = identity.user_name.as_deref()?;
    let audience = part(&identity.principal_id, |principal| {
        let start = principal.strip_prefix(provider)?.strip_prefix(':')?;
        start.strip_suffix(subject)?.strip_suffix(':')
    });
    audience.filter(|audience| !audience.is_empty())
}

/// Namespace and service account of `system:serviceaccount:<namespace>:<name>`.
pub(super) fn service_account<'a>(subject: &Text<'a>) -> (Text<'a>, Text<'a>) {
    fn of(subject: &str) -> Option<(&str, &str)> {
        let account = subject.strip_prefix("system:serviceaccount:")?;
        let (namespace, name) = account.split_once(':')?;
        let whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
        whole.then_some((namespace, name))
    }
    (
        part(subject, |subject| Some(of(subject)?.0)),
        part(subject, |subject| Some(of(subject)?.1)),
    )
}

/// Who to name in a label: the role, else the best that each type has (domain 1.5, last column).
pub(super) fn principal<'a>(record: &Record<'a>, role_arn: &Text<'a>) -> Text<'a> {
    let identity = &record.identity;
    let by_type = match identity.kind.as_deref() {
        Some("Root") => Some(Cow::Borrowed("root")),
        Some("AWSService") | None => identity.invoked_by.clone(),
        Some("AWSAccount") => identity.account_id.clone(),
        Some("FederatedUser") => identity.issuer_arn.clone(),
        Some("WebIdentityUser") => identity.user_name.clone(),
        Some("SAMLUser") => identity.identity_provider.clone(),
        Some("IdentityCenterUser") => identity.on_behalf_of.clone(),
        Some(_) => role_arn.clone(),
    };
    let first = [
        by_type,
        identity.arn.clone(),
        identity.principal_id.clone(),
        identity.account_id.clone(),
    ];
    first.into_iter().flatten().next()
}

/// `long_lived` (AKIA), `temporary` (ASIA), `unknown` without a key, `other`.
pub(super) fn key_class(access_key_id: Option<&str>) -> &'static str {
    match access_key_id {
        None => "unknown",
        Some(key) if key.starts_with("AKIA") => "long_lived",
        Some(key) if key.starts_with("ASIA") => "temporary",
        Some(_) => "other",
    }
}

/// The program behind a user agent, from a short ordered table: bounded, fit for a label
/// (domain 3.5). Programs stand before the SDKs that they are built on.
pub(super) fn ua_family(user_agent: &str) -> &'static str {
    const FAMILIES: [(&str, &str); 25] = [
        ("elbv2.k8s.aws/", "aws-load-balancer-controller"),
        ("karpenter.sh", "karpenter"),
        ("aws-ebs-csi-driver", "ebs-csi-driver"),
        ("aws-efs-csi-driver", "efs-csi-driver"),
        ("amazon-vpc-cni-k8s", "vpc-cni"),
        ("cluster-autoscaler", "cluster-autoscaler"),
        ("terraform-provider-aws", "terraform"),
        ("Terraform/", "terraform"),
        ("Pulumi", "pulumi"),
        ("ExternalDNS", "external-dns"),
        ("kubelet", "kubelet"),
        ("containerd", "containerd"),
        ("api/eksauth#", "eks-pod-identity-agent"),
        ("aws-cli/", "aws-cli"),
        ("Boto3/", "boto3"),
        ("Botocore/", "boto3"),
        ("aws-sdk-go", "aws-sdk-go"),
        ("aws-sdk-java", "aws-sdk-java"),
        ("aws-sdk-js", "aws-sdk-js"),
        ("aws-sdk-nodejs", "aws-sdk-js"),
        ("aws-sdk-rust", "aws-sdk-rust"),
        ("aws-sdk-dotnet", "aws-sdk-dotnet"),
        ("aws-sdk-", "aws-sdk-other"),
        ("AWS Internal", "aws-internal"),
        ("Mozilla/", "browser"),
    ];
    let known = FAMILIES.iter().find(|(part, _)| user_agent.contains(part));
    match known {
        Some((_, family)) => family,
        None if user_agent.ends_with(".amazonaws.com") => "aws-service",
        None => "other",
    }
}
