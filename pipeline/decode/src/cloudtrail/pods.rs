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
use arrow::datatypes::{Int32Type, TimestampMillisecondType};
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

/// Of a column of names, which are dictionaries until they are stored. One without any name has an empty one.
fn name(column: &ArrayRef, row: usize) -> Option<&str> {
    let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else {
        return text(column.as_string_opt()?, row);
    };
    let keys = dictionary.keys();
    let key = keys.is_valid(row).then(|| keys.value(row))?;
    let names = dictionary.values().as_string_opt::<i32>()?;
    text(names, usize::try_from(key).ok()?)
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
mod tests;
