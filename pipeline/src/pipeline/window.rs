//! The window of events: which were committed lately, so that none counts twice.
//!
//! AWS writes one event into two objects now and then, minutes apart (domain 1.2): the later row
//! is suppressed, by `event_id` and nothing else. The two copies of one cross-account AssumeRole
//! have other event ids and the same `sharedEventID` (domain 2.5): both rows stay, and the later
//! one is marked, so that a signal can count the pair once.
//!
//! Beside them it remembers which pod a key was issued to ([`PodSessions`]): a fact that holds
//! whether its batch counts or not.
//!
//! In: decoded rows. Out: the rows that are new. Must hold: a row is held back only for a twin in
//! a committed batch or in its own batch (I11): a twin in a batch that is abandoned must not hide
//! its sibling. At most `WINDOW_EVENTS_MAX` ids of either kind are remembered; the oldest go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::cmp::eq;
use arrow::compute::nullif;
use arrow::error::ArrowError;

use crate::decode::cloudtrail::{EventKey, EventKeys, PodSessions};

/// The category of what the owner of a VPC endpoint logs of others' calls.
const NETWORK_ACTIVITY: &str = "NetworkActivity";

/// Event ids and shared ids of committed batches.
#[derive(Debug, Default)]
pub struct EventWindow {
    known: Mutex<Known>,
    pods: Mutex<PodSessions>,
}

#[derive(Debug, Default)]
struct Known {
    events: EventKeys,
    shared: EventKeys,
}

/// The ids of the batch that is open; they join the window when it commits. Within the same limit:
/// one object may hold more events than the window remembers.
#[derive(Debug, Default)]
pub struct OpenEvents {
    events: EventKeys,
    shared: EventKeys,
}

/// The rows of a batch that are new.
#[derive(Debug)]
pub struct Admitted {
    /// New rows, the later one of a cross-account pair marked.
    pub rows: RecordBatch,
    /// Rows that were left out, because their event is there already.
    pub suppressed: usize,
}

impl EventWindow {
    /// Takes out the rows whose event is known, and marks those whose sibling is.
    pub fn admit(&self, open: &mut OpenEvents, rows: RecordBatch) -> Result<Admitted, ArrowError> {
        let known = self.lock();
        let new: BooleanArray = texts(&rows, "event_id")?
            .iter()
            .map(|id| {
                // Decoding rejects an event without an id; a null could not be told apart.
                Some(id.is_none_or(|id| {
                    let key = EventKey::of(id);
                    !known.events.holds(key) && open.events.admit(key)
                }))
            })
            .collect();
        let suppressed = new.len() - new.true_count();
        let rows = if suppressed == 0 {
            rows
        } else {
            filter_record_batch(&rows, &new)?
        };
        Ok(Admitted {
            rows: marked(&known, open, rows)?,
            suppressed,
        })
    }

    /// The batch is committed: its ids are known from now on.
    pub fn commit(&self, open: OpenEvents) {
        let mut known = self.lock();
        known.events.extend(open.events);
        known.shared.extend(open.shared);
    }

    /// Learns the ids of rows that somebody else committed: their two id columns.
    pub fn learn(&self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let mut known = self.lock();
        for id in texts(rows, "event_id")?.iter().flatten() {
            known.events.insert(EventKey::of(id));
        }
        for id in shared_ids(rows)?.iter().flatten() {
            known.shared.insert(EventKey::of(id));
        }
        Ok(())
    }

    /// Learns the keys that rows of somebody else's batch issued to pods.
    pub fn learn_keys(&self, rows: &RecordBatch) -> Result<(), ArrowError> {
        self.pods().learn(rows)
    }

    /// Names the pods of calls with keys that were issued to one, in these batches or before.
    pub fn name_pods(&self, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> {
        self.pods().name(batches)
    }

    fn pods(&self) -> MutexGuard<'_, PodSessions> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the rows whose sibling was seen before.
fn marked(
    known: &Known,
    open: &mut OpenEvents,
    rows: RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let ids = texts(&rows, "shared_event_id")?;
    if ids.null_count() == rows.num_rows() {
        return Ok(rows);
    }
    let halves = shared_ids(&rows)?;
    let mut seen = |(id, half): (&str, Option<&str>)| {
        let key = EventKey::of(id);
        let before = known.shared.holds(key) || open.shared.holds(key);
        before || half.is_some() && !open.shared.admit(key)
    };
    let pairs = ids.iter().zip(&halves);
    let marks = pairs.map(|(id, half)| Some(id.is_some_and(|id| seen((id, half)))));
    let marks: BooleanArray = marks.collect();
    let schema = rows.schema();
    let place = schema.index_of("shared_event_seen")?;
    let mut columns = rows.columns().to_vec();
    if let Some(column) = columns.get_mut(place) {
        *column = Arc::new(marks);
    }
    RecordBatch::try_new(schema, columns)
}

/// The shared ids of records that may be the first half of a pair. A network activity event may have the id of
/// the call that it accompanies, and says less of it: it makes no other record a second one (domain 1.8).
fn shared_ids(rows: &RecordBatch) -> Result<StringArray, ArrowError> {
    let ids = texts(rows, "shared_event_id")?;
    let Some(category) = rows.column_by_name("event_category") else {
        return Ok(ids.clone());
    };
    let accompanies = eq(category, &StringArray::new_scalar(NETWORK_ACTIVITY))?;
    if accompanies.true_count() == 0 {
        return Ok(ids.clone());
    }
    Ok(nullif(ids, &accompanies)?.as_string().clone())
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray, ArrowError> {
    rows.column_by_name(name)
        .and_then(|column| column.as_string_opt::<i32>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no text column {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::DictionaryArray;
    use arrow::datatypes::{DataType, Field, Int32Type, Schema};

    const FIRST: &str = "6d0f1c5e-0000-4000-8000-000000000001";
    const SECOND: &str = "6d0f1c5e-0000-4000-8000-000000000002";

    #[test]
    fn a_network_activity_event_makes_no_other_record_a_second_half() {
        let with_categories = |categories: [&str; 3]| {
            let halves = [("a", Some("s")), ("b", Some("s")), ("c", Some("s"))];
            let rows = rows(&halves);
            let categories: DictionaryArray<Int32Type> = categories.into_iter().collect();
            let name = Field::new("event_category", categories.data_type().clone(), true);
            let mut fields = rows.schema().fields().to_vec();
            fields.push(Arc::new(name));
            let columns = [rows.columns(), &[Arc::new(categories)]].concat();
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
        };
        let window = EventWindow::default();
        let mut open = OpenEvents::default();
        let alone = with_categories([NETWORK_ACTIVITY; 3]);
        let beside = with_categories([NETWORK_ACTIVITY, "Management", "Management"]);
        let admitted = window.admit(&mut open, beside).unwrap();
        assert_eq!(marks(&admitted.rows), [false, false, true]);
        let behind = with_categories([NETWORK_ACTIVITY; 3]);
        let behind = marked(&window.lock(), &mut open, behind).unwrap();
        assert_eq!(marks(&behind), [true; 3]);
        let learning = EventWindow::default();
        learning.learn(&alone).unwrap();
        let other = rows(&[("d", Some("s"))]);
        let admitted = learning.admit(&mut OpenEvents::default(), other).unwrap();
        assert_eq!(marks(&admitted.rows), [false]);
    }

    /// Rows of event id and shared id.
    fn rows(ids: &[(&str, Option<&str>)]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("event_id", DataType::Utf8, false),
            Field::new("shared_event_id", DataType::Utf8, true),
            Field::new("shared_event_seen", DataType::Boolean, true),
        ]);
        let events: StringArray = ids.iter().map(|(id, _)| Some(*id)).collect();
        let shared: StringArray = ids.iter().map(|(_, shared)| *shared).collect();
        let seen: BooleanArray = ids.iter().map(|_| Some(false)).collect();
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(events), Arc::new(shared), Arc::new(seen)];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn marks(rows: &RecordBatch) -> Vec<bool> {
        let marks = rows.column(2).as_boolean();
        marks.iter().map(Option::unwrap).collect()
    }

    #[test]
    fn a_twin_in_the_same_batch_is_suppressed_and_a_pair_is_marked() {
        let window = EventWindow::default();
        let mut open = OpenEvents::default();
        let twins = [(FIRST, Some("s")), (SECOND, Some("s")), (FIRST, Some("s"))];
        let admitted = window.admit(&mut open, rows(&twins)).unwrap();
        assert_eq!((admitted.rows.num_rows(), admitted.suppressed), (2, 1));
        assert_eq!(marks(&admitted.rows), [false, true]);
    }

    #[test]
    fn a_twin_in_an_abandoned_batch_hides_nothing() {
        let window = EventWindow::default();
        let mut abandoned = OpenEvents::default();
        window
            .admit(&mut abandoned, rows(&[(FIRST, Some("s"))]))
            .unwrap();
        drop(abandoned);
        let mut open = OpenEvents::default();
        let admitted = window
            .admit(&mut open, rows(&[(FIRST, Some("s"))]))
            .unwrap();
        assert_eq!(
            (admitted.suppressed, marks(&admitted.rows)),
            (0, vec![false])
        );
        window.commit(open);
        let again = window
            .admit(&mut OpenEvents::default(), rows(&[(FIRST, Some("s"))]))
            .unwrap();
        assert_eq!(again.suppressed, 1);
    }

    #[test]
    fn what_others_committed_is_learned() {
        let window = EventWindow::default();
        window.learn(&rows(&[("not-a-uuid", Some("s"))])).unwrap();
        let mut open = OpenEvents::default();
        let admitted = window
            .admit(&mut open, rows(&[("not-a-uuid", None), (FIRST, Some("s"))]))
            .unwrap();
        assert_eq!(
            (admitted.suppressed, marks(&admitted.rows)),
            (1, vec![true])
        );
    }

    #[test]
    fn spellings_are_ids_of_their_own() {
        let upper = FIRST.to_uppercase();
        assert_ne!(EventKey::of(FIRST), EventKey::of(&upper));
        assert_ne!(EventKey::of(FIRST), EventKey::of(&FIRST.replace('-', "")));
        assert_eq!(EventKey::of("any text"), EventKey::of("any text"));
    }
}
