//! Where an object's bytes come from: S3, or a directory that stands for it.
//!
//! In: an [`ObjectRef`]. Out: a stream of its bytes as stored. What is in them, and what a name
//! says, is told by `trailflow_decode::object`, which is part of this module.
//!
//! Must hold: what is read is the version that was claimed (I3).

pub mod directory;
pub mod earliest;
pub mod fetch;
pub mod s3;
pub mod s3_listing;
mod stream;

pub use trailflow_decode::object::*;
