//! Pods without a role of their own that work with their node's (domain 3.4).

use serde_json::json;

use super::identity::Session;
use super::record::Record;
use super::refusal::NO_IDENTITY_POLICY;
use super::trail::Trail;
use super::world::{
    BASTION, CLI_AGENT, Cluster, DATA, EBS_CSI_AGENT, EU, PYTHON_SDK, SHOP, VPC_CNI_AGENT,
};

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    for _ in 0..trail.slot.times(1, 4) {
        refused(trail, DATA);
    }
    listed(trail, SHOP);
    beside_the_clusters(trail);
}

fn count(trail: &mut Trail<'_>, mut record: Record, role: &str) {
    let (service, outcome) = (record.service(), record.made.outcome.text());
    let labels = [role, &service, record.event_name, outcome];
    record.counts(("node_role_fallback", "calls"), &labels);
    trail.push(record);
}

/// An application takes what the node offers, and may not.
fn refused(trail: &mut Trail<'_>, cluster: Cluster) {
    let session = trail.node_session(cluster, PYTHON_SDK);
    let region = cluster.region;
    let mut record = trail.call_by(&session, region, "secretsmanager", "GetSecretValue");
    let action = "secretsmanager:GetSecretValue";
    let secret =
        format!("arn:aws:secretsmanager:{region}:111122223333:secret:reports/database-Ab1Cd2");
    let message = NO_IDENTITY_POLICY.message(&session.arn(), action, &secret);
    record.deny("AccessDeniedException", message, NO_IDENTITY_POLICY, action);
    count(trail, record, cluster.node_role);
}

/// An application takes what the node offers, and may.
fn listed(trail: &mut Trail<'_>, cluster: Cluster) {
    let session = trail.node_session(cluster, PYTHON_SDK);
    let record = trail.call_by(&session, cluster.region, "s3", "ListBuckets");
    count(trail, record, cluster.node_role);
}

/// An instance that is no node: its calls count as an instance's, and never as a known node's.
fn beside_the_clusters(trail: &mut Trail<'_>) {
    let session = Session {
        on_instance: true,
        ..Session::new(BASTION, "i-0d4c3b2a190f8e7d6", CLI_AGENT)
    };
    let record = trail.call_by(&session, EU, "s3", "ListBuckets");
    count(trail, record, BASTION);
}

/// What the network plugin and the volume driver of a node ask EC2.
pub(super) fn described(trail: &mut Trail<'_>) {
    let cluster = trail.dice.pick(&[SHOP, DATA]);
    let (name, agent) = trail.dice.pick(&[
        ("DescribeNetworkInterfaces", VPC_CNI_AGENT),
        ("AssignPrivateIpAddresses", VPC_CNI_AGENT),
        ("DescribeVolumes", EBS_CSI_AGENT),
    ]);
    let session = trail.node_session(cluster, agent);
    let mut record = trail.call_by(&session, cluster.region, "ec2", name);
    record.read_only = name.starts_with("Describe");
    record.request_parameters = if record.read_only {
        json!({"filterSet": {"items": [
            {"name": "attachment.instance-id", "valueSet": {"items": [{"value": session.name}]}}
        ]}})
    } else {
        let interface = format!("eni-0{}", trail.dice.hex(16));
        record.response_elements = json!({"requestId": record.request_id, "_return": true});
        json!({"networkInterfaceId": interface, "secondaryPrivateIpAddressCount": 14})
    };
    trail.push(record);
}
