//! `trailflow run`: the service.

use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{Config, Environment};
use crate::metrics::server::{self, Series};
use crate::service::{self, Mode};
use crate::telemetry::{self, health::Health, own};

/// Run the service: ingest what the queue, or a watched directory, announces.
///
/// With TRAILFLOW_QUEUE_URL, TRAILFLOW_BUCKETS and TRAILFLOW_LAKE set it needs no file. Credentials
/// come from where the AWS SDK finds them. Serves /metrics, /healthz and /readyz. SIGTERM finishes
/// the open batch and ends.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    config: super::ConfigFile,
}

impl Run {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let file = self.config.path(environment);
        let config = match Config::load(file.as_deref(), environment) {
            Ok(config) => config,
            Err(findings) => {
                super::note(&findings.to_string());
                return Ok(ExitCode::from(2));
            }
        };
        let _telemetry = telemetry::start(&config.telemetry)?;
        let handle = own::install()?;
        let health = Arc::new(Health::default());
        let series = Series::default();
        let (served, told) = (series.clone(), Arc::clone(&health));
        let serving = server::serve(config.listen, handle, served, told);
        let (address, _serving) = serving.await.map_err(|error| {
            anyhow::anyhow!(
                "{} cannot be listened on: {error}. Set TRAILFLOW_LISTEN",
                config.listen
            )
        })?;
        let mode = Mode {
            listed: None,
            idle_max: None,
            live: true,
            metrics: Arc::clone(&series.counted),
            totals: Arc::default(),
        };
        // Before signals are planned: a process that is the first of its container ignores what it does not ask for.
        let stop = service::stop_on_signal(Arc::clone(&health))?;
        let pipeline = service::pipeline(&config, mode, Arc::clone(&health)).await?;
        health.started();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            signals = pipeline.engine.all_signals().count(),
            batch_closes_after_seconds = config.batch.age_max.as_secs(),
            metrics = %format!("http://{address}/metrics"),
            "trailflow runs"
        );
        service::scheduled(&pipeline, series.scheduled, &stop);
        pipeline.run(stop).await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
