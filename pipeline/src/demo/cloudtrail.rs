//! The everyday calls of an EKS platform: what a signal must look past.

use serde_json::{Value, json};

use super::identity::Session;
use super::people::caller_identity;
use super::refusal::SERVICE_CONTROL_POLICY;
use super::trail::Trail;
use super::world::{
    ADMINISTRATOR, BROWSER_AGENT, CI_RUNNER, CLUSTER_AUTOSCALER, DATA, DEPLOY, EU, KARPENTER,
    KUBELET_AGENT, LOAD_BALANCER_CONTROLLER, ORDERS, SHARED, SHOP, TERRAFORM_AGENT, US, WORKLOAD,
};
use super::{dns, images, kms, nodes, web_identity};

/// Makes one call, or one pair of them.
type Call = fn(&mut Trail<'_>);

/// How often each is made, against the others.
const CALLS: [(u32, Call); 19] = [
    (20, describe_by_controller),
    (8, nodes::described),
    (8, target_health),
    (7, scaling_groups),
    (3, images::pull),
    (12, kms::used),
    (3, kms::used_by_both),
    (3, kms::used_by_service),
    (12, web_identity::renew),
    (6, bucket_settings),
    (5, dns::synchronise),
    (4, secret_value),
    (4, terraform_refresh),
    (4, console_reads),
    (3, cluster_description),
    (3, caller_identity),
    (2, service_event),
    (2, throttled_elsewhere),
    (1, launch_refused),
];

/// Fills the slot up to `records`.
pub(super) fn fill(trail: &mut Trail<'_>, records: usize) {
    while trail.records.len() < records {
        match trail.dice.pick_weighted(&CALLS) {
            Some(call) => call(trail),
            None => break,
        }
    }
}

fn tag_filter(name: &str, value: &str) -> Value {
    json!({"items": [{"name": name, "valueSet": {"items": [{"value": value}]}}]})
}

fn describe_by_controller(trail: &mut Trail<'_>) {
    let name = trail.dice.pick(&[
        "DescribeInstances",
        "DescribeInstanceTypes",
        "DescribeSubnets",
        "DescribeSecurityGroups",
        "DescribeLaunchTemplates",
        "DescribeImages",
        "DescribeSpotPriceHistory",
    ]);
    let session = trail.pod_session(KARPENTER);
    let mut record = trail.call_by(&session, EU, "ec2", name);
    record.request_parameters = json!({
        "filterSet": tag_filter("tag:kubernetes.io/cluster/shop-prod", "owned"),
        "maxResults": 1000,
    });
    trail.push(record);
}

fn target_health(trail: &mut Trail<'_>) {
    let name = trail.dice.pick(&[
        "DescribeTargetHealth",
        "DescribeTargetGroups",
        "DescribeTags",
    ]);
    let session = trail.pod_session(LOAD_BALANCER_CONTROLLER);
    let mut record = trail.call_by(&session, EU, "elasticloadbalancing", name);
    record.request_parameters = json!({
        "targetGroupArn": format!(
            "arn:aws:elasticloadbalancing:eu-west-1:{WORKLOAD}:targetgroup/k8s-shop-cart/{}",
            trail.dice.hex(16)
        ),
    });
    trail.push(record);
}

fn scaling_groups(trail: &mut Trail<'_>) {
    let name = trail
        .dice
        .pick(&["DescribeAutoScalingGroups", "DescribeScalingActivities"]);
    let session = trail.pod_session(CLUSTER_AUTOSCALER);
    let mut record = trail.call_by(&session, US, "autoscaling", name);
    record.request_parameters = json!({"maxRecords": 100});
    trail.push(record);
}

fn bucket_settings(trail: &mut Trail<'_>) {
    let name = trail
        .dice
        .pick(&["GetBucketLocation", "GetBucketAcl", "PutBucketTagging"]);
    let region = trail.dice.pick(&[EU, US]);
    let session = Session::new(CI_RUNNER, "GitHubActions", TERRAFORM_AGENT);
    let mut record = trail.call_by(&session, region, "s3", name);
    record.read_only = name.starts_with("Get");
    record.request_parameters = json!({
        "bucketName": "shop-artifacts-444455556666",
        "Host": format!("shop-artifacts-444455556666.s3.{region}.amazonaws.com"),
    });
    record.resources = Some(json!([
        {"accountId": SHARED, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop-artifacts-444455556666"}
    ]));
    record.additional_event_data = Some(json!({
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "AuthenticationMethod": "AuthHeader",
        "bytesTransferredIn": 0,
        "bytesTransferredOut": trail.dice.between(100, 900),
    }));
    trail.push(record);
}

fn secret_value(trail: &mut Trail<'_>) {
    let session = trail.pod_session(ORDERS);
    let mut record = trail.call_by(&session, EU, "secretsmanager", "GetSecretValue");
    record.request_parameters = json!({"secretId": "shop/orders"});
    trail.push(record);
}

fn terraform_refresh(trail: &mut Trail<'_>) {
    let (service, name) = trail.dice.pick(&[
        ("iam", "GetRole"),
        ("iam", "ListAttachedRolePolicies"),
        ("ec2", "DescribeVpcs"),
        ("eks", "DescribeNodegroup"),
    ]);
    let region = if service == "iam" { US } else { EU };
    let session = Session::new(DEPLOY, "GitHubActions", TERRAFORM_AGENT);
    let mut record = trail.call_by(&session, region, service, name);
    record.request_parameters = match service {
        "iam" => json!({"roleName": "shop-cart"}),
        "eks" => json!({"name": "shop-prod", "nodegroupName": "system"}),
        _ => json!({"vpcSet": {"items": [{"vpcId": "vpc-0a1b2c3d4e5f60718"}]}, "filterSet": {}}),
    };
    trail.push(record);
}

/// A person looks around in the console.
fn console_reads(trail: &mut Trail<'_>) {
    let person = trail
        .dice
        .pick(&["dana@example.com", "kim@example.com", "noor@example.com"]);
    let (service, name) = trail.dice.pick(&[
        ("ec2", "DescribeInstances"),
        ("logs", "DescribeLogGroups"),
        ("eks", "ListClusters"),
        ("ce", "GetCostAndUsage"),
    ]);
    let session = Session::new(ADMINISTRATOR, person, BROWSER_AGENT);
    let mut record = trail.call_by(&session, EU, service, name);
    record.session_credential_from_console = Some("true");
    record.tls_details = None;
    record.source_ip_address = "2001:db8:4c1f::17".into();
    trail.push(record);
}

fn cluster_description(trail: &mut Trail<'_>) {
    let cluster = trail.dice.pick(&[SHOP, DATA]);
    let session = trail.node_session(cluster, KUBELET_AGENT);
    let mut record = trail.call_by(&session, cluster.region, "eks", "DescribeCluster");
    record.request_parameters = json!({"name": cluster.name});
    trail.push(record);
}

/// Nobody called: an identity without a type.
fn service_event(trail: &mut Trail<'_>) {
    let account = trail.dice.pick(&[WORKLOAD, SHARED]);
    let region = trail.dice.pick(&[EU, US]);
    let mut record = trail.call(account, region, "ecr", "PolicyExecutionEvent");
    record.by_service("AWS Internal");
    record.user_identity = json!({"accountId": account, "invokedBy": "AWS Internal"});
    record.event_type = "AwsServiceEvent";
    record.service_event_details = Some(json!({
        "repositoryName": "shop/cart",
        "lifecycleEventPolicy": {"lifecycleEventRules": [{"rulePriority": 1, "description": "keep 30 images"}]},
        "lifecycleEventImageActions": [],
    }));
    trail.push(record);
}

/// Throttled, but neither by STS nor by KMS.
fn throttled_elsewhere(trail: &mut Trail<'_>) {
    let (service, name, code, message) = trail.dice.pick(&[
        (
            "ec2",
            "DescribeInstances",
            "Client.RequestLimitExceeded",
            "Request limit exceeded.",
        ),
        (
            "ssm",
            "GetParameter",
            "ThrottlingException",
            "Rate exceeded",
        ),
        (
            "elasticloadbalancing",
            "DescribeTargetHealth",
            "Throttling",
            "Rate exceeded",
        ),
    ]);
    let session = trail.pod_session(LOAD_BALANCER_CONTROLLER);
    let mut record = trail.call_by(&session, EU, service, name);
    record.throttle(code, message);
    record.strip();
    trail.push(record);
}

/// EC2 encodes the reason, and CloudTrail cuts the message at 1 KB.
pub(super) fn launch_refused(trail: &mut Trail<'_>) {
    let session = trail.pod_session(KARPENTER);
    let mut record = trail.call_by(&session, EU, "ec2", "RunInstances");
    record.read_only = false;
    record.request_parameters = json!({
        "instancesSet": {"items": [{"imageId": "ami-0a1b2c3d4e5f60718", "minCount": 1, "maxCount": 1}]},
        "instanceType": "m7g.large",
    });
    let (action, reason) = ("iam:PassRole", SERVICE_CONTROL_POLICY);
    let sentence = reason.message(&session.arn(), action, SHOP.node_role);
    let mut message = format!(
        "You are not authorized to perform this operation. {sentence}. Encoded authorization failure message: {}",
        trail.dice.alphanumeric(1024)
    );
    message.truncate(1021);
    message.push_str("...");
    record.deny("Client.UnauthorizedOperation", message, reason, action);
    trail.push(record);
}
