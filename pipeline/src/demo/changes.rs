//! What people and pipelines change: the network, the cluster, who may do what (domain 3.3, 6.4).
//!
//! Must hold: what the second half's faults follow from is changed when that half begins.

use serde_json::{Value, json};

use super::identity::Session;
use super::kms::RETIRED_KEY;
use super::people::count_churn;
use super::record::Record;
use super::refusal::{BOUNDARY, NO_BOUNDARY, Reason};
use super::trail::Trail;
use super::world::{DEPLOY, EU, SHOP, TERRAFORM_AGENT, US, WORKLOAD};

const GROUP: &str = "sg-0a1b2c3d4e5f60718";
const OTHER_GROUP: &str = "sg-0b2c3d4e5f6071829";

/// The changes of one slot.
pub(super) fn plant(trail: &mut Trail<'_>) {
    for _ in 0..trail.slot.times(1, 3) {
        refused(trail, "CreateRole", "iam:CreateRole", BOUNDARY);
        refused(trail, "PutRolePolicy", "iam:PutRolePolicy", NO_BOUNDARY);
    }
    if !trail.slot.breaks {
        return;
    }
    opened(trail);
    opened_as_of_old(trail);
    closed(trail);
    network(trail);
    identity(trail);
    cluster(trail);
    policies(trail);
}

fn deploying() -> Session {
    Session::new(DEPLOY, "GitHubActions", TERRAFORM_AGENT)
}

/// A successful change, seconds after the half began.
fn change(
    trail: &mut Trail<'_>,
    (service, name): (&str, &'static str),
    (kind, resource): (&str, &str),
    parameters: Value,
) -> Record {
    let region = if service == "iam" { US } else { EU };
    let mut record = trail.call_by(&deploying(), region, service, name);
    record.at(trail.slot.start + trail.dice.between(5, 60));
    record.request_parameters = parameters;
    if service == "ec2" {
        record.response_elements = json!({"requestId": record.request_id, "_return": true});
    }
    record.changes(kind, resource);
    record
}

/// A rule for the whole world, of both families, in today's shape.
fn opened(trail: &mut Trail<'_>) {
    let parameters = json!({"groupId": GROUP, "ipPermissions": {"items": [{
        "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "prefixListIds": {},
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "for the migration"}]},
        "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]},
    }]}});
    let call = ("ec2", "AuthorizeSecurityGroupIngress");
    let mut record = change(trail, call, ("security_group", GROUP), parameters);
    let rule = |id: &str, family: &str, range: &str| {
        json!({
            "groupOwnerId": WORKLOAD, "groupId": GROUP, "securityGroupRuleId": id, "isEgress": false,
            "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, family: range,
        })
    };
    answer_rules(
        &mut record,
        &json!([
            rule("sgr-0a1b2c3d4e5f60718", "cidrIpv4", "0.0.0.0/0"),
            rule("sgr-0b2c3d4e5f6071829", "cidrIpv6", "::/0"),
        ]),
    );
    count_open(&mut record, GROUP, "22", 2);
    trail.push(record);
}

/// The range beside the group, as old clients send it.
fn opened_as_of_old(trail: &mut Trail<'_>) {
    let parameters = json!({
        "groupId": OTHER_GROUP, "cidrIp": "0.0.0.0/0", "ipProtocol": "tcp",
        "fromPort": 8000, "toPort": 8100, "ipPermissions": {},
    });
    let call = ("ec2", "AuthorizeSecurityGroupIngress");
    let mut record = change(trail, call, ("security_group", OTHER_GROUP), parameters);
    answer_rules(
        &mut record,
        &json!([{
            "groupOwnerId": WORKLOAD, "groupId": OTHER_GROUP, "isEgress": false,
            "securityGroupRuleId": "sgr-0c3d4e5f60718293a", "ipProtocol": "tcp",
            "fromPort": 8000, "toPort": 8100, "cidrIpv4": "0.0.0.0/0",
        }]),
    );
    count_open(&mut record, OTHER_GROUP, "8000-8100", 1);
    trail.push(record);
}

fn answer_rules(record: &mut Record, rules: &Value) {
    if let Some(answer) = record.response_elements.as_object_mut() {
        answer.insert("securityGroupRuleSet".to_owned(), json!({"items": rules}));
    }
}

fn count_open(record: &mut Record, group: &str, port: &str, rules: u64) {
    let labels = [WORKLOAD, EU, group, port, DEPLOY];
    record.counts_many(("open_to_the_world", "rules"), &labels, rules);
}

/// The change that locks the subnet out of its database.
fn closed(trail: &mut Trail<'_>) {
    let parameters = json!({"groupId": GROUP, "ipPermissions": {"items": [{
        "ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "groups": {}, "prefixListIds": {},
        "ipRanges": {"items": [{"cidrIp": "10.21.200.0/24"}]}, "ipv6Ranges": {},
    }]}});
    let call = ("ec2", "RevokeSecurityGroupIngress");
    let record = change(trail, call, ("security_group", GROUP), parameters);
    trail.push(record);
}

fn network(trail: &mut Trail<'_>) {
    for (name, kind, resource, parameters) in [
        (
            "ReplaceNetworkAclEntry",
            "network_acl",
            "acl-0a1b2c3d4e5f60718",
            json!({
                "networkAclId": "acl-0a1b2c3d4e5f60718", "ruleNumber": 100, "egress": true,
                "ruleAction": "deny", "aclProtocol": "6", "cidrBlock": "10.21.0.0/16",
                "icmpTypeCode": {}, "portRange": {"from": 1024, "to": 65535},
            }),
        ),
        (
            "CreateRoute",
            "route",
            "rtb-0a1b2c3d4e5f60718",
            json!({
                "routeTableId": "rtb-0a1b2c3d4e5f60718", "destinationCidrBlock": "0.0.0.0/0",
                "natGatewayId": "nat-0a1b2c3d4e5f60718",
            }),
        ),
        (
            "ModifyVpcEndpoint",
            "vpc_endpoint",
            "vpce-0a1b2c3d4e5f60718",
            json!({"ModifyVpcEndpointRequest": {
                "VpcEndpointId": "vpce-0a1b2c3d4e5f60718",
                "RemoveSecurityGroupId": {"tag": 1, "content": GROUP},
            }}),
        ),
    ] {
        let record = change(trail, ("ec2", name), (kind, resource), parameters);
        trail.push(record);
    }
}

fn identity(trail: &mut Trail<'_>) {
    let provider = SHOP.identity_provider();
    let parameters = json!({"openIDConnectProviderArn": provider, "clientID": "https://vault.shop.example:8200"});
    let call = ("iam", "RemoveClientIDFromOpenIDConnectProvider");
    let record = change(trail, call, ("oidc_provider", &provider), parameters);
    trail.push(record);
    let parameters = json!({"roleName": "ledger-writer", "policyDocument": "{\"Version\":\"2012-10-17\",\"Statement\":[]}"});
    let call = ("iam", "UpdateAssumeRolePolicy");
    let mut record = change(trail, call, ("trust_policy", "ledger-writer"), parameters);
    count_churn(&mut record, "success");
    trail.push(record);
}

/// An upgrade: the cluster, its nodes, an add-on; and who may enter.
fn cluster(trail: &mut Trail<'_>) {
    let (name, role) = (SHOP.name, "arn:aws:iam::111122223333:role/support");
    for (call, kind, resource, parameters) in [
        (
            "UpdateClusterVersion",
            "cluster",
            name.to_owned(),
            json!({"name": name, "version": "1.32", "clientRequestToken": trail.dice.uuid()}),
        ),
        (
            "UpdateNodegroupVersion",
            "node_group",
            format!("{name}/system"),
            json!({"name": name, "nodegroupName": "system", "version": "1.32", "force": false}),
        ),
        (
            "UpdateAddon",
            "addon",
            format!("{name}/vpc-cni"),
            json!({"name": name, "addonName": "vpc-cni", "addonVersion": "v1.19.2-eksbuild.1"}),
        ),
        (
            "CreateAccessEntry",
            "access_entry",
            format!("{name}/{role}"),
            json!({"name": name, "principalArn": role}),
        ),
        (
            "CreatePodIdentityAssociation",
            "pod_identity",
            format!("{name}/shop/invoices"),
            json!({
                "clusterName": name, "namespace": "shop", "serviceAccount": "invoices",
                "roleArn": "arn:aws:iam::111122223333:role/shop-invoices",
            }),
        ),
    ] {
        let mut record = change(trail, ("eks", call), (kind, &resource), parameters);
        if let Some(version) = version_of(call) {
            let [group, addon] = match kind {
                "node_group" => ["system", "none"],
                "addon" => ["none", "vpc-cni"],
                _ => ["none", "none"],
            };
            let (account, region) = (record.recipient_account_id, record.aws_region);
            let labels = [account, region, name, group, addon, kind, version];
            record.counts(("cluster_upgrades", "updates"), &labels);
            record.response_elements = json!({"update": {
                "id": trail.dice.uuid(), "status": "InProgress", "type": "VersionUpdate",
                "params": [{"type": "Version", "value": version}], "errors": [],
            }});
        }
        trail.push(record);
    }
}

fn version_of(call: &str) -> Option<&'static str> {
    match call {
        "UpdateClusterVersion" | "UpdateNodegroupVersion" => Some("1.32"),
        "UpdateAddon" => Some("v1.19.2-eksbuild.1"),
        _ => None,
    }
}

fn policies(trail: &mut Trail<'_>) {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let parameters =
        json!({"keyId": key, "policyName": "default", "bypassPolicyLockoutSafetyCheck": false});
    let mut record = change(
        trail,
        ("kms", "PutKeyPolicy"),
        ("key_policy", key),
        parameters,
    );
    record.resources = Some(json!([{"accountId": WORKLOAD, "type": "AWS::KMS::Key", "ARN": key}]));
    trail.push(record);
    let mut record = change(
        trail,
        ("kms", "DisableKey"),
        ("key_state", RETIRED_KEY),
        json!({"keyId": RETIRED_KEY}),
    );
    record.resources =
        Some(json!([{"accountId": WORKLOAD, "type": "AWS::KMS::Key", "ARN": RETIRED_KEY}]));
    trail.push(record);
    let bucket = "shop-uploads-111122223333";
    let parameters = json!({"bucketName": bucket, "policy": "", "Host": format!("{bucket}.s3.{EU}.amazonaws.com")});
    let mut record = change(
        trail,
        ("s3", "PutBucketPolicy"),
        ("bucket_policy", bucket),
        parameters,
    );
    let arn = format!("arn:aws:s3:::{bucket}");
    record.resources =
        Some(json!([{"accountId": WORKLOAD, "type": "AWS::S3::Bucket", "ARN": arn}]));
    trail.push(record);
}

/// The pipeline's permissions boundary is in its way.
fn refused(trail: &mut Trail<'_>, name: &'static str, action: &str, reason: Reason) {
    let session = deploying();
    let mut record = trail.call_by(&session, US, "iam", name);
    record.read_only = false;
    let role = format!("arn:aws:iam::{WORKLOAD}:role/shop-search");
    let message = reason.message(&session.arn(), action, &role);
    record.deny("AccessDenied", message, reason, action);
    record.strip();
    count_churn(&mut record, "denied");
    trail.push(record);
}
