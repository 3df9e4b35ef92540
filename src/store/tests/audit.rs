//! What a file holds, as one value that can be compared, and whether it agrees with itself.

use super::*;
use crate::breaker::Level;
use crate::store::body::chunks;
use crate::store::breakers::{Remembered, list};
use crate::store::entry::Header;
use crate::store::file::{BODIES, BREAKERS, ENTRIES, EXPIRY};
use crate::store::index::expiry_key;
use crate::store::lookup::Answer;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use std::collections::{BTreeMap, BTreeSet};

/// All that a file has to remember.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Contents {
    pub application: String,
    pub secret: [u8; 32],
    pub copies: BTreeMap<EntryId, Kept>,
    /// The application's breaker under an empty name.
    pub breakers: BTreeMap<String, Remembered>,
}

#[derive(Clone)]
pub(super) struct Kept(pub Arc<Copy>);

impl Kept {
    pub fn purge(&mut self) {
        self.0 = Arc::new(Copy { purged: true, ..(*self.0).clone() });
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (&*self.0, &*other.0);
        (own.status, &own.headers, own.stored_at, own.why)
            == (other.status, &other.headers, other.stored_at, other.why)
            && (&own.body, own.purged) == (&other.body, other.purged)
    }
}

impl Contents {
    /// What is left when a RETTER in front of this application has opened the file.
    pub fn taken_over_by(&self, application: &str) -> Self {
        let application = application.to_owned();
        if self.application.is_empty() || self.application == application {
            return Self { application, ..self.clone() };
        }
        Self { application, secret: self.secret, ..Self::default() }
    }

    /// What a failing test shows.
    pub fn outline(&self) -> String {
        let copies = self.copies.iter().map(|(id, kept)| (id.0[0], kept.0.body.len()));
        let copies: Vec<_> = copies.collect();
        let breakers: Vec<_> = self.breakers.keys().collect();
        format!("{} {:?} {copies:?} {breakers:?}", self.application, &self.secret[..2])
    }
}

/// Reads all of it, the copies of `keys` as a visitor would. Panics when the file does not agree
/// with itself: rows that belong to nothing, figures that are not true, a copy that is not whole.
pub(super) fn contents(db: &Handle, meta: &Meta, keys: &[StoreKey]) -> Contents {
    let read = db.begin_read().unwrap();
    let rows = agreement(&read, meta);
    let mut copies = BTreeMap::new();
    for key in keys {
        match lookup::read(db, key.id(), key, UnixMillis(0)).unwrap() {
            Answer::Copy(copy) => drop(copies.insert(key.id(), Kept(copy.into()))),
            Answer::Missing => {}
            Answer::Damaged { damage, .. } => panic!("{damage:?}"),
            Answer::Expired | Answer::Sealed => panic!("not for {key:?}"),
        }
    }
    assert_eq!(copies.len() as u64, rows, "every entry is somebody's");
    Contents {
        application: meta::application(&read).unwrap().unwrap(),
        secret: meta.secret,
        copies,
        breakers: breakers(&read),
    }
}

/// How many entries there are.
fn agreement(read: &ReadTransaction, meta: &Meta) -> u64 {
    let entries = read.open_table(ENTRIES).unwrap();
    let (mut live, mut rows) = (0, 0);
    let (mut bodies, mut expiry) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries.iter().unwrap() {
        let (id, row) = entry.unwrap();
        let (id, row) = (EntryId(*id.value()), row.value());
        let Header { body, expires_at, .. } = Header::decode(id, row).unwrap();
        assert!(body.id < meta.next_body, "a body's id is never given twice");
        let chunks = chunks(body.stored_length as usize);
        bodies.extend((0..chunks).map(|chunk| (body.id, chunk)));
        expiry.insert(expiry_key(expires_at, id));
        live += row.len() as u64 + 16 + 20 + u64::from(body.stored_length) + 12 * u64::from(chunks);
        rows += 1;
    }
    assert_eq!(entries.len().unwrap(), rows);
    assert_eq!((meta.copies, meta.live), (rows, live), "copies and live bytes");
    assert!(keys_of(read, EXPIRY, |key: &[u8; 20]| *key) == expiry, "rows of expiry");
    assert!(keys_of(read, BODIES, chunk_of) == bodies, "chunks of bodies");
    rows
}

fn keys_of<const N: usize, K: Ord>(
    read: &ReadTransaction,
    table: redb::TableDefinition<&'static [u8; N], &'static [u8]>,
    key: impl Fn(&[u8; N]) -> K,
) -> BTreeSet<K> {
    let table = read.open_table(table).unwrap();
    table.iter().unwrap().map(|row| key(row.unwrap().0.value())).collect()
}

fn chunk_of(key: &[u8; 12]) -> (u64, u32) {
    let (id, chunk) = key.split_at(8);
    (u64::from_be_bytes(id.try_into().unwrap()), u32::from_be_bytes(chunk.try_into().unwrap()))
}

fn breakers(read: &ReadTransaction) -> BTreeMap<String, Remembered> {
    let rows = list(&read.open_table(BREAKERS).unwrap()).unwrap();
    rows.into_iter().map(Result::unwrap).map(|row| (name(&row.level), row)).collect()
}

pub(super) fn name(level: &Level) -> String {
    match level {
        Level::Application => String::new(),
        Level::Path(path) => path.clone(),
    }
}
