//! Processes that seal the lake while workers write it, and readers that look on.
//!
//! Must hold (I12): whoever reads sees no row twice, nothing that was there before is missing, and each file that
//! a listing named is there for a day and a half; in the end each event has one row, and no file is left but those
//! that are read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::NaiveDate;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trailflow::lake::as_sealed::AsSealed;
use trailflow::lake::seals;
use trailflow::seal::{Progress, Sealing};

use super::ledger::{self, Twins};
use super::life::Faults;
use super::time::WorkerClock;
use super::world::World;

/// The clocks of those who seal are ahead: to them the hour of all events was over long ago.
const AHEAD_MILLIS: i64 = 3 * 86_400_000;
/// And differ by so much at most.
const WRONG_MILLIS: i64 = 600_000;
/// After the last message: what was replaced goes meanwhile.
const SEALED_FOR: Duration = Duration::from_hours(100);
/// A reader takes no longer.
const READS_FOR: Duration = Duration::from_hours(36);
/// Sealing takes many requests, and gives up when one fails: of so many faults one stays, or it would never end.
const FAULTS_SHARE: u32 = 8;
/// Bytes for merging.
const MEMORY: usize = 64 << 20;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealed {
    pub(crate) seals: u64,
    pub(crate) deleted: u64,
    /// Times that a reader looked.
    pub(crate) looks: u64,
}

impl Sealed {
    pub(crate) fn add(&mut self, other: &Self) {
        self.seals += other.seals;
        self.deleted += other.deleted;
        self.looks += other.looks;
    }
}

/// All of them.
pub(crate) struct Sealings {
    world: Arc<World>,
    running: JoinSet<Result<Sealed, String>>,
    stages: Stages,
}

/// How far the world has come.
#[derive(Debug, Clone, Default)]
struct Stages {
    /// The workers have ended; nothing fails any more, and there is no haste.
    calm: CancellationToken,
    over: CancellationToken,
}

struct Silent;

impl Progress for Silent {
    fn days(&self, _: usize) {}
    fn day(&self, _: NaiveDate) {}
    fn folder(&self, _: &str, _: usize) {}
    fn day_ended(&self) {}
}

impl Sealings {
    pub(crate) fn begin(world: &Arc<World>, dice: &mut StdRng) -> Self {
        let mut running = JoinSet::new();
        let stages = Stages::default();
        for number in 0..world.scenario.sealers {
            let (world, seed, stages) = (Arc::clone(world), dice.random(), stages.clone());
            running.spawn(async move { seal(&world, number, seed, &stages).await });
        }
        for _ in 0..world.scenario.sealers.min(1) * 3 {
            let (world, seed, stages) = (Arc::clone(world), dice.random(), stages.clone());
            running.spawn(async move { read(&world, seed, &stages).await });
        }
        Self {
            world: Arc::clone(world),
            running,
            stages,
        }
    }

    /// Goes on until everything is sealed and swept.
    pub(crate) async fn end(&mut self) -> Result<Sealed, String> {
        let mut sealed = Sealed::default();
        if self.running.is_empty() {
            return Ok(sealed);
        }
        self.stages.calm.cancel();
        self.world.peace.store(true, Ordering::Relaxed);
        self.world.time.sleep(SEALED_FOR).await;
        self.stages.over.cancel();
        while let Some(ended) = self.running.join_next().await {
            sealed.add(&ended.map_err(|error| error.to_string())??);
        }
        Ok(sealed)
    }
}

/// Lives of one that seals.
async fn seal(world: &World, number: u32, seed: u64, stages: &Stages) -> Result<Sealed, String> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut sealed = Sealed::default();
    while !stages.over.is_cancelled() {
        let rest = if stages.calm.is_cancelled() {
            Duration::from_hours(3)
        } else {
            Duration::from_secs(dice.random_range(1..300))
        };
        world.time.sleep(rest).await;
        let is_calm = stages.calm.is_cancelled();
        let slow = world.scenario.faults.slow;
        let faults = Faults {
            slow,
            ..world.scenario.faults.fewer(FAULTS_SHARE)
        };
        let life = world.life(&mut dice, false, faults);
        world.lives.fetch_add(1, Ordering::Relaxed);
        let wrong = AHEAD_MILLIS + dice.random_range(-WRONG_MILLIS..WRONG_MILLIS);
        let clock = Arc::new(WorkerClock::new(world.time.clone(), dice.random(), wrong));
        let lake = world.lake(&life, &clock, 1000 + number);
        let sealing = async {
            let sealing = Sealing::begin(&lake, &world.engine, MEMORY).await?;
            sealing.run(None, None, &Silent).await
        };
        let report = tokio::select! {
            biased;
            () = life.died.notified() => None,
            report = sealing => Some(report),
        };
        life.dead.store(true, Ordering::Relaxed);
        match report {
            Some(Ok(report)) => {
                sealed.seals += report.days_sealed;
                sealed.deleted += report.deleted;
                let strange = report.unsealed.first();
                if let Some(one) = strange {
                    return Err(format!("{}: {}", one.place, one.why));
                }
            }
            // The store failed; the next run goes on.
            Some(Err(error)) if is_calm => return Err(error.to_string()),
            Some(Err(_)) | None => {}
        }
    }
    Ok(sealed)
}

/// What a reader saw.
#[derive(Debug, Default)]
struct Seen {
    events: BTreeSet<String>,
    flows: Vec<Vec<String>>,
    sources: BTreeSet<String>,
    calls: usize,
}

/// One that lists, and reads what it listed much later.
async fn read(world: &World, seed: u64, stages: &Stages) -> Result<Sealed, String> {
    let mut dice = StdRng::seed_from_u64(seed);
    let clock = Arc::new(WorkerClock::new(world.time.clone(), dice.random(), 0));
    let store = AsSealed::new(
        Arc::<object_store::memory::InMemory>::clone(&world.store),
        clock,
    );
    let mut sealed = Sealed::default();
    let mut before = Seen::default();
    while !stages.over.is_cancelled() {
        let rest = if stages.calm.is_cancelled() {
            36_000
        } else {
            400
        };
        let rest = Duration::from_secs(dice.random_range(1..rest));
        world.time.sleep(rest).await;
        let listed = listed(&store).await?;
        let now = look(&store).await?;
        before.is_in(&now)?;
        before = now;
        let reading = READS_FOR.mul_f64(dice.random_range(0.0..1.0));
        if dice.random_range(0..4) == 0 {
            world.time.sleep(reading).await;
        }
        for path in listed {
            let there = store.head(&path).await;
            there.map_err(|error| format!("listed {reading:?} before: {error}"))?;
        }
        sealed.looks += 1;
    }
    Ok(sealed)
}

async fn listed(store: &dyn ObjectStore) -> Result<Vec<Path>, String> {
    let mut paths = Vec::new();
    for table in ["cloudtrail", "flow_logs", "rollups", "ingest_log"] {
        let table = Path::from(table);
        let found = store.list(Some(&table)).map_ok(|found| found.location);
        let found: Vec<Path> = found.try_collect().await.map_err(|e| e.to_string())?;
        paths.extend(found);
    }
    Ok(paths)
}

async fn look(store: &dyn ObjectStore) -> Result<Seen, String> {
    let rows = ledger::texts(store, "cloudtrail", &["src_key", "event_id"]).await;
    let mut pairs: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    pairs.sort();
    if pairs.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("a reader sees a row twice: {pairs:?}"));
    }
    let keys = ledger::texts(store, "ingest_log", &["key"]).await.concat();
    let sources: BTreeSet<String> = keys.iter().cloned().collect();
    if sources.len() < keys.len() {
        return Err(format!("a reader sees a source twice: {keys:?}"));
    }
    let mut flows = ledger::texts(store, "flow_logs", &["src_key", "srcport"]).await;
    flows.sort();
    if flows.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(String::from("a reader sees a flow twice"));
    }
    Ok(Seen {
        events: rows
            .into_iter()
            .filter_map(|row| row.into_iter().nth(1))
            .collect(),
        flows,
        sources,
        calls: ledger::rollup(store).await,
    })
}

impl Seen {
    /// Whether nothing of it is missing later.
    fn is_in(&self, later: &Self) -> Result<(), String> {
        let has = |flow| later.flows.binary_search(flow).is_ok();
        if self.events.is_subset(&later.events)
            && self.sources.is_subset(&later.sources)
            && self.flows.iter().all(has)
            && self.calls <= later.calls
        {
            return Ok(());
        }
        Err(format!("a reader saw {self:?}, and later {later:?}"))
    }
}

/// What the lake holds in the end, as readers see it and as it is.
pub(crate) async fn compare(world: &World) -> Result<usize, String> {
    let clock = Arc::new(WorkerClock::new(world.time.clone(), 0, 0));
    let store = AsSealed::new(
        Arc::<object_store::memory::InMemory>::clone(&world.store),
        clock,
    );
    let doubled = ledger::compare(&store, &world.bucket, Twins::Sealed).await?;
    let shown: BTreeSet<Path> = listed(&store).await?.into_iter().collect();
    let stored = |path: Path| seals::stored_at(&path).unwrap_or(path);
    let shown: BTreeSet<Path> = shown.into_iter().map(stored).collect();
    let all = world.store.list(None).map_ok(|found| found.location);
    let all: Vec<Path> = all.try_collect().await.map_err(|e| e.to_string())?;
    let is_file = |path: &Path| {
        path.extension() == Some("parquet") && !path.as_ref().starts_with("_trailflow")
    };
    let unread: Vec<Path> = all
        .into_iter()
        .filter(|path| is_file(path) && !shown.contains(path))
        .collect();
    if unread.is_empty() {
        return Ok(doubled);
    }
    let mut made = Vec::new();
    for path in seals::generations(world.store.as_ref(), None)
        .await
        .unwrap()
    {
        let seal = seals::seal_at(world.store.as_ref(), &path).await.unwrap();
        made.extend(seal.map(|seal| (seal.generation, seal.at, seal.files)));
    }
    Err(format!(
        "files that nobody reads: {unread:?}, beside the seals {made:?}"
    ))
}
