//! Traces over OTLP/HTTP: a span for each step of a batch, when an endpoint is set.
//!
//! Must hold: an endpoint that does not answer costs spans, never rows.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetryLayer;

use super::TelemetryError;
use crate::limits::TRACES_STOP_MAX;

/// An export that does not end in this time is given up.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The exporter of this process.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Exports to `endpoint`, the base URL of a collector, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
    pub fn start(endpoint: &str) -> Result<Self, TelemetryError> {
        let failed = |error: &dyn std::fmt::Display| TelemetryError::Export(error.to_string());
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client::Exporting::new(EXPORT_TIMEOUT).map_err(|e| failed(&e))?)
            .with_endpoint(url)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|error| failed(&error))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("trailflow").build())
            .build();
        Ok(Self { provider })
    }

    /// What turns `tracing` spans into exported ones.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer("trailflow"))
    }

    /// Sends what is left, if it is taken at once: it comes after all the time that a stop has.
    pub(super) fn stop(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(TRACES_STOP_MAX) {
            tracing::debug!(%error, "the last spans were not exported");
        }
    }
}

mod client {
    //! The HTTP client of the exporter. Its exports run on a thread without a runtime, so the
    //! client takes that of the process along.

    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use bytes::Bytes;
    use opentelemetry_http::{HttpClient, HttpError, Request, Response};

    use crate::causes;

    #[derive(Debug)]
    pub(super) struct Exporting {
        /// Whether the last export failed: told once, and once more when it works again.
        failing: AtomicBool,
        client: reqwest::Client,
        runtime: tokio::runtime::Handle,
    }

    impl Exporting {
        pub(super) fn new(timeout: Duration) -> Result<Self, HttpError> {
            let client = reqwest::Client::builder().timeout(timeout).build()?;
            Ok(Self {
                failing: AtomicBool::new(false),
                client,
                runtime: tokio::runtime::Handle::try_current()?,
            })
        }
    }

    #[async_trait]
    impl HttpClient for Exporting {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
            let host = request.url().host_str().unwrap_or_default().to_owned();
            let client = self.client.clone();
            let sending = self.runtime.spawn(async move {
                let mut response = client.execute(request).await?.error_for_status()?;
                let headers = std::mem::take(response.headers_mut());
                let mut answer = Response::builder().status(response.status());
                if let Some(all) = answer.headers_mut() {
                    *all = headers;
                }
                Ok::<_, HttpError>(answer.body(response.bytes().await?)?)
            });
            let sent = sending.await.map_err(HttpError::from).flatten();
            match (&sent, self.failing.swap(sent.is_err(), Ordering::Relaxed)) {
                (Err(error), false) => {
                    let error = causes::told(error.to_string(), error.as_ref());
                    tracing::warn!(
                        host,
                        error,
                        "traces are not taken; they are lost until they are"
                    );
                }
                (Ok(_), true) => tracing::info!(host, "traces are taken again"),
                (Err(_), true) | (Ok(_), false) => {}
            }
            sent
        }
    }
}
