//! The one writer: a thread that turns what waits in the queue into commits, and opens the file
//! again after a fault.

use super::change::{Plan, Tables};
use super::counters::Dropped;
use super::file::{self, ENTRIES, begin_write, guarded};
use super::meta::{self, Meta};
use super::pace::Pace;
use super::plan::{Planned, Planner};
use super::queue::{Batch, Next};
use super::shared::Shared;
use crate::key::EntryId;
use redb::{Database, ReadableDatabase};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct Writer {
    shared: Arc<Shared>,
    meta: Meta,
    pace: Pace,
    last_fault: Option<Instant>,
    refusal_logged: Option<Instant>,
    /// The store was closed while the file could not be opened.
    gave_up: bool,
}

impl Writer {
    /// Starts the thread; it ends when the queue is closed and empty.
    pub fn start(shared: Arc<Shared>, meta: Meta) -> std::io::Result<()> {
        let pace = Pace::new(shared.settings.commit);
        let writer =
            Self { shared, meta, pace, last_fault: None, refusal_logged: None, gave_up: false };
        writer.count();
        std::thread::Builder::new().name("retter-writer".into()).spawn(|| writer.run())?;
        Ok(())
    }

    fn run(mut self) {
        loop {
            match self.shared.queue.next(&self.pace) {
                Next::Write(batch) => self.write(batch),
                Next::Reopen if self.shared.file.get().is_none() => self.reopen(),
                Next::Reopen => {}
                Next::Close => break,
            }
            if self.gave_up {
                break;
            }
        }
        self.end();
    }

    /// Commits a batch; after a fault the file is opened again and the batch waits.
    fn write(&mut self, batch: Batch) {
        let Some(db) = self.shared.file.get() else {
            self.shared.queue.failed(batch);
            return self.reopen();
        };
        match guarded(|| self.commit(&db, &batch)) {
            Ok(Some(committed)) => self.committed(committed),
            Ok(None) => {}
            Err(fault) => {
                self.shared.lost(&db, &fault);
                self.shared.queue.failed(batch);
                drop(db);
                return self.reopen();
            }
        }
        self.shared.queue.done(&batch);
    }

    /// `None`: nothing in the batch changes the file.
    fn commit(&mut self, db: &Database, batch: &Batch) -> Result<Option<Committed>, redb::Error> {
        let mut meta = self.meta.clone();
        let plans = self.plan(db, batch, &mut meta)?;
        if plans.is_empty() && batch.breakers.is_none() {
            return Ok(None);
        }
        let started = Instant::now();
        let transaction = begin_write(db)?;
        let mut tables = Tables::open(&transaction)?;
        plans.iter().try_for_each(|plan| plan.apply(&mut tables))?;
        if let Some(breakers) = &batch.breakers {
            breakers.write(&mut tables.breakers)?;
        }
        drop(tables);
        meta::save(&transaction, &meta)?;
        transaction.commit()?;
        let entries = plans.iter().map(|plan| (plan.id, plan.leaves_a_copy())).collect();
        Ok(Some(Committed { meta, entries, took: started.elapsed() }))
    }

    /// Before the transaction, since compressing and sealing take longer than writing.
    fn plan(
        &mut self,
        db: &Database,
        batch: &Batch,
        meta: &mut Meta,
    ) -> Result<Vec<Plan>, redb::Error> {
        let shared = self.shared.clone();
        let entries = db.begin_read()?.open_table(ENTRIES)?;
        let mut planner = Planner { entries, settings: &shared.settings, meta };
        let mut plans = Vec::with_capacity(batch.changes.len());
        for (id, change) in &batch.changes {
            match planner.plan(*id, change)? {
                Planned::Do(plan) => plans.push(*plan),
                Planned::Nothing => {}
                Planned::Dropped(reason) => self.dropped(reason),
            }
        }
        Ok(plans)
    }

    fn committed(&mut self, Committed { meta, entries, took }: Committed) {
        let file_bytes = std::fs::metadata(&self.shared.settings.path).map_or(0, |file| file.len());
        self.pace.committed(Instant::now(), took, file_bytes);
        self.meta = meta;
        for (id, present) in entries {
            if present {
                self.shared.index.insert(id)
            } else {
                self.shared.index.remove(id)
            }
            self.shared.counters.writes.up();
        }
        self.shared.counters.commits.up();
        self.shared.counters.last_commit_us.set(took.as_micros() as u64);
        self.count();
    }

    fn count(&self) {
        self.shared.counters.live_bytes.set(self.meta.live);
        self.shared.counters.copies.set(self.meta.copies);
    }

    /// Counted always, said once a minute.
    fn dropped(&mut self, reason: Dropped) {
        self.shared.counters.drop_for(reason);
        let quiet = self.refusal_logged.is_some_and(|at| at.elapsed() < REFUSAL_LOG_INTERVAL);
        if reason == Dropped::MaxSize && !quiet {
            self.refusal_logged = Some(Instant::now());
            let (file, live) = (self.shared.settings.path.display(), self.meta.live);
            tracing::warn!(%file, live, "store.maxsize is reached: new pages are kept in memory only; raise store.maxsize");
        }
    }

    /// Drops the handle and opens the file again, as often as it takes, until RETTER stops.
    fn reopen(&mut self) {
        self.shared.file.release();
        let mut pause = match self.last_fault.replace(Instant::now()) {
            Some(last) if last.elapsed() < FAULTS_APART => REOPEN_PAUSE_MAX,
            _ => REOPEN_PAUSE_MIN,
        };
        loop {
            let closing = self.shared.queue.sleep(pause);
            match file::open(&self.shared.settings, &self.shared.application) {
                Ok(opened) => return self.found(opened),
                Err(trouble) => self.shared.say(trouble),
            }
            if closing {
                self.gave_up = true;
                return;
            }
            pause = (pause * 2).min(REOPEN_PAUSE_MAX);
        }
    }

    fn found(&mut self, opened: file::Opened) {
        self.meta = opened.meta;
        self.count();
        self.shared.file.set(opened.db);
        self.shared.found();
    }

    fn end(self) {
        if let Some(db) = self.shared.file.get()
            && let Err(fault) = guarded(|| meta::mark_clean(&db))
        {
            self.shared.lost(&db, &fault);
        }
        self.shared.file.release();
        self.shared.queue.end();
    }
}

struct Committed {
    meta: Meta,
    /// Whether the entry is there afterwards.
    entries: Vec<(EntryId, bool)>,
    /// The transaction alone: what the disk was asked for.
    took: Duration,
}

const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(60);
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(20);
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Faults closer than this are one lasting fault.
const FAULTS_APART: Duration = Duration::from_secs(60);
