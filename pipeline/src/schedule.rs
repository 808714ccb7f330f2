//! Runs the signals over rollups, each at its time.
//!
//! In: the lake and a clock. Out: series that say what was true at the last run. Must hold: one
//! runs at a time, so that they share one small budget of memory; a run that fails leaves the
//! series of the one before, and is counted.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::engine::scheduled::Scheduled;
use crate::lake::Lake;
use crate::limits::{SCHEDULE_BYTES_MAX, SCHEDULE_FIRST};
use crate::metrics::scheduled::ScheduledSeries;
use crate::query::rollups::Rollups;

/// What runs, on what, into what.
#[derive(Debug)]
pub struct Runs {
    /// Where the rollups are.
    pub lake: Lake,
    /// The signals.
    pub engine: Arc<Engine>,
    /// Where the series go.
    pub series: Arc<ScheduledSeries>,
}

impl Runs {
    /// Runs every signal at its time, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let rollups = Rollups::new(SCHEDULE_BYTES_MAX);
        let clock = Arc::clone(&self.lake.clock);
        let first = clock.elapsed() + SCHEDULE_FIRST;
        let mut due: Vec<Duration> = self.engine.scheduled().iter().map(|_| first).collect();
        while let Some(next) = due.iter().min().copied() {
            let wait = next.saturating_sub(clock.elapsed());
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep(wait) => {}
            }
            for (signal, due) in self.engine.scheduled().iter().zip(&mut due) {
                if *due > clock.elapsed() {
                    continue;
                }
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.once(signal, &rollups) => {}
                }
                // From now, not from when it was due: a slow lake is not asked the more often.
                *due = clock.elapsed() + Duration::from_secs(signal.schedule().every_seconds);
            }
        }
    }

    async fn once(&self, signal: &Scheduled, rollups: &Rollups) {
        let clock = &self.lake.clock;
        let began = clock.elapsed();
        let rows = rollups.rows(signal, &self.lake, &self.engine, clock.now());
        let outcome = match rows.await {
            Ok(rows) => self
                .series
                .set(&signal.signal, &rows)
                .map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let took = clock.elapsed().saturating_sub(began);
        let name = signal.name().to_owned();
        histogram!("trailflow_sql_duration_seconds", "signal" => name.clone())
            .record(took.as_secs_f64());
        let result = match outcome {
            Ok(()) => "ok",
            Err(error) => {
                tracing::error!(
                    signal = name,
                    error,
                    "a scheduled run failed; its series stay as they were"
                );
                "failed"
            }
        };
        counter!("trailflow_scheduled_runs_total", "signal" => name, "result" => result)
            .increment(1);
    }
}
