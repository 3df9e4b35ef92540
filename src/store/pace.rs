//! When the writer may commit.
//!
//! The disk belongs to the application's database. A commit costs two fsyncs and, with quick
//! repair, the allocator's state (an eighth of a thousandth of the file), so commits come in batches,
//! and the slower the disk or the larger the file, the less often.

use std::time::{Duration, Instant};

/// The writer's clock: facts about the last commit, and the intervals that follow from them.
pub(super) struct Pace {
    /// `store.commit`
    pub commit: Duration,
    last: Option<Last>,
}

struct Last {
    ended: Instant,
    took: Duration,
    allocator_bytes: u64,
}

impl Pace {
    pub fn new(commit: Duration) -> Self {
        Self { commit, last: None }
    }

    pub fn committed(&mut self, ended: Instant, took: Duration, file_bytes: u64) {
        let allocator_bytes = file_bytes / FILE_BYTES_PER_ALLOCATOR_BYTE;
        self.last = Some(Last { ended, took, allocator_bytes });
    }

    /// When changes that wait since `since` are committed.
    pub fn due(&self, since: Instant) -> Instant {
        (since + self.commit).max(self.soon(since))
    }

    /// The same for what `store.commit` does not hold up.
    pub fn soon(&self, since: Instant) -> Instant {
        let Some(last) = &self.last else { return since };
        let allocator = Duration::from_micros(last.allocator_bytes / ALLOCATOR_BYTES_A_MICRO);
        self.earliest(since).max(last.ended + allocator)
    }

    /// When they are committed at the earliest, however many wait: the file gets a twentieth of the
    /// disk's time at most.
    pub fn earliest(&self, since: Instant) -> Instant {
        self.last.as_ref().map_or(since, |last| last.ended + last.took * DISK_SHARE)
    }
}

/// redb keeps some 122 KB of allocator state for each GB of file.
const FILE_BYTES_PER_ALLOCATOR_BYTE: u64 = 8_192;
/// 10 MB/s.
const ALLOCATOR_BYTES_A_MICRO: u64 = 10;
/// One part in twenty.
const DISK_SHARE: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_slow_disk_is_left_alone_for_twenty_times_as_long() {
        let start = Instant::now();
        let mut pace = Pace::new(50 * MS);
        assert_eq!(pace.due(start), start + 50 * MS);
        pace.committed(start, 10 * MS, 0);
        assert_eq!(pace.earliest(start), start + 200 * MS);
        assert_eq!(pace.due(start), start + 200 * MS);
        assert_eq!(pace.due(start + 190 * MS), start + 240 * MS);
    }

    #[test]
    fn a_large_file_is_committed_less_often() {
        let start = Instant::now();
        let mut pace = Pace::new(50 * MS);
        pace.committed(start, MS, 8 * 1024 * 1024 * 1024);
        assert_eq!(pace.earliest(start), start + 20 * MS);
        assert!(pace.due(start) >= start + 100 * MS);
    }
}
