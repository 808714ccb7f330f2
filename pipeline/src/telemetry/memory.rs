//! How much memory the process has, as the kernel counts it.

use std::fs;

/// The page size of every platform that the service is built for.
const PAGE_BYTES: f64 = 4096.0;

/// Resident bytes; nothing where the kernel does not say (not Linux).
pub fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) * PAGE_BYTES)
}
