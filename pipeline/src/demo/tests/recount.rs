//! CloudTrail's truth recounted from the finished records, by the rules and not by what was planned.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Truth;
use super::{records, run, small};

/// Counts from the finished text by the rules, not by what was planned.
#[test]
fn the_truth_can_be_found_in_the_records() {
    let (objects, truth) = run(&small(23));
    let mut found = Truth::default();
    let mut seen = Seen::default();
    let records = records(&objects);
    for (_, record) in &records {
        seen.learn_pod(record);
    }
    for (_, record) in &records {
        count_assume_role(record, &mut seen.pairs, &mut found);
        count_audience_mismatch(record, &mut found);
        count_kms_throttle(record, &mut found);
        count_long_lived_key(record, &mut found);
        count_pull(record, &mut found);
        count_dns_changes(record, &mut found);
        count_open_rules(record, &mut found);
        count_instance(record, &mut found);
        count_launches(record, &mut found);
        count_exposure(record, &mut found);
        seen.count_denied_pod(record, &mut found);
        seen.count_failed_pod(record, &mut found);
        let labels = ["/recipientAccountId", "/awsRegion"].map(|path| text(record, path));
        found.add(("trail_freshness", "events"), &labels, 1);
    }
    assert!(found.signals.len() > 8);
    for ((signal, measure), counts) in &found.signals {
        assert_eq!(*counts, truth.of(signal, measure), "{signal} {measure}");
    }
}

/// What is known from other records than the one at hand.
#[derive(Default)]
struct Seen {
    pairs: BTreeSet<String>,
    /// Cluster, namespace and service account by the key that was issued.
    pods: BTreeMap<String, [String; 3]>,
}

impl Seen {
    fn learn_pod(&mut self, record: &Value) {
        let key = text(record, "/responseElements/credentials/accessKeyId").to_owned();
        if key.is_empty() {
            return;
        }
        let subject: Vec<_> = text(record, "/userIdentity/userName").split(':').collect();
        if let ["system", "serviceaccount", namespace, name] = subject[..] {
            let provider = text(record, "/userIdentity/identityProvider");
            let cluster = if provider.ends_with("A1B2C3D4E5F60718293A4B5C6D7E8F90") {
                "shop-prod"
            } else {
                "data-prod"
            };
            let pod = [cluster, namespace, name].map(str::to_owned);
            self.pods.insert(key, pod);
        } else if let Some(tags) = record.pointer("/requestParameters/tags") {
            let tag = |name: &str| {
                let mut tags = tags.as_array().unwrap().iter();
                let tag = tags.find(|tag| tag["key"] == name).unwrap();
                tag["value"].as_str().unwrap().to_owned()
            };
            let names = [
                "eks-cluster-name",
                "kubernetes-namespace",
                "kubernetes-service-account",
            ];
            self.pods.insert(key, names.map(tag));
        }
    }

    fn count_denied_pod(&self, record: &Value, found: &mut Truth) {
        let pod = self.pods.get(text(record, "/userIdentity/accessKeyId"));
        let (Some([cluster, namespace, name]), "AccessDenied") = (pod, code(record)) else {
            return;
        };
        let message = text(record, "/errorMessage");
        let class = match message {
            _ if message.contains("identity-based policy") => "identity",
            _ if message.contains("service control policy") => "scp",
            _ => "unspecified",
        };
        let labels = [
            cluster,
            namespace,
            name,
            service(record),
            api(record),
            class,
        ];
        found.add(("pod_access_denied", "denies"), &labels, 1);
    }

    fn count_failed_pod(&self, record: &Value, found: &mut Truth) {
        let pod = self.pods.get(text(record, "/userIdentity/accessKeyId"));
        let Some([cluster, namespace, name]) = pod else {
            return;
        };
        let error = code(record).trim_start_matches("Client.").to_lowercase();
        if error.is_empty() || error == "accessdenied" {
            return;
        }
        let kind = match service(record) {
            "secretsmanager" => "secret",
            _ if record["readOnly"] == true => "read",
            _ => "write",
        };
        let labels = [
            cluster,
            namespace,
            name,
            service(record),
            api(record),
            kind,
            &error,
            "any",
        ];
        found.add(("pod_call_failures", "failures"), &labels, 1);
    }
}

fn service(record: &Value) -> &str {
    text(record, "/eventSource").split('.').next().unwrap()
}

fn api(record: &Value) -> &str {
    text(record, "/eventName")
}

fn issuer(record: &Value) -> &str {
    text(record, "/userIdentity/sessionContext/sessionIssuer/arn")
}

fn count_long_lived_key(record: &Value, found: &mut Truth) {
    if text(record, "/userIdentity/accessKeyId").starts_with("AKIA") {
        let identity = ["/userIdentity/accountId", "/userIdentity/userName"];
        let [account, user] = identity.map(|path| text(record, path));
        found.add(
            ("long_lived_keys", "calls"),
            &[account, user, service(record)],
            1,
        );
    }
}

fn count_pull(record: &Value, found: &mut Truth) {
    let measure = match api(record) {
        "BatchGetImage" => "pulls",
        "GetDownloadUrlForLayer" => "layers",
        _ => return,
    };
    let outcome = match code(record) {
        "" => "success",
        "Throttling" => "throttled",
        _ => "denied",
    };
    let repository = text(record, "/requestParameters/repositoryName");
    let repository = if repository.is_empty() {
        "unknown"
    } else {
        repository
    };
    let account = text(record, "/userIdentity/accountId");
    let labels = [account, repository, issuer(record), outcome];
    found.add(("ecr_pulls", measure), &labels, 1);
}

/// What shows a node, and what an instance calls that no node does by itself.
fn count_instance(record: &Value, found: &mut Truth) {
    let delivery = "/userIdentity/sessionContext/ec2RoleDelivery";
    let on_instance = !text(record, delivery).is_empty();
    let agent = text(record, "/userAgent");
    let evidence = match (
        service(record),
        text(record, "/requestParameters/clusterName"),
    ) {
        ("eks-auth", cluster) => Some((cluster, "pod_identity")),
        _ if !on_instance => None,
        _ if agent.contains("kubelet/") || agent.starts_with("amazon-vpc-cni-k8s/") => {
            Some(("unknown", "node_agent"))
        }
        _ => None,
    };
    if let Some((cluster, evidence)) = evidence {
        let labels = [issuer(record), cluster, evidence];
        found.add(("node_role_evidence", "calls"), &labels, 1);
    }
    if on_instance && matches!(service(record), "s3" | "secretsmanager") {
        let outcome = match code(record) {
            "" => "success",
            "AccessDenied" => "denied",
            code => panic!("{code}"),
        };
        let labels = [issuer(record), service(record), api(record), outcome];
        found.add(("node_role_fallback", "calls"), &labels, 1);
    }
}

/// What a fleet's reply lacks, and calls that fail for want of something.
fn count_launches(record: &Value, found: &mut Truth) {
    if service(record) != "ec2" {
        return;
    }
    let reply = "/responseElements/CreateFleetResponse";
    let got = record.pointer(&format!("{reply}/fleetInstanceSet/item"));
    let launched = if got.is_some() { "some" } else { "none" };
    let mut missing: Vec<(String, &str)> = Vec::new();
    let errors: Vec<&Value> = match record.pointer(&format!("{reply}/errorSet/item")) {
        Some(Value::Array(errors)) => errors.iter().collect(),
        Some(error) => vec![error],
        None => Vec::new(),
    };
    let overrides = "/launchTemplateAndOverrides/overrides";
    for error in errors {
        let places = ["availabilityZone", "subnetId"];
        let mut places = places.map(|place| text(error, &format!("{overrides}/{place}")));
        places.sort_unstable();
        missing.push((text(error, "/errorCode").to_lowercase(), places[1]));
    }
    let code = code(record).trim_start_matches("Client.");
    if code.starts_with("Insufficient") || code == "VcpuLimitExceeded" {
        let subnet = text(record, "/requestParameters/subnetId");
        missing.push((code.to_lowercase(), subnet));
    }
    let places = ["/recipientAccountId", "/awsRegion"].map(|path| text(record, path));
    for (reason, place) in missing {
        let place = if place.is_empty() { "unknown" } else { place };
        let caller = issuer(record);
        let labels = [
            places[0],
            places[1],
            api(record),
            &reason,
            place,
            launched,
            caller,
        ];
        found.add(("launch_failures", "failures"), &labels, 1);
    }
}

fn count_exposure(record: &Value, found: &mut Truth) {
    let setting = record["requestParameters"].to_string();
    let own = text(record, "/recipientAccountId");
    let principal = match text(record, "/requestParameters/principalArn") {
        "" => "none",
        principal => principal,
    };
    let effect = match api(record) {
        "AssociateAccessPolicy" if principal.contains(own) => "cluster_admin_granted",
        "AssociateAccessPolicy" => "cluster_admin_foreign",
        "DeleteAccessEntry" => "entry_deleted",
        "UpdateClusterConfig" if setting.contains("/0\"") => "api_server_open",
        "UpdateClusterConfig" if setting.contains("audit") => "audit_log_off",
        "UpdateClusterConfig" if !setting.contains("publicAccessCidrs") => "api_server_public",
        _ => return,
    };
    let [account, region, cluster] = [
        "/recipientAccountId",
        "/awsRegion",
        "/requestParameters/name",
    ]
    .map(|path| text(record, path));
    let labels = [account, region, cluster, effect, principal, issuer(record)];
    found.add(("cluster_exposure", "changes"), &labels, 1);
}

fn count_dns_changes(record: &Value, found: &mut Truth) {
    let changes = record.pointer("/requestParameters/changeBatch/changes");
    if let (Some(changes), "") = (changes, code(record)) {
        for change in changes.as_array().unwrap() {
            let zone = text(record, "/requestParameters/hostedZoneId");
            let labels = [zone, issuer(record), text(change, "/action")];
            found.add(("route53_changes", "changes"), &labels, 1);
        }
    }
}

fn count_open_rules(record: &Value, found: &mut Truth) {
    let rules = record.pointer("/responseElements/securityGroupRuleSet/items");
    for rule in rules.and_then(Value::as_array).into_iter().flatten() {
        let ranges = ["/cidrIpv4", "/cidrIpv6"].map(|path| text(rule, path));
        if ranges.iter().any(|range| range.ends_with("/0")) {
            let port = if rule["fromPort"] == rule["toPort"] {
                rule["fromPort"].to_string()
            } else {
                format!("{}-{}", rule["fromPort"], rule["toPort"])
            };
            let places = ["/recipientAccountId", "/awsRegion"].map(|path| text(record, path));
            let group = text(rule, "/groupId");
            let labels = [places[0], places[1], group, &port, issuer(record)];
            found.add(("open_to_the_world", "rules"), &labels, 1);
        }
    }
}

pub(super) fn text<'a>(record: &'a Value, path: &str) -> &'a str {
    record
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn code(record: &Value) -> &str {
    text(record, "/errorCode").trim_end_matches("Exception")
}

fn role(record: &Value) -> &str {
    let fields = ["/requestParameters/roleArn", "/resources/0/ARN"].map(|path| text(record, path));
    let words = text(record, "/errorMessage")
        .split(' ')
        .filter(|word| word.contains(":role/"));
    fields
        .into_iter()
        .chain(words)
        .find(|role| !role.is_empty())
        .unwrap_or("unknown")
}

fn count_assume_role(record: &Value, shared: &mut BTreeSet<String>, found: &mut Truth) {
    let sts = text(record, "/eventSource") == "sts.amazonaws.com";
    if !sts || !text(record, "/eventName").starts_with("AssumeRole") {
        return;
    }
    let pair = text(record, "/sharedEventID");
    if pair.is_empty() || shared.insert(pair.to_owned()) {
        let class = match code(record) {
            "" => "none",
            "Throttling" => "throttled",
            "AccessDenied" => "access_denied",
            "InvalidIdentityToken" => "invalid_identity_token",
            "ExpiredToken" => "expired_token",
            "RegionDisabled" => "region_disabled",
            code => panic!("{code}"),
        };
        let outcome = if class == "none" {
            "success"
        } else {
            "failure"
        };
        let labels = [role(record), api(record), outcome, class];
        found.add(("sts_assume_role", "calls"), &labels, 1);
    }
}

fn count_audience_mismatch(record: &Value, found: &mut Truth) {
    if text(record, "/eventName") != "AssumeRoleWithWebIdentity" {
        return;
    }
    let subject = text(record, "/userIdentity/userName");
    let provider = text(record, "/userIdentity/identityProvider");
    let audience = text(record, "/userIdentity/principalId")
        .strip_prefix(&format!("{provider}:"))
        .and_then(|rest| rest.strip_suffix(&format!(":{subject}")))
        .unwrap();
    let kind = match code(record) {
        "InvalidIdentityToken" if text(record, "/errorMessage").contains("audience") => {
            "provider_client_list"
        }
        "AccessDenied" if audience != "sts.amazonaws.com" => "trust_policy",
        _ => return,
    };
    let cluster = if provider.contains("oidc.eks.eu-west-1.") {
        "shop-prod"
    } else {
        "data-prod"
    };
    let parts: Vec<_> = subject.split(':').collect();
    let labels = [kind, cluster, parts[2], parts[3], role(record), audience];
    found.add(("irsa_audience_mismatch", "mismatches"), &labels, 1);
}

fn count_kms_throttle(record: &Value, found: &mut Truth) {
    if text(record, "/eventSource") != "kms.amazonaws.com" || code(record) != "Throttling" {
        return;
    }
    let caller = text(record, "/userIdentity/accountId");
    let cross_account = match text(record, "/resources/0/accountId") {
        "" => "unknown",
        owner if owner == caller => "no",
        _ => "yes",
    };
    let labels = [
        caller,
        issuer(record),
        text(record, "/awsRegion"),
        api(record),
        cross_account,
    ];
    found.add(("kms_throttles", "throttles"), &labels, 1);
}
