//! One transaction's work: what a batch changes, what makes room, and the file's own figures with
//! it. Nothing here knows of threads, queues or the opening of files.

use super::Settings;
use super::change::{Plan, Tables};
use super::counters::Dropped;
use super::coverage;
use super::file::{ENTRIES, begin_write};
use super::meta::{self, Meta};
use super::plan::{self, Planner};
use super::queue::Batch;
use super::sweep::{self, Aim, Swept};
use crate::key::EntryId;
use redb::{Database, ReadableDatabase, WriteTransaction};
use std::time::{Duration, Instant};

/// The figures that go with the rows. They change when a transaction has been committed, and only
/// then.
pub(super) struct Ledger {
    pub meta: Meta,
}

/// What came of a batch.
pub(super) enum Written {
    Done(Outcome),
    /// Nothing: so many bytes have to leave the file before all of it fits.
    NoRoom(u64),
}

/// What may be done when a batch does not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Ask for room.
    All,
    /// Drop what does not.
    WhatFits,
}

/// What was written and what was not.
#[derive(Default)]
pub(super) struct Outcome {
    /// `None`: nothing in the batch changes the file.
    pub committed: Option<Committed>,
    /// What was not taken, change by change.
    pub dropped: Vec<Dropped>,
}

/// What is in the file now.
pub(super) struct Committed {
    /// Entries that were touched, and whether each is there afterwards.
    pub entries: Vec<(EntryId, bool)>,
    /// The transaction alone: what the disk was asked for.
    pub took: Duration,
}

impl Ledger {
    /// Writes a batch.
    pub fn write(
        &mut self,
        db: &Database,
        batch: &Batch,
        settings: &Settings,
        fit: Fit,
    ) -> Result<Written, redb::Error> {
        let mut meta = self.meta.clone();
        let Planned { plans, dropped, short } = plan(db, batch, settings, &mut meta)?;
        if short > 0 && fit == Fit::All {
            let over = meta.live.saturating_add(short).saturating_sub(settings.maxsize);
            return Ok(Written::NoRoom(over));
        }
        if plans.is_empty() && batch.has_only_changes() {
            return Ok(Written::Done(Outcome { committed: None, dropped }));
        }
        let entries = plans.iter().map(|plan| (plan.id, plan.leaves_a_copy())).collect();
        let took = self.commit(db, meta, |transaction| {
            let mut tables = Tables::open(transaction)?;
            plans.iter().try_for_each(|plan| plan.apply(&mut tables))?;
            if let Some(secret) = &batch.secret {
                meta::save_secret(transaction, secret)?;
            }
            if let Some(covered) = &batch.coverage {
                coverage::write(transaction, covered)?;
            }
            match &batch.breakers {
                Some(breakers) => breakers.write(&mut tables.breakers),
                None => Ok(()),
            }
        })?;
        Ok(Written::Done(Outcome { committed: Some(Committed { entries, took }), dropped }))
    }

    /// Takes out what has expired, and the copies refreshed least recently until the file is as
    /// small as `aim` has it; some hundred in one go. `None`: there is nothing to take out.
    pub fn sweep(
        &mut self,
        db: &Database,
        aim: Aim,
    ) -> Result<Option<(Swept, Committed)>, redb::Error> {
        let victims = sweep::victims(db, aim, self.meta.live)?;
        if victims.is_empty() {
            return Ok(None);
        }
        let mut meta = self.meta.clone();
        victims.count(&mut meta);
        let took =
            self.commit(db, meta, |transaction| victims.remove(&mut Tables::open(transaction)?))?;
        let entries = victims.ids().map(|id| (id, false)).collect();
        Ok(Some((victims.swept(), Committed { entries, took })))
    }

    fn commit(
        &mut self,
        db: &Database,
        meta: Meta,
        work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<Duration, redb::Error> {
        let started = Instant::now();
        let transaction = begin_write(db)?;
        work(&transaction)?;
        meta::save(&transaction, &meta)?;
        transaction.commit()?;
        self.meta = meta;
        Ok(started.elapsed())
    }
}

struct Planned {
    plans: Vec<Plan>,
    dropped: Vec<Dropped>,
    short: u64,
}

/// Before the transaction, since compressing and sealing take longer than writing.
fn plan(
    db: &Database,
    batch: &Batch,
    settings: &Settings,
    meta: &mut Meta,
) -> Result<Planned, redb::Error> {
    let entries = db.begin_read()?.open_table(ENTRIES)?;
    let mut planner = Planner { entries, settings, meta, short: 0 };
    let (mut plans, mut dropped) = (Vec::with_capacity(batch.changes.len()), Vec::new());
    for (id, change) in &batch.changes {
        match planner.plan(*id, change)? {
            plan::Planned::Do(plan) => plans.push(*plan),
            plan::Planned::Nothing => {}
            plan::Planned::Dropped(reason) => dropped.push(reason),
        }
    }
    Ok(Planned { plans, dropped, short: planner.short })
}
