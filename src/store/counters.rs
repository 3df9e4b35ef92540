//! What the store counts. Plain atomics: whoever reads them gets numbers of about the same moment.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Why a copy did not reach the file. The memory tier has it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// More waits for the disk than may wait.
    QueueFull,
    /// `store.maxsize` is reached, and the key is new.
    MaxSize,
    /// The body or its header is larger than the file takes.
    TooLarge,
    /// There is no file (any more).
    NoFile,
}

impl Dropped {
    /// The label in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Dropped::QueueFull => "queue-full",
            Dropped::MaxSize => "max-size",
            Dropped::TooLarge => "too-large",
            Dropped::NoFile => "no-file",
        }
    }

    /// Every reason, in the order of [`Snapshot::dropped`].
    pub const ALL: [Dropped; 4] =
        [Dropped::QueueFull, Dropped::MaxSize, Dropped::TooLarge, Dropped::NoFile];
}

/// The store's figures at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Copies in the file.
    pub copies: u64,
    /// Bytes of live rows in the file.
    pub live_bytes: u64,
    /// Changes that wait for the writer.
    pub queued: u64,
    /// By reason, in the order of [`Dropped::ALL`].
    pub dropped: [u64; 4],
    /// Copies whose bytes were not what was written; none was served.
    pub damaged: u64,
    /// Rows written, unchanged bodies included.
    pub writes: u64,
    pub commits: u64,
    pub last_commit: Duration,
    pub memory_hits: u64,
    pub memory_misses: u64,
    /// Bytes in the memory tier.
    pub memory_bytes: u64,
    pub disk_reads: u64,
    pub disk_hits: u64,
    /// Copies that left the file because `store.ttl` was over.
    pub expired: u64,
    /// Copies that left it to make room under `store.maxsize`.
    pub evicted: u64,
    /// Files set aside since the start.
    pub set_aside: u64,
    /// Copies brought back from a file that was set aside.
    pub brought_back: u64,
    /// How often the disk had no room for a batch.
    pub no_room: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub copies: Count,
    pub live_bytes: Count,
    pub queued: Count,
    pub damaged: Count,
    pub writes: Count,
    pub commits: Count,
    pub last_commit_us: Count,
    pub memory_hits: Count,
    pub memory_misses: Count,
    pub disk_reads: Count,
    pub disk_hits: Count,
    pub expired: Count,
    pub evicted: Count,
    pub set_aside: Count,
    pub brought_back: Count,
    pub no_room: Count,
    dropped: [Count; 4],
}

impl Counters {
    pub fn drop_for(&self, reason: Dropped) {
        self.dropped[reason as usize].up();
    }

    pub fn snapshot(&self, memory_bytes: u64) -> Snapshot {
        Snapshot {
            copies: self.copies.get(),
            live_bytes: self.live_bytes.get(),
            queued: self.queued.get(),
            dropped: [0, 1, 2, 3].map(|reason: usize| self.dropped[reason].get()),
            damaged: self.damaged.get(),
            writes: self.writes.get(),
            commits: self.commits.get(),
            last_commit: Duration::from_micros(self.last_commit_us.get()),
            memory_hits: self.memory_hits.get(),
            memory_misses: self.memory_misses.get(),
            memory_bytes,
            disk_reads: self.disk_reads.get(),
            disk_hits: self.disk_hits.get(),
            expired: self.expired.get(),
            evicted: self.evicted.get(),
            set_aside: self.set_aside.get(),
            brought_back: self.brought_back.get(),
            no_room: self.no_room.get(),
        }
    }
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }

    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
