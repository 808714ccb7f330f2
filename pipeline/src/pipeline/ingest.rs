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
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::concurrency::{Concurrency, Permit};
use super::cores::Cores;
use super::piece::{End, Piece, PieceSink, Read, Slot};
use crate::decode::cloudtrail::Document;
use crate::decode::flow_logs::OwnNetworks;
use crate::decode::{DecodeError, Malformed, Provenance, cloudtrail, flow_logs};
use crate::lake::batch::BatchId;
use crate::lake::claim::Claimed;
use crate::lake::ingest_log::Outcome;
use crate::lake::source::SourceId;
use crate::lake::{Lake, LakeError, Trouble};
use crate::limits::{OBJECT_INFLATED_BYTES_MAX, PARQUET_OBJECT_BYTES_MAX, POISON_DEATHS_MIN};
use crate::object::ObjectRef;
use crate::object::content::{self, Content};
use crate::object::decompress::{self, Damage};
use crate::object::digest::InflatedHash;
use crate::object::fetch::{Body, Counted, FetchError, Objects};
use crate::object::key::{KeyKind, kind_of};
use crate::queue::{Care, Known};
use crate::telemetry::health::{Health, Part};
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
    pub concurrency: Arc<Concurrency>,
    /// How many may be claimed at once.
    pub claims: Arc<Semaphore>,
    /// What decoders that have their bytes wait for.
    pub cores: Arc<Cores>,
    /// Where decoders run.
    pub decoding: Decoding,
}

/// Where decoders run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// On a thread of their own: the service.
    Thread,
    /// In the task that reads the object: a simulation, which no thread may race.
    Task,
}

/// One object of the open batch.
#[derive(Debug)]
pub struct Begun {
    /// Its name and version.
    pub object: ObjectRef,
    /// Its identity.
    pub source: SourceId,
    /// Its place in the batch.
    pub slot: Slot,
    /// How carefully it is read.
    pub care: Care,
    /// Why it is not read at all.
    pub set_aside: Option<(&'static str, String)>,
    /// What of it is in the lake, where it was quarantined and is read again.
    pub known: Known,
    /// Cancelled when the lease of its message is lost.
    pub lost: CancellationToken,
}

impl Ingest {
    /// Ingests one object; its pieces go to `pieces`.
    pub async fn object(self, begun: Begun, batch: BatchId, pieces: Sender<Piece>) {
        let object = &begun.object;
        let span = tracing::debug_span!("object", bucket = %object.bucket, key = %object.key);
        let end = self.claim_and_read(&begun, &batch, &pieces);
        let end = end.instrument(span).await;
        // A lane that is gone has abandoned the batch: the object comes again.
        let _gone = pieces.send(Piece::Ended(begun.slot, end)).await;
    }

    async fn claim_and_read(&self, begun: &Begun, batch: &BatchId, pieces: &Sender<Piece>) -> End {
        if begun.lost.is_cancelled() {
            return End::Lost;
        }
        let kind = kind_of(&begun.object.key);
        if kind == KeyKind::Own {
            return End::Own;
        }
        let claimed = {
            // A message may name thousands of objects, and each claim has a connection.
            let _place = self.claims.acquire().await;
            self.lake.claim(&begun.source, batch).await
        };
        match claimed {
            Ok(claimed) => {
                if let Some(end) = self.answered(&claimed) {
                    return end;
                }
            }
            Err(error) if error.is_of_an_object() => return unclaimable(&error),
            Err(error) => {
                // No fault of the message: it stays away until the lake may have recovered.
                let trouble = error.trouble();
                trouble.tell(Part::Lake, &self.health);
                if let Trouble::Throttled(_) = trouble {
                    self.concurrency.slow_down();
                }
                return End::Unclaimed(self.lake.lease);
            }
        }
        match self.not_to_be_read(begun).await {
            Ok(None) => {}
            Ok(Some((reason, why))) => {
                return End::Read(Read::nothing(Outcome::Quarantined(reason), Some(why)));
            }
            Err(error) if error.is_of_an_object() => return unclaimable(&error),
            Err(error) => {
                error.trouble().tell(Part::Lake, &self.health);
                return End::Unclaimed(self.lake.lease);
            }
        }
        match kind {
            KeyKind::CloudTrailDigest => return unread("digest"),
            KeyKind::CloudTrailAggregated => return unread("aggregated"),
            _ => {}
        }
        // Only who reads waits: what is known is settled during an outage of the bucket too. What is being
        // read goes on when its message is lost: the claim holds it. Without a reading it is void in the end.
        let permit = tokio::select! {
            biased;
            permit = self.concurrency.acquire() => permit,
            () = begun.lost.cancelled() => return End::Lost,
        };
        match self.fetch_and_decode(begun, pieces).await {
            Ok(read) => {
                permit.succeeded(&begun.object.bucket);
                self.health.object_is_read();
                End::Read(read)
            }
            Err(error) => self.refused(begun, &permit, &error),
        }
    }

    /// What a claim says of the lake, and the end of an object that is not ours.
    fn answered(&self, claimed: &Claimed) -> Option<End> {
        self.health.readable(Part::Lake);
        match claimed {
            Claimed::Mine => None,
            Claimed::Done { published } => {
                if *published {
                    self.health.readable(Part::LakeFiles);
                }
                Some(End::Duplicate)
            }
            Claimed::Busy(wait) => Some(End::Busy(*wait)),
        }
    }

    /// Why the object is quarantined without being read, if it is: its delivery failed its batch
    /// before, or workers that had claimed it died. The receive count alone proves nothing: an
    /// outage, a denial or a neighbour raises it too.
    async fn not_to_be_read(
        &self,
        begun: &Begun,
    ) -> Result<Option<(&'static str, String)>, LakeError> {
        if begun.set_aside.is_some() || begun.care < Care::Unread {
            return Ok(begun.set_aside.clone());
        }
        let deaths = self.lake.deaths(&begun.source).await?;
        Ok((deaths >= POISON_DEATHS_MIN).then(|| {
            let why = format!("{deaths} workers ended while they read it; it is not read again");
            ("poison", why)
        }))
    }

    async fn fetch_and_decode(
        &self,
        begun: &Begun,
        pieces: &Sender<Piece>,
    ) -> Result<Read, FetchError> {
        let body = timed("fetch", self.objects.fetch(&begun.object)).await?;
        let (object, networks) = (begun.object.clone(), Arc::clone(&self.networks));
        let cores = Arc::clone(&self.cores);
        match self.decoding {
            Decoding::Thread => {
                let mut sink = PieceSink::to_lane(begun.slot, begun.known, pieces.clone());
                let read = move || read(body, &object, &networks, &cores, &mut sink);
                match timed("decode", tokio::task::spawn_blocking(read)).await {
                    Ok(read) => read,
                    // The same bytes would end the same way: the object is set aside. What it gave
                    // before is in the batch, whole rows, sent before the end.
                    Err(error) if error.is_panic() => {
                        tracing::error!(key = %begun.object.key, "decoding panicked: this is a bug; the object is quarantined");
                        Ok(Read::nothing(Outcome::Quarantined("decoder_panic"), None))
                    }
                    Err(cancelled) => Err(FetchError::Unavailable(format!(
                        "decoding was cancelled: {cancelled}"
                    ))),
                }
            }
            Decoding::Task => {
                let mut sink = PieceSink::keeping(begun.slot, begun.known);
                let read = read(body, &object, &networks, &cores, &mut sink);
                for piece in sink.into_kept() {
                    if pieces.send(piece).await.is_err() {
                        return Err(given_up());
                    }
                }
                read
            }
        }
    }

    /// What becomes of an object that could not be read to its end.
    fn refused(&self, begun: &Begun, permit: &Permit, error: &FetchError) -> End {
        let (why, bucket) = (error.to_string(), begun.object.bucket.as_str());
        match error {
            // Expired by a lifecycle rule, or an old message: there is nothing to wait for.
            FetchError::Missing => {
                permit.succeeded(bucket);
                return unread("missing_object");
            }
            FetchError::Archived(_) => {
                return End::Read(Read::nothing(Outcome::Quarantined("archived"), Some(why)));
            }
            FetchError::Denied { by, message } => {
                self.concurrency.denied(bucket);
                self.health
                    .denied(Part::Object, &format!("{by}: {message}"));
                return End::Denied(why);
            }
            FetchError::Throttled(_) => {
                permit.throttled();
                if self.concurrency.is_outage() {
                    self.health.unavailable(Part::Object, &why);
                }
                // However often it was: that says nothing of the object.
                return End::Throttled(why);
            }
            FetchError::Refused(_) | FetchError::Unavailable(_) => permit.failed(),
        }
        if self.concurrency.is_outage() {
            self.health.unavailable(Part::Object, &why);
            return End::Failed(why);
        }
        // The store says so of this object, or others can be read meanwhile and this one never could:
        // its rows so far stay, and a person looks. A message alone cannot tell its object from an outage.
        let is_its_own =
            matches!(error, FetchError::Refused(_)) || self.concurrency.reads_from(bucket);
        if begun.care >= Care::LastTry && is_its_own {
            tracing::warn!(
                key = begun.object.key,
                why,
                "not read at its last try: quarantined"
            );
            return End::Read(Read::nothing(Outcome::Quarantined("unreadable"), Some(why)));
        }
        if begun.care >= Care::LastTry {
            // Its message ends as a dead letter, and nothing shows that the bucket can be read.
            self.health.unavailable(Part::Object, &why);
        }
        End::Failed(why)
    }
}

/// An object that is acknowledged without being read.
fn unread(reason: &'static str) -> End {
    End::Read(Read::nothing(Outcome::Ignored(reason), None))
}

/// The lake answers, and what it holds of this object cannot be understood: the message comes again a few
/// times and is then somebody's to look at.
fn unclaimable(error: &LakeError) -> End {
    tracing::error!(%error, "an object cannot be claimed");
    End::Failed(error.to_string())
}

fn given_up() -> FetchError {
    FetchError::Unavailable(String::from("the batch was given up"))
}

/// Reads the object to its end. Blocks.
fn read(
    body: Body,
    object: &ObjectRef,
    networks: &OwnNetworks,
    cores: &Cores,
    sink: &mut PieceSink,
) -> Result<Read, FetchError> {
    let (body, compressed) = Counted::new(body);
    let mut inflated = decompress::inflated(body, OBJECT_INFLATED_BYTES_MAX);
    let gathered = inflated.gather(object.size_bytes);
    gathered.map_err(|error| transport(&error))?;
    let _core = inflated.is_gathered().then(|| cores.take());
    let mut hash = match kind_of(&object.key) {
        KeyKind::FlowLogs { .. } => InflatedHash::without_hash(inflated),
        _ => InflatedHash::new(inflated),
    };
    let outcome = match decode(&mut hash, object, networks, sink) {
        Ok(outcome) => outcome,
        Err(error) => outcome_of(error)?,
    };
    let inflated_bytes = hash.counted_bytes();
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
        detail: None,
        compressed_bytes: compressed.load(Ordering::Relaxed),
        inflated_bytes: digest
            .as_ref()
            .map_or(inflated_bytes, |digest| digest.bytes),
        inflated_sha256: digest.and_then(|digest| digest.sha256),
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
    let (content, mut input) = content::sniff_stream(input, flow_logs::is_header)?;
    let by_key = kind_of(&object.key);
    match (by_key, content) {
        (_, Content::Empty) => Ok(Outcome::Ignored("empty")),
        (_, Content::Parquet) => {
            let bytes = whole(&mut input)?;
            flow_logs::decode_parquet(bytes, provenance, networks, sink)?;
            Ok(Outcome::Ingested)
        }
        (KeyKind::CloudTrail { .. } | KeyKind::CloudTrailInsight, _)
        | (KeyKind::Unknown, Content::Json) => {
            Ok(match cloudtrail::decode(input, provenance, sink)? {
                Document::Events => Outcome::Ingested,
                Document::Digest => Outcome::Ignored("digest"),
            })
        }
        (KeyKind::FlowLogs { .. }, _) | (KeyKind::Unknown, Content::FlowLogText) => {
            flow_logs::decode_text(input, provenance, networks, sink)?;
            Ok(Outcome::Ingested)
        }
        (
            KeyKind::Unknown
            | KeyKind::CloudTrailDigest
            | KeyKind::CloudTrailAggregated
            | KeyKind::Own,
            _,
        ) => Err(DecodeError::Malformed(Malformed::UnknownContent)),
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
        DecodeError::Cancelled => Err(given_up()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Version;
    use crate::object::directory::Directory;

    fn ingest() -> Ingest {
        let lake = Lake::in_memory();
        let concurrency = Concurrency::new(8, 1, Arc::clone(&lake.clock));
        Ingest {
            lake,
            objects: Arc::new(Directory::new("nowhere")),
            networks: Arc::default(),
            health: Arc::default(),
            concurrency: Arc::new(concurrency),
            claims: Arc::new(Semaphore::new(1)),
            cores: Arc::new(Cores::new(1)),
            decoding: Decoding::Task,
        }
    }

    fn begun(care: Care) -> Begun {
        let object = ObjectRef {
            bucket: String::from("logs"),
            key: String::from("a.json.gz"),
            version: Version::of_etag("1"),
            size_bytes: None,
            written_at: None,
        };
        Begun {
            source: SourceId::of(&object, 0).unwrap(),
            object,
            slot: 0,
            care,
            set_aside: None,
            known: Known::default(),
            lost: CancellationToken::new(),
        }
    }

    #[tokio::test]
    async fn an_object_is_unreadable_only_if_its_bucket_can_be_read() {
        let down = || FetchError::Unavailable(String::from("connection refused"));
        let refused = || FetchError::Refused(String::from("400 InvalidRequest"));
        let archived = || FetchError::Archived(String::from("InvalidObjectState"));
        let quarantined = |end: &End| match end {
            End::Read(read) => match read.outcome {
                Outcome::Quarantined(reason) => Some(reason),
                _ => None,
            },
            _ => None,
        };
        let (first, last) = (begun(Care::None), begun(Care::LastTry));
        for (error, read_before, expected) in [
            (down(), false, [None, None]),
            (down(), true, [None, Some("unreadable")]),
            (refused(), false, [None, Some("unreadable")]),
            (archived(), false, [Some("archived"), Some("archived")]),
        ] {
            let ingest = ingest();
            let permit = ingest.concurrency.acquire().await;
            if read_before {
                permit.succeeded("logs");
            }
            for (begun, expected) in [&first, &last].into_iter().zip(expected) {
                let end = ingest.refused(begun, &permit, &error);
                assert_eq!(quarantined(&end), expected, "{error}, {read_before}");
            }
            let is_told = ingest.health.trouble(Part::Object).is_some();
            assert_eq!(is_told, expected == [None, None], "{error}, {read_before}");
        }
    }
}
