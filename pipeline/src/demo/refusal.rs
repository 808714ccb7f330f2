//! How AWS words a refusal, and which kind of policy it names (domain 5.2).

/// The reason at the end of a refusal.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reason {
    /// What a reader can conclude: `scp`, `boundary`, `resource`, and so on.
    pub(super) class: &'static str,
    pub(super) kind: &'static str,
    /// `{action}` is filled in.
    pub(super) words: &'static str,
    /// The policy's ARN, when the words have it.
    pub(super) policy: Option<&'static str>,
}

const fn implicit(class: &'static str, words: &'static str) -> Reason {
    Reason {
        class,
        kind: "implicit",
        words,
        policy: None,
    }
}

/// The service says no more, as records did before 2021.
pub(super) const UNSAID: Reason = Reason {
    class: "unspecified",
    kind: "unspecified",
    words: "",
    policy: None,
};
pub(super) const NO_TRUST_POLICY: Reason = implicit(
    "trust",
    " because no role trust policy allows the {action} action",
);
pub(super) const NO_IDENTITY_POLICY: Reason = implicit(
    "identity",
    " because no identity-based policy allows the {action} action",
);
pub(super) const NO_RESOURCE_POLICY: Reason = implicit(
    "resource",
    " because no resource-based policy allows the {action} action",
);
pub(super) const NO_BOUNDARY: Reason = implicit(
    "boundary",
    " because no permissions boundary allows the {action} action",
);
pub(super) const SERVICE_CONTROL_POLICY: Reason = Reason {
    class: "scp",
    kind: "explicit",
    words: " with an explicit deny in a service control policy: arn:aws:organizations::444455556666:policy/o-a1b2c3d4e5/service_control_policy/p-0a1b2c3d",
    policy: Some(
        "arn:aws:organizations::444455556666:policy/o-a1b2c3d4e5/service_control_policy/p-0a1b2c3d",
    ),
};
pub(super) const BOUNDARY: Reason = Reason {
    class: "boundary",
    kind: "explicit",
    words: " with an explicit deny in a permissions boundary: arn:aws:iam::111122223333:policy/deploy-boundary",
    policy: Some("arn:aws:iam::111122223333:policy/deploy-boundary"),
};
/// KMS about a ciphertext whose key it does not name (domain 4.2).
pub(super) const UNKNOWN_KEY: Reason = Reason {
    class: "resource",
    kind: "unspecified",
    words: " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    policy: None,
};

impl Reason {
    /// The sentence of a refusal; `resource` is a name, or `the resource …` in KMS's words.
    pub(super) fn message(&self, session_arn: &str, action: &str, resource: &str) -> String {
        let object = if resource.starts_with("the resource") {
            resource.to_owned()
        } else {
            format!("resource: {resource}")
        };
        let words = self.words.replace("{action}", action);
        format!("User: {session_arn} is not authorized to perform: {action} on {object}{words}")
    }
}
