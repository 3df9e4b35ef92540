//! What readers and the writer share.

use super::Settings;
use super::counters::Counters;
use super::index::Index;
use super::memory::Memory;
use super::queue::Queue;
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use crate::key::Secret;
use parking_lot::{Mutex, RwLock};
use redb::Database;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

pub(super) struct Shared {
    pub settings: Settings,
    pub application: String,
    /// When the store was opened: what had expired by then is not in the index.
    pub opened_at: UnixMillis,
    pub secret: Secret,
    pub memory: Memory,
    pub queue: Queue,
    pub index: Index,
    pub counters: Arc<Counters>,
    pub file: Slot,
    /// Reads of the file at one time.
    pub reads: Arc<Semaphore>,
    pub trouble: Mutex<Option<Trouble>>,
    /// One purge at a time.
    pub purging: Mutex<()>,
}

impl Shared {
    /// After a fault: nobody uses this handle any more, and the file is opened again.
    pub fn lost(&self, db: &Arc<Database>, fault: &redb::Error) {
        if self.file.discard(db) {
            let file = self.settings.path.display();
            tracing::warn!(%file, %fault, "the file failed: going on with memory, opening it again");
            self.queue.ask_for_reopen();
        }
    }

    /// Remembers what is wrong and says it once.
    pub fn say(&self, trouble: Trouble) {
        let mut known = self.trouble.lock();
        if known.as_ref() != Some(&trouble) {
            let (file, remedy) = (self.settings.path.display(), trouble.remedy());
            tracing::warn!(%file, reason = %trouble, remedy, "no file: copies are kept in memory only");
            *known = Some(trouble);
        }
    }

    /// The file can be used again.
    pub fn found(self: &Arc<Self>) {
        *self.trouble.lock() = None;
        if !self.index.is_loaded() {
            self.load_index();
        }
        tracing::info!(file = %self.settings.path.display(), "the file is back");
    }
}

impl Shared {
    /// In a thread of its own, so that the first rescue does not wait for it. Until it is loaded, the
    /// file is asked.
    pub fn load_index(self: &Arc<Self>) {
        let shared = self.clone();
        let load = move || {
            let file = || shared.file.get();
            if let Err((db, fault)) = shared.index.load(file, shared.opened_at) {
                shared.lost(&db, &fault);
            }
        };
        let started = std::thread::Builder::new().name("retter-index".into()).spawn(load);
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to load the index: the file is asked instead");
        }
    }
}

/// The file's handle, while there is one.
#[derive(Default)]
pub(super) struct Slot(RwLock<Handles>);

#[derive(Default)]
struct Handles {
    present: Option<Arc<Database>>,
    /// Not given out any more; whoever has it is finishing.
    retired: Option<Arc<Database>>,
}

impl Slot {
    pub fn get(&self) -> Option<Arc<Database>> {
        self.0.read().present.clone()
    }

    pub fn set(&self, db: Database) {
        self.0.write().present = Some(Arc::new(db));
    }

    /// Closes the file as soon as nobody reads it, and waits for that a second at most: until it is
    /// closed nobody can open it again.
    pub fn release(&self) {
        let handles = std::mem::take(&mut *self.0.write());
        let until = Instant::now() + RELEASE_MAX;
        for db in [handles.present, handles.retired].into_iter().flatten() {
            while Arc::strong_count(&db) > 1 && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// False when another handle has taken its place already.
    fn discard(&self, db: &Arc<Database>) -> bool {
        let mut handles = self.0.write();
        let same = handles.present.as_ref().is_some_and(|present| Arc::ptr_eq(present, db));
        if same {
            handles.retired = handles.present.take();
        }
        same
    }
}

const RELEASE_MAX: Duration = Duration::from_secs(1);
