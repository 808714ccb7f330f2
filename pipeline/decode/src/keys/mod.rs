//! TOML that people write, read key by key: the headers of signals and the configuration.
//!
//! In: text, and a table with a row for each key that may stand in it. Out: the values in place,
//! where each was written, and every mistake.
//!
//! Must hold: a key without a row is refused; one mistake hides no other. Not here: what a value
//! means.

pub mod key;
pub mod place;
pub mod walk;
pub mod nearest;
pub(crate) mod quantity;
