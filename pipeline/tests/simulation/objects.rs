//! Log objects with known events, and a bucket that serves them with faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;

use async_trait::async_trait;
use rand::Rng as _;
use rand::rngs::StdRng;
use trailflow::object::fetch::{Body, FetchError, Objects};
use trailflow::object::{ObjectRef, Version};

use super::life::{Fate, Life};

/// What is in the bucket, and what must be in the lake.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) bodies: BTreeMap<String, Vec<u8>>,
    /// Event ids by key.
    pub(crate) events: BTreeMap<String, Vec<String>>,
    /// Flow-log rows by key.
    pub(crate) flows: BTreeMap<String, usize>,
    /// Keys whose reading never succeeds.
    pub(crate) unreadable: Vec<String>,
}

impl Bucket {
    /// Some objects. With twins, some events stand in two of them.
    pub(crate) fn planted(dice: &mut StdRng, twins: bool) -> Self {
        let mut bucket = Self::default();
        let mut known: Vec<String> = Vec::new();
        for number in 0..dice.random_range(2..7) {
            if dice.random_range(0..3) == 0 {
                let rows = dice.random_range(1..5);
                bucket.flow_log(number, rows);
                continue;
            }
            let mut ids = Vec::new();
            for _ in 0..dice.random_range(1..5) {
                let id = match known.len() {
                    0 => fresh(dice),
                    _ if twins && dice.random_range(0..3) == 0 => {
                        known[dice.random_range(0..known.len())].clone()
                    }
                    _ => fresh(dice),
                };
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            known.extend(ids.clone());
            bucket.trail(number, ids);
        }
        bucket
    }

    fn trail(&mut self, number: u32, ids: Vec<String>) {
        let records: Vec<_> = ids
            .iter()
            .map(|id| {
                serde_json::json!({
                    "eventVersion": "1.08", "eventID": id, "eventTime": "2026-01-05T10:21:07Z",
                    "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
                    "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
                    "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/shop"},
                })
            })
            .collect();
        let body = serde_json::json!({ "Records": records }).to_string();
        let key = format!(
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/05/111122223333_CloudTrail_eu-west-1_20260105T1025Z_{number:016}.json"
        );
        self.bodies.insert(key.clone(), body.into_bytes());
        self.events.insert(key, ids);
    }

    fn flow_log(&mut self, number: u32, rows: usize) {
        let mut body = String::from(
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n",
        );
        for row in 0..rows {
            writeln!(
                body,
                "2 111122223333 eni-0 10.0.0.1 10.0.0.2 {} 443 6 1 40 1767608467 1767608497 REJECT OK",
                1024 + row
            )
            .unwrap();
        }
        let key = format!(
            "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/01/05/111122223333_vpcflowlogs_eu-west-1_fl-{number:017}_20260105T1025Z_0.log"
        );
        self.bodies.insert(key.clone(), body.into_bytes());
        self.flows.insert(key, rows);
    }

    pub(crate) fn object(key: &str, named: bool) -> ObjectRef {
        ObjectRef {
            bucket: String::from("logs"),
            key: key.to_owned(),
            version: Version {
                etag: named.then(|| String::from("etag")),
                version_id: None,
            },
            size_bytes: None,
            written_at: None,
        }
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.values().map(Vec::len).sum()
    }
}

fn fresh(dice: &mut StdRng) -> String {
    let mut bytes = [0; 16];
    dice.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// The bucket as one worker sees it.
#[derive(Debug)]
pub(crate) struct SimObjects {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) life: Arc<Life>,
}

#[async_trait]
impl Objects for SimObjects {
    async fn fetch(&self, object: &ObjectRef) -> Result<Body, FetchError> {
        let (step, fate) = self.life.step().await;
        self.life.stepped(step).await;
        let down = || FetchError::Unavailable(String::from("500 InternalError"));
        if self.bucket.unreadable.contains(&object.key) {
            return Err(FetchError::Refused(String::from("400 InvalidRequest")));
        }
        let body = self.bucket.bodies.get(&object.key).cloned();
        let body = body.ok_or(FetchError::Missing)?;
        match fate {
            Fate::Fails | Fate::Late => Err(down()),
            Fate::Conflict => Err(FetchError::Throttled(String::from("503 SlowDown"))),
            // The connection breaks in the middle of the body.
            Fate::ReplyLost => {
                let half = Cursor::new(body).take(200);
                Ok(Box::new(BufReader::new(half.chain(Broken))))
            }
            Fate::Done => Ok(Box::new(Cursor::new(body))),
        }
    }

    async fn resolve(&self, object: &ObjectRef) -> Result<ObjectRef, FetchError> {
        if !self.life.is_at_peace() {
            return Err(FetchError::Unavailable(String::from("500 InternalError")));
        }
        let version = Version::of_etag("etag");
        Ok(ObjectRef {
            version,
            ..object.clone()
        })
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(FetchError::Unavailable(String::from(
            "connection reset",
        ))))
    }
}
