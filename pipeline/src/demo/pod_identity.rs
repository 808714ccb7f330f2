//! EKS Pod Identity: two records for each fetch of credentials, without a link between them
//! (domain 3.2).

use serde_json::json;

use super::record::{Record, Trail};
use super::sts::answer;
use super::world::{Cluster, POD_IDENTITY_AGENT, SHOP, WORKLOAD};

/// Namespace, service account and role of the pods that get their role this way.
const ASSOCIATIONS: [(&str, &str, &str); 3] = [
    (
        "shop",
        "notifications",
        "arn:aws:iam::111122223333:role/shop-notifications",
    ),
    (
        "shop",
        "invoices",
        "arn:aws:iam::111122223333:role/shop-invoices",
    ),
    (
        "payments",
        "settlement",
        "arn:aws:iam::111122223333:role/workload/settlement",
    ),
];

/// The pairs of one slot, and one fetch that the role's trust policy refuses.
pub(super) fn plant(trail: &mut Trail<'_>) {
    for association in ASSOCIATIONS.into_iter().cycle().take(6) {
        fetched(trail, SHOP, association);
    }
    let mut record = asked(trail, SHOP);
    record.fail(
        "AccessDenied",
        "Unauthorized Exception! EKS does not have permissions to assume the associated role.",
    );
    trail.records.push(record);
}

/// The agent asks `eks-auth` with the node's role, and EKS takes the pod's role.
fn fetched(
    trail: &mut Trail<'_>,
    cluster: Cluster,
    (namespace, service_account, role_arn): (&str, &str, &'static str),
) {
    let asked = asked(trail, cluster);
    let mut record = trail.call(WORKLOAD, cluster.region, "sts", "AssumeRole");
    record.event_time.clone_from(&asked.event_time);
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
    trail.truth.count_assume_role(role_arn, "success");
    trail.records.push(asked);
    trail.records.push(record);
}

/// The agent's call. It says neither which pod asks nor for which role.
fn asked(trail: &mut Trail<'_>, cluster: Cluster) -> Record {
    let node = trail.node_session(cluster.node_role, POD_IDENTITY_AGENT);
    let mut record = trail.call(
        WORKLOAD,
        cluster.region,
        "eks-auth",
        "AssumeRoleForPodIdentity",
    );
    record.user_identity = trail.assumed_role(&node);
    record.user_agent = node.user_agent.into();
    record.request_parameters = json!({
        "clusterName": cluster.name,
        "token": "HIDDEN_DUE_TO_SECURITY_REASONS",
    });
    record
}
