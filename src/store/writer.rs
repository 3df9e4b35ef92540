//! The one writer: a thread that turns what waits in the queue into commits, takes out what has to
//! leave, and gets hold of the file again when it is lost.

use super::commit::{Committed, Fit, Ledger, Outcome, Written};
use super::counters::Dropped;
use super::file::guarded;
use super::handle::Handle;
use super::meta::{self, Meta};
use super::pace::Pace;
use super::queue::{Batch, Next};
use super::shared::Shared;
use super::space;
use super::sweep::{Aim, Swept};
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use redb::Database;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct Writer {
    shared: Arc<Shared>,
    ledger: Ledger,
    pace: Pace,
    sweep: Sweep,
    last_loss: Option<Instant>,
    refusal_logged: Option<Instant>,
    /// The handle was lost for want of room.
    full: bool,
    /// The store is being closed, and what waits cannot be written.
    gives_up: bool,
}

/// When and how far.
struct Sweep {
    due: Instant,
    /// Bytes of live rows to come down to; more than there are: only what has expired goes.
    to: u64,
}

impl Writer {
    /// Starts the thread; it ends when the queue is closed and empty. `meta`: what the file says
    /// about itself, if this RETTER has it already.
    pub fn start(shared: Arc<Shared>, meta: Option<Meta>) -> std::io::Result<()> {
        let pace = Pace::new(shared.settings.commit);
        let sweep = Sweep { due: Instant::now() + FIRST_SWEEP, to: u64::MAX };
        let ledger = Ledger { meta: meta.unwrap_or_default() };
        let (last_loss, refusal_logged) = (None, None);
        let writer = Self {
            shared,
            ledger,
            pace,
            sweep,
            last_loss,
            refusal_logged,
            full: false,
            gives_up: false,
        };
        writer.count();
        std::thread::Builder::new().name("retter-writer".into()).spawn(|| writer.run())?;
        Ok(())
    }

    fn run(mut self) {
        while !self.gives_up && (self.shared.file.is_own() || self.gain()) {
            match self.shared.queue.next(&self.pace, self.sweep.due) {
                Next::Write(batch) => self.write(*batch),
                Next::Sweep => self.sweep(),
                // A reader met a fault; if the handle is lost, another is opened.
                Next::Reopen => {}
                Next::Yield if self.yields() => {}
                Next::Yield | Next::Close => break,
            }
        }
        self.end();
    }

    /// Commits a batch; after a fault, or without room for it, the batch waits.
    fn write(&mut self, batch: Batch) {
        let Some(handle) = self.shared.file.get() else {
            return self.shared.queue.failed(batch);
        };
        let Some(db) = handle.own() else {
            return self.shared.queue.failed(batch);
        };
        if !self.has_room_for(&batch) {
            self.shared.queue.failed(batch);
            // Told to end: there is nowhere to put it.
            self.gives_up = self.shared.queue.sleep(ROOM_PAUSE);
            return;
        }
        match self.commit(db, &batch) {
            Ok(outcome) => {
                batch.secret.iter().for_each(|secret| self.shared.adopt(secret));
                outcome.dropped.into_iter().for_each(|reason| self.dropped(reason));
                outcome.committed.into_iter().for_each(|committed| self.committed(committed));
                self.shared.queue.done(&batch);
            }
            Err(fault) => {
                self.failed(&handle, &fault);
                self.shared.queue.failed(batch);
            }
        }
    }

    fn has_room_for(&self, batch: &Batch) -> bool {
        let there = space::is_there(&self.shared.settings.path, batch.weight());
        if !there {
            self.no_room();
        }
        there
    }

    fn no_room(&self) {
        self.shared.counters.no_room.up();
        self.shared.say(Trouble::Full);
    }

    /// A commit that fails costs the handle, reads included, even if it failed for want of room.
    fn failed(&mut self, handle: &Arc<Handle>, fault: &redb::Error) {
        self.full = Trouble::is_want_of_room(fault);
        if self.full {
            self.no_room();
            self.shared.file.discard(handle);
        } else {
            self.shared.lost(handle, fault);
        }
    }

    /// What does not fit under `store.maxsize` is given room before it is refused.
    fn commit(&mut self, db: &Database, batch: &Batch) -> Result<Outcome, redb::Error> {
        let shared = Arc::clone(&self.shared);
        let write =
            |ledger: &mut Ledger, fit| guarded(|| ledger.write(db, batch, &shared.settings, fit));
        let mut fit = Fit::All;
        loop {
            match write(&mut self.ledger, fit)? {
                Written::Done(outcome) => return Ok(outcome),
                Written::NoRoom(bytes) => self.make_room(db, bytes)?,
            }
            fit = Fit::WhatFits;
        }
    }

    fn make_room(&mut self, db: &Database, bytes: u64) -> Result<(), redb::Error> {
        let low = low_water(self.shared.settings.maxsize);
        self.sweep_to(db, self.ledger.meta.live.saturating_sub(bytes).min(low))
    }

    /// The sweep that is due. A file that is nearly as large as it may be is made smaller, so that
    /// new pages need not wait for it.
    fn sweep(&mut self) {
        let Some(handle) = self.shared.file.get() else { return };
        let Some(db) = handle.own() else { return };
        let most = self.shared.settings.maxsize;
        let to = if self.ledger.meta.live > high_water(most) { low_water(most) } else { u64::MAX };
        self.sweep.due = Instant::now() + SWEEPS_APART;
        // Taking out needs some pages too.
        if !space::is_there(&self.shared.settings.path, 0) {
            return;
        }
        if let Err(fault) = self.sweep_to(db, self.sweep.to.min(to)) {
            self.failed(&handle, &fault);
        }
    }

    fn sweep_to(&mut self, db: &Database, live: u64) -> Result<(), redb::Error> {
        let aim = Aim { now: UnixMillis::read(), live };
        match guarded(|| self.ledger.sweep(db, aim))? {
            None => self.sweep.to = u64::MAX,
            Some((swept, committed)) => self.swept(swept, committed, live),
        }
        Ok(())
    }

    fn swept(&mut self, swept: Swept, committed: Committed, live: u64) {
        let Swept { expired, evicted, full } = swept;
        tracing::debug!(expired, evicted, "taken out of the file");
        self.shared.counters.expired.add(expired);
        self.shared.counters.evicted.add(evicted);
        let gone = committed.entries.iter().map(|(id, _)| *id);
        self.shared.queue.forget_writes(gone);
        self.committed(committed);
        // The rest goes with the next sweep, which comes as soon as the disk allows.
        self.sweep.to = if full { live } else { u64::MAX };
        if full {
            self.sweep.due = self.pace.earliest(Instant::now());
        }
    }

    fn committed(&mut self, Committed { entries, took }: Committed) {
        let file_bytes = std::fs::metadata(&self.shared.settings.path).map_or(0, |file| file.len());
        self.pace.committed(Instant::now(), took, file_bytes);
        for (id, present) in entries {
            if present {
                self.shared.index.insert(id)
            } else {
                self.shared.index.remove(id)
            }
            self.shared.counters.writes.up();
        }
        self.shared.counters.commits.up();
        self.shared.found();
        self.shared.counters.last_commit_us.set(took.as_micros() as u64);
        self.count();
        if self.ledger.meta.live > high_water(self.shared.settings.maxsize) {
            self.sweep.due = self.sweep.due.min(self.pace.earliest(Instant::now()));
        }
    }

    fn count(&self) {
        self.shared.counters.live_bytes.set(self.ledger.meta.live);
        self.shared.counters.copies.set(self.ledger.meta.copies);
    }

    /// Counted always, said once a minute.
    fn dropped(&mut self, reason: Dropped) {
        self.shared.counters.drop_for(reason);
        let quiet = self.refusal_logged.is_some_and(|at| at.elapsed() < REFUSAL_LOG_INTERVAL);
        if reason == Dropped::MaxSize && !quiet {
            self.refusal_logged = Some(Instant::now());
            let (file, live) = (self.shared.settings.path.display(), self.ledger.meta.live);
            tracing::warn!(%file, live, "more new pages than store.maxsize has room for: some are kept in memory only; raise store.maxsize");
        }
    }

    /// Opens the file, as often as it takes. False: the store is being closed, or the file is to be
    /// given up.
    fn gain(&mut self) -> bool {
        let mut pause = match self.last_loss.replace(Instant::now()) {
            Some(last) if last.elapsed() < LOSSES_APART && !self.full => LOSSES_PAUSE,
            _ => GAIN_PAUSE_MIN,
        };
        self.shared.file.release_retired();
        self.shared.give_up_if_damaged();
        loop {
            let closing = self.shared.queue.sleep(pause);
            match self.shared.gain() {
                Ok(meta) => {
                    self.ledger.meta = meta;
                    self.count();
                    if std::mem::take(&mut self.full) {
                        // It can be read again; there is no more room to write in than before.
                        self.shared.queue.sleep(ROOM_PAUSE);
                    }
                    return true;
                }
                Err(trouble) => {
                    pause = pause_after(&trouble, pause);
                    self.shared.say(trouble);
                }
            }
            if closing {
                return false;
            }
        }
    }

    /// Gives the file up to a RETTER that waits for it, and reads on beside that one. True: the
    /// store is being closed, and something has come meanwhile that is worth having the file again.
    fn yields(&mut self) -> bool {
        tracing::info!(file = %self.shared.settings.path.display(), "the file is given up");
        self.close_file();
        self.shared.read_beside();
        self.shared.queue.wait_for_close()
    }

    fn end(self) {
        self.close_file();
        self.shared.queue.end();
    }

    fn close_file(&self) {
        if let Some(handle) = self.shared.file.get()
            && let Some(db) = handle.own()
            && let Err(fault) = guarded(|| meta::mark_clean(db))
        {
            self.shared.lost(&handle, &fault);
        }
        self.shared.file.release();
    }
}

fn pause_after(trouble: &Trouble, pause: Duration) -> Duration {
    match trouble {
        // The other one may end at any moment.
        Trouble::Locked => LOCKED_PAUSE,
        Trouble::Full => ROOM_PAUSE,
        _ => (pause * 2).min(GAIN_PAUSE_MAX),
    }
}

/// Bytes of live rows from which the file is made smaller.
fn high_water(most: u64) -> u64 {
    most / 100 * 95
}

/// Bytes of live rows that it is made smaller to.
fn low_water(most: u64) -> u64 {
    most / 100 * 90
}

const FIRST_SWEEP: Duration = Duration::from_secs(5);
/// `expiry.v1` knows hours.
const SWEEPS_APART: Duration = Duration::from_secs(600);
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(60);
const LOCKED_PAUSE: Duration = Duration::from_millis(50);
const ROOM_PAUSE: Duration = Duration::from_secs(1);
const GAIN_PAUSE_MIN: Duration = Duration::from_millis(20);
const GAIN_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Losses closer than this are one lasting trouble...
const LOSSES_APART: Duration = Duration::from_secs(60);
/// ... and the file is opened less eagerly.
const LOSSES_PAUSE: Duration = Duration::from_secs(1);
