//! The memory tier: hot copies, bounded by their bytes.
//!
//! Found by the hash of the key, given only to the whole key: whoever asks must have the very
//! identity, seal included, that the copy was made for.

use super::Copy;
use crate::key::{EntryId, StoreKey};
use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::sync::Arc;

pub(super) struct Memory {
    cache: Cache<EntryId, Held, ByBytes>,
}

#[derive(Clone)]
struct Held {
    key: Arc<StoreKey>,
    copy: Arc<Copy>,
}

impl Memory {
    /// At most `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        let options = OptionsBuilder::new()
            .weight_capacity(capacity)
            .estimated_items_capacity((capacity / TYPICAL_BYTES) as usize + 1)
            .shards((capacity / SHARD_BYTES).clamp(1, 16) as usize)
            .build()
            // Its one error is a capacity that was not set.
            .expect("both capacities are set");
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { cache: Cache::with_options(options, ByBytes, hasher, lifecycle) }
    }

    pub fn get(&self, id: EntryId, key: &StoreKey) -> Option<Arc<Copy>> {
        let held = self.cache.get(&id)?;
        (*held.key == *key).then_some(held.copy)
    }

    pub fn contains(&self, id: EntryId) -> bool {
        self.cache.contains_key(&id)
    }

    /// The newest wins.
    pub fn insert(&self, id: EntryId, key: Arc<StoreKey>, copy: Arc<Copy>) {
        self.cache.insert(id, Held { key, copy });
    }

    pub fn remove(&self, id: EntryId) {
        self.cache.remove(&id);
    }

    /// What is held stays, but is not fresh any more.
    pub fn purge(&self, id: EntryId) {
        if let Some(Held { key, copy }) = self.cache.get(&id) {
            self.insert(id, key, copy.purged());
        }
    }

    /// All that is held.
    pub fn list(&self) -> Vec<Named> {
        self.cache.iter().map(|(id, held)| (id, held.key, held.copy)).collect()
    }

    /// Copies held.
    pub fn len(&self) -> u64 {
        self.cache.len() as u64
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }
}

/// A copy with all that names it.
pub(super) type Named = (EntryId, Arc<StoreKey>, Arc<Copy>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<EntryId, Held> for ByBytes {
    fn weight(&self, _id: &EntryId, held: &Held) -> u64 {
        (weight(&held.key, &held.copy)) as u64
    }
}

/// About how many bytes a copy keeps from others, its key included.
pub(super) fn weight(key: &StoreKey, copy: &Copy) -> usize {
    let place = &key.place;
    let named = place.host.len() + place.path.len() + place.query.len() + key.variant.len();
    let headers: usize = copy.headers.values().map(|value| value.len() + HEADER_BYTES).sum();
    let at_rest = copy.at_rest.as_ref().map_or(0, Bytes::len);
    copy.body.len() + at_rest + named + headers + OVERHEAD_BYTES
}

/// A shard must hold the largest body (`cache.maxbody`) with room to spare.
const SHARD_BYTES: u64 = 16 * 1024 * 1024;
const TYPICAL_BYTES: u64 = 16 * 1024;
/// A header's name and its places in the map.
const HEADER_BYTES: usize = 64;
/// Key, counters and the cache's own bookkeeping.
const OVERHEAD_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::key::{Identity, Place};
    use crate::policy::Why;
    use http::{HeaderMap, StatusCode};

    fn key() -> StoreKey {
        let part = String::from("/");
        let place =
            Place { scheme: part.clone(), host: part.clone(), path: part.clone(), query: part };
        StoreKey { place: place.into(), identity: Identity::Anonymous, variant: Vec::new() }
    }

    fn put(memory: &Memory, id: u8, bytes: usize) {
        let copy = Copy {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: vec![0; bytes].into(),
            at_rest: None,
            stored_at: UnixMillis(0),
            why: Why::Anonymous,
            purged: false,
        };
        memory.insert(EntryId([id; 16]), Arc::new(key()), Arc::new(copy));
    }

    #[test]
    fn copy_too_large_for_the_tier_takes_the_older_one_with_it() {
        let memory = Memory::new(100_000);
        put(&memory, 1, 10);
        assert!(memory.get(EntryId([1; 16]), &key()).is_some());
        put(&memory, 1, 200_000);
        assert!(memory.get(EntryId([1; 16]), &key()).is_none());
    }

    #[test]
    fn tier_stays_within_its_bytes_and_holds_the_largest_body() {
        let memory = Memory::new(64 * 1024 * 1024);
        for id in 0..=255 {
            put(&memory, id, 1_000_000);
        }
        assert!(memory.bytes() <= 64 * 1024 * 1024 && memory.bytes() > 40_000_000);
        put(&memory, 0, 8 * 1024 * 1024);
        assert_eq!(memory.get(EntryId([0; 16]), &key()).map(|c| c.body.len()), Some(8 << 20));
    }
}
