//! What the application has done since it was started.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// As they are told to the bench.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Pages made, whether or not somebody still waited for them.
    pub finished: u64,
    /// 500 because too many were inside.
    pub overflows: u64,
    /// 500 because it was told to.
    pub errors: u64,
    /// Inside now, and at most so far.
    pub inside: u64,
    pub most_inside: u64,
}

/// As they are counted.
#[derive(Default)]
pub struct Counting {
    pub finished: AtomicU64,
    pub overflows: AtomicU64,
    pub errors: AtomicU64,
    inside: AtomicU64,
    most_inside: AtomicU64,
}

impl Counting {
    pub fn see_inside(&self, inside: usize) {
        self.inside.store(inside as u64, Relaxed);
        self.most_inside.fetch_max(inside as u64, Relaxed);
    }

    pub fn read(&self) -> Counts {
        Counts {
            finished: self.finished.load(Relaxed),
            overflows: self.overflows.load(Relaxed),
            errors: self.errors.load(Relaxed),
            inside: self.inside.load(Relaxed),
            most_inside: self.most_inside.load(Relaxed),
        }
    }
}
