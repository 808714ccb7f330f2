//! A cluster whose API server is opened to everybody, whose audit log is turned off, and whose
//! administrators are no longer who they were.

use serde_json::{Value, json};

use super::identity::Session;
use super::trail::Trail;
use super::world::{ADMINISTRATOR, CLI_AGENT, DEPLOY, EU, SHOP, WORKLOAD};

/// Whom nobody knows, of an account that nobody knows.
const STRANGER: &str = "arn:aws:iam::777788889999:role/contractor";

/// The calls of the slot in which things break.
pub(super) fn plant(trail: &mut Trail<'_>) {
    if !trail.slot.breaks {
        return;
    }
    let logs = |types: &[&str], enabled: bool| json!({"types": types, "enabled": enabled});
    for (setting, value, effect) in [
        (
            "resourcesVpcConfig",
            json!({"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]}),
            Some("api_server_open"),
        ),
        (
            "resourcesVpcConfig",
            json!({"endpointPublicAccess": true, "endpointPrivateAccess": true}),
            Some("api_server_public"),
        ),
        (
            "logging",
            json!({"clusterLogging": [logs(&["api"], true), logs(&["audit", "scheduler"], false)]}),
            Some("audit_log_off"),
        ),
        (
            "resourcesVpcConfig",
            json!({"endpointPublicAccess": true, "publicAccessCidrs": ["192.0.2.0/24"]}),
            None,
        ),
    ] {
        changed(trail, (setting, &value), effect);
    }
    administrator(trail, DEPLOY, "cluster_admin_granted");
    administrator(trail, STRANGER, "cluster_admin_foreign");
    let parameters = json!({"name": SHOP.name, "principalArn": DEPLOY});
    entry(
        trail,
        "DeleteAccessEntry",
        parameters,
        (DEPLOY, "entry_deleted"),
    );
}

fn administrator(trail: &mut Trail<'_>, principal: &str, effect: &str) {
    let parameters = json!({
        "name": SHOP.name,
        "principalArn": principal,
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "cluster"},
    });
    entry(
        trail,
        "AssociateAccessPolicy",
        parameters,
        (principal, effect),
    );
}

/// One change of who may do what in the cluster.
fn entry(
    trail: &mut Trail<'_>,
    call: &'static str,
    parameters: Value,
    (principal, effect): (&str, &str),
) {
    let session = Session::new(ADMINISTRATOR, "kim@example.com", CLI_AGENT);
    let mut record = trail.call_by(&session, EU, "eks", call);
    record.request_parameters = parameters;
    record.changes("access_entry", &format!("{}/{principal}", SHOP.name));
    let caller = record.made.caller.clone();
    let labels = [WORKLOAD, EU, SHOP.name, effect, principal, &caller];
    record.counts(("cluster_exposure", "changes"), &labels);
    trail.push(record);
}

/// One change of the cluster's configuration; all of them are changes of a cluster.
fn changed(trail: &mut Trail<'_>, (setting, value): (&str, &Value), effect: Option<&str>) {
    let session = Session::new(ADMINISTRATOR, "kim@example.com", CLI_AGENT);
    let mut record = trail.call_by(&session, EU, "eks", "UpdateClusterConfig");
    record.request_parameters = json!({
        "name": SHOP.name,
        "clientRequestToken": trail.dice.uuid(),
        setting: value,
    });
    record.response_elements = json!({"update": {
        "id": trail.dice.uuid(), "status": "InProgress", "params": [], "errors": [],
    }});
    record.changes("cluster", SHOP.name);
    if let Some(effect) = effect {
        let caller = record.made.caller.clone();
        let labels = [WORKLOAD, EU, SHOP.name, effect, "none", &caller];
        record.counts(("cluster_exposure", "changes"), &labels);
    }
    trail.push(record);
}
