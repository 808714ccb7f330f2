//! trailflow: CloudTrail and VPC Flow Logs in S3, to Prometheus series and Parquet, exactly once.
//!
//! ```text
//! SQS ─receive→ notification ─→ claim ─→ fetch ─→ decompress ─→ decode ─→ evaluate
//!                                                                            │
//!       acknowledge ←─ publish ←─ count ←─ commit ←─ stage ←─────────────────┘
//! ```
//!
//! The modules stand in the order of the data. `docs/architecture.md` numbers what must hold
//! (I1 to I12); a test enforces which module may know which.

// The entrance: arguments and configuration become ready parts.
pub mod cli;
pub mod config;
pub mod clock;
pub mod schedule;
pub mod service;

// What reads bytes and text from elsewhere is a package of its own: pure, optimised without paying
// for the rest, and fuzzed without building it.
pub use trailflow_decode as decode;
pub use trailflow_decode::{finding, limits, notification, signal};

// The path.
pub mod pipeline;
pub mod queue;
pub mod object;
pub mod engine;
pub mod lake;
pub mod metrics;

// Around it.
pub mod aws;
mod causes;
pub mod query;
pub mod seal;
pub mod demo;
pub mod doctor;
mod running;
pub mod telemetry;
