//! Which pod a call came from: credentials that were issued to a pod lead later calls back to it.
//!
//! STS logs the access key id that it issues (domain 2.2), and every call names the one it was
//! signed with. A session of IRSA or Pod Identity names its pod only when it begins; the calls in
//! it name a role. What an AWS service does for the pod in its turn, EC2 with KMS for the CSI driver's
//! volume, bears a key of the service's own: there the session's ARN leads back.
//!
//! In: rows of `cloudtrail`. Out: the same rows, with `k8s_cluster`, `k8s_ns`, `k8s_sa` and
//! `k8s_pod` filled where the key was issued to a pod, also through a role that the pod assumed, or where a
//! service acts for its session.
//! Must hold: what a row says itself is never replaced; a session that two pods share names none; at most
//! [`PODS_MAX`] keys and sessions are remembered, the oldest go; each is believed for
//! [`CREDENTIALS_AGE_MAX`] after its issue.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::TimestampMillisecondType;
use arrow::error::ArrowError;
use foldhash::fast::RandomState;

use crate::limits::{CREDENTIALS_AGE_MAX, PODS_MAX, SESSION_EARLY_MAX};

/// The columns that name a pod.
const POD_COLUMNS: [&str; 4] = ["k8s_cluster", "k8s_ns", "k8s_sa", "k8s_pod"];

/// The columns that [`PodSessions::learn`] reads.
pub const ISSUE_COLUMNS: [&str; 8] = [
    "event_time",
    "issued_access_key_id",
    "issued_session_arn",
    "error_code",
    "k8s_cluster",
    "k8s_ns",
    "k8s_sa",
    "k8s_pod",
];

/// The keys and sessions that were issued to pods: two generations, of which the older is dropped whole
/// when the newer is full.
#[derive(Debug, Default)]
pub struct PodSessions {
    newer: HashMap<Box<str>, Issue, RandomState>,
    older: HashMap<Box<str>, Issue, RandomState>,
}

/// To whom and when a key or a session was issued.
#[derive(Debug, Clone)]
struct Issue {
    at_millis: i64,
    /// None: a session of this name was issued to several.
    pod: Option<Arc<Pod>>,
}

/// The values of [`POD_COLUMNS`].
#[derive(Debug, PartialEq, Eq)]
struct Pod([Option<String>; 4]);

impl PodSessions {
    /// Learns the keys that these rows issue; the rows need [`ISSUE_COLUMNS`] only.
    pub fn learn(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let keys = texts(rows, "issued_access_key_id")?;
        if keys.null_count() == keys.len() {
            return Ok(());
        }
        let errors = texts(rows, "error_code")?;
        let accounts = texts(rows, "k8s_sa")?;
        let times = times(rows)?;
        let columns = pod_columns(rows)?;
        let sessions = texts(rows, "issued_session_arn")?;
        for (row, key) in keys.iter().enumerate() {
            let Some(key) = key.filter(|_| accounts.is_valid(row) && errors.is_null(row)) else {
                continue;
            };
            let pod = Arc::new(Pod(columns.map(|column| value(column, row))));
            self.issued((key, text(sessions, row)), times.value(row), &pod);
        }
        Ok(())
    }

    /// Learns the keys that these batches issue, and then names the pods of the rows that use one: in
    /// which order they came says nothing.
    pub fn name(&mut self, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> {
        for rows in &batches {
            self.learn(rows)?;
        }
        batches.into_iter().map(|rows| self.named(rows)).collect()
    }

    fn named(&mut self, rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.newer.is_empty() && self.older.is_empty() {
            return Ok(rows);
        }
        let pods = self.pods(&rows)?;
        if pods.iter().all(Option::is_none) {
            return Ok(rows);
        }
        let schema = rows.schema();
        let mut columns = rows.columns().to_vec();
        for (at, name) in POD_COLUMNS.iter().enumerate() {
            let said = texts(&rows, name)?;
            let filled: StringArray = pods
                .iter()
                .enumerate()
                .map(|(row, pod)| match pod {
                    Some(pod) => pod.0.get(at).and_then(Option::as_deref),
                    None => said.is_valid(row).then(|| said.value(row)),
                })
                .collect();
            if let Some(column) = columns.get_mut(schema.index_of(name)?) {
                *column = Arc::new(filled);
            }
        }
        RecordBatch::try_new(schema, columns)
    }

    /// The pod of each row that names none itself. What a pod's session issues in its turn, by
    /// assuming another role, is the pod's too.
    fn pods(&mut self, rows: &RecordBatch) -> Result<Vec<Option<Arc<Pod>>>, ArrowError> {
        let used = texts(rows, "access_key_id")?;
        let issued = texts(rows, "issued_access_key_id")?;
        let sessions = texts(rows, "issued_session_arn")?;
        let arns = texts(rows, "arn")?;
        let services = rows.column_by_name("invoked_by");
        let callers = rows.column_by_name("identity_type");
        let accounts = texts(rows, "k8s_sa")?;
        let times = times(rows)?;
        let mut pods = Vec::with_capacity(rows.num_rows());
        for (row, key) in used.iter().enumerate() {
            let at = times.value(row);
            if accounts.is_valid(row) {
                pods.push(None);
                continue;
            }
            let by_service = services.is_some_and(|services| services.is_valid(row));
            let session = text(arns, row).filter(|_| by_service);
            let pod = key.and_then(|key| self.pod_of(key, at));
            let pod = pod.or_else(|| self.pod_of_session(session?, at));
            match (&pod, text(issued, row), text(sessions, row)) {
                (Some(pod), Some(key), session) => self.issued((key, session), at, pod),
                // Somebody else has a session of that name. The record of the account whose role was
                // assumed does not say who it was: it may be the pod itself, by a record of its own.
                (None, Some(_), Some(session))
                    if self.valid(session, at).is_some()
                        && callers.and_then(|callers| name(callers, row)) != Some("AWSAccount") =>
                {
                    self.insert(
                        session,
                        Issue {
                            at_millis: at,
                            pod: None,
                        },
                    );
                }
                _ => {}
            }
            pods.push(pod);
        }
        Ok(pods)
    }

    /// The pod that the key or the session was issued to, if it can have been valid at that time.
    fn pod_of(&self, name: &str, at_millis: i64) -> Option<Arc<Pod>> {
        self.valid(name, at_millis)?.pod.clone()
    }

    /// The same for a session, whose name may have been that of another before.
    fn pod_of_session(&self, session: &str, at_millis: i64) -> Option<Arc<Pod>> {
        let issue = self.valid(session, at_millis)?;
        let early = u128::from(
            issue
                .at_millis
                .saturating_sub(at_millis)
                .max(0)
                .unsigned_abs(),
        );
        let has_begun = early <= SESSION_EARLY_MAX.as_millis();
        issue.pod.clone().filter(|_| has_begun)
    }

    fn valid(&self, name: &str, at_millis: i64) -> Option<&Issue> {
        let issue = self.newer.get(name).or_else(|| self.older.get(name))?;
        // Clocks of two services may differ: a use may look a little older than the issue.
        let apart = u128::from(at_millis.abs_diff(issue.at_millis));
        (apart <= CREDENTIALS_AGE_MAX.as_millis()).then_some(issue)
    }

    /// A key was issued to the pod, and with it a session. A pod that chooses the session's name may have
    /// chosen that of another.
    fn issued(&mut self, (key, session): (&str, Option<&str>), at_millis: i64, pod: &Arc<Pod>) {
        let pod = Some(Arc::clone(pod));
        if let Some(session) = session {
            let issue = match self.valid(session, at_millis) {
                // Of whom it is nobody knows until the last of the others is over.
                Some(shared @ Issue { pod: None, .. }) => shared.clone(),
                before => {
                    let is_new = before.is_none_or(|before| before.pod == pod);
                    let pod = pod.clone().filter(|_| is_new);
                    Issue { at_millis, pod }
                }
            };
            self.insert(session, issue);
        }
        self.insert(key, Issue { at_millis, pod });
    }

    fn insert(&mut self, name: &str, issue: Issue) {
        if self.newer.len() >= PODS_MAX / 2 {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name.into(), issue);
    }
}

fn pod_columns(rows: &RecordBatch) -> Result<[&StringArray; 4], ArrowError> {
    let [cluster, namespace, account, pod] = POD_COLUMNS;
    Ok([
        texts(rows, cluster)?,
        texts(rows, namespace)?,
        texts(rows, account)?,
        texts(rows, pod)?,
    ])
}

fn value(column: &StringArray, row: usize) -> Option<String> {
    text(column, row).map(str::to_owned)
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// Of a column of names, which are dictionaries until they are stored.
fn name(column: &ArrayRef, row: usize) -> Option<&str> {
    let Some(dictionary) = column.as_any_dictionary_opt() else {
        return text(column.as_string_opt()?, row);
    };
    let key = dictionary.normalized_keys().get(row).copied();
    let key = key.filter(|_| dictionary.keys().is_valid(row))?;
    text(dictionary.values().as_string_opt()?, key)
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray, ArrowError> {
    rows.column_by_name(name)
        .and_then(|column| column.as_string_opt::<i32>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no text column {name}")))
}

fn times(
    rows: &RecordBatch,
) -> Result<&arrow::array::PrimitiveArray<TimestampMillisecondType>, ArrowError> {
    rows.column_by_name("event_time")
        .and_then(|column| column.as_primitive_opt())
        .ok_or_else(|| ArrowError::SchemaError(String::from("no time column event_time")))
}

#[cfg(test)]
mod tests {
    use super::super::{batch_schema, decode};
    use super::*;
    use crate::{Cancelled, Provenance, RejectedRecord, Sink, Table};

    #[derive(Default)]
    struct Batches(Vec<RecordBatch>);

    impl Sink for Batches {
        fn batch(&mut self, _: Table, batch: RecordBatch) -> Result<(), Cancelled> {
            self.0.push(batch);
            Ok(())
        }

        fn reject(&mut self, _: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
            panic!("{rejected:?}")
        }
    }

    fn rows(events: &[String]) -> RecordBatch {
        let mut batches = Batches::default();
        let provenance = Provenance {
            bucket: "b",
            key: "k",
        };
        decode(events.join("\n").as_bytes(), provenance, &mut batches).unwrap();
        arrow::compute::concat_batches(&batch_schema(), &batches.0).unwrap()
    }

    fn event(number: usize, time: &str, rest: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-{number:012}","eventTime":"{time}",{rest}}}"#
        )
    }

    /// A service account gets a key.
    fn issued(number: usize, time: &str, account: &str, key: &str) -> String {
        event(
            number,
            time,
            &format!(
                r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{{"type":"WebIdentityUser","userName":"system:serviceaccount:shop:{account}"}},"responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"arn":"{SESSION}"}}}}"#
            ),
        )
    }

    /// Of each account.
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/cart/1";

    /// A service acts for a session, with a key that it made.
    fn by_service(number: usize, time: &str, arn: &str, service: &str) -> String {
        event(
            number,
            time,
            &format!(
                r#""eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{{"type":"AssumedRole","arn":"{arn}","accessKeyId":"ASIA8","invokedBy":{service}}}"#
            ),
        )
    }

    /// A key is used; with `next`, to get another one.
    fn used(number: usize, time: &str, key: &str, next: Option<&str>) -> String {
        let response = next.map_or(String::from("null"), |next| {
            format!(r#"{{"credentials":{{"accessKeyId":"{next}"}}}}"#)
        });
        event(
            number,
            time,
            &format!(
                r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{"type":"AssumedRole","accessKeyId":"{key}"}},"responseElements":{response}"#
            ),
        )
    }

    fn accounts(rows: &RecordBatch) -> Vec<Option<&str>> {
        texts(rows, "k8s_sa").unwrap().iter().collect()
    }

    #[test]
    fn a_key_leads_to_its_pod_whatever_the_order_and_through_roles() {
        let mut pods = PodSessions::default();
        let (ten, eleven) = ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z");
        let batch = rows(&[
            used(1, eleven, "ASIA1", Some("ASIA2")),
            issued(2, ten, "cart", "ASIA1"),
            used(3, eleven, "ASIA2", None),
            used(4, eleven, "ASIA9", None),
        ]);
        let named = pods.name(vec![batch]).unwrap();
        assert_eq!(
            accounts(&named[0]),
            [Some("cart"), Some("cart"), Some("cart"), None]
        );
        let later = rows(&[used(5, eleven, "ASIA2", None)]);
        let later = pods.name(vec![later]).unwrap();
        assert_eq!(accounts(&later[0]), [Some("cart")]);
    }

    #[test]
    fn what_a_service_does_for_a_session_is_its_pods() {
        let ten = "2026-01-05T10:00:00Z";
        let mut pods = PodSessions::default();
        let ec2 = r#""ec2-frontend-api.amazonaws.com""#;
        let batch = rows(&[
            issued(1, ten, "cart", "ASIA1"),
            by_service(2, ten, SESSION, ec2),
            // By somebody with a key of their own.
            by_service(3, ten, SESSION, "null"),
            by_service(4, ten, "arn:aws:sts::111122223333:assumed-role/cart/2", ec2),
        ]);
        let named = pods.name(vec![batch]).unwrap();
        assert_eq!(
            accounts(&named[0]),
            [Some("cart"), Some("cart"), None, None]
        );
        // Renewed, it is the same pod's; issued to another too, it is nobody's.
        let renewed = rows(&[
            issued(5, ten, "cart", "ASIA2"),
            by_service(6, ten, SESSION, ec2),
        ]);
        let renewed = pods.name(vec![renewed]).unwrap();
        assert_eq!(accounts(&renewed[0]), [Some("cart"), Some("cart")]);
        let shared = rows(&[
            issued(7, ten, "shop", "ASIA3"),
            by_service(8, ten, SESSION, ec2),
        ]);
        let shared = pods.name(vec![shared]).unwrap();
        assert_eq!(accounts(&shared[0]), [Some("shop"), None]);
        // The other's session ends twelve hours after its last issue, however often this one's is renewed.
        let (evening, night) = ("2026-01-05T21:00:00Z", "2026-01-05T22:30:00Z");
        let later = rows(&[
            issued(9, evening, "shop", "ASIA4"),
            issued(10, night, "shop", "ASIA5"),
            by_service(11, night, SESSION, ec2),
        ]);
        let later = pods.name(vec![later]).unwrap();
        assert_eq!(
            accounts(&later[0]),
            [Some("shop"), Some("shop"), Some("shop")]
        );
    }

    #[test]
    fn a_session_is_no_pods_before_it_began_or_when_others_bear_its_name() {
        let ec2 = r#""ec2-frontend-api.amazonaws.com""#;
        let mut pods = PodSessions::default();
        let ten = "2026-01-05T10:00:00Z";
        let early = rows(&[
            issued(1, ten, "cart", "ASIA1"),
            by_service(2, "2026-01-05T09:50:00Z", SESSION, ec2),
            by_service(3, "2026-01-05T09:58:00Z", SESSION, ec2),
        ]);
        let early = pods.name(vec![early]).unwrap();
        assert_eq!(accounts(&early[0]), [Some("cart"), None, Some("cart")]);
        let by_a_user = event(
            4,
            ten,
            &format!(
                r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{"type":"IAMUser","accessKeyId":"AKIA1"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIA7"}},"assumedRoleUser":{{"arn":"{SESSION}"}}}}"#
            ),
        );
        let shared = rows(&[by_a_user, by_service(5, ten, SESSION, ec2)]);
        let shared = pods.name(vec![shared]).unwrap();
        assert_eq!(accounts(&shared[0]), [None, None]);
    }

    #[test]
    fn the_record_of_the_role_s_account_takes_no_session_from_its_pod() {
        let (ten, eleven) = ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z");
        let session = "arn:aws:sts::444455556666:assumed-role/orders/cart";
        let assumed = |number, time, who: &str, key: &str| {
            event(
                number,
                time,
                &format!(
                    r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{{who}}},"responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"arn":"{session}"}}}}"#
                ),
            )
        };
        let pod = r#""type":"AssumedRole","accessKeyId":"ASIA1""#;
        let copy = r#""type":"AWSAccount","accountId":"111122223333""#;
        let mut pods = PodSessions::default();
        let batch = rows(&[
            issued(1, ten, "cart", "ASIA1"),
            assumed(2, ten, pod, "ASIA2"),
            assumed(3, ten, copy, "ASIA2"),
            by_service(4, ten, session, r#""secretsmanager.amazonaws.com""#),
            // Renewed; the copy comes first.
            assumed(5, eleven, copy, "ASIA3"),
            assumed(6, eleven, pod, "ASIA3"),
            by_service(7, eleven, session, r#""secretsmanager.amazonaws.com""#),
        ]);
        let named = pods.name(vec![batch]).unwrap();
        let cart = Some("cart");
        assert_eq!(
            accounts(&named[0]),
            [cart, cart, None, cart, None, cart, cart]
        );
    }

    #[test]
    fn a_key_is_forgotten_when_its_credentials_are_over() {
        let mut pods = PodSessions::default();
        pods.learn(&rows(&[issued(1, "2026-01-05T10:00:00Z", "cart", "ASIA1")]))
            .unwrap();
        let at = |time| vec![rows(&[used(2, time, "ASIA1", None)])];
        let within = pods.name(at("2026-01-05T22:00:00Z")).unwrap();
        assert_eq!(accounts(&within[0]), [Some("cart")]);
        let after = pods.name(at("2026-01-05T22:00:01Z")).unwrap();
        assert_eq!(accounts(&after[0]), [None]);
    }

    #[test]
    fn the_oldest_keys_go() {
        let mut pods = PodSessions::default();
        let pod = Arc::new(Pod([None, None, Some(String::from("cart")), None]));
        for number in 0..=PODS_MAX {
            pods.issued((&format!("ASIA{number}"), None), 0, &pod);
        }
        assert!(pods.pod_of("ASIA0", 0).is_none());
        assert!(pods.pod_of(&format!("ASIA{PODS_MAX}"), 0).is_some());
        assert!(pods.newer.len() + pods.older.len() <= PODS_MAX);
    }
}
