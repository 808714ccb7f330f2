//! The generator against itself: same seed, same bytes; the truth recounted from the finished text.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use chrono::DateTime;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Counts, GeneratedObject, Plan, SESSION_TOKEN_MARK, Truth, generate, one_large_document,
};
use crate::signal::Catalog;

mod recount;

use recount::text;

const ALWAYS: [&str; 11] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "requestParameters",
    "responseElements",
    "eventID",
    "eventType",
];

fn plan(seed: u64) -> Plan {
    // 2026-03-01T12:34:56Z
    Plan::demo(seed, DateTime::from_timestamp(1_772_368_496, 0).unwrap())
}

/// Enough for every test that is not about the size.
fn small(seed: u64) -> Plan {
    Plan {
        minutes: 15,
        events_per_object: 60,
        flow_lines_per_object: 150,
        ..plan(seed)
    }
}

fn run(plan: &Plan) -> (Vec<GeneratedObject>, Truth) {
    let mut objects = Vec::new();
    let truth = generate(plan, &mut |object| {
        objects.push(object);
        Ok(())
    })
    .unwrap();
    (objects, truth)
}

fn inflate(body: &[u8]) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(body).read_to_string(&mut text).unwrap();
    text
}

fn records(objects: &[GeneratedObject]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for object in objects
        .iter()
        .filter(|object| object.key.contains("/CloudTrail/"))
    {
        let document: Value = serde_json::from_str(&inflate(&object.body)).unwrap();
        for record in document["Records"].as_array().unwrap() {
            all.push((object.key.clone(), record.clone()));
        }
    }
    all
}

fn digest(objects: &[GeneratedObject]) -> String {
    let mut hash = Sha256::new();
    for object in objects {
        hash.update(&object.key);
        hash.update(&object.body);
    }
    format!("{:x}", hash.finalize())
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let (first, truth) = run(&small(7));
    let (again, truth_again) = run(&small(7));
    let (other, _) = run(&small(8));
    println!("{} {truth:#?}", digest(&first));
    assert_eq!(digest(&first), digest(&again));
    assert_eq!(truth, truth_again);
    assert_ne!(digest(&first), digest(&other));
}

#[test]
fn the_demo_is_as_large_as_it_says() {
    let (objects, truth) = run(&plan(7));
    // 60 of the hour, two in each slot of its second half for the pods that start, and one of each
    // of the 8 hours before in which a pod fetched credentials.
    assert_eq!((truth.cloudtrail_objects, truth.flow_objects), (80, 40));
    assert_eq!((truth.insight_objects, truth.insight_records), (4, 4));
    assert_eq!(truth.flow_rows, 40_000);
    assert!(
        (15_100..15_300).contains(&truth.cloudtrail_events),
        "{}",
        truth.cloudtrail_events
    );
    assert_eq!(truth.objects, u64::try_from(objects.len()).unwrap());
    let keys: BTreeSet<_> = objects.iter().map(|object| &object.key).collect();
    assert_eq!(keys.len(), objects.len());
    assert!(
        keys.iter()
            .any(|key| key.contains("aws-account-id=111122223333/aws-service"))
    );
    assert!(
        keys.iter()
            .any(|key| key.contains("AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026"))
    );
}

#[test]
fn records_have_what_every_record_has() {
    let (objects, truth) = run(&small(11));
    let records = records(&objects);
    let mut ids = BTreeSet::new();
    for (key, record) in &records {
        for field in ALWAYS {
            assert!(
                record.get(field).is_some(),
                "{field} is missing in {record}"
            );
        }
        let recipient = record["recipientAccountId"].as_str().unwrap();
        let region = record["awsRegion"].as_str().unwrap();
        assert!(
            key.contains(&format!("/{recipient}/CloudTrail/{region}/")),
            "{key}"
        );
        let time = record["eventTime"].as_str().unwrap();
        let past = text(record, "/requestParameters/roleArn").ends_with("billing-invoice-export");
        let span = if past {
            "2026-03-01T02:15:00Z".."2026-03-01T09:30:00Z"
        } else {
            "2026-03-01T12:15:00Z".."2026-03-01T12:30:00Z"
        };
        assert!(span.contains(&time), "{time}");
        assert!(record["userIdentity"].is_object(), "{record}");
        if let Some(message) = record.get("errorMessage") {
            assert!(message.as_str().unwrap().len() <= 1024);
        }
        ids.insert(record["eventID"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        truth.cloudtrail_events,
        u64::try_from(records.len()).unwrap()
    );
    assert_eq!(truth.distinct_event_ids, u64::try_from(ids.len()).unwrap());
    assert!(
        records
            .iter()
            .any(|(_, record)| record.to_string().contains(SESSION_TOKEN_MARK))
    );
}

#[test]
fn repeated_events_stand_in_a_later_object_with_the_same_content() {
    let (objects, truth) = run(&Plan {
        repeated_events: 50,
        ..small(7)
    });
    assert_eq!(truth.cloudtrail_events - truth.distinct_event_ids, 50);
    let mut seen: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (key, record) in records(&objects) {
        let id = record["eventID"].as_str().unwrap().to_owned();
        if let Some((first_key, first)) = seen.insert(id, (key.clone(), record.clone())) {
            assert_ne!(first_key, key);
            assert_eq!(first, record);
        }
    }
    assert_eq!(u64::try_from(seen.len()).unwrap(), truth.distinct_event_ids);
}

#[test]
fn every_line_has_its_header_and_the_rejects_are_counted() {
    let (objects, truth) = run(&small(42));
    let mut rows = 0;
    let mut found = Truth::default();
    for object in objects
        .iter()
        .filter(|object| object.key.contains("vpcflowlogs"))
    {
        let text = inflate(&object.body);
        let mut lines = text.lines();
        let header: Vec<_> = lines.next().unwrap().split(' ').collect();
        let mut accepted = BTreeSet::new();
        for line in lines {
            rows += 1;
            let values: Vec<_> = line.split(' ').collect();
            assert_eq!(values.len(), header.len(), "{line}");
            let row: BTreeMap<_, _> = header.iter().copied().zip(values).collect();
            let side = |from, port| [row["interface-id"], row[from], row[port]].join(" ");
            let (source, destination) = (side("srcaddr", "srcport"), side("dstaddr", "dstport"));
            if row["action"] == "ACCEPT" {
                accepted.insert((source, destination, row["start"].to_owned()));
            } else if row["action"] == "REJECT" {
                let reply = (destination, source, row["start"].to_owned());
                let class = reject_class(&row, accepted.contains(&reply));
                let direction = row.get("flow-direction").copied().unwrap_or("unknown");
                let labels = [row["interface-id"], port(&row, class), direction, class];
                let number = |name| row[name].parse().unwrap_or_default();
                for (measure, amount) in [
                    ("records", 1),
                    ("packets", number("packets")),
                    ("bytes", number("bytes")),
                ] {
                    found.add(("flow_rejects", measure), &labels, amount);
                }
            }
            found.add(
                ("flow_log_gaps", "records"),
                &[row["account-id"], row["log-status"]],
                1,
            );
            count_bytes(&row, &mut found);
            count_service(&row, &mut found);
            count_question(&row, &mut found);
        }
    }
    assert_eq!(rows, truth.flow_rows);
    assert_eq!(found.signals.len(), 7);
    for ((signal, measure), counts) in &found.signals {
        assert_eq!(*counts, truth.of(signal, measure), "{signal} {measure}");
    }
}

/// The port that a series shows: of replies the service's, of noise none.
fn port<'a>(row: &BTreeMap<&str, &'a str>, class: &str) -> &'a str {
    match class {
        "nacl_reply" => row["srcport"],
        "internal" | "encryption" => row["dstport"],
        _ => "any",
    }
}

fn count_bytes(row: &BTreeMap<&str, &str>, found: &mut Truth) {
    if row["action"] != "ACCEPT" {
        return;
    }
    let path = match row.get("traffic-path") {
        Some(&"1") => "same_vpc",
        Some(&"7") => "gateway_endpoint",
        Some(&"8") => "internet_gateway",
        _ => "none",
    };
    let kind = match row.get("interface-type").copied() {
        None | Some("-") => "other",
        Some(kind) => kind,
    };
    let direction = row.get("flow-direction").copied().unwrap_or("unknown");
    let labels = [row["account-id"], direction, path, kind];
    found.add(
        ("flow_bytes", "bytes"),
        &labels,
        row["bytes"].parse().unwrap(),
    );
}

/// What instances send to AWS's services, where the log names them.
fn count_service(row: &BTreeMap<&str, &str>, found: &mut Truth) {
    let service = row.get("pkt-dst-aws-service").copied().unwrap_or("-");
    let sent = row["action"] == "ACCEPT" && row.get("flow-direction") == Some(&"egress");
    if service == "-" || !sent || row["instance-id"] == "-" {
        return;
    }
    let way = match row["traffic-path"] {
        "1" => "nat_or_appliance",
        "7" => "gateway_endpoint",
        _ => "internet_gateway",
    };
    let labels = [row["account-id"], row["subnet-id"], service, way];
    let bytes = row["bytes"].parse().unwrap();
    found.add(("aws_service_bytes", "bytes"), &labels, bytes);
}

/// Questions to resolvers outside.
fn count_question(row: &BTreeMap<&str, &str>, found: &mut Truth) {
    let own = |name| row[name].starts_with("10.");
    let outcome = match row["action"] {
        "ACCEPT" => "accepted",
        "REJECT" => "rejected",
        _ => return,
    };
    let port = row["dstport"];
    if !["53", "853"].contains(&port) || !own("srcaddr") || own("dstaddr") {
        return;
    }
    let resolver = match row["dstaddr"] {
        "8.8.8.8" => "google",
        _ => "other",
    };
    let (account, interface) = (row["account-id"], row["interface-id"]);
    let labels = [account, interface, resolver, port, outcome];
    found.add(("outside_dns", "records"), &labels, 1);
}

fn reject_class(row: &BTreeMap<&str, &str>, is_reply: bool) -> &'static str {
    let number = |name| row[name].parse::<u64>().unwrap_or_default();
    let own = |name| row[name].starts_with("10.");
    let flags = row
        .get("tcp-flags")
        .and_then(|flags| flags.parse::<u8>().ok());
    let small = number("packets") <= 3 && number("bytes") <= 60 * number("packets");
    match row.get("reject-reason").copied() {
        Some("BPA") => "bpa",
        Some("EC") => "encryption",
        _ if is_reply => "nacl_reply",
        _ if row["protocol"] == "6" && flags.is_some_and(|flags| flags & 2 == 0) => "late_packet",
        _ if own("srcaddr") && own("dstaddr") => "internal",
        _ if row.get("flow-direction") != Some(&"egress") && !own("srcaddr") && small => "scan",
        _ => "external",
    }
}

#[test]
fn nothing_is_planted_in_vain() {
    for seed in [1, 2, 3] {
        // The smallest plan there is.
        let smallest = Plan {
            minutes: 0,
            events_per_object: 0,
            flow_lines_per_object: 0,
            ..plan(seed)
        };
        for plan in [smallest, small(seed)] {
            let (_, truth) = run(&plan);
            for signal in &Catalog::built_in().unwrap().signals {
                let name = &signal.header.name;
                for metric in &signal.header.metrics {
                    let planted = truth.of(name, &metric.value);
                    // Of signals over rollups the report knows what the rollups must give.
                    let planted: u64 = planted.values().sum();
                    let over_rollups = signal.header.rollup.is_none();
                    assert!(planted > 0 || over_rollups, "{name} {}", metric.value);
                }
            }
            for (signal, measure, last_labels) in [
                (
                    "sts_assume_role",
                    "calls",
                    "none access_denied throttled region_disabled",
                ),
                ("kms_throttles", "throttles", "no unknown yes"),
                (
                    "flow_rejects",
                    "records",
                    "bpa encryption external internal late_packet nacl_reply scan",
                ),
                ("console_sign_in", "sign_ins", "success failure"),
                ("break_glass", "attempts", "success failure"),
                ("ecr_pulls", "pulls", "success denied throttled"),
                ("route53_calls", "calls", "success denied throttled"),
            ] {
                let planted: Counts = truth.of(signal, measure);
                for label in last_labels.split(' ') {
                    let mut series = planted.keys();
                    let seen = series.any(|labels| labels.ends_with(&format!(" {label}")));
                    assert!(seen, "seed {seed}: {signal} {label}");
                }
            }
        }
    }
}

#[test]
fn a_large_document_is_one_line_and_its_events_are_counted() {
    let mut body = Vec::new();
    let events = one_large_document(4 * 1024 * 1024, &mut body).unwrap();
    let text = inflate(&body);
    assert!(
        (4 * 1024 * 1024..4 * 1024 * 1024 + 65_536).contains(&text.len()),
        "{}",
        text.len()
    );
    assert!(!text.contains('\n'));
    let document: Value = serde_json::from_str(&text).unwrap();
    let records = document["Records"].as_array().unwrap();
    assert_eq!(u64::try_from(records.len()).unwrap(), events);
    let ids: BTreeSet<_> = records
        .iter()
        .map(|record| record["eventID"].to_string())
        .collect();
    assert_eq!(ids.len(), records.len());
}
