//! What the service says about itself: logs, traces, its own metrics, its health.
//!
//! Must hold: data goes to stdout, logs go to stderr; a step's time is measured in one place.

pub mod health;
pub mod memory;
pub mod otlp;
pub mod own;

use std::future::Future;
use std::io::{self, IsTerminal as _};

use metrics::histogram;
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, Telemetry};

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is not one.
    #[error("the log level \"{0}\" is not one. Write error, warn, info, debug or trace")]
    Level(String),
    /// Traces have nowhere to go.
    #[error("traces cannot be exported: {0}")]
    Export(String),
    /// Something else in the process logs already.
    #[error("logging is set up already: {0}")]
    Twice(String),
}

/// Keeps the exporters alive; dropping it sends what is left.
#[derive(Debug, Default)]
pub struct Guard {
    traces: Option<otlp::Traces>,
}

/// Starts logging to stderr, and traces where an endpoint is set.
pub fn start(settings: &Telemetry) -> Result<Guard, TelemetryError> {
    let level = || TelemetryError::Level(settings.log_level.clone());
    // With a blank before it a level is taken for a module's name, and nothing is logged.
    let directives: Vec<_> = settings.log_level.split(',').map(str::trim).collect();
    let filter = EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|_| level())?;
    let terminal = io::stderr().is_terminal();
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let text_lines = (!json).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(terminal)
            .with_target(false)
    });
    let json_lines = json.then(|| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
    });
    let traces = settings
        .otlp_endpoint
        .as_deref()
        .map(otlp::Traces::start)
        .transpose()?;
    let spans = traces.as_ref().map(otlp::Traces::layer);
    tracing_subscriber::registry()
        .with(spans)
        .with(filter)
        .with(text_lines)
        .with(json_lines)
        .try_init()
        .map_err(|error| TelemetryError::Twice(error.to_string()))?;
    Ok(Guard { traces })
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            traces.stop();
        }
    }
}

/// Runs the query of a signal on one batch: a step of the path, observed by signal too.
pub async fn timed_query<F: Future>(signal: &str, query: F) -> F::Output {
    let started = Instant::now();
    let done = timed("evaluate", query).await;
    histogram!("trailflow_sql_duration_seconds", "signal" => signal.to_owned())
        .record(started.elapsed().as_secs_f64());
    done
}

/// Runs a step of the path: a span for traces, an observation for `step_duration_seconds`.
pub async fn timed<F: Future>(step: &'static str, work: F) -> F::Output {
    let started = Instant::now();
    let done = work
        .instrument(tracing::info_span!("step", otel.name = step))
        .await;
    histogram!("trailflow_step_duration_seconds", "step" => step)
        .record(started.elapsed().as_secs_f64());
    done
}
