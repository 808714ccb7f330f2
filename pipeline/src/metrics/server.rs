//! `/metrics`, `/healthz` and `/readyz` over HTTP.
//!
//! Must hold: serving never waits for the pipeline.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::SignalMetrics;
use super::scheduled::ScheduledSeries;
use crate::limits::METRICS_UPKEEP_EVERY;
use crate::telemetry::health::Health;

#[derive(Debug, Clone)]
struct Served {
    handle: PrometheusHandle,
    signals: Series,
    health: Arc<Health>,
}

/// The series of signals.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Over tables: they grow with each batch.
    pub counted: Arc<SignalMetrics>,
    /// Over rollups: each run replaces them.
    pub scheduled: Arc<ScheduledSeries>,
}

/// Begins to serve. The address is the real one, also when port 0 was asked for.
pub async fn serve(
    listen: SocketAddr,
    handle: PrometheusHandle,
    signals: Series,
    health: Arc<Health>,
) -> std::io::Result<(SocketAddr, JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(METRICS_UPKEEP_EVERY).await;
            upkeep.run_upkeep();
        }
    });
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Served {
            handle,
            signals,
            health,
        });
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    Ok((address, serving))
}

async fn metrics(State(served): State<Served>) -> impl IntoResponse {
    if let Some(bytes) = crate::telemetry::memory::resident_bytes() {
        gauge!("trailflow_memory_budget_bytes", "state" => "used").set(bytes);
    }
    // Histograms keep their observations until somebody looks.
    served.handle.run_upkeep();
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    let mut text = served.handle.render();
    text.push_str(&served.signals.counted.render());
    text.push_str(&served.signals.scheduled.render());
    (kind, text)
}

async fn ready(State(served): State<Served>) -> impl IntoResponse {
    match served.health.not_ready() {
        None => (StatusCode::OK, String::from("ready\n")),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
