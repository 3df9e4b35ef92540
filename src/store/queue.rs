//! What waits for the writer: at most one change a key, the newest.
//!
//! A change waits in one of two places. `ready`: to be written with the next batch. `later`: a
//! copy that was written less than `store.refresh` ago and whose class (status, reason, encoding,
//! type) is the same; the newest version waits there for its time. What waits can be read, so
//! nobody is shown an older copy meanwhile. Both are bounded; when there is no room, refreshes
//! that wait are shed first, since the file has an older version of those.
//!
//! A std thread waits here, so the lock is no async one; it is held for a few map operations.

mod lane;
mod recent;
mod waiting;

pub(super) use lane::{Chunk, Waited};

use super::breakers::Update;
use super::change::Change;
use super::counters::Counters;
use super::coverage::Covered;
use super::pace::Pace;
use crate::key::{EntryId, Secret};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::Arc;
use std::time::{Duration, Instant};
use waiting::{State, Waiting, When};

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    /// A batch is in the file, or the state is another: there may be room, in the lane of purges too.
    moved: Condvar,
    ended: Condvar,
    counters: Arc<Counters>,
}

/// What one transaction carries.
#[derive(Default)]
pub(super) struct Batch {
    pub changes: Vec<(EntryId, Arc<Change>)>,
    pub breakers: Option<Update>,
    /// The file is to have this secret from now on.
    pub secret: Option<Secret>,
    /// Not tried again when the batch fails.
    pub coverage: Option<Box<Covered>>,
    /// All changes are those of this chunk.
    purge: Option<Arc<Chunk>>,
}

/// What the writer does next.
pub(super) enum Next {
    Write(Box<Batch>),
    /// The time for it has come.
    Sweep,
    /// A reader met a fault.
    Reopen,
    /// Everything is written; the file is to be given up, and what comes waits.
    Yield,
    /// Everything is written, and nothing more will come.
    Close,
}

impl Batch {
    /// A part of a purge, and nothing else.
    pub fn purging(chunk: Arc<Chunk>) -> Self {
        Self { changes: chunk.changes(), purge: Some(chunk), ..Self::default() }
    }

    /// Nothing rides along.
    pub fn has_only_changes(&self) -> bool {
        self.breakers.is_none() && self.secret.is_none() && self.coverage.is_none()
    }

    /// Bytes of what is to be written, at the most.
    pub fn weight(&self) -> u64 {
        self.changes.iter().map(|(_, change)| change.weight() as u64).sum()
    }
}

enum Due {
    Write,
    Sweep,
}

impl Queue {
    pub fn new(refresh: Duration, counters: Arc<Counters>) -> Self {
        let waiting = Mutex::new(Waiting::new(refresh));
        let [wake, moved, ended] = std::array::from_fn(|_| Condvar::new());
        Self { waiting, wake, moved, ended, counters }
    }

    /// Takes a change (`None`: one that is not for the file); `beside` runs under the same lock, so
    /// that memory and queue agree on what is newest.
    pub fn push(&self, id: EntryId, change: Option<Change>, beside: impl FnOnce()) {
        let mut waiting = self.waiting.lock();
        beside();
        *waiting.epoch(id) += 1;
        if let Some(change) = change {
            self.take_in(&mut waiting, id, Arc::new(change));
        }
    }

    fn take_in(&self, waiting: &mut Waiting, id: EntryId, change: Arc<Change>) {
        let wake = waiting.push(id, change, Instant::now(), &self.counters);
        self.counters.queued.set(waiting.pending.len() as u64);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Takes what is to be remembered of the breakers. Counts ride along with the next batch; a state that
    /// has changed makes one.
    pub fn push_breakers(&self, update: Update) {
        if self.waiting.lock().push_breakers(update, Instant::now()) {
            self.wake.notify_one();
        }
    }

    /// Takes figures that ride along with the next batch, whenever that is.
    pub fn push_coverage(&self, covered: Covered) {
        self.waiting.lock().push_coverage(covered);
    }

    /// Copies are brought back from now on; false if they are already.
    pub fn begin_recovering(&self) -> bool {
        self.waiting.lock().begin_recovering()
    }

    /// They are not any more.
    pub fn end_recovering(&self) {
        self.waiting.lock().end_recovering();
    }

    pub fn is_recovering(&self) -> bool {
        self.waiting.lock().is_recovering()
    }

    /// Waits until all that was brought back is in the file; false if the queue is closed before.
    pub fn wait_for_restored(&self) -> bool {
        let mut waiting = self.waiting.lock();
        while !waiting.has_restored() && waiting.state == State::Open {
            self.moved.wait(&mut waiting);
        }
        waiting.state == State::Open
    }

    /// Lets go of what waits for people: under another secret it is of no use to anybody.
    pub fn drop_personal(&self) {
        self.waiting.lock().drop_personal();
    }

    /// The file is to have this secret.
    pub fn push_secret(&self, secret: Secret) {
        if self.waiting.lock().push_secret(secret, Instant::now()) {
            self.wake.notify_one();
        }
    }

    /// Takes a change when there is room for it, which is waited for; false if the queue is closed
    /// before. Not for requests.
    pub fn push_in_turn(&self, id: EntryId, change: Change) -> bool {
        let change = Arc::new(change);
        let mut waiting = self.waiting.lock();
        while waiting.state == State::Open && !waiting.has_room_to_spare(&change) {
            self.moved.wait(&mut waiting);
        }
        let open = waiting.state == State::Open;
        if open {
            self.take_in(&mut waiting, id, change);
        }
        open
    }

    /// What waits for the writer, and the epoch: see [`Queue::unless_changed_since`].
    pub fn look(&self, id: EntryId) -> (u64, Option<Arc<Change>>) {
        let mut waiting = self.waiting.lock();
        let change = waiting.pending.get(&id).map(|pending| pending.change.clone());
        let change = change.or_else(|| waiting.lane.change_of(id));
        (*waiting.epoch(id), change)
    }

    /// Runs `fill` unless this copy has changed since the epoch was read: what comes from the file
    /// must not take the place of something newer, nor bring back what is gone.
    pub fn unless_changed_since(&self, epoch: u64, id: EntryId, fill: impl FnOnce()) {
        let mut waiting = self.waiting.lock();
        if *waiting.epoch(id) == epoch {
            fill();
        }
    }

    /// Waits for something to do; `sweep` is when the next sweep is due. An idle store waits here
    /// without waking until then.
    pub fn next(&self, pace: &Pace, sweep: Instant) -> Next {
        let mut waiting = self.waiting.lock();
        loop {
            if std::mem::take(&mut waiting.reopen) {
                return Next::Reopen;
            }
            let now = Instant::now();
            let (moment, next) = match waiting.when(now, pace) {
                When::Never if waiting.state == State::Yielding => return Next::Yield,
                When::Never if waiting.state != State::Open => return Next::Close,
                When::At(moment) if moment <= sweep || waiting.state != State::Open => {
                    (moment, Due::Write)
                }
                When::Never | When::At(_) => (sweep, Due::Sweep),
            };
            if moment > now {
                self.wake.wait_until(&mut waiting, moment);
                continue;
            }
            match next {
                Due::Write => return Next::Write(Box::new(waiting.take(now))),
                Due::Sweep => return Next::Sweep,
            }
        }
    }

    /// The batch is in the file.
    pub fn done(&self, batch: &Batch) {
        let mut waiting = self.waiting.lock();
        batch.changes.iter().for_each(|(id, change)| waiting.done(*id, change));
        waiting.lane.done(batch.purge.as_ref());
        self.moved.notify_all();
        self.counters.queued.set(waiting.pending.len() as u64);
    }

    /// The batch is not in the file: back to the head of the line, unless something newer came.
    pub fn failed(&self, batch: Batch) {
        let now = Instant::now();
        let mut waiting = self.waiting.lock();
        batch.changes.iter().rev().for_each(|(id, change)| waiting.failed(*id, change, now));
        waiting.lane.failed();
        if let Some(older) = batch.breakers {
            waiting.breakers_failed(older, now);
        }
        if let Some(secret) = batch.secret {
            waiting.push_secret(secret, now);
        }
    }

    /// These are not in the file any more, and nothing of them need wait for its time.
    pub fn forget_writes(&self, ids: impl Iterator<Item = EntryId>) {
        let mut waiting = self.waiting.lock();
        ids.for_each(|id| waiting.forget_write(id));
    }

    pub fn ask_for_reopen(&self) {
        self.waiting.lock().reopen = true;
        self.wake.notify_one();
    }

    /// Sleeps, but not longer than until the store is closed or yielded. True: it is.
    pub fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut waiting = self.waiting.lock();
        while waiting.state == State::Open && !self.wake.wait_until(&mut waiting, until).timed_out()
        {
        }
        waiting.state != State::Open
    }

    /// Asks the writer to write everything and give the file up to another RETTER. What comes
    /// afterwards waits for [`Queue::close`].
    pub fn yield_file(&self) {
        let mut waiting = self.waiting.lock();
        if waiting.state == State::Open {
            waiting.state = State::Yielding;
        }
        self.wake.notify_one();
        self.moved.notify_all();
    }

    /// Waits for [`Queue::close`]; true if something has come meanwhile.
    pub fn wait_for_close(&self) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.state == State::Yielding {
            self.wake.wait(&mut waiting);
        }
        waiting.has_work()
    }

    /// Asks the writer to write everything and end.
    pub fn close(&self) {
        let mut waiting = self.waiting.lock();
        if waiting.state != State::Ended {
            waiting.state = State::Closing;
        }
        self.wake.notify_one();
        self.moved.notify_all();
    }

    /// There is no writer (any more): nothing is taken from here on.
    pub fn end(&self) {
        let mut waiting = self.waiting.lock();
        waiting.end();
        self.counters.queued.set(0);
        self.ended.notify_all();
        self.moved.notify_all();
    }

    /// Waits for the writer's end; false when it did not come in time.
    pub fn wait_for_end(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut waiting: MutexGuard<Waiting> = self.waiting.lock();
        while waiting.state != State::Ended {
            if self.ended.wait_until(&mut waiting, until).timed_out() {
                return waiting.state == State::Ended;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
