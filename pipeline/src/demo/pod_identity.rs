//! EKS Pod Identity: two records for each fetch of credentials, without a link between them
//! (domain 3.2).

use serde_json::json;

use super::identity::Session;
use super::record::Record;
use super::refusal::{NO_IDENTITY_POLICY, UNSAID};
use super::sts::{answer, count};
use super::trail::Trail;
use super::world::{
    Cluster, DATA, POD_IDENTITY, POD_IDENTITY_AGENT, SHOP, ServiceAccount, WORKLOAD,
};

/// The pairs of one slot, and the fetches that fail.
pub(super) fn plant(trail: &mut Trail<'_>) {
    for of in POD_IDENTITY.into_iter().cycle().take(6) {
        let record = fetched(trail, of);
        trail.push(record);
    }
    for _ in 0..trail.slot.times(1, 4) {
        let (mut record, _) = asked(trail, SHOP);
        record.deny(
            "AccessDenied",
            "Unauthorized Exception! EKS does not have permissions to assume the associated role.",
            UNSAID,
            "",
        );
        failed(trail, record, SHOP, "role_trust");
    }
    let (mut record, node) = asked(trail, DATA);
    let action = "eks-auth:AssumeRoleForPodIdentity";
    let cluster = format!("arn:aws:eks:us-east-1:{WORKLOAD}:cluster/data-prod");
    let message = NO_IDENTITY_POLICY.message(&node.arn(), action, &cluster);
    record.deny("AccessDeniedException", message, NO_IDENTITY_POLICY, action);
    failed(trail, record, DATA, "node_permission");
    for (code, message, class) in [
        (
            "ResourceNotFoundException",
            "No pod identity association found for the service account",
            "no_association",
        ),
        (
            "ExpiredTokenException",
            "The token included in the request is expired",
            "expired_token",
        ),
    ] {
        let (mut record, _) = asked(trail, SHOP);
        record.fail(code, message);
        failed(trail, record, SHOP, class);
    }
}

fn failed(trail: &mut Trail<'_>, mut record: Record, cluster: Cluster, class: &str) {
    let labels = [cluster.name, cluster.node_role, class];
    record.counts(("pod_identity_failures", "failures"), &labels);
    trail.push(record);
}

/// The agent asks `eks-auth` with the node's role, and EKS takes the pod's role.
/// The second call is handed back.
pub(super) fn fetched(trail: &mut Trail<'_>, of: ServiceAccount) -> Record {
    let ServiceAccount {
        cluster,
        namespace,
        name: service_account,
        role_arn,
        ..
    } = of;
    let (asked, _) = asked(trail, cluster);
    let mut record = trail.call(WORKLOAD, cluster.region, "sts", "AssumeRole");
    record.at(asked.made.epoch);
    record.by_service("pods.eks.amazonaws.com");
    record.user_identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
    let pod = format!("{service_account}-{}", trail.dice.hex(10));
    let session = format!("eks-{}-{pod}-{}", cluster.name, trail.dice.uuid());
    let cluster_arn = format!(
        "arn:aws:eks:{}:{WORKLOAD}:cluster/{}",
        cluster.region, cluster.name
    );
    let tags = [
        ("eks-cluster-arn", cluster_arn),
        ("eks-cluster-name", cluster.name.to_owned()),
        ("kubernetes-namespace", namespace.to_owned()),
        ("kubernetes-service-account", service_account.to_owned()),
        ("kubernetes-pod-name", pod),
        ("kubernetes-pod-uid", trail.dice.uuid()),
    ];
    record.request_parameters = json!({
        "roleArn": role_arn,
        "roleSessionName": session,
        "durationSeconds": 21600,
        "tags": tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
        "transitiveTagKeys": tags.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
    });
    answer(trail, &mut record, role_arn, &session);
    record.shared_event_id = Some(trail.dice.uuid());
    count(&mut record, role_arn, "none");
    let name = cluster.name;
    let labels = ["pod_identity", name, namespace, service_account, role_arn];
    record.counts(("pod_sessions", "sessions"), &labels);
    trail.push(asked);
    record
}

/// The agent's call. It says neither which pod asks nor for which role.
fn asked(trail: &mut Trail<'_>, cluster: Cluster) -> (Record, Session) {
    let node = trail.node_session(cluster, POD_IDENTITY_AGENT);
    let name = "AssumeRoleForPodIdentity";
    let mut record = trail.call_by(&node, cluster.region, "eks-auth", name);
    record.request_parameters = json!({
        "clusterName": cluster.name,
        "token": "HIDDEN_DUE_TO_SECURITY_REASONS",
    });
    (record, node)
}
