//! Purging a file that no RETTER has open: this process is the one writer meanwhile.
//!
//! What is planned, and how many rows a transaction has, is the same as beside a running RETTER.
//! Only whose file it is stays as it is: nothing here knows the application's address. A dry run
//! reads, beside a writer or without one, and changes nothing, the format's version included.

use super::super::commit::{Fit, Ledger};
use super::super::file::{self, Opened, guarded};
use super::super::queue::{Batch, Chunk};
use super::super::reader::Reader;
use super::super::select::Purge;
use super::super::trouble::Trouble;
use super::super::{Settings, Sharing};
use super::{Purged, Scan, Seen};
use crate::clock::UnixMillis;
use redb::{Database, ReadTransaction, ReadableDatabase};
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
    let Opened { db, meta } = file::open_present(&settings)?;
    all(
        purge,
        now,
        &mut Ledger { meta },
        |_| Ok(db.begin_read()?),
        |ledger, seen| write(&db, ledger, &settings, purge.hard, seen),
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
    db: &Database,
    ledger: &mut Ledger,
    settings: &Settings,
    hard: bool,
    seen: &[Seen],
) -> Result<(), redb::Error> {
    let chunk = Chunk::new(seen.iter().map(|seen| seen.id).collect(), hard);
    ledger.write(db, &Batch::purging(chunk), settings, Fit::WhatFits)?;
    Ok(())
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
        sharing: Sharing::Live,
        memory: 0,
    }
}

/// redb's cache, bytes: well above twice what a transaction makes dirty.
const CACHE: usize = 32 * 1024 * 1024;
