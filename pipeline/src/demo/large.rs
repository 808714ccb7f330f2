//! One very large CloudTrail object, for the proof that memory does not grow with an object.

use std::io::{self, Write};

use chrono::DateTime;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::dice::Dice;
use super::generate::slot_records;
use super::object::time_text;
use super::plan::Plan;
use super::truth::Truth;

/// Stand in a template for what differs from event to event.
const TIME_MARK: &str = "{event time}";
const ID_MARK: &str = "{event id}";
/// 2026-03-01T00:00:00Z. The document is of one hour, and depends on no clock.
const HOUR_START: i64 = 1_772_323_200;

/// As many as fit into the window of gzip, so that the object shrinks as much as real ones do.
const TEMPLATES: usize = 16;

/// A record's text around its time and its id.
struct Template {
    before_time: String,
    before_id: String,
    after_id: String,
}

/// Writes one gzip CloudTrail object, a single line of at least `inflated_bytes` when inflated,
/// and returns how many events it holds. Their ids are distinct.
pub fn one_large_document<W: Write + ?Sized>(inflated_bytes: u64, out: &mut W) -> io::Result<u64> {
    let templates = templates()?;
    let mut encoder = GzEncoder::new(out, Compression::default());
    encoder.write_all(b"{\"Records\":[")?;
    let mut written: u64 = 0;
    let mut events: u64 = 0;
    let mut text = String::new();
    // An empty list of templates would never fill the document.
    for template in templates.iter().take(TEMPLATES).cycle() {
        if written >= inflated_bytes {
            break;
        }
        text.clear();
        if events > 0 {
            text.push(',');
        }
        let second = i64::try_from(events % 3600).unwrap_or_default();
        text.push_str(&template.before_time);
        text.push_str(&time_text(HOUR_START + second, "%Y-%m-%dT%H:%M:%SZ"));
        text.push_str(&template.before_id);
        text.push_str(&uuid::Uuid::from_u64_pair(0x4000, 1 << 63 | events).to_string());
        text.push_str(&template.after_id);
        encoder.write_all(text.as_bytes())?;
        written += u64::try_from(text.len()).unwrap_or_default();
        events += 1;
    }
    encoder.write_all(b"]}")?;
    encoder.finish()?;
    Ok(events)
}

/// The events of an ordinary slot, without pairs, cut where they differ.
fn templates() -> io::Result<Vec<Template>> {
    let end = DateTime::from_timestamp(HOUR_START, 0).unwrap_or_default();
    let plan = Plan {
        minutes: 10,
        ..Plan::demo(1, end)
    };
    let mut dice = Dice::new(plan.seed);
    let mut templates = Vec::new();
    for slot in plan.slots().into_iter().take(1) {
        for mut record in slot_records(&plan, slot, &mut dice, &mut Truth::default()) {
            if record.shared_event_id.is_some() {
                continue;
            }
            record.event_time = TIME_MARK.into();
            record.event_id = ID_MARK.into();
            let text = serde_json::to_string(&record)?;
            if let Some((before_time, rest)) = text.split_once(TIME_MARK)
                && let Some((before_id, after_id)) = rest.split_once(ID_MARK)
            {
                let [before_time, before_id, after_id] =
                    [before_time, before_id, after_id].map(str::to_owned);
                templates.push(Template {
                    before_time,
                    before_id,
                    after_id,
                });
            }
        }
    }
    Ok(templates)
}
