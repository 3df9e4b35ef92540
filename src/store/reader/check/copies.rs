//! One copy with its other halves: header row, body, expiry row.

use super::super::super::change::New;
use super::super::super::entry::{Damage, Header};
use super::super::super::index::expiry_key;
use super::super::super::{body, lookup};
use super::walk::{Tables, walk};
use super::{Check, Flaw, Part, Stage, State};
use crate::key::{EntryId, Identity, Person, StoreKey};
use std::ops::Bound;

impl Check {
    pub(super) fn copies(
        &mut self,
        next: Bound<[u8; 16]>,
    ) -> Result<Option<Vec<Flaw>>, redb::Error> {
        let transaction = self.reader.begin()?;
        let tables = Tables::open(&transaction)?;
        let mut suspicious = Vec::new();
        let next = walk(&tables.entries, next, |id, row| {
            if self.take(&tables, EntryId(id), row)?.is_some() {
                suspicious.push(EntryId(id));
            }
            Ok(())
        })?;
        if next.is_none() {
            self.tally.compared = self.unreadable == 0 && State::of(&transaction)? == self.before;
        }
        drop((tables, transaction));
        self.stage = next.map_or(Stage::Expiry(Bound::Unbounded), Stage::Copies);
        Ok(Some(self.looked_at_again(suspicious)?))
    }

    /// Counts the copy and says what is wrong with it.
    fn take(
        &mut self,
        tables: &Tables,
        id: EntryId,
        row: &[u8],
    ) -> Result<Option<Wrong>, redb::Error> {
        self.tally.rows += 1;
        self.tally.copies += 1;
        let header = match Header::decode(id, row) {
            Ok(header) => header,
            Err(damage) => {
                self.unreadable += 1;
                return Ok(Some(damage.into()));
            }
        };
        self.bodies.insert(header.body.id, body::chunks(header.body.stored_length as usize));
        self.tally.stored_bytes += u64::from(header.body.stored_length);
        let (expires_at, body) = (header.expires_at, header.body.clone());
        self.live += New { row: row.to_vec(), expires_at, body, bytes: None }.weight();
        wrong_with(tables, id, &header)
    }

    fn looked_at_again(&self, suspicious: Vec<EntryId>) -> Result<Vec<Flaw>, redb::Error> {
        let mut flaws = Vec::new();
        for id in suspicious {
            let tables = Tables::open(&self.reader.begin()?)?;
            let Some(row) = tables.entries.get(&id.0)? else { continue };
            let wrong = match Header::decode(id, row.value()) {
                Ok(header) => wrong_with(&tables, id, &header)?,
                Err(damage) => Some(damage.into()),
            };
            flaws.extend(wrong.map(|wrong| wrong.with(id)));
        }
        Ok(flaws)
    }
}

/// Part and reason.
struct Wrong(Part, &'static str);

impl Wrong {
    fn with(self, id: EntryId) -> Flaw {
        Flaw { part: self.0, name: id.to_string(), reason: self.1.to_owned() }
    }
}

impl From<Damage> for Wrong {
    fn from(damage: Damage) -> Self {
        Self(Part::Copy, damage.as_str())
    }
}

/// What can be seen without the visitor's session: a sealed body is opened by nobody here.
fn wrong_with(tables: &Tables, id: EntryId, header: &Header) -> Result<Option<Wrong>, redb::Error> {
    if id_of(header) != id {
        return Ok(Some(Damage::OtherKey.into()));
    }
    if tables.expiry.get(&expiry_key(header.expires_at, id))?.is_none() {
        return Ok(Some(Wrong(Part::Expiry, "no expiry row")));
    }
    let length = header.body.stored_length as usize;
    let Some(stored) = body::read(&tables.bodies, header.body.id, length)? else {
        return Ok(Some(Wrong(Part::Copy, "body missing or of another length")));
    };
    let is_sealed = (header.head_nonce.is_some(), header.body.nonce.is_some());
    if !matches!(is_sealed, (true, true) | (false, false)) {
        return Ok(Some(Damage::Malformed.into()));
    }
    let opened = header.status().and(header.why()).and(lookup::unwrap(id, None, header, stored));
    Ok(opened.err().map(Wrong::from))
}

fn id_of(header: &Header) -> EntryId {
    // The seal is no part of an id.
    let person = |tag| Identity::Person(Person { tag, seal: [0; 32] });
    let identity = header.identity.map_or(Identity::Anonymous, person);
    StoreKey { place: header.place().into(), identity, variant: header.variant.clone() }.id()
}
