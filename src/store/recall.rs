//! The way out: memory tier, then what waits for the writer, then the file.

use super::change::Change;
use super::handle::Handle;
use super::lookup::{self, Answer};
use super::{Copy, Store};
use crate::clock::UnixMillis;
use crate::key::{EntryId, StoreKey};
use std::sync::Arc;

impl Store {
    /// Is there a copy? From memory; only until the index is loaded does a miss ask the file.
    pub async fn has(&self, id: EntryId) -> bool {
        let shared = &self.shared;
        if shared.memory.contains(id) {
            return true;
        }
        match shared.queue.look(id).1.as_deref() {
            Some(change) if !change.leaves_it_to_the_file() => {
                matches!(change, Change::Put { .. })
            }
            _ if shared.index.contains(id) => true,
            _ if shared.index.is_loaded() => false,
            _ => self.ask_file(move |db| lookup::has(db, id)).await.unwrap_or(false),
        }
    }

    /// The copy of this very key, whose id is `id` (it takes longer to make than the rest does), if there
    /// is a sound one not older than `store.ttl`. Reads the file when memory does not have it; never waits
    /// for a write.
    pub async fn get(&self, id: EntryId, key: &StoreKey, now: UnixMillis) -> Option<Arc<Copy>> {
        let copy = match self.recall(id, key) {
            Recalled::Copy(copy) => copy,
            Recalled::Nothing => return None,
            Recalled::AskFile { epoch, purged } => self.read(id, key, epoch, purged, now).await?,
        };
        (now.since(copy.stored_at) <= self.shared.settings.ttl).then_some(copy)
    }

    fn recall(&self, id: EntryId, key: &StoreKey) -> Recalled {
        let counters = &self.shared.counters;
        let found = match self.shared.memory.get(id, key) {
            Some(copy) => Recalled::Copy(copy),
            None => self.recall_waiting(id, key),
        };
        match found {
            Recalled::Copy(_) => counters.memory_hits.up(),
            _ => counters.memory_misses.up(),
        }
        found
    }

    /// What waits for the writer is newer than what the file has.
    fn recall_waiting(&self, id: EntryId, key: &StoreKey) -> Recalled {
        match self.shared.queue.look(id) {
            (epoch, None) => Recalled::AskFile { epoch, purged: false },
            (epoch, Some(change)) => match &*change {
                change if change.leaves_it_to_the_file() => {
                    Recalled::AskFile { epoch, purged: matches!(change, Change::Purge) }
                }
                Change::Put { key: own, copy, .. } if **own == *key => Recalled::Copy(copy.clone()),
                _ => Recalled::Nothing,
            },
        }
    }

    /// From the file, and into the memory tier.
    async fn read(
        &self,
        id: EntryId,
        key: &StoreKey,
        epoch: u64,
        purged: bool,
        now: UnixMillis,
    ) -> Option<Arc<Copy>> {
        let ttl = u64::try_from(self.shared.settings.ttl.as_millis()).unwrap_or(u64::MAX);
        let oldest = UnixMillis(now.0.saturating_sub(ttl));
        let key = Arc::new(key.clone());
        let asked = key.clone();
        let answer = self.ask_file(move |db| lookup::read(db, id, &asked, oldest)).await?;
        let mut copy = self.sound(id, answer)?;
        copy.purged |= purged;
        let copy = Arc::new(copy);
        let memory = &self.shared.memory;
        self.shared.queue.unless_changed_since(epoch, id, || memory.insert(id, key, copy.clone()));
        Some(copy)
    }

    /// A damaged copy is never served: it is dropped, and the next good answer takes its place.
    fn sound(&self, id: EntryId, answer: Answer) -> Option<Copy> {
        match answer {
            Answer::Copy(copy) => {
                self.shared.counters.disk_hits.up();
                Some(copy)
            }
            Answer::Damaged { damage, row_hash } => {
                self.shared.counters.damaged.up();
                let file = self.shared.settings.path.display();
                tracing::warn!(%file, damage = damage.as_str(), "a damaged copy was dropped");
                self.shared.queue.push(id, Some(Change::Discard { row_hash }), || {});
                None
            }
            Answer::Missing | Answer::Expired | Answer::Sealed => None,
        }
    }

    /// A bounded number of reads at a time, off the async threads. `None`: no file, or it failed.
    async fn ask_file<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Handle) -> Result<T, redb::Error> + Send + 'static,
    ) -> Option<T> {
        let permit = self.shared.reads.clone().acquire_owned().await.ok()?;
        let db = self.shared.file.get()?;
        self.shared.counters.disk_reads.up();
        let shared = self.shared.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            ask(&db).inspect_err(|fault| shared.lost(&db, fault)).ok()
        });
        asking.await.ok().flatten()
    }
}

/// What can be said without the file.
enum Recalled {
    Copy(Arc<Copy>),
    /// Gone, or another's.
    Nothing,
    /// The file may know; `epoch` says whether its answer is still the newest. `purged`: it does not
    /// know that yet.
    AskFile {
        epoch: u64,
        purged: bool,
    },
}
