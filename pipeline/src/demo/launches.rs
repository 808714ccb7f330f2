//! What EC2 does not give, nodes for a cluster and addresses for its pods, and what it takes back
//! (domain 6).
//!
//! Must hold: a fleet that gets nothing is a call that succeeds. Its errors stand in the reply, one as
//! an object and several as a list.

use serde_json::{Value, json};

use super::identity::Session;
use super::record::Record;
use super::trail::Trail;
use super::world::{EU, KARPENTER, SHOP, VPC_CNI_AGENT, WORKLOAD};

/// The role by which auto scaling groups launch.
const SCALING_ROLE: &str = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
const SCALING: &str = "autoscaling.amazonaws.com";
const ZONE: &str = "eu-west-1a";
const NO_CAPACITY: &str = "InsufficientInstanceCapacity";
const NO_ADDRESSES: &str = "InsufficientFreeAddressesInSubnet";
const SPOT: &str = "ec2.amazonaws.com";
/// A subnet that is too small.
const FULL_SUBNET: &str = "subnet-0d4e5f60718293a4b";

/// The calls of one slot.
pub(super) fn plant(trail: &mut Trail<'_>) {
    for _ in 0..trail.slot.times(1, 4) {
        without_capacity(trail, false);
    }
    without_capacity(trail, true);
    without_addresses(trail);
    beyond_quota(trail);
    for _ in 0..trail.slot.times(1, 3) {
        full(trail);
    }
    granted(trail);
    for _ in 0..trail.slot.times(1, 3) {
        taken_back(trail);
    }
}

/// Counts what a call did not get.
fn count(record: &mut Record, [reason, place, launched]: [&str; 3], failures: u64) {
    let (api, caller) = (record.event_name, record.made.caller.clone());
    let labels = [WORKLOAD, EU, api, reason, place, launched, &caller];
    record.counts_many(("launch_failures", "failures"), &labels, failures);
}

/// Karpenter asks for a node, and these are the errors of the reply.
fn fleet(trail: &mut Trail<'_>, errors: &Value, launched: bool) -> Record {
    let session = trail.pod_session(KARPENTER);
    let mut record = trail.call_by(&session, EU, "ec2", "CreateFleet");
    record.read_only = false;
    record.request_parameters = json!({"CreateFleetRequest": {
        "Type": "instant",
        "TargetCapacitySpecification": {"DefaultTargetCapacityType": "spot", "TotalTargetCapacity": 1},
    }});
    let instances = if launched {
        json!({"item": {
            "lifecycle": "spot",
            "instanceType": "m7g.large",
            "instanceIds": {"item": format!("i-0{}", trail.dice.hex(16))},
        }})
    } else {
        json!("")
    };
    record.response_elements = json!({"CreateFleetResponse": {
        "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
        "requestId": record.request_id,
        "fleetId": format!("fleet-{}", trail.dice.uuid()),
        "errorSet": errors,
        "fleetInstanceSet": instances,
    }});
    record
}

fn error(code: &str, message: &str, overrides: &Value) -> Value {
    json!({
        "lifecycle": "spot",
        "errorCode": code,
        "errorMessage": message,
        "launchTemplateAndOverrides": {"overrides": overrides},
    })
}

/// Two pools of a zone have nothing; a third has something, or there is none.
fn without_capacity(trail: &mut Trail<'_>, launched: bool) {
    let message = "There is no Spot capacity available that matches your request.";
    let pools = ["m7g.large", "m6g.large"].map(|kind| {
        let overrides = json!({"instanceType": kind, "availabilityZone": ZONE});
        error(NO_CAPACITY, message, &overrides)
    });
    let mut record = fleet(trail, &json!({"item": pools}), launched);
    let beside = if launched { "some" } else { "none" };
    count(&mut record, [&NO_CAPACITY.to_lowercase(), ZONE, beside], 2);
    trail.push(record);
}

/// One error, and no list around it.
fn without_addresses(trail: &mut Trail<'_>) {
    let overrides = json!({"instanceType": "m7g.large", "subnetId": FULL_SUBNET});
    let message = "There are not enough free addresses in the subnet.";
    let only = error(NO_ADDRESSES, message, &overrides);
    let mut record = fleet(trail, &json!({"item": only}), false);
    let reason = NO_ADDRESSES.to_lowercase();
    count(&mut record, [&reason, FULL_SUBNET, "none"], 1);
    trail.push(record);
}

/// A fleet that gets what it asks for.
fn granted(trail: &mut Trail<'_>) {
    let record = fleet(trail, &json!(""), true);
    trail.push(record);
}

/// Two Spot instances end at once; nobody called.
fn taken_back(trail: &mut Trail<'_>) {
    let mut record = trail.call(WORKLOAD, EU, "ec2", "BidEvictedEvent");
    record.by_service(SPOT);
    record.user_identity = json!({"accountId": WORKLOAD, "invokedBy": SPOT});
    record.event_type = "AwsServiceEvent";
    let instances = [(); 2].map(|()| format!("i-0{}", trail.dice.hex(16)));
    record.service_event_details = Some(json!({"instanceIdSet": instances}));
    record.counts_many(("spot_interruptions", "instances"), &[WORKLOAD, EU], 2);
    trail.push(record);
}

/// An auto scaling group wants more than the account may have.
fn beyond_quota(trail: &mut Trail<'_>) {
    let session = Session::new(SCALING_ROLE, "AutoScaling", SCALING);
    let mut record = trail.call_by(&session, EU, "ec2", "RunInstances");
    record.by_service(SCALING);
    if let Some(identity) = record.user_identity.as_object_mut() {
        identity.insert("invokedBy".to_owned(), json!(SCALING));
    }
    record.read_only = false;
    record.request_parameters = json!({"instanceType": "p4d.24xlarge", "subnetId": FULL_SUBNET});
    record.fail(
        "Client.VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
    );
    count(&mut record, ["vcpulimitexceeded", FULL_SUBNET, "none"], 1);
    trail.push(record);
}

/// The network plugin of a node finds no addresses for its pods.
fn full(trail: &mut Trail<'_>) {
    let session = trail.node_session(SHOP, VPC_CNI_AGENT);
    let mut record = trail.call_by(&session, EU, "ec2", "AssignPrivateIpAddresses");
    record.read_only = false;
    let interface = format!("eni-0{}", trail.dice.hex(16));
    record.request_parameters =
        json!({"networkInterfaceId": interface, "secondaryPrivateIpAddressCount": 14});
    record.fail(
        "Client.InsufficientFreeAddressesInSubnet",
        "The specified subnet does not have enough free addresses to satisfy the request.",
    );
    let reason = NO_ADDRESSES.to_lowercase();
    count(&mut record, [&reason, "unknown", "none"], 1);
    trail.push(record);
}
