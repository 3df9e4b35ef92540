//! The file, its one writer, the memory tier and the index above it.
//!
//! A copy is looked for in three places, in this order: the memory tier, what waits for the
//! writer, the file. A copy that is put is in the first two at once, so the newest is what
//! everybody sees, and nobody waits for the disk to write. The file holds what must outlive the
//! process; without it (locked, damaged, disk full) everything else goes on.
//!
//! The store refuses: to serve bytes whose checksums do not match, to give a copy to anybody but
//! the whole key it was made for, to write a person's copy unsealed, and to take the disk away
//! from the application's database (it gets a twentieth of its time, see `pace`).
//!
//! # What is where
//! `file` opens, `meta` is what the file says about itself, `entry` and `body` are a copy's rows,
//! [`breakers`] those of the breakers, all in the frame of `row`; `seal` closes a person's copies. The way in: `queue`, `pace`, `plan`, `change`, `writer`. The way out:
//! `recall`, `lookup`. The way for `retter-db`: [`reader`], over `overlay` when the file was not
//! closed. What is done to a file that no RETTER has: [`upkeep`].

mod body;
pub mod breakers;
mod change;
mod counters;
mod entry;
mod file;
mod index;
mod lookup;
mod memory;
mod meta;
mod overlay;
mod pace;
mod plan;
mod queue;
pub mod reader;
mod recall;
mod row;
mod seal;
mod settings;
mod shared;
mod trouble;
pub mod upkeep;
mod writer;

pub use counters::{Dropped, Snapshot};
pub use settings::Settings;
pub use trouble::Trouble;

use crate::clock::UnixMillis;
use crate::key::{EntryId, Secret, StoreKey};
use crate::policy::Why;
use bytes::Bytes;
use change::Change;
use counters::Counters;
use http::{HeaderMap, StatusCode};
use index::Index;
use memory::Memory;
use parking_lot::Mutex;
use queue::Queue;
use shared::{Shared, Slot};
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
    pub stored_at: UnixMillis,
    pub why: Why,
}

impl Store {
    /// Never fails: what cannot be opened is said in the log, and RETTER goes on with memory.
    /// `application` is its base URL: a file of another one is emptied. Blocks for some
    /// milliseconds. `now` says which copies have expired.
    pub fn open(settings: Settings, application: &str, now: UnixMillis) -> Store {
        match file::open(&settings, application) {
            Ok(opened) => Self::with_file(settings, application, opened, now),
            Err(trouble) => Self::without_file(settings, application, trouble, now),
        }
    }

    /// The secret that keys the hashes of identities: the file's, so that they outlive a restart.
    pub fn secret(&self) -> &Secret {
        &self.shared.secret
    }

    /// Why there is no file, while there is none.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble.lock().clone()
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
    /// that a thousand visitors ask for at once need not be kept a thousand times.
    pub fn just_kept(&self, key: &StoreKey, now: UnixMillis) -> Option<Arc<Copy>> {
        let held = self.shared.memory.get(key.id(), key)?;
        (held.stored_at.0 / 1000 == now.0 / 1000).then_some(held)
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
        let change = (on_disk && refused.is_none())
            .then(|| Change::Put { key: key.clone(), copy: copy.clone() });
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

    fn with_file(
        settings: Settings,
        application: &str,
        opened: file::Opened,
        now: UnixMillis,
    ) -> Self {
        let secret = Secret(opened.meta.secret);
        let store = Self::new(settings, application, secret, now);
        store.shared.file.set(opened.db);
        store.shared.load_index();
        if let Err(error) = Writer::start(store.shared.clone(), opened.meta) {
            store.give_up(Trouble::Io(error.to_string()));
        }
        store
    }

    fn without_file(
        settings: Settings,
        application: &str,
        trouble: Trouble,
        now: UnixMillis,
    ) -> Self {
        let store = Self::new(settings, application, Secret(seal::random()), now);
        store.give_up(trouble);
        store
    }

    fn new(settings: Settings, application: &str, secret: Secret, opened_at: UnixMillis) -> Self {
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared {
            application: application.to_owned(),
            opened_at,
            secret,
            memory: Memory::new(settings.memory),
            queue: Queue::new(settings.refresh, counters.clone()),
            index: Index::default(),
            counters,
            file: Slot::default(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            trouble: Mutex::new(None),
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
