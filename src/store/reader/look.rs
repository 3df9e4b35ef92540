//! One copy, looked at: found by its id or by what its row says, and opened.
//!
//! A sealed copy opens for who says what its visitor brought, and for nobody else: the file alone
//! does not hold what it takes, so there is no other way, not even for the operator.

use super::super::entry::{Damage, Header};
use super::super::file::{ENTRIES, guarded};
use super::super::seal::Seal;
use super::super::trouble::Trouble;
use super::super::{Copy, lookup, meta};
use super::{Found, Reader, Row};
use crate::key::{EntryId, Person, Secret, Session};
use redb::TableError;
use std::collections::HashMap;
use std::ops::{Bound, RangeInclusive};

/// Everybody who may have brought what was said ([`Session`]), in the terms of one file.
#[derive(Default)]
pub struct People(HashMap<[u8; 16], Person>);

impl People {
    /// The copy was made for one of them.
    pub fn own(&self, row: &Row) -> bool {
        row.identity.is_some_and(|tag| self.0.contains_key(&tag))
    }
}

/// What came of opening a copy.
pub enum Look {
    Open(Box<Copy>),
    /// Made for a visitor who is none of those who ask.
    Sealed,
    /// Not what was written, and in what way.
    Damaged(&'static str),
    /// Not there; RETTER may have removed it a moment ago.
    Gone,
}

impl Reader {
    /// Who may have brought this to the application behind this file.
    pub fn people(&self, session: &Session) -> Result<People, Trouble> {
        let secret =
            guarded(|| -> Result<Option<Secret>, redb::Error> { meta::secret(&self.begin()?) })?;
        Ok(secret.map(|secret| People(session.people(&secret))).unwrap_or_default())
    }

    /// The first `most` rows whose id is in `ids` and that are wanted, read in short transactions.
    pub fn find(
        &mut self,
        ids: RangeInclusive<EntryId>,
        most: usize,
        is_wanted: impl Fn(&Found) -> bool,
    ) -> Result<Vec<Found>, Trouble> {
        (self.next, self.last) = (Bound::Included(ids.start().0), Bound::Included(ids.end().0));
        let mut found = Vec::new();
        loop {
            let rows = self.rows()?;
            if rows.is_empty() || found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
            found.extend(rows.into_iter().filter(&is_wanted));
        }
    }

    /// The whole copy, for everybody if it was made for nobody in particular, otherwise for its
    /// own visitor. Every checksum is verified, as before serving it.
    pub fn look(&self, id: EntryId, people: &People) -> Result<Look, Trouble> {
        let fetched = guarded(|| self.fetch(id))?;
        let looked = match fetched {
            None => return Ok(Look::Gone),
            Some(Ok((header, stored))) => open(id, &header, stored, people),
            Some(Err(damage)) => Err(damage),
        };
        Ok(looked.unwrap_or_else(|damage| Look::Damaged(damage.as_str())))
    }

    /// Row and stored body, of one moment.
    fn fetch(&self, id: EntryId) -> Result<Option<Fetched>, redb::Error> {
        let transaction = self.begin()?;
        let table = match transaction.open_table(ENTRIES) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let Some(row) = table.get(&id.0)?.map(|row| row.value().to_vec()) else {
            return Ok(None);
        };
        let fetched = match Header::decode(id, &row) {
            Err(damage) => Err(damage),
            Ok(header) => {
                lookup::stored_body(&transaction, &header)?.map(|stored| (header, stored))
            }
        };
        Ok(Some(fetched))
    }
}

type Fetched = Result<(Header, Vec<u8>), Damage>;

fn open(id: EntryId, header: &Header, stored: Vec<u8>, people: &People) -> Result<Look, Damage> {
    let person = header.identity.and_then(|tag| people.0.get(&tag));
    if header.head_nonce.is_some() && person.is_none() {
        return Ok(Look::Sealed);
    }
    let seal = person.map(|person| Seal(&person.seal));
    // The right visitor's seal that does not fit: the bytes are not what was sealed.
    let copy = lookup::unwrap(id, seal, header, stored)?.ok_or(Damage::Body)?;
    Ok(Look::Open(Box::new(copy)))
}
