//! Runs through the slots of a plan, oldest first, and hands over object after object.
//!
//! Must hold: one slot is in memory at a time.

use std::collections::BTreeMap;
use std::io;

use super::dice::Dice;
use super::flow_logs::FLOW_LOGS;
use super::object::{GeneratedObject, cloudtrail_key, gzip, insight_key};
use super::plan::{Plan, SLOT_SECONDS, Slot};
use super::record::Record;
use super::trail::Trail;
use super::truth::Truth;
use super::world::{BILLING, EU, SHARED, US, WORKLOAD};
use super::{
    audit, changes, cloudtrail, dns, exposure, images, ingress, kms, launches, nodes, people,
    pod_identity, pods_at_work, sts, web_identity,
};

/// Objects of one slot are delivered in this order. The callers of most cross-account pairs are
/// in the workload account; the deployments' owner copies come before their callers'.
const STREAMS: [(&str, &str); 4] = [(WORKLOAD, EU), (WORKLOAD, US), (SHARED, EU), (SHARED, US)];

/// Makes every object of the plan, hands each to `put`, and says what was planted.
pub fn generate(
    plan: &Plan,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<Truth> {
    let mut truth = Truth {
        last_moment: plan.last_moment(),
        ..Truth::default()
    };
    // Each source has its own dice, so that more of one does not change the other.
    let mut trail_dice = Dice::new(plan.seed);
    let mut flow_dice = Dice::new(!plan.seed);
    let slots = plan.slots();
    let mut repeats_left = usize::try_from(plan.repeated_events).unwrap_or_default();
    let mut repeated: Vec<Record> = Vec::new();
    if let Some(first) = slots.first() {
        put_past(plan, *first, &mut trail_dice, &mut truth, put)?;
    }
    for (slots_left, slot) in (0..slots.len()).rev().zip(slots) {
        let mut records = slot_records(plan, slot, &mut trail_dice, &mut truth);
        let mut again = Vec::new();
        if slots_left > 0 {
            let share = repeats_left.div_ceil(slots_left).min(records.len());
            again.extend(records.iter().take(share).cloned());
            repeats_left -= share;
        }
        records.append(&mut repeated);
        repeated = again;
        let objects = objects_per_slot(plan);
        put_cloudtrail(objects, slot, records, &mut trail_dice, &mut truth, put)?;
        put_pods(slot, &mut trail_dice, &mut truth, put)?;
        put_insights(slot, &mut trail_dice, &mut truth, put)?;
        put_flow_logs(plan, slot, &mut flow_dice, &mut truth, put)?;
    }
    truth.conclude();
    Ok(truth)
}

/// The new events of one slot, in no order.
pub(super) fn slot_records(
    plan: &Plan,
    slot: Slot,
    dice: &mut Dice,
    truth: &mut Truth,
) -> Vec<Record> {
    let mut trail = Trail {
        dice,
        truth,
        slot,
        records: Vec::new(),
    };
    sts::plant(&mut trail);
    web_identity::plant(&mut trail);
    pod_identity::plant(&mut trail);
    kms::plant(&mut trail);
    people::plant(&mut trail);
    people::role_churn(&mut trail);
    images::plant(&mut trail);
    dns::plant(&mut trail);
    ingress::plant(&mut trail);
    nodes::plant(&mut trail);
    changes::plant(&mut trail);
    audit::plant(&mut trail);
    exposure::plant(&mut trail);
    launches::plant(&mut trail);
    cloudtrail::launch_refused(&mut trail);
    let wanted = objects_per_slot(plan).saturating_mul(plan.events_per_object);
    cloudtrail::fill(&mut trail, usize::try_from(wanted).unwrap_or_default());
    let mut records = trail.records;
    dice.shuffle(&mut records);
    truth.distinct_event_ids += count(records.len());
    records
}

fn objects_per_slot(plan: &Plan) -> u32 {
    plan.cloudtrail_objects_per_slot.max(count_of_streams())
}

fn count_of_streams() -> u32 {
    u32::try_from(STREAMS.len()).unwrap_or_default()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or_default()
}

/// The hours before the plan: a pod that fetched credentials each hour, and does no more.
fn put_past(
    plan: &Plan,
    first: Slot,
    dice: &mut Dice,
    truth: &mut Truth,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<()> {
    for hours in (3..=10).rev() {
        let slot = Slot {
            index: 0,
            start: first.start - hours * 3600,
            incident: false,
            breaks: false,
            left: 0,
        };
        let mut trail = Trail {
            dice,
            truth,
            slot,
            records: Vec::new(),
        };
        let mut record = web_identity::signed_in(&mut trail, BILLING);
        record.at(slot.start + 60);
        if hours == 3 {
            let age = plan.last_moment().timestamp() - record.made.epoch;
            let (cluster, namespace) = (BILLING.cluster.name, BILLING.namespace);
            let labels = ["irsa", cluster, namespace, BILLING.name, BILLING.role_arn];
            for (measure, seconds) in [
                ("age_seconds", age.unsigned_abs()),
                ("expected_seconds", 3600),
            ] {
                let of = ("pod_renewal_missing", measure);
                trail.truth.add(of, &labels, seconds);
            }
        }
        trail.push(record);
        let records = trail.records;
        truth.distinct_event_ids += count(records.len());
        put_cloudtrail(count_of_streams(), slot, records, dice, truth, put)?;
    }
    Ok(())
}

/// What pods do with their keys, with the issue of those keys in one object of its account and
/// region.
fn put_pods(
    slot: Slot,
    dice: &mut Dice,
    truth: &mut Truth,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<()> {
    let mut trail = Trail {
        dice,
        truth,
        slot,
        records: Vec::new(),
    };
    pods_at_work::plant(&mut trail);
    let mut records = trail.records;
    dice.shuffle(&mut records);
    truth.distinct_event_ids += count(records.len());
    put_cloudtrail(count_of_streams(), slot, records, dice, truth, put)
}

/// Each Insights record is an object of its own.
fn put_insights(
    slot: Slot,
    dice: &mut Dice,
    truth: &mut Truth,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<()> {
    let mut trail = Trail {
        dice,
        truth,
        slot,
        records: Vec::new(),
    };
    for (account, region, record) in audit::insights(&mut trail) {
        truth.insight_records += 1;
        truth.insight_objects += 1;
        truth.objects += 1;
        let text = serde_json::to_vec(&BTreeMap::from([("Records", [record])]))?;
        let published = slot.start + SLOT_SECONDS;
        let key = insight_key(account, region, published, &dice.alphanumeric(16));
        put(GeneratedObject {
            key,
            body: gzip(&text)?,
        })?;
    }
    Ok(())
}

/// Spreads the records over the objects of their account and region.
fn put_cloudtrail(
    objects: u32,
    slot: Slot,
    records: Vec<Record>,
    dice: &mut Dice,
    truth: &mut Truth,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<()> {
    let mut streams: BTreeMap<(&str, &str), Vec<Record>> = BTreeMap::new();
    for record in records {
        let stream = (record.recipient_account_id, record.aws_region);
        streams.entry(stream).or_default().push(record);
    }
    for (index, (account, region)) in (0..objects).zip(STREAMS.into_iter().cycle()) {
        let Some(waiting) = streams.get_mut(&(account, region)) else {
            continue;
        };
        // The last object of a stream takes the rest.
        let objects_left = (objects - index).div_ceil(count_of_streams()).max(1);
        let share = waiting
            .len()
            .div_ceil(usize::try_from(objects_left).unwrap_or(1));
        let rest = waiting.split_off(share);
        let taken = std::mem::replace(waiting, rest);
        if taken.is_empty() {
            continue;
        }
        truth.cloudtrail_events += count(taken.len());
        truth.cloudtrail_objects += 1;
        truth.objects += 1;
        let text = serde_json::to_vec(&BTreeMap::from([("Records", taken)]))?;
        let published = slot.start + SLOT_SECONDS;
        let key = cloudtrail_key(account, region, published, &dice.alphanumeric(16));
        put(GeneratedObject {
            key,
            body: gzip(&text)?,
        })?;
    }
    Ok(())
}

fn put_flow_logs(
    plan: &Plan,
    slot: Slot,
    dice: &mut Dice,
    truth: &mut Truth,
    put: &mut dyn FnMut(GeneratedObject) -> io::Result<()>,
) -> io::Result<()> {
    for log in FLOW_LOGS.iter().filter(|log| log.publishes(slot)) {
        let text = log.object_text(dice, truth, slot, plan.flow_lines_per_object);
        truth.flow_objects += 1;
        truth.objects += 1;
        let key = log.key(slot, &dice.hex(8));
        put(GeneratedObject {
            key,
            body: gzip(text.as_bytes())?,
        })?;
    }
    Ok(())
}
