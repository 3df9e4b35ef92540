//! One change to the file, and its rows once [`super::plan`] has worked them out.

use super::body;
use super::breakers::Breakers;
use super::counters::Dropped;
use super::entry::{BODY_MAX, BodyRef, Header};
use super::file::{BODIES, BREAKERS, ENTRIES, EXPIRY};
use super::index::expiry_key;
use super::meta::Meta;
use super::row::ROW_MAX;
use super::seal::first_half;
use super::{Copy, memory};
use crate::key::{EntryId, StoreKey};
use redb::{Table, WriteTransaction};
use std::sync::Arc;

/// What is to happen to one entry.
pub(super) enum Change {
    Put {
        key: Arc<StoreKey>,
        copy: Arc<Copy>,
        /// The body that is there was found damaged: it does not stay, even if it should say the
        /// same.
        anew: bool,
    },
    /// Brought back from a file that was set aside, as it was there.
    Restore(Box<New>),
    /// The page is gone.
    Forget,
    /// Found damaged: removed, if it still is the row with this hash.
    Discard { row_hash: [u8; 16] },
    /// The copy is kept for an outage, and is not fresh any more.
    Purge,
}

impl Change {
    /// The file has the last word on what the copy says: what waits only marks it, or is older than
    /// anything that is there.
    pub fn leaves_it_to_the_file(&self) -> bool {
        matches!(self, Change::Purge | Change::Restore(_))
    }

    /// Bytes it holds while it waits.
    pub fn weight(&self) -> usize {
        match self {
            Change::Put { key, copy, .. } => memory::weight(key, copy),
            Change::Restore(new) => new.weight() as usize,
            Change::Forget | Change::Discard { .. } | Change::Purge => size_of::<Change>(),
        }
    }
}

/// A change in terms of rows.
pub(super) struct Plan {
    pub id: EntryId,
    pub old: Option<Old>,
    pub new: Option<New>,
}

pub(super) struct Old {
    row_length: usize,
    /// `None` when it cannot be read: its body then stays behind, unreachable.
    pub header: Option<Header>,
}

#[derive(Clone)]
pub(super) struct New {
    pub row: Vec<u8>,
    pub expires_at: u64,
    pub body: BodyRef,
    /// `None`: the old body stays.
    pub bytes: Option<Vec<u8>>,
}

/// The tables that a batch writes, open once for all of it.
pub(super) struct Tables<'t> {
    entries: Table<'t, &'static [u8; 16], &'static [u8]>,
    bodies: Table<'t, &'static [u8; 12], &'static [u8]>,
    expiry: Table<'t, &'static [u8; 20], &'static [u8]>,
    pub breakers: Breakers<'t>,
}

impl<'t> Tables<'t> {
    pub fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            bodies: transaction.open_table(BODIES)?,
            expiry: transaction.open_table(EXPIRY)?,
            breakers: transaction.open_table(BREAKERS)?,
        })
    }

    pub fn remove_expiry(&mut self, key: &[u8; 20]) -> Result<(), redb::Error> {
        self.expiry.remove(key)?;
        Ok(())
    }
}

impl Plan {
    /// Whether the entry is there afterwards.
    pub fn leaves_a_copy(&self) -> bool {
        self.new.is_some()
    }

    pub fn apply(&self, tables: &mut Tables) -> Result<(), redb::Error> {
        if let Some(header) = self.old.as_ref().and_then(|old| old.header.as_ref()) {
            self.remove_old(header, tables)?;
        }
        let Some(new) = &self.new else {
            tables.entries.remove(&self.id.0)?;
            return Ok(());
        };
        if let Some(bytes) = &new.bytes {
            body::insert(&mut tables.bodies, new.body.id, bytes)?;
        }
        tables.expiry.insert(&expiry_key(new.expires_at, self.id), [].as_slice())?;
        tables.entries.insert(&self.id.0, new.row.as_slice())?;
        Ok(())
    }

    /// What of the old entry the new one does not take over.
    fn remove_old(&self, old: &Header, tables: &mut Tables) -> Result<(), redb::Error> {
        tables.expiry.remove(&expiry_key(old.expires_at, self.id))?;
        if self.new.as_ref().is_none_or(|new| new.bytes.is_some()) {
            body::remove(&mut tables.bodies, old.body.id, old.body.stored_length as usize)?;
        }
        Ok(())
    }

    /// What it changes in the file's own figures.
    pub fn count(&self, meta: &mut Meta) {
        if let Some(old) = &self.old {
            meta.live = meta.live.saturating_sub(old.weight());
            meta.copies = meta.copies.saturating_sub(1);
        }
        if let Some(new) = &self.new {
            meta.live = meta.live.saturating_add(new.weight());
            meta.copies += 1;
        }
    }
}

impl Old {
    pub fn read(id: EntryId, row: &[u8]) -> Self {
        Self { row_length: row.len(), header: Header::decode(id, row).ok() }
    }

    /// Its row of `expiry.v1` is this one, as far as can be told.
    pub fn is_filed_under(&self, key: &[u8; 20], id: EntryId) -> bool {
        self.header.as_ref().is_none_or(|header| expiry_key(header.expires_at, id) == *key)
    }

    pub fn weight(&self) -> u64 {
        weight(self.row_length, self.header.as_ref().map_or(0, |header| header.body.stored_length))
    }
}

impl New {
    /// Bytes of its rows, keys included.
    pub fn weight(&self) -> u64 {
        weight(self.row.len(), self.body.stored_length)
    }
}

/// A refusal that needs no look at the file.
pub(super) fn refused(copy: &Copy) -> Option<Dropped> {
    let headers: usize = copy.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 2).sum();
    let fits = copy.body.len() <= BODY_MAX && headers <= ROW_MAX;
    (!fits).then_some(Dropped::TooLarge)
}

/// For [`Change::Discard`]: is it still the row that was seen?
pub(super) fn hash_of(row: Option<&[u8]>) -> [u8; 16] {
    first_half(blake3::hash(row.unwrap_or_default()))
}

/// Bytes of keys and values that one entry has in the three tables.
fn weight(row_length: usize, stored_length: u32) -> u64 {
    let chunk_keys = 12 * u64::from(body::chunks(stored_length as usize));
    row_length as u64 + 16 + 20 + u64::from(stored_length) + chunk_keys
}
