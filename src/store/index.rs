//! Which copies the file has, without asking the file: "is there a copy?" comes with every
//! request.
//!
//! Loaded in the background after the start, from `expiry.v1` and from the present hour on, so that
//! expired copies do not count. Bounded by the file's own size.

use super::file::{EXPIRY, guarded};
use super::handle::Handle;
use crate::clock::UnixMillis;
use crate::key::EntryId;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Default)]
pub(super) struct Index {
    ids: Mutex<Ids>,
    loaded: AtomicBool,
}

#[derive(Default)]
struct Ids {
    present: HashSet<EntryId>,
    /// Removed while loading: the loader reads an older snapshot and must not bring them back.
    gone: HashSet<EntryId>,
}

impl Index {
    /// False before [`Index::is_loaded`] means only "not seen yet".
    pub fn contains(&self, id: EntryId) -> bool {
        self.ids.lock().present.contains(&id)
    }

    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    pub fn insert(&self, id: EntryId) {
        let mut ids = self.ids.lock();
        ids.gone.remove(&id);
        ids.present.insert(id);
    }

    pub fn remove(&self, id: EntryId) {
        let mut ids = self.ids.lock();
        ids.present.remove(&id);
        if !self.is_loaded() {
            ids.gone.insert(id);
        }
    }

    /// Reads the ids of all copies that have not expired by `now`, in short transactions, and asks
    /// for the file anew for each. Without a file, or with a fault, the index stays unloaded: the
    /// file is asked then. `expected` copies have their room from the start: a table that grows
    /// leaves half as much again behind.
    pub fn load(
        &self,
        expected: u64,
        file: impl Fn() -> Option<Arc<Handle>>,
        now: UnixMillis,
    ) -> Result<(), (Arc<Handle>, redb::Error)> {
        let mut from = Bound::Included(expiry_key(now.0, EntryId([0; 16])));
        self.ids.lock().present.reserve(expected.min(EXPECTED_MAX) as usize);
        while let Some(db) = file() {
            let started = Instant::now();
            match guarded(|| self.load_some(&db, from)) {
                Ok(Some(last)) => {
                    from = Bound::Excluded(last);
                    std::thread::sleep(started.elapsed() * PAUSES);
                }
                Ok(None) => {
                    self.set_loaded();
                    break;
                }
                Err(fault) => return Err((db, fault)),
            }
        }
        Ok(())
    }

    /// What it knows is of a file that is gone.
    pub fn clear(&self) {
        let mut ids = self.ids.lock();
        *ids = Ids::default();
        self.loaded.store(false, Ordering::Release);
    }

    /// There is no file to load from.
    pub fn set_loaded(&self) {
        let mut ids = self.ids.lock();
        self.loaded.store(true, Ordering::Release);
        ids.gone = HashSet::new();
    }

    /// One transaction's worth; the last key seen, `None` at the end.
    fn load_some(
        &self,
        db: &Handle,
        from: Bound<[u8; 20]>,
    ) -> Result<Option<[u8; 20]>, redb::Error> {
        let table = db.begin_read()?.open_table(EXPIRY)?;
        let range = (from.as_ref(), Bound::Unbounded);
        let mut last = None;
        let mut seen = Vec::with_capacity(ROWS);
        for row in table.range::<&[u8; 20]>(range)?.take(ROWS) {
            let key = *row?.0.value();
            seen.push(split_expiry_key(&key).1);
            last = Some(key);
        }
        self.extend(seen);
        Ok(last)
    }

    fn extend(&self, seen: Vec<EntryId>) {
        let ids = &mut *self.ids.lock();
        ids.present.extend(seen.into_iter().filter(|id| !ids.gone.contains(id)));
    }
}

/// A key of `expiry.v1`: the hour of this moment (milliseconds since 1970), then the entry.
pub(super) fn expiry_key(expires_at: u64, id: EntryId) -> [u8; 20] {
    let mut key = [0; 20];
    key[..4].copy_from_slice(&hour_of(expires_at).to_be_bytes());
    key[4..].copy_from_slice(&id.0);
    key
}

/// Hour and entry of a key of `expiry.v1`.
pub(super) fn split_expiry_key(key: &[u8; 20]) -> (u32, EntryId) {
    let (mut hour, mut id) = ([0; 4], [0; 16]);
    hour.copy_from_slice(&key[..4]);
    id.copy_from_slice(&key[4..]);
    (u32::from_be_bytes(hour), EntryId(id))
}

/// The hour of a moment, since 1970.
pub(super) fn hour_of(moment: u64) -> u32 {
    u32::try_from(moment / MILLIS_AN_HOUR).unwrap_or(u32::MAX)
}

const MILLIS_AN_HOUR: u64 = 3_600_000;
/// Rows a transaction; a page that a reader holds cannot be reused.
const ROWS: usize = 1_000;
/// A fifth of one processor: the first visitors of a small server are rescued meanwhile, and would
/// wait behind a thread that never pauses.
const PAUSES: u32 = 4;
/// The number comes from the file, and may be damaged: this many cost 36 MB at once.
const EXPECTED_MAX: u64 = 1 << 20;
