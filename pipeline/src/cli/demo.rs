//! `trailflow demo`: the whole path on a load that it makes itself, no AWS account needed.

use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Environment, LISTEN_DEFAULT, LakeUrl, Source};
use crate::demo::{self, Plan, Truth, generate, report};
use crate::metrics::server::{self, Series};
use crate::object::directory::Directory;
use crate::queue::Wanted;
use crate::queue::listing::Listing;
use crate::service::{self, Listed, Mode};
use crate::telemetry::{health::Health, own};

/// Shows that a directory is a demo's own and may be cleared.
const MARK: &str = ".trailflow-demo";
/// A batch that waits for nothing more closes after this time.
const IDLE_MAX: Duration = Duration::from_millis(100);

/// Make seeded log objects, ingest them through the whole path, and show what was found next to
/// what was planted.
///
/// Then serves metrics until Ctrl-C, and ingests whatever is put into the bucket directory.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// End after the findings. The exit code is 0 only when they equal what was planted.
    #[arg(long)]
    once: bool,
    /// Another seed makes another load.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where bucket and lake are made. One of an earlier demo is replaced.
    #[arg(long, value_name = "DIR", default_value = "trailflow-demo")]
    dir: PathBuf,
    /// Where metrics are served; port 0 takes a free one.
    #[arg(long, default_value_t = LISTEN_DEFAULT, value_parser = address)]
    listen: SocketAddr,
}

impl Demo {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let _telemetry = super::quiet_logs(environment)?;
        if let Some(place) = self.dir.to_str().filter(|dir| dir.starts_with("s3://")) {
            anyhow::bail!("a demo is made in a directory of this machine, and --dir says {place}");
        }
        let (bucket, lake) = (self.dir.join(demo::BUCKET), self.dir.join("lake"));
        let handle = own::install()?;
        let health = Arc::new(Health::default());
        let series = Series::default();
        // A port that is taken is found before anything is made; a run that ends serves nobody.
        let served = if self.once {
            None
        } else {
            let (exposed, told) = (series.clone(), Arc::clone(&health));
            let served = server::serve(self.listen, handle, exposed, told).await;
            let taken = || {
                format!(
                    "{} cannot be served: choose another with --listen",
                    self.listen
                )
            };
            Some(served.with_context(taken)?)
        };
        let cleared = clear(&self.dir);
        let _alone = cleared.with_context(|| format!("{} cannot be used", self.dir.display()))?;
        let truth = self.plant(&bucket)?;
        let source = Source::Directory {
            path: bucket.clone(),
        };
        let config = Config {
            reference: demo::reference(),
            ..Config::new(source, LakeUrl::Directory(lake.clone()))
        };
        let holds = self
            .ingest_and_report(&config, &truth, &bucket, &series, &health)
            .await?;
        super::print(&next_steps(
            served.as_ref().map(|(address, _)| *address),
            &lake,
        ))?;
        if self.once {
            return Ok(if holds {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(1)
            });
        }
        super::note(&format!(
            "Serving metrics and watching {} until Ctrl-C.",
            bucket.display()
        ));
        let mode = Mode {
            listed: None,
            idle_max: Some(IDLE_MAX),
            live: true,
            metrics: Arc::clone(&series.counted),
            totals: Arc::default(),
        };
        let watching = service::pipeline(&config, mode, Arc::clone(&health)).await?;
        let stop = service::stop_on_signal(health)?;
        service::scheduled(&watching, series.scheduled, &stop);
        watching.run(stop).await?;
        Ok(if holds {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }

    /// Makes the objects.
    fn plant(&self, bucket: &Path) -> anyhow::Result<Truth> {
        let plan = Plan::demo(self.seed, SystemClock.now());
        let truth = generate(&plan, &mut |object| {
            let file = bucket.join(&object.key);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(file, object.body)
        });
        let truth = truth.with_context(|| format!("{} cannot be written", bucket.display()))?;
        super::print(&format!(
            "Planted {} objects in {}: {} CloudTrail events, {} flow-log records (seed {}).",
            truth.objects,
            bucket.display(),
            truth.cloudtrail_events,
            truth.flow_rows,
            self.seed
        ))?;
        Ok(truth)
    }

    async fn ingest_and_report(
        &self,
        config: &Config,
        truth: &Truth,
        bucket: &Path,
        series: &Series,
        health: &Arc<Health>,
    ) -> anyhow::Result<bool> {
        let directory = Directory::new(bucket);
        let listed = directory
            .list()?
            .objects
            .into_iter()
            .map(Wanted::new)
            .collect();
        let queue = Listing::new(listed, Arc::new(SystemClock));
        let listed = Listed {
            queue: Arc::new(queue),
            objects: Arc::new(directory),
        };
        let mode = Mode {
            listed: Some(listed),
            idle_max: Some(IDLE_MAX),
            live: true,
            metrics: Arc::clone(&series.counted),
            totals: Arc::default(),
        };
        let pipeline = service::pipeline(config, mode, Arc::clone(health)).await?;
        health.started();
        let started = Instant::now();
        let stop = tokio_util::sync::CancellationToken::new();
        Arc::clone(&pipeline).run(stop).await?;
        let summary = pipeline.totals.summary();
        super::print(&format!(
            "Ingested {} objects, {:.1} MiB inflated, in {:.1} s: claimed, decoded, evaluated, committed once.\n",
            summary.ingested,
            mebibytes(summary.inflated_bytes),
            started.elapsed().as_secs_f64()
        ))?;
        if summary.objects < truth.objects {
            anyhow::bail!(
                "only {} of {} objects could be ingested, which says nothing of what is found: see the errors above. Is the disk full?",
                summary.objects,
                truth.objects
            );
        }
        let memory = config.pipeline.memory_bytes_max;
        let (lake, engine) = (&pipeline.lake, &pipeline.engine);
        let compared = report::compare(truth, lake, engine, memory).await?;
        super::print(&report::heading())?;
        for comparison in &compared {
            super::print(&comparison.text())?;
        }
        let holds = compared.iter().all(report::Comparison::holds);
        super::print(if holds {
            "Everything that was planted was found, and nothing else."
        } else {
            "What was found differs from what was planted: this is a bug in trailflow."
        })?;
        Ok(holds)
    }
}

/// Removes what an earlier demo left; refuses a directory that is not one's own, or is another's that still
/// runs. It is ours as long as the file is held.
fn clear(dir: &Path) -> anyhow::Result<File> {
    if dir.exists() {
        let empty = fs::read_dir(dir)?.next().is_none();
        if !empty && !dir.join(MARK).exists() {
            anyhow::bail!(
                "{} is not a demo's directory: choose another with --dir",
                dir.display()
            );
        }
        let _others = (!empty).then(|| held(dir)).transpose()?;
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir.join(demo::BUCKET))?;
    fs::write(
        dir.join(MARK),
        "Made by `trailflow demo`, which replaces this directory.\n",
    )?;
    held(dir)
}

/// Takes the directory for this process; a process that ends, however it does, lets go of it.
fn held(dir: &Path) -> anyhow::Result<File> {
    let mark = File::open(dir.join(MARK))?;
    match mark.try_lock() {
        // Or a file system without locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(mark),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "a demo runs in {}: stop it, or choose another with --dir",
            dir.display()
        ),
    }
}

/// An address to listen at.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let fix = "write an address and a port, such as 127.0.0.1:9464, or [::1]:0 for a free one";
    text.parse().map_err(|_| fix)
}

fn next_steps(address: Option<SocketAddr>, lake: &Path) -> String {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| String::from("trailflow"));
    let lake = lake.display().to_string().replace('\'', r"'\''");
    let metrics = address.map_or_else(String::new, |address| {
        format!("\nMetrics: curl http://{address}/metrics | grep trailflow_")
    });
    format!(
        "{metrics}\nNext, ask the lake:\n  \
         {program} query --lake '{lake}' \"SELECT * FROM irsa_audience_mismatch ORDER BY mismatches DESC LIMIT 5\"\n  \
         {program} query --lake '{lake}' \"SELECT event_time, principal, error_message FROM cloudtrail WHERE deny_class <> 'none' LIMIT 5\""
    )
}

fn mebibytes(bytes: u64) -> f64 {
    let kibibytes = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
    f64::from(kibibytes) / 1024.0
}
