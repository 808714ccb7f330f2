//! Nodes that pull images from the shared registry (domain 6.1), and pulls that are refused.

use serde_json::{Value, json};

use super::identity::Session;
use super::record::Record;
use super::refusal::NO_RESOURCE_POLICY;
use super::trail::Trail;
use super::world::{
    Cluster, DATA, KUBELET_AGENT, NODES, SHARED, SHOP, WORKLOAD, instance_id, zone,
};

/// The refused pulls of one slot.
pub(super) fn plant(trail: &mut Trail<'_>) {
    pull(trail);
    for _ in 0..trail.slot.times(1, 4) {
        refused(trail, DATA, "platform/ledger");
    }
    throttled(trail, SHOP);
}

/// One pull: the index, the manifest, then the layers that the node has not, a second or two
/// between them.
pub(super) fn pull(trail: &mut Trail<'_>) {
    let cluster = trail.dice.pick(&[SHOP, DATA]);
    let repository = trail
        .dice
        .pick(&["shop/cart", "shop/orders", "platform/envoy"]);
    let session = trail.node_session(cluster, KUBELET_AGENT);
    let begins = trail.slot.start + trail.dice.between(0, 240);
    let mut after = 0;
    for _ in 0..2 {
        let mut record = manifest(trail, &session, cluster, repository);
        record.at(begins + after);
        let zone = zone_of(cluster, &session);
        record.counts(("ecr_pulls_by_zone", "pulls"), &[repository, zone]);
        let aftermath = &mut trail.truth.aftermath;
        aftermath.pull(repository, &session.name, begins + after, false);
        count(trail, record, cluster, repository);
        after += 1;
    }
    for _ in 0..trail.dice.between(1, 6) {
        let mut record = trail.call_by(&session, cluster.region, "ecr", "GetDownloadUrlForLayer");
        let digest = format!("sha256:{}", trail.dice.hex(64));
        record.request_parameters =
            json!({"registryId": SHARED, "repositoryName": repository, "layerDigest": digest});
        record.resources = Some(resource(cluster, repository));
        record.at(begins + after);
        let aftermath = &mut trail.truth.aftermath;
        aftermath.pull(repository, &session.name, begins + after, true);
        count(trail, record, cluster, repository);
        after += trail.dice.between(0, 9);
    }
}

/// Only one cluster's flow log says in which zone its nodes are.
fn zone_of(cluster: Cluster, session: &Session) -> &'static str {
    let mut nodes = 0..NODES;
    let node = nodes.find(|node| instance_id(cluster.flow_log, *node) == session.name);
    match node {
        Some(node) if cluster.name == SHOP.name => zone(node),
        _ => "unknown",
    }
}

fn resource(cluster: Cluster, repository: &str) -> Value {
    json!([{"ARN": arn(cluster, repository), "accountId": SHARED}])
}

fn arn(cluster: Cluster, repository: &str) -> String {
    let region = cluster.region;
    format!("arn:aws:ecr:{region}:{SHARED}:repository/{repository}")
}

fn manifest(
    trail: &mut Trail<'_>,
    session: &Session,
    cluster: Cluster,
    repository: &str,
) -> Record {
    let mut record = trail.call_by(session, cluster.region, "ecr", "BatchGetImage");
    record.request_parameters = json!({
        "registryId": SHARED,
        "repositoryName": repository,
        "imageIds": [{"imageTag": "2024.12.1"}],
        "acceptedMediaTypes": ["application/vnd.oci.image.index.v1+json"],
    });
    record.resources = Some(resource(cluster, repository));
    record
}

fn count(trail: &mut Trail<'_>, mut record: Record, cluster: Cluster, repository: &str) {
    let labels = [
        WORKLOAD,
        repository,
        cluster.node_role,
        record.made.outcome.text(),
    ];
    let measure = if record.event_name == "BatchGetImage" {
        "pulls"
    } else {
        "layers"
    };
    record.counts(("ecr_pulls", measure), &labels);
    trail.push(record);
}

/// The registry's owner has not let this cluster in.
fn refused(trail: &mut Trail<'_>, cluster: Cluster, repository: &'static str) {
    let session = trail.node_session(cluster, KUBELET_AGENT);
    let mut record = manifest(trail, &session, cluster, repository);
    let (action, reason) = ("ecr:BatchGetImage", NO_RESOURCE_POLICY);
    let message = reason.message(&session.arn(), action, &arn(cluster, repository));
    record.deny("AccessDenied", message, reason, action);
    let labels = [
        SHARED,
        WORKLOAD,
        repository,
        cluster.node_role,
        reason.class,
    ];
    record.counts(("ecr_denies", "denies"), &labels);
    count(trail, record, cluster, repository);
}

fn throttled(trail: &mut Trail<'_>, cluster: Cluster) {
    let session = trail.node_session(cluster, KUBELET_AGENT);
    let mut record = manifest(trail, &session, cluster, "shop/cart");
    record.throttle("ThrottlingException", "Rate exceeded");
    record.strip();
    // Nothing says which repository it was.
    count(trail, record, cluster, "unknown");
}
