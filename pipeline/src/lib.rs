//! trailflow: CloudTrail and VPC Flow Logs in S3, to Prometheus series and Parquet, exactly once.
//!
//! ```text
//! SQS ─receive→ notification ─→ claim ─→ fetch ─→ decompress ─→ decode ─→ evaluate
//!                                                                            │
//!       acknowledge ←─ count ←─ publish ←─ commit ←─ stage ←─────────────────┘
//! ```
//!
//! The modules stand in the order of the data. `docs/architecture.md` numbers what must hold
//! (I1 to I10); a test enforces which module may know which.

// The entrance: arguments and configuration become ready parts.
pub mod cli;
pub mod config;
pub mod finding;
pub mod clock;
pub mod service;

// The decoders and the limits are a package of their own, so that the release profile can
// optimise them without paying for the rest.
pub use trailflow_decode as decode;
pub use trailflow_decode::limits;

// The path.
pub mod pipeline;
pub mod queue;
pub mod notification;
pub mod object;
pub mod signal;
pub mod engine;
pub mod lake;
pub mod metrics;

// Around it.
pub mod aws;
pub mod query;
pub mod demo;
pub mod telemetry;
