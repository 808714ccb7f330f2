//! Who wrote a claim, so that a successor on the same machine need not wait for a lease.
//!
//! Must hold: "gone" is only said of a process that this machine can look for, in the same
//! process namespace; of any other the lease decides.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process of trailflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Host name, boot and process namespace.
    pub host: String,
    /// Process id in that namespace.
    pub pid: u32,
    /// Start time of the process in clock ticks since boot: process ids are used again.
    pub started: u64,
}

impl Worker {
    /// This process.
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            pid,
            started: start_ticks(pid).unwrap_or_default(),
        }
    }

    /// True when the process certainly does not run any more.
    pub fn is_gone(&self) -> bool {
        let here = host();
        here == self.host
            && !here.is_empty()
            && start_ticks(self.pid) != Some(self.started)
            // Some machines hide the processes of others (`hidepid`): there the first one is hidden too.
            && start_ticks(1).is_some()
    }
}

/// Empty where the kernel does not say (not Linux): then nobody is ever known to be gone.
fn host() -> String {
    let read = |path| fs::read_to_string(path).ok();
    let namespace = fs::read_link("/proc/self/ns/pid").ok();
    match (
        read("/proc/sys/kernel/hostname"),
        read("/proc/sys/kernel/random/boot_id"),
        namespace,
    ) {
        (Some(name), Some(boot), Some(namespace)) => {
            format!("{}/{}/{}", name.trim(), boot.trim(), namespace.display())
        }
        _ => String::new(),
    }
}

/// Field 22 of `/proc/<pid>/stat`; the name before it may hold spaces and brackets.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_is_gone_and_this_one_is_not() {
        let this = Worker::this_process();
        assert!(!this.is_gone());
        assert!(
            Worker {
                started: this.started + 1,
                ..this.clone()
            }
            .is_gone()
        );
        assert!(
            !Worker {
                host: "elsewhere".into(),
                started: 1,
                ..this
            }
            .is_gone()
        );
    }
}
