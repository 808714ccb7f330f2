//! Which bytes an announcement means, and with what company they are read.
//!
//! In: a delivery. Out: its objects with their versions, or why it goes back. Must hold: an object is claimed
//! under its version, which is asked for where the announcement does not say it (I3).

use std::sync::atomic::Ordering;

use super::Pipeline;
use super::concurrency::Concurrency;
use super::verdict::Held;
use crate::object::fetch::FetchError;
use crate::object::{ObjectRef, Version};
use crate::queue::{Care, Delivery, Return};
use crate::telemetry::health::Part;

impl Pipeline {
    /// Whether a delivery is read in a batch of its own: it came so often that it may be what fails batches. Not
    /// where its buckets deny us: of those nothing is read that could, and each would close a batch of others.
    pub(super) fn is_to_be_alone(&self, delivery: &Delivery) -> bool {
        let mut objects = delivery.objects.iter();
        delivery.attempt.care() >= Care::Alone
            && !objects.all(|wanted| self.concurrency.is_denied(&wanted.object.bucket))
    }

    /// The object with its version, or why its delivery goes back.
    pub(super) async fn resolved(&self, object: ObjectRef) -> Result<ObjectRef, Return> {
        if object.version.etag.is_some() {
            return Ok(object);
        }
        match self.objects.resolve(&object).await {
            Ok(object) => {
                self.health.readable(Part::ObjectVersion);
                Ok(object)
            }
            // Named as it was announced, so that the reading says what is wrong with it.
            Err(FetchError::Missing) => {
                self.health.readable(Part::ObjectVersion);
                Ok(ObjectRef {
                    version: Version::of_etag("missing"),
                    ..object
                })
            }
            Err(error) => {
                tracing::warn!(%error, key = object.key, "an object cannot be named; its message goes back");
                // The first may be one of few; batch after batch is an outage.
                let lasts = self.unnamed_batches.load(Ordering::Relaxed) > 0;
                let why = match &error {
                    FetchError::Denied { by, message } => {
                        self.concurrency.denied(&object.bucket);
                        let why = format!("{by}: {message}");
                        self.health.denied(Part::ObjectVersion, &why);
                        return Err(Return::Denied);
                    }
                    FetchError::Throttled(_) => {
                        self.concurrency.slow_down();
                        Return::Throttled
                    }
                    FetchError::Missing
                    | FetchError::Archived(_)
                    | FetchError::Refused(_)
                    | FetchError::Unavailable(_) => Return::Failed,
                };
                if lasts {
                    self.health
                        .unavailable(Part::ObjectVersion, &error.to_string());
                }
                Err(why)
            }
        }
    }
}

impl Held {
    /// Whether an object of it could not be named, and trying harder makes no sense: not where its bucket denies us
    /// and another does not, whose objects must come past it.
    pub(super) fn is_unnamed(&self, concurrency: &Concurrency) -> bool {
        match self.unnamed {
            None => false,
            Some(Return::Denied) => concurrency.is_denied_everywhere(),
            Some(_) => true,
        }
    }
}
