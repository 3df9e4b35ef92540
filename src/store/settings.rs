use std::path::PathBuf;
use std::time::Duration;

/// What the operator says about keeping copies (`store.*`, `cache.memory`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// `store.path`
    pub path: PathBuf,
    /// `store.ttl`: how long a copy is kept
    pub ttl: Duration,
    /// `store.maxsize`, live bytes in the file
    pub maxsize: u64,
    /// `store.commit`: the shortest time between two commits
    pub commit: Duration,
    /// `store.refresh`: the shortest time between two writes of one copy
    pub refresh: Duration,
    /// `store.cache`: redb's own cache, bytes
    pub cache: usize,
    /// `store.sharing`
    pub sharing: Sharing,
    /// `cache.memory`: the memory tier, bytes
    pub memory: u64,
}

/// Who may have the file open beside the RETTER that writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Those who look (`retter-db`, a RETTER that waits to take over). Needs a file system with
    /// byte-range locks.
    Live,
    /// Nobody.
    Exclusive,
}
