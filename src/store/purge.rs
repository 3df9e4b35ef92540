//! Throwing copies away because the operator says so: the memory tier, what waits in the queue, and
//! the file, for every identity and variant.
//!
//! Softly, a copy stays for an outage but is not fresh any more, and the next good answer takes its
//! place at once. Hard, it is gone for good: when the call returns, its removal is committed.
//!
//! The newest of a copy decides whether it is meant (memory, then what waits, then the file). The
//! file is read in short transactions and written [`ROWS`] copies at a time through the one writer,
//! in turns with what the visitors bring, so a long purge holds up neither them nor the disk. A copy
//! that is put after its turn came is a later good answer, and stays.
//!
//! No request ever waits for any of this; who asks for it does, so it is for a thread that may block.

mod closed;
mod scan;

pub use closed::purge_closed;

use super::memory::Named;
use super::queue::{Chunk, Waited};
use super::select::Purge;
use super::trouble::Trouble;
use super::{Store, file::guarded};
use crate::clock::UnixMillis;
use crate::key::EntryId;
use scan::{Scan, Seen};
use std::collections::HashMap;
use std::time::Duration;

/// How many copies, and how many bytes their pages have as the application sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub copies: u64,
    pub bytes: u64,
}

/// Why a purge did not come to its end. What was purged by then is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurgeError {
    #[error("RETTER is stopping: purge again when it runs, or without it")]
    Stopping,
    #[error("the file is {trouble}: {remedy}; purge again then", trouble = .0, remedy = .0.remedy())]
    File(Trouble),
    #[error(
        "copies are being brought back from a file that was set aside: purge again when the log says that they are back"
    )]
    Recovering,
    #[error("the file has failed a moment ago and is being opened again: purge again then")]
    Failed,
    #[error("the file has taken nothing for {} seconds: see to the disk and purge again", WAIT_MAX.as_secs())]
    TooLong,
}

impl Store {
    /// Blocks. `progress` hears after every few copies how many there are so far.
    pub fn purge(
        &self,
        purge: &Purge,
        now: UnixMillis,
        mut progress: impl FnMut(Purged),
    ) -> Result<Purged, PurgeError> {
        let _alone = self.shared.purging.lock();
        self.is_purgeable()?;
        let mut purged = Purged::default();
        let living = self.living(purge, now);
        let meant: Vec<Seen> = living.values().flatten().copied().collect();
        for seen in meant.chunks(ROWS) {
            self.purge_some(purge, seen)?;
            purged.add(seen);
            progress(purged);
        }
        let mut scan = Scan::new(purge, now);
        while let Some(mut seen) = self.scan(&mut scan)? {
            seen.retain(|seen| !living.contains_key(&seen.id));
            self.purge_some(purge, &seen)?;
            purged.add(&seen);
            progress(purged);
        }
        Ok(purged)
    }

    /// The file is this RETTER's to write, or there is none and memory is all there is.
    fn is_purgeable(&self) -> Result<(), PurgeError> {
        if self.shared.queue.is_recovering() {
            return Err(PurgeError::Recovering);
        }
        if self.shared.file.is_own() || self.is_without_file() {
            return Ok(());
        }
        Err(self.trouble().map_or(PurgeError::Failed, PurgeError::File))
    }

    /// And none will come: what passes by itself would bring the copies back.
    fn is_without_file(&self) -> bool {
        self.trouble().is_some_and(|trouble| trouble.is_hopeless())
    }

    /// The copies in memory and in the queue; `None` for those that are not meant, whatever an
    /// older row in the file says.
    fn living(&self, purge: &Purge, now: UnixMillis) -> HashMap<EntryId, Option<Seen>> {
        // Memory last: what it has is not older.
        let copies = self.shared.queue.list().into_iter().chain(self.shared.memory.list());
        let judged = |(id, key, copy): Named| {
            let meant = purge.selection.means(id, &key.place, copy.stored_at, now);
            (id, meant.then_some(Seen { id, bytes: copy.body.len() as u64 }))
        };
        copies.map(judged).collect()
    }

    /// Some more copies in the file that are meant; `None` at the end, or if there is no file.
    fn scan(&self, scan: &mut Scan) -> Result<Option<Vec<Seen>>, PurgeError> {
        if self.is_without_file() {
            return Ok(None);
        }
        let Some(db) = self.shared.file.get() else {
            let stopping = self.shared.queue.has_ended();
            return Err(if stopping { PurgeError::Stopping } else { PurgeError::Failed });
        };
        guarded(|| scan.some(&db.begin_read()?)).map_err(|fault: redb::Error| {
            self.shared.lost(&db, &fault);
            PurgeError::File(fault.into())
        })
    }

    /// In memory and in the queue at once; returns when it is in the file.
    fn purge_some(&self, purge: &Purge, seen: &[Seen]) -> Result<(), PurgeError> {
        if purge.dry_run || seen.is_empty() {
            return Ok(());
        }
        let chunk = Chunk::new(seen.iter().map(|seen| seen.id).collect(), purge.hard);
        let memory = &self.shared.memory;
        let in_memory = || match purge.hard {
            true => chunk.ids.iter().for_each(|id| memory.remove(*id)),
            false => chunk.ids.iter().for_each(|id| memory.purge(*id)),
        };
        if self.is_without_file() {
            self.shared.queue.purge_unwritten(&chunk, in_memory);
            return Ok(());
        }
        match self.shared.queue.purge(&chunk, WAIT_MAX, in_memory) {
            Waited::Done => Ok(()),
            Waited::TooLong => Err(self.trouble().map_or(PurgeError::TooLong, PurgeError::File)),
            Waited::NoWriter => Err(PurgeError::Stopping),
        }
    }
}

impl Purged {
    fn add(&mut self, seen: &[Seen]) {
        self.copies += seen.len() as u64;
        self.bytes += seen.iter().map(|seen| seen.bytes).sum::<u64>();
    }
}

/// Copies a transaction.
const ROWS: usize = 250;
/// For one chunk. A disk so slow that a commit takes some seconds is left alone for a minute and
/// more after each (see `pace`).
const WAIT_MAX: Duration = Duration::from_secs(300);
