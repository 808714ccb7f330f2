//! `userIdentity` in the shapes that CloudTrail gives it.

use serde_json::{Value, json};

use super::dice::{ID_LETTERS, name_id};
use super::object::time_text;
use super::trail::Trail;
use super::world::{Cluster, NODES, ServiceAccount, instance_id};

/// Who calls, when it is a role session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) role_arn: &'static str,
    pub(super) name: String,
    pub(super) user_agent: &'static str,
    /// Credentials of an instance profile, delivered by IMDSv2.
    pub(super) on_instance: bool,
    /// The key that it signs with, when it matters who issued it.
    pub(super) access_key_id: Option<String>,
    /// The pod that the key was issued to.
    pub(super) pod: Option<ServiceAccount>,
}

impl Session {
    pub(super) fn new(role_arn: &'static str, name: &str, user_agent: &'static str) -> Self {
        Self {
            role_arn,
            name: name.to_owned(),
            user_agent,
            on_instance: false,
            access_key_id: None,
            pod: None,
        }
    }

    /// The account of the role, which is the caller's.
    pub(super) fn account(&self) -> &'static str {
        account_of(self.role_arn)
    }

    /// The ARN of the session; the role's path is lost in it.
    pub(super) fn arn(&self) -> String {
        session_arn(self.role_arn, &self.name)
    }

    pub(super) fn principal_id(&self) -> String {
        format!("{}:{}", role_id(self.role_arn), self.name)
    }
}

/// The fifth part of an ARN.
pub(super) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The last part of a role's ARN, without its path.
pub(super) fn role_name(role_arn: &str) -> &str {
    role_arn.rsplit('/').next().unwrap_or_default()
}

/// The unique id that IAM gave the role.
pub(super) fn role_id(role_arn: &str) -> String {
    format!("AROA{}", name_id(ID_LETTERS, role_arn, 17))
}

pub(super) fn session_arn(role_arn: &'static str, session: &str) -> String {
    format!(
        "arn:aws:sts::{}:assumed-role/{}/{session}",
        account_of(role_arn),
        role_name(role_arn)
    )
}

impl Trail<'_> {
    /// A pod's session: Go and Java SDKs name it after the clock, Python's with a prefix.
    pub(super) fn pod_session(&mut self, of: ServiceAccount) -> Session {
        let name = self.pod_session_name(of);
        Session::new(of.role_arn, &name, of.user_agent)
    }

    pub(super) fn pod_session_name(&mut self, of: ServiceAccount) -> String {
        let epoch = self.slot.start - self.dice.between(0, 3000);
        if of.user_agent.starts_with("Boto3") {
            format!("botocore-session-{epoch}")
        } else {
            format!("{epoch}{:09}", self.dice.between(0, 999_999_999))
        }
    }

    /// A node's session, named after its instance.
    pub(super) fn node_session(&mut self, of: Cluster, user_agent: &'static str) -> Session {
        let node = self.dice.between(0, i64::from(NODES) - 1);
        let instance = instance_id(of.flow_log, u8::try_from(node).unwrap_or_default());
        Session {
            on_instance: true,
            ..Session::new(of.node_role, &instance, user_agent)
        }
    }

    /// `userIdentity` of a role session.
    pub(super) fn assumed_role(&mut self, session: &Session) -> Value {
        let created = self.slot.start - self.dice.between(60, 3500);
        let key = session.access_key_id.clone();
        let key = key.unwrap_or_else(|| self.dice.access_key_id());
        let mut identity = json!({
            "type": "AssumedRole",
            "principalId": session.principal_id(),
            "arn": session.arn(),
            "accountId": session.account(),
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role_id(session.role_arn),
                    "arn": session.role_arn,
                    "accountId": session.account(),
                    "userName": role_name(session.role_arn),
                },
                "attributes": {
                    "creationDate": time_text(created, "%Y-%m-%dT%H:%M:%SZ"),
                    "mfaAuthenticated": "false",
                },
            },
        });
        if let Some(context) = identity
            .get_mut("sessionContext")
            .and_then(Value::as_object_mut)
        {
            if let Some(pod) = session.pod.filter(|pod| pod.is_irsa()) {
                let provider = pod.cluster.identity_provider();
                let federation = json!({"federatedProvider": provider, "attributes": {}});
                context.insert("webIdFederationData".to_owned(), federation);
            } else if session.on_instance {
                context.insert("ec2RoleDelivery".to_owned(), json!("2.0"));
            } else if self.dice.chance(50) {
                // Older records have it, empty, on ordinary role sessions.
                context.insert("webIdFederationData".to_owned(), json!({}));
            }
        }
        identity
    }
}
