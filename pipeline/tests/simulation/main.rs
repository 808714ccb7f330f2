//! Deterministic simulation: the real path from receive to acknowledge over a store, a queue and
//! a bucket that fail in every way they can, in virtual time.
//!
//! In: seeds. Out: for each, the lake at the end beside what must be in it (I1, I2, I6, I11); some of them beside
//! processes that seal it, and readers (I12).
//! `TRAILFLOW_SIMULATIONS=100000` runs more of them, `TRAILFLOW_SEED=7` one alone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a simulation that cannot be set up has failed"
)]

mod ledger;
mod life;
mod objects;
mod queue;
mod sealing;
mod store;
mod time;
mod world;

use std::sync::Arc;

use trailflow::config::Reference;
use trailflow::engine::Engine;
use trailflow::signal::Catalog;

use life::{Faults, Kill};
use sealing::Sealed;
use world::{Misfortune, Outcome, Scenario, simulate};

/// In every run of the tests.
const SEEDS: u64 = 1000;
/// One that is sealed takes as long as so many.
const SEEDS_PER_SEALED: u64 = 20;
const NO_FAULTS: Faults = Faults {
    fails: 0,
    reply_lost: 0,
    conflict: 0,
    late: 0,
    slow: 0,
};

fn engine() -> Arc<Engine> {
    let mut catalog = Catalog::built_in().unwrap();
    let wanted = |name: &str| matches!(name, "sts_assume_role" | "flow_rejects");
    catalog.signals.retain(|signal| wanted(&signal.header.name));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let reference = Reference::default();
    let planned = Engine::new(catalog, &reference, 256 << 20);
    Arc::new(runtime.block_on(planned).unwrap())
}

/// What a seed means: a number of workers, and faults of some kinds.
fn scenario(seed: u64) -> Scenario {
    let chance = |place: u32, most: u32| {
        let bits = u32::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (8 * place) & 0xff);
        bits.unwrap() * most / 0xff
    };
    Scenario {
        seed,
        workers: 1 + chance(0, 2),
        twins: chance(1, 3) > 0,
        faults: Faults {
            fails: chance(2, 60),
            reply_lost: chance(3, 60),
            conflict: chance(4, 60),
            late: if seed.is_multiple_of(2) {
                chance(5, 40)
            } else {
                0
            },
            slow: chance(6, 30),
        },
        deaths: !seed.is_multiple_of(8),
        kill: None,
        clocks_wrong_millis: if seed.is_multiple_of(5) {
            7_200_000
        } else {
            2_000
        },
        misfortune: Misfortune::None,
        sealers: 0,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many, and which, is asked of whoever runs this"
)]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_seed_ends_with_each_event_once() {
    let engine = engine();
    let seeds: Vec<u64> = if let Some(seed) = number("TRAILFLOW_SEED") {
        // One seed alone is run to be read.
        let lines = tracing_subscriber::fmt().without_time().with_test_writer();
        lines.with_max_level(tracing::Level::DEBUG).init();
        vec![seed]
    } else {
        let first = number("TRAILFLOW_FIRST_SEED").unwrap_or(0);
        (first..first + number("TRAILFLOW_SIMULATIONS").unwrap_or(SEEDS)).collect()
    };
    let mut total = Total::default();
    for seed in seeds {
        match simulate(&scenario(seed), &engine) {
            Ok(outcome) => total.add(&outcome),
            Err(why) => panic!("seed {seed}: {why}\n{:?}", scenario(seed)),
        }
    }
    println!("{total:?}");
    assert!(total.events > 0 && total.lives > total.simulations);
}

/// Sums over simulations.
#[derive(Debug, Default)]
struct Total {
    simulations: u64,
    lives: u64,
    steps: u64,
    events: usize,
    /// Rows of twins beyond the first, that workers beside each other let through.
    doubled_twins: usize,
    sealed: Sealed,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        self.simulations += 1;
        self.lives += u64::from(outcome.lives);
        self.steps += outcome.steps;
        self.events += outcome.events;
        self.doubled_twins += outcome.doubled;
        self.sealed.add(&outcome.sealed);
    }
}

#[test]
fn sealing_beside_the_workers_changes_nothing_that_readers_see() {
    let engine = engine();
    let seeds = if let Some(seed) = number("TRAILFLOW_SEED") {
        seed..seed + 1
    } else {
        let first = number("TRAILFLOW_FIRST_SEED").unwrap_or(0);
        let more = number("TRAILFLOW_SIMULATIONS").unwrap_or(SEEDS);
        first..first + more / SEEDS_PER_SEALED
    };
    let mut total = Total::default();
    for seed in seeds {
        let scenario = Scenario {
            sealers: 1 + u32::from(seed.is_multiple_of(3)),
            ..scenario(seed)
        };
        match simulate(&scenario, &engine) {
            Ok(outcome) => total.add(&outcome),
            Err(why) => panic!("seed {seed}: {why}\n{scenario:?}"),
        }
    }
    println!("{total:?}");
    assert!(total.sealed.seals > 0 && total.sealed.deleted > 0 && total.sealed.looks > 0);
}

#[test]
fn a_seed_decides_everything() {
    let engine = engine();
    for seed in [1, 2, 3] {
        let first = format!("{:?}", simulate(&scenario(seed), &engine));
        assert_eq!(first, format!("{:?}", simulate(&scenario(seed), &engine)));
    }
}

#[test]
fn a_kill_at_every_step_loses_and_doubles_nothing() {
    let engine = engine();
    for seed in [11, 12] {
        let mut scenario = Scenario {
            workers: 1,
            faults: NO_FAULTS,
            deaths: false,
            clocks_wrong_millis: 0,
            ..scenario(seed)
        };
        // As many steps as the work takes, and some of the idling after it.
        for step in 0..150 {
            for side in [Kill::Before, Kill::After] {
                scenario.kill = Some((step, side));
                match simulate(&scenario, &engine) {
                    Ok(outcome) => assert!(outcome.lives >= 2, "seed {seed}: not killed at {step}"),
                    Err(why) => panic!("seed {seed}, killed {side:?} step {step}: {why}"),
                }
            }
        }
    }
}

#[test]
fn what_never_can_be_read_is_quarantined_and_no_dead_letter() {
    let engine = engine();
    for seed in 0..50 {
        let scenario = Scenario {
            workers: 1,
            faults: NO_FAULTS,
            deaths: false,
            clocks_wrong_millis: 0,
            misfortune: Misfortune::Poison,
            ..scenario(seed)
        };
        match simulate(&scenario, &engine) {
            Ok(outcome) => assert!(outcome.receives_max <= 5, "seed {seed}"),
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
}

#[test]
fn an_outage_of_the_lake_or_of_names_uses_up_few_receives() {
    let engine = engine();
    // One message a pause of half a minute, and what the work itself takes.
    for (misfortune, most) in [(Misfortune::NoClaims, 100), (Misfortune::NoNames, 400)] {
        let mut receives = 0;
        let seeds = 20;
        for seed in 0..seeds {
            let scenario = Scenario {
                workers: 1,
                faults: NO_FAULTS,
                deaths: false,
                clocks_wrong_millis: 0,
                misfortune,
                ..scenario(seed)
            };
            match simulate(&scenario, &engine) {
                Ok(outcome) => receives += outcome.receives,
                Err(why) => panic!("seed {seed}: {why}"),
            }
        }
        println!("{misfortune:?}: {receives} receives in {seeds} outages of half an hour");
        assert!(receives < most * u32::try_from(seeds).unwrap());
    }
}
