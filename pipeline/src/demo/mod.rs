//! Makes a seeded load of log objects, and counts what it planted while it plants it.
//!
//! In: a [`Plan`]. Out: gzip bodies under the keys that AWS uses, and the [`Truth`] about them.
//!
//! Must hold: the same plan gives the same bytes; no clock, no network, nothing of the product's
//! own decoding or SQL, because the truth is there to judge them.

mod aftermath;
mod audit;
mod changes;
mod cloudtrail;
mod dice;
mod dns;
mod exposure;
mod flow;
mod flow_logs;
mod flow_truth;
mod generate;
mod identity;
mod images;
mod ingress;
mod kms;
mod known_nodes;
mod large;
mod launches;
mod nodes;
mod object;
mod outgoing;
mod people;
mod plan;
mod pod_identity;
mod pods_at_work;
mod record;
mod refusal;
mod rejects;
pub mod report;
mod sts;
mod trail;
mod truth;
mod upgrades;
mod web_identity;
mod world;

pub use audit::BUCKET;
pub use generate::generate;
pub use large::one_large_document;
pub use object::GeneratedObject;
pub use plan::Plan;
pub use record::SESSION_TOKEN_MARK;
pub use truth::{Counts, Truth};
pub use world::reference;

#[cfg(test)]
mod tests;
