//! What readers and the writer share.

use super::Settings;
use super::counters::Counters;
use super::handle::{Handle, Slot};
use super::index::Index;
use super::memory::Memory;
use super::queue::Queue;
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use crate::key::Secret;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

pub(super) struct Shared {
    pub settings: Settings,
    pub application: String,
    /// When the store was opened: what had expired by then is not in the index.
    pub opened_at: UnixMillis,
    /// The file's, as soon as a file is known.
    pub secret: RwLock<Secret>,
    pub memory: Memory,
    pub queue: Queue,
    pub index: Index,
    pub counters: Arc<Counters>,
    pub file: Slot,
    /// Reads of the file at one time.
    pub reads: Arc<Semaphore>,
    pub trouble: Mutex<Option<Trouble>>,
    pub strikes: Mutex<Strikes>,
    /// One purge at a time.
    pub purging: Mutex<()>,
}

impl Shared {
    /// After a fault: nobody uses this handle any more, and the file is opened again.
    pub fn lost(&self, db: &Arc<Handle>, fault: &redb::Error) {
        if self.file.discard(db) {
            self.counters.faults.up();
            self.strikes.lock().count(fault, Instant::now());
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
            let meanwhile = match self.file.get() {
                Some(_) => "it is read but not written; new copies are kept in memory",
                None => "no file: copies are kept in memory only",
            };
            tracing::warn!(%file, reason = %trouble, remedy, "{meanwhile}");
            *known = Some(trouble);
        }
    }

    /// The file is open again, if it was not. That there is room again only a commit can say.
    pub fn opened(&self) {
        if *self.trouble.lock() != Some(Trouble::Full) {
            self.found();
        }
    }

    /// The file can be written again, if it could not.
    pub fn found(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!(file = %self.settings.path.display(), "the file is back");
        }
    }

    /// From now on people are known by this secret. What memory has of them under another is never
    /// found again, and gives way in time.
    pub fn adopt(&self, secret: &Secret) {
        if self.secret.read().0 != secret.0 {
            *self.secret.write() = secret.clone();
            self.queue.drop_personal();
        }
    }

    /// In a thread of its own, so that the first rescue does not wait for it. Until it is loaded, the
    /// file is asked.
    pub fn load_index(self: &Arc<Self>, copies: u64) {
        let shared = self.clone();
        let load = move || {
            let file = || shared.file.get();
            if let Err((db, fault)) = shared.index.load(copies, file, shared.opened_at) {
                shared.lost(&db, &fault);
            }
        };
        let started = std::thread::Builder::new().name("retter-index".into()).spawn(load);
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to load the index: the file is asked instead");
        }
    }
}

/// Faults that mean a damaged file if there are many of them. One may be a page that nobody needs
/// any more.
#[derive(Default)]
pub(super) struct Strikes {
    count: u32,
    since: Option<Instant>,
}

impl Strikes {
    fn count(&mut self, fault: &redb::Error, now: Instant) {
        if !Trouble::is_damage(fault) {
            return;
        }
        if self.since.is_none_or(|since| now.duration_since(since) > STRIKES_TIME) {
            *self = Self { count: 0, since: Some(now) };
        }
        self.count += 1;
    }

    /// True once, when there were too many.
    pub fn are_out(&mut self) -> bool {
        let out = self.count >= STRIKES_MAX;
        if out {
            *self = Self::default();
        }
        out
    }
}

const STRIKES_MAX: u32 = 3;
const STRIKES_TIME: Duration = Duration::from_secs(60);
