//! Makes a seeded load of log objects, and counts what it planted while it plants it.
//!
//! In: a [`Plan`]. Out: gzip bodies under the keys that AWS uses, and the [`Truth`] about them.
//!
//! Must hold: the same plan gives the same bytes; no clock, no network, nothing of the product's
//! own decoding or SQL, because the truth is there to judge them.

mod cloudtrail;
mod dice;
mod flow;
mod flow_logs;
mod generate;
mod identity;
mod kms;
mod large;
mod object;
mod plan;
mod pod_identity;
mod record;
pub mod report;
mod rejects;
mod sts;
mod truth;
mod web_identity;
mod world;

pub use generate::generate;
pub use large::one_large_document;
pub use object::GeneratedObject;
pub use plan::Plan;
pub use record::SESSION_TOKEN_MARK;
pub use truth::{RejectTruth, Truth};

#[cfg(test)]
mod tests;
