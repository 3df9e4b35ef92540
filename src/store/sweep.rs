//! What leaves the file by itself: copies older than `store.ttl`, and, when the file is as large as
//! `store.maxsize` allows, those refreshed least recently.
//!
//! `expiry.v1` in the order of its keys is both: its hours are the order in which copies expire and
//! the order in which they were refreshed. So only the rows that go are ever looked at. A few
//! hundred at a time, because what the writer holds up waits.

use super::change::{Old, Plan, Tables};
use super::file::{ENTRIES, EXPIRY};
use super::index::{hour_of, split_expiry_key};
use super::meta::Meta;
use crate::clock::UnixMillis;
use crate::key::EntryId;
use redb::{Database, ReadableDatabase, ReadableTable};

/// What a sweep is to bring about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    /// Copies that expired before this moment's hour go.
    pub now: UnixMillis,
    /// Bytes of live rows that may stay.
    pub live: u64,
}

/// How many went, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    pub expired: u64,
    pub evicted: u64,
    /// As many as one sweep takes: there may be more.
    pub full: bool,
}

/// The rows that go.
pub(super) struct Victims {
    plans: Vec<Plan>,
    /// Rows of `expiry.v1` that point to nothing, or to an entry that has been refreshed since.
    strays: Vec<[u8; 20]>,
    swept: Swept,
}

/// Looks for them from the front of `expiry.v1`, by a snapshot of the file.
pub(super) fn victims(db: &Database, aim: Aim, live: u64) -> Result<Victims, redb::Error> {
    let transaction = db.begin_read()?;
    let (expiry, entries) = (transaction.open_table(EXPIRY)?, transaction.open_table(ENTRIES)?);
    let mut victims = Victims { plans: Vec::new(), strays: Vec::new(), swept: Swept::default() };
    let mut left = live;
    for row in expiry.iter()? {
        let key = *row?.0.value();
        let (hour, id) = split_expiry_key(&key);
        let expired = hour < hour_of(aim.now.0);
        if !expired && left <= aim.live {
            return Ok(victims);
        }
        if victims.len() >= AT_ONCE {
            victims.swept.full = true;
            return Ok(victims);
        }
        match entries.get(&id.0)?.map(|row| Old::read(id, row.value())) {
            Some(old) if old.is_filed_under(&key, id) => {
                left = left.saturating_sub(old.weight());
                // A header that cannot be read does not say which row of `expiry.v1` is its own.
                victims.strays.extend(old.header.is_none().then_some(key));
                victims.add(id, old, expired);
            }
            _ => victims.strays.push(key),
        }
    }
    Ok(victims)
}

impl Victims {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.plans.iter().map(|plan| plan.id)
    }

    pub fn swept(&self) -> Swept {
        self.swept
    }

    pub fn count(&self, meta: &mut Meta) {
        self.plans.iter().for_each(|plan| plan.count(meta));
    }

    pub fn remove(&self, tables: &mut Tables) -> Result<(), redb::Error> {
        self.strays.iter().try_for_each(|key| tables.remove_expiry(key))?;
        self.plans.iter().try_for_each(|plan| plan.apply(tables))
    }

    fn len(&self) -> usize {
        self.plans.len() + self.strays.len()
    }

    fn add(&mut self, id: EntryId, old: Old, expired: bool) {
        self.swept.expired += u64::from(expired);
        self.swept.evicted += u64::from(!expired);
        self.plans.push(Plan { id, old: Some(old), new: None });
    }
}

/// Copies that leave in one transaction.
const AT_ONCE: usize = 250;
