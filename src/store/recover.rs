//! Bringing the copies back from a file that was set aside because it was not closed and could not
//! be opened without reading all of it.
//!
//! It is put in order here, in the background, for as long as that takes, and its rows go through
//! the queue like any other change; what has come since is newer and stays. The file goes when all
//! of it is back. A RETTER that is stopped before that begins anew at the next start.

use super::aside;
use super::body;
use super::change::{Change, New};
use super::entry::Header;
use super::file::{BODIES, ENTRIES, guarded};
use super::meta;
use super::shared::Shared;
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use crate::key::{EntryId, Secret};
use crate::migrations;
use redb::{Builder, Database, ReadableDatabase};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// In a thread of its own; one at a time, whenever the file is opened again meanwhile.
pub(super) fn start(shared: Arc<Shared>) {
    if !shared.queue.begin_recovering() {
        return;
    }
    let recovery = shared.clone();
    let work = move || {
        let path = aside::unrepaired(&recovery.settings.path);
        let shared = recovery;
        match guarded(|| bring_back(&shared, &path)) {
            // Queued is not written.
            Ok(true) if shared.queue.wait_for_restored() => finish(&shared, &path),
            Ok(_) => {}
            Err(trouble @ (Trouble::Full | Trouble::Io(_) | Trouble::Forbidden)) => {
                let file = path.display();
                tracing::warn!(%file, reason = %trouble, "its copies cannot be brought back now: they come at the next start");
            }
            Err(trouble) => {
                let file = path.display();
                tracing::warn!(%file, reason = %trouble, "its copies cannot be brought back: delete it when you have looked at it");
            }
        }
        shared.queue.end_recovering();
    };
    if let Err(error) = std::thread::Builder::new().name("retter-recover".into()).spawn(work) {
        shared.queue.end_recovering();
        tracing::warn!(%error, "no thread to bring copies back: they come at the next start");
    }
}

/// False: told to stop before the end, or another RETTER does it.
fn bring_back(shared: &Shared, path: &Path) -> Result<bool, Trouble> {
    let db = match Builder::new().set_cache_size(CACHE).open(path) {
        Ok(db) => db,
        Err(error) => match error.into() {
            Trouble::Locked => return Ok(false),
            trouble => return Err(trouble),
        },
    };
    let transaction = db.begin_read().map_err(redb::Error::from)?;
    migrations::check(migrations::version_of(&transaction)?)?;
    let owner = meta::application(&transaction)?;
    if owner.is_none_or(|owner| owner != shared.application) {
        // Copies of another application are of no use.
        return Ok(true);
    }
    if let Some(secret) = meta::secret(&transaction)? {
        take_secret(shared, secret);
    }
    drop(transaction);
    let mut next = Bound::Unbounded;
    loop {
        let rows = some_rows(&db, next, UnixMillis::read().0)?;
        let Some(last) = rows.last() else { return Ok(true) };
        next = Bound::Excluded(last.0.0);
        for (id, new) in rows {
            let Some(new) = new else { continue };
            if !shared.queue.push_in_turn(id, Change::Restore(Box::new(new))) {
                return Ok(false);
            }
            shared.counters.brought_back.up();
        }
    }
}

/// People's copies in the old file are found and opened with its secret alone, and it has more of
/// them than came since.
fn take_secret(shared: &Shared, secret: Secret) {
    if shared.secret.read().0 != secret.0 {
        shared.adopt(&secret);
        shared.queue.push_secret(secret);
    }
}

type Row = (EntryId, Option<New>);

/// The next rows, and what is to be brought back of each.
fn some_rows(db: &Database, from: Bound<[u8; 16]>, now: u64) -> Result<Vec<Row>, redb::Error> {
    let transaction = db.begin_read()?;
    let (entries, bodies) = (transaction.open_table(ENTRIES)?, transaction.open_table(BODIES)?);
    let (mut rows, mut read) = (Vec::new(), 0);
    for row in entries.range::<&[u8; 16]>((from.as_ref(), Bound::Unbounded))?.take(ROWS) {
        let (id, bytes) = row?;
        let (id, row) = (EntryId(*id.value()), bytes.value().to_vec());
        let header = Header::decode(id, &row).ok().filter(|header| header.expires_at > now);
        let new = match header {
            Some(header) => {
                let length = header.body.stored_length as usize;
                let bytes = body::read(&bodies, header.body.id, length)?;
                read += length;
                let (expires_at, body) = (header.expires_at, header.body);
                bytes.map(|bytes| New { row, expires_at, body, bytes: Some(bytes) })
            }
            None => None,
        };
        rows.push((id, new));
        if read >= BYTES {
            break;
        }
    }
    Ok(rows)
}

fn finish(shared: &Shared, path: &Path) {
    let (file, copies) = (path.display(), shared.counters.brought_back.get());
    match std::fs::remove_file(path) {
        Ok(()) => tracing::info!(%file, copies, "the copies of the file set aside are back"),
        Err(error) => tracing::warn!(%file, %error, "all is back, but the file cannot be deleted"),
    }
}

/// Rows of one transaction, whose bodies are in memory together...
const ROWS: usize = 50;
/// ... and their bytes.
const BYTES: usize = 8 * 1024 * 1024;
/// redb's cache over the old file, bytes.
const CACHE: usize = 16 * 1024 * 1024;
