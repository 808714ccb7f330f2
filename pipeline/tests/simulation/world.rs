//! One simulation: workers that live and die over one queue, one bucket and one lake.
//!
//! In: a seed. Out: what the lake holds in the end. Must hold: the seed decides everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use object_store::memory::InMemory;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trailflow::clock::Clock;
use trailflow::config::Batch;
use trailflow::decode::flow_logs::OwnNetworks;
use trailflow::engine::Engine;
use trailflow::lake::Lake;
use trailflow::lake::worker::Worker;
use trailflow::limits::STOP_MAX;
use trailflow::metrics::SignalMetrics;
use trailflow::pipeline::concurrency::Concurrency;
use trailflow::pipeline::cores::Cores;
use trailflow::pipeline::ingest::Decoding;
use trailflow::pipeline::totals::Totals;
use trailflow::pipeline::window::EventWindow;
use trailflow::pipeline::{Pipeline, Settings};
use trailflow::telemetry::health::Health;

use super::ledger::{self, Twins};
use super::life::{Faults, Kill, Life};
use super::objects::{Bucket, SimObjects};
use super::queue::{Messages, SimQueue};
use super::sealing::{self, Sealed, Sealings};
use super::store::{FaultyStore, LATE_MAX};
use super::time::{Time, WorkerClock};

/// Faults end after this time; then everything must come to its end.
const PEACE_AFTER: Duration = Duration::from_mins(30);
/// In peace, every lease, pause and redelivery is over within this time.
const END_AFTER: Duration = Duration::from_hours(12);
/// Messages of each object that cannot be named.
const BACKLOG: u32 = 20;
/// How long a claim holds.
const LEASE: Duration = Duration::from_secs(20);

/// What is simulated.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) workers: u32,
    pub(crate) twins: bool,
    pub(crate) faults: Faults,
    /// Lives end at a step now and then, or are told to stop.
    pub(crate) deaths: bool,
    /// The one death: the first life of the first worker.
    pub(crate) kill: Option<(u64, Kill)>,
    /// Wall clocks are wrong by up to this, and jump.
    pub(crate) clocks_wrong_millis: i64,
    pub(crate) misfortune: Misfortune,
    /// Processes that seal the lake beside the workers.
    pub(crate) sealers: u32,
}

/// What goes wrong all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfortune {
    None,
    /// One object is never readable, and the queue gives up after five receives.
    Poison,
    /// Until there is peace the lake refuses every claim, at once.
    NoClaims,
    /// Objects are announced without a version, and until there is peace none can be asked for.
    NoNames,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Rows beyond one an event, of those with several copies.
    pub(crate) doubled: usize,
    pub(crate) events: usize,
    pub(crate) lives: u32,
    pub(crate) steps: u64,
    pub(crate) receives_max: u32,
    /// Of all messages.
    pub(crate) receives: u32,
    /// Seals that were made, and files that were deleted because of them.
    pub(crate) sealed: Sealed,
}

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) time: Time,
    pub(crate) store: Arc<InMemory>,
    pub(crate) bucket: Arc<Bucket>,
    messages: Arc<Messages>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) peace: Arc<AtomicBool>,
    pub(crate) over: CancellationToken,
    pub(crate) lives: AtomicU32,
}

/// Runs a scenario to its end, in virtual time.
pub(crate) fn simulate(scenario: &Scenario, engine: &Arc<Engine>) -> Result<Outcome, String> {
    let time = Time::default();
    let advancing = time.clone();
    let seed = scenario.seed;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || {
            assert!(advancing.advance(), "seed {seed}: all wait for each other");
        })
        .build()
        .unwrap();
    let mut dice = StdRng::seed_from_u64(seed);
    let mut bucket = Bucket::planted(&mut dice, scenario.twins);
    if scenario.misfortune == Misfortune::Poison {
        bucket
            .unreadable
            .extend(bucket.bodies.keys().next().cloned());
    }
    let world = Arc::new(World {
        scenario: scenario.clone(),
        time,
        store: Arc::new(InMemory::new()),
        bucket: Arc::new(bucket),
        messages: Arc::new(Messages::default()),
        engine: Arc::clone(engine),
        peace: Arc::new(AtomicBool::new(false)),
        over: CancellationToken::new(),
        lives: AtomicU32::new(0),
    });
    runtime.block_on(run(world, dice))
}

async fn run(world: Arc<World>, mut dice: StdRng) -> Result<Outcome, String> {
    announce(&world, &mut dice);
    let mut workers = JoinSet::new();
    for number in 0..world.scenario.workers {
        workers.spawn(Arc::clone(&world).worker(number, dice.random()));
    }
    let mut sealing = Sealings::begin(&world, &mut dice);
    while !world.messages.all_gone() {
        world.time.sleep(Duration::from_secs(5)).await;
        if world.time.now() > PEACE_AFTER {
            world.peace.store(true, Ordering::Relaxed);
        }
        if world.time.now() > END_AFTER {
            return Err(format!(
                "messages are left; dead letters: {}",
                world.messages.dead_letters()
            ));
        }
    }
    if world.scenario.faults.late > 0 {
        // What is still on its way lands, and must change nothing.
        world.time.sleep(LATE_MAX).await;
    }
    world.over.cancel();
    let mut steps = 0;
    while let Some(lived) = workers.join_next().await {
        steps += lived.map_err(|error| error.to_string())??;
    }
    let sealed = sealing.end().await?;
    let bucket = &world.bucket;
    let outcome = |doubled| Outcome {
        doubled,
        events: bucket.event_count(),
        lives: world.lives.load(Ordering::Relaxed),
        steps,
        receives_max: world.messages.receives_max(),
        receives: world.messages.receives(),
        sealed: sealed.clone(),
    };
    if world.scenario.misfortune == Misfortune::Poison {
        return quarantined(&world).await.map(|()| outcome(0));
    }
    // A commit that lands after its worker was given up by itself is learned late.
    let exact = world.scenario.workers == 1 && world.scenario.faults.late == 0;
    let twins = if exact {
        Twins::Suppressed
    } else {
        Twins::UpToCopies
    };
    if world.scenario.sealers > 0 {
        return sealing::compare(&world).await.map(outcome);
    }
    let doubled = ledger::compare(world.store.as_ref(), bucket, twins).await?;
    ledger::published(world.store.as_ref()).await?;
    Ok(outcome(doubled))
}

/// The unreadable object is set aside with its reason, and nothing is a dead letter.
async fn quarantined(world: &World) -> Result<(), String> {
    let found = ledger::texts(world.store.as_ref(), "quarantine", &["key", "reason"]).await;
    let expected: Vec<Vec<String>> = world
        .bucket
        .unreadable
        .iter()
        .map(|key| vec![key.clone(), String::from("unreadable")])
        .collect();
    if found == expected && world.messages.dead_letters() == 0 {
        return Ok(());
    }
    Err(format!(
        "quarantined {found:?}, dead letters {}",
        world.messages.dead_letters()
    ))
}

/// One message an object, some of two; some objects announced twice.
fn announce(world: &World, dice: &mut StdRng) {
    let keys: Vec<&String> = world.bucket.bodies.keys().collect();
    let named = world.scenario.misfortune != Misfortune::NoNames;
    for (place, key) in keys.iter().enumerate() {
        let mut objects = vec![Bucket::object(key, named)];
        if dice.random_range(0..4) == 0 {
            objects.push(Bucket::object(keys[(place + 1) % keys.len()], named));
        }
        // A backlog, for each message of it has its own receives to lose.
        for _ in 0..if named { 1 } else { BACKLOG } {
            let at = Duration::from_millis(dice.random_range(0..60_000));
            world.messages.send(objects.clone(), at);
        }
        if dice.random_range(0..3) == 0 {
            let again = Duration::from_millis(dice.random_range(0..1_200_000));
            world.messages.send(objects, again);
        }
    }
}

impl World {
    /// Lives of one worker, one after the other; says how many steps they took.
    async fn worker(self: Arc<Self>, number: u32, seed: u64) -> Result<u64, String> {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut steps = 0;
        let mut first = number == 0;
        while !self.over.is_cancelled() {
            let faults = self.scenario.faults;
            let life = self.life(&mut dice, std::mem::take(&mut first), faults);
            let told = self.told_to_stop(&mut dice);
            steps += self.lived(&life, told, dice.random(), &mut dice).await?;
            let rest = Duration::from_millis(dice.random_range(10..20_000));
            self.time.sleep(rest).await;
        }
        Ok(steps)
    }

    pub(crate) fn life(&self, dice: &mut StdRng, first: bool, faults: Faults) -> Arc<Life> {
        let peaceful = self.peace.load(Ordering::Relaxed);
        let dies = self.scenario.deaths && !peaceful && dice.random_range(0..2) == 0;
        let side = if dice.random_range(0..2) == 0 {
            Kill::Before
        } else {
            Kill::After
        };
        let kill = dies.then(|| (dice.random_range(0..120), side));
        let kill = if first {
            self.scenario.kill.or(kill)
        } else {
            kill
        };
        let (time, peace) = (self.time.clone(), Arc::clone(&self.peace));
        Arc::new(Life::new(time, dice.random(), kill, faults, peace))
    }

    /// When SIGTERM comes, if it does.
    fn told_to_stop(&self, dice: &mut StdRng) -> Duration {
        let told = self.scenario.deaths && dice.random_range(0..4) == 0;
        if told && !self.peace.load(Ordering::Relaxed) {
            Duration::from_millis(dice.random_range(100..200_000))
        } else {
            Duration::MAX
        }
    }

    async fn lived(
        &self,
        life: &Arc<Life>,
        told: Duration,
        seed: u64,
        dice: &mut StdRng,
    ) -> Result<u64, String> {
        let number = self.lives.fetch_add(1, Ordering::Relaxed);
        let wrong = self.scenario.clocks_wrong_millis;
        let mut wrong_by = || {
            if wrong == 0 {
                0
            } else {
                dice.random_range(-wrong..wrong)
            }
        };
        let clock = Arc::new(WorkerClock::new(self.time.clone(), seed, wrong_by()));
        let stop = CancellationToken::new();
        let running = Arc::new(self.pipeline(life, &clock, number)).run(stop.clone());
        tokio::pin!(running);
        let mut told = self.time.sleep(told);
        let mut jump = self.time.sleep(Duration::from_mins(7));
        let mut stopped_at = None;
        loop {
            tokio::select! {
                biased;
                // Killed: whatever it did ends here.
                () = life.died.notified() => break,
                ended = &mut running => {
                    ended.map_err(|error| error.to_string())?;
                    break;
                }
                () = self.over.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                () = std::pin::Pin::new(&mut told), if stopped_at.is_none() => {
                    stopped_at = Some(self.time.now());
                    stop.cancel();
                }
                () = std::pin::Pin::new(&mut jump) => {
                    clock.jump_to(wrong_by());
                    jump = self.time.sleep(Duration::from_mins(7));
                }
            }
        }
        // The process has ended, one way or the other: its leases are renewed no more.
        life.dead.store(true, Ordering::Relaxed);
        if let Some(at) = stopped_at {
            let took = self.time.now().saturating_sub(at);
            if took > STOP_MAX + Duration::from_secs(1) {
                return Err(format!("stopping took {took:?}"));
            }
        }
        Ok(life.steps.load(Ordering::Relaxed))
    }

    /// The lake as one process uses it.
    pub(crate) fn lake(&self, life: &Arc<Life>, clock: &Arc<WorkerClock>, number: u32) -> Lake {
        let clock: Arc<dyn Clock> = Arc::<WorkerClock>::clone(clock);
        let store = FaultyStore {
            shared: Arc::clone(&self.store),
            life: Arc::clone(life),
            no_claims: self.scenario.misfortune == Misfortune::NoClaims,
        };
        Lake {
            store: Arc::new(store),
            worker: Worker {
                host: format!("life-{number}"),
                pid: number,
                started: 0,
            },
            lease: LEASE,
            clock,
            directory: None,
            settled: Arc::default(),
            encodings: Arc::default(),
        }
    }

    fn pipeline(&self, life: &Arc<Life>, clock: &Arc<WorkerClock>, number: u32) -> Pipeline {
        let lake = self.lake(life, clock, number);
        let clock = Arc::clone(&lake.clock);
        let batch = Batch {
            bytes_max: 1 << 20,
            rows_max: 6,
            age_max: Duration::from_secs(3),
        };
        let settings = Settings {
            batch,
            idle_max: None,
            objects_in_flight_max: 3,
            live: true,
            decoding: Decoding::Task,
        };
        let queue = SimQueue {
            messages: Arc::clone(&self.messages),
            life: Arc::clone(life),
            time: self.time.clone(),
            receives_max: (self.scenario.misfortune == Misfortune::Poison).then_some(5),
        };
        let objects = SimObjects {
            bucket: Arc::clone(&self.bucket),
            life: Arc::clone(life),
        };
        Pipeline {
            settings,
            queue: Arc::new(queue),
            objects: Arc::new(objects),
            lake,
            engine: Arc::clone(&self.engine),
            networks: Arc::new(OwnNetworks::default()),
            window: Arc::new(EventWindow::default()),
            learned: tokio::sync::Mutex::default(),
            metrics: Arc::new(SignalMetrics::default()),
            newest: std::sync::Mutex::default(),
            alone: AtomicU32::default(),
            lake_failures: AtomicU32::default(),
            unnamed_batches: AtomicU32::default(),
            undecided: std::sync::Mutex::default(),
            concurrency: Arc::new(Concurrency::new(3, 1, clock)),
            claims: Arc::new(tokio::sync::Semaphore::new(3)),
            cores: Arc::new(Cores::new(1)),
            is_exclusive: true,
            totals: Arc::new(Totals::default()),
            health: Arc::new(Health::default()),
        }
    }
}
