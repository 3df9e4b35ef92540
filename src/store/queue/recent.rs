//! Which keys were written a short while ago, so that a busy page does not wear the disk out.

use crate::key::EntryId;
use crate::store::change::Change;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// The last writes, by key.
pub(super) struct Recent {
    /// `store.refresh`
    pub refresh: Duration,
    writes: HashMap<EntryId, Write>,
}

struct Write {
    at: Instant,
    class: u64,
}

impl Recent {
    pub fn new(refresh: Duration) -> Self {
        Self { refresh, writes: HashMap::new() }
    }

    /// When this change may be written; `None`: at once.
    pub fn due(&self, id: EntryId, change: &Change, now: Instant) -> Option<Instant> {
        let last = self.writes.get(&id)?;
        let due = last.at + self.refresh;
        (due > now && class_of(change) == Some(last.class)).then_some(due)
    }

    /// Lets go of old writes before `count` more are noted.
    pub fn make_room(&mut self, count: usize, now: Instant) {
        if self.writes.len() + count > WRITES_MAX {
            self.writes.retain(|_, write| write.at + self.refresh > now);
        }
    }

    /// A key that finds no room is simply written again sooner.
    pub fn note(&mut self, id: EntryId, change: &Change, now: Instant) {
        match class_of(change) {
            Some(class) if self.writes.len() < WRITES_MAX && !self.refresh.is_zero() => {
                self.writes.insert(id, Write { at: now, class });
            }
            _ => self.forget(id),
        }
    }

    /// The write did not happen, or what was written is gone.
    pub fn forget(&mut self, id: EntryId) {
        self.writes.remove(&id);
    }
}

/// What makes two copies of one page differ in more than their text.
fn class_of(change: &Change) -> Option<u64> {
    let Change::Put { copy, .. } = change else {
        return None;
    };
    let mut hasher = DefaultHasher::new();
    (copy.status, copy.why as u8, copy.purged).hash(&mut hasher);
    copy.headers.get(CONTENT_ENCODING).hash(&mut hasher);
    copy.headers.get(CONTENT_TYPE).hash(&mut hasher);
    Some(hasher.finish())
}

/// Keys that are remembered.
const WRITES_MAX: usize = 65_536;
