//! The load balancer controller: targets that come and go, and writes that it repeats
//! (domain 6.3).

use serde_json::json;

use super::identity::Session;
use super::record::Record;
use super::refusal::NO_IDENTITY_POLICY;
use super::trail::Trail;
use super::world::{DEPLOY, EU, LOAD_BALANCER_CONTROLLER, TERRAFORM_AGENT, US, WORKLOAD};

const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop-cart/6d0ecf831eec9f09";
const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/k8s-shop/f1e2d3c4b5a69788/0a1b2c3d4e5f6071/9e8d7c6b5a493827";

/// The calls of one slot whose number is known.
pub(super) fn plant(trail: &mut Trail<'_>) {
    let slot = trail.slot;
    for _ in 0..slot.times(1, 5) {
        targets(trail, "RegisterTargets", 2);
        targets(trail, "DeregisterTargets", 3);
    }
    for _ in 0..slot.times(0, 8) {
        rule_again(trail);
    }
    if slot.breaks {
        by_pipeline(trail, EU);
        by_pipeline(trail, US);
        group_attributes(trail);
    }
    for _ in 0..slot.times(1, 6) {
        throttled(trail);
    }
    refused(trail);
}

fn call(trail: &mut Trail<'_>, name: &'static str) -> Record {
    let session = trail.pod_session(LOAD_BALANCER_CONTROLLER);
    trail.call_by(&session, EU, "elasticloadbalancing", name)
}

fn targets(trail: &mut Trail<'_>, name: &'static str, number: u64) {
    let mut record = call(trail, name);
    again(&mut record);
    move_targets(trail, record, TARGET_GROUP, number);
}

/// A pipeline registers targets while a cluster of one of the two regions is upgraded. Which
/// cluster they are of, nothing says.
fn by_pipeline(trail: &mut Trail<'_>, region: &'static str) {
    let session = Session::new(DEPLOY, "GitHubActions", TERRAFORM_AGENT);
    let service = "elasticloadbalancing";
    let mut record = trail.call_by(&session, region, service, "RegisterTargets");
    record.at(trail.slot.start + trail.dice.between(60, 240));
    let group = format!(
        "arn:aws:elasticloadbalancing:{region}:{WORKLOAD}:targetgroup/batch/3a2b1c0d9e8f7a6b"
    );
    move_targets(trail, record, &group, 4);
}

fn move_targets(trail: &mut Trail<'_>, mut record: Record, group: &str, number: u64) {
    record.read_only = false;
    let address = |host| format!("10.21.100.{host}");
    let targets = (0..number).map(|at| json!({"id": address(10 + at), "port": 8080}));
    record.request_parameters =
        json!({"targetGroupArn": group, "targets": targets.collect::<Vec<_>>()});
    record.response_elements = json!({});
    let caller = record.made.caller.clone();
    let region = record.aws_region;
    let labels = [WORKLOAD, region, group, record.event_name, &caller];
    record.counts_many(("target_churn", "targets"), &labels, number);
    trail.push(record);
}

/// The call is made with the same parameters each time.
fn again(record: &mut Record) {
    let caller = record.made.caller.clone();
    let labels = [&caller, record.event_name];
    record.counts(("ingress_repeated_writes", "repeats"), &labels);
}

/// The same rule with the same conditions, over and over.
fn rule_again(trail: &mut Trail<'_>) {
    let mut record = call(trail, "ModifyRule");
    record.request_parameters = json!({
        "ruleArn": RULE,
        "conditions": [{"field": "path-pattern", "pathPatternConfig": {"values": ["/cart/*"]}}],
        "actions": [{"type": "forward", "targetGroupArn": TARGET_GROUP}],
    });
    record.response_elements =
        json!({"rules": [{"ruleArn": RULE, "priority": "10", "isDefault": false}]});
    record.changes("load_balancer", RULE);
    again(&mut record);
    trail.push(record);
}

fn group_attributes(trail: &mut Trail<'_>) {
    let mut record = call(trail, "ModifyTargetGroupAttributes");
    let attributes = json!([{"key": "deregistration_delay.timeout_seconds", "value": "30"}]);
    record.request_parameters = json!({"targetGroupArn": TARGET_GROUP, "attributes": attributes});
    record.response_elements = json!({"attributes": attributes});
    record.changes("load_balancer", TARGET_GROUP);
    trail.push(record);
}

fn throttled(trail: &mut Trail<'_>) {
    let mut record = call(trail, "DescribeTargetHealth");
    record.throttle("Throttling", "Rate exceeded");
    record.strip();
    trail.push(record);
}

fn refused(trail: &mut Trail<'_>) {
    let session = trail.pod_session(LOAD_BALANCER_CONTROLLER);
    let service = "elasticloadbalancing";
    let mut record = trail.call_by(&session, EU, service, "SetWebAcl");
    record.read_only = false;
    let action = "elasticloadbalancing:SetWebAcl";
    let balancer = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/k8s-shop/f1e2d3c4b5a69788";
    let message = NO_IDENTITY_POLICY.message(&session.arn(), action, balancer);
    record.deny("AccessDenied", message, NO_IDENTITY_POLICY, action);
    record.strip();
    trail.push(record);
}
