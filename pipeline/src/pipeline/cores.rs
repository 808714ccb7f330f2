//! The cores that decoders may take: as many decoders work at once as help, and no more.
//!
//! In: a decoder that has all its bytes. Out: leave to go on. Must hold: what is inflated in one go
//! is held by as many decoders as have leave, however many objects are in flight; a decoder that
//! waits for the network holds none.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::limits::{CORES_MIN, MEMORY_PER_CORE};

/// Cores that are free.
#[derive(Debug)]
pub struct Cores {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Leave to use a core, until it is dropped.
#[derive(Debug)]
pub struct Core<'a>(&'a Cores);

impl Cores {
    /// As many as this machine has, while the memory for rows and queries bears what they hold: while a
    /// decoder waits for its lane, the lane works.
    pub fn of_this_machine(memory_bytes_max: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(cores.min(Self::borne_by(memory_bytes_max)))
    }

    /// How many decoders so much memory bears.
    fn borne_by(memory_bytes_max: usize) -> usize {
        (memory_bytes_max / MEMORY_PER_CORE).max(CORES_MIN)
    }

    /// That many cores, all of them free.
    pub fn new(cores: usize) -> Self {
        Self {
            free: Mutex::new(cores),
            freed: Condvar::new(),
        }
    }

    /// Waits for one. Blocks.
    pub fn take(&self) -> Core<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Core(self)
    }
}

impl Drop for Core<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_machine_of_many_cores_takes_no_more_memory_than_is_allowed() {
        let borne = |mebibytes: usize| Cores::borne_by(mebibytes * 1024 * 1024);
        assert_eq!([borne(1), borne(512), borne(4096)], [2, 8, 64]);
    }

    #[test]
    fn no_more_than_there_are_work_at_once() {
        let cores = Cores::new(3);
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|threads| {
            for _ in 0..16 {
                threads.spawn(|| {
                    for _ in 0..100 {
                        let _core = cores.take();
                        let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        working.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(*cores.free.lock().unwrap(), 3);
    }
}
