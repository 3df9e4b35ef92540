//! The life of a file: opened, written, swept, given to another application, closed, killed. Every
//! step is the store's own code; what has been acknowledged, and what may have happened unseen, is
//! kept beside it and compared each time the file is opened.

use super::audit::{Contents, Kept, contents, name};
use super::disk::Disk;
use super::*;
use crate::breaker::{Level, Saved, State, Tally, Unsaved};
use crate::store::breakers::{Remembered, Update};
use crate::store::commit::{Fit, Ledger, Written};
use crate::store::file::{guarded, open_on};
use crate::store::queue::Batch;
use crate::store::sweep::{Aim, victims};
use fastrand::Rng;
use redb::Database;

pub(super) struct Life {
    pub disk: Disk,
    pub random: Rng,
    settings: Settings,
    keys: Vec<StoreKey>,
    open: Option<(Handle, Ledger)>,
    /// What may be in the file; one, while it is open.
    possible: Vec<Contents>,
    /// It has never been open.
    is_unborn: bool,
}

impl Life {
    pub fn new(seed: u64) -> Self {
        let anonymous = (0..12).map(|n| key(&format!("/{n}")));
        let keys = anonymous.chain((0..12).map(|n| persons(&format!("/{n}"), n))).collect();
        Self {
            disk: Disk::default(),
            random: Rng::with_seed(seed),
            settings: Settings { cache: 1 << 20, path: PathBuf::new(), ..House::new().settings },
            keys,
            open: None,
            possible: Vec::new(),
            is_unborn: true,
        }
    }

    /// One step further. After a fault the file is closed, and the next step opens it.
    pub fn step(&mut self) -> Result<(), Trouble> {
        let done = match (&self.open, self.random.u32(..20)) {
            (None, _) => self.open(),
            (_, 0..14) => self.write(),
            (_, 14..16) => self.expire(),
            (_, 16) => self.evict(),
            (_, 17) => self.close(),
            (_, 18) => self.kill(),
            _ => self.open_for(OTHER),
        };
        done.inspect_err(|_| self.open = None)
    }

    /// Opens it, if need be, and looks through all of it.
    pub fn open(&mut self) -> Result<(), Trouble> {
        let owner = self.possible.last().map_or(APPLICATION, |known| &known.application);
        // Somebody may have set the old one again while the file was being emptied for the new.
        let application = if self.random.u32(..8) == 0 { APPLICATION } else { owner };
        let application = application.to_owned();
        self.open_for(&application)
    }

    fn open_for(&mut self, application: &str) -> Result<(), Trouble> {
        self.open = None;
        let fresh = Meta { secret: [9; 32], ..Meta::default() };
        if self.possible.is_empty() {
            self.possible.push(Contents { secret: fresh.secret, ..Contents::default() });
        }
        let before = self.possible.clone();
        let after = before.iter().map(|contents| contents.taken_over_by(application));
        let after: Vec<_> = after.collect();
        self.possible.extend(after.iter().cloned());
        let (disk, settings) = (self.disk.clone(), &self.settings);
        let at_once = if self.is_unborn { u64::MAX } else { NOTHING };
        let opened = match guarded(|| open_on(disk, settings, application, fresh, at_once)) {
            Err(Trouble::Damaged(_)) if self.is_unborn => {
                self.set_aside();
                return self.open_for(application);
            }
            opened => opened?,
        };
        self.is_unborn = false;
        let handle = Handle::Own(opened.db.into());
        let found = contents(&handle, &opened.meta, &self.keys);
        let expected: Vec<_> = after.iter().map(Contents::outline).collect();
        assert!(after.contains(&found), "{} is none of {expected:#?}", found.outline());
        self.possible = vec![found];
        self.open = Some((handle, Ledger { meta: opened.meta }));
        Ok(())
    }

    /// The disk is another one then: what the power cut has left of it.
    pub fn lose_power(&mut self) {
        self.open = None;
        self.disk = self.disk.after_power_cut(&mut self.random);
    }

    /// A file that nothing was ever kept in.
    fn set_aside(&mut self) {
        self.disk.clear();
        self.possible.clear();
    }

    fn close(&mut self) -> Result<(), Trouble> {
        let known = self.known();
        self.attempt(known, |_, db, _| meta::mark_clean(db))?;
        self.open = None;
        Ok(())
    }

    fn kill(&mut self) -> Result<(), Trouble> {
        self.disk = self.disk.after_kill();
        self.open = None;
        Ok(())
    }

    fn write(&mut self) -> Result<(), Trouble> {
        let (batch, after) = self.batch();
        self.attempt(after, |ledger, db, settings| {
            let written = ledger.write(db, &batch, settings, Fit::All)?;
            assert!(matches!(written, Written::Done(outcome) if outcome.dropped.is_empty()));
            Ok(())
        })
    }

    fn expire(&mut self) -> Result<(), Trouble> {
        let now = UnixMillis(NOW.0 + (HOUR * self.random.u32(20..50)).as_millis() as u64);
        self.sweep(Aim { now, live: u64::MAX })
    }

    fn evict(&mut self) -> Result<(), Trouble> {
        let live = self.open.as_ref().map_or(0, |(_, ledger)| ledger.meta.live);
        let live = self.random.u64(..=live);
        self.sweep(Aim { now: UnixMillis(0), live })
    }

    fn sweep(&mut self, aim: Aim) -> Result<(), Trouble> {
        let mut after = self.known();
        self.attempt(self.known(), |ledger, db, _| {
            let gone = victims(db, aim, ledger.meta.live)?;
            gone.ids().for_each(|id| drop(after.copies.remove(&id)));
            Ok(())
        })?;
        self.attempt(after, |ledger, db, _| ledger.sweep(db, aim).map(drop))
    }

    /// As the writer does: what it changes is there wholly or not at all, and is there for good
    /// once it has returned.
    fn attempt(
        &mut self,
        after: Contents,
        work: impl FnOnce(&mut Ledger, &Database, &Settings) -> Result<(), redb::Error>,
    ) -> Result<(), Trouble> {
        self.possible.push(after.clone());
        let (handle, ledger) = self.open.as_mut().unwrap();
        guarded(|| work(ledger, handle.own().unwrap(), &self.settings))?;
        self.possible = vec![after];
        Ok(())
    }

    fn known(&self) -> Contents {
        assert_eq!(self.possible.len(), 1);
        self.possible[0].clone()
    }

    fn batch(&mut self) -> (Batch, Contents) {
        let (mut batch, mut after) = (Batch::default(), self.known());
        for n in self.random.choose_multiple(0..self.keys.len(), BATCH_MAX) {
            let key = self.keys[n].clone();
            let id = key.id();
            let choice = self.random.u32(..10);
            if choice < 2 {
                after.copies.remove(&id);
                batch.changes.push((id, Change::Forget.into()));
            } else if choice == 2 {
                after.copies.entry(id).and_modify(Kept::purge);
                batch.changes.push((id, Change::Purge.into()));
            } else {
                let copy = Arc::new(self.copy(after.copies.get(&id)));
                let anew = choice == 3;
                after.copies.insert(id, Kept(copy.clone()));
                batch.changes.push((id, Change::Put { key: key.into(), copy, anew }.into()));
            }
        }
        if self.random.u32(..3) == 0 {
            batch.breakers = self.breakers(&mut after);
        }
        if self.random.u32(..20) == 0 {
            after.secret = std::array::from_fn(|_| self.random.u8(..));
            batch.secret = Some(Secret(after.secret));
        }
        (batch, after)
    }

    /// Another body, or the old one refreshed.
    fn copy(&mut self, old: Option<&Kept>) -> Copy {
        let body = match (old, self.random.u32(..8)) {
            (Some(old), 0..3) => old.0.body.clone(),
            (_, 3) => Bytes::new(),
            (_, 4) => noise(self.random.usize(65_000..200_000)).into(),
            (_, 5) => format!("{} ", self.random.u64(..)).repeat(500).into(),
            _ => noise(self.random.usize(1..9_000)).into(),
        };
        let stored_at = UnixMillis(NOW.0 + self.random.u64(..30 * 3_600_000));
        Copy { stored_at, ..page(body) }
    }

    fn breakers(&mut self, after: &mut Contents) -> Option<Update> {
        let application = self.breaker(Level::Application);
        if self.random.bool() {
            after.breakers.insert(String::new(), remembered(&application));
            return Update::of(Unsaved::Counts(Box::new(application)), NOW);
        }
        let paths = self.random.choose_multiple(0..6, 3).into_iter();
        let paths: Vec<_> = paths.map(|n| Level::Path(format!("/path/{n}"))).collect();
        let paths = paths.into_iter().map(|level| self.breaker(level));
        let all: Vec<_> = std::iter::once(application).chain(paths.collect::<Vec<_>>()).collect();
        after.breakers = all.iter().map(|saved| (name(&saved.level), remembered(saved))).collect();
        Update::of(Unsaved::All(all), NOW)
    }

    /// No two say the same.
    fn breaker(&mut self, level: Level) -> Saved {
        let open_for = Duration::from_secs(self.random.u64(1..1_000_000));
        Saved {
            level,
            state: State::Open,
            tally: Tally { total: self.random.u32(..), ..Tally::default() },
            open_for,
            remaining: open_for / 2,
            open_time: open_for,
            age: Duration::ZERO,
        }
    }
}

pub(super) fn remembered(saved: &Saved) -> Remembered {
    Remembered {
        level: saved.level.clone(),
        state: saved.state,
        tally: saved.tally,
        open_for: saved.open_for,
        open_until: UnixMillis(NOW.0 + saved.remaining.as_millis() as u64),
        open_time: saved.open_time,
        saved_at: NOW,
    }
}

const OTHER: &str = "http://localhost:9099";
const BATCH_MAX: usize = 8;
/// Once there is something in it, no file is small enough to be read through.
const NOTHING: u64 = 0;
