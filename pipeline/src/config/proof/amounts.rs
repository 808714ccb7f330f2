//! Proves the limits, each alone and then between them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::proof::Proof;
use crate::config::raw::RawConfig;
use crate::config::{Batch, PipelineLimits};
use crate::limits;

impl Proof<'_> {
    pub(super) fn limits(&mut self, raw: &RawConfig) -> (Batch, PipelineLimits) {
        let mut batch = Batch::default();
        let mut pipeline = PipelineLimits::default();
        let lease_max = (limits::LEASE_MAX / limits::MESSAGE_LEASES).as_secs();
        self.amount(
            "batch.bytes_max",
            raw.batch_bytes_max,
            1..=usize::MAX,
            &mut batch.bytes_max,
        );
        self.amount(
            "batch.rows_max",
            raw.batch_rows_max,
            1..=usize::MAX,
            &mut batch.rows_max,
        );
        self.seconds(
            "batch.age_seconds_max",
            raw.batch_age_seconds_max,
            lease_max,
            &mut batch.age_max,
        );
        self.amount(
            "pipeline.memory_bytes_max",
            raw.memory_bytes_max,
            1..=usize::MAX,
            &mut pipeline.memory_bytes_max,
        );
        self.amount(
            "pipeline.objects_in_flight_max",
            raw.objects_in_flight_max,
            1..=limits::OBJECTS_IN_FLIGHT_LIMIT,
            &mut pipeline.objects_in_flight_max,
        );
        self.seconds(
            "pipeline.lease_seconds",
            raw.lease_seconds,
            lease_max,
            &mut pipeline.lease,
        );
        self.limits_between(&batch, &pipeline);
        (batch, pipeline)
    }

    /// Limits that are good alone and not together.
    fn limits_between(&mut self, batch: &Batch, pipeline: &PipelineLimits) {
        let memory_min = batch.bytes_max.saturating_mul(limits::MEMORY_PER_BATCH_MIN);
        if pipeline.memory_bytes_max < memory_min {
            let what = format!(
                "{} bytes of memory do not hold two batches of {}: one fills while one is committed",
                pipeline.memory_bytes_max, batch.bytes_max
            );
            let fix = format!(
                "set `pipeline.memory_bytes_max` to {memory_min} at least, or lower `batch.bytes_max`"
            );
            self.at_either("pipeline.memory_bytes_max", "batch.bytes_max", &what, &fix);
        }
        let lease_min = batch
            .age_max
            .saturating_mul(limits::LEASE_PER_BATCH_AGE_MIN);
        if pipeline.lease < lease_min {
            let what = format!(
                "a lease of {} s is shorter than three times the {} s that a batch may stay open",
                pipeline.lease.as_secs(),
                batch.age_max.as_secs()
            );
            let fix = format!(
                "set `pipeline.lease_seconds` to {} at least, or lower `batch.age_seconds_max`",
                lease_min.as_secs()
            );
            self.at_either(
                "pipeline.lease_seconds",
                "batch.age_seconds_max",
                &what,
                &fix,
            );
        }
    }

    /// An amount within a range, into its place.
    fn amount(
        &mut self,
        key: &str,
        written: Option<u64>,
        range: RangeInclusive<usize>,
        into: &mut usize,
    ) {
        let Some(written) = written else { return };
        match usize::try_from(written) {
            Ok(amount) if range.contains(&amount) => *into = amount,
            _ => {
                let fix = if *range.end() == usize::MAX {
                    format!("write {} or more", range.start())
                } else {
                    format!("write a number from {} to {}", range.start(), range.end())
                };
                self.at(key, &format!("`{key}` is {written}"), &fix);
            }
        }
    }

    fn seconds(&mut self, key: &str, written: Option<u64>, max: u64, into: &mut Duration) {
        let Some(written) = written else { return };
        if (1..=max).contains(&written) {
            *into = Duration::from_secs(written);
        } else {
            let fix = format!("write a number of seconds from 1 to {max}");
            self.at(key, &format!("`{key}` is {written}"), &fix);
        }
    }
}
