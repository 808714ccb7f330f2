//! Somebody at the logs themselves, and what CloudTrail Insights says (domain 1.9).

use serde_json::{Value, json};

use super::identity::Session;
use super::object::time_text;
use super::record::Record;
use super::refusal::SERVICE_CONTROL_POLICY;
use super::trail::Trail;
use super::world::{
    ADMINISTRATOR, CLI_AGENT, DEPLOY, EU, ORGANIZATION, SHARED, TERRAFORM_AGENT, US, WORKLOAD,
};

/// The bucket that the generated objects lie in, as a lake that ingests them must see it.
pub const BUCKET: &str = "bucket";

/// The calls of the slot in which things break.
pub(super) fn plant(trail: &mut Trail<'_>) {
    if !trail.slot.breaks {
        return;
    }
    let person = Session::new(ADMINISTRATOR, "kim@example.com", CLI_AGENT);
    let trail_name = "organization-trail";
    for (name, resource, parameters, effect) in [
        (
            "StopLogging",
            trail_name,
            json!({"name": trail_name}),
            "blinds",
        ),
        (
            "PutEventSelectors",
            trail_name,
            json!({"trailName": trail_name, "eventSelectors": [{
                "readWriteType": "WriteOnly", "includeManagementEvents": true, "dataResources": [],
                "excludeManagementEventSources": ["kms.amazonaws.com"],
            }]}),
            "narrows",
        ),
        (
            "PutEventSelectors",
            "audit",
            json!({"trailName": "audit", "eventSelectors": [{
                "readWriteType": "All", "includeManagementEvents": false, "dataResources": [],
                "excludeManagementEventSources": [],
            }]}),
            "blinds",
        ),
    ] {
        let mut record = trail.call_by(&person, EU, "cloudtrail", name);
        record.request_parameters = parameters;
        record.changes("trail", resource);
        count(trail, record, (resource, effect));
    }
    refused(trail, &person);
    let flow_log = "fl-0e5f60718293a4b5c";
    let mut record = trail.call_by(&person, EU, "ec2", "DeleteFlowLogs");
    record.request_parameters =
        json!({"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": flow_log}}});
    record.response_elements = json!({"DeleteFlowLogsResponse": {
        "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "unsuccessful": "",
        "requestId": record.request_id,
    }});
    record.changes("flow_log", flow_log);
    count(trail, record, (flow_log, "narrows"));
    let session = Session::new(DEPLOY, "GitHubActions", TERRAFORM_AGENT);
    for bucket in [BUCKET, "shop-uploads-111122223333"] {
        let mut record = trail.call_by(&session, EU, "s3", "PutBucketLifecycle");
        record.read_only = false;
        record.request_parameters = json!({
            "bucketName": bucket, "lifecycle": "", "Host": format!("{bucket}.s3.{EU}.amazonaws.com"),
        });
        if bucket == BUCKET {
            count(trail, record, (bucket, "narrows"));
        } else {
            // A bucket without logs.
            trail.push(record);
        }
    }
}

fn refused(trail: &mut Trail<'_>, person: &Session) {
    let mut record = trail.call_by(person, EU, "cloudtrail", "UpdateTrail");
    record.read_only = false;
    let arn = "arn:aws:cloudtrail:eu-west-1:444455556666:trail/organization-trail";
    let (action, reason) = ("cloudtrail:UpdateTrail", SERVICE_CONTROL_POLICY);
    let message = reason.message(&person.arn(), action, arn);
    record.deny("AccessDenied", message, reason, action);
    record.strip();
    count(trail, record, (arn, "narrows"));
    let mut record = trail.call_by(person, US, "organizations", "LeaveOrganization");
    record.read_only = false;
    let member = format!("arn:aws:organizations::999999999999:account/{ORGANIZATION}/{WORKLOAD}");
    let action = "organizations:LeaveOrganization";
    let message = reason.message(&person.arn(), action, &member);
    record.deny("AccessDeniedException", message, reason, action);
    record.strip();
    count(trail, record, (WORKLOAD, "blinds"));
}

fn count(trail: &mut Trail<'_>, mut record: Record, (resource, effect): (&str, &str)) {
    let (caller, outcome) = (record.made.caller.clone(), record.made.outcome.text());
    let (account, region) = (record.recipient_account_id, record.aws_region);
    let labels = [
        account,
        region,
        record.event_name,
        resource,
        &caller,
        effect,
        outcome,
    ];
    record.counts(("trail_tampering", "calls"), &labels);
    trail.push(record);
}

/// The Insights records of a slot, with the account and the region of their object.
pub(super) fn insights(trail: &mut Trail<'_>) -> Vec<(&'static str, &'static str, Value)> {
    if !trail.slot.breaks {
        return Vec::new();
    }
    let mut records = Vec::new();
    for (account, region, service, api, kind) in [
        (
            WORKLOAD,
            US,
            "route53",
            "ChangeResourceRecordSets",
            "ApiCallRateInsight",
        ),
        (SHARED, US, "iam", "CreateRole", "ApiErrorRateInsight"),
    ] {
        let shared_event_id = trail.dice.uuid();
        for (state, minute) in [("Start", 1), ("End", 4)] {
            let time = time_text(trail.slot.start + minute * 60, "%Y-%m-%dT%H:%M:%SZ");
            let mut details = json!({
                "state": state,
                "eventSource": format!("{service}.amazonaws.com"),
                "eventName": api,
                "insightType": kind,
                "insightContext": {"statistics": {
                    "baseline": {"average": 0.8}, "insight": {"average": 41.5},
                    "insightDuration": 3, "baselineDuration": 10080,
                }},
            });
            if let (true, Some(details)) = (kind == "ApiErrorRateInsight", details.as_object_mut())
            {
                details.insert("errorCode".to_owned(), json!("LimitExceededException"));
            }
            let state = state.to_lowercase();
            let labels = [account, region, service, api, kind, &state];
            trail.truth.add(("insights", "insights"), &labels, 1);
            let record = json!({
                "eventVersion": "1.08",
                "eventTime": time,
                "awsRegion": region,
                "eventID": trail.dice.uuid(),
                "eventType": "AwsCloudTrailInsight",
                "recipientAccountId": account,
                "sharedEventID": shared_event_id,
                "insightDetails": details,
                "eventCategory": "Insight",
            });
            records.push((account, region, record));
        }
    }
    records
}
