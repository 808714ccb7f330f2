//! What an error code means: one spelling for all of AWS's, throttles, and who denied.
//!
//! In: `errorCode` and `errorMessage`. Out: classes. Sources: domain 2.4, 4.3 and 5.
//! Must hold: a message cut at any byte (1 KB limit) still yields what stands before the cut.

use std::borrow::Cow;

/// The code without `Client.`/`Server.` and `Exception`, in lower case: `Client.RequestLimitExceeded`
/// is `requestlimitexceeded`, `ThrottlingException` is `throttling`. `DryRunOperation` is a probe
/// that succeeded (domain 5.1), so it has no normalised code.
pub(super) fn normalised(code: &str) -> Option<String> {
    let code = code.to_ascii_lowercase();
    let bare = code
        .strip_prefix("client.")
        .or_else(|| code.strip_prefix("server."));
    let bare = bare.unwrap_or(&code);
    let bare = bare.strip_suffix("exception").unwrap_or(bare);
    if bare.is_empty() || bare == "dryrunoperation" {
        None
    } else {
        Some(bare.to_owned())
    }
}

/// `throttle`, `limit` (a quota or a throttle, AWS uses one code for both) or `none`.
pub(super) fn throttle_class(normalised: Option<&str>, message: Option<&str>) -> &'static str {
    const THROTTLES: [&str; 13] = [
        "throttling",
        "throttled",
        "requestlimitexceeded",
        "toomanyrequests",
        "requestthrottled",
        "slowdown",
        "priorrequestnotcomplete",
        "ec2throttled",
        "provisionedthroughputexceeded",
        "bandwidthlimitexceeded",
        "transactioninprogress",
        "snapshotcreationpervolumerateexceeded",
        "requestquotaexceeded",
    ];
    const MESSAGES: [&str; 2] = [
        "rate exceeded",
        "you have exceeded the rate at which you may call",
    ];
    let says_so = |message: &str| {
        MESSAGES.iter().any(|start| {
            message
                .get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(start))
        })
    };
    match normalised {
        Some(code) if THROTTLES.contains(&code) => "throttle",
        Some(_) if message.is_some_and(says_so) => "throttle",
        Some("limitexceeded") => "limit",
        _ => "none",
    }
}

/// Who denied, how, and what, as far as the message says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denial<'a> {
    /// `scp|rcp|vpce|boundary|session|resource|trust|identity|unspecified`.
    pub(super) class: &'static str,
    /// `implicit|explicit|unspecified`.
    pub(super) kind: &'static str,
    pub(super) action: Option<&'a str>,
    pub(super) resource: Option<&'a str>,
    pub(super) policy_arn: Option<&'a str>,
}

/// The denial that an error is, or nothing when it is none.
pub(super) fn denial<'a>(normalised: Option<&str>, message: Option<&'a str>) -> Option<Denial<'a>> {
    const CODES: [&str; 8] = [
        "accessdenied",
        "unauthorizedoperation",
        "vpceaccessdenied",
        "authorizationerror",
        "notauthorized",
        "unauthorized",
        "forbidden",
        "blocked",
    ];
    const NOT_AUTHORIZED: &str = "is not authorized to perform: ";
    // Of a role of another account: Lambda and others name no action then (domain 5.2).
    const FOREIGN_ROLE: &str = "Cross-account pass role is not allowed";
    let code = normalised?;
    let message = message.unwrap_or_default();
    let sentence = message.split_once(NOT_AUTHORIZED).map(|(_, rest)| rest);
    // Of an image that is not shared with the account: the code is one for wrong credentials too.
    let of_image = code == "authfailure" && message.starts_with("Not authorized for images");
    if !CODES.contains(&code) && sentence.is_none() && !of_image {
        return None;
    }
    let sentence = sentence.unwrap_or_default();
    // The comma or the dots of a cut message are no part of it.
    let action = sentence
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '*')))
        .next()
        .filter(|action| action.contains(':'))
        .or_else(|| message.starts_with(FOREIGN_ROLE).then_some("iam:PassRole"));
    let resource = ["on resource: ", "on the resource: ", "on resource "]
        .iter()
        .find_map(|phrase| sentence.split_once(phrase))
        .map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default())
        .map(|resource| resource.trim_matches('"'))
        .filter(|resource| !resource.is_empty());
    let (class, kind, policy_arn) = if code == "vpceaccessdenied" {
        ("vpce", "unspecified", None)
    } else {
        reason(message)
    };
    Some(Denial {
        class,
        kind,
        action,
        resource,
        policy_arn,
    })
}

/// Class, kind and policy of the reason at the end of the sentence (domain 5.2).
fn reason(message: &str) -> (&'static str, &'static str, Option<&str>) {
    const POLICIES: [(&str, &str); 10] = [
        ("service control policy", "scp"),
        ("resource control policy", "rcp"),
        ("VPC endpoint policy", "vpce"),
        ("permissions boundary", "boundary"),
        ("session policy", "session"),
        ("sessions policy", "session"),
        ("resource-based polic", "resource"),
        ("role trust policy", "trust"),
        ("identity-based policy", "identity"),
        ("VPC Endpoint policy", "vpce"),
    ];
    for (phrase, kind) in [
        ("because no ", "implicit"),
        ("with an explicit deny in ", "explicit"),
    ] {
        let Some((_, rest)) = message.split_once(phrase) else {
            continue;
        };
        let rest = ["an ", "a ", "the "]
            .iter()
            .find_map(|a| rest.strip_prefix(a))
            .unwrap_or(rest);
        for (policy, class) in POLICIES {
            let Some(after) = rest.strip_prefix(policy) else {
                continue;
            };
            return (class, kind, named_policy(after));
        }
    }
    // Without its policy, as older messages end, and those that AWS cut.
    if message.contains("with an explicit deny") {
        return ("unspecified", "explicit", None);
    }
    // KMS's own wording about a foreign key (domain 4.2).
    if message.contains("no resource-based policies allow access") {
        return ("resource", "unspecified", None);
    }
    ("unspecified", "unspecified", None)
}

/// The ARN that newer messages add after the kind of policy, before the sentence ends. One that AWS cut
/// (it ends in dots) is no policy's.
fn named_policy(after: &str) -> Option<&str> {
    let (_, arn) = after.split_once(": arn:")?;
    let length = arn.find(char::is_whitespace).unwrap_or(arn.len());
    let start = after.len() - arn.len() - "arn:".len();
    after
        .get(start..start + "arn:".len() + length)
        .filter(|arn| !arn.ends_with("..."))
        .map(|arn| arn.trim_end_matches('.'))
}

/// The role that a message about `sts:AssumeRole*` names, when the record has it nowhere else.
/// A name that AWS cut (it ends in dots) is no role's: better none than a wrong one.
pub(super) fn role_in<'a>(denial: Option<&Denial<'a>>) -> Option<Cow<'a, str>> {
    let denial = denial?;
    let resource = denial
        .resource
        .filter(|name| name.contains(":role/") && !name.ends_with("..."))?;
    denial
        .action?
        .starts_with("sts:")
        .then_some(Cow::Borrowed(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_spelling() {
        for (code, expected, throttle) in [
            ("ThrottlingException", Some("throttling"), "throttle"),
            (
                "Client.RequestLimitExceeded",
                Some("requestlimitexceeded"),
                "throttle",
            ),
            ("LimitExceededException", Some("limitexceeded"), "limit"),
            (
                "Client.InstanceLimitExceeded",
                Some("instancelimitexceeded"),
                "none",
            ),
            (
                "InvalidIdentityTokenException",
                Some("invalididentitytoken"),
                "none",
            ),
            ("AccessDenied", Some("accessdenied"), "none"),
            ("Client.DryRunOperation", None, "none"),
            ("", None, "none"),
        ] {
            let got = normalised(code);
            assert_eq!(got.as_deref(), expected, "{code}");
            assert_eq!(throttle_class(got.as_deref(), None), throttle, "{code}");
        }
        assert_eq!(
            throttle_class(Some("odd"), Some("Rate exceeded")),
            "throttle"
        );
        assert_eq!(throttle_class(None, Some("Rate exceeded")), "none");
    }

    #[test]
    fn every_prefix_of_a_denial_is_read_without_fault() {
        let message = "User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to \
            perform: iam:PassRole on resource: \"arn:aws:iam::111122223333:role/node\" with an \
            explicit deny in a service control policy: \
            arn:aws:organizations::111122223333:policy/o-a/service_control_policy/p-1.";
        for end in 0..=message.len() {
            let _denial = denial(Some("accessdenied"), message.get(..end));
        }
        let whole = denial(Some("accessdenied"), Some(message));
        assert_eq!(
            whole,
            Some(Denial {
                class: "scp",
                kind: "explicit",
                action: Some("iam:PassRole"),
                resource: Some("arn:aws:iam::111122223333:role/node"),
                policy_arn: Some(
                    "arn:aws:organizations::111122223333:policy/o-a/service_control_policy/p-1"
                ),
            })
        );
        let cut = message.replace("service_control_policy/p-1.", "serv...");
        let cut = denial(Some("accessdenied"), Some(&cut));
        assert_eq!(cut.unwrap().policy_arn, None, "AWS cut it");
    }

    #[test]
    fn an_image_that_is_not_shared_is_denied_and_wrong_credentials_are_not() {
        let image = denial(
            Some("authfailure"),
            Some("Not authorized for images: [ami-0123456789abcdef0]"),
        );
        assert_eq!(image.map(|denial| denial.class), Some("unspecified"));
        assert_eq!(
            denial(
                Some("authfailure"),
                Some("AWS was not able to validate the provided access credentials")
            ),
            None
        );
    }

    #[test]
    fn a_foreign_role_that_may_not_be_passed_is_named_by_its_action() {
        let message = Some("Cross-account pass role is not allowed.");
        let denied = denial(Some("accessdenied"), message);
        assert_eq!(
            denied,
            Some(Denial {
                class: "unspecified",
                kind: "unspecified",
                action: Some("iam:PassRole"),
                resource: None,
                policy_arn: None,
            })
        );
        assert_eq!(denial(Some("invalidparametervalue"), message), None);
    }

    #[test]
    fn reasons_are_told_apart() {
        for (tail, class, kind) in [
            (
                "because no identity-based policy allows the s3:GetObject action",
                "identity",
                "implicit",
            ),
            (
                "because no resource-based policy allows the ecr:BatchGetImage action",
                "resource",
                "implicit",
            ),
            (
                "because no role trust policy allows the sts:AssumeRole action",
                "trust",
                "implicit",
            ),
            (
                "with an explicit deny in the role trust policy",
                "trust",
                "explicit",
            ),
            (
                "with an explicit deny in a sessions policy",
                "session",
                "explicit",
            ),
            (
                "because no permissions boundary allows the s3:GetObject action",
                "boundary",
                "implicit",
            ),
            (
                "because no VPC endpoint policy allows the s3:GetObject action",
                "vpce",
                "implicit",
            ),
            (
                "with an explicit deny in a resource control policy",
                "rcp",
                "explicit",
            ),
            (
                "on the resource associated with this ciphertext because the resource does not exist in \
              this Region, no resource-based policies allow access, or a resource-based policy \
              explicitly denies access",
                "resource",
                "unspecified",
            ),
            ("", "unspecified", "unspecified"),
        ] {
            let message =
                format!("User: arn:x is not authorized to perform: a:B on resource: * {tail}");
            let got = denial(Some("accessdenied"), Some(&message));
            let got = got.map(|denial| (denial.class, denial.kind, denial.action));
            assert_eq!(got, Some((class, kind, Some("a:B"))), "{tail}");
        }
        assert_eq!(denial(Some("nosuchentity"), Some("no such role")), None);
        assert_eq!(
            denial(None, Some("User: x is not authorized to perform: a:B")),
            None
        );
    }
}
