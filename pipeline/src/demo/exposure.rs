//! A cluster whose API server is opened to everybody, and whose audit log is turned off.

use serde_json::{Value, json};

use super::identity::Session;
use super::trail::Trail;
use super::world::{ADMINISTRATOR, CLI_AGENT, EU, SHOP, WORKLOAD};

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
        let labels = [WORKLOAD, EU, SHOP.name, effect, &caller];
        record.counts(("cluster_exposure", "changes"), &labels);
    }
    trail.push(record);
}
