//! Purging a file that no RETTER has open: this process is the one writer meanwhile.
//!
//! What is planned, and how many rows a transaction has, is the same as beside a running RETTER.
//! Only whose file it is stays as it is: nothing here knows the application's address. A dry run
//! reads, beside a writer or without one, and changes nothing, the format's version included.

use super::super::change::{Change, Plan, Tables};
use super::super::file::{self, Opened, begin_write, guarded};
use super::super::meta;
use super::super::plan::{Planned, Planner};
use super::super::reader::Reader;
use super::super::select::Purge;
use super::super::trouble::Trouble;
use super::super::{Settings, file::ENTRIES};
use super::{Purged, Scan, Seen};
use crate::clock::UnixMillis;
use redb::{ReadTransaction, ReadableDatabase};
use std::path::Path;
use std::time::Duration;

/// Opens the file as its one writer, purges, and closes it.
///
/// # Errors
/// What keeps the file from being opened, [`Trouble::Locked`] if somebody has it, or from being
/// written; what was purged by then is.
pub fn purge_closed(path: &Path, purge: &Purge, now: UnixMillis) -> Result<Purged, Trouble> {
    if purge.dry_run {
        let reader = Reader::open(path)?;
        return all(purge, now, &mut (), |_| reader.begin(), |(), _| Ok(()));
    }
    let settings = settings(path);
    let mut opened = file::open_present(&settings)?;
    all(
        purge,
        now,
        &mut opened,
        |opened| Ok(opened.db.begin_read()?),
        |opened, seen| write(opened, &settings, purge.hard, seen),
    )
}

fn all<F>(
    purge: &Purge,
    now: UnixMillis,
    file: &mut F,
    begin: impl Fn(&F) -> Result<ReadTransaction, redb::Error>,
    write: impl Fn(&mut F, &[Seen]) -> Result<(), redb::Error>,
) -> Result<Purged, Trouble> {
    let (mut scan, mut purged) = (Scan::new(purge, now), Purged::default());
    while let Some(seen) = guarded(|| scan.some(&begin(file)?))? {
        guarded(|| write(file, &seen))?;
        purged.add(&seen);
    }
    Ok(purged)
}

/// One transaction, counters included.
fn write(
    opened: &mut Opened,
    settings: &Settings,
    hard: bool,
    seen: &[Seen],
) -> Result<(), redb::Error> {
    let mut meta = opened.meta.clone();
    let entries = opened.db.begin_read()?.open_table(ENTRIES)?;
    let mut planner = Planner { entries, settings, meta: &mut meta };
    let change = if hard { Change::Forget } else { Change::Purge };
    let planned = seen.iter().map(|seen| planner.plan(seen.id, &change));
    let planned = planned.collect::<Result<Vec<_>, _>>()?;
    let plans = planned.into_iter().filter_map(|planned| match planned {
        Planned::Do(plan) => Some(*plan),
        Planned::Nothing | Planned::Dropped(_) => None,
    });
    commit(opened, &plans.collect::<Vec<_>>(), &meta)?;
    opened.meta = meta;
    Ok(())
}

fn commit(opened: &Opened, plans: &[Plan], meta: &meta::Meta) -> Result<(), redb::Error> {
    if plans.is_empty() {
        return Ok(());
    }
    let transaction = begin_write(&opened.db)?;
    let mut tables = Tables::open(&transaction)?;
    plans.iter().try_for_each(|plan| plan.apply(&mut tables))?;
    drop(tables);
    meta::save(&transaction, meta)?;
    Ok(transaction.commit()?)
}

/// Nothing is put, so what they say about putting is never asked.
fn settings(path: &Path) -> Settings {
    Settings {
        path: path.to_owned(),
        ttl: Duration::ZERO,
        maxsize: 0,
        commit: Duration::ZERO,
        refresh: Duration::ZERO,
        cache: CACHE,
        memory: 0,
    }
}

/// redb's cache, bytes: well above twice what a transaction makes dirty.
const CACHE: usize = 32 * 1024 * 1024;
