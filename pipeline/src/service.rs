//! A pipeline made from a configuration: the one place where its parts are put together.
//!
//! In: a [`Config`]. Out: a [`Pipeline`] and how to stop it. Must hold: everything that can be
//! wrong with the configuration is reported before the first message is received.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::aws::{self, SdkConfig};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, LakeUrl, Source};
use crate::decode::flow_logs::{NetworkError, OwnNetworks};
use crate::engine::Engine;
use crate::finding::Findings;
use crate::lake::worker::Worker;
use crate::lake::{Lake, store};
use crate::limits;
use crate::metrics::SignalMetrics;
use crate::metrics::scheduled::ScheduledSeries;
use crate::object::bucket::BucketAllowList;
use crate::object::directory::Directory;
use crate::object::fetch::Objects;
use crate::object::s3::S3Objects;
use crate::pipeline::concurrency::Concurrency;
use crate::pipeline::cores::Cores;
use crate::pipeline::ingest::Decoding;
use crate::pipeline::totals::Totals;
use crate::pipeline::window::EventWindow;
use crate::pipeline::{Pipeline, Settings};
use crate::queue::Queue;
use crate::queue::directory::DirectoryQueue;
use crate::queue::sqs::SqsQueue;
use crate::schedule::Runs;
use crate::signal::Signal;
use crate::telemetry::health::Health;

/// A mebibyte, as a whole number and for gauges.
const MIB: usize = 1024 * 1024;
const MIB_BYTES: f64 = 1024.0 * 1024.0;

/// Why a service cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Mistakes of a person.
    #[error(transparent)]
    Findings(#[from] Findings),
    /// The lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] store::OpenError),
    /// The configuration has proved them: only a configuration made otherwise can have such.
    #[error(transparent)]
    Networks(#[from] NetworkError),
    /// What the source names is not there.
    #[error("{0}")]
    Source(String),
}

/// Where deliveries come from, when not from the configuration's source.
#[derive(Debug)]
pub struct Listed {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// Where its objects are.
    pub objects: Arc<dyn Objects>,
}

/// How a service differs from the one that `run` makes.
#[derive(Debug)]
pub struct Mode {
    /// Another source.
    pub listed: Option<Listed>,
    /// See [`Settings::idle_max`].
    pub idle_max: Option<Duration>,
    /// See [`Settings::live`].
    pub live: bool,
    /// Where committed batches are counted, if so.
    pub metrics: Arc<SignalMetrics>,
    /// What was done, counted on.
    pub totals: Arc<Totals>,
}

/// Opens the lake of a configuration, for a command that reads nothing but the lake.
pub async fn lake(config: &Config) -> Result<Lake, BuildError> {
    open_lake(config, sdk(config).await.as_ref())
}

/// The SDK's settings, when source or lake is in AWS. Loaded once: each load looks for
/// credentials anew.
async fn sdk(config: &Config) -> Option<SdkConfig> {
    let lake_is_there = matches!(config.lake, LakeUrl::S3 { .. });
    let source_is_there = matches!(config.source, Source::Sqs { .. });
    if lake_is_there || source_is_there {
        Some(aws::sdk_config(&config.aws).await)
    } else {
        None
    }
}

pub(crate) fn open_lake(config: &Config, sdk: Option<&SdkConfig>) -> Result<Lake, BuildError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = store::open(&config.lake, &config.aws, sdk, Arc::clone(&clock))?;
    let directory = match &config.lake {
        LakeUrl::Directory(path) => Some(path.clone()),
        LakeUrl::S3 { .. } => None,
    };
    Ok(Lake {
        store,
        directory,
        worker: Worker::this_process(),
        lease: config.pipeline.lease,
        clock,
        settled: Arc::default(),
        encodings: Arc::default(),
    })
}

/// The signals, planned.
async fn engine(config: &Config, live: bool) -> Result<Engine, Findings> {
    let mut catalog = config.signals.catalog()?;
    // They run beside the service only; `check` and `run` report their mistakes.
    if !live {
        let over_tables = |signal: &Signal| signal.header.source.table().is_some();
        catalog.signals.retain(over_tables);
    }
    let memory = config.pipeline.memory_bytes_max;
    // A query that cannot be run must be told now: later it would spoil batches, and objects with them.
    // `check` has run those that are built in.
    let at_once = |signal: &Signal| live || !signal.is_built_in();
    Engine::when_needed(catalog, &config.reference, memory, at_once).await
}

/// Puts a pipeline together.
pub async fn pipeline(
    config: &Config,
    mode: Mode,
    health: Arc<Health>,
) -> Result<Arc<Pipeline>, BuildError> {
    let engine = engine(config, mode.live).await?;
    if let (None, Source::Directory { path }) = (&mode.listed, &config.source) {
        watched(path, &config.lake)?;
    }
    let sdk = sdk(config).await;
    let lake = open_lake(config, sdk.as_ref())?;
    let is_listed = mode.listed.is_some();
    let listed = match mode.listed {
        Some(listed) => listed,
        None => configured(config, sdk.as_ref(), &lake.clock)?,
    };
    let networks = OwnNetworks::parse(&config.reference.own_networks)?;
    if mode.live {
        SignalMetrics::describe(engine.all_signals());
    }
    let limit = u32::try_from(config.pipeline.memory_bytes_max / MIB).unwrap_or(u32::MAX);
    metrics::gauge!("trailflow_memory_budget_bytes", "state" => "limit")
        .set(f64::from(limit) * MIB_BYTES);
    let in_flight = config.pipeline.objects_in_flight_max;
    let settings = Settings {
        batch: config.batch.clone(),
        idle_max: mode.idle_max,
        objects_in_flight_max: in_flight,
        // One lane: the window of events is exact, and decoding uses the other cores anyway.
        live: mode.live,
        decoding: Decoding::Thread,
    };
    Ok(Arc::new(Pipeline {
        settings,
        queue: listed.queue,
        objects: listed.objects,
        concurrency: Arc::new(Concurrency::new(
            in_flight,
            buckets(config, is_listed),
            Arc::clone(&lake.clock),
        )),
        claims: Arc::new(tokio::sync::Semaphore::new(in_flight)),
        cores: Arc::new(Cores::of_this_machine(config.pipeline.memory_bytes_max)),
        is_exclusive: matches!(config.lake, LakeUrl::Directory(_)),
        lake,
        engine: Arc::new(engine),
        networks: Arc::new(networks),
        window: Arc::new(EventWindow::default()),
        learned: tokio::sync::Mutex::default(),
        metrics: mode.metrics,
        newest: std::sync::Mutex::default(),
        alone: AtomicU32::default(),
        lake_failures: AtomicU32::default(),
        unnamed_batches: AtomicU32::default(),
        undecided: std::sync::Mutex::default(),
        totals: mode.totals,
        health,
    }))
}

/// A directory that is watched is there, and the lake is not in it. The configuration has compared the names, which
/// may lead to one place by two ways.
fn watched(directory: &Path, lake: &LakeUrl) -> Result<(), BuildError> {
    let path = directory.display();
    if !directory.is_dir() {
        return Err(BuildError::Source(format!(
            "the directory {path} is not there. Make it, or correct `source.directory` or TRAILFLOW_DIRECTORY"
        )));
    }
    let LakeUrl::Directory(lake) = lake else {
        return Ok(());
    };
    let whole = std::path::absolute(lake).unwrap_or_else(|_| lake.clone());
    let there = whole.ancestors().find_map(|part| part.canonicalize().ok());
    let directory = directory.canonicalize().ok();
    if let (Some(there), Some(directory)) = (there, directory)
        && there.starts_with(directory)
    {
        return Err(BuildError::Source(format!(
            "the lake {} is inside the directory {path}, which is watched. Put it beside the directory, not into it",
            lake.display()
        )));
    }
    Ok(())
}

/// How many buckets there are to read from; a listing is of one.
fn buckets(config: &Config, is_listed: bool) -> usize {
    match &config.source {
        Source::Sqs { buckets, .. } if !is_listed => buckets.len(),
        Source::Sqs { .. } | Source::Directory { .. } => 1,
    }
}

/// Runs the signals over rollups beside the pipeline, until told to stop.
pub fn scheduled(pipeline: &Pipeline, series: Arc<ScheduledSeries>, stop: &CancellationToken) {
    let runs = Runs {
        lake: pipeline.lake.clone(),
        engine: Arc::clone(&pipeline.engine),
        series,
    };
    tokio::spawn(runs.run(stop.clone()));
}

fn configured(
    config: &Config,
    sdk: Option<&SdkConfig>,
    clock: &Arc<dyn Clock>,
) -> Result<Listed, BuildError> {
    Ok(match &config.source {
        Source::Sqs { queue_url, buckets } => {
            let sdk = sdk.ok_or(store::OpenError::Region)?;
            let queue = SqsQueue::new(
                aws::sqs(sdk),
                queue_url.clone(),
                config.pipeline.lease * limits::MESSAGE_LEASES,
                BucketAllowList::new(buckets.clone()),
                Arc::clone(clock),
            );
            let objects = S3Objects::new(aws::s3(sdk, &config.aws));
            Listed {
                queue: Arc::new(queue),
                objects: Arc::new(objects),
            }
        }
        Source::Directory { path } => {
            let directory = Directory::new(path);
            let queue = DirectoryQueue::new(directory.clone(), Arc::clone(clock));
            Listed {
                queue: Arc::new(queue),
                objects: Arc::new(directory),
            }
        }
    })
}

/// Cancelled by SIGTERM or Ctrl-C.
pub fn stop_on_signal(health: Arc<Health>) -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop: finishing the open batch");
        health.stopping();
        stopping.cancel();
    });
    Ok(stop)
}
