//! Carries one object from claim to decoded pieces.
//!
//! In: an object and the batch that is open. Out: pieces on a channel, the last of them its end.
//! Must hold: nothing is fetched before it is claimed (I1); one exhaustive match turns an error
//! into what becomes of the object (I6).

use std::io::{self, BufRead, Read as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tracing::Instrument as _;

use super::piece::{End, Piece, PieceSink, Read, Slot};
use crate::decode::cloudtrail::Document;
use crate::decode::flow_logs::OwnNetworks;
use crate::decode::{DecodeError, Malformed, Provenance, cloudtrail, flow_logs};
use crate::lake::Lake;
use crate::lake::batch::BatchId;
use crate::lake::claim::Claimed;
use crate::lake::ingest_log::Outcome;
use crate::lake::source::SourceId;
use crate::limits::{OBJECT_INFLATED_BYTES_MAX, PARQUET_OBJECT_BYTES_MAX};
use crate::object::ObjectRef;
use crate::object::content::{self, Content};
use crate::object::decompress::{self, Damage};
use crate::object::digest::InflatedHash;
use crate::object::fetch::{Body, Counted, FetchError, Objects};
use crate::object::key::{KeyKind, kind_of};
use crate::telemetry::health::Health;
use crate::telemetry::timed;

/// What every ingestion needs.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Where claims are made.
    pub lake: Lake,
    /// Where objects are read.
    pub objects: Arc<dyn Objects>,
    /// What counts as internal.
    pub networks: Arc<OwnNetworks>,
    /// Told when reading is denied.
    pub health: Arc<Health>,
    /// How many objects may be read at once.
    pub reading: Arc<Semaphore>,
}

impl Ingest {
    /// Ingests one object; its pieces go to `pieces`.
    pub async fn object(
        self,
        object: ObjectRef,
        source: SourceId,
        batch: BatchId,
        slot: Slot,
        pieces: Sender<Piece>,
    ) {
        // Closed never: the permit is there sooner or later.
        let _permit = Arc::clone(&self.reading).acquire_owned().await;
        let span = tracing::debug_span!("object", bucket = %object.bucket, key = %object.key);
        let end = self
            .claim_and_read(&object, &source, &batch, slot, &pieces)
            .instrument(span)
            .await;
        // A lane that is gone has abandoned the batch: the object comes again.
        let _gone = pieces.send(Piece::Ended(slot, end)).await;
    }

    async fn claim_and_read(
        &self,
        object: &ObjectRef,
        source: &SourceId,
        batch: &BatchId,
        slot: Slot,
        pieces: &Sender<Piece>,
    ) -> End {
        let claimed = self.lake.claim(source, batch).await;
        if claimed.is_ok() {
            self.health.readable("lake");
        }
        match claimed {
            Ok(Claimed::Mine) => {}
            Ok(Claimed::Done) => return End::Duplicate,
            Ok(Claimed::Busy(wait)) => return End::Busy(wait),
            Err(error) => {
                // No fault of the message: it stays away until the lake may have recovered.
                self.health.unavailable("lake", &error.to_string());
                return End::Busy(self.lake.lease);
            }
        }
        match kind_of(&object.key) {
            KeyKind::CloudTrailDigest => return unread("digest"),
            KeyKind::CloudTrailInsight => return unread("insight"),
            KeyKind::Own => return unread("own_output"),
            KeyKind::CloudTrail { .. } | KeyKind::FlowLogs { .. } | KeyKind::Unknown => {}
        }
        let body = match timed("fetch", self.objects.fetch(object)).await {
            Ok(body) => body,
            Err(error) => return self.refused(error),
        };
        let (sink, networks) = (
            PieceSink {
                slot,
                pieces: pieces.clone(),
            },
            Arc::clone(&self.networks),
        );
        let (name, object) = (object.key.clone(), object.clone());
        let read = move || read(body, &object, &networks, sink);
        match timed("decode", tokio::task::spawn_blocking(read)).await {
            Ok(Ok(read)) => {
                self.health.readable("object");
                End::Read(read)
            }
            Ok(Err(error)) => self.refused(error),
            // The same bytes would end the same way: the object is set aside. What it gave before
            // is in the batch, whole rows, sent before the end.
            Err(error) if error.is_panic() => {
                tracing::error!(key = %name, "decoding panicked: this is a bug; the object is quarantined");
                End::Read(Read {
                    outcome: Outcome::Quarantined("decoder_panic"),
                    compressed_bytes: 0,
                    inflated_bytes: 0,
                    inflated_sha256: None,
                })
            }
            Err(cancelled) => End::Failed(format!("decoding was cancelled: {cancelled}")),
        }
    }

    fn refused(&self, error: FetchError) -> End {
        match error {
            // Expired by a lifecycle rule, or an old message: there is nothing to wait for.
            FetchError::Missing => unread("missing_object"),
            FetchError::Denied { by, message } => {
                self.health.denied("object", &format!("{by}: {message}"));
                End::Failed(format!("reading is denied by {by}: {message}"))
            }
            FetchError::Unavailable(why) => End::Failed(why),
        }
    }
}

/// An object that is acknowledged without being read.
fn unread(reason: &'static str) -> End {
    End::Read(Read {
        outcome: Outcome::Ignored(reason),
        compressed_bytes: 0,
        inflated_bytes: 0,
        inflated_sha256: None,
    })
}

/// Reads the object to its end, on a blocking thread.
fn read(
    body: Body,
    object: &ObjectRef,
    networks: &OwnNetworks,
    mut sink: PieceSink,
) -> Result<Read, FetchError> {
    let (body, compressed) = Counted::new(body);
    let inflated = decompress::inflated(body, OBJECT_INFLATED_BYTES_MAX);
    let mut hash = InflatedHash::new(inflated);
    let outcome = match decode(&mut hash, object, networks, &mut sink) {
        Ok(outcome) => outcome,
        Err(error) => outcome_of(error)?,
    };
    let inflated_bytes = hash.hashed_bytes();
    let (digest, outcome) = match (hash.finish(), outcome) {
        (Ok(digest), outcome) => (Some(digest), outcome),
        // Damage after the last record: what was read stays, and the object is not whole.
        (Err(error), Outcome::Ingested | Outcome::Ignored(_)) => {
            (None, outcome_of(DecodeError::Read(error))?)
        }
        (Err(_), outcome) => (None, outcome),
    };
    Ok(Read {
        outcome,
        compressed_bytes: compressed.load(Ordering::Relaxed),
        inflated_bytes: digest
            .as_ref()
            .map_or(inflated_bytes, |digest| digest.bytes),
        inflated_sha256: digest.map(|digest| digest.sha256),
    })
}

/// Routes by key where it says what the object is, else by content; text or Parquet always by
/// content.
fn decode(
    input: &mut impl BufRead,
    object: &ObjectRef,
    networks: &OwnNetworks,
    sink: &mut PieceSink,
) -> Result<Outcome, DecodeError> {
    let provenance = Provenance {
        bucket: &object.bucket,
        key: &object.key,
    };
    let (content, mut input) = content::sniff_stream(input)?;
    let by_key = kind_of(&object.key);
    match (by_key, content) {
        (_, Content::Empty) => Ok(Outcome::Ignored("empty")),
        (_, Content::Parquet) => {
            let bytes = whole(&mut input)?;
            flow_logs::decode_parquet(bytes, provenance, networks, sink)?;
            Ok(Outcome::Ingested)
        }
        (KeyKind::CloudTrail { .. }, _) | (KeyKind::Unknown, Content::Json) => {
            Ok(match cloudtrail::decode(input, provenance, sink)? {
                Document::Events => Outcome::Ingested,
                Document::Digest => Outcome::Ignored("digest"),
                Document::Insights => Outcome::Ignored("insight"),
            })
        }
        (KeyKind::FlowLogs { .. }, _) | (KeyKind::Unknown, Content::FlowLogText) => {
            flow_logs::decode_text(input, provenance, networks, sink)?;
            Ok(Outcome::Ingested)
        }
        (_, _) => Err(DecodeError::Malformed(Malformed::UnknownContent)),
    }
}

/// A Parquet file whole, for its footer is at the end.
fn whole(input: &mut impl BufRead) -> Result<Bytes, DecodeError> {
    let mut bytes = Vec::new();
    let read = input
        .take(PARQUET_OBJECT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > PARQUET_OBJECT_BYTES_MAX {
        return Err(DecodeError::Malformed(Malformed::ParquetTooLarge));
    }
    Ok(Bytes::from(bytes))
}

/// The one place where a decoding error becomes what happens to the object.
fn outcome_of(error: DecodeError) -> Result<Outcome, FetchError> {
    match error {
        DecodeError::Malformed(malformed) => Ok(Outcome::Quarantined(malformed.as_str())),
        DecodeError::Cancelled => Err(FetchError::Unavailable(String::from(
            "the batch was given up",
        ))),
        DecodeError::Read(error) => match Damage::of(&error) {
            Some(damage) => Ok(Outcome::Quarantined(damage.as_str())),
            None if is_own_fault(&error) => Ok(Outcome::Quarantined("undecodable")),
            None => Err(transport(&error)),
        },
    }
}

/// Arrow refused our own columns: the same bytes would fail again, so the object is set aside
/// instead of coming back for ever.
fn is_own_fault(error: &io::Error) -> bool {
    let ours = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<FetchError>())
        .is_some();
    error.kind() == io::ErrorKind::InvalidData && !ours
}

/// What the transport said, if it said it in our words.
fn transport(error: &io::Error) -> FetchError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<FetchError>());
    inner
        .cloned()
        .unwrap_or_else(|| FetchError::Unavailable(error.to_string()))
}
