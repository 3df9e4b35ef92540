//! The file, its one writer, the memory tier and the index above it.
//!
//! A copy is looked for in three places, in this order: the memory tier, what waits for the
//! writer, the file. A copy that is put is in the first two at once, so the newest is what
//! everybody sees, and nobody waits for the disk to write. The file holds what must outlive the
//! process; without it everything else goes on:
//!
//! | the file is... | RETTER |
//! |---|---|
//! | another RETTER's | reads beside it, collects, and is the writer when that one gives it up |
//! | not closed, and to be read whole before it can be used | sets it aside, begins a new one, brings the copies back in the background |
//! | damaged | sets it aside (one is kept), begins a new one |
//! | of a newer RETTER, or none of ours, or without byte-range locks | leaves it alone, memory only |
//! | on a full disk | reads on, collects, and writes within seconds of there being room |
//! | out of reach (folder, permission, I/O) | memory only, tries again every few seconds |
//!
//! The store refuses: to serve bytes whose checksums do not match, to give a copy to anybody but
//! the whole key it was made for, to write a person's copy unsealed, and to take the disk away
//! from the application's database (it gets a twentieth of its time, see `pace`).
//!
//! # What is where
//! `gain` gets hold of the file, `file` opens it, `handle` holds it; what cannot be used goes `aside`,
//! and `recover` brings back what was in it; an `attempt` that ends the process is not made for ever. `meta` is what the file says about itself, `entry` and
//! `body` are a copy's rows, [`breakers`] those of the breakers, all in the frame of `row`; `seal`
//! closes a person's copies; [`coverage`] is a row of `meta`. The way in: `queue`, `pace`, `plan`, `change`, `commit`, `writer`, and
//! out again by age or size: `sweep`. The way to a reader: `recall`, `lookup`. Out for
//! good: `purge`, of what [`select`] means. The way for `retter-db`: [`reader`], over `overlay` when
//! the file was not closed. What is done to a file that no RETTER has: [`upkeep`].

mod aside;
mod attempt;
mod body;
pub mod breakers;
mod change;
mod commit;
mod counters;
pub mod coverage;
mod entry;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod gain;
mod handle;
mod index;
mod lookup;
mod memory;
mod meta;
mod overlay;
mod pace;
mod plan;
mod purge;
mod queue;
pub mod reader;
mod recall;
mod recover;
mod row;
mod seal;
pub mod select;
mod settings;
mod shared;
mod space;
mod sweep;
mod trouble;
pub mod upkeep;
mod writer;

pub use counters::{Dropped, Snapshot};
pub use purge::{PurgeError, Purged, purge_closed};
pub use settings::{Settings, Sharing};
pub use trouble::Trouble;

use crate::clock::UnixMillis;
use crate::key::{EntryId, Secret, StoreKey};
use crate::policy::Why;
use bytes::Bytes;
use change::Change;
use counters::Counters;
use handle::Slot;
use http::{HeaderMap, StatusCode};
use index::Index;
use memory::Memory;
use parking_lot::{Mutex, RwLock};
use queue::Queue;
use shared::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use writer::Writer;

/// The copies. Cheap to clone; when the last clone is dropped, the writer finishes by itself.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    _last: Arc<CloseOnDrop>,
}

/// One stored response, as the application sent it (at-rest compression and seal taken off).
#[derive(Clone, Debug)]
pub struct Copy {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body once more, as the zstd frame that the file has of it: only of a copy that was read from
    /// there, and where it was worth packing.
    pub at_rest: Option<Bytes>,
    pub stored_at: UnixMillis,
    pub why: Why,
    /// Purged softly: kept for an outage, and not fresh whatever its age.
    pub purged: bool,
}

impl Copy {
    /// The same copy, after a soft purge.
    fn purged(&self) -> Arc<Self> {
        Arc::new(Self { purged: true, ..self.clone() })
    }
}

impl Store {
    /// Never fails: what cannot be opened is said in the log, and RETTER goes on with what can be
    /// read and with memory, and takes the file when it can. `application` is its base URL: a file
    /// of another one is emptied. Blocks for some milliseconds. `now` says which copies have
    /// expired.
    pub fn open(settings: Settings, application: &str, now: UnixMillis) -> Store {
        let store = Self::new(settings, application, Secret(seal::random()), now);
        let gained = store.shared.gain();
        let meta = match gained {
            Err(trouble) if trouble.is_hopeless() => {
                store.give_up(trouble);
                return store;
            }
            Err(trouble) => {
                store.shared.say(trouble);
                None
            }
            Ok(meta) => Some(meta),
        };
        if let Err(error) = Writer::start(store.shared.clone(), meta) {
            store.give_up(Trouble::Io(error.to_string()));
        }
        store
    }

    /// The secret that keys the hashes of identities: the file's, so that they outlive a restart.
    pub fn secret(&self) -> Secret {
        self.shared.secret.read().clone()
    }

    /// Why the file is not written, while it is not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble.lock().clone()
    }

    /// The file is this RETTER's to write; for a moment after a fault it is not.
    pub fn is_writer(&self) -> bool {
        self.shared.file.is_own()
    }

    /// This RETTER is about to end: another one that waits for the file may have it. What is put
    /// from now on is written by [`Store::close`], if nobody has the file then.
    pub fn yield_file(&self) {
        self.shared.queue.yield_file();
    }

    /// The store's figures.
    pub fn counters(&self) -> Snapshot {
        self.shared.counters.snapshot(self.shared.memory.bytes())
    }

    /// How many copies there are: those in the file, or those in memory if they are more.
    pub fn copies(&self) -> u64 {
        self.counters().copies.max(self.shared.memory.len())
    }

    /// What was put under this key within this second, which is as fine as `Age` can tell: a page
    /// that a thousand visitors ask for at once need not be kept a thousand times. A purged copy does
    /// not count: the next good answer takes its place.
    pub fn just_kept(&self, key: &StoreKey, now: UnixMillis) -> Option<Arc<Copy>> {
        let held = self.shared.memory.get(key.id(), key)?;
        (!held.purged && held.stored_at.0 / 1000 == now.0 / 1000).then_some(held)
    }

    /// Is there a copy already, as far as is known without the file? While that is not known, yes.
    pub fn knows(&self, id: EntryId) -> bool {
        let Shared { memory, index, queue, .. } = &*self.shared;
        !index.is_loaded()
            || memory.contains(id)
            || index.contains(id)
            || queue.look(id).1.is_some()
    }

    /// Never waits for the disk: memory has it at once, the file when its turn comes. `on_disk`
    /// false: memory tier only.
    pub fn put(&self, key: StoreKey, copy: Copy, on_disk: bool) {
        let id = key.id();
        let (key, copy) = (Arc::new(key), Arc::new(copy));
        let Shared { memory, queue, counters, .. } = &*self.shared;
        let refused = on_disk.then(|| change::refused(&copy)).flatten();
        if let Some(reason) = refused {
            counters.drop_for(reason);
        }
        let change = (on_disk && refused.is_none()).then(|| Change::Put {
            key: key.clone(),
            copy: copy.clone(),
            anew: false,
        });
        queue.push(id, change, || memory.insert(id, key, copy));
    }

    /// The page is gone: from this call on nobody is given its copy.
    pub fn forget(&self, id: EntryId) {
        let Shared { memory, queue, .. } = &*self.shared;
        queue.push(id, Some(Change::Forget), || memory.remove(id));
    }

    /// Commits what is queued and ends the writer, in 5 seconds at most. What is put afterwards
    /// lives in memory only.
    pub async fn close(&self) {
        let shared = self.shared.clone();
        shared.queue.close();
        let ended = tokio::task::spawn_blocking(move || shared.queue.wait_for_end(CLOSE_MAX)).await;
        if !ended.unwrap_or(false) {
            let file = self.shared.settings.path.display();
            tracing::warn!(%file, "the file did not take everything in time");
        }
    }

    fn new(settings: Settings, application: &str, secret: Secret, opened_at: UnixMillis) -> Self {
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared {
            application: application.to_owned(),
            opened_at,
            secret: RwLock::new(secret),
            memory: Memory::new(settings.memory),
            queue: Queue::new(settings.refresh, counters.clone()),
            index: Index::default(),
            counters,
            file: Slot::default(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            purging: Mutex::new(()),
            trouble: Mutex::new(None),
            strikes: Mutex::default(),
            settings,
        });
        Self { _last: Arc::new(CloseOnDrop(shared.clone())), shared }
    }

    /// Memory only, for good.
    fn give_up(&self, trouble: Trouble) {
        self.shared.file.release();
        self.shared.queue.end();
        self.shared.index.set_loaded();
        self.shared.say(trouble);
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// Reads of the file at one time; more would only wait for the disk together.
const READS_MAX: usize = 8;
/// What a disk that hangs may cost when RETTER ends.
const CLOSE_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
