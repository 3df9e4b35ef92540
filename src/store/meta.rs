//! What the file says about itself (`meta.v1`).

use super::change::Old;
use super::coverage;
use super::file::{BODIES, BREAKERS, ENTRIES, EXPIRY, META, begin_write};
use super::seal::first_half;
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use crate::key::{EntryId, Secret};
use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, Value, WriteTransaction,
};

/// The numbers the writer carries on, and the file's secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Meta {
    pub secret: [u8; 32],
    /// Bytes of live rows, as [`super::change`] counts them.
    pub live: u64,
    /// The next body's id; never used twice.
    pub next_body: u64,
    pub copies: u64,
}

/// Reads `meta.v1` and marks the file as being written. A file of another application is emptied
/// first; until that is done it is nobody's, so whoever opens it after a crash in between empties
/// on, the old application's RETTER too. A new file begins with `fresh`.
pub(super) fn take_over(db: &Database, new: &str, fresh: Meta) -> Result<Meta, Trouble> {
    let before = db.begin_read().map_err(redb::Error::from)?;
    let owner = application(&before)?;
    let mut meta = load(&before)?.unwrap_or(fresh);
    drop(before);
    if let Some(old) = owner.filter(|owner| owner != new) {
        tracing::warn!(
            old,
            new,
            copies = meta.copies,
            "backend.baseurl has changed: starting with no copies of the old application and with its breakers forgotten"
        );
        empty(db)?;
        meta = Meta { live: 0, copies: 0, ..meta };
    }
    let transaction = begin_write(db)?;
    put(&transaction, APPLICATION, new.as_bytes())?;
    put(&transaction, SECRET, &meta.secret)?;
    put(&transaction, CLEAN, &[0])?;
    save(&transaction, &meta)?;
    transaction.commit().map_err(redb::Error::from)?;
    Ok(meta)
}

/// Part of every batch: the counters belong to the rows they count.
pub(super) fn save(transaction: &WriteTransaction, meta: &Meta) -> Result<(), redb::Error> {
    put(transaction, LIVE, &meta.live.to_be_bytes())?;
    put(transaction, NEXT_BODY, &meta.next_body.to_be_bytes())?;
    put(transaction, FIGURES, &sum(meta.live, meta.next_body))
}

/// The last words of a writer that was told to stop.
pub(super) fn mark_clean(db: &Database) -> Result<(), redb::Error> {
    let transaction = begin_write(db)?;
    put(&transaction, CLEAN, &[1])?;
    Ok(transaction.commit()?)
}

/// What the file says about itself, for who holds it against the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// `None`: missing or malformed, as is `next_body`.
    pub live: Option<u64>,
    pub next_body: Option<u64>,
    pub has_secret: bool,
}

pub(super) fn figures(transaction: &ReadTransaction) -> Result<Figures, redb::Error> {
    let number = |name| -> Result<Option<u64>, redb::Error> {
        let bytes = get(transaction, name)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map(u64::from_be_bytes))
    };
    Ok(Figures {
        live: number(LIVE)?,
        next_body: number(NEXT_BODY)?,
        has_secret: secret(transaction)?.is_some(),
    })
}

/// The secret that keys the hashes of identities; `None`: no RETTER has written here yet.
pub(super) fn secret(transaction: &ReadTransaction) -> Result<Option<Secret>, redb::Error> {
    let bytes = get(transaction, SECRET)?.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map(Secret))
}

/// Whose copies the file holds; `None`: nobody's yet.
pub(super) fn application(transaction: &ReadTransaction) -> Result<Option<String>, redb::Error> {
    let owner = get(transaction, APPLICATION)?;
    Ok(owner.map(|owner| String::from_utf8_lossy(&owner).into_owned()))
}

/// The copies of an older file are readable with its secret only.
pub(super) fn save_secret(
    transaction: &WriteTransaction,
    secret: &Secret,
) -> Result<(), redb::Error> {
    put(transaction, SECRET, &secret.0)
}

/// `None`: a new file.
pub(super) fn load(transaction: &ReadTransaction) -> Result<Option<Meta>, redb::Error> {
    let Some(secret) = secret(transaction)? else { return Ok(None) };
    let written = figures(transaction)?;
    let said = get(transaction, FIGURES)?;
    let sound = written
        .live
        .zip(written.next_body)
        .filter(|&(live, next_body)| said.is_some_and(|said| said == sum(live, next_body)));
    let (live, next_body) = sound.map_or_else(|| recount(transaction), Ok)?;
    let copies = transaction.open_table(ENTRIES)?.len()?;
    Ok(Some(Meta { secret: secret.0, live, next_body, copies }))
}

/// The figures, from all rows they are about. One flipped bit in `live`, and a file would be full
/// for good; one in `next-body`, and new bodies would take the place of old ones.
fn recount(transaction: &ReadTransaction) -> Result<(u64, u64), redb::Error> {
    tracing::warn!("what the file says of its size cannot be believed: counted anew");
    let mut live = 0u64;
    for row in transaction.open_table(ENTRIES)?.iter()? {
        let (id, row) = row?;
        live = live.saturating_add(Old::read(EntryId(*id.value()), row.value()).weight());
    }
    Ok((live, unused_bodies()))
}

/// Body ids that no file has used yet, whatever has become of it.
pub(super) fn unused_bodies() -> u64 {
    UnixMillis::read().0 << BODIES_A_MILLI_LOG
}

/// Pages are not checked when they are read, so the figures are.
fn sum(live: u64, next_body: u64) -> [u8; 16] {
    let figures = [live.to_be_bytes(), next_body.to_be_bytes()];
    first_half(blake3::hash(figures.as_flattened()))
}

/// Entries first: at no moment does one point to a body that is gone.
fn empty(db: &Database) -> Result<(), redb::Error> {
    let transaction = begin_write(db)?;
    put(&transaction, APPLICATION, NOBODY)?;
    coverage::forget(&transaction)?;
    transaction.commit()?;
    drain(db, BREAKERS, 10_000)?;
    drain(db, ENTRIES, 10_000)?;
    drain(db, EXPIRY, 10_000)?;
    drain(db, BODIES, 500)
}

/// Removes every row, `batch` of them a transaction.
fn drain<K: Key + 'static, V: Value + 'static>(
    db: &Database,
    definition: TableDefinition<K, V>,
    batch: usize,
) -> Result<(), redb::Error> {
    loop {
        let transaction = begin_write(db)?;
        let removed = pop(&mut transaction.open_table(definition)?, batch)?;
        transaction.commit()?;
        if removed < batch {
            return Ok(());
        }
    }
}

fn pop<K: Key + 'static, V: Value + 'static>(
    table: &mut Table<K, V>,
    at_most: usize,
) -> Result<usize, redb::Error> {
    let mut removed = 0;
    while removed < at_most && table.pop_first()?.is_some() {
        removed += 1;
    }
    Ok(removed)
}

pub(super) fn get(
    transaction: &ReadTransaction,
    name: &str,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = transaction.open_table(META)?;
    Ok(table.get(name)?.map(|row| row.value().to_vec()))
}

pub(super) fn put(
    transaction: &WriteTransaction,
    name: &str,
    value: &[u8],
) -> Result<(), redb::Error> {
    transaction.open_table(META)?.insert(name, value)?;
    Ok(())
}

pub(super) fn remove(transaction: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    transaction.open_table(META)?.remove(name)?;
    Ok(())
}

const APPLICATION: &str = "application";
/// No application has this name.
const NOBODY: &[u8] = b"";
const CLEAN: &str = "clean";
/// The sum of the two numbers.
const FIGURES: &str = "figures";
const LIVE: &str = "live";
const NEXT_BODY: &str = "next-body";
const SECRET: &str = "secret";

/// log2 of more bodies than are ever written in a millisecond.
const BODIES_A_MILLI_LOG: u32 = 16;
