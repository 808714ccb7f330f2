//! Runs the signals over rollups, each at its time.
//!
//! In: the lake and a clock. Out: series that say what was true at the last run. Must hold: one
//! runs at a time, so that they share one small budget of memory; a run that fails, panics or takes
//! too long leaves the series of the one before, and is counted; after some of those in a row the
//! series go, for nobody should be woken, or not be, by what was true hours ago.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use metrics::{counter, histogram};
use tokio_util::sync::CancellationToken;

use crate::causes::told;
use crate::engine::Engine;
use crate::engine::scheduled::Scheduled;
use crate::lake::Lake;
use crate::limits::{SCHEDULE_BYTES_MAX, SCHEDULE_FAILURES_MAX, SCHEDULE_FIRST, SCHEDULE_RUN_MAX};
use crate::metrics::scheduled::ScheduledSeries;
use crate::query::rollups::Rollups;

/// When a signal runs next, and how often it failed since it last worked.
#[derive(Debug)]
struct Turn {
    due: Duration,
    failures: u32,
}

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
        let turn = |_| Turn {
            due: first,
            failures: 0,
        };
        let mut turns: Vec<Turn> = self.engine.scheduled().iter().map(turn).collect();
        while let Some(next) = turns.iter().map(|turn| turn.due).min() {
            let wait = next.saturating_sub(clock.elapsed());
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep(wait) => {}
            }
            for (signal, turn) in self.engine.scheduled().iter().zip(&mut turns) {
                if turn.due > clock.elapsed() {
                    continue;
                }
                let worked = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    worked = self.once(signal, &rollups) => worked,
                };
                turn.failures = if worked { 0 } else { turn.failures + 1 };
                if turn.failures == SCHEDULE_FAILURES_MAX {
                    self.series.clear(&signal.signal);
                }
                // From now, not from when it was due: a slow lake is not asked the more often.
                turn.due = clock.elapsed() + Duration::from_secs(signal.schedule().every_seconds);
            }
        }
    }

    /// One run; whether it worked.
    async fn once(&self, signal: &Scheduled, rollups: &Rollups) -> bool {
        let clock = &self.lake.clock;
        let began = clock.elapsed();
        let rows = rollups.rows(signal, &self.lake, &self.engine, clock.now());
        // A panic of one query must not end the runs of all.
        let rows = AssertUnwindSafe(rows).catch_unwind();
        let outcome = tokio::select! {
            rows = rows => match rows {
                Ok(Ok(rows)) => self
                    .series
                    .set(&signal.signal, &rows)
                    .map_err(|e| e.to_string()),
                Ok(Err(error)) => Err(told(error.to_string(), &error)),
                Err(_) => Err(String::from("the query panicked: this is a bug")),
            },
            () = clock.sleep(SCHEDULE_RUN_MAX) => {
                Err(format!("the query took longer than {SCHEDULE_RUN_MAX:?}"))
            }
        };
        let took = clock.elapsed().saturating_sub(began);
        let name = signal.name().to_owned();
        histogram!("trailflow_sql_duration_seconds", "signal" => name.clone())
            .record(took.as_secs_f64());
        if let Err(error) = &outcome {
            tracing::error!(
                signal = name,
                error,
                "a scheduled run failed; its series stay as they were for a few runs"
            );
        }
        let result = if outcome.is_ok() { "ok" } else { "failed" };
        counter!("trailflow_scheduled_runs_total", "signal" => name, "result" => result)
            .increment(1);
        outcome.is_ok()
    }
}
