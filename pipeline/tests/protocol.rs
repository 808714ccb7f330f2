//! The protocol of the lake, model-checked: claim, stage, commit, publish, acknowledge, by several
//! workers, against everything that may go wrong between any two of their requests (I1, I2, I6).
//!
//! ```text
//! search ─ successors of a state → normal → key ─ seen before? ─→ number, way there
//!             ├ claim, settle, request   what the code does next (`FOLLOWED` names it)
//!             └ the adversary            what may happen instead
//! ```
//!
//! The adversary kills workers at any step, starts others in their place, and delivers any message
//! to anybody at any moment, also when it is being worked on or acknowledged. A lease may be judged
//! to be over at any moment, although its worker lives and goes on later. A request may fail, be
//! executed without an answer, or be executed late, when its sender has long gone on; S3's 409,
//! which leaves the key absent, is a request that fails. Readings fail, with rows or without, and
//! every step of a claim may end in an error. All of it without limit, but for the number of late
//! requests at a time: the states are finite, for they have neither ages nor numbers of claims.
//!
//! Must hold: the properties of `property.rs` in every state that can be reached. Every rule of
//! the protocol is broken in turn, and the search must find what comes of it (`sabotage.rs`): that
//! is the proof that it can fail. `witness.rs` lists what it must have met.
//!
//! What is taken together: reading back what a create was refused for, and what never changes once
//! it is there; both give later what they give now. A create that failed is tried again by the same
//! step, for reading back an absent key changes nothing. `normal.rs` leaves out more, and a test
//! compares what is seen of the lake with and without it.
//!
//! The search is our own. The crate `stateright` cannot ask whether from every state something
//! leads to the end, and needs features of `serde` and `ahash` that would build DataFusion anew.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a model that goes beyond its own bounds has failed"
)]

#[path = "protocol/state.rs"]
mod state;
#[path = "protocol/store.rs"]
mod store;
#[path = "protocol/model.rs"]
mod model;
#[path = "protocol/claim.rs"]
mod claim;
#[path = "protocol/settle.rs"]
mod settle;
#[path = "protocol/request.rs"]
mod request;
#[path = "protocol/sabotage.rs"]
mod sabotage;
#[path = "protocol/property.rs"]
mod property;
#[path = "protocol/witness.rs"]
mod witness;
#[path = "protocol/normal.rs"]
mod normal;
#[path = "protocol/key.rs"]
mod key;
#[path = "protocol/search.rs"]
mod search;
#[path = "protocol/text.rs"]
mod text;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use model::Model;
use sabotage::{Sabotage, TABLE};
use search::explore;
use state::{Decision, Set, State};
use witness::WITNESSES;

const A: Set = 0b01;
const B: Set = 0b10;
const AB: Set = 0b11;

/// One source. Small, and the one that shows publication file by file.
const ONE: Model = Model {
    workers: 2,
    messages: &[A],
    files: 2,
    delayed: 1,
    again: true,
    reduced: true,
    sabotage: None,
};

/// Two messages that share a source.
const SHARED: Model = Model {
    messages: &[A, AB],
    files: 1,
    ..ONE
};

/// What is explored to its end.
const SCENARIOS: [(&str, Model); 6] = [
    (
        "two workers, one source, two late requests at a time",
        Model { delayed: 2, ..ONE },
    ),
    ("three workers, one source", Model { workers: 3, ..ONE }),
    (
        "two workers, a message of two sources",
        Model {
            messages: &[AB],
            ..SHARED
        },
    ),
    (
        "two workers, two messages",
        Model {
            messages: &[A, B],
            ..SHARED
        },
    ),
    ("two workers, two messages that share a source", SHARED),
    (
        "three workers, a message of two sources, no late requests",
        Model {
            workers: 3,
            messages: &[AB],
            delayed: 0,
            ..SHARED
        },
    ),
];

/// The code that the model follows. Whoever changes one of these looks at the model too.
const FOLLOWED: [(&str, &[&str]); 8] = [
    ("lake/create.rs", &["create_if_absent"]),
    (
        "lake/claim.rs",
        &["claim", "follow", "undecided", "newest_claim"],
    ),
    ("lake/batch.rs", &["commit", "abandon", "decide"]),
    (
        "lake/publish.rs",
        &["publish", "drop_staging", "drop_batch_staging"],
    ),
    ("pipeline/ingest.rs", &["claim_and_read", "refused"]),
    ("pipeline/lane.rs", &["batch", "begin", "fill"]),
    ("pipeline/verdict.rs", &["verdict"]),
    (
        "pipeline/settle.rs",
        &["settle", "commit", "release", "give_all_back", "give_up"],
    ),
];

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "40 s in release, several minutes without optimisation"
)]
fn every_property_holds() {
    let mut met = 0;
    for (name, model) in SCENARIOS {
        let explored = explore(&model, &mut |state| met |= witness::seen(state));
        if let Some(violation) = explored.violation {
            panic!("{name}: {}", violation.trace);
        }
        let (states, steps, depth) = (explored.states, explored.steps, explored.depth);
        println!("{name}: {states} states, {steps} steps, depth {depth}");
    }
    let unmet = (0..WITNESSES.len()).filter(|place| met >> place & 1 == 0);
    let unmet: Vec<&str> = unmet.map(|place| WITNESSES[place].0).collect();
    assert!(unmet.is_empty(), "never met: {unmet:?}");
}

#[test]
fn every_broken_rule_is_found_out() {
    let mut missed = Vec::new();
    for (rule, property) in TABLE {
        let scenario = if rule.needs_two_sources() {
            SHARED
        } else {
            ONE
        };
        let explored = explore(&broken(rule, scenario), &mut |_| {});
        let found = explored.violation.as_ref().map(|found| found.property);
        if found != Some(property) {
            missed.push((rule, found));
        }
        let steps = explored.violation.map_or(0, |found| found.steps);
        println!(
            "{rule:?}: {found:?} after {steps} steps, {} states",
            explored.states
        );
    }
    assert!(missed.is_empty(), "not what was expected: {missed:?}");
}

#[test]
fn a_counterexample_tells_its_story() {
    let model = broken(Sabotage::RefusedCommitIsTheirs, ONE);
    let violation = explore(&model, &mut |_| {}).violation.unwrap();
    assert_eq!(
        violation.trace,
        "a file of a committed batch is neither staged nor published:
       m1 names a
    1   W1 receives m1 for B1
    2   W1 creates the claim of a for B1, and reads it
    3   W1 closes B1, to commit a
    4   W1: stage the events of B1
    5   W1: stage the log of B1
    6 ! W1 has no answer, though executed: commit B1 with a
    7   W1 reads: B1 is committed with a
    8   W1: delete the staged events of B1
       B1: committed with a; rows of a; staged: log; published: nothing
       acknowledged: nothing
"
    );
}

#[test]
fn what_is_left_out_changes_nothing_that_is_seen() {
    let alone = Model {
        workers: 1,
        ..SHARED
    };
    for model in [ONE, alone] {
        let plain = Model {
            reduced: false,
            ..model
        };
        let (plain, reduced) = (seen_of_the_lake(&plain), seen_of_the_lake(&model));
        assert_eq!(plain.1, reduced.1);
        println!(
            "{} states, {} when reduced, {} sights",
            plain.0,
            reduced.0,
            plain.1.len()
        );
        assert!(reduced.0 < plain.0);
    }
}

#[test]
fn the_code_that_the_model_follows_is_there() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut gone = Vec::new();
    for (file, functions) in FOLLOWED {
        let text = fs::read_to_string(source.join(file)).unwrap_or_default();
        let is_there = |name: &&&str| text.contains(&format!("fn {name}("));
        let missing = functions.iter().filter(|name| !is_there(name));
        gone.extend(missing.map(|name| format!("{file}: {name}")));
    }
    assert!(gone.is_empty(), "the model follows what is gone: {gone:?}");
}

fn broken(rule: Sabotage, model: Model) -> Model {
    Model {
        sabotage: Some(rule),
        ..model
    }
}

/// What a reader of the lake may see: what is acknowledged, and of each committed batch its
/// sources, rows, staged and published files.
type Sight = (Set, Vec<[Set; 4]>);

/// How many states there are, and all that may be seen in them.
fn seen_of_the_lake(model: &Model) -> (usize, BTreeSet<Sight>) {
    let mut sights = BTreeSet::new();
    let explored = explore(model, &mut |state| {
        sights.insert(sight(state));
    });
    (explored.states, sights)
}

fn sight(state: &State) -> Sight {
    let mut committed = Vec::new();
    for batch in &state.batches {
        if let Decision::Committed(sources) = batch.decision {
            committed.push([sources, batch.rows, batch.staged, batch.published]);
        }
    }
    committed.sort_unstable();
    (state.acknowledged, committed)
}
