//! The lane of purges: some copies at a time, before all that waits.
//!
//! Whoever purges must be told when it is done, not only that it will be, and what is put after it
//! must come after it. So a purge does not wait among the changes, where the newest would take its
//! place, but beside them: the writer takes a chunk of it alone, in one transaction, and everything
//! put from then on is written later. One chunk at a time is the bound; between two of them the
//! changes have their turn, so that a long purge keeps no page from the file.

use super::{Queue, Waiting};
use crate::key::EntryId;
use crate::store::change::Change;
use crate::store::memory::Named;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What one transaction of a purge carries.
pub(in crate::store) struct Chunk {
    pub ids: Vec<EntryId>,
    /// Removed, not only kept for an outage.
    pub hard: bool,
    done: AtomicBool,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Waited {
    /// It is in the file.
    Done,
    /// There is no writer (any more).
    NoWriter,
    /// Nothing happened for too long; it is done all the same when the file takes it.
    TooLong,
}

impl Chunk {
    pub fn new(ids: Vec<EntryId>, hard: bool) -> Arc<Self> {
        Arc::new(Self { ids, hard, done: AtomicBool::new(false) })
    }

    pub(super) fn changes(&self) -> Vec<(EntryId, Arc<Change>)> {
        let change = Arc::new(self.change());
        self.ids.iter().map(|id| (*id, change.clone())).collect()
    }

    fn change(&self) -> Change {
        if self.hard { Change::Forget } else { Change::Purge }
    }
}

impl Queue {
    /// Gives a chunk to the writer and waits until it is in the file. `beside` runs as the chunk
    /// takes effect, under the same lock. Blocks: never for an async thread.
    pub fn purge(&self, chunk: &Arc<Chunk>, at_most: Duration, beside: impl FnOnce()) -> Waited {
        let until = Instant::now() + at_most;
        let mut waiting = self.waiting.lock();
        while !waiting.has_room_for_purge() {
            waiting.lane.wanted = true;
            self.wake.notify_one();
            if self.moved.wait_until(&mut waiting, until).timed_out() {
                waiting.lane.wanted = false;
                return Waited::TooLong;
            }
        }
        beside();
        waiting.purge(chunk.clone(), Instant::now());
        self.counters.queued.set(waiting.pending.len() as u64);
        self.wake.notify_one();
        loop {
            if let Some(waited) = waiting.became_of(chunk) {
                return waited;
            }
            if self.moved.wait_until(&mut waiting, until).timed_out() {
                return waiting.became_of(chunk).unwrap_or(Waited::TooLong);
            }
        }
    }

    /// The same where there is no file to wait for.
    pub fn purge_unwritten(&self, chunk: &Arc<Chunk>, beside: impl FnOnce()) {
        let mut waiting = self.waiting.lock();
        beside();
        waiting.overtake(chunk, Instant::now());
        self.counters.queued.set(waiting.pending.len() as u64);
    }

    /// The copies that wait to be written.
    pub fn list(&self) -> Vec<Named> {
        let waiting = self.waiting.lock();
        let pending = waiting.pending.iter();
        let puts = pending.filter_map(|(id, pending)| match &*pending.change {
            Change::Put { key, copy, .. } => Some((*id, key.clone(), copy.clone())),
            _ => None,
        });
        puts.collect()
    }

    /// There is no writer (any more).
    pub fn has_ended(&self) -> bool {
        self.waiting.lock().has_ended()
    }
}

impl Waiting {
    fn became_of(&self, chunk: &Chunk) -> Option<Waited> {
        let done = chunk.done.load(Ordering::Relaxed);
        done.then_some(Waited::Done).or(self.has_ended().then_some(Waited::NoWriter))
    }
}

/// Room for one chunk.
#[derive(Default)]
pub(super) struct Lane {
    chunk: Option<Arc<Chunk>>,
    since: Option<Instant>,
    /// A chunk was the last to be taken.
    had_its_turn: bool,
    /// The next chunk waits for the changes to have theirs: they need not be gathered longer.
    pub wanted: bool,
}

impl Lane {
    pub fn is_free(&self) -> bool {
        self.chunk.is_none()
    }

    /// It need not let anybody pass.
    pub fn is_next(&self) -> bool {
        !self.had_its_turn
    }

    pub fn enter(&mut self, chunk: Arc<Chunk>, now: Instant) {
        (self.chunk, self.since, self.wanted) = (Some(chunk), Some(now), false);
    }

    /// Since when a chunk waits for the writer.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// For the writer; it stays here until it is in the file, so that nobody reads what is purged.
    pub fn take(&mut self) -> Option<Arc<Chunk>> {
        self.since.take()?;
        self.had_its_turn = true;
        self.chunk.clone()
    }

    /// A batch is in the file: was it the chunk here?
    pub fn done(&mut self, purge: Option<&Arc<Chunk>>) {
        if let Some(purge) = purge {
            purge.done.store(true, Ordering::Relaxed);
            self.chunk = None;
        }
    }

    /// A batch is not in the file: if it was the chunk here, it waits again.
    pub fn failed(&mut self) {
        if self.chunk.is_some() && self.since.is_none() {
            self.since = Some(Instant::now());
        }
    }

    pub fn changes_had_their_turn(&mut self) {
        self.had_its_turn = false;
    }

    /// What is about to happen to a copy, as if it waited among the changes.
    pub fn change_of(&self, id: EntryId) -> Option<Arc<Change>> {
        let chunk = self.chunk.as_ref().filter(|chunk| chunk.ids.contains(&id))?;
        Some(Arc::new(chunk.change()))
    }
}
